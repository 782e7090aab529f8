//! `[[capability]]`: capabilities.

use std::ops::Range;

use gatekeeper_common::operation::Operation;

use super::super::capability::bits;
use super::super::document::CapabilityRule;
use super::super::error::PolicyError;
use super::Subject;
use super::collect::{Reader, filled};

/// What the rule speaks of.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &CapabilityRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let mut all = 0;
    for word in filled(reader.source, &rule.capability, "capability")? {
        all |= bits(word.get_ref()).map_err(|error| reader.source.problem(word.span(), &error))?;
    }
    Ok((Operation::Capability.bit(), Subject::Capabilities(all)))
}
