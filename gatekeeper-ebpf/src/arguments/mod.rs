//! Conditions on arguments and environment, kept from the check of the program to the moment the new program
//! stands in memory and has not run an instruction.
//!
//! The check (`bprm_check_security`) can only look at memory that other threads may still change. At
//! `sched_process_exec` the new memory map is final, so that is where arguments and names of environment
//! variables are judged; a program that fails there dies there. From the check to that judgement every layer
//! of the task denies all but mappings ([`crate::layout::UNRESOLVED`]): should the tracepoint be missed, the
//! task gets nothing.

mod caller;
mod check;
mod pending;
mod walk;

pub use caller::read;
pub use check::{evaluate, set_buffer, set_memory};
pub use pending::{begin, is_pending, keep, set_owner_changes};
