//! Names and arguments of programs as nodes of an automaton.
//!
//! The word is `argv[0]` and each argument, each closed by a NUL. Of `argv[0]` the part behind its last slash counts.
//! The options that stand before a subcommand are a loop: a tree of those that the tool is described with, each of
//! which leads back to the beginning. In it every argument goes one way only. Thus no argument is an option to one
//! part of the automaton and the value of an option to another.

use std::collections::BTreeMap;

use super::alphabet::Symbols;
use super::nfa::{Label, Nfa, NodeId, START};
use super::nfa_build::{NAME, NUL, Text, arguments};
use super::rows::Rows;
use crate::byte_set::ByteSet;
use crate::pattern::Component;
use crate::pattern::word::{Word, lists};
use crate::rules::{Invocation, Options, Subcommand};

/// Adds the name and the arguments that a rule asks for. A rule that forbids also matches what can't be read: an
/// option that the tool is not described with, and all that follows it.
pub fn invocation(nfa: &mut Nfa, invocation: &Invocation, forbids: bool, row: u32, rows: &mut Rows) {
    let mut builder = Builder::new(nfa, forbids.then_some(row));
    let options = invocation.subcommand.as_ref().map(|subcommand| &*subcommand.options);
    let mut nodes = match (&invocation.names, options.filter(|options| options.own_prefix().is_some())) {
        (None, Some(options)) => vec![builder.called_otherwise(options)],
        (names, _) => builder.called(names.as_deref()),
    };
    if let Some(Subcommand { options, any_of }) = &invocation.subcommand {
        // Too many lists were refused when the rule was read.
        let lists: Vec<_> = any_of.iter().flat_map(|words| lists(words).unwrap_or_default()).collect();
        let called = std::mem::take(&mut nodes);
        for words in &lists {
            nodes.extend(called.iter().map(|node| builder.words(*node, options, words)));
            if let (Some(applet), Some((first, rest))) = (&options.applet, words.split_first()) {
                let node = builder.applet(applet, first);
                nodes.push(builder.words(node, options, rest));
            }
        }
    }
    for list in lists(&invocation.args).unwrap_or_default() {
        for node in &nodes {
            arguments(nfa, *node, &list, row, rows);
        }
    }
}

/// The bytes that end the part of a name behind its last slash.
const BASE: ByteSet = NAME.union(&NUL);

struct Builder<'n> {
    nfa: &'n mut Nfa,
    /// Arguments: all bytes but NUL.
    text: Text<'static>,
    /// The part of a name behind its last slash: all bytes but slash and NUL.
    base: Text<'static>,
    /// The set of the NUL.
    end: u32,
    /// The row that what can't be read is accepted with; `None` where the rule does not match it.
    unread: Option<u32>,
}

impl<'n> Builder<'n> {
    fn new(nfa: &'n mut Nfa, unread: Option<u32>) -> Self {
        let (text, base) = (Text::new(nfa, &NUL), Text::new(nfa, &BASE));
        let end = nfa.set(Symbols { bytes: NUL, other: false });
        Self { nfa, text, base, end, unread }
    }

    /// The nodes behind `argv[0]`, where it is called by one of these names.
    fn called(&mut self, names: Option<&[Word]>) -> Vec<NodeId> {
        let Some(names) = names else {
            let node = self.nfa.star(START, Label::Star, self.text.any);
            return vec![self.nfa.follow(node, Label::Byte(0))];
        };
        let plain = self.folders();
        // A login shell's name begins with a sign (login(1)).
        let login = self.nfa.follow(plain, Label::Byte(b'-'));
        let mut nodes = Vec::new();
        for name in names.iter().flat_map(|word| &word.alternatives) {
            let Component::One(items) = name else { continue };
            for from in [plain, login] {
                let node = self.base.spell(self.nfa, from, items);
                nodes.push(self.nfa.follow(node, Label::Byte(0)));
            }
        }
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }

    /// The node behind `argv[0]`, where it does not begin as the names of the tool's subcommands do: by such a name, it
    /// reads no options before one. Rules about one tool share it.
    fn called_otherwise(&mut self, options: &Options) -> NodeId {
        let folder = self.folders();
        let label = Label::Options(options.number);
        let root = self.nfa.find(folder, label).unwrap_or_else(|| {
            let prefix = options.own_prefix().unwrap_or_default();
            let nodes: Vec<NodeId> = (0..=prefix.len()).map(|_| self.nfa.fresh()).collect();
            let (rest, called) = (self.nfa.fresh(), self.nfa.fresh());
            self.nfa.link(folder, label, nodes[0]);
            for (pair, byte) in nodes.windows(2).zip(prefix.bytes()) {
                let others = BASE.union(&ByteSet::of(byte)).complement();
                let others = self.nfa.set(Symbols { bytes: others, other: true });
                self.nfa.link(pair[0], Label::Byte(byte), pair[1]);
                self.nfa.link(pair[0], Label::Inner(others), rest);
                self.nfa.link(pair[0], Label::Inner(self.end), called);
            }
            self.nfa.link(rest, Label::Inner(self.base.any), rest);
            self.nfa.link(rest, Label::Inner(self.end), called);
            nodes[0]
        });
        // The name of no byte ends there, too.
        self.nfa.find(root, Label::Inner(self.end)).unwrap_or(root)
    }

    /// The node behind the last slash of a name, or at its beginning.
    fn folders(&mut self) -> NodeId {
        let slash = self.nfa.set(Symbols { bytes: NAME, other: false });
        self.nfa.any_arguments(START, self.base.any, slash)
    }

    /// The node behind the name of a tool that is started as its own subcommand.
    fn applet(&mut self, applet: &str, subcommand: &Component) -> NodeId {
        let mut node = self.folders();
        for byte in applet.bytes() {
            node = self.nfa.follow(node, Label::Byte(byte));
        }
        if let Component::One(items) = subcommand {
            node = self.base.spell(self.nfa, node, items);
        }
        self.nfa.follow(node, Label::Byte(0))
    }

    /// The node behind the words of a subcommand, with options before each.
    fn words(&mut self, mut node: NodeId, options: &Options, words: &[&Component]) -> NodeId {
        for word in words {
            node = self.options(node, options);
            if let Component::One(items) = word {
                node = self.text.spell(self.nfa, node, items);
            }
            node = self.nfa.follow(node, Label::Byte(0));
        }
        node
    }

    /// The node behind any number of options. Rules about one tool share it.
    fn options(&mut self, from: NodeId, options: &Options) -> NodeId {
        let label = Label::Options(options.number);
        let known = self.nfa.find(from, label);
        let start = known.unwrap_or_else(|| self.loop_of(from, label, options));
        // An argument of no byte is not read, see `loop_of`.
        let unread = self.nfa.find(start, Label::Inner(self.end));
        if let (Some(row), Some(node)) = (self.unread, unread) {
            self.nfa.below(node, row);
        }
        start
    }

    fn loop_of(&mut self, from: NodeId, label: Label, options: &Options) -> NodeId {
        let [start, unread, value, rest] = std::array::from_fn(|_| self.nfa.fresh());
        let any = self.text.any;
        self.nfa.link(from, label, start);
        self.nfa.link(start, Label::Inner(self.end), unread);
        for inside in [value, rest] {
            self.nfa.link(inside, Label::Inner(any), inside);
            self.nfa.link(inside, Label::Inner(self.end), start);
            self.nfa.back(inside, start);
        }
        let flag = if options.flag_values.is_empty() { start } else { self.flag_values(start, options) };
        let targets = Targets { start, unread, flag, value, rest };
        for (sign, tree) in Tree::of(options).below {
            let node = self.nfa.fresh();
            self.nfa.link(start, Label::Byte(sign), node);
            self.tree(node, &tree, false, targets);
        }
        start
    }

    /// The node behind a flag: its value may follow. No subcommand begins like one.
    fn flag_values(&mut self, start: NodeId, options: &Options) -> NodeId {
        let flag = self.nfa.fresh();
        let first = self.nfa.len();
        self.nfa.link(flag, Label::Skip, start);
        for component in options.flag_values.iter().flat_map(|word| &word.alternatives) {
            if let Component::One(items) = component {
                let node = self.text.spell(self.nfa, flag, items);
                self.nfa.link(node, Label::Inner(self.end), start);
            }
        }
        for inside in [flag].into_iter().chain(first as NodeId..self.nfa.len() as NodeId) {
            self.nfa.back(inside, start);
        }
        flag
    }

    /// Adds what may follow the part of an option that leads to `node`; `open` where that part has any ending.
    fn tree(&mut self, node: NodeId, tree: &Tree, open: bool, targets: Targets) {
        self.nfa.back(node, targets.start);
        let open = open || tree.open;
        let end = match tree.end {
            Some(End::Value) => targets.value,
            Some(End::Flag) => targets.flag,
            None if open => targets.start,
            None => targets.unread,
        };
        self.nfa.link(node, Label::Inner(self.end), end);
        let mut named = NUL;
        for (byte, below) in &tree.below {
            named.insert(*byte);
            let next = self.nfa.fresh();
            self.nfa.link(node, Label::Byte(*byte), next);
            self.tree(next, below, open, targets);
        }
        let others = self.nfa.set(Symbols { bytes: named.complement(), other: true });
        self.nfa.link(node, Label::Inner(others), if open { targets.rest } else { targets.unread });
    }
}

/// The nodes to which options lead.
#[derive(Debug, Clone, Copy)]
struct Targets {
    /// Where each option begins.
    start: NodeId,
    /// What can't be read.
    unread: NodeId,
    /// Behind a flag, whose value may follow.
    flag: NodeId,
    /// The argument that is an option's value.
    value: NodeId,
    /// The rest of an option with any ending.
    rest: NodeId,
}

/// The ending of an option.
#[derive(Debug, Clone, Copy)]
enum End {
    /// The next argument is none of its.
    Flag,
    /// The next argument is its value.
    Value,
}

/// Options by their bytes.
#[derive(Debug, Default)]
struct Tree {
    below: BTreeMap<u8, Tree>,
    end: Option<End>,
    /// Whether any ending may follow.
    open: bool,
}

impl Tree {
    fn of(options: &Options) -> Self {
        let mut tree = Self::default();
        for flag in &options.flags {
            match flag.strip_suffix('*') {
                Some(beginning) => tree.at(beginning).open = true,
                None => tree.at(flag).end = Some(End::Flag),
            }
        }
        for option in &options.with_value {
            tree.at(option).end = Some(End::Value);
        }
        // A sign that no option begins with is still that of an option.
        tree.at("-");
        tree
    }

    fn at(&mut self, text: &str) -> &mut Self {
        text.bytes().fold(self, |tree, byte| tree.below.entry(byte).or_default())
    }
}
