//! Patterns that know no slash: arguments and names of programs, names of variables, abstract names of sockets.
//!
//! `*` is any bytes, and the rest as in paths. `**` is the same as `*`, but for an argument that is nothing
//! else: there it is any number of arguments.

use super::glob::{ALTERNATIVES, GlobError};
use super::path::{Component, Flat, Item, flatten};
use crate::byte_set::ByteSet;
use crate::error::Help;

/// Bytes of an abstract name, at most: `sun_path` without its NUL (include/uapi/linux/un.h).
const ABSTRACT_BYTES: usize = 107;

/// The use of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An argument of a program.
    Argument,
    /// The name that a program is called by, without folders.
    Name,
    /// A word of a subcommand.
    Subcommand,
    /// What may follow a flag of a tool.
    FlagValue,
    /// The name of an environment variable.
    Variable,
    /// The abstract name of a UNIX socket.
    Abstract,
}

/// A pattern of words with all it stands for.
#[derive(Debug, Clone)]
pub struct Word {
    /// As the policy's author wrote it.
    pub text: String,
    /// With the variables put in.
    pub expanded: Vec<u8>,
    /// Braces multiplied out. [`Component::Deep`] is any number of arguments.
    pub alternatives: Vec<Component>,
}

/// A word that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WordError {
    /// Not a pattern.
    #[error(transparent)]
    Glob(#[from] GlobError),
    /// `NAME=value`.
    #[error("`{0}` has a `=`, which no variable's name has")]
    Equals(String),
    /// A slash in the name of a program.
    #[error("`{0}` can stand for a slash, which no {1} has")]
    Slash(String, &'static str),
    /// A subcommand that could be an option, or any number of words.
    #[error("`{0}` begins with no plain character, so that it could stand for an option")]
    Open(String),
    /// A pattern of nothing, where nothing has no name.
    #[error("`{0}` can stand for an empty name, which nothing has")]
    Empty(String),
    /// An abstract name too long for any socket.
    #[error("`{0}` is longer than any abstract name ({ABSTRACT_BYTES} bytes)")]
    Long(String),
    /// Braces multiply to too many lists of arguments.
    #[error("braces in `args` stand for more than {ALTERNATIVES} lists of arguments")]
    Lists,
}

impl Help for WordError {
    fn help(&self) -> String {
        match self {
            Self::Glob(error) => error.help(),
            Self::Equals(_) => "name the variable alone; its value is not looked at".to_owned(),
            Self::Slash(..) => "write the last part of the path alone".to_owned(),
            Self::Open(_) => "begin it with a letter; options stand under [tools.NAME]".to_owned(),
            Self::Empty(_) => "write a name".to_owned(),
            Self::Long(_) => "shorten it".to_owned(),
            Self::Lists => "spread them over several rules".to_owned(),
        }
    }
}

impl Word {
    /// Parses a pattern whose variables are put in.
    ///
    /// # Errors
    /// Where it is no pattern, or can match nothing.
    pub fn parse(text: &str, expanded: Vec<u8>, kind: Kind) -> Result<Self, WordError> {
        let shown = || String::from_utf8_lossy(&expanded).into_owned();
        let mut alternatives = Vec::new();
        for flat in flatten(&expanded)? {
            let word = component(flat, kind);
            if let Component::One(items) = &word {
                check(items, kind, &shown)?;
            }
            alternatives.push(word);
        }
        Ok(Self { text: text.to_owned(), expanded, alternatives })
    }

    /// The word of one component of a path.
    #[must_use]
    pub fn of_component(component: &Component) -> Self {
        let expanded = component.text();
        let text = String::from_utf8_lossy(&expanded).into_owned();
        Self { text, expanded, alternatives: vec![component.clone()] }
    }
}

/// Checks what only words of one kind may not be.
fn check(items: &[Item], kind: Kind, shown: &dyn Fn() -> String) -> Result<(), WordError> {
    let least = items.iter().filter(|item| **item != Item::Star).count();
    let is_slash = |item: &Item| match item {
        Item::Byte(byte) => *byte == b'/',
        Item::OneOf(set) => set.contains(b'/'),
        // These never stand for one where a slash ends the word.
        Item::Any | Item::NoneOf(_) | Item::Star | Item::Except(_) => false,
    };
    match kind {
        Kind::Argument => {}
        Kind::Variable if items.contains(&Item::Byte(b'=')) => return Err(WordError::Equals(shown())),
        Kind::Abstract if least > ABSTRACT_BYTES => return Err(WordError::Long(shown())),
        _ if items.is_empty() => return Err(WordError::Empty(shown())),
        Kind::Name if items.iter().any(is_slash) => return Err(WordError::Slash(shown(), "program's name")),
        Kind::Subcommand if items.iter().any(is_slash) => {
            return Err(WordError::Slash(shown(), "subcommand"));
        }
        Kind::Subcommand | Kind::FlagValue if first_bytes(items, kind).is_none_or(has_sign) => {
            return Err(WordError::Open(shown()));
        }
        Kind::Variable | Kind::Abstract | Kind::Name | Kind::Subcommand | Kind::FlagValue => {}
    }
    Ok(())
}

fn component(flat: Vec<Flat>, kind: Kind) -> Component {
    if kind == Kind::Argument && flat == [Flat::Deep] {
        return Component::Deep;
    }
    let mut items = Vec::with_capacity(flat.len());
    for node in flat {
        let item = match node {
            Flat::Slash => Item::Byte(b'/'),
            Flat::Deep => Item::Star,
            Flat::Item(item) => item,
        };
        if item != Item::Star || items.last() != Some(&Item::Star) {
            items.push(item);
        }
    }
    Component::One(items)
}

/// The bytes with which a word may begin, where they are not nearly all.
fn first_bytes(items: &[Item], kind: Kind) -> Option<ByteSet> {
    match items.first()? {
        Item::Byte(byte) => Some(ByteSet::of(*byte)),
        Item::OneOf(set) if kind == Kind::FlagValue => Some(**set),
        _ => None,
    }
}

/// Whether an option may begin with one of these.
fn has_sign(bytes: ByteSet) -> bool {
    bytes.contains(b'-') || bytes.contains(b'+')
}

/// Whether some text may be both a word of a subcommand and what follows a flag. It can be wrong for two patterns
/// that have nothing in common, and never for two that have.
#[must_use]
pub fn may_be_both(subcommand: &Word, value: &Word) -> bool {
    let both = |one: &Component, other: &Component| match (one, other) {
        (Component::One(one), Component::One(other)) => begin_alike(one, other),
        (Component::Deep, _) | (_, Component::Deep) => true,
    };
    subcommand.alternatives.iter().any(|word| value.alternatives.iter().any(|value| both(word, value)))
}

/// Whether two patterns have the same beginning, up to the first that is no plain byte.
fn begin_alike(one: &[Item], other: &[Item]) -> bool {
    for (mine, theirs) in one.iter().zip(other) {
        match (mine, theirs) {
            (Item::Byte(mine), Item::Byte(theirs)) if mine == theirs => {}
            (Item::Byte(byte), Item::OneOf(set)) => return set.contains(*byte),
            (Item::Byte(_), Item::Byte(_)) => return false,
            _ => return true,
        }
    }
    // A literal and one that goes on differ.
    let rest = if one.len() < other.len() { &other[one.len()..] } else { &one[other.len()..] };
    rest.iter().all(|item| matches!(item, Item::Star | Item::Except(_)))
}

/// The number of lists of arguments that a list of patterns stands for.
///
/// # Errors
/// Where there are more than [`ALTERNATIVES`].
pub fn count(words: &[Word]) -> Result<usize, WordError> {
    let mut count = 1;
    for word in words {
        count *= word.alternatives.len();
        if count > ALTERNATIVES {
            return Err(WordError::Lists);
        }
    }
    Ok(count)
}

/// Every list of arguments that a list of patterns stands for.
///
/// # Errors
/// Where there are more than [`ALTERNATIVES`].
pub fn lists(words: &[Word]) -> Result<Vec<Vec<&Component>>, WordError> {
    count(words)?;
    let mut lists = vec![Vec::new()];
    for word in words {
        lists = lists
            .iter()
            .flat_map(|list| {
                word.alternatives.iter().map(move |one| list.iter().copied().chain([one]).collect())
            })
            .collect();
    }
    Ok(lists)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str, kind: Kind) -> Result<Word, WordError> {
        Word::parse(text, text.as_bytes().to_vec(), kind)
    }

    #[test]
    fn slashes_are_bytes_and_stars_are_one() {
        let word = parse("a/***b", Kind::Argument);
        assert!(matches!(word, Err(WordError::Glob(GlobError::Glued(_)))));
        let word = parse("a/**b", Kind::Argument).unwrap();
        let items = [Item::Byte(b'a'), Item::Byte(b'/'), Item::Star, Item::Byte(b'b')];
        assert_eq!(word.alternatives, [Component::One(items.to_vec())]);
        assert_eq!(parse("{a,**}", Kind::Argument).unwrap().alternatives[1], Component::Deep);
        assert_eq!(parse("**", Kind::Abstract).unwrap().alternatives, [Component::One(vec![Item::Star])]);
        assert_eq!(parse("", Kind::Argument).unwrap().alternatives, [Component::One(Vec::new())]);
    }

    #[test]
    fn words_that_no_name_can_match_are_refused() {
        assert!(matches!(parse("A=b", Kind::Variable), Err(WordError::Equals(_))));
        assert!(matches!(parse("{A,}", Kind::Variable), Err(WordError::Empty(_))));
        assert!(matches!(parse("", Kind::Abstract), Err(WordError::Empty(_))));
        assert!(matches!(parse(&"x".repeat(108), Kind::Abstract), Err(WordError::Long(_))));
        assert!(parse(&"x".repeat(107), Kind::Abstract).is_ok());
    }

    #[test]
    fn names_and_subcommands_are_single_words() {
        assert!(matches!(parse("/bin/ls", Kind::Name), Err(WordError::Slash(..))));
        assert!(matches!(parse("[+-9]", Kind::Name), Err(WordError::Slash(..))));
        for text in ["-x", "+x", "*", "?", "[a-z]", "{push,-x}"] {
            assert!(matches!(parse(text, Kind::Subcommand), Err(WordError::Open(_))), "{text}");
        }
        assert!(parse("pu*", Kind::Subcommand).is_ok() && parse("[0-9]*", Kind::FlagValue).is_ok());
        assert!(matches!(parse("*x", Kind::FlagValue), Err(WordError::Open(_))));
        assert!(matches!(parse("[+-9]", Kind::FlagValue), Err(WordError::Open(_))));
    }

    #[test]
    fn a_subcommand_that_could_be_a_value_is_found() {
        let both = |word: &str, value: &str| {
            may_be_both(&parse(word, Kind::Subcommand).unwrap(), &parse(value, Kind::FlagValue).unwrap())
        };
        for (word, value) in [("true", "true"), ("t*", "true"), ("tru?", "true"), ("{a,true}", "{b,true}")] {
            assert!(both(word, value), "{word} {value}");
        }
        for (word, value) in [("test", "true"), ("tes*", "true"), ("truest", "true"), ("push", "[0-9]*")] {
            assert!(!both(word, value), "{word} {value}");
        }
        assert!(both("7", "[0-9]*") && both("true*", "true"));
    }

    #[test]
    fn lists_multiply_up_to_a_bound() {
        let two = parse("{a,b}", Kind::Argument).unwrap();
        assert_eq!(lists(&[two.clone(), two.clone()]).unwrap().len(), 4);
        assert_eq!(lists(&[]).unwrap(), [Vec::<&Component>::new()]);
        assert_eq!(lists(&vec![two.clone(); 10]).unwrap().len(), 1024);
        assert!(matches!(lists(&vec![two; 11]), Err(WordError::Lists)));
    }
}
