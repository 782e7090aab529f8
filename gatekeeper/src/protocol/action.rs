//! An action that a tool call would take, as far as it can be foreseen.

use gatekeeper_common::operation::Operation;
use gatekeeper_policy::explain::{Question, Start};
use serde::{Deserialize, Serialize};

/// Actions foreseen of one tool call, at most.
pub const ACTIONS: usize = 64;
/// Bytes of all their words, at most.
pub const BYTES: usize = 64 << 10;

/// An action that a tool call would take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Start a program.
    Exec {
        /// Its real path.
        program: String,
        /// Its arguments, the name it is called by first.
        argv: Vec<String>,
        /// Names of the variables in its environment.
        env: Vec<String>,
    },
    /// Use a file.
    File {
        /// Its real path.
        path: String,
        /// The kind of access.
        access: Access,
    },
}

/// The way a file is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Reading.
    Read,
    /// Writing a file that exists.
    Write,
    /// Making the file.
    Create,
    /// Removing the file.
    Delete,
}

impl Action {
    /// Bytes of its words.
    #[must_use]
    pub fn size(&self) -> usize {
        match self {
            Self::Exec { program, argv, env } => {
                program.len() + argv.iter().chain(env).map(|word| word.len() + 1).sum::<usize>()
            }
            Self::File { path, .. } => path.len(),
        }
    }

    /// The question to a policy.
    #[must_use]
    pub fn question(&self) -> Question {
        let bytes = |words: &[String]| words.iter().map(|word| word.clone().into_bytes()).collect();
        match self {
            Self::Exec { program, argv, env } => Question::Exec(Start {
                program: program.clone().into_bytes(),
                argv: bytes(argv),
                env: bytes(env),
                setuid: false,
                memory: 0,
            }),
            Self::File { path, access } => {
                let operation = match access {
                    Access::Read => Operation::Read,
                    Access::Write => Operation::Write,
                    Access::Create => Operation::Create,
                    Access::Delete => Operation::Delete,
                };
                Question::File(path.clone().into_bytes(), vec![operation])
            }
        }
    }

    /// The object of the action, for people.
    #[must_use]
    pub fn object(&self) -> &str {
        match self {
            Self::Exec { program: path, .. } | Self::File { path, .. } => path,
        }
    }
}
