//! A walk that stops the test where the kernel's bound check would have to decide.

use gatekeeper_common::automaton::{Edge, Edges, LAST_CLASS, accepted, step};
use gatekeeper_common::image::{ARGUMENTS, ENVIRONMENT, Header, ROWS_AT, Row};

use crate::automaton::Automaton;

/// A table that no look-up may miss.
struct Strict(Vec<Edge>);

impl Edges for Strict {
    fn edge(&self, index: u32) -> Edge {
        self.0[index as usize]
    }
}

/// Takes every step from every state that can be reached, and panics where one leaves the table.
pub fn every_step_stays_inside(head: &[u8], comb: &[u8]) {
    let header: Header = bytemuck::pod_read_unaligned(&head[..size_of::<Header>()]);
    let edges: Vec<Edge> = comb.chunks_exact(8).map(bytemuck::pod_read_unaligned).collect();
    let table = Strict(edges[..header.edges as usize].to_vec());
    let mut seen = vec![false; table.0.len()];
    let mut open = Automaton::ALL.map(|automaton| automaton.start(&header)).to_vec();
    let rows = head[ROWS_AT..].chunks_exact(size_of::<Row>()).take(header.rows as usize);
    open.extend(rows.flat_map(|row| {
        let row: Row = bytemuck::pod_read_unaligned(row);
        [row[ARGUMENTS].0, row[ENVIRONMENT].0]
    }));
    while let Some(state) = open.pop() {
        if std::mem::replace(&mut seen[state as usize], true) {
            continue;
        }
        assert!(accepted(&table, state) < header.rows);
        open.extend((0..=LAST_CLASS).filter(|class| *class != 1).map(|class| step(&table, state, class)));
    }
}
