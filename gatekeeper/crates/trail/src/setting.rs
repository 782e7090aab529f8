//! Checked values of a configuration table: each fault knows its place in the text.

use std::fmt::Display;
use std::ops::Range;
use std::path::{Component, PathBuf};

use toml::Spanned;

/// A fault of a setting: its place in the text, and the problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub Range<usize>, pub String);

/// Returns a path that means the same wherever the daemon is started from.
///
/// # Errors
/// Where it is not absolute, or leads through `..`.
pub fn directory(path: Spanned<PathBuf>) -> Result<PathBuf, Fault> {
    let span = path.span();
    let path = path.into_inner();
    let plain = path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    if path.is_absolute() && plain {
        Ok(path)
    } else {
        Err(Fault(
            span,
            format!("\"{}\" is not an absolute path without \"..\": write it from /", path.display()),
        ))
    }
}

/// Returns a number from `least` to `most`, both included.
///
/// # Errors
/// Where it is out of that range.
pub fn between<N: Copy + PartialOrd + Display>(n: Spanned<N>, least: N, most: N) -> Result<N, Fault> {
    let span = n.span();
    let n = n.into_inner();
    if n >= least && n <= most {
        Ok(n)
    } else {
        Err(Fault(span, format!("{n} is out of range: use a number from {least} to {most}")))
    }
}

/// Returns a number as [`between`] does; the usual one where none is written.
///
/// # Errors
/// Where the number that is written is out of that range.
pub fn between_or<N: Copy + PartialOrd + Display>(
    n: Option<Spanned<N>>,
    usual: N,
    least: N,
    most: N,
) -> Result<N, Fault> {
    n.map_or(Ok(usual), |n| between(n, least, most))
}
