//! Refusals: why a request is not carried out, and what helps.

use serde::{Deserialize, Serialize};

/// The reason for a refusal, as a closed list for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The request makes no sense.
    Malformed,
    /// The caller may not ask this.
    Forbidden,
    /// A limit is reached.
    Limit,
    /// The policy is wrong or missing.
    Policy,
    /// From the caller's mount namespace, no session can be opened.
    Namespace,
    /// The kernel side does not enforce.
    NotEnforcing,
    /// There is no such thing, or not any more.
    NotFound,
    /// Something failed.
    Failed,
}

/// A refusal: what, and the help.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}{help}", help = .help.as_ref().map(|help| format!("\n  {help}")).unwrap_or_default())]
pub struct Refusal {
    /// For programs.
    pub reason: Reason,
    /// For people.
    pub message: String,
    /// The command or the change that solves it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

impl Refusal {
    /// A refusal without a help.
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), help: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }
}

/// Turns an error into a refusal for this reason.
pub fn refuse<E: std::fmt::Display>(reason: Reason) -> impl FnOnce(E) -> Refusal {
    move |error| Refusal::new(reason, error.to_string())
}
