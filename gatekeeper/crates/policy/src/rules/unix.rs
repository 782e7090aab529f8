//! `[[unix]]`: UNIX sockets.

use std::ops::Range;

use gatekeeper_common::operation::Family;

use super::reader::{Reader, operations};
use super::rule::Subject;
use crate::document::UnixRule;
use crate::error::PolicyError;
use crate::pattern::word::Kind;

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &UnixRule,
    place: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let source = reader.source;
    if rule.path.is_none() && rule.names.is_none() {
        return Err(source.error(
            place,
            "a `[[unix]]` rule needs `path` or `abstract`",
            "add `path = [\"/run/…\"]` or `abstract = [\"…\"]`",
        ));
    }
    let (mut paths, mut names) = (Vec::new(), Vec::new());
    if let Some(list) = &rule.path {
        paths = reader.paths(list, "path", rule.verdict)?;
    }
    if let Some(list) = &rule.names {
        source.non_empty(list, "abstract")?;
        names = reader.words(list, Kind::Abstract)?;
    }
    let operations = operations(source, rule.operation.as_ref(), "operation", Family::Unix)?;
    Ok((operations, Subject::Unix(paths, names)))
}
