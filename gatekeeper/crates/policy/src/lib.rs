//! The policy of gatekeeper: from TOML as written to the image the kernel walks.
//!
//! `document` → `extends` → `resolve` (`rules` with `vars`, `glob`, `pattern`, `word`, `links`, `address`) →
//! `compile` (`automata`, `nfa_build`, `nfa`, `determinize`, `merge`, `pack`) → `image` → `verify`. `explain`
//! walks the image as the kernel does; `reference` is the slow, obvious oracle.

pub mod address;
pub mod alphabet;
pub mod approval;
pub mod automata;
pub mod builtin;
pub mod bytes;
pub mod caller;
pub mod capability;
pub mod cli_question;
pub mod compile;
pub mod defaults;
pub mod determinize;
pub mod document;
pub mod error;
pub mod explain;
pub mod extends;
pub mod glob;
pub mod image;
pub mod links;
pub mod merge;
pub mod nfa;
pub mod nfa_build;
pub mod pack;
pub mod pattern;
pub mod question;
pub mod reach;
pub mod reference;
pub mod resolve;
pub mod rows;
pub mod rulebook;
pub mod rules;
pub mod schema;
pub mod secrets;
pub mod selftest;
pub mod sets;
pub mod signal;
pub mod source;
pub mod trusted;
pub mod vars;
pub mod verify;
pub mod view;
pub mod word;

pub use compile::{Compiled, RuleTable};
pub use error::PolicyError;
pub use extends::{Policy, SearchPath, is_policy_name, load};
pub use resolve::Resolved;
pub use vars::Vars;

#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
