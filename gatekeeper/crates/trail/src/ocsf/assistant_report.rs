//! What an assistant told of itself: API activity, with the profile for what an AI does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::unmapped::Kind;
use super::write::{Class, Machine, Place};
use super::{Actor, Agent, Endpoint, Line, Policy, ProcessEntity, Rule, Session, Text, User};
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{Ancestor, AssistantReport, PredictedDenial};

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Api<'a> {
    /// The tool, or the event's name.
    pub operation: Text<'a>,
    /// The assistant.
    pub service: Service<'a>,
}

/// What is called, or talked with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service<'a> {
    /// Its name.
    pub name: Text<'a>,
}

/// What is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MessageContext<'a> {
    /// 1 a person, 2 the model, 3 a tool, 4 an agent.
    pub ai_role_id: u8,
    /// A prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt_text: Option<Text<'a>>,
    /// An answer, or what a tool gave back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_text: Option<Text<'a>>,
    /// The assistant.
    pub service: Service<'a>,
    /// The assistant's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<Text<'a>>,
}

/// What stands nowhere else in the line.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Rest {
    dropped: u64,
    #[serde(default, alias = "refused", skip_serializing_if = "Option::is_none")]
    predicted_denial: Option<PredictedDenial>,
    #[serde(alias = "telling")]
    report: HookReport,
    #[serde(default, alias = "call", skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<String>,
}

/// The stored form.
pub fn line<'a>(told: &'a AssistantReport, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let telling = &told.report;
    let refused = told.predicted_denial.as_ref();
    let (activity, name, role) = match telling.kind {
        ReportKind::SessionStart => (1, "Create", 2),
        ReportKind::Prompt => (99, "Prompt", 1),
        ReportKind::ToolCall | ReportKind::ToolResult | ReportKind::ToolError => (99, "Tool", 3),
        ReportKind::PermissionRequest => (99, "Ask", 2),
        ReportKind::SubagentStart | ReportKind::SubagentEnd => (99, "Sub-agent", 4),
        ReportKind::TurnEnd => (99, "Answer", 2),
        ReportKind::SessionEnd => (4, "Delete", 2),
        ReportKind::Other => (99, "Other", 2),
    };
    let class = Class {
        class: 6003,
        activity,
        name: name.into(),
        message: message(told),
        time: told.time,
        success: refused.is_none() && telling.kind != ReportKind::ToolError && told.dropped == 0,
        severity: if refused.is_some() || told.dropped > 0 { 2 } else { 1 },
        kind: Kind::AssistantReport,
    };
    let mut line = Line::base(class, machine, place);
    let word = telling.assistant.name();
    let is_prompt = telling.kind == ReportKind::Prompt;
    line.actor = Some(Actor {
        app_name: None,
        process: None,
        session: Some(Session { uid: told.session }),
        user: Some(User { name: None, uid: told.owner.to_string().into() }),
    });
    line.ai_agent =
        Some(Agent { instance_uid: told.session, name: word.into(), type_id: 99, uid: word.into() });
    let operation = telling.tool.as_deref().unwrap_or(&telling.event);
    line.api = Some(Api { operation: operation.into(), service: Service { name: word.into() } });
    line.message_context = Some(MessageContext {
        ai_role_id: role,
        prompt_text: telling.text.as_deref().filter(|_| is_prompt).map(Text::from),
        response_text: telling.output.as_deref().map(Text::from),
        service: Service { name: word.into() },
        uid: telling.conversation_id.as_deref().map(Text::from),
    });
    line.src_endpoint = Some(Endpoint { ip: None, name: Some(machine.host.as_str().into()), port: None });
    line.metadata.profiles.extend(["security_control", "ai_operation"].map(Text::from));
    let (action, action_id, disposition, disposition_id) =
        if refused.is_some() { ("Denied", 2, "Blocked", 2) } else { ("Observed", 3, "Logged", 17) };
    (line.action, line.action_id) = (Some(action.into()), Some(action_id));
    (line.disposition, line.disposition_id) = (Some(disposition.into()), Some(disposition_id));
    line.status_detail = refused.map(|refused| refused.reason.as_str().into());
    let version = told.generation.map(|generation| generation.to_string()).unwrap_or_default();
    line.policy = told.policy.as_deref().map(|name| Policy { name: name.into(), version: version.into() });
    let rule = refused.and_then(|refused| refused.rule.as_deref());
    line.firewall_rule = rule.map(|rule| Rule { desc: None, uid: rule.into() });
    line.unmapped.boot_time = Some(told.boot_time.to_string().into());
    line.unmapped.generation = told.generation;
    line.unmapped.purpose = told.purpose.as_deref().map(Text::from);
    line.unmapped.session_name = told.session_name.as_deref().map(Text::from);
    let rest = Rest {
        dropped: told.dropped,
        predicted_denial: told.predicted_denial.clone(),
        tool_call_id: told.tool_call_id.clone(),
        // Long texts stand once, where the schema has a place for them.
        report: HookReport {
            output: None,
            text: telling.text.clone().filter(|_| !is_prompt),
            ..telling.clone()
        },
    };
    line.unmapped.assistant_report = serde_json::to_value(rest).ok();
    line.unmapped.reported_by = told.reported_by.iter().map(entity).collect();
    line
}

fn entity(process: &Ancestor) -> ProcessEntity<'_> {
    ProcessEntity {
        path: Some(process.path.as_str().into()),
        pid: process.pid,
        uid: Some(super::event::identity(process.pid, process.start).into()),
    }
}

/// The record again.
pub fn read(line: &Line<'_>) -> Option<AssistantReport> {
    let actor = line.actor.as_ref()?;
    let rest: Rest =
        Rest::deserialize(line.unmapped.assistant_report.as_ref().unwrap_or(&Value::Null)).ok()?;
    let said = line.message_context.as_ref()?;
    let owned = |text: &Option<Text<'_>>| text.as_ref().map(ToString::to_string);
    let mut telling = rest.report;
    telling.output = owned(&said.response_text);
    if telling.kind == ReportKind::Prompt {
        telling.text = owned(&said.prompt_text);
    }
    Some(AssistantReport {
        time: line.time_dt,
        boot_time: line.unmapped.boot_time.as_ref()?.parse().ok()?,
        session: actor.session.as_ref()?.uid,
        session_name: owned(&line.unmapped.session_name),
        owner: actor.user.as_ref()?.uid.parse().ok()?,
        purpose: owned(&line.unmapped.purpose),
        policy: line.policy.as_ref().map(|policy| policy.name.to_string()),
        generation: line.unmapped.generation,
        tool_call_id: rest.tool_call_id,
        predicted_denial: rest.predicted_denial,
        reported_by: line.unmapped.reported_by.iter().filter_map(super::read::ancestor).collect(),
        dropped: rest.dropped,
        report: telling,
    })
}

/// In a few words.
fn message(told: &AssistantReport) -> String {
    let telling = &told.report;
    if told.dropped > 0 {
        return format!("{} more were told, too many at once", told.dropped);
    }
    let what = telling.kind.words();
    let of = telling.tool.as_deref().or(telling.subagent_id.as_deref()).unwrap_or_default();
    let more = told.brief();
    let refused =
        told.predicted_denial.as_ref().map(|refused| format!("refused beforehand: {}", refused.reason));
    let parts = [Some(what), Some(of), Some(more.as_str()), refused.as_deref()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
