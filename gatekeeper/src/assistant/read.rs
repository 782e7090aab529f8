//! From an assistant's own hook JSON to a [`HookReport`]. Formats move: what is unknown is passed over, and an
//! event that nobody knows is still reported.

use serde_json::{Map, Value};

use super::{Assistant, patch, shell};
use gatekeeper_record::hook_report::{HookReport, ReportKind};

/// Error in reading a hook's input.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The input is no JSON.
    #[error("the hook's input is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The input is JSON of another form.
    #[error("the hook's input is not a JSON object")]
    Form,
    /// The input has no event name, and neither has the command line.
    #[error("the hook's input has no event name: add --event NAME to the hook's command")]
    Event,
}

/// Reads a hook's input. `event` is for assistants whose input does not name it.
///
/// # Errors
/// Where the input is no JSON object, or nothing names the event.
pub fn read(assistant: Assistant, event: Option<&str>, text: &[u8]) -> Result<HookReport, ReadError> {
    let value: Value = serde_json::from_slice(text)?;
    let Value::Object(given) = value else { return Err(ReadError::Form) };
    let given = Given(&given);
    let named = given.word(&["hook_event_name", "hookEventName"]);
    let event = named.or(event.map(str::to_owned)).ok_or(ReadError::Event)?;
    let kind = kind_of(&event);
    let mut report = HookReport::of(assistant, kind, &event);
    report.conversation_id = given.word(&["session_id", "sessionId", "sessionID", "conversation_id"]);
    report.turn_id = given.word(&["turn_id", "prompt_id", "generation_id"]);
    report.tool_use_id = given.word(&["tool_use_id", "tool_call_id", "toolCallId", "callID", "call_id"]);
    report.subagent_id = given.word(&["agent_id", "agentId", "subagent_id"]);
    report.subagent_type = given.word(&["agent_type", "agentType", "agentName", "subagent_type"]);
    report.model = given.word(&["model", "model_id"]);
    report.working_directory = given.word(&["cwd"]);
    report.tool = given.word(&["tool_name", "toolName", "tool"]).or_else(|| tool_of(&event));
    match kind {
        ReportKind::ToolCall
        | ReportKind::PermissionRequest
        | ReportKind::ToolResult
        | ReportKind::ToolError => {
            let input = given.tool_input(&event);
            report.command = input.as_ref().and_then(|input| command(&event, input));
            report.input = input.as_ref().map(Value::to_string);
            let failure = given.any(&["error", "error_message"]);
            let output = given.any(&["tool_response", "tool_output", "toolResult", "output", "result_json"]);
            report.output = failure.or(output).map(plain);
            if failed(&given) {
                report.kind = ReportKind::ToolError;
            }
        }
        ReportKind::Prompt => report.text = given.any(&["prompt", "message"]).map(plain),
        ReportKind::SessionStart => report.text = given.any(&["initialPrompt"]).map(plain),
        ReportKind::SubagentStart | ReportKind::SubagentEnd | ReportKind::TurnEnd => {
            let last = ["last_assistant_message", "response", "prompt_response", "summary", "task"];
            report.text = given.any(&last).map(plain);
        }
        ReportKind::SessionEnd => report.text = given.any(&["reason"]).map(plain),
        ReportKind::Other => report.text = given.any(&["message", "text", "reason"]).map(plain),
    }
    Ok(report)
}

/// Returns the kind of report that an event's name stands for, in any assistant's naming.
fn kind_of(event: &str) -> ReportKind {
    match event {
        "SessionStart" | "sessionStart" => ReportKind::SessionStart,
        "UserPromptSubmit"
        | "BeforeAgent"
        | "beforeSubmitPrompt"
        | "userPromptSubmitted"
        | "chat.message" => ReportKind::Prompt,
        "PreToolUse"
        | "preToolUse"
        | "BeforeTool"
        | "beforeShellExecution"
        | "beforeMCPExecution"
        | "beforeReadFile"
        | "tool.execute.before" => ReportKind::ToolCall,
        "PermissionRequest" | "permissionRequest" | "permission.ask" => ReportKind::PermissionRequest,
        "PostToolUse"
        | "postToolUse"
        | "AfterTool"
        | "afterShellExecution"
        | "afterMCPExecution"
        | "tool.execute.after" => ReportKind::ToolResult,
        "PostToolUseFailure" | "postToolUseFailure" => ReportKind::ToolError,
        "SubagentStart" | "subagentStart" => ReportKind::SubagentStart,
        "SubagentStop" | "subagentStop" => ReportKind::SubagentEnd,
        "Stop" | "StopFailure" | "AfterAgent" | "agentStop" | "stop" | "Interrupt" => ReportKind::TurnEnd,
        "SessionEnd" | "sessionEnd" => ReportKind::SessionEnd,
        _ => ReportKind::Other,
    }
}

/// Returns the tool of an event that Cursor has for this tool alone.
fn tool_of(event: &str) -> Option<String> {
    let tool = match event {
        "beforeShellExecution" | "afterShellExecution" => "shell",
        "beforeReadFile" => "read_file",
        _ => return None,
    };
    Some(tool.to_owned())
}

fn failed(given: &Given<'_>) -> bool {
    let response = given.any(&["tool_response", "toolResult"]);
    let says = |key: &str| response.and_then(|response| response.get(key));
    says("error").is_some_and(|error| !error.is_null())
        || says("resultType").is_some_and(|kind| kind == "failure" || kind == "denied")
}

/// The shell command in a tool's input.
fn command(event: &str, input: &Value) -> Option<String> {
    if event == "beforeMCPExecution" {
        return None;
    }
    match input.get("command").or_else(|| input.get("cmd")).or_else(|| input.get("script"))? {
        Value::String(text) if patch::is_patch(text) => None,
        Value::String(text) => Some(text.clone()),
        // A program with its arguments.
        Value::Array(words) => {
            Some(words.iter().map(|word| shell::quoted(&plain(word))).collect::<Vec<_>>().join(" "))
        }
        _ => None,
    }
}

/// A text as it is, anything else as JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

struct Given<'a>(&'a Map<String, Value>);

impl Given<'_> {
    fn any(&self, keys: &[&str]) -> Option<&Value> {
        keys.iter().find_map(|key| self.0.get(*key)).filter(|value| !value.is_null())
    }

    fn word(&self, keys: &[&str]) -> Option<String> {
        match self.any(keys)? {
            Value::String(text) if text.is_empty() => None,
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Returns the tool's input: some assistants send it as text that holds JSON.
    fn tool_input(&self, event: &str) -> Option<Value> {
        let found = if let Some(found) = self.any(&["tool_input", "toolArgs", "toolInput", "args"]) {
            found.clone()
        } else {
            // Cursor's events for one tool have its input beside everything else.
            let keys: &[&str] = match event {
                "beforeShellExecution" | "afterShellExecution" => &["command", "cwd", "sandbox"],
                "beforeReadFile" => &["file_path"],
                _ => return None,
            };
            let part = |key: &&str| Some(((*key).to_owned(), self.0.get(*key)?.clone()));
            Value::Object(keys.iter().filter_map(part).collect())
        };
        match &found {
            Value::String(text) => serde_json::from_str(text).ok().or(Some(found)),
            _ => Some(found),
        }
    }
}
