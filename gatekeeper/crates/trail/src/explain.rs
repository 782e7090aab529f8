//! From an event's numbers to a record people can read.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gatekeeper_common::event::{Header, Object as Form};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, RULE_DEFAULT, Verdict};

use super::calls::Calls;
use super::objects::{self, address, command_line, readable};
use super::processes::Processes;
use super::programs::{Program, Programs};
use gatekeeper_policy::rulebook::{PolicyVersion, Rulebook};
use gatekeeper_record::container::Container;
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::raw_event::RawEvent;
use gatekeeper_record::record::{Event, FileId, Object, Task};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// Bytes of a process's command line that each of its records repeats; the record of its start has all of it.
const COMMAND_LINE: usize = 512;

/// The facts about a session that its records repeat.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Its short name.
    pub name: Option<String>,
    /// User id of its owner.
    pub owner: u32,
    /// The value of `${workspace}` in it.
    pub workspace: PathBuf,
    /// Its purpose, as given when it was opened.
    pub purpose: Option<String>,
    /// The container it is in.
    pub container: Option<Container>,
}

/// An event that can't be read: the kernel side and this daemon don't fit together.
#[derive(Debug, thiserror::Error)]
#[error(
    "event {sequence}: {what} {code} is unknown to this daemon: were the programs pinned by another version?"
)]
pub struct Unreadable {
    /// The event's number.
    pub sequence: u64,
    what: &'static str,
    code: u8,
}

/// All that explaining needs to look up.
#[derive(Debug, Default)]
pub struct Context {
    /// By session.
    pub facts: BTreeMap<SessionId, Facts>,
    /// By serial and generation.
    pub rules: Rulebook,
    /// By number of the exec.
    pub programs: Programs,
    /// By process id.
    pub processes: Processes,
    /// The first program of each session.
    pub assistants: BTreeMap<SessionId, Arc<str>>,
    /// Tool calls, by session.
    pub calls: Calls,
}

impl Context {
    /// Explains an event, and remembers it where it is an exec that later events refer to.
    ///
    /// # Errors
    /// Where the kernel side sent a number that this daemon does not know.
    pub fn explain(&mut self, raw: &RawEvent) -> Result<Event, Unreadable> {
        let header = &raw.header;
        let unknown = |what, code| Unreadable { sequence: header.sequence, what, code };
        let operation =
            Operation::from_code(header.operation).ok_or(unknown("operation", header.operation))?;
        let verdict = Verdict::from_code(header.verdict).ok_or(unknown("verdict", header.verdict))?;
        let cause = Cause::from_code(header.cause).ok_or(unknown("cause", header.cause))?;
        let session = SessionId::from_kernel(header.session);
        let facts = session.and_then(|session| self.facts.get(&session));
        let object = object(raw, operation, facts.map(|facts| facts.workspace.as_path()))
            .ok_or(unknown("object", header.object))?;
        let rules = self.rules.get(PolicyVersion { serial: header.serial, generation: header.generation });
        let rule = rules
            .filter(|_| header.rule < RULE_DEFAULT)
            .and_then(|rules| rules.rules.get(header.rule as usize))
            .cloned();
        let passed = header.passed != 0;
        let task = Task {
            pid: header.pid,
            tid: header.tid,
            parent_pid: header.parent,
            start: header.start,
            uid: header.uid,
            comm: until_nul(&header.comm),
        };
        let program = self.programs.get(header.program);
        let mut event = Event {
            boot_time: header.time,
            purpose: facts.and_then(|facts| facts.purpose.clone()),
            container: facts.and_then(|facts| facts.container.clone()),
            assistant: session.and_then(|id| self.assistants.get(&id)).map(ToString::to_string),
            program: program.map(|program| program.path.to_string()),
            command_line: program
                .and_then(|program| program.command_line.as_deref())
                .filter(|_| !matches!(object, Object::Arguments { .. }))
                .map(str::to_owned),
            program_file: program.map(|program| program.file).filter(|file| *file != FileId::default()),
            ancestry: self.processes.ancestry(&task),
            task,
            sequence: header.sequence,
            time: Moment::at_boot_time(Duration::from_nanos(header.time)),
            session,
            session_name: facts.and_then(|facts| facts.name.clone()),
            owner: facts.map(|facts| facts.owner),
            verdict,
            passed,
            operation,
            object,
            cause,
            reason: reason(
                header,
                cause,
                rule.as_ref().and_then(|rule| rule.reason.as_deref()),
                rule.is_some(),
            ),
            rule,
            policy: rules.map(|rules| rules.policy.clone()),
            generation: header.generation,
            layer: header.layer,
            record_required: header.required != 0,
            detail: header.detail,
            tool_call: None,
            hold: HoldId::from_kernel(header.hold),
        };
        let Self { calls, processes, .. } = self;
        event.tool_call = calls.link(&event, || processes.lineage(&event.task));
        self.remember(&event);
        Ok(event)
    }

    /// Remembers with what arguments a program was started; their secrets are masked by now.
    pub fn remember_arguments(&mut self, event: &Event) {
        let Object::Arguments { arguments, missing_bytes: missing, .. } = &event.object else { return };
        let Some(exec) = self.processes.exec(&event.task).filter(|_| event.passed) else { return };
        let mut line = command_line(arguments);
        if line.len() > COMMAND_LINE || *missing > 0 {
            line.truncate(line.floor_char_boundary(COMMAND_LINE));
            line.push('…');
        }
        self.programs.started_with(exec, line.into());
    }

    /// Remembers an exec that later events refer to.
    pub fn remember(&mut self, event: &Event) {
        let Object::File { path, device, inode, .. } = &event.object else { return };
        if !event.is_start() {
            return;
        }
        let path: Arc<str> = path.as_str().into();
        let file = FileId { device: *device, inode: *inode };
        self.programs.started(event.sequence, Program { path: Arc::clone(&path), file, command_line: None });
        self.processes.started(&event.task, Arc::clone(&path), event.sequence);
        if let Some(session) = event.session {
            self.assistants.entry(session).or_insert(path);
        }
    }
}

/// The rule's own words come first; without any, what is known.
fn reason(header: &Header, cause: Cause, written: Option<&str>, by_rule: bool) -> String {
    match (cause, written) {
        (Cause::Policy, Some(reason)) => reason.to_owned(),
        (Cause::Policy, None) if by_rule => "by rule".to_owned(),
        (Cause::Policy, None) if header.rule == RULE_DEFAULT => {
            let default = Verdict::from_code(header.verdict).unwrap_or(Verdict::Deny);
            format!("no matching rule (default: {})", default.name())
        }
        (Cause::Policy, None) => "by a rule no longer known".to_owned(),
        (cause, Some(reason)) => format!("{reason} ({})", cause.text()),
        (cause, None) => cause.text().to_owned(),
    }
}

fn until_nul(bytes: &[u8]) -> String {
    let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

fn object(raw: &RawEvent, operation: Operation, workspace: Option<&Path>) -> Option<Object> {
    let RawEvent { header, object: bytes } = raw;
    match Form::from_code(header.object)? {
        Form::None if operation == Operation::Capability => Some(objects::capability(header)),
        Form::None => Some(Object::None),
        Form::Unix => Some(objects::unix(bytes)),
        Form::Process => Some(objects::process(bytes, header, operation)),
        Form::Arguments => Some(objects::arguments(bytes, header)),
        Form::Path => Some(file(bytes, header, workspace)),
        Form::Address => address(bytes),
    }
}

fn file(bytes: &[u8], header: &Header, workspace: Option<&Path>) -> Object {
    let (path, path_hex) = readable(bytes);
    let in_workspace = workspace
        .and_then(|workspace| Path::new(&path).strip_prefix(workspace).ok())
        .filter(|rest| !rest.as_os_str().is_empty())
        .map(|rest| rest.to_string_lossy().into_owned());
    Object::File { path, path_hex, workspace_path: in_workspace, device: header.device, inode: header.inode }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;
    use gatekeeper_common::event::Address;
    use gatekeeper_common::image::Protocol;
    use gatekeeper_policy::rulebook::{RuleInfo, Rules};

    fn raw(operation: Operation, verdict: Verdict, object: Form, bytes: &[u8]) -> RawEvent {
        let mut comm = [0; 16];
        comm[..3].copy_from_slice(b"cat");
        let header = Header {
            sequence: 9,
            session: 77,
            program: 4,
            generation: 2,
            rule: 1,
            serial: 5,
            operation: operation as u8,
            verdict: verdict as u8,
            object: object as u8,
            comm,
            ..Header::zeroed()
        };
        RawEvent { header, object: bytes.to_vec() }
    }

    fn context() -> Context {
        let mut context = Context::default();
        let facts = Facts {
            name: Some("demo".into()),
            owner: 1000,
            workspace: "/home/dev/app".into(),
            purpose: Some("help the build".into()),
            container: None,
        };
        context.facts.insert(SessionId::from_kernel(77).unwrap(), facts);
        let secrets = RuleInfo { id: "r1".into(), reason: Some("secrets".into()), ..RuleInfo::default() };
        let rules =
            Rules { policy: "base".into(), rules: vec![RuleInfo::default(), secrets], ..Rules::default() };
        context.rules.add(PolicyVersion { serial: 5, generation: 2 }, rules);
        context
    }

    #[test]
    fn a_denied_read_says_who_what_and_why() {
        let mut context = context();
        let mut exec = raw(Operation::Exec, Verdict::Allow, Form::Path, b"/usr/bin/cat");
        exec.header.sequence = 4;
        exec.header.passed = 1;
        context.explain(&exec).unwrap();

        let event =
            context.explain(&raw(Operation::Read, Verdict::Deny, Form::Path, b"/home/dev/app/.env")).unwrap();
        assert_eq!(event.program.as_deref(), Some("/usr/bin/cat"));
        assert_eq!(event.reason, "secrets");
        assert_eq!(event.rule.unwrap().id, "r1");
        assert_eq!((event.owner, event.session_name.as_deref()), (Some(1000), Some("demo")));
        let Object::File { path, workspace_path: in_workspace, path_hex, .. } = event.object else {
            panic!("no file")
        };
        assert_eq!((path.as_str(), in_workspace.as_deref()), ("/home/dev/app/.env", Some(".env")));
        assert_eq!(path_hex, None);
        assert_eq!(event.task.comm, "cat");
    }

    #[test]
    fn arguments_are_known_once_they_arrive() {
        let mut context = context();
        let mut exec = raw(Operation::Exec, Verdict::Allow, Form::Path, b"/usr/bin/cat");
        (exec.header.sequence, exec.header.passed, exec.header.pid, exec.header.start) = (4, 1, 300, 7);
        context.explain(&exec).unwrap();
        let mut with = raw(Operation::Exec, Verdict::Allow, Form::Arguments, b"cat\0a b\0");
        (with.header.sequence, with.header.passed, with.header.pid, with.header.start) = (5, 1, 300, 7);
        (with.header.inode, with.header.detail) = (8, 2);
        let event = context.explain(&with).unwrap();
        assert_eq!(event.command_line, None);
        context.remember_arguments(&event);
        let read = raw(Operation::Read, Verdict::Deny, Form::Path, b"/x");
        assert_eq!(context.explain(&read).unwrap().command_line.as_deref(), Some("cat \"a b\""));
        // A long one is cut short, and another process changes nothing.
        with.object = [b"cat\0".to_vec(), vec![b'x'; 5000]].concat();
        let long = context.explain(&with).unwrap();
        context.remember_arguments(&Event { task: Task { start: 8, ..long.task.clone() }, ..long.clone() });
        assert_eq!(context.explain(&read).unwrap().command_line.as_deref(), Some("cat \"a b\""));
        context.remember_arguments(&long);
        let short = context.explain(&read).unwrap().command_line.unwrap();
        assert!(short.starts_with("cat xxx") && short.ends_with('…') && short.len() < 600, "{short}");
    }

    #[test]
    fn an_exec_that_was_refused_starts_nothing() {
        let mut context = context();
        let mut exec = raw(Operation::Exec, Verdict::Deny, Form::Path, b"/usr/bin/nc");
        exec.header.sequence = 4;
        context.explain(&exec).unwrap();
        assert_eq!(context.programs.get(4), None);
    }

    #[test]
    fn the_default_and_causes_have_words() {
        let mut context = context();
        let mut event = raw(Operation::Write, Verdict::Deny, Form::Path, b"/etc/x");
        event.header.rule = RULE_DEFAULT;
        assert_eq!(context.explain(&event).unwrap().reason, "no matching rule (default: deny)");
        event.header.cause = Cause::TooDeep as u8;
        assert_eq!(context.explain(&event).unwrap().reason, "path too deep");
        event.header.cause = Cause::Held as u8;
        event.header.rule = 1;
        assert_eq!(context.explain(&event).unwrap().reason, "secrets (held for a decision)");
    }

    #[test]
    fn bytes_that_are_no_text_lose_nothing() {
        let event = context().explain(&raw(Operation::Read, Verdict::Deny, Form::Path, b"/t/\xff")).unwrap();
        let Object::File { path_hex, .. } = event.object else { panic!("no file") };
        assert_eq!(path_hex.as_deref(), Some("2f742fff"));
    }

    #[test]
    fn addresses_of_both_kinds() {
        let mut address = Address::zeroed();
        address.bytes[..4].copy_from_slice(&[127, 0, 0, 1]);
        (address.port, address.version, address.protocol) = (5432, 4, Protocol::Tcp as u8);
        let event = context()
            .explain(&raw(Operation::Connect, Verdict::Deny, Form::Address, bytemuck::bytes_of(&address)))
            .unwrap();
        let expected =
            Object::Address { address: "127.0.0.1:5432".parse().unwrap(), protocol: Protocol::Tcp };
        assert_eq!(event.object, expected);
        let short = raw(Operation::Connect, Verdict::Deny, Form::Address, &[1, 2, 3]);
        assert!(context().explain(&short).is_err());
    }

    #[test]
    fn a_record_survives_the_file() {
        let event = context()
            .explain(&raw(Operation::Read, Verdict::Deny, Form::Path, b"/home/dev/app/.env"))
            .unwrap();
        let record = gatekeeper_record::record::Record::Event(Box::new(event));
        let line = serde_json::to_string(&record).unwrap();
        assert!(line.starts_with(r#"{"type":"event","sequence":9,"#), "{line}");
        assert_eq!(serde_json::from_str::<gatekeeper_record::record::Record>(&line).unwrap(), record);
    }
}
