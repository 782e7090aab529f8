//! The timeline: a row a process, a mark an event.

use maud::{Markup, html};

use super::text::{class, clock, last_part, object, plain};
use crate::story::types::{Process, Story};
use gatekeeper_record::time::Moment;

/// Breadth of the timeline, in its own units.
const WIDTH: i64 = 1000;
/// Height of a row, in the same units.
const ROW: usize = 22;
/// Processes with a row of their own, at most; the tree below has them all.
const ROWS: usize = 60;

/// The first and the last moment of the timeline.
#[derive(Clone, Copy)]
struct Span {
    start: i64,
    length: i64,
}

impl Span {
    /// Returns the place of a moment, in units from the left.
    fn place(self, moment: Moment) -> i64 {
        let since = moment.micros().saturating_sub(self.start).clamp(0, self.length);
        10 + (WIDTH - 20).saturating_mul(since) / self.length
    }
}

/// Returns the timeline of a story.
pub fn timeline(story: &Story) -> Markup {
    let events = story.events();
    let (Some(first), Some(last)) = (events.first(), events.last()) else {
        return html! { p { "Nothing it did was recorded." } };
    };
    let start = first.event.time.micros();
    let span = Span { start, length: last.event.time.micros().saturating_sub(start).max(1) };
    let shown = story.processes.get(..ROWS).unwrap_or(&story.processes);
    let view = format!("0 0 {WIDTH} {}", shown.len() * ROW + 24);
    html! {
        section id="timeline" {
            h2 { "Timeline" }
            div class="legend" {
                span class="exec" { "program started" }
                span class="passed" { "let and recorded" }
                span class="held" { "held" }
                span class="refused" { "refused" }
            }
            div class="chart" {
                ol {
                    @for process in shown {
                        li { (plain(last_part(process.program()))) " " small { (process.pid) } }
                    }
                }
                svg viewBox=(view) preserveAspectRatio="none" role="img" aria-label="Timeline" {
                    @for (number, process) in shown.iter().enumerate() {
                        (row(number, process, span))
                    }
                }
            }
            p class="ends" { span { (first.event.time) } span { (last.event.time) } }
            @if story.processes.len() > ROWS {
                p { "The first " (ROWS) " of " (story.processes.len()) " processes; all are below." }
            }
        }
    }
}

fn row(number: usize, process: &Process, span: Span) -> Markup {
    let middle = number * ROW + ROW / 2;
    html! {
        @if let (Some(from), Some(to)) = (process.events.first(), process.events.last()) {
            @let (from, to) = (span.place(from.event.time), span.place(to.event.time));
            line x1=(from) y1=(middle) x2=(to.max(from + 1)) y2=(middle) {}
        }
        @for one in &process.events {
            @let event = &one.event;
            rect class=(class(event)) x=(span.place(event.time) - 2) y=(middle - 6) width="4" height="12" {
                title { (clock(event.time)) " " (event.operation.name()) " " (plain(&object(event))) }
            }
        }
    }
}
