//! `[[file]]` as written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toml::Spanned;

use gatekeeper_common::operation::Operation;

use super::head::rule_table;

/// One way to use a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// Open for reading; for a directory, list it.
    Read,
    /// Open for writing, truncation included.
    Write,
    /// Make it.
    Create,
    /// Remove it.
    Delete,
    /// Rename it, or give another file its name.
    Rename,
    /// Make a hard link to it, or of its name.
    Link,
    /// Change mode, owner, times or extended attributes.
    Metadata,
    /// Map it into memory as executable: a shared library.
    Map,
}

impl From<Access> for Operation {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Read,
            Access::Write => Self::Write,
            Access::Create => Self::Create,
            Access::Delete => Self::Delete,
            Access::Rename => Self::Rename,
            Access::Link => Self::Link,
            Access::Metadata => Self::Metadata,
            Access::Map => Self::Map,
        }
    }
}

rule_table! {
    /// A rule about files.
    "file" FileRule {
        /// Patterns of the file's real path.
        #[schemars(with = "Vec<String>", length(min = 1))]
        pub path: Spanned<Vec<Spanned<String>>>,
        /// The accesses that the rule applies to; left out: all.
        #[schemars(with = "Option<Vec<Access>>", length(min = 1))]
        pub access: Option<Spanned<Vec<Access>>>,
    }
}
