//! Random events and their parts.

use std::net::{IpAddr, SocketAddr};

use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use gatekeeper_policy::document::Severity;
use gatekeeper_policy::rulebook::RuleInfo;
use gatekeeper_record::container::{Container, Runtime};
use gatekeeper_record::decision::HoldId;
use gatekeeper_record::record::{Ancestor, Event, FileId, MatchedBy, Object, Task, ToolLink};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

pub(super) fn text() -> impl Strategy<Value = String> {
    // Whatever a task may put into a name: quotes, controls, other scripts, separators.
    prop_oneof![4 => "[ -~]{0,20}", 1 => any::<String>(), 1 => "[\"\\\\\\x00-\\x1f\u{2028}/é]{0,8}"]
}

pub(super) fn moment() -> impl Strategy<Value = Moment> {
    (0i64..4_000_000_000_000_000).prop_map(Moment::from_micros)
}

pub(super) fn session() -> impl Strategy<Value = SessionId> {
    (1u64..1 << 50).prop_map(|number| SessionId::from_kernel(number).unwrap())
}

pub(super) fn container() -> impl Strategy<Value = Container> {
    (text(), of(text()), of(select(Runtime::ALL.to_vec()))).prop_map(|(id, pod, runtime)| Container {
        id,
        pod_uid: pod,
        runtime,
    })
}

pub(super) fn object() -> BoxedStrategy<Object> {
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
    let address = (any::<IpAddr>(), any::<u16>(), protocol)
        .prop_map(|(ip, port, protocol)| Object::Address { address: SocketAddr::new(ip, port), protocol });
    let unix = (text(), of(text())).prop_map(|(name, name_hex)| Object::Unix { name, name_hex });
    let process =
        (any::<u32>(), text(), of(text()), of(text())).prop_map(|(pid, program, program_hex, signal)| {
            Object::Process { pid, program, program_hex, signal }
        });
    let arguments =
        (vec(text(), 0..4), any::<u32>(), any::<u64>()).prop_map(|(arguments, count, missing)| {
            Object::Arguments { arguments, count, missing_bytes: missing }
        });
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

pub(super) fn rule() -> impl Strategy<Value = RuleInfo> {
    let severity =
        select(vec![Severity::Info, Severity::Low, Severity::Medium, Severity::High, Severity::Critical]);
    (text(), of(text()), severity, vec(text(), 0..3)).prop_map(|(id, reason, severity, tags)| RuleInfo {
        id,
        reason,
        severity,
        tags,
    })
}

pub(super) fn any_event() -> BoxedStrategy<Event> {
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

pub(super) fn hold() -> impl Strategy<Value = HoldId> {
    (1u64..1 << 50).prop_map(|number| HoldId::from_kernel(number).unwrap())
}
