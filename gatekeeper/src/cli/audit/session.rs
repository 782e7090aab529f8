//! `gatekeeper audit session` and `gatekeeper audit report`: the story of one session.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::super::events;
use super::super::output::{BAD, DIM, HEAD, WARN, escaped, json, out};
use gatekeeper_record::hook_report::ReportKind;
use gatekeeper_record::record::{Change, Record};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;
use gatekeeper_trail::index::{Index, Query};
use gatekeeper_trail::story::{self, Story, html};
use gatekeeper_trail::story::{StoryDecision, waited};

/// Arguments of `audit session`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The session.
    #[arg(value_name = "ID")]
    session: SessionId,
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Arguments of `audit report`.
#[derive(Debug, clap::Args)]
pub struct Report {
    /// The session.
    #[arg(value_name = "ID")]
    session: SessionId,
    /// Where the page goes: one file that needs nothing else.
    #[arg(long, value_name = "FILE")]
    html: PathBuf,
}

/// Prints the session's story.
///
/// # Errors
/// Where the trail or its index can't be read, or standard output fails.
pub fn run(folder: &Path, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let story = story(folder, arguments.session)?;
    if arguments.json {
        json(&mut out(), &story)?;
    } else {
        print(&mut out(), &story)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the story as a page.
///
/// # Errors
/// Where the trail or its index can't be read, or the page can't be written.
pub fn report(folder: &Path, arguments: &Report) -> anyhow::Result<ExitCode> {
    let page = html::page(&story(folder, arguments.session)?);
    fs::write(&arguments.html, page).with_context(|| arguments.html.display().to_string())?;
    Ok(ExitCode::SUCCESS)
}

fn story(folder: &Path, session: SessionId) -> anyhow::Result<Story> {
    let index = Index::open(folder)?;
    let mut ids = index.search(&Query { session: Some(session.to_string()), ..Query::default() })?;
    if ids.is_empty() {
        bail!(
            "no record tells of session {session}\n  `gatekeeper audit search --kind session` lists the sessions"
        );
    }
    // Sessions inside it have records of their own.
    ids.extend(index.search(&Query { kind: Some("session".into()), ..Query::default() })?);
    ids.sort_unstable();
    ids.dedup();
    let lines = index.lines(&ids)?;
    let records: Vec<(u64, Record)> = lines
        .iter()
        .map(|(_, line)| Ok((line.metadata.sequence, line.record()?)))
        .collect::<anyhow::Result<_>>()?;
    Ok(Story::of(session, &records))
}

fn print(out: &mut impl Write, story: &Story) -> anyhow::Result<()> {
    let opened = story.opened.as_ref();
    let name = opened.and_then(|opened| opened.session_name.as_deref()).unwrap_or_default();
    writeln!(out, "{HEAD}session {} {}{HEAD:#}", story.session, escaped(name))?;
    let mut fact = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(out, "{DIM}{name:10}{DIM:#} {}", escaped(&value)),
        None => Ok(()),
    };
    fact("purpose", opened.and_then(|opened| opened.purpose.clone()))?;
    fact("owner", opened.and_then(|opened| opened.user.clone()))?;
    fact("policies", opened.map(|opened| opened.policies.join(" + ")))?;
    fact("workspace", opened.and_then(|opened| opened.workspace.clone()))?;
    fact("command", opened.map(|opened| opened.command.join(" ")).filter(|words| !words.is_empty()))?;
    fact("opened", opened.map(|opened| opened.time.to_string()))?;
    for change in &story.changes {
        if change.change == Change::Expired {
            continue;
        }
        if change.change == Change::Recorded {
            fact("recorded", change.note.clone())?;
            continue;
        }
        fact("policies", Some(format!("{} at {}", change.policies.join(" + "), change.time)))?;
    }
    fact("until", opened.and_then(|opened| opened.expires).map(|ends| ends.to_string()))?;
    fact("time over", story.expired().map(|time| time.to_string()))?;
    fact("ended", story.ended.map(|ended| ended.to_string()))?;
    for nested in &story.nested {
        fact("inside it", Some(format!("session {nested}")))?;
    }
    let counts = &story.counts;
    let style = if counts.refused > 0 { BAD } else { DIM };
    writeln!(
        out,
        "{} prompts, {} tool calls, {} programs started, {} operations recorded, {style}{} refused{style:#}, by {} processes",
        counts.prompts, counts.tool_calls, counts.programs, counts.audited, counts.refused, counts.processes
    )?;
    if counts.held > 0 {
        writeln!(
            out,
            "{WARN}{} held for a decision{WARN:#}: {} approved, {} denied, {} not answered in time, {} undecided",
            counts.held, counts.approved, counts.denied, counts.expired, counts.undecided
        )?;
    }
    print_reports(out, story)?;
    print_held(out, story)?;
    for process in &story.processes {
        let indent = process.depth * 2;
        let call = process.tool_call.as_ref().map(|link| {
            let calls: Vec<String> = link.ids.iter().map(|call| number(call)).collect();
            format!("  {} ({})", calls.join(" or "), link.matched_by.words())
        });
        writeln!(
            out,
            "\n{:indent$}{HEAD}{}{HEAD:#} {DIM}[{}]{}{DIM:#}",
            "",
            escaped(process.program()),
            process.pid,
            escaped(call.as_deref().unwrap_or_default())
        )?;
        for event in &process.events {
            write!(out, "{:indent$}  {DIM}{:>6}{DIM:#}  ", "", event.record)?;
            events::print_event(out, &event.event)?;
            if let Some(held) = story.hold_of(event) {
                let style = held.outcome.map_or(WARN, events::outcome_style);
                let text = escaped(&held.to_string());
                writeln!(
                    out,
                    "{:indent$}          {DIM}→ hold {}:{DIM:#} {style}{text}{style:#}",
                    "", held.hold
                )?;
            }
        }
    }
    Ok(())
}

/// Prints the assistants' reports, each tool call with the processes that the kernel matched to it.
fn print_reports(out: &mut impl Write, story: &Story) -> anyhow::Result<()> {
    if !story.assistant_reports.is_empty() {
        writeln!(out, "\n{HEAD}reported by the assistant{HEAD:#}")?;
    }
    for story::Report { record, report } in &story.assistant_reports {
        write!(out, "  {DIM}{record:>6}{DIM:#}  ")?;
        events::print_report(out, report)?;
        let Some(call) =
            report.tool_call_id.as_deref().filter(|_| report.report.kind == ReportKind::ToolCall)
        else {
            continue;
        };
        for (process, matched_by) in story.of_call(call) {
            let refused = process.refused();
            let refused =
                if refused > 0 { format!(", {BAD}{refused} refused{BAD:#}") } else { String::new() };
            writeln!(
                out,
                "              {DIM}→{DIM:#} {} [{}] {DIM}{}{DIM:#}{refused}",
                escaped(process.program()),
                process.pid,
                matched_by.words()
            )?;
        }
    }
    Ok(())
}

/// Prints the holds of the session with their decisions.
fn print_held(out: &mut impl Write, story: &Story) -> anyhow::Result<()> {
    if !story.holds.is_empty() {
        writeln!(out, "\n{HEAD}held for a decision{HEAD:#}")?;
    }
    for held in &story.holds {
        let record = held.record.map(|record| record.to_string()).unwrap_or_default();
        let since = held.since.map(Moment::clock).unwrap_or_default();
        let style = held.outcome.map_or(WARN, events::outcome_style);
        let after = held.waited_ms.map(|ms| format!(" after {}", waited(ms))).unwrap_or_default();
        writeln!(
            out,
            "  {DIM}{record:>6}  {since}{DIM:#}  hold {}: {}, {style}{}{style:#}{after}",
            held.hold,
            escaped(&held.summary),
            escaped(&held.to_string())
        )?;
        for StoryDecision { record, decision } in &held.decisions {
            let style = events::outcome_style(decision.outcome());
            let reason = decision.reason.as_deref().map(|reason| format!(": {}", escaped(reason)));
            writeln!(
                out,
                "          {DIM}{record:>6}  {}{DIM:#}  {style}{}{style:#}, {}{}",
                decision.time.clock(),
                decision.outcome().word(),
                escaped(&decision.decided_by.in_full()),
                reason.unwrap_or_default()
            )?;
        }
    }
    Ok(())
}

/// A call as people say it.
fn number(call: &str) -> String {
    format!("#{}", call.rsplit('.').next().unwrap_or(call))
}
