//! Records of every kind, for tests.

mod event;
mod notes;

use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};
use proptest::collection::btree_map;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use self::event::{any_event, moment, text};
use self::notes::{assistant_report, change, informed};
use super::base::Machine;
use gatekeeper_policy::document::Severity;
use gatekeeper_policy::rulebook::RuleInfo;
use gatekeeper_record::record::{
    Ancestor, DaemonChange, Event, FamilyName, FileId, HookChange, Lost, Object, PolicyRefused, Record, Task,
    TrailChange, Upkeep,
};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

/// A machine.
#[must_use]
pub fn machine() -> Machine {
    Machine { host: "box".into(), boot: "b00t".into(), origin: "gatekeeper/box/0a1b2c3d".into() }
}

/// A denied read.
#[must_use]
pub fn denial(sequence: u64) -> Record {
    let object = Object::File {
        path: format!("/home/dev/app/secret-{sequence}"),
        path_hex: None,
        workspace_path: Some(format!("secret-{sequence}")),
        device: (8 << 20) | 1,
        inode: 1000 + sequence,
    };
    Record::Event(Box::new(event(sequence, Operation::Read, Verdict::Deny, object)))
}

/// An event.
#[must_use]
pub fn event(sequence: u64, operation: Operation, verdict: Verdict, object: Object) -> Event {
    Event {
        sequence,
        time: Moment::from_micros(1_800_000_000_000_000 + sequence.cast_signed() * 1000),
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
        program_file: Some(FileId { device: (8 << 20) | 1, inode: 42 }),
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

/// A record of any kind that stands in a trail.
pub fn record() -> impl Strategy<Value = Record> {
    let families = Family::ALL.map(FamilyName::from).to_vec();
    let lost = (moment(), btree_map(select(families), 0u64..1 << 40, 0..4), 0u64..9, 0u64..9);
    let upkeep = select(vec![Upkeep::Created, Upkeep::Truncated, Upkeep::SetAside, Upkeep::Removed]);
    prop_oneof![
        6 => any_event().prop_map(|event| Record::Event(Box::new(event))),
        2 => change().prop_map(Record::Session),
        2 => assistant_report().prop_map(|report| Record::AssistantReport(Box::new(report))),
        2 => informed().prop_map(|decision| Record::Decision(Box::new(decision))),
        1 => lost.prop_map(|(time, families, unexplained, unwritten)| {
            Record::Lost(Lost { time, families, unexplained, unwritten })
        }),
        1 => (moment(), any::<bool>(), text(), of(text()), text()).prop_map(|(time, started, version, before, boot)| {
            let (replaces, failure) = if started { (before, None) } else { (None, before) };
            Record::Daemon(DaemonChange { time, started, version, replaces, boot, failure })
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
