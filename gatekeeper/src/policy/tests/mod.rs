//! Tests that need the whole way from text to image.

mod agreement;
mod cases;
mod damage;
mod doors;
mod record;
mod shipped;
mod size;
mod walk;

use std::path::Path;

use super::extends::SearchPath;
use super::links::NoLinks;
use super::source::Source;
use super::{Compiled, Policy, PolicyError, Vars};

/// The variables of a session that never was.
pub fn vars() -> Vars {
    Vars::new(Path::new("/home/dev/work"), Path::new("/home/dev"), "dev", 1000, Path::new("/tmp"), "s1")
}

/// Compiles text, with no policy directory and no links.
pub fn compile(text: &str) -> Result<Compiled, PolicyError> {
    let search = SearchPath { directories: Vec::new() };
    let source = Source::new("test", None, text.to_owned());
    Policy::from_source(source, &search)?.resolve(&vars(), &NoLinks)?.compile()
}
