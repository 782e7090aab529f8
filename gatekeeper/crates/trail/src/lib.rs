//! The audit trail of gatekeeper: from the kernel's events to records that are explained, kept, exported and read back.
//!
//! `explain` (with `calls`, `processes`, `programs`, `objects`) makes records of events; `feed` hands them to followers;
//! `writer_thread` puts them into the `log` in the form of `ocsf`; `export` sends them on; `index`, `story` and `cast` read
//! them back. No loss goes unnoticed: see `loss`.

#![warn(clippy::pedantic)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "the numbers in tests are small"))]

mod calls;
pub mod cast;
pub mod explain;
pub mod export;
pub mod feed;
pub mod files;
pub mod index;
pub mod log;
pub mod loss;
pub mod mask;
pub mod objects;
pub mod ocsf;
pub mod processes;
pub mod programs;
pub mod setting;
pub mod state_file;
pub mod story;
mod sys;
pub mod terminal_filter;
#[cfg(test)]
mod tests;
pub mod trail;
pub mod writer_thread;
