//! `[[unix]]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::operation::Operation;

use super::head::rule_table;

/// One way to use a UNIX socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnixReach {
    /// Connect to it.
    Connect,
    /// Give a socket its name.
    Bind,
    /// Send it a datagram.
    Send,
}

impl From<UnixReach> for Operation {
    fn from(reach: UnixReach) -> Self {
        match reach {
            UnixReach::Connect => Self::UnixConnect,
            UnixReach::Bind => Self::UnixBind,
            UnixReach::Send => Self::UnixSend,
        }
    }
}

rule_table! {
    /// A rule about UNIX sockets; at least one of `path` and `abstract`.
    "unix" UnixRule {
        /// Patterns of the real path of the socket's file.
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub path: Option<Spanned<Vec<Spanned<String>>>>,
        /// Patterns of abstract names, in which `/` is a byte like others.
        #[serde(rename = "abstract")]
        #[schemars(with = "Option<Vec<String>>", length(min = 1))]
        pub names: Option<Spanned<Vec<Spanned<String>>>>,
        /// The operations that the rule applies to; left out: all.
        #[schemars(with = "Option<Vec<UnixReach>>", length(min = 1))]
        pub operation: Option<Spanned<Vec<UnixReach>>>,
    }
}
