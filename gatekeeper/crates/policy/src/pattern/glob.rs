//! Patterns, as written: bytes to a tree. What follows is their meaning as paths; [`crate::pattern::word`] has that
//! of those that know no slash.
//!
//! `*` any bytes inside one component; `**` as a whole component, any number of components; `?` one
//! byte or one UTF-8 character; `[a-z]`, `[!a-z]` one of (or none of) these ASCII characters; `{a,b}`
//! either, nested as you like; `!(a|b)` any bytes inside one component but exactly these; `\` takes the next
//! character for what it is. `dir/**` is the directory itself and everything below. A pattern is absolute or begins
//! with `**/`.

use gatekeeper_common::limits::PATH_BYTES;

use crate::byte_set::ByteSet;
use crate::error::Help;

/// Alternatives that the braces of one pattern may multiply to.
pub const ALTERNATIVES: usize = 1024;
/// Braces inside braces, at most: the parser recurses.
const NESTING: usize = 16;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// This byte.
    Byte(u8),
    /// `?`
    Any,
    /// `[…]`
    Class(Box<Class>),
    /// `*`
    Star,
    /// `**`
    Deep,
    /// `{…}`
    Either(Vec<Vec<Node>>),
    /// `!(…)`
    Except(Vec<Vec<u8>>),
}

/// A class of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The ASCII characters named.
    pub set: ByteSet,
    /// Whether those named are the ones that don't match.
    pub negated: bool,
}

/// A pattern that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// Neither `/…` nor `**/…`.
    #[error("pattern `{0}` is relative and can't match a real path")]
    Relative(String),
    /// `.` or `..`.
    #[error("pattern `{0}` has a component `{1}`, which no real path has")]
    Dots(String, &'static str),
    /// `//` or a slash at the end.
    #[error("pattern `{0}` has an empty component, which no real path has")]
    Empty(String),
    /// `a**` or `**a`.
    #[error("`**` in pattern `{0}` is glued to other characters")]
    Glued(String),
    /// A brace without its partner.
    #[error("pattern `{0}` has an unbalanced `{1}`")]
    Unbalanced(String, char),
    /// A class that can't be.
    #[error("class in pattern `{0}` {1}")]
    Class(String, &'static str),
    /// `!(…)` that holds more than plain names.
    #[error("`!(…)` in pattern `{0}` {1}")]
    Except(String, &'static str),
    /// A backslash at the end.
    #[error("pattern `{0}` ends in a lone `\\`")]
    Escape(String),
    /// More bytes than what it could match.
    #[error("pattern of {0} bytes is longer than {PATH_BYTES}")]
    Long(usize),
    /// A component longer than any name.
    #[error("pattern `{0}` has a component longer than any file name")]
    LongName(String),
    /// A NUL byte.
    #[error("pattern holds a NUL byte")]
    Nul,
    /// Braces multiply to too many alternatives.
    #[error("braces of pattern `{0}` stand for more than {ALTERNATIVES} alternatives, or for too long ones")]
    Alternatives(String),
    /// Braces in braces in braces.
    #[error("braces of pattern `{0}` are nested deeper than {NESTING}")]
    Nesting(String),
}

impl Help for GlobError {
    fn help(&self) -> String {
        match self {
            Self::Relative(_) => {
                "begin it with `/`, with `${workspace}/` or, to match anywhere, with `**/`".to_owned()
            }
            Self::Dots(..) => "write the path without `.` and `..`".to_owned(),
            Self::Empty(_) => {
                "write single slashes and none at the end; `dir/**` covers `dir` too".to_owned()
            }
            Self::Glued(_) => "let `**` stand between slashes, or write `*` inside a component".to_owned(),
            Self::Unbalanced(_, c) => format!("close it, or write `\\{c}` for the character itself"),
            Self::Class(..) => {
                "write a class such as `[a-z0-9]` or `[!a-z]`; for others use `{é,è}`".to_owned()
            }
            Self::Except(..) => {
                "write plain names, as in `!(example|sample)`, or `\\!` for the character itself".to_owned()
            }
            Self::Escape(_) => "write `\\\\` for a backslash".to_owned(),
            Self::Long(_) | Self::LongName(_) => "shorten it".to_owned(),
            Self::Nul => "remove it".to_owned(),
            Self::Alternatives(_) => "spread them over several patterns".to_owned(),
            Self::Nesting(_) => "flatten the braces".to_owned(),
        }
    }
}

/// Parses a pattern. Its meaning as a path is checked where braces have been multiplied out.
///
/// # Errors
/// Where braces, classes or escapes are malformed, or nested too deep.
pub fn parse(text: &[u8]) -> Result<Vec<Node>, GlobError> {
    if text.len() > PATH_BYTES {
        return Err(GlobError::Long(text.len()));
    }
    if text.contains(&0) {
        return Err(GlobError::Nul);
    }
    let mut parser = Parser { text, at: 0, depth: 0 };
    let nodes = parser.sequence()?;
    match parser.peek() {
        None => Ok(nodes),
        Some(_) => Err(GlobError::Unbalanced(parser.shown(), '}')),
    }
}

struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn shown(&self) -> String {
        String::from_utf8_lossy(self.text).into_owned()
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }

    /// Up to the end or to a `,` or `}` that belongs to the caller.
    fn sequence(&mut self) -> Result<Vec<Node>, GlobError> {
        let mut nodes = Vec::new();
        while let Some(byte) = self.peek() {
            if byte == b'}' || (byte == b',' && self.depth > 0) {
                break;
            }
            self.at += 1;
            nodes.push(match byte {
                b'\\' => Node::Byte(self.next().ok_or_else(|| GlobError::Escape(self.shown()))?),
                b'?' => Node::Any,
                b'*' => self.star()?,
                b'[' => self.class()?,
                b']' => return Err(GlobError::Unbalanced(self.shown(), ']')),
                b'{' => self.either()?,
                b'!' if self.peek() == Some(b'(') => self.except()?,
                byte => Node::Byte(byte),
            });
        }
        Ok(nodes)
    }

    fn star(&mut self) -> Result<Node, GlobError> {
        let more = self.text[self.at..].iter().take_while(|byte| **byte == b'*').count();
        self.at += more;
        match more {
            0 => Ok(Node::Star),
            1 => Ok(Node::Deep),
            _ => Err(GlobError::Glued(self.shown())),
        }
    }

    fn either(&mut self) -> Result<Node, GlobError> {
        self.depth += 1;
        if self.depth > NESTING {
            return Err(GlobError::Nesting(self.shown()));
        }
        let mut branches = Vec::new();
        loop {
            branches.push(self.sequence()?);
            match self.next() {
                Some(b',') => {}
                Some(_) => break,
                None => return Err(GlobError::Unbalanced(self.shown(), '{')),
            }
        }
        self.depth -= 1;
        Ok(Node::Either(branches))
    }

    /// The names of `!(…)`.
    fn except(&mut self) -> Result<Node, GlobError> {
        let wrong = |parser: &Self, why| GlobError::Except(parser.shown(), why);
        self.at += 1;
        let mut names = vec![Vec::new()];
        loop {
            let byte = match self.next() {
                None => return Err(GlobError::Unbalanced(self.shown(), '(')),
                Some(b')') => break,
                Some(b'|') => {
                    names.push(Vec::new());
                    continue;
                }
                Some(b'\\') => self.next().ok_or_else(|| GlobError::Escape(self.shown()))?,
                Some(b'*' | b'?' | b'[' | b']' | b'{' | b'}' | b'(') => {
                    return Err(wrong(self, "holds a pattern, and takes names only"));
                }
                Some(byte) => byte,
            };
            if byte == b'/' || !byte.is_ascii() {
                return Err(wrong(self, "holds `/` or a character that is not ASCII"));
            }
            if let Some(name) = names.last_mut() {
                name.push(byte);
            }
        }
        if names.iter().any(Vec::is_empty) {
            return Err(wrong(self, "holds an empty name"));
        }
        if self
            .text
            .get(self.at..)
            .is_some_and(|rest| !matches!(rest.first(), None | Some(b'/' | b',' | b'}')))
        {
            return Err(wrong(self, "is not at the end of its component"));
        }
        Ok(Node::Except(names))
    }

    fn class(&mut self) -> Result<Node, GlobError> {
        let negated = self.peek() == Some(b'!');
        self.at += usize::from(negated);
        if self.peek() == Some(b'^') {
            return Err(GlobError::Class(self.shown(), "begins with `^`; `!` is what negates"));
        }
        let mut set = ByteSet::EMPTY;
        loop {
            let first = match self.next() {
                None => return Err(GlobError::Unbalanced(self.shown(), '[')),
                Some(b']') => break,
                Some(byte) => self.member(byte)?,
            };
            let ranged = self.peek() == Some(b'-') && self.text.get(self.at + 1).is_some_and(|b| *b != b']');
            if !ranged {
                set.insert(first);
                continue;
            }
            self.at += 1;
            let last = self.next().unwrap_or_default();
            let last = self.member(last)?;
            if last < first {
                return Err(GlobError::Class(self.shown(), "has a range that runs backwards"));
            }
            set.insert_range(first, last);
        }
        if set == ByteSet::EMPTY {
            return Err(GlobError::Class(self.shown(), "is empty"));
        }
        Ok(Node::Class(Box::new(Class { set, negated })))
    }

    fn member(&mut self, byte: u8) -> Result<u8, GlobError> {
        let byte = match byte {
            b'\\' => self.next().ok_or_else(|| GlobError::Escape(self.shown()))?,
            b'[' => return Err(GlobError::Class(self.shown(), "holds a `[`; write `\\[`")),
            byte => byte,
        };
        if byte.is_ascii() {
            Ok(byte)
        } else {
            Err(GlobError::Class(self.shown(), "holds a character that is not ASCII"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_form() {
        assert_eq!(parse(b"/a").unwrap(), [Node::Byte(b'/'), Node::Byte(b'a')]);
        assert_eq!(parse(br"\*").unwrap(), [Node::Byte(b'*')]);
        assert_eq!(parse(b"*/**").unwrap(), [Node::Star, Node::Byte(b'/'), Node::Deep]);
        let Node::Class(class) = parse(br"[!a-c\]-]").unwrap().remove(0) else { panic!("a class") };
        assert!(class.negated);
        assert_eq!(class.set.iter().collect::<Vec<_>>(), b"-]abc");
        let Node::Either(branches) = parse(b"{a,{b,c},}").unwrap().remove(0) else { panic!("braces") };
        assert_eq!(branches.len(), 3);
        assert_eq!(parse(b"a,b").unwrap().len(), 3);
        assert_eq!(parse(b"/!(b|c)").unwrap()[1], Node::Except(vec![b"b".to_vec(), b"c".to_vec()]));
        assert_eq!(parse(br"\!(").unwrap(), [Node::Byte(b'!'), Node::Byte(b'(')]);
    }

    #[test]
    fn refuses_what_is_malformed() {
        for text in [
            "/a}", "/{a", "/{a,{b}", "/[", "/[]", "/[z-a]", "/[^a]", "/[é]", "/a\\", "/***", "/]", "/!(",
            "/!(a|)", "/!(a*)", "/!(a/b)", "/!(é)", "/!(a)b",
        ] {
            let error = parse(text.as_bytes()).expect_err(text);
            assert!(!error.help().is_empty());
        }
        assert_eq!(parse(&[b'a'; 4097]), Err(GlobError::Long(4097)));
        assert_eq!(parse(b"/\0"), Err(GlobError::Nul));
        assert!(matches!(parse(&[b'{'; 4000]), Err(GlobError::Nesting(_))));
    }
}
