//! Open tool calls, and the one that an event belongs to.
//!
//! Proof is who descends from whom, as the kernel's events and /proc tell it. The words of a command only
//! choose between calls that the process tree can't tell apart, and the record says so.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::{BTreeMap, HashMap, VecDeque};

use super::processes::TICK;
use gatekeeper_record::assistant_report::AssistantReport;
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{Ancestor, Event, Object};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::tool_link::{MatchedBy, ToolLink};

/// Calls open at once in one session, at most; the oldest is forgotten first.
const OPEN: usize = 64;
/// Processes of one session remembered with their call, at most.
const PROCESSES: usize = 20_000;

/// A process: its id and when it started, in ticks.
type Key = (u32, u64);

/// The calls of all sessions.
#[derive(Debug)]
pub struct Calls {
    sessions: BTreeMap<SessionId, Book>,
    /// gatekeeper's own program, which hooks are made of.
    program: String,
}

impl Default for Calls {
    fn default() -> Self {
        let own = std::env::current_exe().ok().and_then(|path| path.into_os_string().into_string().ok());
        Self { sessions: BTreeMap::new(), program: own.unwrap_or_default() }
    }
}

#[derive(Debug, Default)]
struct Book {
    calls: u64,
    open: Vec<Open>,
    matched: HashMap<Key, ToolLink>,
    order: VecDeque<Key>,
}

#[derive(Debug)]
struct Open {
    id: String,
    report: HookReport,
    /// The processes that reported it, nearest first.
    chain: Vec<Key>,
    since: u64,
    /// The command without quotes, to be found among arguments.
    command: Option<String>,
}

fn key(pid: u32, start: u64) -> Key {
    (pid, start / TICK)
}

impl Calls {
    /// Takes in a report; the number of the tool call that it is about.
    pub fn reported(
        &mut self,
        session: SessionId,
        report: &HookReport,
        reported_by: &[Ancestor],
        now: u64,
        refused: bool,
    ) -> Option<String> {
        let book = self.sessions.entry(session).or_default();
        let chain: Vec<Key> = reported_by.iter().map(|process| key(process.pid, process.start)).collect();
        match report.kind {
            ReportKind::ToolCall => {
                // Cursor reports a shell command twice: as a tool and as a command.
                if let Some(at) = book.position(report, &chain) {
                    if refused {
                        return Some(book.open.remove(at).id);
                    }
                    return book.open.get(at).map(|open| open.id.clone());
                }
                book.calls = book.calls.saturating_add(1);
                let id = format!("{session}.{}", book.calls);
                if !refused {
                    book.begin(id.clone(), report.clone(), chain, now);
                }
                Some(id)
            }
            ReportKind::PermissionRequest => {
                let at = book.position(report, &chain)?;
                book.open.get(at).map(|open| open.id.clone())
            }
            ReportKind::ToolResult | ReportKind::ToolError => {
                let at = book.position(report, &chain)?;
                Some(book.open.remove(at).id)
            }
            ReportKind::TurnEnd | ReportKind::SessionEnd => {
                // Whatever it had open is over, reported or not. A sub-agent's end is reported by itself.
                book.open.retain(|open| {
                    open.report.conversation_id != report.conversation_id
                        || !same_assistant(&open.chain, &chain)
                });
                None
            }
            _ => None,
        }
    }

    /// Takes in what an earlier daemon wrote down.
    pub fn recall(&mut self, record: &AssistantReport) {
        let Some(id) = &record.tool_call_id else { return };
        let number = id.rsplit('.').next().and_then(|number| number.parse().ok()).unwrap_or(0);
        let book = self.sessions.entry(record.session).or_default();
        book.calls = book.calls.max(number);
        let chain = record.reported_by.iter().map(|process| key(process.pid, process.start)).collect();
        match record.report.kind {
            ReportKind::ToolCall
                if record.predicted_denial.is_none() && book.open.iter().all(|open| open.id != *id) =>
            {
                book.begin(id.clone(), record.report.clone(), chain, record.boot_time);
            }
            ReportKind::ToolResult | ReportKind::ToolError => book.open.retain(|open| open.id != *id),
            _ => {}
        }
    }

    /// Remembers which call an event belonged to that an earlier daemon wrote down.
    pub fn remember(&mut self, event: &Event) {
        if let (Some(session), Some(link)) = (event.session, &event.tool_call)
            && !matches!(link.matched_by, MatchedBy::Assistant | MatchedBy::Ambiguous)
        {
            let book = self.sessions.entry(session).or_default();
            book.note(key(event.task.pid, event.task.start), link.clone());
        }
    }

    /// Returns the call that an event belongs to. `ancestry`: what its process descends from, nearest first; asked only
    /// where that is not known already.
    pub fn link(&mut self, event: &Event, ancestry: impl FnOnce() -> Vec<Ancestor>) -> Option<ToolLink> {
        let Self { sessions, program } = self;
        let book = sessions.get_mut(&event.session?)?;
        let own = key(event.task.pid, event.task.start);
        let arguments = match &event.object {
            Object::Arguments { arguments, .. } => Some(arguments.as_slice()),
            _ => None,
        };
        if arguments.is_some_and(|arguments| is_hook(program, arguments)) {
            return Some(book.note(own, ToolLink { ids: Vec::new(), matched_by: MatchedBy::Hook }));
        }
        let known = book.matched.get(&own);
        if let Some(known) = known
            && (known.matched_by != MatchedBy::Ambiguous || arguments.is_none())
        {
            return Some(known.clone());
        }
        if book.open.is_empty() && book.matched.is_empty() {
            return None;
        }
        let above: Vec<Key> = ancestry().iter().map(|ancestor| key(ancestor.pid, ancestor.start)).collect();
        if let Some(parent) = above.iter().find_map(|key| book.matched.get(key)) {
            let same = matches!(parent.matched_by, MatchedBy::Ambiguous | MatchedBy::Hook);
            let matched_by = if same { parent.matched_by } else { MatchedBy::Parent };
            let link = ToolLink { ids: parent.ids.clone(), matched_by };
            return Some(book.note(own, link));
        }
        let chain: Vec<Key> = std::iter::once(own).chain(above).collect();
        let (nearest, found) = book.nearest(&chain, event.boot_time)?;
        let ids = found.iter().map(|open| open.id.clone()).collect();
        if nearest == 0 {
            // What the assistant's own process does belongs to whatever it has open then.
            return Some(ToolLink { ids, matched_by: MatchedBy::Assistant });
        }
        let spoken: Vec<&Open> = found.iter().copied().filter(|open| open.says(arguments)).collect();
        let (calls, matched_by) = match (found.as_slice(), spoken.as_slice()) {
            ([one], _) => (vec![one.id.clone()], MatchedBy::ProcessTree),
            (_, [one]) => (vec![one.id.clone()], MatchedBy::Command),
            _ => (ids, MatchedBy::Ambiguous),
        };
        Some(book.note(own, ToolLink { ids: calls, matched_by }))
    }

    /// Forgets a session.
    pub fn forget(&mut self, session: SessionId) {
        self.sessions.remove(&session);
    }
}

impl Book {
    fn begin(&mut self, id: String, report: HookReport, chain: Vec<Key>, since: u64) {
        if self.open.len() == OPEN {
            self.open.remove(0);
        }
        let command = report.command.as_deref().map(bare).filter(|command| !command.is_empty());
        // What the daemon keeps is only what finding it again needs.
        let report = HookReport { output: None, text: None, ..report };
        self.open.push(Open { id, report, chain, since, command });
    }

    /// The open call that a later report of the same assistant is about: by the assistant's id of it, else
    /// by tool and input, the one opened last.
    fn position(&self, report: &HookReport, chain: &[Key]) -> Option<usize> {
        let same = |open: &Open| {
            let whose = &open.report;
            whose.assistant == report.assistant
                && whose.conversation_id == report.conversation_id
                && same_assistant(&open.chain, chain)
                && if let (Some(one), Some(other)) = (&whose.tool_use_id, &report.tool_use_id) {
                    one == other
                } else {
                    let commands = whose.command.is_some() && whose.command == report.command;
                    commands || (whose.tool == report.tool && whose.input == report.input)
                }
        };
        self.open.iter().rposition(same)
    }

    /// The calls whose reporting process shares the nearest ancestor with this chain, and how near that is.
    fn nearest(&self, chain: &[Key], time: u64) -> Option<(usize, Vec<&Open>)> {
        let near = |open: &&Open| chain.iter().position(|key| open.chain.contains(key));
        let open = || self.open.iter().filter(|open| open.since <= time);
        let nearest = open().filter_map(|open| near(&open)).min()?;
        Some((nearest, open().filter(|open| near(open) == Some(nearest)).collect()))
    }

    fn note(&mut self, process: Key, link: ToolLink) -> ToolLink {
        if self.matched.insert(process, link.clone()).is_none() {
            self.order.push_back(process);
        }
        while self.order.len() > PROCESSES {
            if let Some(old) = self.order.pop_front() {
                self.matched.remove(&old);
            }
        }
        link
    }
}

impl Open {
    /// Whether a program's arguments hold the command.
    fn says(&self, arguments: Option<&[String]>) -> bool {
        let (Some(command), Some(arguments)) = (&self.command, arguments) else { return false };
        arguments.iter().any(|argument| bare(argument).contains(command.as_str()))
    }
}

/// Whether two hooks were started by one assistant: the hooks' own processes end with each hook, whoever
/// started them goes on.
fn same_assistant(one: &[Key], other: &[Key]) -> bool {
    one.iter().any(|key| other.contains(key))
}

/// A command as it stays however it is quoted on its way to a shell.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !matches!(c, '\'' | '"' | '\\') && !c.is_whitespace()).collect()
}

/// Whether a program is started as the hook that `gatekeeper setup` writes, or as the shell around it. Both
/// run nothing else: their whole text is the hook's.
fn is_hook(own: &str, arguments: &[String]) -> bool {
    let words: Vec<&str> = match arguments {
        [_, flags @ .., script] if flags.iter().all(|flag| flag.starts_with('-')) => {
            script.split(' ').collect()
        }
        _ => arguments.iter().map(String::as_str).collect(),
    };
    let direct: Vec<&str> = arguments.iter().map(String::as_str).collect();
    [words, direct].iter().any(|words| {
        let plain = |word: &&str| {
            word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '/'))
        };
        match words.as_slice() {
            [program, "hook", "--agent", rest @ ..] => *program == own && rest.iter().all(plain),
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
