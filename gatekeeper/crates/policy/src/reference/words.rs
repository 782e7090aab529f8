//! Patterns that know no slash, and the names and arguments of programs, matched the obvious way.

use super::glob::{matches_name, without_braces};
use crate::pattern::word::Word;
use crate::rules::{Invocation, Options};

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

/// Whether a program is started with a name and arguments that a rule asks for. A rule that forbids also matches what
/// can't be read.
pub fn match_invocation(asked: &Invocation, forbids: bool, argv: &[Vec<u8>]) -> bool {
    let (name, given) = argv.split_first().map_or((b"".as_slice(), argv), |(name, given)| (name, given));
    let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let called = asked.names.as_ref().is_none_or(|names| {
        let either = [Some(name), name.strip_prefix(b"-")];
        either.into_iter().flatten().any(|name| names.iter().any(|word| matches_word(word, name)))
    });
    let Some(subcommand) = &asked.subcommand else { return called && match_arguments(&asked.args, given) };
    let options = &subcommand.options;
    // By the name of a subcommand, the tool reads no options before one.
    let names_one = options.own_prefix().is_some_and(|prefix| name.starts_with(prefix.as_bytes()));
    let called = called && (asked.names.is_some() || !names_one);
    let rest =
        |words: &[Word], given: &[Vec<u8>]| match_subcommand(words, options, &asked.args, forbids, given);
    subcommand.any_of.iter().any(|words| {
        let own_name = options.applet.as_ref().and_then(|applet| name.strip_prefix(applet.as_bytes()));
        let is_own = own_name.is_some_and(|own| words.first().is_some_and(|word| matches_word(word, own)));
        (called && rest(words, given)) || (is_own && rest(&words[1..], given))
    })
}

/// Whether options and the words of a subcommand, and then arguments, are these.
fn match_subcommand(
    words: &[Word],
    options: &Options,
    args: &[Word],
    forbids: bool,
    mut given: &[Vec<u8>],
) -> bool {
    let Some((word, others)) = words.split_first() else { return match_arguments(args, given) };
    loop {
        let Some((next, rest)) = given.split_first() else { return false };
        let sign = next.first().copied();
        let is_option = sign == Some(b'-') || sign.is_some_and(|sign| options_begin_with(options, sign));
        if next.is_empty() {
            return forbids;
        } else if !is_option {
            return matches_word(word, next) && match_subcommand(others, options, args, forbids, rest);
        } else if options.with_value.iter().any(|option| option.as_bytes() == next) {
            let Some((_, after)) = rest.split_first() else { return false };
            given = after;
        } else if options.flags.iter().any(|flag| matches_flag(flag.as_bytes(), next)) {
            let exact = options.flags.iter().any(|flag| flag.as_bytes() == next);
            let value = |next: &Vec<u8>| options.flag_values.iter().any(|word| matches_word(word, next));
            given = match rest.split_first() {
                Some((next, after)) if exact && value(next) => after,
                _ => rest,
            };
        } else {
            return forbids;
        }
    }
}

fn options_begin_with(options: &Options, sign: u8) -> bool {
    options.flags.iter().chain(&options.with_value).any(|option| option.as_bytes().first() == Some(&sign))
}

fn matches_flag(flag: &[u8], given: &[u8]) -> bool {
    match flag.strip_suffix(b"*") {
        Some(beginning) => given.starts_with(beginning),
        None => given == flag,
    }
}
