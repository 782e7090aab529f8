//! `[[test]]` as written.

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::file::Access;
use super::head::Word;
use super::net::{ProtocolWord, Reach};
use super::signal::SignalWord;

/// One question and the answer the policy must give. Exactly one of `exec`, `file`, `net`, `unix`,
/// `abstract`, `signal` and `capability`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TestTable {
    /// A program's path and its arguments.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub exec: Option<Spanned<Vec<String>>>,
    /// With `exec`: the name that the program is called by (`argv[0]`); left out: its path.
    pub argv0: Option<String>,
    /// With `exec`: names of environment variables that are set.
    #[schemars(with = "Option<Vec<String>>", length(min = 1))]
    pub env: Option<Spanned<Vec<String>>>,
    /// With `exec`: whether the program changes who runs it; left out: no.
    pub setuid: Option<bool>,
    /// A file's path.
    #[schemars(with = "Option<String>")]
    pub file: Option<Spanned<String>>,
    /// The use of the file: one access, or a list that is judged together.
    #[schemars(with = "Option<OneOrMany>")]
    pub access: Option<Spanned<OneOrMany>>,
    /// An address and a port: `93.184.216.34:443`, `[::1]:80`.
    #[schemars(with = "Option<String>")]
    pub net: Option<Spanned<String>>,
    /// With `net`: the protocol; left out: tcp.
    pub protocol: Option<ProtocolWord>,
    /// The path of a UNIX socket.
    #[schemars(with = "Option<String>")]
    pub unix: Option<Spanned<String>>,
    /// The abstract name of a UNIX socket.
    #[serde(rename = "abstract")]
    #[schemars(with = "Option<String>")]
    pub name: Option<Spanned<String>>,
    /// With `net`, `unix` and `abstract`: the operation; left out: connect.
    pub operation: Option<Reach>,
    /// A signal, to a process outside the session.
    #[schemars(with = "Option<SignalWord>")]
    pub signal: Option<Spanned<SignalWord>>,
    /// With `signal`: the program that the target runs.
    #[schemars(with = "Option<String>")]
    pub program: Option<Spanned<String>>,
    /// A capability.
    #[schemars(with = "Option<String>")]
    pub capability: Option<Spanned<String>>,
    /// The verdict the policy must give.
    pub expect: Word,
}

/// One access or several.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany {
    /// A single word.
    One(Access),
    /// A list.
    Many(Vec<Access>),
}

impl OneOrMany {
    /// As a list.
    #[must_use]
    pub fn as_slice(&self) -> &[Access] {
        match self {
            Self::One(access) => std::slice::from_ref(access),
            Self::Many(list) => list,
        }
    }
}

// By hand, because serde's untagged enums lose the message of the branch that was meant.
impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = OneOrMany;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("an access or a list of accesses")
            }
            fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<OneOrMany, E> {
                Access::deserialize(serde::de::value::StrDeserializer::new(word)).map(OneOrMany::One)
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, list: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(serde::de::value::SeqAccessDeserializer::new(list)).map(OneOrMany::Many)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
