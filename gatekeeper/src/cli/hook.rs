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

/// Variables that say what a hook belongs to: hints, for whoever reads the record.
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
    /// What happened, for assistants whose input does not say.
    #[arg(long, value_name = "NAME")]
    event: Option<String>,
}

/// Reads what the assistant says, has it written down, answers in the assistant's own form.
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
            Ok(Step::Read(telling)) => known = Some(telling),
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

/// How far the work is.
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
        let mut telling = match self.read() {
            Ok(telling) => telling,
            Err(why) => return failed(&self.config, self.assistant, None, &why),
        };
        // An error means that nobody waits any more.
        let _ = self.waiting.send(Step::Read(Box::new(telling.clone())));
        let deeds = foresee(&telling, &Place::here(&telling), &Disk::default());
        telling.shorten();
        let (what, event) = (telling.kind, telling.event.clone());
        let request = Request::Hook(Box::new(Hook { report: telling.clone(), actions: deeds }));
        match send(&self.config.socket, request) {
            Ok(None) => pass(),
            Ok(Some(refused)) => refuse(self.assistant, what, &event, &refused.reason),
            Err(error) => failed(&self.config, self.assistant, Some(&telling), &error.to_string()),
        }
    }

    fn read(&self) -> Result<HookReport, String> {
        let mut text = Vec::new();
        io::stdin().lock().take(INPUT + 1).read_to_end(&mut text).map_err(|error| error.to_string())?;
        if text.len() as u64 > INPUT {
            return Err(format!("the hook's input is longer than {INPUT} bytes"));
        }
        let telling = read(self.assistant, self.event.as_deref(), &text);
        let mut telling = telling.map_err(|error| error.to_string())?;
        let hint = |name: &str| Some((name.to_owned(), std::env::var(name).ok()?));
        telling.hints = HINTS.into_iter().filter_map(hint).collect();
        Ok(telling)
    }
}

fn send(socket: &Path, request: Request) -> anyhow::Result<Option<PredictedDenial>> {
    let mut heard = None;
    for answer in ask(socket, request)? {
        if let Answer::Reported { predicted_denial: refused, .. } = answer? {
            heard = Some(refused);
        }
    }
    heard.ok_or_else(|| anyhow::anyhow!("the daemon did not say whether it is written down"))
}

/// What is answered where nothing could be written down. Outside any session that is nobody's concern.
fn failed(config: &Config, assistant: Assistant, telling: Option<&HookReport>, why: &str) -> Reply {
    let inside = cgroup::is_below(std::process::id() as i32, &config.cgroup).unwrap_or(true);
    let reason = format!("this can't be put on record: {}", why.replace('\n', " "));
    match (inside, config.on_hook_failure, telling) {
        (false, ..) => pass(),
        (true, OnFailure::Pass, _) => Reply { error: Some(reason), ..pass() },
        (true, OnFailure::Refuse, Some(telling)) => refuse(assistant, telling.kind, &telling.event, &reason),
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
        let telling = HookReport::of(Assistant::Claude, ReportKind::ToolCall, "PreToolUse");
        assert_eq!(failed(&config, Assistant::Claude, Some(&telling), "x"), pass());
    }

    #[test]
    fn inside_it_is_as_the_configuration_says() {
        // This process is below the root of all cgroups.
        let closed = Config { cgroup: "/sys/fs/cgroup".into(), ..Config::default() };
        let open = Config { on_hook_failure: OnFailure::Pass, ..closed.clone() };
        let telling = HookReport::of(Assistant::Claude, ReportKind::ToolCall, "PreToolUse");
        let said = |config: &Config, telling: Option<&HookReport>| {
            failed(config, Assistant::Claude, telling, "no daemon")
        };
        let reply = said(&closed, Some(&telling));
        let out = reply.out.unwrap().to_string();
        assert!(out.contains("\"deny\"") && out.contains("no daemon"), "{out}");
        assert_eq!(said(&closed, None).status, 2);
        assert_eq!((said(&open, None).status, said(&open, Some(&telling)).out), (0, None));
        // What can't be refused is not.
        let done = HookReport { kind: ReportKind::ToolResult, ..telling };
        assert_eq!((said(&closed, Some(&done)).status, said(&closed, Some(&done)).out), (0, None));
    }
}
