//! A hold in a few words, for places that make links and marks out of text.

use crate::hold::text;
use gatekeeper_record::held::Held;
use gatekeeper_record::safe_text;

/// Columns of the request, at most.
const ASKED: usize = 160;
/// Columns of other texts, at most.
const SHORT: usize = 60;

/// Text that is shown already, without anything that a chat tool or a desktop could take for a mark or a link.
#[must_use]
pub fn unmarked(shown: &str) -> String {
    let mut plain = String::with_capacity(shown.len());
    for c in shown.chars() {
        match c {
            '<' | '>' | '&' | '*' | '_' | '~' | '`' | '[' | ']' | '|' | '@' => {
                plain.extend(c.escape_unicode());
            }
            c => plain.push(c),
        }
    }
    plain.replace("://", ":\\u{2f}/").replace("www.", "www\\u{2e}")
}

/// The session that asks, and its owner.
#[must_use]
pub fn who(held: &Held) -> String {
    format!("{} of {}", unmarked(&safe_text::cut(&text::session(held), SHORT)), unmarked(&text::owner(held)))
}

/// The request, and the reason for asking people.
#[must_use]
pub fn request(held: &Held) -> String {
    let asked = unmarked(&text::asked(held, ASKED));
    let reason = unmarked(&safe_text::cut(&held.event.reason, ASKED));
    let flood = text::flood(held).map(|flood| format!(" ({flood})")).unwrap_or_default();
    format!("{} asks: {asked}, {reason}{flood}", unmarked(&text::program(held)))
}

/// The command that shows the hold.
#[must_use]
pub fn decide(held: &Held) -> String {
    format!("gatekeeper show {}", held.hold)
}
