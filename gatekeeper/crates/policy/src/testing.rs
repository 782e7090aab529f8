//! Short ways from text to image, for the tests of this crate and of those above it.

use std::path::Path;

use crate::extends::SearchPath;
use crate::links::NoLinks;
use crate::source::Source;
use crate::{Compiled, Policy, PolicyError, Vars};

/// The variables of an imagined session.
#[must_use]
pub fn vars() -> Vars {
    Vars::new(Path::new("/home/dev/work"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s1")
}

/// The policy in a text, compiled with no policy directory and no links.
///
/// # Errors
/// Where the text is no policy.
pub fn compile(text: &str) -> Result<Compiled, PolicyError> {
    let search = SearchPath { directories: Vec::new() };
    let source = Source::new("test", None, text.to_owned());
    Policy::from_source(source, &search)?.resolve(&vars(), &NoLinks)?.compile()
}
