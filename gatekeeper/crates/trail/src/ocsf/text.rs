//! Texts of a stored record.

use std::borrow::Cow;

/// Text, borrowed while writing, owned after reading.
pub type Text<'a> = Cow<'a, str>;
