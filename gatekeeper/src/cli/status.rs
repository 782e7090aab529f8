//! `gatekeeper status`.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use super::output::{BAD, DIM, GOOD, HEAD, Table, WARN, escaped_lines, json, out};
use crate::config::Config;
use crate::protocol::client::{ClientError, ask};
use crate::protocol::messages::{Answer, Request};
use crate::protocol::status::NoticeState;
use crate::protocol::status::{Counters, HookLiveness, HookState, Status, TrailState};
use gatekeeper_kernel::{AttachType, Unsupported};
use gatekeeper_trail::export::ExportState;

/// Arguments of `status`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// One JSON object.
    #[arg(long)]
    json: bool,
}

/// Shows how things are; succeeds only where sessions can be opened.
///
/// # Errors
/// Where the daemon refuses the request, or standard output fails. That there is no daemon is no error.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let conversation = match ask(&config.socket, Request::Status {}) {
        Ok(conversation) => conversation,
        Err(error @ ClientError::NoDaemon { .. }) => return without_daemon(config, arguments, &error),
        Err(error) => return Err(error.into()),
    };
    let mut ready = false;
    for answer in conversation {
        let Answer::Status(status) = answer? else { continue };
        ready = status.ready;
        if arguments.json {
            json(&mut out(), &status)?;
        } else {
            print(&status)?;
        }
    }
    Ok(if ready { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(status: &Status) -> anyhow::Result<()> {
    let mut out = out();
    match &status.refusal {
        None => writeln!(out, "{GOOD}ready{GOOD:#}: sessions can be opened; {} open", status.sessions)?,
        Some(why) => {
            writeln!(out, "{BAD}not ready{BAD:#}: {}", escaped_lines(why))?;
            if let Some(help) = &status.help {
                writeln!(out, "  {}", escaped_lines(help))?;
            }
        }
    }
    let floor = status.floor.as_deref().unwrap_or("none");
    writeln!(out, "{DIM}version{DIM:#} {}", status.version)?;
    writeln!(out, "{DIM}default policy{DIM:#} {}  {DIM}floor{DIM:#} {floor}", status.default_policy)?;
    writeln!(out, "{DIM}pins{DIM:#} {}", status.pins.display())?;
    let TrailState { records, signed, pending_required: owed, error: trouble } = &status.trail;
    writeln!(out, "{DIM}trail{DIM:#} {records} records, {signed} signed")?;
    if let Some(trouble) = trouble {
        writeln!(out, "{BAD}the trail can't be written{BAD:#}: {}", escaped_lines(trouble))?;
        writeln!(out, "  records are counted as lost, and what has to be recorded is denied")?;
        if *owed > 0 {
            writeln!(out, "  {owed} records of what passed before wait to be written")?;
        }
        writeln!(out, "  make room, or help the disk")?;
    }
    for export in &status.exports {
        print_export(&mut out, export)?;
    }
    if let Some(NoticeState { sent, dropped, error }) = &status.notices {
        writeln!(out, "{DIM}notices{DIM:#} {sent} sent, {dropped} given up")?;
        if let Some(error) = error {
            writeln!(out, "  {BAD}not sending{BAD:#}: {}", escaped_lines(error))?;
        }
    }
    if !status.hooks.is_empty() {
        writeln!(out, "{DIM}hooks{DIM:#} {}", attachment(&status.hooks))?;
        writeln!(out)?;
        hooks(&status.hooks).print(&mut out)?;
        writeln!(out)?;
        unsupported(&mut out, &status.unsupported)?;
    }
    if let Some(counters) = &status.counters {
        writeln!(out)?;
        print_counters(&mut out, counters, status.unwritten)?;
    }
    Ok(())
}

fn print_export(out: &mut impl Write, export: &ExportState) -> std::io::Result<()> {
    let ExportState { name, kind, lag, missed, rejected, error, .. } = export;
    let behind = if *lag == 0 { "up to date".to_owned() } else { format!("{lag} records behind") };
    writeln!(out, "{DIM}export{DIM:#} {name} ({kind}): {behind}")?;
    if *missed > 0 {
        writeln!(
            out,
            "  {WARN}{missed} records were removed from the trail before they could be sent{WARN:#}"
        )?;
    }
    if *rejected > 0 {
        writeln!(out, "  {WARN}{rejected} records were rejected at the other end{WARN:#}")?;
    }
    if let Some(error) = error {
        writeln!(out, "  {BAD}not sending{BAD:#}: {}", escaped_lines(error))?;
    }
    Ok(())
}

/// Prints the operations that this kernel can't enforce.
fn unsupported(out: &mut impl Write, unsupported: &[Unsupported]) -> std::io::Result<()> {
    for one in unsupported {
        match (&one.covered_by, &one.capability) {
            (Some(hook), _) => {
                writeln!(out, "{DIM}{}{DIM:#}  {}; judged by {hook}", one.operation, one.description)?;
            }
            (None, Some(capability)) => writeln!(
                out,
                "{WARN}not enforced{WARN:#}  {}: {}; only where a policy lets the capability {capability}",
                one.operation, one.description
            )?,
            (None, None) => {
                writeln!(out, "{BAD}not enforced{BAD:#}  {}: {}", one.operation, one.description)?;
            }
        }
    }
    if unsupported.iter().all(|one| one.covered_by.is_some()) {
        writeln!(out, "every operation is enforced on this kernel")?;
    }
    Ok(())
}

fn attachment(hooks: &[HookState]) -> &'static str {
    if hooks.iter().any(|hook| hook.attach_type == AttachType::ModifyReturn) {
        "attached at the functions that ask the security modules: bpf is not among these"
    } else {
        "attached as a security module's"
    }
}

fn hooks(hooks: &[HookState]) -> Table {
    let mut table = Table::new(&["HOOK", "STATE"]);
    for hook in hooks {
        let (style, state) = match hook.state {
            HookLiveness::Live => (GOOD, "live, proved by its canary".to_owned()),
            HookLiveness::Attached => (GOOD, "attached; no canary can see it refuse".to_owned()),
            HookLiveness::Untested => (WARN, "attached, not proved".to_owned()),
            HookLiveness::Dead => (BAD, format!("not live: {}", hook.reason.as_deref().unwrap_or("?"))),
        };
        table.row([(hook.hook.clone(), HEAD), (state, style)]);
    }
    table
}

fn print_counters(out: &mut impl Write, counters: &Counters, unwritten: u64) -> std::io::Result<()> {
    writeln!(out, "{HEAD}COUNTED BY THE KERNEL{HEAD:#}")?;
    writeln!(out, "events  {}", counters.events)?;
    for (family, count) in &counters.lost {
        writeln!(out, "{WARN}lost{WARN:#}    {count} ({})", family.name())?;
    }
    for (cause, count) in &counters.denied {
        writeln!(out, "denied  {count} ({cause})")?;
    }
    if counters.unlabelled > 0 {
        writeln!(out, "births refused for want of a label  {}", counters.unlabelled)?;
    }
    if unwritten > 0 {
        writeln!(out, "{BAD}records not written down{BAD:#}  {unwritten}")?;
    }
    Ok(())
}

/// Prints the state without the daemon: the programs that it left in the kernel still bind.
fn without_daemon(config: &Config, arguments: &Arguments, error: &ClientError) -> anyhow::Result<ExitCode> {
    let pinned = pinned(&config.pins);
    let mut out = out();
    if arguments.json {
        let object = serde_json::json!({
            "ready": false,
            "refusal": error.to_string(),
            "pins": config.pins,
            "pinned": pinned.as_ref().ok(),
        });
        json(&mut out, &object)?;
        return Ok(ExitCode::FAILURE);
    }
    writeln!(out, "{BAD}not ready{BAD:#}: {}", escaped_lines(&error.to_string()))?;
    let place = config.pins.display();
    match pinned {
        Ok(names) if names.is_empty() => {
            writeln!(out, "nothing is pinned under {place}: no session is bound")?;
        }
        Ok(names) => {
            let count = names.len();
            writeln!(out, "{count} objects are pinned under {place}: sessions that are open stay bound")?;
        }
        Err(error) => writeln!(out, "what is pinned under {place} can't be seen: {error}")?,
    }
    Ok(ExitCode::FAILURE)
}

/// The names of what is pinned, folders left out.
fn pinned(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(names),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(pinned(&entry.path())?);
        } else {
            names.push(entry.path().display().to_string());
        }
    }
    names.sort();
    Ok(names)
}
