//! The common crate's enums as the words people know.

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};

macro_rules! words {
    ($module:ident, $kind:ty, $word:expr, $read:expr) => {
        #[doc = concat!("[`", stringify!($kind), "`] as a word.")]
        pub mod $module {
            use super::*;
            use serde::{Deserialize, Deserializer, Serializer};

            /// Writes the word.
            ///
            /// # Errors
            /// Those of the serializer.
            pub fn serialize<S: Serializer>(value: &$kind, serializer: S) -> Result<S::Ok, S::Error> {
                let word: fn($kind) -> &'static str = $word;
                serializer.serialize_str(word(*value))
            }

            /// Reads the word.
            ///
            /// # Errors
            /// Where there is no such word, and those of the deserializer.
            pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$kind, D::Error> {
                let found = String::deserialize(deserializer)?;
                let read: fn(&str) -> Option<$kind> = $read;
                read(&found).ok_or_else(|| serde::de::Error::custom(format!("unknown word \"{found}\"")))
            }
        }
    };
}

words!(verdict, Verdict, Verdict::name, read_verdict);
words!(operation, Operation, Operation::name, read_operation);
words!(cause, Cause, cause_word, read_cause);
words!(protocol, Protocol, protocol_word, read_protocol);

fn read_verdict(word: &str) -> Option<Verdict> {
    Verdict::ALL.into_iter().find(|verdict| verdict.name() == word)
}

fn read_operation(word: &str) -> Option<Operation> {
    Operation::ALL.into_iter().find(|operation| operation.name() == word)
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
        Cause::CantHold => "not_holdable",
        Cause::TooManyHolds => "too_many_holds",
        Cause::Changed => "changed",
    }
}

/// The cause that a word stands for, in this version's words or an earlier one's.
#[must_use]
pub fn read_cause(word: &str) -> Option<Cause> {
    match word {
        "cant_hold" => Some(Cause::CantHold),
        _ => Cause::ALL.into_iter().find(|cause| cause_word(*cause) == word),
    }
}

/// The protocol that a word stands for.
#[must_use]
pub fn read_protocol(word: &str) -> Option<Protocol> {
    [Protocol::Tcp, Protocol::Udp, Protocol::Other]
        .into_iter()
        .find(|protocol| protocol_word(*protocol) == word)
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
