//! Patterns that know no slash: arguments of programs, names of variables, abstract names of sockets.
//!
//! `*` is any bytes, and the rest as in paths. `**` is the same as `*`, but for an argument that is nothing
//! else: there it is any number of arguments.

use super::glob::{ALTERNATIVES, GlobError};
use super::path::{Component, Flat, Item, flatten};
use crate::error::Help;

/// Bytes of an abstract name, at most: `sun_path` without its NUL (include/uapi/linux/un.h).
const ABSTRACT_BYTES: usize = 107;

/// The use of a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// An argument of a program.
    Argument,
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
            let Component::One(items) = &word else {
                alternatives.push(word);
                continue;
            };
            let least = items.iter().filter(|item| **item != Item::Star).count();
            match kind {
                Kind::Variable if items.contains(&Item::Byte(b'=')) => {
                    return Err(WordError::Equals(shown()));
                }
                Kind::Abstract if least > ABSTRACT_BYTES => return Err(WordError::Long(shown())),
                Kind::Variable | Kind::Abstract if items.is_empty() => return Err(WordError::Empty(shown())),
                _ => alternatives.push(word),
            }
        }
        Ok(Self { text: text.to_owned(), expanded, alternatives })
    }
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
    fn lists_multiply_up_to_a_bound() {
        let two = parse("{a,b}", Kind::Argument).unwrap();
        assert_eq!(lists(&[two.clone(), two.clone()]).unwrap().len(), 4);
        assert_eq!(lists(&[]).unwrap(), [Vec::<&Component>::new()]);
        assert_eq!(lists(&vec![two.clone(); 10]).unwrap().len(), 1024);
        assert!(matches!(lists(&vec![two; 11]), Err(WordError::Lists)));
    }
}
