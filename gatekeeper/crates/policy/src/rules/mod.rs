//! Rules resolved for one session: variables put in, links followed, each with its place in a file.
//!
//! `collect` goes through a document; each kind of rule has a file of its own, and `reader` has what they share.

mod capability;
mod collect;
mod exec;
mod file;
mod invocation;
mod net;
mod reader;
mod rule;
pub mod signal;
mod tool;
mod unix;

pub use collect::Collector;
pub use invocation::{Invocation, Options, Subcommand};
pub use rule::{Protocols, Rule, Subject, Written, all_of};
