//! Words of the page.

use maud::{Markup, html};

use gatekeeper_record::record::{Event, Object};
use gatekeeper_record::safe_text::visible;
use gatekeeper_record::time::Moment;

/// Returns text that somebody else chose, with its control characters made visible.
pub fn plain(text: &str) -> Markup {
    html! { (visible(text)) }
}

/// Returns the object of an operation, in a few words.
pub fn object(event: &Event) -> String {
    match &event.object {
        Object::None => "–".to_owned(),
        object => object.brief(),
    }
}

/// Returns the time of day: UTC, as the other times of the page are, wherever it is read.
pub fn clock(moment: Moment) -> String {
    moment.to_string().get(11..23).unwrap_or_default().to_owned()
}

/// Returns the last part of a path.
pub fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Returns a tool call's number within its session.
pub fn last_call(call: &str) -> &str {
    call.rsplit('.').next().unwrap_or(call)
}

/// Returns the class of an event in the style sheet.
pub fn class(event: &Event) -> &'static str {
    match (event.passed, event.is_start()) {
        (false, _) if event.is_held() => "held",
        (false, _) => "refused",
        (true, true) => "exec",
        (true, false) => "passed",
    }
}
