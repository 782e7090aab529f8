//! The processes, each with its events.

use maud::{Markup, html};

use super::text::{class, clock, object, plain};
use crate::story::types::{Process, Story, StoryEvent};

/// The deepest level that is indented, in the page's own units: deeper ones stand in one line.
const DEEPEST: usize = 12;

/// Returns the processes as a tree, their events with the outcome of those that were held.
pub fn tree(story: &Story) -> Markup {
    html! {
        section id="processes" {
            h2 { "Processes" }
            @for process in &story.processes {
                (one_process(story, process))
            }
        }
    }
}

fn one_process(story: &Story, process: &Process) -> Markup {
    let refused = process.refused();
    let Process { pid, depth, events, .. } = process;
    html! {
        details style={ "margin-left:" (depth.min(&DEEPEST)) "rem" } open[refused > 0] {
            summary {
                (plain(process.program())) " " small { (pid) }
                @if refused > 0 { " " span class="bad" { (refused) " refused" } }
            }
            ol {
                @for event in events {
                    (one_event(story, event))
                }
            }
        }
    }
}

fn one_event(story: &Story, one: &StoryEvent) -> Markup {
    let StoryEvent { record, event } = one;
    html! {
        li class=(class(event)) {
            small { (record) } " " time { (clock(event.time)) } " " (event.operation.name()) " "
            span class="object" { (plain(&object(event))) }
            @if !event.passed { " — " (plain(&event.reason)) }
            @if let Some(held) = story.hold_of(one) {
                " " a href={ "#hold-" (held.hold) } { "hold " (held.hold) } ": " (plain(&held.to_string()))
            } @else if let Some(hold) = event.hold {
                " " a href={ "#hold-" (hold) } { "hold " (hold) }
            }
        }
    }
}
