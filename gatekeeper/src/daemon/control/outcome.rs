//! The outcome of answering a request.

use std::io;

use gatekeeper_record::refusal::Refusal;

/// A connection that broke, or a refusal that can still be sent, or everything answered.
pub type Outcome = io::Result<Result<(), Refusal>>;
