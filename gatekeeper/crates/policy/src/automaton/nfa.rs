//! Patterns as one non-deterministic automaton.
//!
//! It is a tree in which equal beginnings of patterns share their nodes, so that the sets of nodes that
//! [`super::determinize`] meets stay small. Only `*`, `**` and the options of a tool add loops, and those lead
//! back to the node that they come from, or to the beginning of their loop.

use rustc_hash::FxHashMap;

use super::alphabet::Symbols;
use super::rows::Rows;
use crate::byte_set::ByteSet;

/// The number of a node. The start is 0.
pub type NodeId = u32;

/// The condition on which one node leads to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// On this byte.
    Byte(u8),
    /// On a byte of the set with this number, as the pattern's author wrote it.
    OneOf(u32),
    /// The same, and the target is also reached over the bytes of one UTF-8 character.
    Character(u32),
    /// The same, for a component that is nothing but `*`: it needs a first byte.
    Plus(u32),
    /// The same, for edges no other pattern may share: loops, and bytes inside a character.
    Inner(u32),
    /// Without a byte: `*`.
    Star,
    /// Without a byte: `**` and its slash.
    Deep,
    /// Without a byte, and no other pattern may share it.
    Skip,
    /// Without a byte: the options of the tool with this number.
    Options(u32),
    /// Without a byte: from here on everything is accepted with the row of this number.
    Below(u32),
}

impl Label {
    /// The number of the set, where the label is one.
    #[must_use]
    pub fn set(self) -> Option<u32> {
        match self {
            Self::OneOf(set) | Self::Character(set) | Self::Plus(set) | Self::Inner(set) => Some(set),
            Self::Byte(_) | Self::Star | Self::Deep | Self::Skip | Self::Options(_) | Self::Below(_) => None,
        }
    }
}

/// A link, in the list of those that leave one node.
#[derive(Debug, Clone, Copy)]
struct Link {
    label: Label,
    target: NodeId,
    /// The next link of the same node; [`NONE`] at the end.
    next: u32,
}

/// The end of a list of links.
const NONE: u32 = u32::MAX;

/// One node.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// The first link; [`NONE`] where nothing leaves.
    first: u32,
    /// The row accepted with here.
    pub row: u32,
    /// Whether a label that needs no byte leaves from here.
    pub slips: bool,
}

/// The automaton.
#[derive(Debug)]
pub struct Nfa {
    nodes: Vec<Node>,
    links: Vec<Link>,
    /// The sets of symbols that labels name by number.
    pub sets: Vec<Symbols>,
    set_numbers: FxHashMap<Symbols, u32>,
    /// The bytes that labels name one by one.
    pub named: ByteSet,
    /// Nodes inside a loop, each with the earlier node it leads back to.
    back: Vec<(NodeId, NodeId)>,
}

impl Default for Nfa {
    fn default() -> Self {
        Self {
            nodes: vec![Node { first: NONE, row: 0, slips: false }],
            links: Vec::new(),
            sets: Vec::new(),
            set_numbers: FxHashMap::default(),
            named: ByteSet::EMPTY,
            back: Vec::new(),
        }
    }
}

/// Where every pattern begins.
pub const START: NodeId = 0;

impl Nfa {
    /// The number of nodes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether no pattern was added.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// A node.
    #[must_use]
    pub fn node(&self, node: NodeId) -> &Node {
        &self.nodes[node as usize]
    }

    /// The links that leave a node.
    pub fn links(&self, node: NodeId) -> impl Iterator<Item = (Label, NodeId)> + '_ {
        let mut at = self.node(node).first;
        std::iter::from_fn(move || {
            let link = self.links.get(at as usize)?;
            at = link.next;
            Some((link.label, link.target))
        })
    }

    /// The number of a set.
    pub fn set(&mut self, set: Symbols) -> u32 {
        *self.set_numbers.entry(set).or_insert_with(|| {
            self.sets.push(set);
            self.sets.len() as u32 - 1
        })
    }

    /// A new node without links.
    pub fn fresh(&mut self) -> NodeId {
        self.nodes.push(Node { first: NONE, row: 0, slips: false });
        self.nodes.len() as u32 - 1
    }

    /// Adds a link.
    pub fn link(&mut self, from: NodeId, label: Label, target: NodeId) {
        if let Label::Byte(byte) = label {
            self.named.insert(byte);
        }
        let node = &mut self.nodes[from as usize];
        node.slips |=
            matches!(label, Label::Star | Label::Deep | Label::Skip | Label::Options(_) | Label::Below(_));
        self.links.push(Link { label, target, next: node.first });
        node.first = self.links.len() as u32 - 1;
    }

    /// The target of the link with this label, if there is one.
    #[must_use]
    pub fn find(&self, from: NodeId, label: Label) -> Option<NodeId> {
        self.links(from).find(|(known, _)| *known == label).map(|(_, target)| target)
    }

    /// The target of the link with this label; adds link and node if there is none.
    ///
    /// This is how equal beginnings come to share their nodes. It must not be used for labels whose target
    /// has loops, or is reached over other labels too: those have the functions below.
    pub fn follow(&mut self, from: NodeId, label: Label) -> NodeId {
        self.find(from, label).unwrap_or_else(|| {
            let target = self.fresh();
            self.link(from, label, target);
            target
        })
    }

    /// Accepts here with a row, joined with the one that is accepted with already.
    pub fn accept(&mut self, node: NodeId, row: u32, rows: &mut Rows) {
        let node = &mut self.nodes[node as usize];
        node.row = rows.join(node.row, row);
    }

    /// Accepts with a row whatever comes after.
    pub fn below(&mut self, node: NodeId, row: u32) {
        if self.find(node, Label::Below(row)).is_none() {
            self.link(node, Label::Below(row), node);
        }
    }

    /// The node reached after any number of bytes of the set.
    pub fn star(&mut self, from: NodeId, label: Label, set: u32) -> NodeId {
        self.find(from, label).unwrap_or_else(|| {
            let node = self.fresh();
            self.link(from, label, node);
            self.link(node, Label::Inner(set), node);
            node
        })
    }

    /// The node reached after any number of arguments, each with its NUL: bytes of `text`, then one of `end`.
    pub fn any_arguments(&mut self, from: NodeId, text: u32, end: u32) -> NodeId {
        self.find(from, Label::Deep).unwrap_or_else(|| {
            let (start, inside) = (self.fresh(), self.fresh());
            self.link(from, Label::Deep, start);
            // Inner throughout: what follows here may begin with the very same byte.
            self.link(start, Label::Inner(end), start);
            self.link(start, Label::Inner(text), inside);
            self.link(inside, Label::Inner(text), inside);
            self.link(inside, Label::Inner(end), start);
            self.back(inside, start);
            start
        })
    }

    /// The node reached after any number of components, each with its slash.
    pub fn deep(&mut self, from: NodeId, name: u32) -> NodeId {
        self.find(from, Label::Deep).unwrap_or_else(|| {
            let (start, inside) = (self.fresh(), self.fresh());
            self.link(from, Label::Deep, start);
            self.link(start, Label::Inner(name), inside);
            self.link(inside, Label::Inner(name), inside);
            self.link(inside, Label::Byte(b'/'), start);
            self.back(inside, start);
            start
        })
    }

    /// Notes that a node lies in a loop that leads back to an earlier one. That one may lie in no loop itself.
    pub fn back(&mut self, inside: NodeId, start: NodeId) {
        self.back.push((inside, start));
    }

    /// For each node a row at least as strict as everything that can still be accepted from it.
    ///
    /// One pass from the last node to the first is enough, because links lead to later nodes. Loops add
    /// nothing. The way back inside a `**` or among options does: its `inside` reaches all that its `start` reaches.
    /// That is put right at the end, and no node before the loop is affected, since it reaches `start` itself.
    #[must_use]
    pub fn reach(&self, rows: &mut Rows) -> Vec<u32> {
        let mut reach = vec![0; self.nodes.len()];
        for node in (0..self.nodes.len() as u32).rev() {
            let mut row = self.node(node).row;
            for (label, target) in self.links(node) {
                row = match label {
                    Label::Below(below) => rows.bound(row, below),
                    _ if target > node => rows.bound(row, reach[target as usize]),
                    _ => row,
                };
            }
            reach[node as usize] = row;
        }
        for (inside, start) in &self.back {
            reach[*inside as usize] = rows.bound(reach[*inside as usize], reach[*start as usize]);
        }
        reach
    }
}
