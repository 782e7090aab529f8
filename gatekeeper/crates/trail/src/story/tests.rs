//! Stories from records.

use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};

mod held;
mod page;

use super::html::page;
use super::*;
use crate::ocsf::samples::event;
use gatekeeper_record::record::{
    Ancestor, AssistantReport, Change, Event, MatchedBy, Object, Record, SessionChange, ToolLink,
};
use gatekeeper_record::session_id::SessionId;
use gatekeeper_record::time::Moment;

fn id() -> SessionId {
    SessionId::from_kernel(77).unwrap()
}

fn change(change: Change, session: SessionId, parent: Option<SessionId>) -> Record {
    Record::Session(SessionChange {
        time: Moment::from_micros(1_800_000_000_000_000),
        session,
        session_name: Some("demo".into()),
        owner: 1000,
        change,
        policies: vec!["coding-assistant@1".into()],
        purpose: Some("help <the> build".into()),
        parent,
        workspace: Some("/home/dev/app".into()),
        user: Some("dev".into()),
        expires: None,
        container: None,
        command: vec!["claude".into()],
        note: None,
    })
}

/// An event of process `pid`, child of the one before it in the chain.
fn act(sequence: u64, chain: &[u32], operation: Operation, verdict: Verdict, path: &str) -> Record {
    let object =
        Object::File { path: path.into(), path_hex: None, workspace_path: None, device: 1, inode: 2 };
    let mut event = event(sequence, operation, verdict, object);
    let (pid, above) = chain.split_last().unwrap();
    event.task.pid = *pid;
    event.task.start = u64::from(*pid);
    event.ancestry = above
        .iter()
        .rev()
        .map(|pid| Ancestor { pid: *pid, start: u64::from(*pid), path: "x".into() })
        .collect();
    Record::Event(Box::new(event))
}

fn story() -> Story {
    use Operation::{Exec, Read, Write};
    use Verdict::{Allow, Audit, Deny};
    let inner = SessionId::from_kernel(78).unwrap();
    let records = [
        change(Change::Opened, id(), None),
        act(1, &[10], Exec, Allow, "/usr/bin/claude"),
        act(2, &[10, 11], Exec, Allow, "/bin/sh"),
        act(3, &[10, 12], Exec, Allow, "/usr/bin/git"),
        act(4, &[10, 11], Read, Deny, "/home/dev/<script>alert(1)</script>"),
        act(5, &[10, 12], Write, Audit, "/home/dev/app/x"),
        act(6, &[10, 11, 13], Exec, Deny, "/usr/bin/nc"),
        change(Change::Opened, inner, Some(id())),
        change(Change::Ended, id(), None),
    ];
    let numbered: Vec<(u64, Record)> = (100..).zip(records).collect();
    Story::of(id(), &numbered)
}

#[test]
fn processes_are_a_tree_and_the_numbers_add_up() {
    let story = story();
    let tree: Vec<_> = story.processes.iter().map(|p| (p.pid, p.depth, p.parent_index)).collect();
    assert_eq!(tree, [(10, 0, None), (11, 1, Some(0)), (13, 2, Some(1)), (12, 1, Some(0))]);
    let counts =
        Counts { records: 8, processes: 4, programs: 3, refused: 2, audited: 1, ..Counts::default() };
    assert_eq!(story.counts, counts);
    assert_eq!(story.refused().iter().map(|one| one.record).collect::<Vec<_>>(), [104, 106]);
    assert_eq!(story.nested.len(), 1);
    assert!(story.opened.is_some() && story.ended.is_some());
    assert_eq!(story.processes[0].program(), "/usr/bin/claude");
}

#[test]
fn the_page_has_every_number_and_runs_nobodys_script() {
    let story = story();
    let page = page(&story);
    assert!(page.contains("<b>2</b> refused") && page.contains("<b>3</b> programs started"), "{page}");
    assert_eq!(page.matches("<rect class=\"refused\"").count(), 2);
    assert_eq!(page.matches("<rect class=\"exec\"").count(), 3);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("help &lt;the&gt; build"));
    for outside in ["http://", "https://", "url(", "@import"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn a_tool_call_stands_with_its_processes() {
    use gatekeeper_record::assistant::Assistant;
    use gatekeeper_record::hook_report::{HookReport, ReportKind};
    let reported = |what, text: &str, call: Option<&str>| {
        let report = HookReport { text: Some(text.into()), ..HookReport::of(Assistant::Codex, what, "x") };
        Record::AssistantReport(Box::new(AssistantReport {
            time: Moment::from_micros(1_800_000_000_000_000),
            boot_time: 1,
            session: id(),
            session_name: None,
            owner: 1000,
            purpose: None,
            policy: None,
            generation: None,
            tool_call_id: call.map(Into::into),
            predicted_denial: None,
            reported_by: Vec::new(),
            dropped: 0,
            report,
        }))
    };
    let linked = |record: Record, calls: &[&str], matched_by| {
        let Record::Event(mut event) = record else { panic!("no event") };
        event.tool_call =
            Some(ToolLink { ids: calls.iter().map(|call| (*call).into()).collect(), matched_by });
        Record::Event(event)
    };
    let exec = |number, chain: &[u32], path| act(number, chain, Operation::Exec, Verdict::Allow, path);
    let records = [
        reported(ReportKind::Prompt, "<b>help it", None),
        reported(ReportKind::ToolCall, "", Some("s.1")),
        linked(exec(1, &[10, 11], "/bin/sh"), &["s.1", "s.2"], MatchedBy::Ambiguous),
        linked(exec(2, &[10, 11], "/bin/bash"), &["s.1"], MatchedBy::Command),
        linked(exec(3, &[10, 11, 12], "/bin/ls"), &["s.1"], MatchedBy::Parent),
        linked(exec(4, &[10], "/usr/bin/codex"), &["s.1"], MatchedBy::Assistant),
    ];
    let numbered: Vec<(u64, Record)> = (100..).zip(records).collect();
    let story = Story::of(id(), &numbered);
    assert_eq!((story.counts.prompts, story.counts.tool_calls, story.counts.records), (1, 1, 6));
    let of_call: Vec<_> = story.of_call("s.1").map(|(process, by)| (process.pid, by)).collect();
    assert_eq!(of_call, [(11, MatchedBy::Command), (12, MatchedBy::Parent)]);
    let page = page(&story);
    assert!(page.contains("&lt;b&gt;help it") && page.contains("<b>1</b> tool calls"), "{page}");
    assert!(page.contains("bash <small>11 by process tree and command</small>"), "{page}");
}
