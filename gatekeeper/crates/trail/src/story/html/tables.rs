//! What was told, held and refused, as tables.

use std::fmt::{self, Write as _};

use super::text::{Plain, clock, last_call, last_part, object};
use crate::story::holds::{HoldStory, StoryDecision, waited};
use crate::story::{Report, Story, StoryEvent};
use gatekeeper_record::hook_report::ReportKind;

/// What the assistants told, each tool call with the processes that belong to it.
pub fn told(page: &mut String, story: &Story) -> fmt::Result {
    if story.assistant_reports.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<section id=\"told\"><h2>Told by the assistant</h2><div class=\"wide\"><table><thead><tr><th>Record<th>Time (UTC)<th>What<th>Call<th>Tool<th>StoryDecision<th>Processes</tr></thead><tbody>"
    )?;
    for Report { record, report: told } in &story.assistant_reports {
        let telling = &told.report;
        let call = told.tool_call_id.as_deref().unwrap_or_default();
        let class = if told.predicted_denial.is_some() { "bad" } else { "" };
        let said = match &told.predicted_denial {
            Some(refused) => format!("{} — {}", told.brief(), refused.reason),
            None => told.brief(),
        };
        let whose = telling.subagent_id.as_deref().map(|id| format!(" ({id})")).unwrap_or_default();
        write!(
            page,
            "<tr><td>{record}<td>{}<td class=\"{class}\">{} {}{}<td>{}<td>{}<td class=\"object\">{}<td>",
            clock(told.time),
            telling.assistant.name(),
            telling.kind.words(),
            Plain(&whose),
            Plain(last_call(call)),
            Plain(telling.tool.as_deref().unwrap_or_default()),
            Plain(&said)
        )?;
        if telling.kind == ReportKind::ToolCall && !call.is_empty() {
            for (process, by) in story.of_call(call) {
                let program = last_part(process.program());
                write!(page, "{} <small>{} {}</small><br>", Plain(program), process.pid, by.words())?;
            }
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
    Ok(())
}

/// What was held for a decision, a row an answer.
pub fn held(page: &mut String, story: &Story) -> fmt::Result {
    if story.holds.is_empty() {
        return Ok(());
    }
    writeln!(
        page,
        "<section id=\"held\"><h2>HoldStory for a decision</h2><div class=\"wide\"><table><thead><tr><th>Hold<th>Record<th>Time (UTC)<th>What was asked<th>By<th>What came of it<th>Waited<th>Record<th>Answered (UTC)<th>Answer<th>Reason</tr></thead><tbody>"
    )?;
    for held in &story.holds {
        let HoldStory {
            hold,
            record,
            since,
            summary: asked,
            program,
            pid,
            outcome,
            waited_ms,
            decisions: said,
            ..
        } = held;
        let rows = said.len().max(1);
        let number = record.map_or_else(|| "–".to_owned(), |record| record.to_string());
        let class = outcome.map_or("held", |outcome| outcome.word());
        write!(
            page,
            "<tr id=\"hold-{hold}\"><td rowspan=\"{rows}\">{hold}<td rowspan=\"{rows}\">{number}<td rowspan=\"{rows}\">{}<td rowspan=\"{rows}\" class=\"object\">{}<td rowspan=\"{rows}\">{}<td rowspan=\"{rows}\" class=\"{class}\">{}<td rowspan=\"{rows}\">{}",
            since.map(clock).unwrap_or_default(),
            Plain(asked),
            DecidedBy(program.as_deref(), *pid),
            Plain(&held.to_string()),
            waited_ms.map(waited).unwrap_or_default(),
        )?;
        if said.is_empty() {
            page.push_str("<td>–<td><td><td>");
        }
        for (row, StoryDecision { record, decision }) in said.iter().enumerate() {
            if row > 0 {
                page.push_str("</tr>\n<tr>");
            }
            let answer = decision.outcome().word();
            write!(
                page,
                "<td>{record}<td>{}<td class=\"{answer}\">{answer}: {}<td>{}",
                clock(decision.time),
                Plain(&decision.decided_by.in_full()),
                Plain(decision.reason.as_deref().unwrap_or_default())
            )?;
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div></section>\n");
    Ok(())
}

/// A program and its process, as far as they are known.
struct DecidedBy<'a>(Option<&'a str>, Option<u32>);

impl fmt::Display for DecidedBy<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Plain(last_part(self.0.unwrap_or("?"))))?;
        self.1.map_or(Ok(()), |pid| write!(f, " <small>{pid}</small>"))
    }
}

/// What was refused.
pub fn refused(page: &mut String, story: &Story) -> fmt::Result {
    let refused = story.refused();
    if refused.is_empty() {
        return page
            .write_str("<section id=\"refused\"><h2>Refused</h2><p>Nothing was refused.</p></section>\n");
    }
    writeln!(
        page,
        "<section id=\"refused\"><h2>Refused</h2><div class=\"wide\"><table><thead><tr><th>Record<th>Time (UTC)<th>Operation<th>On what<th>Why<th>Rule<th>By</tr></thead><tbody>"
    )?;
    for StoryEvent { record, event } in refused {
        let rule = event.rule.as_ref().map_or("–", |rule| rule.id.as_str());
        let by = last_part(event.program.as_deref().unwrap_or(&event.task.comm));
        writeln!(
            page,
            "<tr><td>{record}<td>{}<td>{}<td class=\"object\">{}<td>{}<td>{}<td>{} <small>{}</small></tr>",
            clock(event.time),
            event.operation.name(),
            Plain(&object(event)),
            Plain(&event.reason),
            Plain(rule),
            Plain(by),
            event.task.pid
        )?;
    }
    page.push_str("</tbody></table></div></section>\n");
    Ok(())
}
