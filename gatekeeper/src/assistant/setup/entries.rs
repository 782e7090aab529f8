//! The entries of the assistants' files: their events, and the hook for each.

use serde_json::{Value, json};

use crate::assistant::Assistant;

/// Seconds an assistant is to wait for a hook: longer than one ever takes.
const PATIENCE: u64 = 60;

/// Beginning of the plugin for `OpenCode`, by which it is recognized.
pub const PLUGIN_HEAD: &str =
    "// gatekeeper's: `gatekeeper setup opencode` writes this file, and --remove removes it.\n";

/// An event, and whether it is about tools, which some assistants want matched by name.
type Event = (&'static str, bool);

/// The events whose hooks are set up. Those before something happens come with a refusal where the hook fails.
fn events(assistant: Assistant) -> &'static [Event] {
    match assistant {
        Assistant::Claude => &[
            ("SessionStart", false),
            ("UserPromptSubmit", false),
            ("PreToolUse", true),
            ("PermissionRequest", true),
            ("PostToolUse", true),
            ("PostToolUseFailure", true),
            ("SubagentStart", false),
            ("SubagentStop", false),
            ("Stop", false),
            ("SessionEnd", false),
        ],
        Assistant::Codex => &[
            ("SessionStart", false),
            ("UserPromptSubmit", false),
            ("PreToolUse", true),
            ("PermissionRequest", true),
            ("PostToolUse", true),
            ("SubagentStart", false),
            ("SubagentStop", false),
            ("Stop", false),
            ("SessionEnd", false),
        ],
        Assistant::Gemini => &[
            ("SessionStart", false),
            ("BeforeAgent", false),
            ("BeforeTool", true),
            ("AfterTool", true),
            ("AfterAgent", false),
            ("SessionEnd", false),
        ],
        Assistant::Cursor => &[
            ("sessionStart", false),
            ("beforeSubmitPrompt", false),
            ("preToolUse", true),
            ("postToolUse", true),
            ("postToolUseFailure", true),
            ("subagentStart", false),
            ("subagentStop", false),
            ("stop", false),
            ("sessionEnd", false),
        ],
        Assistant::Copilot => &[
            ("sessionStart", false),
            ("userPromptSubmitted", false),
            ("preToolUse", true),
            ("permissionRequest", true),
            ("postToolUse", true),
            ("postToolUseFailure", true),
            ("subagentStart", false),
            ("subagentStop", false),
            ("agentStop", false),
            ("sessionEnd", false),
        ],
        Assistant::Opencode => &[],
    }
}

/// Each event with what is to stand in its list.
pub fn entries(assistant: Assistant, program: &str) -> Vec<(&'static str, Value)> {
    let entry = |(event, tools): &Event| (*event, entry(assistant, event, *tools, program));
    events(assistant).iter().map(entry).collect()
}

fn entry(assistant: Assistant, event: &str, tools: bool, program: &str) -> Value {
    let command = format!("{program} hook --agent {}", assistant.name());
    let asks = matches!(
        event,
        "PreToolUse" | "UserPromptSubmit" | "PermissionRequest" | "preToolUse" | "beforeSubmitPrompt"
    );
    match assistant {
        Assistant::Claude | Assistant::Codex | Assistant::Gemini => {
            let mut hook = match assistant {
                Assistant::Gemini => {
                    json!({"type": "command", "name": "gatekeeper", "command": command, "timeout": PATIENCE * 1000})
                }
                _ => json!({"type": "command", "command": command, "timeout": PATIENCE}),
            };
            if assistant == Assistant::Claude && asks {
                hook["onFailure"] = json!("block");
            }
            let mut group = json!({"hooks": [hook]});
            if tools {
                group["matcher"] = json!("*");
            }
            group
        }
        Assistant::Cursor => {
            let mut hook = json!({"command": command, "timeout": PATIENCE});
            if asks {
                hook["failClosed"] = json!(true);
            }
            hook
        }
        // Its input does not say what happened.
        _ => {
            json!({"type": "command", "bash": format!("{command} --event {event}"), "timeoutSec": PATIENCE})
        }
    }
}

/// Whether a command is one that setup writes for this assistant, from wherever gatekeeper was installed.
pub fn is_own(assistant: Assistant, command: &str) -> bool {
    let mut words = command.split(' ');
    let program = words.next().and_then(|program| program.rsplit('/').next());
    program == Some("gatekeeper")
        && words.next() == Some("hook")
        && words.next() == Some("--agent")
        && words.next() == Some(assistant.name())
}

/// Returns the version at the top of an assistant's file, where its format has one.
pub fn version(assistant: Assistant) -> Option<u64> {
    matches!(assistant, Assistant::Cursor | Assistant::Copilot).then_some(1)
}

/// The plugin for `OpenCode`: it hands each event to gatekeeper, and throws where the answer is no.
pub fn plugin(program: &str) -> String {
    let program = Value::from(program);
    format!(
        r#"{PLUGIN_HEAD}import {{ spawnSync }} from "node:child_process"

const tell = (event, about) => {{
  const input = JSON.stringify({{ hook_event_name: event, cwd: process.cwd(), ...about }})
  const done = spawnSync({program}, ["hook", "--agent", "opencode"], {{ input, timeout: {PATIENCE}000 }})
  if (done.error || done.status !== 0) throw new Error(`gatekeeper: ${{done.error ?? done.stderr}}`)
  const answer = String(done.stdout).trim()
  if (answer && JSON.parse(answer).deny) throw new Error(`gatekeeper: ${{JSON.parse(answer).deny}}`)
}}

const observe = (event, about) => {{
  try {{
    tell(event, about)
  }} catch (error) {{
    console.error(String(error))
  }}
}}

export const Gatekeeper = async () => ({{
  "chat.message": async (input, output) => {{
    const text = (output.parts ?? []).map((part) => part.text ?? "").join("\n")
    tell("chat.message", {{ sessionID: input.sessionID, prompt: text }})
  }},
  "tool.execute.before": async (input, output) =>
    tell("tool.execute.before", {{ ...input, args: output.args }}),
  "tool.execute.after": async (input, output) =>
    observe("tool.execute.after", {{ ...input, tool_response: {{ output: output.output }} }}),
}})
"#
    )
}
