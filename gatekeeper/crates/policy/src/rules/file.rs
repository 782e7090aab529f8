//! `[[file]]`: files.

use std::ops::Range;

use gatekeeper_common::operation::Family;

use super::reader::{Reader, operations};
use super::rule::Subject;
use crate::document::FileRule;
use crate::error::PolicyError;

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &FileRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let paths = reader.paths(&rule.path, "path", rule.verdict)?;
    Ok((operations(reader.source, rule.access.as_ref(), "access", Family::File)?, Subject::Paths(paths)))
}
