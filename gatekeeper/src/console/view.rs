//! The drawing of the console.

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::layout;
use super::state::{Choice, Mode, Pane, State};
use crate::hold::text;
use gatekeeper_record::held::Held;
use gatekeeper_record::record::Record;
use gatekeeper_record::safe_text;

const PLAIN: Style = Style::new();
const DIM: Style = Style::new().add_modifier(Modifier::DIM);
const HEAD: Style = Style::new().add_modifier(Modifier::REVERSED);
const WARN: Style = Style::new().fg(Color::Yellow);
const GOOD: Style = Style::new().fg(Color::Green);
const BAD: Style = Style::new().fg(Color::Red).add_modifier(Modifier::BOLD);

/// Draws all of it.
pub fn draw(state: &State, frame: &mut Frame<'_>) {
    paint(state, frame.buffer_mut());
}

/// Puts text into a row, cut where the row ends.
fn put(buffer: &mut Buffer, area: Rect, row: usize, text: &str, style: Style) {
    let Ok(row) = u16::try_from(row) else { return };
    if row < area.height {
        buffer.set_stringn(area.x, area.y + row, text, usize::from(area.width), style);
    }
}

fn paint(state: &State, buffer: &mut Buffer) {
    let parts = layout::of((buffer.area.width.min(state.size.0), buffer.area.height.min(state.size.1)));
    let name = |pane, text| if state.pane == pane { format!("[{text}]") } else { format!(" {text} ") };
    let head = format!(
        "{}{}{}",
        name(Pane::Holds, format!("holds {}", state.holds.len())),
        name(Pane::Sessions, format!("sessions {}", state.sessions.len())),
        name(Pane::Events, "events".to_owned()),
    );
    buffer.set_style(parts.head, HEAD);
    put(buffer, parts.head, 0, &head, HEAD);
    match state.pane {
        Pane::Holds => {
            holds(state, buffer, parts.list);
            detail(state, buffer, parts.detail);
        }
        Pane::Sessions => list(state, buffer, parts.list.union(parts.detail), sessions(state)),
        Pane::Events => list(state, buffer, parts.list.union(parts.detail), events(state)),
    }
    foot(state, buffer, parts.foot);
}

fn holds(state: &State, buffer: &mut Buffer, area: Rect) {
    let found: Vec<_> = state.found().collect();
    if found.is_empty() {
        let text = if state.search.is_empty() { "nothing waits" } else { "nothing is found" };
        return put(buffer, area, 0, text, DIM);
    }
    let at = found.iter().position(|waiting| Some(waiting.held.hold) == state.selected).unwrap_or(0);
    // The selected one is always seen.
    let first = (at + 1).saturating_sub(usize::from(area.height));
    for (row, waiting) in found.iter().skip(first).enumerate() {
        let held = &waiting.held;
        let selected = Some(held.hold) == state.selected;
        let sign = if selected { '>' } else { ' ' };
        let before = format!(
            "{sign}{} {}s {} {} ",
            held.hold,
            state.left(waiting),
            text::program(held),
            held.event.operation.name()
        );
        let room = usize::from(area.width).saturating_sub(safe_text::columns(&before));
        let asked = match &held.arguments {
            Some(arguments) => safe_text::words(arguments, room),
            None => safe_text::cut(&held.event.object.brief(), room),
        };
        let text = format!("{before}{asked}");
        put(buffer, area, row, &text, if selected { WARN.add_modifier(Modifier::BOLD) } else { PLAIN });
    }
}

fn detail(state: &State, buffer: &mut Buffer, area: Rect) {
    let Some(waiting) = state.shown() else {
        let text = if state.holds.is_empty() { "" } else { "arrow keys select a hold" };
        return put(buffer, area, 0, text, DIM);
    };
    for (row, line) in layout::detail(state, waiting).iter().skip(state.scroll).enumerate() {
        let indent = safe_text::columns(&line.name);
        put(buffer, area, row, &line.name, DIM);
        let column = u16::try_from(indent).unwrap_or(u16::MAX).min(area.width);
        let rest = Rect { x: area.x + column, width: area.width - column, ..area };
        put(buffer, rest, row, &line.text, if line.asked { PLAIN } else { DIM });
    }
}

fn list(state: &State, buffer: &mut Buffer, area: Rect, lines: impl Iterator<Item = (String, Style)>) {
    let found = lines.filter(|(text, _)| state.finds(text)).skip(state.scroll);
    for (row, (text, style)) in found.take(usize::from(area.height)).enumerate() {
        put(buffer, area, row, &text, style);
    }
}

fn sessions(state: &State) -> impl Iterator<Item = (String, Style)> {
    state.sessions.iter().map(|session| {
        let name = session.name.clone().unwrap_or_else(|| session.session.to_string());
        let policies: Vec<String> =
            session.policies.iter().map(|policy| safe_text::exact(&policy.name)).collect();
        let running =
            session.processes.as_ref().map_or_else(|| "?".to_owned(), |list| list.len().to_string());
        let text = format!(
            "{}  {}  {}  {running} processes  {}",
            safe_text::cut(&name, 40),
            safe_text::exact(&session.user),
            policies.join(" + "),
            safe_text::cut(session.purpose.as_deref().unwrap_or_default(), 80),
        );
        (text, PLAIN)
    })
}

/// The latest first.
fn events(state: &State) -> impl Iterator<Item = (String, Style)> {
    state.records.iter().rev().map(|record| match record {
        Record::Event(event) => {
            let session = event.session_name.clone().or_else(|| event.session.map(|id| id.to_string()));
            let text = format!(
                "{} {} {} {} {}: {}",
                event.time.clock(),
                safe_text::cut(session.as_deref().unwrap_or("?"), 40),
                event.verdict.name(),
                event.operation.name(),
                safe_text::cut(&event.object.brief(), 120),
                safe_text::cut(&event.reason, 80),
            );
            (text, if event.is_refused() { BAD } else { PLAIN })
        }
        Record::Decision(decision) => {
            let style = if decision.approved { GOOD } else { BAD };
            let outcome = safe_text::cut(&decision.to_string(), 120);
            (
                format!("{} {outcome}: {}", decision.time.clock(), safe_text::cut(&decision.summary, 120)),
                style,
            )
        }
        Record::AssistantReport(report) if report.dropped > 0 => {
            (format!("{} {} more hooks turned away", report.time.clock(), report.dropped), BAD)
        }
        Record::AssistantReport(report) => {
            let session = report.session_name.clone().unwrap_or_else(|| report.session.to_string());
            let (assistant, kind) = (report.report.assistant.name(), report.report.kind.words());
            let tool = report.report.tool.as_deref().unwrap_or_default();
            let text = format!(
                "{} {} {assistant} {kind} {} {}",
                report.time.clock(),
                safe_text::cut(&session, 40),
                safe_text::cut(tool, 40),
                safe_text::cut(&report.brief(), 120),
            );
            (text, if report.predicted_denial.is_some() { BAD } else { DIM })
        }
        Record::Session(change) => {
            let name = change.session_name.clone().unwrap_or_else(|| change.session.to_string());
            (
                format!("{} session {}: {:?}", change.time.clock(), safe_text::cut(&name, 40), change.change),
                DIM,
            )
        }
        Record::Lost(lost) => (format!("{} events were lost", lost.time.clock()), BAD),
        Record::PolicyRefused(refused) => {
            let why = safe_text::cut(&refused.reason, 120);
            (
                format!(
                    "{} policy {} refused: {why}",
                    refused.time.clock(),
                    safe_text::cut(&refused.policy, 40)
                ),
                WARN,
            )
        }
        Record::Daemon(change) => {
            let state = if change.started { "started" } else { "stopped" };
            (format!("{} the daemon {state}", change.time.clock()), DIM)
        }
        Record::Hook(change) => {
            let state = if change.live { "live" } else { "not live" };
            (format!("{} hook {} is {state}", change.time.clock(), safe_text::exact(&change.hook)), WARN)
        }
        Record::Trail(change) => {
            (format!("{} the trail: {}", change.time.clock(), safe_text::exact(&change.note)), DIM)
        }
        Record::Missed { count } => (format!("{count} records were missed here: they are in the trail"), BAD),
    })
}

/// Returns a hold's question in one line that isn't cut at the edge: a longer one is cut with its end shown.
fn brief(held: &Held, width: usize) -> String {
    let operation = held.event.operation.name();
    let room = width.saturating_sub(operation.len() + 4);
    match &held.arguments {
        // Half is enough for a cut text.
        Some(_) if room >= 64 => text::asked(held, room / 2),
        _ => format!("{operation} {}", safe_text::cut(&held.event.object.brief(), room)),
    }
}

fn foot(state: &State, buffer: &mut Buffer, area: Rect) {
    let width = usize::from(area.width);
    let (first, second, third, style) = match &state.mode {
        Mode::Confirming(hold, choice) => {
            let (question, style) = match choice {
                Choice::Once => (format!("approve hold {hold} once?"), GOOD),
                Choice::Session => (format!("approve hold {hold} for the session?"), GOOD),
                Choice::Deny => (format!("deny hold {hold}?"), BAD),
            };
            let asked = state.holds.get(hold).map_or_else(String::new, |waiting| brief(&waiting.held, width));
            (question, asked, "y: yes   any other key: no".to_owned(), style)
        }
        Mode::Searching => {
            let search = format!("/{}", safe_text::exact(&state.search));
            (search, String::new(), "Enter: keep   Esc: all".to_owned(), PLAIN)
        }
        Mode::Looking => {
            let unread = state.unread();
            let more = if unread > 0 { format!("{unread} more lines: PgDn") } else { String::new() };
            let search = if state.search.is_empty() {
                String::new()
            } else {
                format!("/{} ", safe_text::exact(&state.search))
            };
            let keys = "a once d deny s session / Tab q".to_owned();
            match &state.away {
                Some(away) => (away.clone(), format!("{search}{more}"), keys, BAD),
                None => (state.note.clone(), format!("{search}{more}"), keys, WARN),
            }
        }
    };
    buffer.set_style(area, if matches!(state.mode, Mode::Confirming(..)) { HEAD } else { PLAIN });
    put(buffer, area, 0, &first, style);
    put(buffer, area, 1, &second, PLAIN);
    put(buffer, area, 2, &third, DIM);
}
