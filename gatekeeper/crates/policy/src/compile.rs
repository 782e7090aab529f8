//! Rules to an image: spell, determinize, merge, pack, verify, test.

use std::collections::BTreeMap;

use bytemuck::Zeroable;
use gatekeeper_common::image::{Header, Row, Size, edges_in, rows_in};
use gatekeeper_common::verdict::Cell;

use crate::automaton::automata::Automata;
use crate::automaton::determinize::{Dfa, TooLarge, determinize};
use crate::automaton::merge::merge;
use crate::automaton::pack::{Packed, pack};
use crate::automaton::rows::STATES;
use crate::automaton::sets;
use crate::compiled::{Compiled, RuleTable};
use crate::error::PolicyError;
use crate::image::Image;
use crate::resolve::Resolved;
use crate::selftest::{self, Test};
use crate::verify::verify;

/// Entries after which determinizing is given up: past the largest image, so that the error can say by
/// how much, and small enough that no policy can keep the daemon busy for long.
const GIVE_UP: usize = 2 * edges_in(Size::Large.plane());
/// Nodes of all automata, at most, for the same reason.
const NODES: usize = 4 << 20;
/// Rules in all sets of rules about one program's arguments, at most, for the same reason.
const MEMBERS: usize = 4 << 20;

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
            rules: RuleTable::new(self.rules),
            defaults: self.defaults,
            approval: self.approval,
            secrets: self.secrets,
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

fn build(resolved: &Resolved) -> Result<Image, PolicyError> {
    let limit = edges_in(Size::Large.plane());
    let too_large = |what: &str, need: String, limit: usize| {
        PolicyError::whole(
            &resolved.file,
            format!("the policy is too large: it needs {need} {what}, and {limit} is the limit"),
            "use fewer `**` and `*` in the middle of patterns, or fewer rules",
        )
    };
    let bounded = |nodes: usize, members: usize| {
        if nodes > NODES {
            return Err(too_large("nodes", format!("more than {NODES}"), NODES));
        }
        if members > MEMBERS {
            return Err(too_large("rules about the same arguments", format!("more than {MEMBERS}"), MEMBERS));
        }
        Ok(())
    };
    let grown = |large: TooLarge| {
        too_large("table entries", format!("more than {}", large.entries.max(limit)), limit)
    };
    let mut automata = Automata::new(&resolved.rules);
    for rule in &resolved.rules {
        automata.add(rule);
        bounded(automata.nodes(), automata.rows.sets.members())?;
    }
    automata.add_programs(&resolved.rules);
    bounded(automata.nodes(), automata.rows.sets.members())?;
    let (bytes, nets) = automata.alphabets();
    let mut dfa = Dfa::default();
    let mut starts = Vec::new();
    let Automata { anchored, floating, unix, signal, net4, net6, rows, .. } = &mut automata;
    for (nfa, alphabet) in [
        (anchored, &bytes),
        (floating, &bytes),
        (unix, &bytes),
        (signal, &bytes),
        (net4, &nets),
        (net6, &nets),
    ] {
        let start = if nfa.is_empty() {
            0
        } else {
            determinize(nfa, alphabet, rows, &mut dfa, GIVE_UP).map_err(grown)?
        };
        starts.push(start);
    }
    // For each set of rules that some program is judged by, the place of its start among the others.
    let mut words: BTreeMap<u32, usize> = BTreeMap::new();
    let mut nodes = automata.nodes();
    for set in sets_named(&dfa, &automata) {
        let rules = automata.rows.sets.get(set).to_vec();
        let nfa = automata.words(rules.iter().filter_map(|rule| resolved.rules.get(*rule as usize)));
        nodes += nfa.len();
        bounded(nodes, automata.rows.sets.members())?;
        words.insert(set, starts.len());
        starts.push(determinize(&nfa, &bytes, &mut automata.rows, &mut dfa, GIVE_UP).map_err(grown)?);
    }
    merge(&mut dfa, &mut starts);
    let packed = pack(&dfa, &starts, bytes.class[usize::from(b'/')]);
    let (entries, row_count) = (packed.edges.len(), packed.rows.len());
    let table = rows_of(&packed, &automata, &words);
    let header = Header {
        start_anchored: packed.starts[0],
        start_floating: packed.starts[1],
        start_unix: packed.starts[2],
        start_signal: packed.starts[3],
        start_net4: packed.starts[4],
        start_net6: packed.starts[5],
        quiet_from: packed.quiet_from,
        sink_from: packed.sink_from,
        argument_bytes: resolved.defaults.arguments,
        defaults: resolved.defaults.row(),
        capabilities: automata.capabilities,
        path_class: bytes.class,
        net_class: nets.class,
        ..Header::zeroed()
    };
    Image::new(header, table, packed.edges).ok_or_else(|| {
        if entries > limit {
            too_large("table entries", entries.to_string(), limit)
        } else {
            too_large("rows", row_count.to_string(), rows_in(Size::Large.plane()))
        }
    })
}

/// The sets of rules that rows of states name.
fn sets_named(dfa: &Dfa, automata: &Automata) -> Vec<u32> {
    let mut rows: Vec<u32> = dfa.states.iter().map(|state| state.row).collect();
    rows.sort_unstable();
    rows.dedup();
    let mut named: Vec<u32> =
        rows.iter().flat_map(|row| STATES.map(|column| automata.rows.get(*row)[column].0)).collect();
    named.sort_unstable();
    named.dedup();
    named.retain(|set| *set != sets::NONE);
    named
}

/// The rows that states accept with, their sets of rules exchanged for the states to begin in.
fn rows_of(packed: &Packed, automata: &Automata, words: &BTreeMap<u32, usize>) -> Vec<Row> {
    let row = |number: &u32| {
        let mut row = *automata.rows.get(*number);
        for column in STATES {
            let start = words.get(&row[column].0).map_or(0, |at| packed.starts[*at]);
            row[column] = Cell(start);
        }
        row
    };
    packed.rows.iter().map(row).collect()
}
