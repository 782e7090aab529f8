//! gatekeeper: the kernel, not the assistant's good will, decides what an AI assistant may do.
//!
//! The binary is a thin shell around this library.

#![warn(clippy::pedantic)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "the numbers in tests are small"))]

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
