//! The places that records go to, and how they are.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::reader::Batch;

/// The reason why records were not taken.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct SendError {
    /// For people.
    pub(super) message: String,
    /// The time for which the other end wants to be left alone.
    pub(super) wait: Option<Duration>,
}

impl SendError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), wait: None }
    }

    /// Returns for how long the other end wants to be left alone.
    #[must_use]
    pub fn wait(&self) -> Option<Duration> {
        self.wait
    }

    pub(super) fn at(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::new(format!("{what}: {error}"))
    }
}

/// A place that records go to.
pub trait Sink: Send {
    /// Sends records; how many of them, from the first, the other end has taken. At least one, or it is an error.
    fn send(&mut self, batch: &Batch) -> Result<usize, SendError>;

    /// Of the records just taken, how many the other end rejected.
    fn rejected(&self) -> u64 {
        0
    }

    /// Returns the mark that the cursor keeps for the sink.
    fn mark(&self) -> Option<Mark> {
        None
    }
}

/// A file, and its length when the cursor was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub(super) inode: u64,
    pub(super) bytes: u64,
}

/// The state of an export, for `gatekeeper status`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportState {
    /// Its name.
    pub name: String,
    /// The kind of its target.
    pub kind: String,
    /// The number of the next record to be sent.
    pub next: u64,
    /// Records in the trail that are still to be sent.
    pub lag: u64,
    /// Records that the trail had let go before they could be sent.
    pub missed: u64,
    /// Records that the other end rejected.
    pub rejected: u64,
    /// The reason why the last attempt failed, if it did.
    pub error: Option<String>,
}
