//! Answers of checks, which are asked before people are.

use serde::{Deserialize, Serialize};

/// The answer of a check. The fields stand in the order of their names, as all that is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// The check, as the policy names it.
    pub check: String,
    /// The reason, in its words.
    #[serde(default, alias = "why", skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Its answer.
    #[serde(alias = "says")]
    pub verdict: CheckVerdict,
}

/// An answer that a check can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckVerdict {
    /// It may pass, and nobody needs to be asked.
    Allow,
    /// A person has to decide.
    Ask,
    /// It may not pass.
    Deny,
}
