//! The automata of a policy before they are determinized, and the rows they accept with.

use std::collections::BTreeMap;

use gatekeeper_common::image::{ARGUMENTS, CAPABILITIES, ENVIRONMENT};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cell;

use super::alphabet::Alphabet;
use super::nfa::{Nfa, START};
use super::nfa_build;
use super::rows::{NO_RULE, Rows};
use crate::address::{Block, aliases};
use crate::byte_set::ByteSet;
use crate::pattern::Pattern;
use crate::pattern::word::{Word, lists};
use crate::rules::{Rule, Subject, Written};

/// The operations on an address of another's, not on the socket's own.
const OUTWARD: u32 = Operation::Connect.bit() | Operation::Send.bit();

/// One automaton for each thing that is walked, but for arguments and environments: see [`Automata::words`].
pub struct Automata {
    /// Paths that patterns anchor at a literal prefix.
    pub anchored: Nfa,
    /// Paths that begin with `**`.
    pub floating: Nfa,
    /// IPv4 addresses.
    pub net4: Nfa,
    /// IPv6 addresses.
    pub net6: Nfa,
    /// UNIX sockets.
    pub unix: Nfa,
    /// Signals.
    pub signal: Nfa,
    /// What rules say of each capability.
    pub capabilities: [Cell; CAPABILITIES],
    /// The rows that all of them accept with.
    pub rows: Rows,
    /// Every word of every rule: for the alphabet alone.
    all_words: Nfa,
    /// Whether rules about arguments, and about environments, stand in `floating`, with any of their
    /// programs: each program then has one state to begin in and not two.
    floats: [bool; 2],
}

impl Automata {
    /// Empty automata for these rules.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let floats = |programs: &[Written]| programs.iter().flat_map(patterns).any(Pattern::floats);
        let (mut arguments, mut environment) = (false, false);
        for rule in rules {
            match &rule.subject {
                Subject::Arguments(programs, _) => arguments |= floats(programs),
                Subject::Environment(programs, _) => environment |= floats(programs),
                _ => {}
            }
        }
        Self {
            anchored: Nfa::default(),
            floating: Nfa::default(),
            net4: Nfa::default(),
            net6: Nfa::default(),
            unix: Nfa::default(),
            signal: Nfa::default(),
            capabilities: [Cell::SILENT; CAPABILITIES],
            rows: Rows::default(),
            all_words: Nfa::default(),
            floats: [arguments, environment],
        }
    }

    /// Nodes of all automata together.
    #[must_use]
    pub fn nodes(&self) -> usize {
        let all = [&self.anchored, &self.floating, &self.net4, &self.net6, &self.unix, &self.signal];
        all.iter().map(|nfa| nfa.len()).sum::<usize>() + self.all_words.len()
    }

    /// Adds a rule; what [`Automata::add_programs`] adds is still to come.
    pub fn add(&mut self, rule: &Rule) {
        match &rule.subject {
            Subject::Paths(paths) => {
                let row = self.row(rule, rule.operations);
                for pattern in paths.iter().flat_map(patterns) {
                    let nfa = if pattern.floats() { &mut self.floating } else { &mut self.anchored };
                    nfa_build::path(nfa, START, pattern, row, &mut self.rows);
                }
            }
            Subject::Arguments(..) | Subject::Environment(..) => {
                let row = self.row(rule, rule.operations);
                spell_words(&mut self.all_words, rule, row, &mut self.rows);
            }
            Subject::Addresses(list, protocols) => {
                let row = self.row(rule, rule.operations);
                let outward = self.row(rule, rule.operations & OUTWARD);
                for target in list {
                    let aliases = aliases(&target.blocks, rule.verdict);
                    let blocks = target.blocks.iter().map(|block| (block, row));
                    for (block, row) in blocks.chain(aliases.iter().map(|block| (block, outward))) {
                        let nfa =
                            if matches!(block, Block::V4(..)) { &mut self.net4 } else { &mut self.net6 };
                        nfa_build::block(nfa, *protocols, (target.first, target.last), block, row);
                    }
                }
            }
            Subject::Unix(paths, names) => {
                let row = self.row(rule, rule.operations);
                for pattern in paths.iter().flat_map(patterns) {
                    nfa_build::path(&mut self.unix, START, pattern, row, &mut self.rows);
                }
                for name in names.iter().flat_map(|word| &word.alternatives) {
                    nfa_build::abstract_name(&mut self.unix, name, row, &mut self.rows);
                }
            }
            Subject::Signals(signals, programs) => {
                let row = self.row(rule, rule.operations);
                for pattern in programs.iter().flat_map(patterns) {
                    nfa_build::signal(&mut self.signal, signals, pattern, row, &mut self.rows);
                }
            }
            Subject::Capabilities(bits) => {
                let cell = rule.cell();
                for (number, known) in self.capabilities.iter_mut().enumerate() {
                    if bits >> number & 1 == 1 {
                        *known = known.strictest(cell);
                    }
                }
            }
        }
    }

    /// Adds the programs of rules that say nothing of a program alone: their rows name the rules, and have
    /// no cell. Rules about the same programs are added as one.
    pub fn add_programs(&mut self, rules: &[Rule]) {
        let mut same: BTreeMap<(usize, Vec<Vec<u8>>), Vec<u32>> = BTreeMap::new();
        for rule in rules {
            let (column, programs) = match &rule.subject {
                Subject::Arguments(programs, _) => (ARGUMENTS, programs),
                Subject::Environment(programs, _) => (ENVIRONMENT, programs),
                _ => continue,
            };
            let texts = programs.iter().flat_map(patterns).map(Pattern::text).collect();
            same.entry((column, texts)).or_default().push(rule.number);
        }
        for ((column, _), numbers) in same {
            let floats = self.floats[usize::from(column == ENVIRONMENT)];
            let nfa = if floats { &mut self.floating } else { &mut self.anchored };
            let first = numbers.first().and_then(|first| rules.get(*first as usize));
            let (Some(Subject::Arguments(programs, _)) | Some(Subject::Environment(programs, _))) =
                first.map(|rule| &rule.subject)
            else {
                continue;
            };
            let mut row = NO_RULE;
            row[column] = Cell(self.rows.sets.intern(numbers));
            let row = self.rows.intern(row);
            for pattern in programs.iter().flat_map(patterns) {
                nfa_build::path(nfa, START, pattern, row, &mut self.rows);
            }
        }
    }

    /// The automaton of what some rules say of arguments, or of the names of variables.
    pub fn words<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>) -> Nfa {
        let mut nfa = Nfa::default();
        for rule in rules {
            let row = self.row(rule, rule.operations);
            spell_words(&mut nfa, rule, row, &mut self.rows);
        }
        nfa
    }

    /// The alphabet of all that is made of bytes, and that of addresses.
    #[must_use]
    pub fn alphabets(&self) -> (Alphabet, Alphabet) {
        let bytes = [&self.anchored, &self.floating, &self.unix, &self.signal, &self.all_words];
        // The walk of a path stops at slashes, whether or not a pattern does.
        (alphabet(&bytes, ByteSet::of(b'/')), alphabet(&[&self.net4, &self.net6], ByteSet::EMPTY))
    }

    /// The row of a rule that speaks of these operations.
    fn row(&mut self, rule: &Rule, operations: u32) -> u32 {
        let mut row = NO_RULE;
        for operation in Operation::ALL.iter().filter(|operation| operation.is_ruled()) {
            if operations & operation.bit() != 0 {
                row[*operation as usize] = rule.cell();
            }
        }
        self.rows.intern(row)
    }
}

fn patterns(written: &Written) -> impl Iterator<Item = &Pattern> {
    written.patterns.iter().chain(&written.resolved)
}

fn spell_words(nfa: &mut Nfa, rule: &Rule, row: u32, rows: &mut Rows) {
    match &rule.subject {
        Subject::Arguments(_, words) => {
            // Too many lists were refused when the rule was read.
            for list in lists(words).unwrap_or_default() {
                nfa_build::arguments(nfa, &list, row, rows);
            }
        }
        Subject::Environment(_, names) => {
            for name in names.iter().flat_map(|word: &Word| &word.alternatives) {
                nfa_build::variable(nfa, name, row, rows);
            }
        }
        _ => {}
    }
}

/// One alphabet for automata that are walked over the same bytes.
fn alphabet(nfas: &[&Nfa], mut named: ByteSet) -> Alphabet {
    for nfa in nfas {
        named = named.union(&nfa.named);
    }
    let sets: Vec<_> = nfas.iter().flat_map(|nfa| nfa.sets.iter().copied()).collect();
    Alphabet::new(&named, &sets)
}
