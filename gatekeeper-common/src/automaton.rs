//! The automaton: one table of edges, and the step. The very same code runs in the kernel, in
//! `policy explain` and in the tests.
//!
//! The table is a double array ("row displacement"): a state is a number, its edge for a byte of class
//! `c` stands at index `state + c`, and the edge's `owner` says whether that entry is really the
//! state's. A state without an edge for the class takes its edge of class [`OTHER`]; without that one
//! it is [`DEAD`]. A state costs one entry for each edge that differs from [`OTHER`]'s.

use bytemuck::{Pod, Zeroable};

/// One entry of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Edge {
    /// The state this edge leaves from; [`VACANT`] where the entry is free.
    pub owner: u32,
    /// Target: a state, or for class [`ACCEPT`] the number of a row.
    pub target: u32,
}

const _: () = assert!(size_of::<Edge>() == 8);

/// The state from which nothing matches any more.
pub const DEAD: u32 = 0;
/// The owner of a free entry. No state has this number.
pub const VACANT: u32 = u32::MAX;

/// The class of every byte that no pattern names, and the edge taken where a class has none.
pub const OTHER: u16 = 0;
/// The pseudo-class under which a state keeps the number of its row (0, or no edge: no rule matches).
pub const ACCEPT: u16 = 1;
/// The first class a byte that patterns do name can have.
pub const FIRST_CLASS: u16 = 2;
/// The largest class: 256 bytes, each with its own.
pub const LAST_CLASS: u16 = FIRST_CLASS + 255;

/// Something that holds edges.
pub trait Edges {
    /// The entry at `index`; a vacant one where `index` lies outside the table.
    fn edge(&self, index: u32) -> Edge;

    /// Returns the entry's target if it is this state's, else [`DEAD`]. The kernel does it without a branch.
    #[inline(always)]
    fn target(&self, edge: Edge, state: u32) -> u32 {
        if edge.owner == state { edge.target } else { DEAD }
    }
}

impl Edges for [Edge] {
    fn edge(&self, index: u32) -> Edge {
        self.get(index as usize).copied().unwrap_or(Edge { owner: VACANT, target: DEAD })
    }
}

/// Returns the state after a byte of this class in `state`.
#[must_use]
#[inline(always)]
pub fn step<E: Edges + ?Sized>(edges: &E, state: u32, class: u16) -> u32 {
    let own = edges.edge(state.wrapping_add(class as u32));
    if own.owner == state {
        return own.target;
    }
    edges.target(edges.edge(state), state)
}

/// Whether `state` is [`DEAD`] or not below `from`, where 0 stands for no state at all.
#[must_use]
#[inline(always)]
pub const fn is_settled(state: u32, from: u32) -> bool {
    const { assert!(DEAD == 0) }
    // The same as `state - 1 >= from - 1`. The verifier of 7.3 links a register to another from which it differs by a
    // constant (kernel/bpf/verifier.c `sync_linked_regs`), and linked states are rarely equal: it would go through
    // three times as many instructions. A negation it does not link.
    state.wrapping_neg() <= from.wrapping_neg()
}

/// The number of the row that `state` accepts with; 0 where it accepts nothing.
#[must_use]
#[inline(always)]
pub fn accepted<E: Edges + ?Sized>(edges: &E, state: u32) -> u32 {
    const { assert!(DEAD == 0) }
    edges.target(edges.edge(state.wrapping_add(ACCEPT as u32)), state)
}
