//! The policy of gatekeeper: from TOML as written to the image that the kernel walks.
//!
//! The stages, in order:
//!
//! 1. [`load`] reads a policy and those that it extends: [`source`] has the text, [`document`] the grammar.
//! 2. [`Policy::resolve`] fits it to one session. It puts the variables in ([`Vars`]), follows symbolic links
//!    ([`links`]), and makes [`rules`] of the tables, with [`pattern`]s and addresses parsed. [`builtin`] rules come
//!    first, [`defaults`] and [`approval`] terms are merged.
//! 3. [`Resolved::compile`] makes automata of the rules and an [`Image`] of those; [`verify`] checks it, and
//!    [`selftest`] asks the policy's own tests.
//! 4. [`Compiled::judge`] and [`Compiled::explain`] answer a [`question::Question`] with the kernel's own step.
//!
//! [`reference`](mod@reference) answers the same questions without an image: the oracle of the tests. [`rulebook`] keeps
//! what the numbers of rules in events stand for. [`view`], [`cli_question`], [`caller`], [`other_names`] and [`schema`]
//! serve the command line.
//!
//! ```
//! use std::path::Path;
//!
//! use gatekeeper_common::operation::Operation;
//! use gatekeeper_common::verdict::Verdict;
//! use gatekeeper_policy::links::NoLinks;
//! use gatekeeper_policy::question::Question;
//! use gatekeeper_policy::source::Source;
//! use gatekeeper_policy::{Policy, SearchPath, Vars};
//!
//! let text = r#"
//!     version = 1
//!     name = "example"
//!
//!     [[file]]
//!     verdict = "allow"
//!     path = ["${workspace}/**"]
//!
//!     [[file]]
//!     id = "secrets"
//!     verdict = "deny"
//!     path = ["**/.env"]
//! "#;
//! // Load. `load` does the same for a policy's name or its file.
//! let source = Source::new("example.toml", None, text.to_owned());
//! let policy = Policy::from_source(source, &SearchPath::default())?;
//! // Resolve for one session.
//! let vars = Vars::new(Path::new("/srv/app"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s1");
//! let resolved = policy.resolve(&vars, &NoLinks)?;
//! // Compile, verify and test.
//! let compiled = resolved.compile()?;
//! // Judge.
//! let read = |path: &str| Question::File(path.into(), vec![Operation::Read]);
//! let (operation, cell) = compiled.judge(&read("/srv/app/main.rs"));
//! assert_eq!((operation, cell.verdict()), (Operation::Read, Some(Verdict::Allow)));
//! let answer = compiled.explain(&read("/srv/app/.env"));
//! assert_eq!(answer.verdict, Verdict::Deny);
//! assert_eq!(answer.rule.map(|rule| rule.id.as_str()), Some("example/secrets"));
//! # Ok::<(), gatekeeper_policy::PolicyError>(())
//! ```

#![warn(clippy::pedantic)]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "the numbers in tests are small"))]

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
pub mod other_names;
pub mod pattern;
pub mod programs;
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
