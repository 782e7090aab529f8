//! Findings of verifying.

use std::fmt;

use serde::Serialize;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The first record it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<u64>,
    /// The last record it may concern, where that is not the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,
    /// The file it is about, where it is about no record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The problem, for people.
    pub problem: String,
}

impl Finding {
    /// About a record.
    pub fn record(record: u64, problem: impl Into<String>) -> Self {
        Self { record: Some(record), to: None, file: None, problem: problem.into() }
    }

    /// About one or more of the records `from..=to`.
    pub fn among(from: u64, to: u64, problem: impl Into<String>) -> Self {
        Self {
            record: Some(from),
            to: Some(to).filter(|to| *to != from),
            file: None,
            problem: problem.into(),
        }
    }

    /// About a file.
    pub fn file(file: &str, problem: impl Into<String>) -> Self {
        Self { record: None, to: None, file: Some(file.to_owned()), problem: problem.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.record, self.to) {
            (Some(file), ..) => write!(f, "{file}: {}", self.problem),
            (None, Some(from), Some(to)) => write!(f, "among records {from} to {to}: {}", self.problem),
            (None, Some(record), None) => write!(f, "record {record}: {}", self.problem),
            (None, None, _) => f.write_str(&self.problem),
        }
    }
}
