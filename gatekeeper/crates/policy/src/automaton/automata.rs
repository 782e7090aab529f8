//! The patterns of a policy as non-deterministic automata, with the rows they accept with.

use std::collections::BTreeMap;

use gatekeeper_common::image::{ARGUMENTS, CAPABILITIES, ENVIRONMENT};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cell;

use super::alphabet::Alphabet;
use super::nfa::{Nfa, START};
use super::rows::Rows;
use super::{Automaton, PerAutomaton, invocation, nfa_build};
use crate::address::{Block, aliases};
use crate::byte_set::ByteSet;
use crate::pattern::Pattern;
use crate::pattern::word::Word;
use crate::row::NO_RULE;
use crate::rules::{Rule, Subject, Written};

/// The operations that name a peer's address, and not the socket's own.
const OUTWARD: u32 = Operation::Connect.bit() | Operation::Send.bit();

/// The automata of a policy before they are made deterministic.
///
/// Those for arguments and environments are not among them: which ones are needed is known only when the
/// paths have been made deterministic. [`Automata::words`] builds each.
pub struct Automata {
    /// The automata with a start state in the header.
    pub nfas: PerAutomaton<Nfa>,
    /// The strictest cell of all rules about each capability.
    pub capabilities: [Cell; CAPABILITIES],
    /// The rows that all of them accept with.
    pub rows: Rows,
    /// The arguments and variables of every rule: for the alphabet alone.
    all_words: Nfa,
    /// Whether the programs of rules about arguments, and about environments, stand in the floating automaton.
    ///
    /// All stand there as soon as one pattern floats. A program is looked up in both automata, and may get a
    /// state to walk its arguments from by one of them only.
    floats: [bool; 2],
}

impl Automata {
    /// Empty automata for these rules.
    #[must_use]
    pub fn new(rules: &[Rule]) -> Self {
        let floats = |programs: &[Written]| programs.iter().flat_map(Written::all).any(Pattern::floats);
        let (mut arguments, mut environment) = (false, false);
        for rule in rules {
            match &rule.subject {
                Subject::Arguments(programs, _) => arguments |= floats(programs),
                Subject::Environment(programs, _) => environment |= floats(programs),
                Subject::Paths(_)
                | Subject::Addresses(..)
                | Subject::Unix(..)
                | Subject::Signals(..)
                | Subject::Capabilities(_) => {}
            }
        }
        Self {
            nfas: PerAutomaton::default(),
            capabilities: [Cell::NO_RULE; CAPABILITIES],
            rows: Rows::default(),
            all_words: Nfa::default(),
            floats: [arguments, environment],
        }
    }

    /// The number of nodes of all automata together.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nfas.iter().map(|(_, nfa)| nfa.len()).sum::<usize>() + self.all_words.len()
    }

    /// Adds a rule. The programs of rules about arguments or environments are added by
    /// [`Automata::add_programs`], for all rules at once.
    pub fn add(&mut self, rule: &Rule) {
        match &rule.subject {
            Subject::Paths(paths) => {
                let names = if rule.holds_names() { Operation::Rename.bit() } else { 0 };
                let row = self.row(rule, rule.operations | names);
                let above = self.row(rule, names);
                for pattern in paths.iter().flat_map(Written::all) {
                    self.add_file(pattern, row);
                    if names != 0 {
                        pattern.ancestors().for_each(|folder| self.add_file(&folder, above));
                    }
                }
            }
            Subject::Arguments(..) | Subject::Environment(..) => {
                let row = self.row(rule, rule.operations);
                add_words(&mut self.all_words, rule, row, &mut self.rows);
            }
            Subject::Addresses(list, protocols) => {
                let row = self.row(rule, rule.operations);
                let outward = self.row(rule, rule.operations & OUTWARD);
                for target in list {
                    let aliases = aliases(&target.blocks, rule.verdict);
                    let blocks = target.blocks.iter().map(|block| (block, row));
                    for (block, row) in blocks.chain(aliases.iter().map(|block| (block, outward))) {
                        let automaton = match block {
                            Block::V4(..) => Automaton::Net4,
                            Block::V6(..) => Automaton::Net6,
                        };
                        let ports = (target.first, target.last);
                        nfa_build::block(&mut self.nfas[automaton], *protocols, ports, block, row);
                    }
                }
            }
            Subject::Unix(paths, names) => {
                let row = self.row(rule, rule.operations);
                for pattern in paths.iter().flat_map(Written::all) {
                    self.add_path(Automaton::Unix, pattern, row);
                }
                for name in names.iter().flat_map(|word| &word.alternatives) {
                    nfa_build::abstract_name(&mut self.nfas[Automaton::Unix], name, row, &mut self.rows);
                }
            }
            Subject::Signals(signals, programs) => {
                let row = self.row(rule, rule.operations);
                for pattern in programs.iter().flat_map(Written::all) {
                    let nfa = &mut self.nfas[Automaton::Signal];
                    nfa_build::signal(nfa, signals, pattern, row, &mut self.rows);
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

    /// Adds the programs of rules about arguments or environments.
    ///
    /// Their rows hold no cell of the rule, since the program alone does not match it. They name the rules
    /// whose words are to be walked. Rules about the same programs are added as one, so that a thousand rules
    /// about one program make one set of rules and not a thousand on the way to it.
    pub fn add_programs(&mut self, rules: &[Rule]) {
        // By column and the texts of all patterns: the numbers of the rules, and the programs of one of them.
        type Key = (usize, Vec<Vec<u8>>);
        let mut same: BTreeMap<Key, (Vec<u32>, &[Written])> = BTreeMap::new();
        for rule in rules {
            let (column, programs) = match &rule.subject {
                Subject::Arguments(programs, _) => (ARGUMENTS, programs),
                Subject::Environment(programs, _) => (ENVIRONMENT, programs),
                Subject::Paths(_)
                | Subject::Addresses(..)
                | Subject::Unix(..)
                | Subject::Signals(..)
                | Subject::Capabilities(_) => continue,
            };
            let texts = programs.iter().flat_map(Written::all).map(Pattern::text).collect();
            let (numbers, _) = same.entry((column, texts)).or_insert((Vec::new(), programs));
            numbers.push(rule.number);
        }
        for ((column, _), (numbers, programs)) in same {
            let floats = self.floats[usize::from(column == ENVIRONMENT)];
            let automaton = if floats { Automaton::Floating } else { Automaton::Anchored };
            let mut row = NO_RULE;
            row[column] = Cell(self.rows.sets.intern(numbers));
            let row = self.rows.intern(row);
            for pattern in programs.iter().flat_map(Written::all) {
                self.add_path(automaton, pattern, row);
            }
        }
    }

    /// The automaton for the arguments, or the names of variables, that some rules ask for.
    pub fn words<'r>(&mut self, rules: impl Iterator<Item = &'r Rule>) -> Nfa {
        let mut nfa = Nfa::default();
        for rule in rules {
            let row = self.row(rule, rule.operations);
            add_words(&mut nfa, rule, row, &mut self.rows);
        }
        nfa
    }

    /// The alphabet of all words of text, and that of addresses.
    #[must_use]
    pub fn alphabets(&self) -> (Alphabet, Alphabet) {
        let nfas = |addresses: bool| {
            let of_these = self.nfas.iter().filter(move |(kind, _)| kind.walks_addresses() == addresses);
            of_these.map(|(_, nfa)| nfa)
        };
        let text: Vec<&Nfa> = nfas(false).chain([&self.all_words]).collect();
        let addresses: Vec<&Nfa> = nfas(true).collect();
        // The kernel walks a path name by name and stops at slashes, whether or not a pattern names one.
        (alphabet(&text, ByteSet::of(b'/')), alphabet(&addresses, ByteSet::EMPTY))
    }

    fn add_file(&mut self, pattern: &Pattern, row: u32) {
        let automaton = if pattern.floats() { Automaton::Floating } else { Automaton::Anchored };
        self.add_path(automaton, pattern, row);
    }

    fn add_path(&mut self, automaton: Automaton, pattern: &Pattern, row: u32) {
        nfa_build::path(&mut self.nfas[automaton], START, pattern, row, &mut self.rows);
    }

    /// The row of a rule, with its cell for each of these operations.
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

/// Adds the arguments, or the names of variables, that a rule asks for.
fn add_words(nfa: &mut Nfa, rule: &Rule, row: u32, rows: &mut Rows) {
    match &rule.subject {
        Subject::Arguments(_, asked) => {
            invocation::invocation(nfa, asked, rule.forbids(), row, rows);
        }
        Subject::Environment(_, names) => {
            for name in names.iter().flat_map(|word: &Word| &word.alternatives) {
                nfa_build::variable(nfa, name, row, rows);
            }
        }
        Subject::Paths(_)
        | Subject::Addresses(..)
        | Subject::Unix(..)
        | Subject::Signals(..)
        | Subject::Capabilities(_) => {}
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
