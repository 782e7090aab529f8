//! gatekeeper: the kernel, not the assistant's good will, decides what an AI assistant may do.
//!
//! The binary is a thin shell around this library.

pub mod cli;
pub mod kernel;
pub mod policy;
pub mod sys;
