//! The stored form of a record: one event of the Open Cybersecurity Schema Framework 1.9.0
//! (<https://schema.ocsf.io>), one JSON object a line.
//!
//! The fields of every structure stand in the order of their names, so that what serde writes is already
//! the canonical form of RFC 8785, over which fingerprints are made. A test keeps it so.

mod actor;
mod assistant_report;
mod base;
mod event;
mod integrity;
mod line;
mod notes;
mod objects;
mod read;
#[cfg(any(test, feature = "testing"))]
#[expect(clippy::unwrap_used, reason = "samples for tests, here and in the crates above")]
pub mod samples;
#[cfg(test)]
mod tests;
mod text;
mod unmapped;
mod write;

pub use actor::{Actor, Container, Process, ProcessEntity, Session, User};
pub use base::{Link, Machine, Place};
pub use integrity::{Attestation, Fingerprint, Metadata, PrevEvent, Product};
pub use line::{LOG_VERSION, Line, VERSION};
pub use objects::{
    Agent, Api, Connection, Device, Endpoint, Entity, Feature, File, KernelObject, MessageContext, Policy,
    Rule, Service,
};
pub use read::NotOurs;
pub use text::Text;
pub use unmapped::Unmapped;
