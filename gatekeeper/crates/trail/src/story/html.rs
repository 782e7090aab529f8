//! The story as one page that needs nothing else: no script, no font, no image from elsewhere.

mod tables;
mod text;
mod timeline;
mod tree;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::types::Story;
use text::plain;

/// The style sheet.
const STYLE: &str = include_str!("report.css");

/// Returns the page.
#[must_use]
pub fn page(story: &Story) -> String {
    let name = story.opened.as_ref().and_then(|opened| opened.session_name.as_deref());
    let title = name.map_or_else(|| story.session.to_string(), str::to_owned);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'";
                title { "Session " (plain(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                main {
                    (head(story, &title))
                    (timeline::timeline(story))
                    (tables::reports(story))
                    (tables::holds(story))
                    (tables::refusals(story))
                    (tree::tree(story))
                }
            }
        }
    };
    page.into_string()
}

fn head(story: &Story, title: &str) -> Markup {
    let purpose = story.opened.as_ref().and_then(|opened| opened.purpose.as_deref());
    html! {
        header {
            p class="kind" { "gatekeeper session " (story.session) }
            h1 { (plain(title)) }
            @if let Some(purpose) = purpose {
                p class="purpose" { (plain(purpose)) }
            }
            dl {
                @for (name, value) in facts(story) {
                    @if let Some(value) = value {
                        div { dt { (name) } dd { (plain(&value)) } }
                    }
                }
            }
            (counts(story))
        }
    }
}

fn facts(story: &Story) -> [(&'static str, Option<String>); 9] {
    let opened = story.opened.as_ref();
    let nested: Vec<String> = story.nested.iter().map(ToString::to_string).collect();
    [
        ("Owner", opened.map(|o| o.user.clone().unwrap_or_else(|| o.owner.to_string()))),
        ("Policy", opened.map(|opened| opened.policies.join(" + "))),
        ("Workspace", opened.and_then(|opened| opened.workspace.clone())),
        ("Command", opened.map(|opened| opened.command.join(" ")).filter(|command| !command.is_empty())),
        ("Opened", opened.map(|opened| opened.time.to_string())),
        ("Until", opened.and_then(|opened| opened.expires).map(|expires| expires.to_string())),
        ("Time over", story.expired().map(|time| time.to_string())),
        ("Ended", story.ended.map(|ended| ended.to_string())),
        ("Sessions inside", Some(nested.join(", ")).filter(|nested| !nested.is_empty())),
    ]
}

fn counts(story: &Story) -> Markup {
    let counts = &story.counts;
    // The numbers of holds are left out where they are 0.
    let all = [
        (counts.refused, "refused", "bad", true),
        (counts.held, "held for a decision", "held", false),
        (counts.approved, "approved", "", false),
        (counts.denied, "denied", "bad", false),
        (counts.expired, "not answered in time", "bad", false),
        (counts.undecided, "undecided", "", false),
        (counts.prompts, "prompts", "", true),
        (counts.tool_calls, "tool calls", "", true),
        (counts.programs, "programs started", "", true),
        (counts.audited, "operations recorded", "", true),
        (counts.processes, "processes", "", true),
        (counts.records, "records", "", true),
    ];
    html! {
        ul class="counts" {
            @for (count, words, class, always) in all {
                @if count > 0 || always {
                    li class=(if count == 0 { "" } else { class }) { b { (count) } " " (words) }
                }
            }
        }
    }
}
