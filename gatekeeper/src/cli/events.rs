//! `gatekeeper events`.

use std::io::Write;
use std::process::ExitCode;

use anstyle::Style;

use super::output::{BAD, DIM, GOOD, WARN, colour, escaped, json, out};
use crate::config::Config;
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, Events, Request};
use gatekeeper_record::decision::Outcome;
use gatekeeper_record::record::{
    AssistantReport, Change, Event, HookChange, Lost, Object, Record, SessionChange,
};
use gatekeeper_record::session_id::SessionId;

/// Arguments of `events`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Go on as it happens.
    #[arg(long, short)]
    follow: bool,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
    /// Only of this session.
    #[arg(long, short, value_name = "ID")]
    session: Option<SessionId>,
    /// At most so many of the past, the latest; all that are in memory where left out.
    #[arg(long, short = 'n', value_name = "COUNT")]
    last: Option<usize>,
}

/// Shows events.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let request = Request::Events(Events {
        follow: arguments.follow,
        session: arguments.session,
        last: arguments.last,
    });
    let mut out = out();
    for answer in ask(&config.socket, request)? {
        let Answer::Record(record) = answer? else { continue };
        if arguments.json {
            json(&mut out, &*record)?;
        } else {
            print(&mut out, &record)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a record in a line.
pub(super) fn print(out: &mut impl Write, record: &Record) -> std::io::Result<()> {
    match record {
        Record::Event(event) => print_event(out, event),
        Record::Lost(lost) => print_lost(out, lost),
        Record::Session(change) => print_change(out, change),
        Record::Daemon(change) => {
            let what = if change.started { "the daemon started" } else { "the daemon stopped" };
            let before = change
                .replaces
                .as_deref()
                .map(|before| format!(", {} in place of {}", change.version, before));
            let before = escaped(&before.unwrap_or_default());
            writeln!(out, "{DIM}{}  {what}{before}{DIM:#}", change.time.clock())
        }
        Record::PolicyRefused(refused) => writeln!(
            out,
            "{DIM}{}{DIM:#}  {WARN}policy refused{WARN:#}: {}: {}",
            refused.time.clock(),
            escaped(&refused.policy),
            escaped(&refused.reason)
        ),
        Record::Hook(change) => print_hook(out, change),
        Record::Trail(change) => {
            writeln!(out, "{DIM}{}  the trail: {}{DIM:#}", change.time.clock(), escaped(&change.note))
        }
        Record::AssistantReport(told) => print_told(out, told),
        Record::Decision(decision) => {
            let style = said(decision.outcome());
            let asked = escaped(&decision.summary);
            let text = escaped(&decision.to_string());
            writeln!(out, "{DIM}{}{DIM:#}  {style}{text}{style:#}: {asked}", decision.time.clock())
        }
        Record::Missed { count } => {
            writeln!(
                out,
                "{BAD}this command was too slow and missed {count} records{BAD:#}: they are in the trail"
            )
        }
    }
}

/// The colour of what was said to a hold.
pub(super) fn said(outcome: Outcome) -> Style {
    match outcome {
        Outcome::Approved => GOOD,
        Outcome::Denied | Outcome::Expired => BAD,
        Outcome::Agreed | Outcome::Withdrawn => DIM,
    }
}

/// Prints an event in a line.
pub(super) fn print_event(out: &mut impl Write, event: &Event) -> std::io::Result<()> {
    let style = if event.is_held() { WARN } else { colour(event.verdict, event.passed) };
    let verdict = event.verdict.name();
    let session = event.session_name.clone().or_else(|| event.session.map(|id| id.to_string()));
    let program = event.program.as_deref().unwrap_or(&event.task.comm);
    let program = program.rsplit('/').next().unwrap_or(program);
    writeln!(
        out,
        "{DIM}{}{DIM:#}  {session:10}  {style}{verdict:5}{style:#}  {:8}  {}  {DIM}{}[{}]: {}{DIM:#}",
        event.time.clock(),
        event.operation.name(),
        escaped(&object(event)),
        escaped(program),
        event.task.pid,
        escaped(&event.reason),
        session = escaped(session.as_deref().unwrap_or("?")),
    )
}

/// Prints what an assistant told in a line.
pub(super) fn print_told(out: &mut impl Write, told: &AssistantReport) -> std::io::Result<()> {
    let clock = told.time.clock();
    if told.dropped > 0 {
        return writeln!(out, "{DIM}{clock}{DIM:#}  {BAD}{} more hooks turned away{BAD:#}", told.dropped);
    }
    let session = told.session_name.clone().unwrap_or_else(|| told.session.to_string());
    let telling = &told.report;
    let style = if told.predicted_denial.is_some() { BAD } else { GOOD };
    let call = told.tool_call_id.as_deref().and_then(|call| call.rsplit('.').next());
    let call = call.map(|call| format!("#{call} ")).unwrap_or_default();
    write!(
        out,
        "{DIM}{clock}{DIM:#}  {:10}  {DIM}{}{DIM:#} {style}{}{style:#} {call}",
        escaped(&session),
        telling.assistant.name(),
        telling.kind.words()
    )?;
    let words = [telling.subagent_id.as_deref(), telling.tool.as_deref(), Some(told.brief().as_str())]
        .into_iter()
        .flatten()
        .map(escaped)
        .collect::<Vec<_>>()
        .join(" ");
    let refused = told.predicted_denial.as_ref().map(|refused| format!(": {}", escaped(&refused.reason)));
    writeln!(out, "{words}{BAD}{}{BAD:#}", refused.unwrap_or_default())
}

/// What an operation is on, in a few words.
fn object(event: &Event) -> String {
    match &event.object {
        Object::None if event.detail != 0 => format!("({})", event.detail),
        Object::None => "-".to_owned(),
        object => object.brief(),
    }
}

fn print_lost(out: &mut impl Write, lost: &Lost) -> std::io::Result<()> {
    let mut parts: Vec<String> =
        lost.families.iter().map(|(family, count)| format!("{count} {}", family.name())).collect();
    if lost.unexplained > 0 {
        parts.push(format!("{} unexplained", lost.unexplained));
    }
    if lost.unwritten > 0 {
        parts.push(format!("{} not written down", lost.unwritten));
    }
    writeln!(out, "{DIM}{}{DIM:#}  {BAD}lost events{BAD:#}: {}", lost.time.clock(), parts.join(", "))
}

fn print_hook(out: &mut impl Write, change: &HookChange) -> std::io::Result<()> {
    let (style, state) = if change.live { (GOOD, "live") } else { (BAD, "not live") };
    let why = change.reason.as_deref().map(|why| format!(": {}", escaped(why))).unwrap_or_default();
    writeln!(out, "{DIM}{}{DIM:#}  hook {} is {style}{state}{style:#}{why}", change.time.clock(), change.hook)
}

fn print_change(out: &mut impl Write, change: &SessionChange) -> std::io::Result<()> {
    let (style, what): (Style, _) = match change.change {
        Change::Opened => (GOOD, "session opened"),
        Change::Reloaded => (GOOD, "policies reloaded"),
        Change::ReloadFailed => (WARN, "policies not reloaded"),
        Change::Expired => (WARN, "session's time is over"),
        Change::Ended => (DIM, "session ended"),
        Change::Recorded => (DIM, "session recorded"),
    };
    let name =
        change.session_name.as_deref().map(|name| format!(" \"{}\"", escaped(name))).unwrap_or_default();
    let note = change.note.as_ref().or(change.purpose.as_ref());
    let note = note.map(|note| format!(": {}", escaped(note))).unwrap_or_default();
    writeln!(
        out,
        "{DIM}{}{DIM:#}  {style}{what}{style:#}: {}{name} ({}){note}",
        change.time.clock(),
        change.session,
        escaped(&change.policies.join(" + ")),
    )
}
