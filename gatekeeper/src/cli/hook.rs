//! `gatekeeper hook`: what an assistant's hook starts, inside a session.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;

use crate::assistant::Assistant;
use crate::assistant::answer::{Reply, block, pass, refuse};
use crate::assistant::foresee::{Place, foresee};
use crate::assistant::read::read;
use crate::config::{Config, OnFailure};
use crate::protocol::client::ask;
use crate::protocol::messages::{Answer, Hook, Request};
use crate::session::cgroup;
use gatekeeper_policy::links::Disk;
use gatekeeper_record::hook_report::HookReport;
use gatekeeper_record::record::PredictedDenial;

/// Bytes of a hook's input, at most: assistants send whole files and outputs.
const INPUT: u64 = 64 << 20;

/// Names of variables that identify a hook's conversation: hints, for readers of the record.
const HINTS: [&str; 12] = [
    "TRACEPARENT",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_PROJECT_DIR",
    "CLAUDECODE",
    "AI_AGENT",
    "CODEX_THREAD_ID",
    "CODEX_SANDBOX",
    "GEMINI_SESSION_ID",
    "GEMINI_CLI",
    "COPILOT_AGENT_SESSION_ID",
    "CURSOR_VERSION",
    "OPENCODE",
];

/// Arguments of `hook`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Whose hook it is.
    #[arg(long, value_name = "ASSISTANT")]
    agent: Assistant,
    /// The event's name, for assistants whose input does not have it.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
}

/// Reads what the assistant says, has it written down, answers in the assistant's own form.
///
/// # Errors
/// Where standard output or standard error fails. All other failures are replies.
pub fn run(config: &Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let (sender, receiver) = mpsc::channel();
    let work = Work {
        config: config.clone(),
        assistant: arguments.agent,
        event: arguments.event.clone(),
        waiting: sender.clone(),
    };
    // The answer must come before the assistant's own timer runs out, whatever the work waits for.
    thread::spawn(move || sender.send(Step::Answer(work.answer())));
    let begun = std::time::Instant::now();
    let mut known = None;
    let reply = loop {
        let left = config.hook_time.saturating_sub(begun.elapsed());
        match receiver.recv_timeout(left) {
            Ok(Step::Read(report)) => known = Some(report),
            Ok(Step::Answer(reply)) => break reply,
            Err(_) => {
                let why = format!("no answer within {} s", config.hook_time.as_secs());
                break failed(config, arguments.agent, known.as_deref(), &why);
            }
        }
    };
    tell(&reply)?;
    Ok(ExitCode::from(reply.status))
}

fn tell(reply: &Reply) -> io::Result<()> {
    if let Some(error) = &reply.error {
        writeln!(io::stderr(), "gatekeeper: {error}")?;
    }
    match &reply.out {
        Some(value) => writeln!(io::stdout(), "{value}"),
        None => Ok(()),
    }
}

/// Step of the work.
enum Step {
    Read(Box<HookReport>),
    Answer(Reply),
}

struct Work {
    config: Config,
    assistant: Assistant,
    event: Option<String>,
    waiting: mpsc::Sender<Step>,
}

impl Work {
    fn answer(&self) -> Reply {
        let mut report = match self.read() {
            Ok(report) => report,
            Err(why) => return failed(&self.config, self.assistant, None, &why.to_string()),
        };
        // An error means that nobody waits any more.
        let _ = self.waiting.send(Step::Read(Box::new(report.clone())));
        let actions = foresee(&report, &Place::here(&report), &Disk::default());
        report.shorten();
        let (kind, event) = (report.kind, report.event.clone());
        let request = Request::Hook(Box::new(Hook { report: report.clone(), actions }));
        match send(&self.config.socket, request) {
            Ok(None) => pass(),
            Ok(Some(refused)) => refuse(self.assistant, kind, &event, &refused.reason),
            Err(error) => failed(&self.config, self.assistant, Some(&report), &error.to_string()),
        }
    }

    fn read(&self) -> anyhow::Result<HookReport> {
        let mut text = Vec::new();
        io::stdin().lock().take(INPUT + 1).read_to_end(&mut text)?;
        if text.len() as u64 > INPUT {
            anyhow::bail!("the hook's input is longer than {INPUT} bytes");
        }
        let mut report = read(self.assistant, self.event.as_deref(), &text)?;
        let hint = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        report.hints = HINTS.into_iter().filter_map(hint).collect();
        Ok(report)
    }
}

fn send(socket: &Path, request: Request) -> anyhow::Result<Option<PredictedDenial>> {
    let mut denial = None;
    for answer in ask(socket, request)? {
        if let Answer::Reported { predicted_denial: refused, .. } = answer? {
            denial = Some(refused);
        }
    }
    denial.ok_or_else(|| anyhow::anyhow!("the daemon did not say whether it is written down"))
}

/// Returns the reply where nothing could be written down. Outside any session it is empty.
fn failed(config: &Config, assistant: Assistant, report: Option<&HookReport>, why: &str) -> Reply {
    let inside = cgroup::is_below(std::process::id().cast_signed(), &config.cgroup).unwrap_or(true);
    let reason = format!("this can't be put on record: {}", why.replace('\n', " "));
    match (inside, config.on_hook_failure, report) {
        (false, ..) => pass(),
        (true, OnFailure::Pass, _) => Reply { error: Some(reason), ..pass() },
        (true, OnFailure::Refuse, Some(report)) => refuse(assistant, report.kind, &report.event, &reason),
        (true, OnFailure::Refuse, None) => block(&reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatekeeper_record::hook_report::ReportKind;

    #[test]
    fn outside_a_session_a_failure_is_nobodys_concern() {
        let config = Config { cgroup: "/sys/fs/cgroup/no-such".into(), ..Config::default() };
        let report = HookReport::of(Assistant::Claude, ReportKind::ToolCall, "PreToolUse");
        assert_eq!(failed(&config, Assistant::Claude, Some(&report), "x"), pass());
    }

    #[test]
    fn inside_it_is_as_the_configuration_says() {
        // This process is below the root of all cgroups.
        let closed = Config { cgroup: "/sys/fs/cgroup".into(), ..Config::default() };
        let open = Config { on_hook_failure: OnFailure::Pass, ..closed.clone() };
        let report = HookReport::of(Assistant::Claude, ReportKind::ToolCall, "PreToolUse");
        let reply_to = |config: &Config, report: Option<&HookReport>| {
            failed(config, Assistant::Claude, report, "no daemon")
        };
        let reply = reply_to(&closed, Some(&report));
        let out = reply.out.unwrap().to_string();
        assert!(out.contains("\"deny\"") && out.contains("no daemon"), "{out}");
        assert_eq!(reply_to(&closed, None).status, 2);
        assert_eq!((reply_to(&open, None).status, reply_to(&open, Some(&report)).out), (0, None));
        // What can't be refused is not.
        let done = HookReport { kind: ReportKind::ToolResult, ..report };
        assert_eq!((reply_to(&closed, Some(&done)).status, reply_to(&closed, Some(&done)).out), (0, None));
    }
}
