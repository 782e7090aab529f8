//! The story of one session, in order: its processes as a tree, and what each did.

mod build;
mod hold_story;
mod holds;
pub mod html;
#[cfg(test)]
mod tests;
mod types;

pub use hold_story::{HoldStory, StoryDecision, waited};
pub use types::{Counts, Process, Report, Story, StoryEvent};
