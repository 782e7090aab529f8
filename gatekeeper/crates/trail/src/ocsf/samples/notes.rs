//! Random changes of sessions, reports of assistants and decisions.

use gatekeeper_common::verdict::Cause;
use proptest::collection::{btree_map, vec};
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::select;

use super::event::{any_event, container, hold, moment, session, text};
use gatekeeper_record::assistant::Assistant;
use gatekeeper_record::decision::{Breadth, DecidedBy, Decision, GrantScope, Person};
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{Ancestor, AssistantReport, Change, Event, PredictedDenial, SessionChange};

pub(super) fn change() -> impl Strategy<Value = SessionChange> {
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

pub(super) fn hook_report() -> impl Strategy<Value = HookReport> {
    let first =
        (select(Assistant::ALL.to_vec()), select(ReportKind::ALL.to_vec()), text(), vec(of(text()), 7));
    let second = (vec(of(text()), 5), btree_map(text(), text(), 0..3), 0u64..1 << 50);
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

pub(super) fn assistant_report() -> impl Strategy<Value = AssistantReport> {
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

/// Decisions with the operation that was asked for, as it waits.
pub(super) fn informed() -> BoxedStrategy<Decision> {
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

pub(super) fn decision() -> BoxedStrategy<Decision> {
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
