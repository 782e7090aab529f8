//! The story as one page that needs nothing else: no script, no font, no image from elsewhere.

mod tables;
mod text;
mod tree;

use std::fmt::{self, Write as _};

use super::Story;
use gatekeeper_record::record::Event;
use gatekeeper_record::time::Moment;
use text::{Plain, clock, last_part, object};

/// How it looks.
const STYLE: &str = include_str!("report.css");
/// Breadth of the timeline, in its own units.
const WIDTH: i64 = 1000;
/// Height of a lane of the timeline.
const LANE: usize = 22;
/// Processes with a lane of their own, at most; the tree below has them all.
const LANES: usize = 60;

/// The page.
pub fn page(story: &Story) -> Result<String, fmt::Error> {
    let mut page = String::new();
    let name = story.opened.as_ref().and_then(|opened| opened.session_name.as_deref());
    let title = name.map_or_else(|| story.session.to_string(), str::to_owned);
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Session {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
        Plain(&title)
    )?;
    head(&mut page, story, &title)?;
    timeline(&mut page, story)?;
    tables::told(&mut page, story)?;
    tables::held(&mut page, story)?;
    tables::refused(&mut page, story)?;
    tree::tree(&mut page, story)?;
    page.push_str("</main>\n</body>\n</html>\n");
    Ok(page)
}

fn head(page: &mut String, story: &Story, title: &str) -> fmt::Result {
    let opened = story.opened.as_ref();
    writeln!(
        page,
        "<header><p class=\"kind\">gatekeeper session {}</p><h1>{}</h1>",
        story.session,
        Plain(title)
    )?;
    if let Some(purpose) = opened.and_then(|opened| opened.purpose.as_deref()) {
        writeln!(page, "<p class=\"purpose\">{}</p>", Plain(purpose))?;
    }
    page.push_str("<dl>\n");
    let mut fact = |name: &str, value: Option<String>| match value {
        Some(value) => writeln!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", Plain(&value)),
        None => Ok(()),
    };
    fact("Owner", opened.map(|o| o.user.clone().unwrap_or_else(|| o.owner.to_string())))?;
    fact("Policy", opened.map(|opened| opened.policies.join(" + ")))?;
    fact("Workspace", opened.and_then(|opened| opened.workspace.clone()))?;
    fact("Command", opened.map(|opened| opened.command.join(" ")).filter(|command| !command.is_empty()))?;
    fact("Opened", opened.map(|opened| opened.time.to_string()))?;
    fact("Until", opened.and_then(|opened| opened.expires).map(|ends| ends.to_string()))?;
    fact("Time over", story.expired().map(|time| time.to_string()))?;
    fact("Ended", story.ended.map(|ended| ended.to_string()))?;
    let nested: Vec<String> = story.nested.iter().map(ToString::to_string).collect();
    fact("Sessions inside", Some(nested.join(", ")).filter(|nested| !nested.is_empty()))?;
    page.push_str("</dl>\n<ul class=\"counts\">\n");
    let counts = &story.counts;
    // Where nothing was held they say nothing.
    let of_holds = ["held for a decision", "approved", "denied", "not answered in time", "undecided"];
    for (count, what, class) in [
        (counts.refused, "refused", "bad"),
        (counts.held, "held for a decision", "held"),
        (counts.approved, "approved", ""),
        (counts.denied, "denied", "bad"),
        (counts.expired, "not answered in time", "bad"),
        (counts.undecided, "undecided", ""),
        (counts.prompts, "prompts", ""),
        (counts.tool_calls, "tool calls", ""),
        (counts.programs, "programs started", ""),
        (counts.audited, "operations recorded", ""),
        (counts.processes, "processes", ""),
        (counts.records, "records", ""),
    ] {
        if count == 0 && of_holds.contains(&what) {
            continue;
        }
        let class = if count == 0 { "" } else { class };
        writeln!(page, "<li class=\"{class}\"><b>{count}</b> {what}</li>")?;
    }
    page.push_str("</ul></header>\n");
    Ok(())
}

/// A lane a process, a mark a deed.
fn timeline(page: &mut String, story: &Story) -> fmt::Result {
    let deeds = story.deeds();
    let (Some(first), Some(last)) = (deeds.first(), deeds.last()) else {
        return page.write_str("<p>Nothing it did was recorded.</p>\n");
    };
    let start = first.event.time.micros();
    let span = (last.event.time.micros() - start).max(1);
    let place = |moment: Moment| 10 + (WIDTH - 20) * (moment.micros() - start).clamp(0, span) / span;
    let lanes = &story.processes[..story.processes.len().min(LANES)];
    let height = lanes.len() * LANE + 24;
    writeln!(
        page,
        "<section id=\"timeline\"><h2>Timeline</h2><div class=\"legend\"><span class=\"exec\">program started</span><span class=\"passed\">let and recorded</span><span class=\"held\">held</span><span class=\"refused\">refused</span></div>"
    )?;
    writeln!(page, "<div class=\"chart\"><ol>")?;
    for process in lanes {
        writeln!(page, "<li>{} <small>{}</small></li>", Plain(last_part(process.program())), process.pid)?;
    }
    writeln!(
        page,
        "</ol><svg viewBox=\"0 0 {WIDTH} {height}\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"Timeline\">"
    )?;
    for (lane, process) in lanes.iter().enumerate() {
        let y = lane * LANE + LANE / 2;
        if let (Some(from), Some(to)) = (process.events.first(), process.events.last()) {
            let (from, to) = (place(from.event.time), place(to.event.time));
            writeln!(page, "<line x1=\"{from}\" y1=\"{y}\" x2=\"{}\" y2=\"{y}\"/>", to.max(from + 1))?;
        }
        for deed in &process.events {
            let (x, class) = (place(deed.event.time), class(&deed.event));
            let top = y - 6;
            writeln!(
                page,
                "<rect class=\"{class}\" x=\"{}\" y=\"{top}\" width=\"4\" height=\"12\"><title>{} {} {}</title></rect>",
                x - 2,
                clock(deed.event.time),
                deed.event.operation.name(),
                Plain(&object(&deed.event))
            )?;
        }
    }
    writeln!(page, "</svg></div>")?;
    writeln!(
        page,
        "<p class=\"ends\"><span>{}</span><span>{}</span></p>",
        first.event.time, last.event.time
    )?;
    if story.processes.len() > LANES {
        writeln!(page, "<p>The first {LANES} of {} processes; all are below.</p>", story.processes.len())?;
    }
    page.push_str("</section>\n");
    Ok(())
}

fn class(event: &Event) -> &'static str {
    match (event.passed, event.is_start()) {
        (false, _) if event.is_held() => "held",
        (false, _) => "refused",
        (true, true) => "exec",
        (true, false) => "passed",
    }
}
