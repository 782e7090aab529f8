//! Reports, holds and refusals, as tables.

use maud::{Markup, html};

use super::text::{clock, last_call, last_part, object, plain};
use crate::story::hold_story::{HoldStory, StoryDecision, waited};
use crate::story::types::{Report, Story, StoryEvent};
use gatekeeper_record::hook_report::ReportKind;

/// A section with a table.
fn table(id: &str, title: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        section id=(id) {
            h2 { (title) }
            div class="wide" {
                table {
                    thead { tr { @for head in heads { th { (head) } } } }
                    tbody { (rows) }
                }
            }
        }
    }
}

/// Returns the reports of the assistants, each tool call with the processes that belong to it.
pub fn reports(story: &Story) -> Markup {
    let rows = html! {
        @for one in &story.assistant_reports {
            (report(story, one))
        }
    };
    if story.assistant_reports.is_empty() {
        return rows;
    }
    let heads = ["Record", "Time (UTC)", "What", "Call", "Tool", "Text", "Processes"];
    table("reports", "Reported by the assistant", &heads, &rows)
}

fn report(story: &Story, one: &Report) -> Markup {
    let Report { record: number, report: record } = one;
    let report = &record.report;
    let call = record.tool_call_id.as_deref().unwrap_or_default();
    let class = if record.predicted_denial.is_some() { "bad" } else { "" };
    let text = match &record.predicted_denial {
        Some(denial) => format!("{} — {}", record.brief(), denial.reason),
        None => record.brief(),
    };
    let whose = report.subagent_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
    let is_call = report.kind == ReportKind::ToolCall && !call.is_empty();
    html! {
        tr {
            td { (number) }
            td { (clock(record.time)) }
            td class=(class) { (report.assistant.name()) " " (report.kind.words()) (plain(&whose)) }
            td { (plain(last_call(call))) }
            td { (plain(report.tool.as_deref().unwrap_or_default())) }
            td class="object" { (plain(&text)) }
            td {
                @if is_call {
                    @for (process, by) in story.of_call(call) {
                        (plain(last_part(process.program()))) " " small { (process.pid) " " (by.words()) }
                        br;
                    }
                }
            }
        }
    }
}

/// Returns the holds, a row a decision.
pub fn holds(story: &Story) -> Markup {
    let rows = html! {
        @for held in &story.holds {
            (hold(held))
        }
    };
    if story.holds.is_empty() {
        return rows;
    }
    let heads = [
        "Hold",
        "Record",
        "Time (UTC)",
        "What was asked",
        "By",
        "What came of it",
        "Waited",
        "Record",
        "Answered (UTC)",
        "Answer",
        "Reason",
    ];
    table("held", "Held for a decision", &heads, &rows)
}

fn hold(held: &HoldStory) -> Markup {
    let HoldStory { hold, record, since, summary, program, pid, outcome, waited_ms, decisions, .. } = held;
    let rows = decisions.len().max(1);
    let number = record.map_or_else(|| "–".to_owned(), |record| record.to_string());
    let class = outcome.map_or("held", |outcome| outcome.word());
    html! {
        tr id={ "hold-" (hold) } {
            td rowspan=(rows) { (hold) }
            td rowspan=(rows) { (number) }
            td rowspan=(rows) { (since.map(clock).unwrap_or_default()) }
            td rowspan=(rows) class="object" { (plain(summary)) }
            td rowspan=(rows) {
                (plain(last_part(program.as_deref().unwrap_or("?"))))
                @if let Some(pid) = pid { " " small { (pid) } }
            }
            td rowspan=(rows) class=(class) { (plain(&held.to_string())) }
            td rowspan=(rows) { (waited_ms.map(waited).unwrap_or_default()) }
            @match decisions.first() {
                Some(first) => (decision(first)),
                None => { td { "–" } td {} td {} td {} }
            }
        }
        @for later in decisions.iter().skip(1) {
            tr { (decision(later)) }
        }
    }
}

fn decision(StoryDecision { record, decision }: &StoryDecision) -> Markup {
    let answer = decision.outcome().word();
    html! {
        td { (record) }
        td { (clock(decision.time)) }
        td class=(answer) { (answer) ": " (plain(&decision.decided_by.in_full())) }
        td { (plain(decision.reason.as_deref().unwrap_or_default())) }
    }
}

/// Returns what was refused.
pub fn refusals(story: &Story) -> Markup {
    let refused = story.refused();
    if refused.is_empty() {
        return html! { section id="refused" { h2 { "Refused" } p { "Nothing was refused." } } };
    }
    let rows = html! {
        @for StoryEvent { record, event } in refused {
            @let rule = event.rule.as_ref().map_or("–", |rule| rule.id.as_str());
            @let by = last_part(event.program.as_deref().unwrap_or(&event.task.comm));
            tr {
                td { (record) }
                td { (clock(event.time)) }
                td { (event.operation.name()) }
                td class="object" { (plain(&object(event))) }
                td { (plain(&event.reason)) }
                td { (plain(rule)) }
                td { (plain(by)) " " small { (event.task.pid) } }
            }
        }
    };
    let heads = ["Record", "Time (UTC)", "Operation", "On what", "Why", "Rule", "By"];
    table("refused", "Refused", &heads, &rows)
}
