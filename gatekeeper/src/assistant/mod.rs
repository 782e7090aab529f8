//! Assistants: what each says of itself through its hooks, how it is answered, where its hooks are set up.
//!
//! What comes through a hook is testimony: it says what an assistant meant to do. What happened is the
//! kernel's to say, and only the kernel refuses.

pub mod answer;
pub mod foresee;
mod patch;
pub mod read;
pub mod setup;
pub mod shell;
#[cfg(test)]
mod tests;

pub use gatekeeper_record::assistant::Assistant;
