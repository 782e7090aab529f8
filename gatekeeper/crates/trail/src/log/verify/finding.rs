//! What verifying can find.

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
    /// What.
    pub what: String,
}

impl Finding {
    /// About a record.
    pub fn record(record: u64, what: impl Into<String>) -> Self {
        Self { record: Some(record), to: None, file: None, what: what.into() }
    }

    /// About one or more of the records `from..=to`.
    pub fn among(from: u64, to: u64, what: impl Into<String>) -> Self {
        Self { record: Some(from), to: Some(to).filter(|to| *to != from), file: None, what: what.into() }
    }

    /// About a file.
    pub fn file(file: &str, what: impl Into<String>) -> Self {
        Self { record: None, to: None, file: Some(file.to_owned()), what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.file, self.record, self.to) {
            (Some(file), ..) => write!(f, "{file}: {}", self.what),
            (None, Some(from), Some(to)) => write!(f, "among records {from} to {to}: {}", self.what),
            (None, Some(record), None) => write!(f, "record {record}: {}", self.what),
            (None, None, _) => f.write_str(&self.what),
        }
    }
}
