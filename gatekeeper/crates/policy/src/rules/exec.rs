//! `[[exec]]`: programs, and what they are given.

use std::ops::Range;

use gatekeeper_common::operation::Operation;

use super::reader::Reader;
use super::rule::Subject;
use crate::document::{ExecRule, Word as Verdict};
use crate::error::PolicyError;
use crate::pattern::word::{Kind, count};

/// Reads the operations and the subject of a rule.
///
/// # Errors
/// Where a key of the table can't be read.
pub fn read(
    reader: &mut Reader<'_, '_>,
    rule: &ExecRule,
    _: Range<usize>,
) -> Result<(u32, Subject), PolicyError> {
    let source = reader.source;
    let programs = reader.paths(&rule.program, "program", rule.verdict)?;
    let subject = match (&rule.args, &rule.env) {
        (None, None) => Subject::Paths(programs),
        (Some(args), None) => {
            let words = reader.words(args, Kind::Argument)?;
            let lists = count(&words).map_err(|error| source.problem(args.span(), &error))?;
            let bytes: usize = words.iter().map(|word| word.expanded.len() + 1).sum();
            reader.count(args.span(), lists * bytes)?;
            Subject::Arguments(programs, words)
        }
        // Only the new program's own environment is looked at, when it can't wait any more.
        (None, Some(env)) if rule.verdict == Verdict::Ask => {
            return Err(source.error(
                env.span(),
                "a rule that looks at `env` can't ask: a start can't wait once its environment is known",
                "write `verdict = \"deny\"`, or ask about the program or its `args`",
            ));
        }
        (None, Some(env)) => {
            source.non_empty(env, "env")?;
            Subject::Environment(programs, reader.words(env, Kind::Variable)?)
        }
        (Some(_), Some(env)) => {
            return Err(source.error(
                env.span(),
                "a rule can't ask for `args` and `env` at once: they are judged apart, and the strictest counts",
                "write two rules",
            ));
        }
    };
    // A rule that forbids a start forbids it however it is done.
    let setuid = if rule.setuid || rule.verdict.forbids() { Operation::Setuid.bit() } else { 0 };
    Ok((Operation::Exec.bit() | setuid, subject))
}
