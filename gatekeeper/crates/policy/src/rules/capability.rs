//! `[[capability]]`: capabilities.

use std::ops::Range;

use gatekeeper_common::operation::Operation;

use super::reader::Reader;
use super::rule::Subject;
use crate::capability::bits;
use crate::document::CapabilityRule;
use crate::error::PolicyError;

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &CapabilityRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let mut all = 0;
    for word in reader.source.non_empty(&rule.capability, "capability")? {
        all |= bits(word.get_ref()).map_err(|error| reader.source.problem(word.span(), &error))?;
    }
    Ok((Operation::Capability.bit(), Subject::Capabilities(all)))
}
