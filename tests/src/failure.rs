//! Why a test failed, where that decides whether it may be tried once more.

use std::fmt;
use std::time::Duration;

use anyhow::Result;

/// Something happened that must never happen: that is final, however rarely it does.
#[derive(Debug)]
pub struct Breach(String);

impl fmt::Display for Breach {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(to)
    }
}

impl std::error::Error for Breach {}

/// Fails, for good, where what must be shut was not.
pub fn sealed(is_sealed: bool, otherwise: impl Into<String>) -> Result<()> {
    if is_sealed { Ok(()) } else { Err(Breach(otherwise.into()).into()) }
}

/// Something did not come in time.
#[derive(Debug)]
pub struct Late {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub limit: Duration,
}

impl fmt::Display for Late {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} did not come within {} s", self.what, self.limit.as_secs())
    }
}

impl std::error::Error for Late {}
