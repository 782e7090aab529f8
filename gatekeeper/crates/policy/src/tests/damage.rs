//! Every way an image can be damaged that `verify` knows by name.

use gatekeeper_common::automaton::{ACCEPT, Edge, VACANT};
use gatekeeper_common::image::{ARGUMENTS, ENVIRONMENT, Header, ROWS_AT, Row};
use gatekeeper_common::limits::ARGUMENT_BYTES_MOST;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, Verdict};

use super::compile;
use crate::automaton::Automaton;
use crate::verify::{Origin, VerifyError, verify};

struct Planes {
    head: Vec<u8>,
    edges: Vec<Edge>,
    rules: usize,
}

impl Planes {
    fn new() -> Self {
        let compiled = compile(include_str!("damage.toml")).unwrap();
        let edges = bytemuck::cast_slice(compiled.image.comb()).to_vec();
        Self { head: compiled.image.head(), edges, rules: compiled.rules.len() }
    }

    fn header(&mut self, change: impl FnOnce(&mut Header)) {
        let bytes = &mut self.head[..size_of::<Header>()];
        let mut header: Header = bytemuck::pod_read_unaligned(bytes);
        change(&mut header);
        bytes.copy_from_slice(bytemuck::bytes_of(&header));
    }

    fn cell(&mut self, row: usize, column: usize, cell: u32) {
        let at = ROWS_AT + row * size_of::<Row>() + column * 4;
        self.head[at..at + 4].copy_from_slice(&cell.to_le_bytes());
    }

    fn row(&self, number: usize) -> Row {
        bytemuck::pod_read_unaligned(&self.head[ROWS_AT + number * size_of::<Row>()..][..size_of::<Row>()])
    }

    /// The number of a row that has something in a column.
    fn filled(&self, column: usize) -> usize {
        let header: Header = bytemuck::pod_read_unaligned(&self.head[..size_of::<Header>()]);
        (0..header.rows as usize).find(|row| self.row(*row)[column] != Cell::NO_RULE).unwrap()
    }

    fn first(&mut self, which: impl Fn(usize, &Edge) -> bool) -> &mut Edge {
        let at = self.edges.iter().enumerate().position(|(at, edge)| edge.owner != VACANT && which(at, edge));
        &mut self.edges[at.unwrap()]
    }

    fn verify(&self) -> Result<(), VerifyError> {
        verify(&self.head, bytemuck::cast_slice(&self.edges), self.rules)
    }
}

fn damaged(change: impl FnOnce(&mut Planes)) -> VerifyError {
    let mut planes = Planes::new();
    planes.verify().unwrap();
    change(&mut planes);
    planes.verify().expect_err("damaged")
}

#[test]
fn headers() {
    assert!(matches!(damaged(|p| p.head.truncate(100)), VerifyError::Short { plane: 0, .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.magic = 1)), VerifyError::Magic(1)));
    assert!(matches!(damaged(|p| p.header(|h| h.version = 9)), VerifyError::Version(9)));
    assert!(matches!(damaged(|p| p.header(|h| h.rows = 0)), VerifyError::Counts { rows: 0, .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.rows = 70_000)), VerifyError::Counts { .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.rows += 1)), VerifyError::Short { plane: 0, .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.edges = 257)), VerifyError::Counts { .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.edges += 1)), VerifyError::Short { plane: 1, .. }));
    assert!(matches!(damaged(|p| p.header(|h| h.edges = u32::MAX)), VerifyError::Counts { .. }));
}

#[test]
fn classes() {
    let over = damaged(|p| p.header(|h| h.path_class[7] = 258));
    assert_eq!(over, VerifyError::Class { byte: 7, class: 258 });
    let accept = damaged(|p| p.header(|h| h.net_class[0] = ACCEPT));
    assert_eq!(accept, VerifyError::Class { byte: 0, class: ACCEPT });
}

#[test]
fn cells() {
    let allowed = Cell::new(Verdict::Allow, 0).0;
    assert!(matches!(damaged(|p| p.cell(0, 0, allowed)), VerifyError::Cell { row: 0, .. }));
    assert!(matches!(damaged(|p| p.cell(1, 13, allowed)), VerifyError::Cell { row: 1, column: 13, .. }));
    assert!(matches!(damaged(|p| p.cell(1, 0, 0x1200_0000)), VerifyError::Cell { row: 1, column: 0, .. }));
    let nobody = Cell::new(Verdict::Allow, 99).0;
    assert!(matches!(damaged(|p| p.cell(1, 2, nobody)), VerifyError::Cell { row: 1, column: 2, .. }));
    let ruleless = damaged(|p| p.cell(1, Operation::Uring as usize, allowed));
    assert!(matches!(ruleless, VerifyError::Cell { row: 1, column: 23, .. }));
    let capability = damaged(|p| p.header(|h| h.capabilities[7] = Cell(nobody)));
    assert!(matches!(capability, VerifyError::Capability { number: 7, .. }));
    for bytes in [0, ARGUMENT_BYTES_MOST + 1] {
        let bound = damaged(|p| p.header(|h| h.argument_bytes = bytes));
        assert_eq!(bound, VerifyError::ArgumentBytes(bytes));
    }
    let silent = damaged(|p| p.header(|h| h.defaults[3] = Cell::NO_RULE));
    assert_eq!(silent, VerifyError::Cell { row: u32::MAX, column: 3, cell: 0 });
}

#[test]
fn rows_have_cells_only_for_what_is_walked() {
    let allowed = Cell::new(Verdict::Allow, 0).0;
    let path = Planes::new().filled(Operation::Read as usize);
    for column in [Operation::Connect, Operation::UnixBind, Operation::Signal] {
        let damage = damaged(|p| p.cell(path, column as usize, allowed));
        assert_eq!(damage, VerifyError::Misplaced { row: path as u32, column: column as usize });
    }
    let net = Planes::new().filled(Operation::Connect as usize);
    let damage = damaged(|p| p.cell(net, Operation::Read as usize, allowed));
    assert!(matches!(damage, VerifyError::Misplaced { column: 2, .. }));
    // The row of an argument leads to no further arguments.
    let words = Planes::new().filled(Operation::Exec as usize);
    let start = Planes::new().row(Planes::new().filled(ARGUMENTS))[ARGUMENTS].0;
    let damage = damaged(|p| p.cell(words, ENVIRONMENT, start));
    assert_eq!(damage, VerifyError::Misplaced { row: words as u32, column: ENVIRONMENT });
    let floating = damaged(|p| {
        // `**/*.c` accepts with a row of its own: the second rule's file is no program with arguments.
        let row = p.filled(Operation::Read as usize);
        p.cell(row, ARGUMENTS, start);
    });
    assert_eq!(floating, VerifyError::TwoStarts(ARGUMENTS));
}

#[test]
fn edges() {
    let target = |target| damaged(move |p| p.first(|at, e| at as u32 - e.owner != 1).target = target);
    assert!(matches!(target(u32::MAX), VerifyError::Target { .. }));
    assert!(matches!(target(3_000_000), VerifyError::Target { .. }));
    let end = Planes::new().edges.len() as u32;
    assert!(matches!(target(end - 1), VerifyError::Target { .. }));
    let row = damaged(|p| p.first(|at, e| at as u32 - e.owner == 1).target = 1000);
    assert!(matches!(row, VerifyError::AcceptRow { row: 1000, .. }));
    let far = damaged(|p| p.edges.last_mut().unwrap().owner = 1);
    assert!(matches!(far, VerifyError::Owner { owner: 1, .. }));
    let dead = damaged(|p| p.edges[5].owner = 0);
    assert!(matches!(dead, VerifyError::Owner { owner: 0, .. }));
}

#[test]
fn starts() {
    let end = Planes::new().edges.len() as u32;
    for start in [end, end - 257, u32::MAX] {
        for automaton in Automaton::ALL {
            let from = damaged(|p| p.header(|h| *automaton.start_mut(h) = start));
            assert_eq!(from, VerifyError::Target { from: Origin::Start(automaton), target: start });
        }
        let row = Planes::new().filled(ARGUMENTS);
        let words = damaged(|p| p.cell(row, ARGUMENTS, start));
        assert!(matches!(words, VerifyError::Target { from: Origin::Arguments, .. }));
    }
}
