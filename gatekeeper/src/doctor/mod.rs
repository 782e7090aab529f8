//! This machine: whether the kernel can keep a policy, and what to change where it can't.

mod checks;
mod distribution;

use serde::Serialize;

use crate::config::Config;
use gatekeeper_kernel::{KernelError, probe};

pub use distribution::Distribution;

/// Result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckStatus {
    /// All is as it must be.
    Pass,
    /// It can work, or can't be seen from here.
    Warn,
    /// It can't work.
    Fail,
}

/// One thing looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Name of the check, in a word for programs.
    pub check: &'static str,
    /// Result of the check.
    pub status: CheckStatus,
    /// Result, in words.
    pub detail: String,
    /// Advice for the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Finding {
    fn good(check: &'static str, detail: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::Pass, detail: detail.into(), help: None }
    }

    fn warn(check: &'static str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::Warn, detail: detail.into(), help: Some(help.into()) }
    }

    fn bad(check: &'static str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self { check, status: CheckStatus::Fail, detail: detail.into(), help: Some(help.into()) }
    }
}

/// Loads the programs beside those of a running daemon, has a canary prove them, and takes them away.
#[must_use]
pub fn try_out(config: &Config) -> Finding {
    let program = std::env::current_exe().map_err(KernelError::call("finding this program's file"));
    let bpffs = config.pins.parent().unwrap_or(&config.pins);
    match program.and_then(|program| probe(bpffs, &config.cgroup, &program)) {
        Ok(()) => Finding::good("probe", "every hook refuses the test operations"),
        Err(error) => Finding::bad("probe", error.to_string(), "help what is bad above, then try again"),
    }
}

/// Examines this machine. Changes nothing and needs no daemon.
#[must_use]
pub fn examine() -> Vec<Finding> {
    checks::all(Distribution::here())
}
