//! Words of the page.

use std::fmt::{self, Display, Write as _};

use gatekeeper_record::record::{Event, Object};
use gatekeeper_record::safe_text::visible;
use gatekeeper_record::time::Moment;

/// Text that somebody else chose, made harmless.
pub struct Plain<'a>(pub &'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in visible(self.0).chars() {
            match c {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// What an operation is on, in a few words.
pub fn object(event: &Event) -> String {
    match &event.object {
        Object::None => "–".to_owned(),
        object => object.brief(),
    }
}

/// The time of day: UTC, as the times above are, wherever the page is read.
pub fn clock(moment: Moment) -> String {
    moment.to_string().get(11..23).unwrap_or_default().to_owned()
}

/// The last part of a path.
pub fn last_part(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A call's number within its session.
pub fn last_call(call: &str) -> &str {
    call.rsplit('.').next().unwrap_or(call)
}
