//! `[[net]]`: addresses.

use std::ops::Range;

use gatekeeper_common::operation::Operation;

use super::super::address::Target;
use super::super::document::{NetRule, ProtocolWord};
use super::super::error::PolicyError;
use super::super::vars::Use;
use super::collect::{Reader, filled, operations};
use super::{Protocols, Subject};

const ALL: [Operation; 5] =
    [Operation::Connect, Operation::Bind, Operation::Send, Operation::Listen, Operation::Accept];

/// What the rule speaks of.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &NetRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let source = reader.source;
    let mut targets = Vec::new();
    for text in filled(source, &rule.to, "to")? {
        let expanded = reader.expand(text, Use::Plain)?;
        let target = Target::parse(&String::from_utf8_lossy(&expanded));
        targets.push(target.map_err(|error| source.problem(text.span(), &error))?);
    }
    let protocols = match rule.protocol {
        Some(ProtocolWord::Tcp) => Protocols::Tcp,
        Some(ProtocolWord::Udp) => Protocols::Udp,
        Some(ProtocolWord::Any) | None => Protocols::Any,
    };
    let operations = operations(source, rule.operation.as_ref(), "operation", &ALL)?;
    Ok((operations, Subject::Addresses(targets, protocols)))
}
