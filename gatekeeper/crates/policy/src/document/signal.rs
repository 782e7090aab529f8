//! `[[signal]]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::head::rule_table;

/// A signal as written: `"TERM"`, `"SIGKILL"`, `"RTMIN+3"`, `10`.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum SignalWord {
    /// By name.
    Name(String),
    /// By number.
    Number(i64),
}

// By hand, because serde's untagged enums lose the message.
impl<'de> Deserialize<'de> for SignalWord {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = SignalWord;
            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a signal's name or number")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<SignalWord, E> {
                Ok(SignalWord::Name(name.to_owned()))
            }
            fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<SignalWord, E> {
                Ok(SignalWord::Number(number))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

rule_table! {
    /// A rule about signals to processes outside the session.
    "signal" SignalRule {
        /// Patterns of the real path of the program that the target runs.
        #[schemars(with = "Vec<String>", length(min = 1))]
        pub program: Spanned<Vec<Spanned<String>>>,
        /// The signals that the rule applies to; left out: all.
        #[schemars(with = "Option<Vec<SignalWord>>", length(min = 1))]
        pub signal: Option<Spanned<Vec<Spanned<SignalWord>>>>,
    }
}
