//! `gatekeeper events`.

use std::io::Write;
use std::process::ExitCode;

use anstyle::Style;

use super::output::{BAD, DIM, GOOD, WARN, colour, escaped, json, out};
use crate::config::Config;
use crate::protocol::bounds::Count;
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
    last: Option<Count>,
}

/// Shows events.
///
/// # Errors
/// Where the daemon does not answer, refuses the request, or standard output fails.
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
            let text = if change.started { "the daemon started" } else { "the daemon stopped" };
            let before = change
                .replaces
                .as_deref()
                .map(|before| format!(", {} in place of {}", change.version, before));
            let before = escaped(&before.unwrap_or_default());
            writeln!(out, "{DIM}{}  {text}{before}{DIM:#}", change.time.clock())
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
        Record::AssistantReport(report) => print_report(out, report),
        Record::Decision(decision) => {
            let style = outcome_style(decision.outcome());
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

/// Returns the style of a hold's outcome.
pub(super) fn outcome_style(outcome: Outcome) -> Style {
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

/// Prints an assistant's report in a line.
pub(super) fn print_report(out: &mut impl Write, report: &AssistantReport) -> std::io::Result<()> {
    let clock = report.time.clock();
    if report.dropped > 0 {
        return writeln!(out, "{DIM}{clock}{DIM:#}  {BAD}{} more hooks turned away{BAD:#}", report.dropped);
    }
    let session = report.session_name.clone().unwrap_or_else(|| report.session.to_string());
    let hook = &report.report;
    let style = if report.predicted_denial.is_some() { BAD } else { GOOD };
    let call = report.tool_call_id.as_deref().and_then(|call| call.rsplit('.').next());
    let call = call.map(|call| format!("#{call} ")).unwrap_or_default();
    write!(
        out,
        "{DIM}{clock}{DIM:#}  {:10}  {DIM}{}{DIM:#} {style}{}{style:#} {call}",
        escaped(&session),
        hook.assistant.name(),
        hook.kind.words()
    )?;
    let words = [hook.subagent_id.as_deref(), hook.tool.as_deref(), Some(report.brief().as_str())]
        .into_iter()
        .flatten()
        .map(escaped)
        .collect::<Vec<_>>()
        .join(" ");
    let refused = report.predicted_denial.as_ref().map(|refused| format!(": {}", escaped(&refused.reason)));
    writeln!(out, "{words}{BAD}{}{BAD:#}", refused.unwrap_or_default())
}

/// Returns an operation's object in a few words.
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
    let (style, text): (Style, _) = match change.change {
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
        "{DIM}{}{DIM:#}  {style}{text}{style:#}: {}{name} ({}){note}",
        change.time.clock(),
        change.session,
        escaped(&change.policies.join(" + ")),
    )
}
