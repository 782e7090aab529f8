//! The policy of gatekeeper: from TOML as written to the image the kernel walks.
//!
//! `document` → `extends` → `resolve` (`rules` with `vars`, `glob`, `pattern`, `word`, `links`, `address`) →
//! `compile` (`automata`, `nfa_build`, `nfa`, `determinize`, `merge`, `pack`) → `image` → `verify`. `explain`
//! walks the image as the kernel does; `reference` is the slow, obvious oracle.

mod address;
pub mod approval;
mod automaton;
pub mod builtin;
mod byte_set;
pub mod caller;
pub mod capability;
pub mod cli_question;
mod compile;
mod compiled;
pub mod defaults;
pub mod document;
mod error;
pub mod explain;
mod extends;
mod image;
pub mod links;
pub mod pattern;
pub mod question;
pub mod reference;
mod resolve;
mod row;
pub mod rulebook;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod selftest;
pub mod signal;
pub mod source;
pub mod trusted;
mod vars;
pub mod verify;
pub mod view;

pub use compiled::{Compiled, RuleTable};
pub use error::PolicyError;
pub use extends::{Policy, SearchPath, is_policy_name, load};
pub use image::Image;
pub use resolve::Resolved;
pub use vars::Vars;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
