//! `gatekeeper audit search`, and the words that say which records are meant.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::super::events;
use super::super::output::{DIM, out};
use crate::protocol::bounds::Count;
use gatekeeper_record::decision::{HoldId, Outcome};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::index::{Index, Query};

/// Which records.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Of this session.
    #[arg(long, short, value_name = "ID")]
    session: Option<SessionId>,
    /// Not before: a time (2027-01-31, 2027-01-31T16:00:00Z) or so long ago (90s, 15m, 2h, 7d).
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Not after.
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// The verdict of the rules.
    #[arg(long, value_parser = ["allow", "audit", "ask", "deny"])]
    verdict: Option<String>,
    /// Only refused operations, whether a rule refused them or they could not be judged.
    #[arg(long)]
    refused: bool,
    /// The operation: exec, read, write, connect ...
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The file's path; * and ? stand for anything, also for /.
    #[arg(long, value_name = "PATTERN")]
    path: Option<String>,
    /// How the address begins: 10.0.0. or 10.0.0.1:443.
    #[arg(long, value_name = "ADDRESS")]
    address: Option<String>,
    /// The rule that decided.
    #[arg(long, value_name = "ID")]
    rule: Option<String>,
    /// The policy that decided.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// User id of the session's owner.
    #[arg(long, value_name = "UID")]
    owner: Option<u32>,
    /// The assistant: the first program of its session.
    #[arg(long, value_name = "NAME|PATH")]
    assistant: Option<String>,
    /// About this hold: the question, its decisions, and what followed. Numbers begin anew at each boot.
    #[arg(long, value_name = "NUMBER")]
    hold: Option<HoldId>,
    /// The outcome of a hold.
    #[arg(long, value_name = "WORD", value_enum)]
    decision: Option<Outcome>,
    /// The person, or the check, that decided.
    #[arg(long, value_name = "NAME")]
    decided_by: Option<String>,
    /// The kind of record.
    #[arg(long, value_parser = ["event", "session", "assistant_report", "decision", "lost", "daemon", "policy_refused", "hook", "trail"])]
    kind: Option<String>,
    /// These words as they stand here, in capitals or not: in the record's message (operation, path or address, reason),
    /// and in the texts that belong to it: a session's purpose, note and command; a prompt, an answer and what a tool is given,
    /// not what it gives back past its first 200 characters; what a hold asked and the reason it was answered with.
    #[arg(long, value_name = "WORDS")]
    text: Option<String>,
    /// At most so many, the latest. Of `stats`, which counts all that fit: the length of each of its lists, 10 where left out.
    #[arg(long, short = 'n', value_name = "COUNT")]
    last: Option<Count>,
}

impl Which {
    /// Returns the options as a query of the index.
    pub fn query(&self) -> Query {
        Query {
            kind: self.kind.clone(),
            session: self.session.map(|session| session.to_string()),
            since: self.since,
            until: self.until,
            verdict: self.verdict.clone(),
            passed: self.refused.then_some(false),
            operation: self.operation.clone(),
            path: self.path.clone(),
            address: self.address.clone(),
            rule: self.rule.clone(),
            policy: self.policy.clone(),
            owner: self.owner,
            assistant: self.assistant.clone(),
            hold: self.hold,
            decision: self.decision,
            decided_by: self.decided_by.clone(),
            text: self.text.clone(),
            last: self.last.map(Count::get),
        }
    }
}

/// Arguments of `audit search`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The records as they are stored: OCSF, one JSON object a line.
    #[arg(long)]
    json: bool,
}

/// Records read and printed at a time.
const PORTION: usize = 1000;

/// Prints the records that fit, oldest first.
///
/// # Errors
/// Where the trail or its index can't be read, or standard output fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let index = Index::open(folder)?;
    let found = index.search(&arguments.which.query())?;
    let mut out = out();
    for ids in found.chunks(PORTION) {
        for (text, line) in index.lines(ids)? {
            if arguments.json {
                writeln!(out, "{text}")?;
                continue;
            }
            write!(out, "{DIM}{:>8}{DIM:#}  ", line.metadata.sequence)?;
            events::print(&mut out, &line.record()?)?;
        }
    }
    Ok(if found.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// An argument that is no time.
#[derive(Debug, thiserror::Error)]
#[error(
    "\"{0}\" is no time\n  help: write 2027-01-31, 2027-01-31T16:00:00Z, or how long ago, as 90s, 15m, 2h, 7d"
)]
struct NotAMoment(String);

/// Reads a time, or how long ago.
fn moment(text: &str) -> Result<Moment, NotAMoment> {
    let wrong = || NotAMoment(text.to_owned());
    let unit = |last| match last {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    };
    if let Some((count, unit)) =
        text.char_indices().next_back().and_then(|(at, last)| Some((&text[..at], unit(last)?)))
    {
        let count: u32 = count.parse().map_err(|_| wrong())?;
        let now = Moment::now();
        let ago = i64::from(count).checked_mul(unit * 1_000_000).ok_or_else(wrong)?;
        return Ok(Moment::from_micros(now.micros().saturating_sub(ago)));
    }
    let full = match text.len() {
        10 => format!("{text}T00:00:00.000000Z"),
        20 => format!("{}.000000Z", text.trim_end_matches('Z')),
        _ => text.to_owned(),
    };
    serde_json::from_value(full.into()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        let exact = |text| moment(text).unwrap().to_string();
        assert_eq!(exact("2027-01-31"), "2027-01-31T00:00:00.000000Z");
        assert_eq!(exact("2027-01-31T16:00:01Z"), "2027-01-31T16:00:01.000000Z");
        assert_eq!(exact("2027-01-31T16:00:01.250000Z"), "2027-01-31T16:00:01.250000Z");
        let hour = Moment::now().micros() - moment("60m").unwrap().micros();
        assert!((3_599_000_000..3_601_000_000).contains(&hour), "{hour}");
        for wrong in ["", "yesterday", "2027-13-01", "h", "-", "99999999999999999d", "-5d", "4294967295d"] {
            assert!(moment(wrong).is_err(), "{wrong}");
        }
    }
}
