//! The common crate's enums as the words people know.

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};

macro_rules! words {
    ($module:ident, $kind:ty, $word:expr) => {
        #[doc = concat!("[`", stringify!($kind), "`] as a word.")]
        pub mod $module {
            use super::*;
            use serde::{Deserialize, Deserializer, Serializer};

            /// Writes the word.
            pub fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                let word: fn($kind) -> &'static str = $word;
                serializer.serialize_str(word(*value))
            }

            /// Reads the word.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                let found = String::deserialize(deserializer)?;
                let word: fn($kind) -> &'static str = $word;
                super::all::$module()
                    .iter()
                    .copied()
                    .find(|value| word(*value) == found)
                    .ok_or_else(|| serde::de::Error::custom(format!("unknown word \"{found}\"")))
            }
        }
    };
}

words!(verdict, Verdict, |verdict| verdict.name());
words!(operation, Operation, |operation| operation.name());
words!(cause, Cause, cause_word);
words!(protocol, Protocol, protocol_word);

mod all {
    use super::{Cause, Operation, Protocol, Verdict};

    pub fn verdict() -> &'static [Verdict] {
        &Verdict::ALL
    }
    pub fn operation() -> &'static [Operation] {
        &Operation::ALL
    }
    pub fn cause() -> &'static [Cause] {
        &Cause::ALL
    }
    pub fn protocol() -> &'static [Protocol] {
        &[Protocol::Tcp, Protocol::Udp, Protocol::Other]
    }
}

/// A cause as one word for programs; [`Cause::text`] is for people and may change.
#[must_use]
pub fn cause_word(cause: Cause) -> &'static str {
    match cause {
        Cause::Policy => "policy",
        Cause::Held => "held",
        Cause::TooDeep => "too_deep",
        Cause::TooLong => "too_long",
        Cause::Detached => "detached",
        Cause::Unreadable => "unreadable",
        Cause::AddressFamily => "address_family",
        Cause::ShortAddress => "short_address",
        Cause::NoPolicy => "no_policy",
        Cause::Corrupt => "corrupt",
        Cause::NoMemory => "no_memory",
        Cause::TooManyLayers => "too_many_layers",
        Cause::Builtin => "builtin",
        Cause::Arguments => "arguments",
        Cause::Unrecorded => "unrecorded",
        Cause::Decided => "decided",
        Cause::CantHold => "cant_hold",
        Cause::TooManyHolds => "too_many_holds",
        Cause::Changed => "changed",
    }
}

/// A protocol's word.
#[must_use]
pub fn protocol_word(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Other => "other",
    }
}
