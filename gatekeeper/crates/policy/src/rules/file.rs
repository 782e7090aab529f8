//! `[[file]]`: files.

use std::ops::Range;

use gatekeeper_common::operation::Operation;

use super::collect::{Reader, operations};
use super::rule::Subject;
use crate::document::FileRule;
use crate::error::PolicyError;

const ALL: [Operation; 8] = [
    Operation::Map,
    Operation::Read,
    Operation::Write,
    Operation::Create,
    Operation::Delete,
    Operation::Rename,
    Operation::Link,
    Operation::Metadata,
];

/// What the rule speaks of.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &FileRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let paths = reader.paths(&rule.path, "path", rule.verdict)?;
    Ok((operations(reader.source, rule.access.as_ref(), "access", &ALL)?, Subject::Paths(paths)))
}
