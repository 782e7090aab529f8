//! Assistants: what each reports through its hooks, how it is answered, where its hooks are set up.
//!
//! A hook's report is testimony: it states what an assistant meant to do. The record of what happened is the
//! kernel's, and only the kernel refuses.

pub mod answer;
pub mod foresee;
mod patch;
pub mod read;
pub mod setup;
pub mod shell;
#[cfg(test)]
mod tests;

pub use gatekeeper_record::assistant::Assistant;
