//! Objects of operations.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use serde::{Deserialize, Serialize};

use crate::words::{self, protocol_word};

/// The object of an operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Object {
    /// Nothing that has a name.
    None,
    /// A file.
    File {
        /// Its path as the kernel sees it.
        path: String,
        /// The path's bytes in hexadecimal, where they are not UTF-8 and `path` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        path_hex: Option<String>,
        /// The path seen from the workspace, where it lies in there.
        #[serde(default, alias = "in_workspace", skip_serializing_if = "Option::is_none")]
        workspace_path: Option<String>,
        /// Device number, `major << 20 | minor`; 0 where the file does not exist yet.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        device: u64,
        /// Inode number; 0 where the file does not exist yet.
        #[serde(default, skip_serializing_if = "is_zero_u64")]
        inode: u64,
    },
    /// An address on the network.
    Address {
        /// Address and port.
        address: SocketAddr,
        /// The protocol.
        #[serde(with = "words::protocol")]
        protocol: Protocol,
    },
    /// A UNIX socket.
    Unix {
        /// Its path, or `@` and its abstract name; empty where it has neither.
        name: String,
        /// The bytes of path or name in hexadecimal, where they are not UTF-8 and `name` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name_hex: Option<String>,
    },
    /// A process outside the session.
    Process {
        /// Its process id.
        pid: u32,
        /// The path of the program it runs.
        program: String,
        /// The path's bytes in hexadecimal, where they are not UTF-8 and `program` only comes near.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        program_hex: Option<String>,
        /// The signal it was sent, by name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        signal: Option<String>,
    },
    /// The arguments of the program that an exec started.
    Arguments {
        /// As many as the event holds, the name it is called by first.
        arguments: Vec<String>,
        /// Their count, with those that the event does not hold.
        count: u32,
        /// Bytes that found no room in the event.
        #[serde(default, alias = "missing", skip_serializing_if = "is_zero_u64")]
        missing_bytes: u64,
    },
    /// A capability.
    Capability {
        /// Its name, as in capabilities(7).
        name: String,
    },
}

impl Object {
    /// In a few words, for people; empty where it is nothing.
    #[must_use]
    pub fn brief(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::File { workspace_path: Some(path), .. } => format!("./{path}"),
            Self::Address { address, protocol } => format!("{}/{address}", protocol_word(*protocol)),
            Self::Unix { name, .. } if name.is_empty() => "a socket without a name".to_owned(),
            Self::File { path: name, .. } | Self::Unix { name, .. } | Self::Capability { name } => {
                name.clone()
            }
            Self::Process { pid, program, signal, .. } => {
                let signal = signal.as_deref().map(|signal| format!("{signal} to ")).unwrap_or_default();
                format!("{signal}{program}[{pid}]")
            }
            Self::Arguments { arguments, count, missing_bytes } => {
                let cut = if *missing_bytes > 0 { format!(" … ({count} in all)") } else { String::new() };
                format!("{}{cut}", arguments.join(" "))
            }
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero_u64(number: &u64) -> bool {
    *number == 0
}
