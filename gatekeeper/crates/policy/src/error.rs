//! The error that a policy's author reads: the place, the problem and the help.

use serde::Serialize;

/// A policy refused: one place, one sentence, one help.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{}{problem}\n  help: {help}", place(file, *line, *column))]
pub struct PolicyError {
    /// The file, as it was named.
    pub file: String,
    /// Line, from 1; 0 where the whole file is meant.
    pub line: usize,
    /// Column in characters, from 1; 0 where the whole file is meant.
    pub column: usize,
    /// The problem, in one sentence.
    pub problem: String,
    /// The way to correct it.
    pub help: String,
}

/// A problem that knows its help. Each module has its own; [`crate::source::Source`] adds the place.
pub trait Help: std::fmt::Display {
    /// The way to correct it, in one sentence.
    fn help(&self) -> String;
}

impl PolicyError {
    /// An error about a file as a whole.
    #[must_use]
    pub fn whole(file: &str, problem: impl Into<String>, help: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line: 0, column: 0, problem: problem.into(), help: help.into() }
    }

    /// A problem with a file as a whole.
    #[must_use]
    pub fn problem(file: &str, problem: &impl Help) -> Self {
        Self::whole(file, problem.to_string(), problem.help())
    }
}

fn place(file: &str, line: usize, column: usize) -> String {
    match (file, line) {
        ("", _) => String::new(),
        (_, 0) => format!("{file}: "),
        _ => format!("{file}:{line}:{column}: "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_a_compiler_message() {
        let mut error = PolicyError::whole("a.toml", "it is wrong", "right it");
        assert_eq!(error.to_string(), "a.toml: it is wrong\n  help: right it");
        (error.line, error.column) = (3, 7);
        assert_eq!(error.to_string(), "a.toml:3:7: it is wrong\n  help: right it");
    }
}
