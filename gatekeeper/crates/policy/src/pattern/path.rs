//! Patterns of paths, ready to compile: braces multiplied out, split at slashes, proved able to match.

use gatekeeper_common::limits::NAME_BYTES;

use super::glob::{ALTERNATIVES, GlobError, Node, parse};
use crate::byte_set::ByteSet;

/// One piece inside a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// This byte.
    Byte(u8),
    /// One byte but `/`, or one UTF-8 character.
    Any,
    /// One of these bytes.
    OneOf(Box<ByteSet>),
    /// One byte but these and `/`, or one UTF-8 character beyond ASCII.
    NoneOf(Box<ByteSet>),
    /// Any bytes but `/`.
    Star,
    /// Any bytes but `/`, and not one of these names. It is the last of its component.
    Except(Vec<Vec<u8>>),
}

/// The part of a path between two slashes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Component {
    /// Any number of components.
    Deep,
    /// One component.
    One(Vec<Item>),
}

impl Component {
    /// Whether it is one name and no pattern.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::One(items) if items.iter().all(|item| matches!(item, Item::Byte(_))))
    }

    /// Whether it is `*` or `**`.
    fn is_wild(&self) -> bool {
        matches!(self, Self::Deep) || matches!(self, Self::One(items) if items == &[Item::Star])
    }

    /// The component as it would be written.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        match self {
            Self::Deep => text.extend(b"**"),
            Self::One(items) => items.iter().for_each(|item| write_item(item, &mut text)),
        }
        text
    }

    /// The component with these bytes before it; `None` for any number of components.
    #[must_use]
    pub fn after_literal(&self, bytes: &[u8]) -> Option<Self> {
        let Self::One(items) = self else { return None };
        Some(Self::One(bytes.iter().copied().map(Item::Byte).chain(items.iter().cloned()).collect()))
    }

    fn from_literal(name: &[u8]) -> Self {
        Self::One(name.iter().copied().map(Item::Byte).collect())
    }
}

/// A pattern without braces: the components of an absolute path. The root directory has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    /// The components, from the root.
    pub components: Vec<Component>,
}

impl Pattern {
    /// Parses a pattern and multiplies its braces out.
    ///
    /// # Errors
    /// Where it is no pattern, or can match no real path.
    pub fn parse(text: &[u8]) -> Result<Vec<Self>, GlobError> {
        let shown = || String::from_utf8_lossy(text).into_owned();
        let flat = flatten(text)?;
        let slash = |node: &Flat| matches!(node, Flat::Item(Item::OneOf(set) | Item::NoneOf(set)) if set.contains(b'/'));
        if flat.iter().flatten().any(slash) {
            return Err(GlobError::Class(shown(), "holds `/`, which separates components"));
        }
        flat.iter().map(|nodes| Self::from_flat(nodes, &shown)).collect()
    }

    fn from_flat(nodes: &[Flat], shown: &dyn Fn() -> String) -> Result<Self, GlobError> {
        let mut pieces = nodes.split(|node| *node == Flat::Slash);
        let first = pieces.next().unwrap_or_default();
        let mut components = Vec::new();
        match first {
            [] if !nodes.is_empty() => {}
            [Flat::Deep] if nodes.len() > 1 => components.push(Component::Deep),
            _ => return Err(GlobError::Relative(shown())),
        }
        // The root directory is the one path that ends in its slash.
        if nodes == [Flat::Slash] {
            return Ok(Self { components });
        }
        for piece in pieces {
            components.push(component(piece, shown)?);
        }
        Ok(Self { components })
    }

    /// Whether it begins with components that name nothing: no literal to start from.
    #[must_use]
    pub fn floats(&self) -> bool {
        self.components.first().is_some_and(|first| !first.is_literal())
    }

    /// The folders above what it matches, as patterns, without those that end in nothing but a wildcard.
    ///
    /// A folder under `**` keeps its names wherever it is; one that only `*` names is any folder there.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        let above = 1..self.components.len();
        let ends = above.filter(|end| !self.components[end - 1].is_wild());
        ends.map(|end| Self { components: self.components[..end].to_vec() })
    }

    /// Whether a folder above what it matches has no name that [`Pattern::ancestors`] could give, so that renaming it
    /// takes what lies in it out of the pattern.
    #[must_use]
    pub fn has_nameless_ancestor(&self) -> bool {
        let above = self.components.split_last().map_or(&[][..], |(_, above)| above);
        // What floats from the root on matches wherever its folders go.
        above.iter().skip_while(|component| **component == Component::Deep).any(Component::is_wild)
    }

    /// The number of its characters and wildcards.
    #[must_use]
    pub fn pieces(&self) -> usize {
        let item = |item: &Item| match item {
            Item::Except(names) => 1 + names.iter().map(Vec::len).sum::<usize>(),
            _ => 1,
        };
        let length = |component: &Component| match component {
            Component::Deep => 1,
            Component::One(items) => 1 + items.iter().map(item).sum::<usize>(),
        };
        self.components.iter().map(length).sum()
    }

    /// The number of literal components it begins with, and the path they make.
    #[must_use]
    pub fn prefix(&self) -> (usize, Vec<u8>) {
        let (mut count, mut path) = (0, Vec::new());
        for component in self.components.iter().take_while(|component| component.is_literal()) {
            count += 1;
            path.push(b'/');
            if let Component::One(items) = component {
                path.extend(
                    items
                        .iter()
                        .filter_map(|item| if let Item::Byte(byte) = item { Some(byte) } else { None }),
                );
            }
        }
        (count, path)
    }

    /// The same pattern with the first `replaced` components exchanged for those of a path.
    #[must_use]
    pub fn with_prefix(&self, replaced: usize, path: &[u8]) -> Self {
        let names = path.split(|byte| *byte == b'/').filter(|name| !name.is_empty());
        let fresh = names.map(Component::from_literal);
        Self { components: fresh.chain(self.components[replaced..].iter().cloned()).collect() }
    }

    /// The pattern as it would be written.
    #[must_use]
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for component in &self.components {
            text.push(b'/');
            text.extend(component.text());
        }
        match self.components.first() {
            None => text.push(b'/'),
            Some(Component::Deep) if self.components.len() > 1 => {
                text.remove(0);
            }
            Some(_) => {}
        }
        text
    }
}

/// Pieces that all alternatives of one pattern may have together: a bound on memory.
const PIECES: usize = 128 * ALTERNATIVES;

/// A node without braces, slashes apart from other bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flat {
    /// `/`
    Slash,
    /// `**`
    Deep,
    /// Anything else.
    Item(Item),
}

/// Parses a pattern and multiplies its braces out.
///
/// # Errors
/// Where it is no pattern, or its braces stand for too much.
pub fn flatten(text: &[u8]) -> Result<Vec<Vec<Flat>>, GlobError> {
    let mut flat = vec![Vec::new()];
    if !multiply(&parse(text)?, &mut flat) {
        return Err(GlobError::Alternatives(String::from_utf8_lossy(text).into_owned()));
    }
    Ok(flat)
}

/// Appends nodes to every list, each list once for each branch of braces. Returns whether the bounds held.
fn multiply(nodes: &[Node], flat: &mut Vec<Vec<Flat>>) -> bool {
    for node in nodes {
        let one = match node {
            Node::Byte(b'/') => Flat::Slash,
            Node::Byte(byte) => Flat::Item(Item::Byte(*byte)),
            Node::Any => Flat::Item(Item::Any),
            Node::Star => Flat::Item(Item::Star),
            Node::Except(names) => Flat::Item(Item::Except(names.clone())),
            Node::Deep => Flat::Deep,
            Node::Class(class) if class.negated => Flat::Item(Item::NoneOf(Box::new(class.set))),
            Node::Class(class) => Flat::Item(Item::OneOf(Box::new(class.set))),
            Node::Either(branches) => {
                let before = std::mem::take(flat);
                for branch in branches {
                    let mut grown = before.clone();
                    if !multiply(branch, &mut grown) {
                        return false;
                    }
                    flat.append(&mut grown);
                    let longest = flat.iter().map(Vec::len).max().unwrap_or(0);
                    if flat.len() > ALTERNATIVES || flat.len() * longest > PIECES {
                        return false;
                    }
                }
                continue;
            }
        };
        for nodes in flat.iter_mut() {
            nodes.push(one.clone());
        }
    }
    true
}

fn component(piece: &[Flat], shown: &dyn Fn() -> String) -> Result<Component, GlobError> {
    let mut items = Vec::with_capacity(piece.len());
    for node in piece {
        match node {
            Flat::Item(Item::Star) if items.last() == Some(&Item::Star) => {
                return Err(GlobError::Glued(shown()));
            }
            Flat::Item(item) => items.push(item.clone()),
            Flat::Deep if piece.len() == 1 => return Ok(Component::Deep),
            Flat::Deep | Flat::Slash => return Err(GlobError::Glued(shown())),
        }
    }
    match items.as_slice() {
        [] => Err(GlobError::Empty(shown())),
        [Item::Byte(b'.')] => Err(GlobError::Dots(shown(), ".")),
        [Item::Byte(b'.'), Item::Byte(b'.')] => Err(GlobError::Dots(shown(), "..")),
        items if items.iter().filter(|item| **item != Item::Star).count() > NAME_BYTES => {
            Err(GlobError::LongName(shown()))
        }
        _ => Ok(Component::One(items)),
    }
}

fn write_item(item: &Item, text: &mut Vec<u8>) {
    let class = |text: &mut Vec<u8>, open: &[u8], set: &ByteSet| {
        text.extend(open);
        for byte in set.iter() {
            if br"\]![^-".contains(&byte) {
                text.push(b'\\');
            }
            text.push(byte);
        }
        text.push(b']');
    };
    match item {
        Item::Byte(byte) => escape(std::slice::from_ref(byte), text),
        Item::Any => text.push(b'?'),
        Item::Star => text.push(b'*'),
        Item::OneOf(set) => class(text, b"[", set),
        Item::NoneOf(set) => class(text, b"[!", set),
        Item::Except(names) => {
            text.extend(b"!(");
            for (at, name) in names.iter().enumerate() {
                if at > 0 {
                    text.push(b'|');
                }
                for byte in name {
                    if br"|)\*?[]{}(".contains(byte) {
                        text.push(b'\\');
                    }
                    text.push(*byte);
                }
            }
            text.push(b')');
        }
    }
}

/// Writes bytes so that a pattern takes each for what it is.
pub fn escape(literal: &[u8], text: &mut Vec<u8>) {
    for byte in literal {
        if br"*?[]{}(),\$".contains(byte) {
            text.push(b'\\');
        }
        text.push(*byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let patterns = Pattern::parse(text.as_bytes()).expect(text);
        patterns.iter().map(|pattern| String::from_utf8(pattern.text()).unwrap()).collect()
    }

    #[test]
    fn braces_multiply_out() {
        assert_eq!(texts("/{a,b{c,d}}/x"), ["/a/x", "/bc/x", "/bd/x"]);
        assert_eq!(texts("{/usr,**}/x"), ["/usr/x", "**/x"]);
        assert_eq!(texts("/a{,.bak}"), ["/a", "/a.bak"]);
        let many = "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}";
        assert!(matches!(Pattern::parse(many.as_bytes()), Err(GlobError::Alternatives(_))));
    }

    #[test]
    fn text_reads_back_as_itself() {
        for text in [
            "/",
            "/**",
            "**/.env",
            "/a/**/b?/[a-c]*",
            r"/\*\{\[",
            "/[!ab]",
            r"/[\-\]\!\^\[\\]",
            r"/.!(a\|b|c)",
            r"/!\(a\)",
        ] {
            let once = Pattern::parse(text.as_bytes()).expect(text);
            let twice = Pattern::parse(&once[0].text()).expect(text);
            assert_eq!(once, twice, "{text}");
        }
    }

    #[test]
    fn patterns_that_cannot_match_are_refused() {
        for text in [
            "", "a", "*", "**", "~/x", "*/a", "/a//b", "/a/", "/./a", "/a/..", "/a**", "/**a", "/a/**b/c",
            "/x/{,a}", "/**/", "/[a/]", "/[!.-0]",
        ] {
            assert!(Pattern::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert!(Pattern::parse(&[b"/".as_slice(), &[b'a'; 256]].concat()).is_err());
        assert!(Pattern::parse(&[b"/".as_slice(), &[b'a'; 255]].concat()).is_ok());
    }

    #[test]
    fn folders_above_are_those_with_a_name() {
        let above = |text: &str| {
            let pattern = Pattern::parse(text.as_bytes()).unwrap().remove(0);
            let texts: Vec<String> =
                pattern.ancestors().map(|pattern| String::from_utf8(pattern.text()).unwrap()).collect();
            (texts.join(" "), pattern.has_nameless_ancestor())
        };
        let is = |text: &str, nameless| (text.to_owned(), nameless);
        assert_eq!(above("/a/b/c"), is("/a /a/b", false));
        assert_eq!(above("**/.git/hooks/*"), is("**/.git **/.git/hooks", false));
        assert_eq!(above("/a/**"), is("/a", false));
        assert_eq!(above("/a/*/b"), is("/a", true));
        assert_eq!(above("/a/**/b/c*"), is("/a /a/**/b", true));
        assert_eq!(above("/a"), is("", false));
        assert_eq!(above("/"), is("", false));
    }

    #[test]
    fn floats_where_no_literal_leads() {
        for (text, floats) in [("/a/*", false), ("/*/a", true), ("**/a", true), ("/", false), ("/a*", true)] {
            assert_eq!(Pattern::parse(text.as_bytes()).unwrap()[0].floats(), floats, "{text}");
        }
    }
}
