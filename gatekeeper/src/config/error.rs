//! The errors of the configuration.

use std::io;
use std::path::PathBuf;

use super::PATH;

/// A configuration that can't be used, and the help.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there.
    #[error(
        "{path}: there is no such file: name the one there is, or leave --config out for {PATH}, or for the defaults where that is not there",
        path = path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file can't be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The file has a mistake.
    #[error("{path}:{line}:{column}: {message}", path = path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Line, from 1.
        line: usize,
        /// Column in characters, from 1.
        column: usize,
        /// The mistake, and the help.
        message: String,
    },
}
