//! The input and the output of each assistant, as its own documentation has them; none of it is gatekeeper's to choose.

use serde_json::{Value, json};

use super::Assistant::{Claude, Codex, Copilot, Cursor, Gemini, Opencode};
use super::answer::{pass, refuse};
use super::foresee::{Access, Action, Place, foresee};
use super::read::{ReadError, read};
use super::*;
use gatekeeper_policy::links::NoLinks;
use gatekeeper_record::hook_report::{HookReport, ReportKind, TEXT};

fn parsed(assistant: Assistant, given: &Value) -> HookReport {
    read(assistant, None, given.to_string().as_bytes()).unwrap()
}

/// Every assistant's way to say that `git status` is about to be run.
fn before() -> Vec<(Assistant, HookReport)> {
    let input = json!({"command": "git status", "description": "look"});
    let given = [
        (
            Claude,
            json!({"session_id": "s1", "transcript_path": "/t", "cwd": "/w", "hook_event_name": "PreToolUse",
                "permission_mode": "default", "prompt_id": "p1", "agent_id": "a7", "agent_type": "Explore",
                "tool_name": "Bash", "tool_input": input, "tool_use_id": "toolu_1"}),
        ),
        (
            Codex,
            json!({"session_id": "s1", "turn_id": "p1", "transcript_path": null, "cwd": "/w",
                "hook_event_name": "PreToolUse", "model": "gpt", "permission_mode": "default",
                "tool_name": "Bash", "tool_input": input, "tool_use_id": "call_1"}),
        ),
        (
            Gemini,
            json!({"session_id": "s1", "transcript_path": "/t", "cwd": "/w", "hook_event_name": "BeforeTool",
                "timestamp": "2026-11-22T20:00:00Z", "tool_name": "run_shell_command", "tool_input": input}),
        ),
        (
            Cursor,
            json!({"conversation_id": "s1", "generation_id": "p1", "model": "m", "cwd": "/w",
                "hook_event_name": "beforeShellExecution", "cursor_version": "2", "workspace_roots": ["/w"],
                "user_email": "dev@example.com", "transcript_path": null, "command": "git status",
                "sandbox": false}),
        ),
        (
            Copilot,
            json!({"sessionId": "s1", "timestamp": 1_800_000_000_000_i64, "cwd": "/w",
                "hookEventName": "preToolUse", "toolName": "bash", "toolArgs": input.to_string()}),
        ),
        (
            Opencode,
            json!({"hook_event_name": "tool.execute.before", "sessionID": "s1", "callID": "c1", "cwd": "/w",
                "tool": "bash", "args": input}),
        ),
    ];
    given.into_iter().map(|(assistant, given)| (assistant, parsed(assistant, &given))).collect()
}

#[test]
fn every_assistants_tool_call_is_read() {
    let mut seen = Vec::new();
    for (assistant, report) in before() {
        let shown = format!("{assistant:?}: {report:?}");
        assert_eq!(report.kind, ReportKind::ToolCall, "{shown}");
        assert_eq!(report.command.as_deref(), Some("git status"), "{shown}");
        assert_eq!(report.conversation_id.as_deref(), Some("s1"), "{shown}");
        assert_eq!(report.working_directory.as_deref(), Some("/w"), "{shown}");
        assert!(report.tool.is_some() && report.input.unwrap().contains("git status"), "{shown}");
        seen.push(assistant);
    }
    assert_eq!(seen, Assistant::ALL);
    let all = before();
    let claude = &all[0].1;
    assert_eq!(
        (claude.subagent_id.as_deref(), claude.subagent_type.as_deref()),
        (Some("a7"), Some("Explore"))
    );
    assert_eq!((claude.tool_use_id.as_deref(), claude.turn_id.as_deref()), (Some("toolu_1"), Some("p1")));
    assert_eq!(all[1].1.model.as_deref(), Some("gpt"));
}

#[test]
fn prompts_results_failures_and_subagents() {
    let prompt = |event: &str| json!({"session_id": "s", "hook_event_name": event, "prompt": "help it"});
    for (assistant, event) in
        [(Claude, "UserPromptSubmit"), (Gemini, "BeforeAgent"), (Cursor, "beforeSubmitPrompt")]
    {
        let report = parsed(assistant, &prompt(event));
        assert_eq!((report.kind, report.text.as_deref()), (ReportKind::Prompt, Some("help it")));
    }
    let done = parsed(
        Codex,
        &json!({"session_id": "s", "hook_event_name": "PostToolUse", "tool_name": "Bash", "tool_use_id": "c",
            "tool_input": {"command": "ls"}, "tool_response": {"output": "a b", "exit_code": 0}}),
    );
    assert_eq!(
        (done.kind, done.output.as_deref()),
        (ReportKind::ToolResult, Some(r#"{"exit_code":0,"output":"a b"}"#))
    );
    let failed = parsed(
        Claude,
        &json!({"session_id": "s", "hook_event_name": "PostToolUseFailure", "tool_name": "Bash",
            "tool_input": {"command": "nc"}, "error": "Operation not permitted"}),
    );
    assert_eq!(
        (failed.kind, failed.output.as_deref()),
        (ReportKind::ToolError, Some("Operation not permitted"))
    );
    let error = json!({"llmContent": "x", "returnDisplay": "x", "error": {"message": "no"}});
    let failed =
        parsed(Gemini, &json!({"session_id": "s", "hook_event_name": "AfterTool", "tool_response": error}));
    assert_eq!(failed.kind, ReportKind::ToolError);
    let sub = parsed(
        Claude,
        &json!({"session_id": "s", "hook_event_name": "SubagentStop", "agent_id": "a", "agent_type": "t",
            "last_assistant_message": "done"}),
    );
    assert_eq!(
        (sub.kind, sub.subagent_id.as_deref(), sub.text.as_deref()),
        (ReportKind::SubagentEnd, Some("a"), Some("done"))
    );
    let cursor = parsed(
        Cursor,
        &json!({"conversation_id": "s", "hook_event_name": "afterShellExecution", "command": "ls",
            "output": "a", "duration": 3}),
    );
    assert_eq!((cursor.kind, cursor.output.as_deref()), (ReportKind::ToolResult, Some("a")));
}

#[test]
fn unknown_events_are_reported_and_broken_input_is_an_error() {
    let report =
        parsed(Claude, &json!({"session_id": "s", "hook_event_name": "TeammateIdle", "new": {"x": 1}}));
    assert_eq!((report.kind, report.event.as_str()), (ReportKind::Other, "TeammateIdle"));
    assert!(matches!(read(Claude, None, b"{\"x\""), Err(ReadError::Json(_))));
    assert!(matches!(read(Claude, None, b"[1]"), Err(ReadError::Form)));
    assert!(matches!(read(Copilot, None, b"{}"), Err(ReadError::Event)));
    let named = read(Copilot, Some("preToolUse"), b"{\"toolName\":\"bash\",\"toolArgs\":\"{}\"}").unwrap();
    assert_eq!(named.kind, ReportKind::ToolCall);
}

#[test]
fn long_texts_are_cut_and_say_so() {
    let input = json!({"command": "é".repeat(TEXT)});
    let mut report = parsed(
        Claude,
        &json!({"session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": input}),
    );
    report.shorten();
    let (input, command) = (report.input.unwrap().len(), report.command.unwrap().len());
    assert!(input <= TEXT && input > TEXT - 2 && command == TEXT, "{input} {command}");
    assert_eq!(report.truncated_bytes as usize, 3 * TEXT + 14 - input);
}

#[test]
fn each_is_refused_in_its_own_form() {
    let refusal =
        |assistant, kind, event| refuse(assistant, kind, event, "secrets").out.map(|out| out.to_string());
    let claude = r#"{"hookSpecificOutput":{"hookEventName":"PreToolUse","permissionDecision":"deny","permissionDecisionReason":"secrets"}}"#;
    assert_eq!(refusal(Claude, ReportKind::ToolCall, "PreToolUse").unwrap(), claude);
    assert_eq!(refusal(Codex, ReportKind::ToolCall, "PreToolUse").unwrap(), claude);
    assert_eq!(
        refusal(Claude, ReportKind::PermissionRequest, "PermissionRequest").unwrap(),
        r#"{"hookSpecificOutput":{"decision":{"behavior":"deny","message":"secrets"},"hookEventName":"PermissionRequest"}}"#
    );
    assert_eq!(
        refusal(Claude, ReportKind::Prompt, "UserPromptSubmit").unwrap(),
        r#"{"decision":"block","reason":"secrets"}"#
    );
    assert_eq!(
        refusal(Gemini, ReportKind::ToolCall, "BeforeTool").unwrap(),
        r#"{"decision":"deny","reason":"secrets"}"#
    );
    assert_eq!(
        refusal(Cursor, ReportKind::ToolCall, "preToolUse").unwrap(),
        r#"{"agent_message":"secrets","permission":"deny","user_message":"secrets"}"#
    );
    assert_eq!(
        refusal(Copilot, ReportKind::ToolCall, "preToolUse").unwrap(),
        r#"{"permissionDecision":"deny","permissionDecisionReason":"secrets"}"#
    );
    assert_eq!(
        refusal(Opencode, ReportKind::ToolCall, "tool.execute.before").unwrap(),
        r#"{"deny":"secrets"}"#
    );
    // What has happened can't be refused, and letting pass leaves all to the assistant's own rules.
    let done = refuse(Claude, ReportKind::ToolResult, "PostToolUse", "secrets");
    assert_eq!((done.out, done.status), (None, 0));
    assert_eq!((pass().out, pass().status), (None, 0));
}

fn actions(assistant: Assistant, tool: &str, input: &Value) -> Vec<Action> {
    let event = json!({"session_id": "s", "cwd": "/w", "hook_event_name": "PreToolUse", "tool_name": tool,
        "tool_input": input});
    let place = Place { folder: "/w".into(), path: vec!["/bin".into()], env: vec!["HOME".into()] };
    foresee(&parsed(assistant, &event), &place, &NoLinks)
}

#[test]
fn a_tool_calls_actions_are_foreseen() {
    let words = json!({"command": ["sh", "-c", "cat a > b; no-such-program"]});
    let programs: Vec<_> =
        actions(Codex, "Bash", &words).iter().map(|action| action.object().to_owned()).collect();
    assert_eq!(programs, ["/bin/sh", "/bin/cat"]);
    let shell = actions(Claude, "Bash", &json!({"command": "cat a > b; no-such-program x; $X"}));
    let cat = Action::Exec {
        program: "/bin/cat".into(),
        argv: vec!["cat".into(), "a".into()],
        env: vec!["HOME".into()],
    };
    assert_eq!(shell, [cat]);
    let file = |path: &str, access| Action::File { path: path.into(), access };
    let read = actions(Claude, "Read", &json!({"file_path": ".env"}));
    assert_eq!(read, [file("/w/.env", Access::Read)]);
    assert_eq!(
        actions(Gemini, "write_file", &json!({"file_path": "/etc/passwd"})),
        [file("/etc/passwd", Access::Write)]
    );
    let patch = "*** Begin Patch\n*** Add File: n.txt\n+x\n*** Delete File: /etc/x\n*** End Patch";
    let both = [file("/w/n.txt", Access::Create), file("/etc/x", Access::Delete)];
    assert_eq!(actions(Codex, "apply_patch", &json!({"command": patch})), both);
    assert_eq!(actions(Claude, "WebFetch", &json!({"path": "/x"})), []);
}
