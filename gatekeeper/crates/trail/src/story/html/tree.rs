//! The processes, each with what it did.

use std::fmt::{self, Write as _};

use super::class;
use super::text::{Plain, clock, object};
use crate::story::{Process, Story, StoryEvent};

/// Processes as a tree, their deeds with what came of those that were held.
pub fn tree(page: &mut String, story: &Story) -> fmt::Result {
    page.push_str("<section id=\"processes\"><h2>Processes</h2>\n");
    for process in &story.processes {
        let refused = process.refused();
        let Process { pid, depth, events: deeds, .. } = process;
        // Deeper than the page is wide, all stand in one line.
        let indent = depth.min(&12);
        let open = if refused > 0 { " open" } else { "" };
        writeln!(
            page,
            "<details style=\"margin-left:{indent}rem\"{open}><summary>{} <small>{pid}</small>",
            Plain(process.program())
        )?;
        if refused > 0 {
            writeln!(page, "<span class=\"bad\">{refused} refused</span>")?;
        }
        writeln!(page, "</summary><ol>")?;
        for deed in deeds {
            let StoryEvent { record, event } = deed;
            let class = class(event);
            write!(
                page,
                "<li class=\"{class}\"><small>{record}</small> <time>{}</time> {} <span class=\"object\">{}</span>{}",
                clock(event.time),
                event.operation.name(),
                Plain(&object(event)),
                if event.passed { String::new() } else { format!(" — {}", Plain(&event.reason)) }
            )?;
            if let Some(held) = story.hold_of(deed) {
                write!(
                    page,
                    " <a href=\"#hold-{0}\">hold {0}</a>: {1}",
                    held.hold,
                    Plain(&held.to_string())
                )?;
            } else if let Some(hold) = event.hold {
                write!(page, " <a href=\"#hold-{hold}\">hold {hold}</a>")?;
            }
            page.push_str("</li>\n");
        }
        page.push_str("</ol></details>\n");
    }
    page.push_str("</section>\n");
    Ok(())
}
