//! `[[signal]]`: signals to processes outside the session.

use std::ops::Range;

use gatekeeper_common::operation::Operation;
use toml::Spanned;

use super::reader::Reader;
use super::rule::Subject;
use crate::byte_set::ByteSet;
use crate::document::{SignalRule, SignalWord};
use crate::error::PolicyError;
use crate::signal::number;
use crate::source::Source;

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &SignalRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let programs = reader.paths(&rule.program, "program", rule.verdict)?;
    let mut signals = ByteSet::ALL;
    if let Some(list) = &rule.signal {
        signals = ByteSet::EMPTY;
        for word in reader.source.non_empty(list, "signal")? {
            signals.insert(signal(reader.source, word)?);
        }
    }
    Ok((Operation::Signal.bit(), Subject::Signals(signals, programs)))
}

/// The number of a signal as written.
///
/// # Errors
/// Where there is no such signal.
pub fn signal(source: &Source, word: &Spanned<SignalWord>) -> Result<u8, PolicyError> {
    let found = match word.get_ref() {
        SignalWord::Name(name) => number(name),
        SignalWord::Number(given) => number(&given.to_string()),
    };
    found.map_err(|error| source.problem(word.span(), &error))
}
