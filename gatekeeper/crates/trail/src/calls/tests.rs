//! The call that an event belongs to.

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Verdict;

use super::*;
use crate::ocsf::samples;
use gatekeeper_record::assistant::Assistant;

const NOW: u64 = 9_000_000_000;

fn empty() -> Calls {
    Calls { program: "/usr/bin/gatekeeper".into(), ..Calls::default() }
}

fn id() -> SessionId {
    SessionId::from_kernel(77).unwrap()
}

fn chain(pids: &[u32]) -> Vec<Ancestor> {
    let one = |pid: &u32| Ancestor { pid: *pid, start: u64::from(*pid) * TICK, path: "/x".into() };
    pids.iter().map(one).collect()
}

fn tool(what: ReportKind, tool_use: &str, command: &str) -> HookReport {
    HookReport {
        tool_use_id: Some(tool_use.into()),
        command: Some(command.into()),
        conversation_id: Some("c".into()),
        ..HookReport::of(Assistant::Claude, what, "x")
    }
}

fn event(pid: u32, object: Object) -> Event {
    let mut event = samples::event(1, Operation::Exec, Verdict::Allow, object);
    event.task.pid = pid;
    event.task.start = u64::from(pid) * TICK + 77;
    event.boot_time = NOW + 10;
    event
}

fn arguments(words: &[&str]) -> Object {
    let arguments: Vec<String> = words.iter().map(|word| (*word).into()).collect();
    Object::Arguments { count: arguments.len() as u32, arguments, missing_bytes: 0 }
}

fn link(calls: &mut Calls, pid: u32, above: &[u32]) -> Option<(String, MatchedBy)> {
    ids(calls.link(&event(pid, Object::None), || chain(above)))
}

fn link_words(calls: &mut Calls, pid: u32, above: &[u32], words: &[&str]) -> Option<(String, MatchedBy)> {
    ids(calls.link(&event(pid, arguments(words)), || chain(above)))
}

fn ids(link: Option<ToolLink>) -> Option<(String, MatchedBy)> {
    link.map(|link| (link.ids.join(" ").replace(&format!("{}.", id()), ""), link.matched_by))
}

fn found(call: &str, by: MatchedBy) -> (String, MatchedBy) {
    (call.into(), by)
}

#[test]
fn a_command_belongs_to_the_call_that_was_open() {
    let mut calls = empty();
    // 10 is the assistant, 20 the hook's shell, 21 the hook.
    let before =
        calls.reported(id(), &tool(ReportKind::ToolCall, "a", "git log"), &chain(&[21, 20, 10]), NOW, false);
    assert_eq!(before, Some(format!("{}.1", id())));
    assert_eq!(link(&mut calls, 30, &[10]), Some(found("1", MatchedBy::ProcessTree)));
    assert_eq!(link(&mut calls, 31, &[30, 10]), Some(found("1", MatchedBy::Parent)));
    assert_eq!(link(&mut calls, 10, &[9]), Some(found("1", MatchedBy::Assistant)));
    // Somebody else in the session.
    assert_eq!(link(&mut calls, 40, &[9]), None);
    let after = calls.reported(
        id(),
        &tool(ReportKind::ToolResult, "a", "git log"),
        &chain(&[51, 50, 10]),
        NOW,
        false,
    );
    assert_eq!(after, before);
    // Later children are nobody's, those of what it started stay its own.
    assert_eq!(link(&mut calls, 60, &[10]), None);
    assert_eq!(link(&mut calls, 61, &[31, 30, 10]), Some(found("1", MatchedBy::Parent)));
}

#[test]
fn what_happened_before_the_call_is_not_its_own() {
    let mut calls = empty();
    calls.reported(id(), &tool(ReportKind::ToolCall, "a", "x"), &chain(&[21, 10]), NOW + 20, false);
    assert_eq!(link(&mut calls, 30, &[10]), None);
}

#[test]
fn two_subagents_in_processes_of_their_own() {
    let mut calls = empty();
    calls.reported(id(), &tool(ReportKind::ToolCall, "m", "task"), &chain(&[21, 10]), NOW, false);
    calls.reported(id(), &tool(ReportKind::ToolCall, "a", "same"), &chain(&[22, 11, 10]), NOW, false);
    calls.reported(id(), &tool(ReportKind::ToolCall, "b", "same"), &chain(&[23, 12, 10]), NOW, false);
    assert_eq!(link(&mut calls, 31, &[11, 10]), Some(found("2", MatchedBy::ProcessTree)));
    assert_eq!(link(&mut calls, 32, &[12, 10]), Some(found("3", MatchedBy::ProcessTree)));
}

#[test]
fn two_subagents_in_one_process() {
    let mut calls = empty();
    calls.reported(id(), &tool(ReportKind::ToolCall, "a", "make 'all'"), &chain(&[22, 10]), NOW, false);
    calls.reported(id(), &tool(ReportKind::ToolCall, "b", "make test"), &chain(&[23, 10]), NOW, false);
    let both = Some(found("1 2", MatchedBy::Ambiguous));
    assert_eq!(link(&mut calls, 31, &[10]), both);
    assert_eq!(
        link_words(&mut calls, 31, &[10], &["bash", "-c", "eval 'make \\'all\\'' </dev/null"]),
        Some(found("1", MatchedBy::Command))
    );
    assert_eq!(
        link_words(&mut calls, 32, &[10], &["bash", "-lc", "make test"]),
        Some(found("2", MatchedBy::Command))
    );
    assert_eq!(link(&mut calls, 33, &[32, 10]), Some(found("2", MatchedBy::Parent)));
    // Nothing tells which of the two.
    assert_eq!(link_words(&mut calls, 34, &[10], &["ls"]), both);
    assert_eq!(link(&mut calls, 35, &[34, 10]), both);
}

#[test]
fn the_hooks_own_processes_are_no_tools() {
    let mut calls = empty();
    calls.reported(id(), &tool(ReportKind::ToolCall, "a", "x"), &chain(&[21, 10]), NOW, false);
    let hook = Some(found("", MatchedBy::Hook));
    let line = "/usr/bin/gatekeeper hook --agent claude";
    assert_eq!(link_words(&mut calls, 30, &[10], &["/bin/sh", "-c", line]), hook);
    assert_eq!(link(&mut calls, 31, &[30, 10]), hook);
    let words = ["/usr/bin/gatekeeper", "hook", "--agent", "codex", "--event", "Stop"];
    assert_eq!(link_words(&mut calls, 32, &[10], &words), hook);
    for evil in [
        "/usr/bin/gatekeeper hook --agent claude; nc x",
        "nc x # /usr/bin/gatekeeper hook --agent claude",
        "/tmp/gatekeeper hook --agent claude",
    ] {
        let found = link_words(&mut calls, 33, &[10], &["/bin/sh", "-c", evil]);
        assert_eq!(found.unwrap().1, MatchedBy::ProcessTree, "{evil}");
    }
}

#[test]
fn a_call_refused_or_a_turn_over_is_open_no_more() {
    let mut calls = empty();
    let number = calls.reported(id(), &tool(ReportKind::ToolCall, "a", "x"), &chain(&[21, 10]), NOW, true);
    assert!(number.is_some());
    assert_eq!(link(&mut calls, 30, &[10]), None);
    calls.reported(id(), &tool(ReportKind::ToolCall, "b", "x"), &chain(&[22, 10]), NOW, false);
    calls.reported(id(), &tool(ReportKind::TurnEnd, "", ""), &chain(&[23, 10]), NOW, false);
    assert_eq!(link(&mut calls, 31, &[10]), None);
}

#[test]
fn an_id_of_another_assistants_call_ends_none() {
    let mut calls = empty();
    calls.reported(id(), &tool(ReportKind::ToolCall, "a", "x"), &chain(&[21, 10]), NOW, false);
    let other = calls.reported(id(), &tool(ReportKind::ToolResult, "a", "x"), &chain(&[40, 12]), NOW, false);
    assert_eq!(other, None);
    assert_eq!(link(&mut calls, 30, &[10]), Some(found("1", MatchedBy::ProcessTree)));
}

#[test]
fn memory_is_bounded() {
    let mut calls = empty();
    for number in 0..1000 {
        let report = tool(ReportKind::ToolCall, &number.to_string(), "x");
        calls.reported(id(), &report, &chain(&[21, 10]), NOW, false);
    }
    for pid in 100..100 + PROCESSES as u32 + 10 {
        calls.link(&event(pid, Object::None), || chain(&[10]));
    }
    let book = &calls.sessions[&id()];
    assert_eq!((book.open.len(), book.matched.len(), book.order.len()), (OPEN, PROCESSES, PROCESSES));
}

#[test]
fn the_next_daemon_goes_on() {
    let mut calls = empty();
    let report = tool(ReportKind::ToolCall, "a", "x");
    let call = calls.reported(id(), &report, &chain(&[21, 10]), NOW, false);
    let record = AssistantReport {
        time: gatekeeper_record::time::Moment::from_micros(0),
        boot_time: NOW,
        session: id(),
        session_name: None,
        owner: 1,
        purpose: None,
        policy: None,
        generation: None,
        tool_call_id: call,
        predicted_denial: None,
        reported_by: chain(&[21, 10]),
        dropped: 0,
        report,
    };
    let mut next = empty();
    next.recall(&record);
    assert_eq!(link(&mut next, 30, &[10]), Some(found("1", MatchedBy::ProcessTree)));
    let number = next.reported(id(), &tool(ReportKind::ToolCall, "b", "y"), &chain(&[22, 10]), NOW, false);
    assert_eq!(number, Some(format!("{}.2", id())));
}
