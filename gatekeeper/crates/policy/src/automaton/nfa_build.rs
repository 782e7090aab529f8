//! Patterns and address blocks as nodes of an automaton.
//!
//! Each function adds one pattern from the start on and follows links that are there already. A pattern
//! adds at most four nodes for each of its pieces, and a block of addresses at most three for each byte of its
//! word.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use gatekeeper_common::image::Protocol;

use super::alphabet::Symbols;
use super::nfa::{Label, Nfa, NodeId, START};
use super::rows::Rows;
use crate::address::Block;
use crate::byte_set::ByteSet;
use crate::pattern::{Component, Item, Pattern};
use crate::rules::Protocols;

/// Adds a pattern of paths, accepted with `row` after what leads to `from`.
pub fn path(nfa: &mut Nfa, from: NodeId, pattern: &Pattern, row: u32, rows: &mut Rows) {
    let name = Text::new(nfa, &NAME);
    let mut node = from;
    // Whether the slash before this component has been read already, as it has after `**`.
    let mut after_slash = false;
    let mut components = pattern.components.iter().peekable();
    // The root directory is the one path that ends in its slash.
    if components.peek().is_none() {
        node = nfa.follow(node, Label::Byte(b'/'));
    }
    while let Some(component) = components.next() {
        let dir = node;
        if !after_slash {
            node = nfa.follow(node, Label::Byte(b'/'));
        }
        match component {
            Component::Deep => {
                // `**/**` is `**`: one loop instead of two that the subset construction would multiply.
                while components.peek() == Some(&&Component::Deep) {
                    components.next();
                }
                if components.peek().is_none() {
                    // `dir/**` matches `dir` itself, too. Nothing at all is no path: a socket without a
                    // name, a process without a program.
                    if dir != from {
                        nfa.accept(dir, row, rows);
                    }
                    nfa.below(node, row);
                    return;
                }
                node = nfa.deep(node, name.any);
                after_slash = true;
            }
            Component::One(items) => {
                node = match items.as_slice() {
                    // A component has at least one byte, so that `*` alone is one byte and then any.
                    [Item::Star] => nfa.star(node, Label::Plus(name.any), name.any),
                    [Item::Except(names)] => name.except(nfa, node, names, false),
                    items => name.spell(nfa, node, items),
                };
                after_slash = false;
            }
        }
    }
    nfa.accept(node, row, rows);
}

/// Adds a list of arguments, each closed by a NUL, after what leads to `node`.
pub fn arguments(nfa: &mut Nfa, mut node: NodeId, list: &[&Component], row: u32, rows: &mut Rows) {
    let text = Text::new(nfa, &NUL);
    let end = nfa.set(Symbols { bytes: NUL, other: false });
    let mut words = list.iter().peekable();
    while let Some(word) = words.next() {
        match word {
            // `**` twice is `**`.
            Component::Deep if words.peek() == Some(&&&Component::Deep) => {}
            Component::Deep if words.peek().is_none() => return nfa.below(node, row),
            Component::Deep => node = nfa.any_arguments(node, text.any, end),
            Component::One(items) => {
                node = text.spell(nfa, node, items);
                node = nfa.follow(node, Label::Byte(0));
            }
        }
    }
    nfa.accept(node, row, rows);
}

/// Adds the name of an environment variable.
pub fn variable(nfa: &mut Nfa, name: &Component, row: u32, rows: &mut Rows) {
    if let Component::One(items) = name {
        let node = Text::new(nfa, &NUL).spell(nfa, START, items);
        nfa.accept(node, row, rows);
    }
}

/// Adds the abstract name of a UNIX socket.
pub fn abstract_name(nfa: &mut Nfa, name: &Component, row: u32, rows: &mut Rows) {
    if let Component::One(items) = name {
        let from = nfa.follow(START, Label::Byte(0));
        let node = Text::new(nfa, &ByteSet::EMPTY).spell(nfa, from, items);
        nfa.accept(node, row, rows);
    }
}

/// Adds signals to the processes of a program.
pub fn signal(nfa: &mut Nfa, signals: &ByteSet, program: &Pattern, row: u32, rows: &mut Rows) {
    let label = match signals.only() {
        Some(signal) => Label::Byte(signal),
        None => Label::OneOf(nfa.set(Symbols { bytes: *signals, other: *signals == ByteSet::ALL })),
    };
    let from = nfa.follow(START, label);
    path(nfa, from, program, row, rows);
}

/// The byte that ends a component of a path.
pub const NAME: ByteSet = ByteSet::of(b'/');
/// The byte that ends an argument, and that no variable's name has.
pub const NUL: ByteSet = ByteSet::of(0);

/// Text in which some bytes never stand.
#[derive(Debug, Clone, Copy)]
pub struct Text<'a> {
    ends: &'a ByteSet,
    /// The number of the set of all other bytes.
    pub any: u32,
}

impl<'a> Text<'a> {
    /// Text without these bytes.
    pub fn new(nfa: &mut Nfa, ends: &'a ByteSet) -> Self {
        Self { ends, any: nfa.set(but(ends)) }
    }

    /// The node behind these pieces.
    pub fn spell(&self, nfa: &mut Nfa, mut node: NodeId, items: &[Item]) -> NodeId {
        for item in items {
            node = match item {
                Item::Byte(byte) => nfa.follow(node, Label::Byte(*byte)),
                Item::Star => nfa.star(node, Label::Star, self.any),
                Item::Any => self.character(nfa, node, &ByteSet::EMPTY),
                Item::NoneOf(set) => self.character(nfa, node, set),
                Item::Except(names) => self.except(nfa, node, names, true),
                Item::OneOf(set) => {
                    let set = nfa.set(Symbols { bytes: **set, other: false });
                    nfa.follow(node, Label::OneOf(set))
                }
            };
        }
        node
    }

    /// Any text but these names; nothing at all only with `may_be_empty`.
    ///
    /// A text that is none of the names leaves their common beginnings somewhere. So the beginnings are a tree, each
    /// of its nodes is left by a byte that continues no name, and it may end wherever no name ends. All leave to the
    /// same node: with one for each, the sets of nodes would multiply.
    fn except(&self, nfa: &mut Nfa, from: NodeId, names: &[Vec<u8>], may_be_empty: bool) -> NodeId {
        let root = nfa.fresh();
        nfa.link(from, Label::Skip, root);
        // Each beginning with its node; a longer one comes later, so that links lead to later nodes.
        let mut nodes = BTreeMap::from([(&[][..], root)]);
        for name in names {
            for end in 1..=name.len() {
                nodes.entry(&name[..end]).or_insert_with(|| nfa.fresh());
            }
        }
        let (rest, done) = (nfa.fresh(), nfa.fresh());
        nfa.link(rest, Label::Inner(self.any), rest);
        nfa.link(rest, Label::Skip, done);
        for (beginning, node) in &nodes {
            let mut continues = *self.ends;
            for next in names.iter().filter_map(|name| name.strip_prefix(*beginning)?.first()) {
                if !continues.contains(*next) {
                    continues.insert(*next);
                    let set = nfa.set(Symbols { bytes: ByteSet::of(*next), other: false });
                    let longer = [beginning, &[*next][..]].concat();
                    if let Some(target) = nodes.get(longer.as_slice()) {
                        nfa.link(*node, Label::Inner(set), *target);
                    }
                }
            }
            let leaves = nfa.set(but(&continues));
            nfa.link(*node, Label::Inner(leaves), rest);
            let is_name = names.iter().any(|name| name == beginning);
            if !is_name && (may_be_empty || !beginning.is_empty()) {
                nfa.link(*node, Label::Skip, done);
            }
        }
        done
    }

    /// One byte that is none of these, or one character of UTF-8 beyond ASCII.
    ///
    /// File names are bytes and need not be UTF-8. So a lead byte is both the first of a character and a byte
    /// by itself, and so is each that follows: `??` matches `é` as two bytes and `éé` as two characters.
    /// Leads of four, three and two bytes share the nodes behind them.
    fn character(&self, nfa: &mut Nfa, from: NodeId, none_of: &ByteSet) -> NodeId {
        let single = nfa.set(but(&none_of.union(self.ends)));
        if let Some(known) = nfa.find(from, Label::Character(single)) {
            return known;
        }
        let mut range = |first, last| nfa.set(Symbols { bytes: ByteSet::range(first, last), other: false });
        let (follow, lead) = (range(0x80, 0xbf), [range(0xf0, 0xf4), range(0xe0, 0xef), range(0xc2, 0xdf)]);
        // Made in this order, links lead to later nodes, as `Nfa::reach` needs.
        let waits = lead.map(|_| nfa.fresh());
        let done = nfa.fresh();
        for (at, wait) in waits.into_iter().enumerate() {
            nfa.link(from, Label::Inner(lead[at]), wait);
            nfa.link(wait, Label::Inner(follow), waits.get(at + 1).copied().unwrap_or(done));
        }
        nfa.link(from, Label::Character(single), done);
        done
    }
}

/// All bytes but these.
fn but(these: &ByteSet) -> Symbols {
    Symbols { bytes: these.complement(), other: true }
}

/// Adds an address block to the automaton of its version.
///
/// The word is protocol, port and address, most significant byte first. A range of ports becomes at most three
/// pairs of byte ranges, and the prefix follows behind each: blocks with equal ports share those nodes.
pub fn block(nfa: &mut Nfa, protocols: Protocols, ports: (u16, u16), block: &Block, row: u32) {
    let protocol = match protocols {
        Protocols::Any => (0, u8::MAX),
        Protocols::Tcp => (Protocol::Tcp as u8, Protocol::Tcp as u8),
        Protocols::Udp => (Protocol::Udp as u8, Protocol::Udp as u8),
    };
    let node = step(nfa, START, protocol);
    for (high, low) in port_ranges(ports.0, ports.1) {
        let node = step(nfa, node, high);
        let node = step(nfa, node, low);
        match block {
            Block::V4(address, length) => prefix(nfa, node, &Ipv4Addr::octets(address), *length, row),
            Block::V6(address, length) => prefix(nfa, node, &Ipv6Addr::octets(address), *length, row),
        }
    }
}

/// The node behind one byte from `first` to `last`.
fn step(nfa: &mut Nfa, node: NodeId, (first, last): (u8, u8)) -> NodeId {
    let label = if first == last {
        Label::Byte(first)
    } else {
        let bytes = ByteSet::range(first, last);
        Label::OneOf(nfa.set(Symbols { bytes, other: bytes == ByteSet::ALL }))
    };
    nfa.follow(node, label)
}

/// Adds the first `length` bits of an address. Bytes behind them are accepted whatever they are.
fn prefix(nfa: &mut Nfa, mut node: NodeId, octets: &[u8], length: u8, row: u32) {
    // Whole bytes, then a range for the byte that the prefix splits.
    let (whole, bits) = (usize::from(length / 8), length % 8);
    for octet in &octets[..whole] {
        node = step(nfa, node, (*octet, *octet));
    }
    if bits > 0 {
        let first = octets[whole];
        node = step(nfa, node, (first, first | (u8::MAX >> bits)));
    }
    nfa.below(node, row);
}

/// A range of ports as ranges of the upper byte, each with a range of the lower one: the part of the first
/// upper byte, the part of the last one, and all whole ones between.
fn port_ranges(first: u16, last: u16) -> Vec<((u8, u8), (u8, u8))> {
    let ([mut high, low], [mut end, end_low]) = (first.to_be_bytes(), last.to_be_bytes());
    if high == end {
        return vec![((high, high), (low, end_low))];
    }
    let mut ranges = Vec::new();
    if low > 0 {
        ranges.push(((high, high), (low, u8::MAX)));
        high += 1;
    }
    if end_low < u8::MAX {
        ranges.push(((end, end), (0, end_low)));
        end -= 1;
    }
    if high <= end {
        ranges.push(((high, end), (0, u8::MAX)));
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_ranges_hold_what_they_should() {
        for (first, last) in
            [(0, 65535), (80, 80), (1, 1024), (255, 256), (8000, 8999), (256, 511), (0, 0), (65535, 65535)]
        {
            let ranges = port_ranges(first, last);
            for port in 0..=u16::MAX {
                let [high, low] = port.to_be_bytes();
                let holds =
                    |(a, b): &((u8, u8), (u8, u8))| (a.0..=a.1).contains(&high) && (b.0..=b.1).contains(&low);
                assert_eq!(
                    ranges.iter().filter(|range| holds(range)).count(),
                    usize::from((first..=last).contains(&port))
                );
            }
        }
    }
}
