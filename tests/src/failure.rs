//! Causes of failure that decide whether a test may be tried once more.

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

/// Fails, for good, where something passed that must not: where the condition does not hold.
pub fn must_not_pass(holds: bool, otherwise: impl Into<String>) -> Result<()> {
    if holds { Ok(()) } else { Err(Breach(otherwise.into()).into()) }
}

/// Something did not come in time.
#[derive(Debug)]
pub struct Late {
    /// The event that was waited for.
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
