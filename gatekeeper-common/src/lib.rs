//! Data shared by gatekeeper's kernel programs and its daemon, and nothing else.
//!
//! Everything here is plain old data or a pure function on it; the crate has no dependency, allocates
//! nothing, and compiles for `bpfel-unknown-none` as well as for the host.
#![no_std]
#![forbid(unsafe_code)]

pub mod automaton;
pub mod counters;
pub mod event;
pub mod fields;
pub mod hold;
pub mod image;
pub mod label;
pub mod limits;
pub mod operation;
pub mod verdict;
