//! The report of an assistant about itself: API activity, with the profile for what an AI does.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::actor::{Actor, ProcessEntity, Session, User};
use super::base::{Class, Machine, Place};
use super::line::Line;
use super::objects::{Agent, Api, Endpoint, MessageContext, Policy, Rule, Service};
use super::text::Text;
use super::unmapped::Kind;
use gatekeeper_record::hook_report::{HookReport, ReportKind};
use gatekeeper_record::record::{AssistantReport, PredictedDenial};

/// The parts of a report that stand nowhere else in the line.
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
pub fn line<'a>(record: &'a AssistantReport, machine: &'a Machine, place: &'a Place) -> Line<'a> {
    let report = &record.report;
    let refused = record.predicted_denial.as_ref();
    let (activity, name, role) = match report.kind {
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
        uid: 6003,
        activity,
        name: name.into(),
        message: message(record),
        time: record.time,
        success: refused.is_none() && report.kind != ReportKind::ToolError && record.dropped == 0,
        severity: if refused.is_some() || record.dropped > 0 { 2 } else { 1 },
        kind: Kind::AssistantReport,
    };
    let mut line = Line::base(class, machine, place);
    let word = report.assistant.name();
    let is_prompt = report.kind == ReportKind::Prompt;
    line.actor = Some(Actor {
        app_name: None,
        process: None,
        session: Some(Session { uid: record.session }),
        user: Some(User { name: None, uid: record.owner.to_string().into() }),
    });
    line.ai_agent =
        Some(Agent { instance_uid: record.session, name: word.into(), type_id: 99, uid: word.into() });
    let operation = report.tool.as_deref().unwrap_or(&report.event);
    line.api = Some(Api { operation: operation.into(), service: Service { name: word.into() } });
    line.message_context = Some(MessageContext {
        ai_role_id: role,
        prompt_text: report.text.as_deref().filter(|_| is_prompt).map(Text::from),
        response_text: report.output.as_deref().map(Text::from),
        service: Service { name: word.into() },
        uid: report.conversation_id.as_deref().map(Text::from),
    });
    line.src_endpoint = Some(Endpoint { ip: None, name: Some(machine.host.as_str().into()), port: None });
    line.metadata.profiles.extend(["security_control", "ai_operation"].map(Text::from));
    let (action, action_id, disposition, disposition_id) =
        if refused.is_some() { ("Denied", 2, "Blocked", 2) } else { ("Observed", 3, "Logged", 17) };
    (line.action, line.action_id) = (Some(action.into()), Some(action_id));
    (line.disposition, line.disposition_id) = (Some(disposition.into()), Some(disposition_id));
    line.status_detail = refused.map(|refused| refused.reason.as_str().into());
    let version = record.generation.map(|generation| generation.to_string()).unwrap_or_default();
    line.policy = record.policy.as_deref().map(|name| Policy { name: name.into(), version: version.into() });
    let denied_by = refused.and_then(|refused| refused.rule.as_deref());
    line.firewall_rule = denied_by.map(|rule| Rule { desc: None, uid: rule.into() });
    line.unmapped.boot_time = Some(record.boot_time.to_string().into());
    line.unmapped.generation = record.generation;
    line.unmapped.purpose = record.purpose.as_deref().map(Text::from);
    line.unmapped.session_name = record.session_name.as_deref().map(Text::from);
    let rest = Rest {
        dropped: record.dropped,
        predicted_denial: record.predicted_denial.clone(),
        tool_call_id: record.tool_call_id.clone(),
        // Long texts stand once, where the schema has a place for them.
        report: HookReport {
            output: None,
            text: report.text.clone().filter(|_| !is_prompt),
            ..report.clone()
        },
    };
    line.unmapped.assistant_report = serde_json::to_value(rest).ok();
    line.unmapped.reported_by = record.reported_by.iter().map(ProcessEntity::of).collect();
    line
}

/// The record again.
pub fn read(line: &Line<'_>) -> Option<AssistantReport> {
    let actor = line.actor.as_ref()?;
    let rest: Rest =
        Rest::deserialize(line.unmapped.assistant_report.as_ref().unwrap_or(&Value::Null)).ok()?;
    let context = line.message_context.as_ref()?;
    let owned = |text: &Option<Text<'_>>| text.as_ref().map(ToString::to_string);
    let mut report = rest.report;
    report.output = owned(&context.response_text);
    if report.kind == ReportKind::Prompt {
        report.text = owned(&context.prompt_text);
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
        reported_by: line.unmapped.reported_by.iter().filter_map(ProcessEntity::ancestor).collect(),
        dropped: rest.dropped,
        report,
    })
}

/// In a few words.
fn message(record: &AssistantReport) -> String {
    let report = &record.report;
    if record.dropped > 0 {
        return format!("{} more reports, too many at once", record.dropped);
    }
    let what = report.kind.words();
    let of = report.tool.as_deref().or(report.subagent_id.as_deref()).unwrap_or_default();
    let more = record.brief();
    let refused =
        record.predicted_denial.as_ref().map(|refused| format!("refused beforehand: {}", refused.reason));
    let parts = [Some(what), Some(of), Some(more.as_str()), refused.as_deref()];
    parts.into_iter().flatten().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
