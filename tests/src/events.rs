//! Events as programs read them, and what tests expect of them.

use anyhow::{Result, bail};
use serde_json::Value;

use crate::world::{World, until};

/// A denial that must have been recorded.
#[derive(Clone, Debug)]
pub struct Denial {
    operation: &'static str,
    object: Option<String>,
    reason: Option<String>,
    cause: Option<&'static str>,
}

impl Denial {
    /// Of a file or an address, for the reason a rule gives.
    pub fn of(operation: &'static str, object: impl Into<String>, reason: &str) -> Self {
        Self { operation, object: Some(object.into()), reason: Some(reason.to_owned()), cause: None }
    }

    /// For a cause that no rule gives; of what has no name.
    pub fn for_cause(operation: &'static str, cause: &'static str) -> Self {
        Self { operation, object: None, reason: None, cause: Some(cause) }
    }

    fn is(&self, event: &Value) -> bool {
        event["verdict"] == "deny"
            && event["passed"] == false
            && event["operation"] == self.operation
            && self.object.as_ref().is_none_or(|object| object_of(event).as_ref() == Some(object))
            && self.reason.as_ref().is_none_or(|reason| event["reason"] == reason.as_str())
            && self.cause.is_none_or(|cause| event["cause"] == cause)
    }
}

/// A file's path, an address, a name, a process's program; nothing where an event has none.
pub fn object_of(event: &Value) -> Option<String> {
    let object = &event["object"];
    let of = |key: &str| object[key].as_str().map(str::to_owned);
    ["path", "address", "name", "program"].iter().find_map(|key| of(key))
}

impl World {
    /// The events of a session, oldest first.
    pub fn events(&self, session: &str) -> Result<Vec<Value>> {
        let mut records = self.ask_json(&["events", "--json", "--session", session])?;
        records.retain(|record| record["type"] == "event");
        Ok(records)
    }

    /// Checks that a session has an event of each of these denials.
    pub fn expect(&self, session: &str, denials: &[Denial]) -> Result<()> {
        let mut missing = Vec::new();
        let found = until("the events", || {
            let events = self.events(session)?;
            missing = denials
                .iter()
                .filter(|denial| !events.iter().any(|event| denial.is(event)))
                .cloned()
                .collect();
            Ok(missing.is_empty().then_some(()))
        });
        if found.is_ok() {
            return Ok(());
        }
        let events = self.events(session)?;
        let refused: Vec<String> =
            events.iter().filter(|event| event["passed"] == false).map(brief).collect();
        bail!("no event of {missing:?}; the refusals are {refused:?}")
    }

    /// Checks that a session has no refusal but these.
    pub fn expect_no_other(&self, session: &str, denials: &[Denial]) -> Result<()> {
        let other =
            |event: &&Value| event["passed"] == false && !denials.iter().any(|denial| denial.is(event));
        let events = self.events(session)?;
        let refused: Vec<String> = events.iter().filter(other).map(brief).collect();
        if refused.is_empty() { Ok(()) } else { bail!("refused beyond what was expected: {refused:?}") }
    }
}

/// An event in a few words.
pub fn brief(event: &Value) -> String {
    let word = |key: &str| event[key].as_str().unwrap_or("-").to_owned();
    let object = object_of(event).unwrap_or_else(|| "-".into());
    format!("{} {object} ({}, {})", word("operation"), word("cause"), word("reason"))
}
