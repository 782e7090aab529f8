//! Records of every kind, for tests.

use std::net::SocketAddr;

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::base::Machine;
use gatekeeper_policy::document::Severity;
use gatekeeper_policy::rulebook::RuleInfo;
use gatekeeper_record::assistant::Assistant;
use gatekeeper_record::container::{Container, Runtime};
use gatekeeper_record::decision::{Breadth, DecidedBy, Decision, GrantScope, HoldId, Person};
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{
    Ancestor, AssistantReport, Change, DaemonChange, Event, FamilyName, FileId, HookChange, Lost, MatchedBy,
    Object, PolicyRefused, PredictedDenial, Record, SessionChange, Task, ToolLink, TrailChange, Upkeep,
};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// A machine.
pub fn machine() -> Machine {
    Machine { host: "box".into(), boot: "b00t".into(), origin: "gatekeeper/box/0a1b2c3d".into() }
}

/// A denied read.
pub fn denial(sequence: u64) -> Record {
    let object = Object::File {
        path: format!("/home/dev/app/secret-{sequence}"),
        path_hex: None,
        workspace_path: Some(format!("secret-{sequence}")),
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
        purpose: Some("help the build".into()),
        container: None,
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
        command_line: Some("cat secret".into()),
        task: Task {
            pid: 300,
            tid: 300,
            parent_pid: 200,
            start: 4_000_000_000,
            uid: 1000,
            comm: "cat".into(),
        },
        ancestry: vec![Ancestor { pid: 200, start: 3_000_000_000, path: "/usr/bin/bash".into() }],
        record_required: false,
        detail: 0,
        tool_call: None,
        hold: None,
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

fn container() -> impl Strategy<Value = Container> {
    (text(), of(text()), of(select(Runtime::ALL.to_vec()))).prop_map(|(id, pod, runtime)| Container {
        id,
        pod_uid: pod,
        runtime,
    })
}

fn object() -> BoxedStrategy<Object> {
    let file = (text(), of(text()), of(text()), any::<u32>(), any::<u64>()).prop_map(
        |(path, path_hex, in_workspace, device, inode)| Object::File {
            path,
            path_hex,
            workspace_path: in_workspace,
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
    let arguments = (proptest::collection::vec(text(), 0..4), any::<u32>(), any::<u64>()).prop_map(
        |(arguments, count, missing)| Object::Arguments { arguments, count, missing_bytes: missing },
    );
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

fn any_event() -> BoxedStrategy<Event> {
    let whose = (of(session()), of(text()), of(any::<u32>()), of(text()), of(container()));
    let what = (select(Operation::ALL.to_vec()), select(Verdict::ALL.to_vec()), any::<bool>(), object());
    let why = (select(Cause::ALL.to_vec()), text(), of(rule()), of(text()), 0u64..1 << 40, any::<u8>());
    let file = (any::<u32>(), 1u64..).prop_map(|(device, inode)| FileId { device: device.into(), inode });
    let ancestor =
        (any::<u32>(), any::<u64>(), text()).prop_map(|(pid, start, path)| Ancestor { pid, start, path });
    let who = (
        (text(), of(text())),
        of(file),
        any::<[u32; 4]>(),
        any::<u64>(),
        text(),
        vec(ancestor, 0..3),
        any::<bool>(),
    );
    let link = (vec(text(), 0..3), select(MatchedBy::ALL.to_vec()));
    let link = of(link.prop_map(|(calls, matched_by)| ToolLink { ids: calls, matched_by }));
    let rest = (any::<u32>(), any::<bool>(), link, of(hold()));
    (moment(), any::<u64>(), 0u64..1 << 50, whose, what, why, who, rest)
        .prop_map(|(time, boot_time, sequence, whose, what, why, who, (detail, required, tool, hold))| {
            let (session, session_name, owner, purpose, container) = whose;
            let (operation, verdict, passed, object) = what;
            let (cause, reason, rule, policy, generation, layer) = why;
            let (
                (program, command_line),
                program_file,
                [pid, tid, parent, uid],
                start,
                comm,
                ancestry,
                known,
            ) = who;
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
                container,
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
                command_line,
                task: Task { pid, tid, parent_pid: parent, start, uid, comm },
                ancestry,
                record_required: required,
                detail,
                tool_call: tool,
                hold,
            }
        })
        .boxed()
}

fn change() -> impl Strategy<Value = SessionChange> {
    let changes = vec![
        Change::Opened,
        Change::Reloaded,
        Change::ReloadFailed,
        Change::Expired,
        Change::Ended,
        Change::Recorded,
    ];
    let first = (moment(), session(), of(text()), any::<u32>(), select(changes), vec(text(), 0..3));
    let second = (
        of(text()),
        of(session()),
        of(text()),
        of(text()),
        vec(text(), 0..4),
        of(text()),
        (of(moment()), of(container())),
    );
    (first, second).prop_map(|(first, second)| {
        let (time, session, session_name, owner, change, policies) = first;
        let (purpose, parent, workspace, user, command, note, (ends, container)) = second;
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
            expires: ends,
            container,
            command,
            note,
        }
    })
}

fn hook_report() -> impl Strategy<Value = HookReport> {
    let first =
        (select(Assistant::ALL.to_vec()), select(ReportKind::ALL.to_vec()), text(), vec(of(text()), 7));
    let second = (vec(of(text()), 5), proptest::collection::btree_map(text(), text(), 0..3), 0u64..1 << 50);
    (first, second).prop_map(|((assistant, what, event, words), (texts, hints, cut))| {
        let [conversation, turn, tool_use, tool, subagent, subagent_kind, model] = words.try_into().unwrap();
        let [input, command, output, text, folder] = texts.try_into().unwrap();
        let ids = HookReport {
            conversation_id: conversation,
            turn_id: turn,
            tool_use_id: tool_use,
            tool,
            ..HookReport::of(assistant, what, &event)
        };
        let whose = HookReport {
            subagent_id: subagent,
            subagent_type: subagent_kind,
            model,
            working_directory: folder,
            hints,
            truncated_bytes: cut,
            ..ids
        };
        HookReport { input, command, output, text, ..whose }
    })
}

fn assistant_report() -> impl Strategy<Value = AssistantReport> {
    let process =
        (any::<u32>(), any::<u64>(), text()).prop_map(|(pid, start, path)| Ancestor { pid, start, path });
    let refused = (text(), text(), of(text())).prop_map(|(reason, policy, rule)| PredictedDenial {
        reason,
        policy,
        rule,
    });
    let whose = (moment(), any::<u64>(), session(), of(text()), any::<u32>());
    let whose = (whose, of(text()), of((text(), of(0u64..1 << 50))));
    (whose, of(text()), of(refused), vec(process, 0..3), 0u64..1 << 50, hook_report()).prop_map(
        |((whose, purpose, policy), call, refused, reported_by, dropped, report)| {
            let (time, boot_time, session, session_name, owner) = whose;
            let (policy, generation) = policy.unzip();
            AssistantReport {
                time,
                boot_time,
                session,
                session_name,
                owner,
                purpose,
                policy,
                generation: generation.flatten(),
                tool_call_id: call,
                predicted_denial: refused,
                reported_by,
                dropped,
                report,
            }
        },
    )
}

fn hold() -> impl Strategy<Value = HoldId> {
    (1u64..1 << 50).prop_map(|number| HoldId::from_kernel(number).unwrap())
}

/// With what was asked, as the kernel tells of it: it waits.
fn informed() -> BoxedStrategy<Decision> {
    let informed = (decision(), of(any_event())).prop_map(|(decision, event)| {
        let about = event.map(|event| {
            Box::new(Event {
                sequence: decision.hold.number(),
                session: decision.session,
                assistant: event.assistant.filter(|_| decision.session.is_some()),
                owner: decision.owner,
                passed: false,
                cause: Cause::Held,
                hold: Some(decision.hold),
                ..event
            })
        });
        Decision { event: about, ..decision }
    });
    // See `object`.
    informed.boxed()
}

fn decision() -> BoxedStrategy<Decision> {
    let person = (text(), text(), of(text()), any::<u32>()).prop_map(|(name, program, terminal, uid)| {
        DecidedBy::Person(Person { name, program, terminal, uid })
    });
    let by = prop_oneof![
        4 => person,
        1 => text().prop_map(DecidedBy::Check),
        1 => select(vec![DecidedBy::Withdrawn, DecidedBy::RateLimit, DecidedBy::Timeout]),
    ];
    let width = select(vec![Breadth::Once, Breadth::Exact, Breadth::Rule]);
    let scope =
        (of(0u64..1 << 50), width).prop_map(|(seconds, width)| GrantScope { seconds, breadth: width });
    let whose = (of(any::<u32>()), of(session()), of(text()));
    let answer = (any::<bool>(), any::<bool>(), text(), of(text()));
    (hold(), moment(), by, scope, whose, answer)
        .prop_map(
            |(hold, time, by, scope, (owner, session, session_name), (approves, settled, asked, reason))| {
                Decision {
                    event: None,
                    approved: approves,
                    summary: asked,
                    decided_by: by,
                    checks: Vec::new(),
                    hold,
                    owner,
                    reason,
                    scope,
                    session,
                    session_name,
                    is_final: settled,
                    time,
                }
            },
        )
        .boxed()
}

/// A record of any kind that stands in a trail.
pub fn record() -> impl Strategy<Value = Record> {
    let families = Family::ALL.map(FamilyName::from).to_vec();
    let lost =
        (moment(), proptest::collection::btree_map(select(families), 0u64..1 << 40, 0..4), 0u64..9, 0u64..9);
    let upkeep = select(vec![Upkeep::Created, Upkeep::Truncated, Upkeep::Removed]);
    prop_oneof![
        6 => any_event().prop_map(|event| Record::Event(Box::new(event))),
        2 => change().prop_map(Record::Session),
        2 => assistant_report().prop_map(|report| Record::AssistantReport(Box::new(report))),
        2 => informed().prop_map(|decision| Record::Decision(Box::new(decision))),
        1 => lost.prop_map(|(time, families, unexplained, unwritten)| {
            Record::Lost(Lost { time, families, unexplained, unwritten })
        }),
        1 => (moment(), any::<bool>(), text(), of(text()), text()).prop_map(|(time, started, version, before, boot)| {
            let replaces = before.filter(|_| started);
            Record::Daemon(DaemonChange { time, started, version, replaces, boot })
        }),
        1 => (moment(), any::<u32>(), text(), text()).prop_map(|(time, owner, policy, why)| {
            Record::PolicyRefused(PolicyRefused { time, owner, policy, reason: why })
        }),
        1 => (moment(), text(), any::<bool>(), of(text())).prop_map(|(time, hook, live, why)| {
            Record::Hook(HookChange { time, hook, live, reason: why })
        }),
        1 => (moment(), upkeep, text(), of(0u64..1 << 50)).prop_map(|(time, change, note, kept_from)| {
            Record::Trail(TrailChange { time, change, note, kept_from })
        }),
    ]
}
