//! Compiling: from resolved rules to a verified image.
//!
//! 1. The patterns of all rules become non-deterministic automata ([`Automata`]).
//! 2. Bytes that no pattern tells apart become one class ([`Automata::alphabets`]).
//! 3. Each automaton is made deterministic; all share one list of states ([`determinize`]).
//! 4. Programs whose rules ask for arguments or environments get an automaton for each set of rules
//!    ([`word_automata`]).
//! 5. Equal states become one ([`merge`]), and the states are laid out in the table ([`pack()`]).
//! 6. The image is checked by code that shares nothing with the steps before ([`verify`]), and the policy's
//!    own tests are asked ([`selftest`]).

use std::collections::BTreeMap;

use bytemuck::Zeroable;
use gatekeeper_common::image::{Header, Row, Size, edges_in, rows_in};
use gatekeeper_common::verdict::Cell;

use crate::automaton::alphabet::Alphabet;
use crate::automaton::automata::Automata;
use crate::automaton::determinize::{Dfa, TooLarge, determinize};
use crate::automaton::merge::merge;
use crate::automaton::pack::{Packed, pack};
use crate::automaton::rows::START_COLUMNS;
use crate::automaton::{Automaton, sets};
use crate::compiled::{Compiled, RuleTable};
use crate::error::{Help, PolicyError};
use crate::image::Image;
use crate::resolve::Resolved;
use crate::rules::Rule;
use crate::selftest::{self, Test};
use crate::verify::{VerifyError, verify};

/// The largest number of entries in the table of edges.
const ENTRIES: usize = edges_in(Size::Large.plane());
/// The largest number of rows.
const ROWS: usize = rows_in(Size::Large.plane());
/// The number of entries after which determinizing is given up: past the largest image, since merging and
/// packing may still save some, and small enough that no policy can keep the daemon busy for long.
const GIVE_UP: usize = 2 * ENTRIES;
/// The largest number of nodes of all automata, for the same reason.
const NODES: usize = 4 << 20;
/// The largest number of rules in all sets of rules about one program's arguments, for the same reason.
const MEMBERS: usize = 4 << 20;

/// A policy that fits no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum CompileError {
    #[error("the policy is too large: it needs more than {NODES} nodes, and {NODES} is the limit")]
    Nodes,
    #[error(
        "the policy is too large: it needs more than {MEMBERS} rules about the same arguments, \
         and {MEMBERS} is the limit"
    )]
    Members,
    #[error(
        "the policy is too large: it needs more than {} table entries, and {ENTRIES} is the limit",
        .0.entries.max(ENTRIES)
    )]
    Automaton(#[from] TooLarge),
    #[error("the policy is too large: it needs {0} table entries, and {ENTRIES} is the limit")]
    Entries(usize),
    #[error("the policy is too large: it needs {0} rows, and {ROWS} is the limit")]
    Rows(usize),
    #[error("the compiled image is damaged: {0}")]
    Damaged(#[from] VerifyError),
}

impl Help for CompileError {
    fn help(&self) -> String {
        match self {
            Self::Nodes | Self::Members | Self::Automaton(_) | Self::Entries(_) | Self::Rows(_) => {
                "use fewer `**` and `*` in the middle of patterns, or fewer rules"
            }
            Self::Damaged(_) => "report this as a bug",
        }
        .to_owned()
    }
}

impl Resolved {
    /// Compiles the rules, checks the image and asks the policy's own tests.
    ///
    /// # Errors
    /// Where the policy is too large for an image, or a test of it fails.
    pub fn compile(self) -> Result<Compiled, PolicyError> {
        let (compiled, tests) = self.compile_untested()?;
        selftest::run(&compiled, &tests)?;
        Ok(compiled)
    }

    /// Compiles the rules and checks the image; the tests are the caller's to ask.
    ///
    /// This is for showing a policy. One to be enforced goes through [`Resolved::compile`].
    ///
    /// # Errors
    /// Where the policy is too large for an image.
    pub fn compile_untested(self) -> Result<(Compiled, Vec<Test>), PolicyError> {
        let image = build(&self).map_err(|error| PolicyError::problem(&self.file, &error))?;
        let compiled = Compiled {
            image,
            name: self.name,
            rules: RuleTable::new(self.rules),
            defaults: self.defaults,
            approval: self.approval,
            secrets: self.secrets,
        };
        Ok((compiled, self.tests))
    }
}

/// The verified image of a policy's rules.
fn build(resolved: &Resolved) -> Result<Image, CompileError> {
    let mut automata = Automata::new(&resolved.rules);
    for rule in &resolved.rules {
        automata.add(rule);
        // After each rule: a list of patterns in braces is soon longer than memory.
        check_size(&automata, 0)?;
    }
    automata.add_programs(&resolved.rules);
    check_size(&automata, 0)?;
    let (text, addresses) = automata.alphabets();
    let mut dfa = Dfa::default();
    // The first starts are those of `Automaton::ALL`, in that order.
    let mut starts = Vec::new();
    for (automaton, nfa) in automata.nfas.iter() {
        let alphabet = if automaton.walks_addresses() { &addresses } else { &text };
        let start = if nfa.is_empty() {
            0
        } else {
            determinize(nfa, alphabet, &mut automata.rows, &mut dfa, GIVE_UP)?
        };
        starts.push(start);
    }
    let words = word_automata(&resolved.rules, &mut automata, &text, &mut dfa, &mut starts)?;
    merge(&mut dfa, &mut starts);
    let packed = pack(&dfa, &starts, text.class[usize::from(b'/')]);
    let mut header = Header {
        quiet_from: packed.quiet_from,
        sink_from: packed.sink_from,
        argument_bytes: resolved.defaults.arguments,
        defaults: resolved.defaults.row(),
        capabilities: automata.capabilities,
        path_class: text.class,
        net_class: addresses.class,
        ..Header::zeroed()
    };
    for (automaton, start) in Automaton::ALL.into_iter().zip(&packed.starts) {
        *automaton.start_mut(&mut header) = *start;
    }
    let rows = rows_of(&packed, &automata, &words);
    let (entries, row_count) = (packed.edges.len(), rows.len());
    let image = Image::new(header, rows, packed.edges).ok_or(if entries > ENTRIES {
        CompileError::Entries(entries)
    } else {
        CompileError::Rows(row_count)
    })?;
    verify(&image.head(), image.comb(), resolved.rules.len())?;
    Ok(image)
}

/// Checks the bounds on memory, with this many nodes besides those of the automata.
fn check_size(automata: &Automata, more_nodes: usize) -> Result<(), CompileError> {
    if automata.nodes() + more_nodes > NODES {
        return Err(CompileError::Nodes);
    }
    if automata.rows.sets.members() > MEMBERS {
        return Err(CompileError::Members);
    }
    Ok(())
}

/// Adds an automaton for each set of rules that a row names; returns the place of each one's start in `starts`.
///
/// Which sets there are is known only now. A path that several patterns match belongs to the rules of all of
/// them, and its set came about where the rows of those patterns were joined.
fn word_automata(
    rules: &[Rule],
    automata: &mut Automata,
    alphabet: &Alphabet,
    dfa: &mut Dfa,
    starts: &mut Vec<u32>,
) -> Result<BTreeMap<u32, usize>, CompileError> {
    let mut places = BTreeMap::new();
    let mut nodes = 0;
    for set in sets_named(dfa, automata) {
        let members = automata.rows.sets.get(set).to_vec();
        let nfa = automata.words(members.iter().filter_map(|number| rules.get(*number as usize)));
        nodes += nfa.len();
        check_size(automata, nodes)?;
        places.insert(set, starts.len());
        starts.push(determinize(&nfa, alphabet, &mut automata.rows, dfa, GIVE_UP)?);
    }
    Ok(places)
}

/// The sets of rules that the rows of states name, in order and once each.
fn sets_named(dfa: &Dfa, automata: &Automata) -> Vec<u32> {
    let mut rows: Vec<u32> = dfa.states.iter().map(|state| state.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut named: Vec<u32> = rows
        .iter()
        .flat_map(|row| START_COLUMNS.map(|column| automata.rows.get(*row)[column].0))
        .filter(|set| *set != sets::NONE)
        .collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// The rows that states accept with, each set of rules in them replaced by its automaton's start state.
fn rows_of(packed: &Packed, automata: &Automata, places: &BTreeMap<u32, usize>) -> Vec<Row> {
    let row = |number: &u32| {
        let mut row = *automata.rows.get(*number);
        for column in START_COLUMNS {
            let start = places.get(&row[column].0).map_or(0, |place| packed.starts[*place]);
            row[column] = Cell(start);
        }
        row
    };
    packed.rows.iter().map(row).collect()
}
