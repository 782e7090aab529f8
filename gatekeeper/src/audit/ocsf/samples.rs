//! Records of every kind, for tests.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::Machine;
use crate::audit::record::{
    Ancestor, Change, DaemonChange, Event, FamilyName, FileId, HookChange, Lost, Object, PolicyRefused,
    Record, SessionChange, Task, TrailChange, Upkeep,
};
use crate::audit::rules::RuleInfo;
use crate::audit::time::Moment;
use crate::policy::document::Severity;
use crate::session::id::SessionId;

/// A machine.
pub fn machine() -> Machine {
    Machine { host: "box".into(), boot: "b00t".into(), origin: "gatekeeper/box/0a1b2c3d".into() }
}

/// A denied read.
pub fn denial(sequence: u64) -> Record {
    let object = Object::File {
        path: format!("/home/dev/app/secret-{sequence}"),
        path_hex: None,
        in_workspace: Some(format!("secret-{sequence}")),
        device: 8 << 20 | 1,
        inode: 1000 + sequence,
    };
    Record::Event(Box::new(event(sequence, Operation::Read, Verdict::Deny, object)))
}

/// An event.
pub fn event(sequence: u64, operation: Operation, verdict: Verdict, object: Object) -> Event {
    Event {
        sequence,
        time: Moment::from_micros(1_800_000_000_000_000 + sequence as i64 * 1000),
        boot_time: 5_000_000_000 + sequence * 1_000_000,
        session: SessionId::from_kernel(77),
        session_name: Some("demo".into()),
        owner: Some(1000),
        purpose: Some("mend the build".into()),
        assistant: Some("/usr/bin/claude".into()),
        verdict,
        passed: verdict < Verdict::Ask,
        operation,
        object,
        cause: Cause::Policy,
        reason: "secrets stay here".into(),
        rule: Some(RuleInfo {
            id: "no-secrets".into(),
            reason: Some("secrets stay here".into()),
            severity: Severity::High,
            tags: vec!["secrets".into()],
        }),
        policy: Some("coding-assistant".into()),
        generation: 2,
        layer: 0,
        program: Some("/usr/bin/cat".into()),
        program_file: Some(FileId { device: 8 << 20 | 1, inode: 42 }),
        task: Task { pid: 300, tid: 300, parent: 200, start: 4_000_000_000, uid: 1000, comm: "cat".into() },
        ancestry: vec![Ancestor { pid: 200, start: 3_000_000_000, path: "/usr/bin/bash".into() }],
        detail: 0,
    }
}

fn text() -> impl Strategy<Value = String> {
    // Whatever a task may put into a name: quotes, controls, other scripts, separators.
    prop_oneof![4 => "[ -~]{0,20}", 1 => any::<String>(), 1 => "[\"\\\\\\x00-\\x1f\u{2028}/é]{0,8}"]
}

fn moment() -> impl Strategy<Value = Moment> {
    (0i64..4_000_000_000_000_000).prop_map(Moment::from_micros)
}

fn session() -> impl Strategy<Value = SessionId> {
    (1u64..1 << 50).prop_map(|number| SessionId::from_kernel(number).unwrap())
}

fn object() -> BoxedStrategy<Object> {
    let file = (text(), of(text()), of(text()), any::<u32>(), any::<u64>()).prop_map(
        |(path, path_hex, in_workspace, device, inode)| Object::File {
            path,
            path_hex,
            in_workspace,
            device: device.into(),
            inode,
        },
    );
    let protocol = select(vec![Protocol::Tcp, Protocol::Udp, Protocol::Other]);
    let address = (any::<std::net::IpAddr>(), any::<u16>(), protocol)
        .prop_map(|(ip, port, protocol)| Object::Address { address: SocketAddr::new(ip, port), protocol });
    let unix = (text(), of(text())).prop_map(|(name, name_hex)| Object::Unix { name, name_hex });
    let process =
        (any::<u32>(), text(), of(text()), of(text())).prop_map(|(pid, program, program_hex, signal)| {
            Object::Process { pid, program, program_hex, signal }
        });
    let arguments = (proptest::collection::vec(text(), 0..4), any::<u32>(), any::<u64>())
        .prop_map(|(arguments, count, missing)| Object::Arguments { arguments, count, missing });
    let capability = text().prop_map(|name| Object::Capability { name });
    // In boxes: one by one they are large, and a test's stack is not.
    prop_oneof![
        Just(Object::None).boxed(),
        file.boxed(),
        address.boxed(),
        unix.boxed(),
        process.boxed(),
        arguments.boxed(),
        capability.boxed(),
    ]
    .boxed()
}

fn rule() -> impl Strategy<Value = RuleInfo> {
    let severity =
        select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
    (text(), of(text()), severity, vec(text(), 0..3)).prop_map(|(id, reason, severity, tags)| RuleInfo {
        id,
        reason,
        severity,
        tags,
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let whose = (of(session()), of(text()), of(any::<u32>()), of(text()));
    let what = (select(Operation::ALL.to_vec()), select(Verdict::ALL.to_vec()), any::<bool>(), object());
    let why = (select(Cause::ALL.to_vec()), text(), of(rule()), of(text()), 0u64..1 << 40, any::<u8>());
    let file = (any::<u32>(), 1u64..).prop_map(|(device, inode)| FileId { device: device.into(), inode });
    let ancestor =
        (any::<u32>(), any::<u64>(), text()).prop_map(|(pid, start, path)| Ancestor { pid, start, path });
    let who = (text(), of(file), any::<[u32; 4]>(), any::<u64>(), text(), vec(ancestor, 0..3), any::<bool>());
    (moment(), any::<u64>(), 0u64..1 << 50, whose, what, why, who, any::<u32>()).prop_map(
        |(time, boot_time, sequence, whose, what, why, who, detail)| {
            let (session, session_name, owner, purpose) = whose;
            let (operation, verdict, passed, object) = what;
            let (cause, reason, rule, policy, generation, layer) = why;
            let (program, program_file, [pid, tid, parent, uid], start, comm, ancestry, known) = who;
            // An assistant is a session's, and a program's file is known where its path is.
            let assistant = session.map(|_| program.clone());
            let program_file = program_file.filter(|_| known);
            Event {
                sequence,
                time,
                boot_time,
                session,
                session_name,
                owner,
                purpose,
                assistant,
                verdict,
                passed,
                operation,
                object,
                cause,
                reason,
                rule,
                policy,
                generation,
                layer,
                program: known.then_some(program),
                program_file,
                task: Task { pid, tid, parent, start, uid, comm },
                ancestry,
                detail,
            }
        },
    )
}

fn change() -> impl Strategy<Value = SessionChange> {
    let changes = vec![Change::Opened, Change::Reloaded, Change::ReloadFailed, Change::Ended];
    let first = (moment(), session(), of(text()), any::<u32>(), select(changes), vec(text(), 0..3));
    let second = (of(text()), of(session()), of(text()), of(text()), vec(text(), 0..4), of(text()));
    (first, second).prop_map(|(first, second)| {
        let (time, session, session_name, owner, change, policies) = first;
        let (purpose, parent, workspace, user, command, note) = second;
        SessionChange {
            time,
            session,
            session_name,
            owner,
            change,
            policies,
            purpose,
            parent,
            workspace,
            user,
            command,
            note,
        }
    })
}

/// A record of any kind that stands in a trail.
pub fn record() -> impl Strategy<Value = Record> {
    let families = Family::ALL.map(FamilyName::from).to_vec();
    let lost =
        (moment(), proptest::collection::btree_map(select(families), 0u64..1 << 40, 0..4), 0u64..9, 0u64..9);
    let upkeep = select(vec![Upkeep::Begun, Upkeep::Cut, Upkeep::Removed]);
    prop_oneof![
        6 => any_event().prop_map(|event| Record::Event(Box::new(event))),
        2 => change().prop_map(Record::Session),
        1 => lost.prop_map(|(time, families, unexplained, unwritten)| {
            Record::Lost(Lost { time, families, unexplained, unwritten })
        }),
        1 => (moment(), any::<bool>(), text(), text()).prop_map(|(time, started, version, boot)| {
            Record::Daemon(DaemonChange { time, started, version, boot })
        }),
        1 => (moment(), any::<u32>(), text(), text()).prop_map(|(time, owner, policy, why)| {
            Record::Refused(PolicyRefused { time, owner, policy, why })
        }),
        1 => (moment(), text(), any::<bool>(), of(text())).prop_map(|(time, hook, live, why)| {
            Record::Hook(HookChange { time, hook, live, why })
        }),
        1 => (moment(), upkeep, text(), of(0u64..1 << 50)).prop_map(|(time, change, note, kept_from)| {
            Record::Trail(TrailChange { time, change, note, kept_from })
        }),
    ]
}
