//! `gatekeeper audit session` and `gatekeeper audit report`: the story of one session.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::super::events;
use super::super::output::{BAD, DIM, HEAD, escaped, json, out};
use crate::audit::index::{Index, Query};
use crate::audit::record::Record;
use crate::audit::story::{Story, html};
use crate::session::id::SessionId;

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

/// Tells the story.
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
pub fn report(folder: &Path, arguments: &Report) -> anyhow::Result<ExitCode> {
    let page = html::page(&story(folder, arguments.session)?)?;
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
    // Sessions inside it are told of by their own records.
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
        fact("policies", Some(format!("{} at {}", change.policies.join(" + "), change.time)))?;
    }
    fact("ended", story.ended.map(|ended| ended.to_string()))?;
    for nested in &story.nested {
        fact("inside it", Some(format!("session {nested}")))?;
    }
    let counts = &story.counts;
    let style = if counts.refused > 0 { BAD } else { DIM };
    writeln!(
        out,
        "{} programs started, {} operations recorded, {style}{} refused{style:#}, by {} processes",
        counts.programs, counts.audited, counts.refused, counts.processes
    )?;
    for process in &story.processes {
        let indent = process.depth * 2;
        writeln!(
            out,
            "\n{:indent$}{HEAD}{}{HEAD:#} {DIM}[{}]{DIM:#}",
            "",
            escaped(process.program()),
            process.pid
        )?;
        for deed in &process.deeds {
            write!(out, "{:indent$}  {DIM}{:>6}{DIM:#}  ", "", deed.record)?;
            events::print_event(out, &deed.event)?;
        }
    }
    Ok(())
}
