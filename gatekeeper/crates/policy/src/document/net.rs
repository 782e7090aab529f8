//! `[[net]]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::operation::Operation;

use super::head::rule_table;

/// One way to use an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Connect a socket to it.
    Connect,
    /// Bind a socket to it.
    Bind,
    /// Send to it (UDP, TCP fast open).
    Send,
    /// Let others connect to a socket that has it.
    Listen,
    /// Take a connection on a socket that has it.
    Accept,
}

impl From<Reach> for Operation {
    fn from(reach: Reach) -> Self {
        match reach {
            Reach::Connect => Self::Connect,
            Reach::Bind => Self::Bind,
            Reach::Send => Self::Send,
            Reach::Listen => Self::Listen,
            Reach::Accept => Self::Accept,
        }
    }
}

/// A protocol as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProtocolWord {
    /// TCP, and MPTCP.
    Tcp,
    /// UDP.
    Udp,
    /// Those and every other.
    Any,
}

rule_table! {
    /// A rule about addresses.
    "net" NetRule {
        /// Addresses: `10.0.0.0/8`, `127.0.0.1:5432`, `[2001:db8::/32]:1-1024`, `*:53`.
        #[schemars(with = "Vec<String>", length(min = 1))]
        pub to: Spanned<Vec<Spanned<String>>>,
        /// The protocol that the rule applies to; left out: any.
        pub protocol: Option<ProtocolWord>,
        /// The operations that the rule applies to; left out: all.
        #[schemars(with = "Option<Vec<Reach>>", length(min = 1))]
        pub operation: Option<Spanned<Vec<Reach>>>,
    }
}
