//! The settings of the trail.

use std::path::PathBuf;

use crate::export::setting::Export;
use crate::log::writer::Options;

/// The settings of the trail: its folder, its limits, its exports.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of state; the trail lies in it.
    pub state: PathBuf,
    /// The limits within which the log is kept.
    pub log: Options,
    /// Patterns of secrets besides the built-in ones; the secret part is the group `s`.
    pub secrets: Vec<String>,
    /// The exports of records.
    pub exports: Vec<Export>,
    /// Events kept in memory for followers.
    pub events_in_memory: usize,
}

impl Settings {
    /// The usual ones, for a state folder.
    #[must_use]
    pub fn usual(state: PathBuf) -> Self {
        Self {
            state,
            log: Options::default(),
            secrets: Vec::new(),
            exports: Vec::new(),
            events_in_memory: 20_000,
        }
    }
}
