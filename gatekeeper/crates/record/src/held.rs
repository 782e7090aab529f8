//! A hold as people and programs are shown it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::check::{CheckVerdict, Checked};
use crate::decision::{HoldId, Person};
use crate::event::Event;
use gatekeeper_policy::approval::Terms;

/// A hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Its number.
    pub hold: HoldId,
    /// The operation: who asks what of which object, by which rule, and since when.
    pub event: Event,
    /// The arguments of the program that is to start, exactly as they are but for bytes that are not UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Vec<String>>,
    /// The working directory of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<PathBuf>,
    /// Login name of the session's owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_name: Option<String>,
    /// Seconds until it is denied.
    pub seconds_left: u64,
    /// On what terms it is decided.
    pub terms: Terms,
    /// The people who have approved so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_by: Vec<Person>,
    /// The answers of checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Checked>,
    /// The number of operations that were denied and shown to nobody, where its session asks too often.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flood_denied: Option<u64>,
}
