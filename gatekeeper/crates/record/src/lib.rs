//! The vocabulary of gatekeeper's record: ids, moments, records, decisions, holds as they are shown, refusals.
//!
//! Types and their words, and nothing that acts: the kernel side fills them, the trail keeps them, the daemon and the
//! command line show them.

#![warn(clippy::pedantic)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "the numbers in tests are small"))]

pub mod assistant;
pub mod assistant_report;
pub mod change;
pub mod check;
pub mod container;
pub mod decision;
pub mod event;
pub mod held;
pub mod hold_id;
pub mod hook_report;
pub mod object;
pub mod process;
pub mod random;
pub mod raw_event;
pub mod record;
pub mod refusal;
pub mod safe_text;
pub mod session_id;
pub mod time;
pub mod tool_link;
pub mod words;
