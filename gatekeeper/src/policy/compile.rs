//! Rules to an image: spell, determinize, merge, pack, verify, test.

use bytemuck::Zeroable;
use gatekeeper_common::image::{COLUMNS, Header, Row, Size, edges_in, rows_in};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT, Verdict};

use super::address::{Block, aliases};
use super::alphabet::Alphabet;
use super::determinize::{Dfa, determinize};
use super::error::PolicyError;
use super::image::Image;
use super::merge::merge;
use super::nfa::Nfa;
use super::pack::pack;
use super::resolve::{Defaults, Resolved};
use super::rows::{Rows, SILENCE};
use super::rules::{Rule, Subject};
use super::selftest::{self, Test};
use super::spell;
use super::verify::verify;

/// Entries after which determinizing is given up: past the largest image, so that the error can say by
/// how much, and small enough that no policy can keep the daemon busy for long.
const GIVE_UP: usize = 2 * edges_in(Size::Large.plane());
/// Nodes of one automaton, at most, for the same reason.
const NODES: usize = 4 << 20;

/// Which rule a number in a cell or an event stands for.
#[derive(Debug, Clone)]
pub struct RuleTable {
    rules: Vec<Rule>,
}

impl RuleTable {
    /// The rule with this number; `None` for the default.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&Rule> {
        self.rules.get(number as usize)
    }

    /// Every rule, by number.
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// Whether there is no rule; never so, since some are built in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// A policy compiled for one session.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The policy's name.
    pub name: String,
    /// What goes into the kernel.
    pub image: Image,
    /// What the numbers in it stand for.
    pub rules: RuleTable,
    /// What holds where no rule speaks.
    pub defaults: Defaults,
}

impl Resolved {
    /// Compiles the rules, checks the image and runs the policy's own tests.
    pub fn compile(self) -> Result<Compiled, PolicyError> {
        let (compiled, tests) = self.compile_untested()?;
        selftest::run(&compiled, &tests)?;
        Ok(compiled)
    }

    /// Compiles the rules and checks the image; the tests are the caller's to run. For showing what a
    /// policy does: one to be enforced goes through [`Resolved::compile`].
    pub fn compile_untested(self) -> Result<(Compiled, Vec<Test>), PolicyError> {
        let compiled = Compiled {
            image: build(&self)?,
            name: self.name,
            rules: RuleTable { rules: self.rules },
            defaults: self.defaults,
        };
        let (head, comb) = (compiled.image.head(), compiled.image.comb());
        verify(&head, comb, compiled.rules.len()).map_err(|error| {
            PolicyError::whole(
                &self.file,
                format!("the compiled image is damaged: {error}"),
                "report this as a bug",
            )
        })?;
        Ok((compiled, self.tests))
    }
}

/// The automata before they are determinized.
#[derive(Default)]
struct Automata {
    anchored: Nfa,
    floating: Nfa,
    net4: Nfa,
    net6: Nfa,
    rows: Rows,
}

fn build(resolved: &Resolved) -> Result<Image, PolicyError> {
    let too_large = |what: &str, need: String, limit: usize| {
        PolicyError::whole(
            &resolved.file,
            format!("the policy is too large: it needs {need} {what}, and {limit} is the limit"),
            "use fewer `**` and `*` in the middle of patterns, or fewer rules",
        )
    };
    let mut automata = Automata::default();
    for rule in &resolved.rules {
        automata.add(rule);
        let nodes = [&automata.anchored, &automata.floating, &automata.net4, &automata.net6].map(Nfa::len);
        if nodes.iter().sum::<usize>() > NODES {
            return Err(too_large("nodes", format!("more than {NODES}"), NODES));
        }
    }
    let Automata { mut anchored, mut floating, mut net4, mut net6, mut rows } = automata;
    let paths = shared_alphabet(&mut [&mut anchored, &mut floating]);
    let nets = shared_alphabet(&mut [&mut net4, &mut net6]);
    let mut dfa = Dfa::default();
    let mut starts = [0; 4];
    let parts = [(&anchored, &paths), (&floating, &paths), (&net4, &nets), (&net6, &nets)];
    let limit = edges_in(Size::Large.plane());
    for (start, (nfa, alphabet)) in starts.iter_mut().zip(parts) {
        if !nfa.is_empty() {
            *start = determinize(nfa, alphabet, &mut rows, &mut dfa, GIVE_UP).map_err(|large| {
                too_large("table entries", format!("more than {}", large.entries.max(limit)), limit)
            })?;
        }
    }
    merge(&mut dfa, &mut starts);
    let packed = pack(&dfa, &starts, paths.class[usize::from(b'/')]);
    let (entries, row_count) = (packed.edges.len(), packed.rows.len());
    let [start_anchored, start_floating, start_net4, start_net6] = packed.starts;
    let header = Header {
        start_anchored,
        start_floating,
        start_net4,
        start_net6,
        quiet_from: packed.quiet_from,
        sink_from: packed.sink_from,
        defaults: default_row(&resolved.defaults),
        path_class: paths.class,
        net_class: nets.class,
        ..Header::zeroed()
    };
    let table = packed.rows.iter().map(|row| *rows.get(*row)).collect();
    Image::new(header, table, packed.edges).ok_or_else(|| {
        if entries > limit {
            too_large("table entries", entries.to_string(), limit)
        } else {
            too_large("rows", row_count.to_string(), rows_in(Size::Large.plane()))
        }
    })
}

impl Automata {
    fn add(&mut self, rule: &Rule) {
        let row = self.row(rule, rule.operations);
        match &rule.subject {
            Subject::Paths(list) => {
                for pattern in
                    list.iter().flat_map(|written| written.patterns.iter().chain(&written.resolved))
                {
                    let nfa = if pattern.floats() { &mut self.floating } else { &mut self.anchored };
                    spell::path(nfa, pattern, row, &mut self.rows);
                }
            }
            Subject::Addresses(list, protocols) => {
                let outward = self.row(rule, rule.operations & !Operation::Bind.bit());
                for target in list {
                    let aliases = aliases(&target.blocks, rule.verdict);
                    let blocks = target.blocks.iter().map(|block| (block, row));
                    for (block, row) in blocks.chain(aliases.iter().map(|block| (block, outward))) {
                        let nfa =
                            if matches!(block, Block::V4(..)) { &mut self.net4 } else { &mut self.net6 };
                        spell::block(nfa, *protocols, (target.first, target.last), block, row);
                    }
                }
            }
        }
    }

    /// The row of a rule that speaks of these operations.
    fn row(&mut self, rule: &Rule, operations: u32) -> u32 {
        let mut row = SILENCE;
        for operation in Operation::ALL.iter().filter(|operation| operation.is_ruled()) {
            if operations & operation.bit() != 0 {
                row[*operation as usize] = Cell::new(rule.verdict, rule.number);
            }
        }
        self.rows.intern(row)
    }
}

/// One alphabet for automata that are walked over the same bytes.
fn shared_alphabet(nfas: &mut [&mut Nfa]) -> Alphabet {
    let mut named = super::bytes::ByteSet::EMPTY;
    for byte in nfas.iter().flat_map(|nfa| nfa.named.iter()) {
        named.insert(byte);
    }
    let sets: Vec<_> = nfas.iter().flat_map(|nfa| nfa.sets.iter().copied()).collect();
    Alphabet::new(&named, &sets)
}

/// The cells that hold where no rule speaks. A mapping needs what an exec needs or what a file needs,
/// so the stricter default is its own.
fn default_row(defaults: &Defaults) -> Row {
    let mut row = [Cell::new(Verdict::Deny, RULE_DEFAULT); COLUMNS];
    for operation in Operation::ALL {
        let verdict = match operation {
            Operation::Map => defaults.exec.max(defaults.file),
            Operation::Setuid => Verdict::Deny,
            Operation::Uring => Verdict::Allow,
            _ => defaults.of(operation.family()),
        };
        row[operation as usize] = Cell::new(verdict, RULE_DEFAULT);
    }
    row
}
