//! `[[net]]`: addresses.

use std::ops::Range;

use gatekeeper_common::operation::Family;

use super::reader::{Reader, operations};
use super::rule::{Protocols, Subject};
use crate::address::Target;
use crate::document::{NetRule, ProtocolWord};
use crate::error::PolicyError;
use crate::vars::Use;

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &NetRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let source = reader.source;
    let mut targets = Vec::new();
    for text in source.non_empty(&rule.to, "to")? {
        let expanded = reader.expand(text, Use::Plain)?;
        let target = Target::parse(&String::from_utf8_lossy(&expanded));
        targets.push(target.map_err(|error| source.problem(text.span(), &error))?);
    }
    let protocols = match rule.protocol {
        Some(ProtocolWord::Tcp) => Protocols::Tcp,
        Some(ProtocolWord::Udp) => Protocols::Udp,
        Some(ProtocolWord::Any) | None => Protocols::Any,
    };
    let operations = operations(source, rule.operation.as_ref(), "operation", Family::Net)?;
    Ok((operations, Subject::Addresses(targets, protocols)))
}
