//! An operation of a task: process, file, network or kernel activity.

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Verdict;

use super::actor::{Actor, Container, Process, ProcessEntity, Session, User, identity};
use super::base::{Class, Machine, Place};
use super::line::Line;
use super::objects::{Agent, Connection, Endpoint, File, KernelObject, Policy, Rule};
use super::text::Text;
use super::unmapped::Kind;
use gatekeeper_policy::document::Severity;
use gatekeeper_record::record::{Event, FileId, Object, Task, cause_word, protocol_word};

/// The class of an operation, its activity and the activity's name.
fn class(operation: Operation) -> (u16, u8, &'static str) {
    match operation {
        Operation::Exec => (1007, 1, "Launch"),
        Operation::Create => (1001, 1, "Create"),
        Operation::Read => (1001, 2, "Read"),
        Operation::Write => (1001, 3, "Update"),
        Operation::Delete => (1001, 4, "Delete"),
        Operation::Rename => (1001, 5, "Rename"),
        Operation::Metadata => (1001, 6, "Set Attributes"),
        Operation::Map => (1001, 99, "Map"),
        Operation::Link => (1001, 99, "Link"),
        Operation::Connect | Operation::Accept => (4001, 1, "Open"),
        Operation::Send => (4001, 6, "Traffic"),
        Operation::Bind | Operation::Listen => (4001, 7, "Listen"),
        Operation::Setuid => (1007, 5, "Set User ID"),
        _ => (1003, 4, "Invoke"),
    }
}

/// The stored form of an event.
pub fn line<'a>(event: &'a Event, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let (class, activity, name) = class(event.operation);
    let severity = match &event.rule {
        Some(rule) => severity_id(rule.severity),
        None if event.passed => 1,
        None => 2,
    };
    let mut line = Line::base(
        Class {
            uid: class,
            activity,
            name: name.into(),
            message: message(event),
            time: event.time,
            success: event.passed,
            severity,
            kind: Kind::Event,
        },
        machine,
        place,
    );
    let (action, action_id, disposition, disposition_id) = match (event.passed, event.verdict) {
        (false, _) if event.is_held() => ("Held", 99, "Delayed", 14),
        (false, _) => ("Denied", 2, "Blocked", 2),
        (true, Verdict::Ask) => ("Allowed", 1, "Approved", 8),
        (true, Verdict::Allow) => ("Allowed", 1, "Allowed", 1),
        (true, _) => ("Observed", 3, "Logged", 17),
    };
    (line.action, line.action_id) = (Some(action.into()), Some(action_id));
    (line.disposition, line.disposition_id) = (Some(disposition.into()), Some(disposition_id));
    line.is_alert = Some(event.is_refused() && severity >= 4);
    if event.is_held() {
        (line.status, line.status_id) = ("Waiting".into(), 99);
    }
    line.actor = Some(actor(event));
    line.metadata.original_event_uid = Some(format!("{}:{}", machine.boot, event.sequence).into());
    line.status_code = Some(cause_word(event.cause).into());
    line.status_detail = Some(event.reason.as_str().into());
    line.unmapped.hold = event.hold;
    line.unmapped.passed = Some(event.passed);
    describe(&mut line, event);
    settle_object(&mut line, event);
    line
}

/// In the record of a decision: the operation that was asked for, which by that alone has not passed and waits.
pub fn asked<'a>(line: &mut Line<'a>, event: &'a Event) {
    describe(line, event);
    line.unmapped.process = Some(Box::new(running(event)));
    line.unmapped.held_since = Some(event.time);
    line.unmapped.hold_reason = Some(event.reason.as_str().into());
}

/// Adds what every record of an operation has.
fn describe<'a>(line: &mut Line<'a>, event: &'a Event) {
    line.ai_agent = event.session.zip(event.assistant.as_deref()).map(|(session, path)| Agent {
        instance_uid: session,
        name: last_part(path).into(),
        type_id: 99,
        uid: path.into(),
    });
    line.metadata.profiles.extend(["security_control", "ai_operation"].map(Text::from));
    line.metadata.profiles.extend(event.container.as_ref().map(|_| Text::from("container")));
    line.policy = event
        .policy
        .as_deref()
        .map(|policy| Policy { name: policy.into(), version: event.generation.to_string().into() });
    line.firewall_rule = event
        .rule
        .as_ref()
        .map(|rule| Rule { desc: rule.reason.as_deref().map(Text::from), uid: rule.id.as_str().into() });
    let unmapped = &mut line.unmapped;
    unmapped.boot_time = Some(event.boot_time.to_string().into());
    unmapped.detail = Some(event.detail).filter(|detail| *detail != 0);
    unmapped.event = Some(event.sequence);
    unmapped.generation = Some(event.generation);
    unmapped.layer = Some(event.layer);
    unmapped.operation = Some(event.operation);
    unmapped.purpose = event.purpose.as_deref().map(Text::from);
    unmapped.record_required = Some(true).filter(|_| event.record_required);
    unmapped.session_name = event.session_name.as_deref().map(Text::from);
    unmapped.tags =
        event.rule.iter().flat_map(|rule| &rule.tags).map(|tag| Text::from(tag.as_str())).collect();
    unmapped.tool_call.clone_from(&event.tool_call);
    unmapped.verdict = Some(event.verdict);
    match &event.object {
        Object::None => {}
        Object::File { path, path_hex, workspace_path: in_workspace, device, inode } => {
            let id = FileId { device: *device, inode: *inode };
            unmapped.file = Some(file(path, id, event.operation == Operation::Exec));
            unmapped.path_hex = path_hex.as_deref().map(Text::from);
            unmapped.workspace_path = in_workspace.as_deref().map(Text::from);
        }
        Object::Unix { .. }
        | Object::Process { .. }
        | Object::Arguments { .. }
        | Object::Capability { .. } => {
            unmapped.object = serde_json::to_value(&event.object).ok();
        }
        Object::Address { address, protocol } => {
            let ip = Some(address.ip().to_string().into());
            unmapped.endpoint = Some(Endpoint { ip, name: None, port: Some(address.port()) });
            unmapped.protocol = Some(protocol_word(*protocol).into());
        }
    }
}

/// Moves the object to where the event's class has a place for it.
fn settle_object<'a>(line: &mut Line<'a>, event: &'a Event) {
    let (mut file, mut endpoint) = (line.unmapped.file.take(), line.unmapped.endpoint.take());
    match event.operation.family() {
        Family::Exec => {
            line.process = Some(process(event, file.take()));
        }
        Family::File => {
            line.file = Some(file.take().unwrap_or_else(nameless));
        }
        Family::Net => {
            let outbound = matches!(event.operation, Operation::Connect | Operation::Send);
            let protocol_name = line.unmapped.protocol.clone().unwrap_or_else(|| "other".into());
            line.connection_info =
                Some(Connection { direction_id: if outbound { 2 } else { 1 }, protocol_name });
            let known = endpoint.take();
            let end =
                known.unwrap_or_else(|| Endpoint { ip: None, name: Some("unknown".into()), port: None });
            *(if outbound { &mut line.dst_endpoint } else { &mut line.src_endpoint }) = Some(end);
        }
        Family::Builtin | Family::Unix | Family::Signal | Family::Capability | Family::Kernel => {
            line.kernel = Some(KernelObject { name: event.operation.name().into(), type_id: 2 });
        }
    }
    (line.unmapped.file, line.unmapped.endpoint) = (file, endpoint);
}

fn nameless<'a>() -> File<'a> {
    File { name: "".into(), path: None, type_id: 0, uid: None }
}

fn file(path: &str, id: FileId, program: bool) -> File<'_> {
    File {
        name: last_part(path).into(),
        path: Some(path.into()),
        type_id: if program { 8 } else { 0 },
        uid: (id != FileId::default()).then(|| format!("{}:{}", id.device, id.inode).into()),
    }
}

fn actor(event: &Event) -> Actor<'_> {
    Actor {
        app_name: None,
        process: Some(running(event)),
        session: event.session.map(|uid| Session { uid }),
        user: event.owner.map(|uid| User { name: None, uid: uid.to_string().into() }),
    }
}

/// The task's process with the program it runs.
fn running(event: &Event) -> Process<'_> {
    let program =
        event.program.as_deref().map(|path| file(path, event.program_file.unwrap_or_default(), true));
    Process { cmd_line: event.command_line.as_deref().map(Text::from), ..process(event, program) }
}

/// The task's process, running the program in `file`.
fn process<'a>(event: &'a Event, file: Option<File<'a>>) -> Process<'a> {
    let Task { pid, tid, parent_pid: parent, start, uid, comm } = &event.task;
    Process {
        ancestry: event.ancestry.iter().map(ProcessEntity::of).collect(),
        cmd_line: None,
        container: event.container.as_ref().map(Container::of),
        file,
        name: comm.as_str().into(),
        parent_process: ProcessEntity { path: None, pid: *parent, uid: None },
        pid: *pid,
        tid: *tid,
        uid: identity(*pid, *start).into(),
        user: User { name: None, uid: uid.to_string().into() },
    }
}

fn message(event: &Event) -> String {
    let done = match (event.passed, event.is_held()) {
        (true, _) => "passed",
        (false, true) => "held",
        (false, false) => "refused",
    };
    let operation = event.operation.name();
    match &event.object {
        Object::None => format!("{operation} {done}: {}", event.reason),
        Object::File { path, .. } => format!("{operation} {path} {done}: {}", event.reason),
        Object::Address { address, .. } => format!("{operation} {address} {done}: {}", event.reason),
        object => format!("{operation} {} {done}: {}", object.brief(), event.reason),
    }
}

/// The last part of a path.
pub fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub fn severity_id(severity: Severity) -> u8 {
    match severity {
        Severity::Info => 1,
        Severity::Low => 2,
        Severity::Medium => 3,
        Severity::High => 4,
        Severity::Critical => 5,
    }
}
