//! The texts that the page must have, made of the JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::read::{clock, event, last, line, list, read, squeeze, string};
use gatekeeper_record::decision::Decision;
use gatekeeper_record::hook_report::ReportKind;
use gatekeeper_record::record::{AssistantReport, Event, Object, ToolLink};
use gatekeeper_record::safe_text::visible;

pub(super) fn counts(counts: &Value) -> Vec<String> {
    let count = |name: &str| counts[name].as_u64().unwrap();
    let always = ["refused", "prompts", "tool_calls", "programs", "audited", "processes", "records"];
    let words = [
        ("refused", "refused"),
        ("held", "held for a decision"),
        ("approved", "approved"),
        ("denied", "denied"),
        ("expired", "not answered in time"),
        ("undecided", "undecided"),
        ("prompts", "prompts"),
        ("tool_calls", "tool calls"),
        ("programs", "programs started"),
        ("audited", "operations recorded"),
        ("processes", "processes"),
        ("records", "records"),
    ];
    assert_eq!(words.len(), counts.as_object().unwrap().len(), "a number that the page does not show");
    let shown = words.iter().filter(|(name, _)| always.contains(name) || count(name) > 0);
    shown.map(|(name, words)| format!("{} {words}", count(name))).collect()
}

pub(super) fn title(story: &Value) -> Vec<String> {
    let name =
        story["opened"]["session_name"].as_str().map_or_else(|| string(&story["session"]), str::to_owned);
    vec![format!("gatekeeper session {}", string(&story["session"])), line(&name)]
}

pub(super) fn head(story: &Value) -> Vec<String> {
    let opened = &story["opened"];
    let words = |value: &Value, between: &str| -> String {
        list(value).iter().map(string).collect::<Vec<_>>().join(between)
    };
    let mut facts = Vec::new();
    if !opened.is_null() {
        let owner = opened["user"].as_str().map_or_else(|| opened["owner"].to_string(), str::to_owned);
        facts.push(("Owner", owner));
        facts.push(("Policy", words(&opened["policies"], " + ")));
        facts.extend(opened["workspace"].as_str().map(|path| ("Workspace", path.to_owned())));
        facts
            .extend(Some(("Command", words(&opened["command"], " "))).filter(|(_, words)| !words.is_empty()));
        facts.push(("Opened", string(&opened["time"])));
        facts.extend(opened["expires"].as_str().map(|time| ("Until", time.to_owned())));
    }
    let over = list(&story["changes"]).into_iter().find(|change| change["change"] == "expired");
    facts.extend(over.map(|change| ("Time over", string(&change["time"]))));
    facts.extend(story["ended"].as_str().map(|time| ("Ended", time.to_owned())));
    let nested = words(&story["nested"], ", ");
    facts.extend(Some(("Sessions inside", nested)).filter(|(_, nested)| !nested.is_empty()));
    facts.into_iter().flat_map(|(name, fact)| [name.to_owned(), line(&fact)]).collect()
}

pub(super) fn report(one: &Value, processes: &[Value]) -> Vec<String> {
    let record: AssistantReport = read(one);
    let report = &record.report;
    let call = record.tool_call_id.as_deref().unwrap_or_default();
    let whose = report.subagent_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let refused =
        record.predicted_denial.as_ref().map(|refused| format!(" — {}", refused.reason)).unwrap_or_default();
    let mut belong = String::new();
    if report.kind == ReportKind::ToolCall && !call.is_empty() {
        for process in processes {
            let Ok(link) = serde_json::from_value::<ToolLink>(process["tool_call"].clone()) else { continue };
            if link.ids.iter().any(|one| one == call) {
                let by = link.matched_by.words();
                let _ = write!(belong, "{} {} {by}", visible(&last(&program(process))), process["pid"]);
            }
        }
    }
    vec![
        one["record"].to_string(),
        clock(&one["time"]),
        squeeze(&format!("{} {}{}", report.assistant.name(), report.kind.words(), visible(&whose))),
        line(call.rsplit('.').next().unwrap()),
        line(report.tool.as_deref().unwrap_or_default()),
        line(&format!("{}{refused}", record.brief())),
        squeeze(&belong),
    ]
}

pub(super) fn held(one: &Value) -> Vec<String> {
    let known = |value: &Value| if value.is_null() { "–".to_owned() } else { value.to_string() };
    let decisions: Vec<(Value, Decision)> =
        list(&one["decisions"]).into_iter().map(|one| (one["record"].clone(), read(&one))).collect();
    let decision = decisions.iter().map(|(_, decision)| decision).find(|decision| decision.is_final);
    let outcome = match (one["outcome"].as_str(), decision) {
        (None, _) => "not decided yet".to_owned(),
        (Some("withdrawn"), _) => "ended undecided".to_owned(),
        (Some("expired"), _) => "denied, for nobody answered in time".to_owned(),
        (Some(word), Some(decision)) if decision.approved => {
            format!("{word} by {}, {}", decision.decided_by, decision.scope)
        }
        (Some(word), Some(decision)) => format!("{word} by {}", decision.decided_by),
        (Some(word), None) => panic!("{word} by nobody"),
    };
    let pid = one["pid"].as_u64().map(|pid| format!(" {pid}")).unwrap_or_default();
    let waited = one["waited_ms"].as_u64().map(|ms| format!("{}.{:03} s", ms / 1000, ms % 1000));
    let mut row = vec![
        one["hold"].to_string(),
        known(&one["record"]),
        one["since"].as_str().map(|_| clock(&one["since"])).unwrap_or_default(),
        line(&string(&one["summary"])),
        squeeze(&format!("{}{pid}", visible(&last(one["program"].as_str().unwrap_or("?"))))),
        line(&outcome),
        waited.unwrap_or_default(),
    ];
    for (record, decision) in &decisions {
        let time = serde_json::to_value(decision.time).unwrap();
        let answer = format!("{}: {}", decision.outcome().word(), visible(&decision.decided_by.in_full()));
        let reason = decision.reason.clone().unwrap_or_default();
        row.extend([record.to_string(), clock(&time), squeeze(&answer), line(&reason)]);
    }
    if decisions.is_empty() {
        row.extend(["–", "", "", ""].map(str::to_owned));
    }
    row
}

pub(super) fn denial(one: &Value) -> Vec<String> {
    let event = event(one);
    let rule = event.rule.as_ref().map_or("–", |rule| rule.id.as_str()).to_owned();
    let by = last(event.program.as_deref().unwrap_or(&event.task.comm));
    vec![
        one["record"].to_string(),
        clock(&one["time"]),
        event.operation.name().to_owned(),
        line(&object(&event)),
        line(&event.reason),
        line(&rule),
        squeeze(&format!("{} {}", visible(&by), event.task.pid)),
    ]
}

pub(super) fn summary(process: &Value) -> String {
    let refused = list(&process["events"]).iter().filter(|one| event(one).is_refused()).count();
    let refused = if refused > 0 { format!(" {refused} refused") } else { String::new() };
    squeeze(&format!("{} {}{refused}", visible(&program(process)), process["pid"]))
}

pub(super) fn entry(one: &Value, story: &Value) -> String {
    let event = event(one);
    let why = if event.passed { String::new() } else { format!(" — {}", visible(&event.reason)) };
    let all = list(&story["holds"]);
    let hold = all.iter().find(|held| one["hold"] == held["hold"]).map(|held| {
        let came = if event.is_held() { format!(": {}", self::held(held)[5]) } else { String::new() };
        format!(" hold {}{came}", held["hold"])
    });
    let (record, time, operation) = (&one["record"], clock(&one["time"]), event.operation.name());
    let object = visible(&object(&event));
    squeeze(&format!("{record} {time} {operation} {object}{why}{}", hold.unwrap_or_default()))
}

pub(super) fn program(process: &Value) -> String {
    let events: Vec<Event> = list(&process["events"]).iter().map(event).collect();
    let started = events.iter().rev().find(|event| event.is_start()).and_then(Event::path);
    let first = events.first().and_then(|event| event.program.as_deref());
    started.or(first).unwrap_or("?").to_owned()
}

pub(super) fn class(event: &Event) -> &'static str {
    match (event.passed, event.is_held(), event.is_start()) {
        (false, true, _) => "held",
        (false, false, _) => "refused",
        (true, _, true) => "exec",
        (true, _, false) => "passed",
    }
}

pub(super) fn object(event: &Event) -> String {
    if event.object == Object::None { "–".to_owned() } else { event.object.brief() }
}

/// Events of all processes, in order.
pub(super) fn all(story: &Value, which: impl Fn(&Event) -> bool) -> Vec<Value> {
    let events = list(&story["processes"]).into_iter().flat_map(|process| list(&process["events"]));
    let chosen = events.filter(|one| which(&event(one)));
    let by_number: BTreeMap<u64, Value> = chosen.map(|one| (one["record"].as_u64().unwrap(), one)).collect();
    by_number.into_values().collect()
}
