//! Patterns that know no slash, matched the obvious way.

use super::glob::{matches_name, without_braces};
use crate::pattern::word::Word;

/// Whether the pattern of a name matches it.
pub fn matches_word(word: &Word, name: &[u8]) -> bool {
    without_braces(&word.expanded).iter().any(|flat| matches_name(flat, name))
}

/// Whether patterns, one an argument, match all arguments.
pub fn match_arguments(words: &[Word], arguments: &[Vec<u8>]) -> bool {
    let Some((first, rest)) = words.split_first() else { return arguments.is_empty() };
    without_braces(&first.expanded).iter().any(|flat| match (flat.as_slice(), arguments.split_first()) {
        (b"**", _) => (0..=arguments.len()).any(|skip| match_arguments(rest, &arguments[skip..])),
        (flat, Some((argument, others))) => matches_name(flat, argument) && match_arguments(rest, others),
        (_, None) => false,
    })
}
