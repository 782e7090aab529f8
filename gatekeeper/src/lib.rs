//! gatekeeper: the kernel, not the assistant's good will, decides what an AI assistant may do.
//!
//! The binary is a thin shell around this library.

pub mod assistant;
pub mod cli;
pub mod config;
#[cfg(feature = "console")]
pub mod console;
pub mod daemon;
pub mod doctor;
pub mod hold;
pub mod prompt;
pub mod protocol;
pub mod session;
pub mod sys;
