//! Walks the image of each layer, combines, and says which rule decided.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_map_lookup_elem};
use gatekeeper_common::automaton::{DEAD, Edge, Edges, VACANT, accepted, step};
use gatekeeper_common::event::Address;
use gatekeeper_common::image::{COMB, HEAD, Header, MAGIC, ROWS_AT, edges_in, rows_in};
use gatekeeper_common::label::{Label, Layer};
use gatekeeper_common::limits::{LAYERS, PATH_BYTES, PLANE_LARGE, PLANE_SMALL, SLOTS};
use gatekeeper_common::operation::{Operation, RULED};
use gatekeeper_common::verdict::{Cause, Cell, Verdict, map_cell};

use crate::maps::{IMAGES_LARGE, IMAGES_SMALL};
use crate::scratch::Scratch;

/// What the layers decided.
#[derive(Clone, Copy)]
pub struct Ruling {
    /// The strictest cell, its default filled in.
    pub cell: Cell,
    /// Index of the layer that gave it.
    pub layer: u32,
    /// Serial of that layer.
    pub serial: u32,
    /// Generation of that layer's policy.
    pub generation: u64,
    /// The operation that decided, of those asked for.
    pub operation: Operation,
    /// Why it is denied, where not by a rule.
    pub cause: Cause,
}

impl Ruling {
    /// A denial that no rule gave.
    #[inline(always)]
    pub const fn denied(operation: Operation, cause: Cause) -> Self {
        let cell = Cell::new(Verdict::Deny, gatekeeper_common::verdict::RULE_DEFAULT);
        Self { cell, layer: 0, serial: 0, generation: 0, operation, cause }
    }

    #[inline(always)]
    const fn none(operation: Operation) -> Self {
        Self { cell: Cell::SILENT, layer: 0, serial: 0, generation: 0, operation, cause: Cause::Policy }
    }
}

/// The edges of an image whose planes have `N` bytes.
struct Comb<const N: usize>(*const Edge);

impl<const N: usize> Edges for Comb<N> {
    #[inline(always)]
    fn edge(&self, index: u32) -> Edge {
        if index >= edges_in(N) as u32 {
            return Edge { owner: VACANT, target: DEAD };
        }
        // SAFETY: index < edges_in(N), checked above, and the plane has N bytes.
        unsafe { *self.0.add(index as usize) }
    }
}

/// The two planes of a layer's image.
#[derive(Clone, Copy)]
struct Planes<const N: usize> {
    head: *const u8,
    comb: *const Edge,
}

impl<const N: usize> Planes<N> {
    #[inline(always)]
    fn header(&self) -> &Header {
        // SAFETY: the plane has N bytes, more than a header.
        unsafe { &*self.head.cast::<Header>() }
    }

    /// The cell of a row; silent where the row lies outside the plane.
    #[inline(always)]
    fn cell(&self, row: u32, column: usize) -> Cell {
        if row >= rows_in(N) as u32 {
            return Cell(u32::MAX);
        }
        // SAFETY: row < rows_in(N), and column < 16.
        unsafe { *self.head.add(ROWS_AT + row as usize * 64 + column * 4).cast::<Cell>() }
    }
}

/// Looks up a slot in a table of images of one size.
macro_rules! planes {
    ($images:ident, $size:ident, $slot:expr) => {{
        let slot: u32 = $slot;
        // SAFETY: the maps are as declared; the verifier checks each pointer before its use.
        unsafe {
            let inner = bpf_map_lookup_elem((&raw const $images).cast_mut().cast(), (&raw const slot).cast());
            if inner.is_null() {
                None
            } else {
                let (head, comb) = (HEAD, COMB);
                let head = bpf_map_lookup_elem(inner, (&raw const head).cast());
                let comb = bpf_map_lookup_elem(inner, (&raw const comb).cast());
                if head.is_null() || comb.is_null() {
                    None
                } else {
                    Some(Planes::<$size> { head: head.cast::<u8>().cast_const(), comb: comb.cast::<Edge>().cast_const() })
                }
            }
        }
    }};
}

/// Bytes of a path walked in one turn of the loop: enough to make the turn's own cost small.
const TURN: u32 = 16;

#[repr(C)]
struct Walk {
    path: *const u8,
    head: *const u8,
    comb: *const Edge,
    at: u32,
    anchored: u32,
    floating: u32,
    pad: u32,
}

#[inline(always)]
fn walk_turn<const N: usize>(walk: &mut Walk) -> i64 {
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let edges = Comb::<N>(planes.comb);
    let classes = planes.header().path_class.as_ptr();
    let (mut anchored, mut floating) = (walk.anchored, walk.floating);
    let at = walk.at;
    let mut turn = 0;
    while turn < TURN {
        let here = at.wrapping_add(turn);
        if here >= PATH_BYTES as u32 {
            walk.anchored = anchored;
            walk.floating = floating;
            return 1;
        }
        // SAFETY: here < PATH_BYTES; a byte indexes 256 classes.
        let class = unsafe { *classes.add(*walk.path.add(here as usize) as usize) };
        anchored = step(&edges, anchored, class);
        floating = step(&edges, floating, class);
        turn += 1;
    }
    walk.anchored = anchored;
    walk.floating = floating;
    walk.at = at.wrapping_add(TURN);
    0
}

extern "C" fn walk_small(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    walk_turn::<PLANE_SMALL>(unsafe { &mut *context.cast::<Walk>() })
}

extern "C" fn walk_large(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    walk_turn::<PLANE_LARGE>(unsafe { &mut *context.cast::<Walk>() })
}

/// The stricter of what two rows say of one operation.
#[inline(always)]
fn pair<const N: usize>(planes: &Planes<N>, rows: (u32, u32), operation: Operation) -> Cell {
    let column = operation as usize;
    planes.cell(rows.0, column).strictest(planes.cell(rows.1, column))
}

/// Judges the path in the scratch buffer for each operation asked for.
#[inline(always)]
fn path_cell<const N: usize>(planes: &Planes<N>, walk: *mut c_void, path: &Scratch, asked: u32) -> (Cell, Operation) {
    let header = planes.header();
    let mut state = Walk {
        path: path.path.as_ptr(),
        head: planes.head,
        comb: planes.comb,
        at: path.at,
        anchored: header.start_anchored,
        floating: header.start_floating,
        pad: 0,
    };
    // SAFETY: `walk` is one of the two above and takes a Walk.
    unsafe {
        bpf_loop(PATH_BYTES as u32 / TURN + 1, walk, (&raw mut state).cast(), 0);
    }
    let edges = Comb::<N>(planes.comb);
    let rows = (accepted(&edges, state.anchored), accepted(&edges, state.floating));
    let mut strictest = (Cell::SILENT, Operation::Exec);
    for operation in PATH_OPERATIONS {
        if asked & operation.bit() == 0 {
            continue;
        }
        let mut cell = pair(planes, rows, operation);
        if operation as u8 == Operation::Map as u8 {
            cell = map_cell(pair(planes, rows, Operation::Exec), cell);
        }
        let cell = cell.or(header.defaults[operation as usize]);
        if cell.0 > strictest.0.0 {
            strictest = (cell, operation);
        }
    }
    strictest
}

const PATH_OPERATIONS: [Operation; 9] = [
    Operation::Exec,
    Operation::Map,
    Operation::Read,
    Operation::Write,
    Operation::Create,
    Operation::Delete,
    Operation::Rename,
    Operation::Link,
    Operation::Metadata,
];

/// Judges an address. Few bytes: walked here and now.
#[inline(always)]
fn address_cell<const N: usize>(planes: &Planes<N>, address: &Address, operation: Operation) -> Cell {
    let header = planes.header();
    let edges = Comb::<N>(planes.comb);
    let mut state = if address.version == 4 { header.start_net4 } else { header.start_net6 };
    let port = address.port.to_be_bytes();
    state = step(&edges, state, header.net_class[address.protocol as usize]);
    state = step(&edges, state, header.net_class[port[0] as usize]);
    state = step(&edges, state, header.net_class[port[1] as usize]);
    let length = if address.version == 4 { 4 } else { 16 };
    for index in 0..16 {
        if index >= length {
            break;
        }
        state = step(&edges, state, header.net_class[address.bytes[index] as usize]);
    }
    let column = operation as usize;
    if column >= RULED {
        return Cell(u32::MAX);
    }
    planes.cell(accepted(&edges, state), column).or(header.defaults[column])
}

/// What is to be judged.
pub enum Question<'a> {
    /// The path in the scratch buffer, for a set of operations.
    Path(&'a Scratch, u32),
    /// An address, for one operation.
    Address(&'a Address, Operation),
}

/// One layer's answer, from planes of one size.
#[inline(always)]
fn ask<const N: usize>(planes: &Planes<N>, walk: *mut c_void, layer: Layer, question: &Question<'_>) -> Ruling {
    let header = planes.header();
    let (cell, operation) = match question {
        Question::Path(path, asked) => path_cell(planes, walk, path, *asked),
        Question::Address(address, operation) => (address_cell(planes, address, *operation), *operation),
    };
    if header.magic != MAGIC || header.serial != layer.serial {
        return Ruling::denied(operation, Cause::NoPolicy);
    }
    let cause = match cell.verdict() {
        Some(Verdict::Ask) => Cause::NobodyToAsk,
        Some(_) => Cause::Policy,
        None => Cause::Corrupt,
    };
    Ruling { cell, layer: 0, serial: layer.serial, generation: header.generation, operation, cause }
}

#[inline(always)]
fn judge_layer(layer: Layer, question: &Question<'_>, fallback: Operation) -> Ruling {
    if layer.slot >= SLOTS {
        return Ruling::denied(fallback, Cause::NoPolicy);
    }
    if let Some(planes) = planes!(IMAGES_SMALL, PLANE_SMALL, layer.slot) {
        return ask(&planes, walk_small as *mut c_void, layer, question);
    }
    if let Some(planes) = planes!(IMAGES_LARGE, PLANE_LARGE, layer.slot) {
        return ask(&planes, walk_large as *mut c_void, layer, question);
    }
    Ruling::denied(fallback, Cause::NoPolicy)
}

/// Asks every layer; the strictest answer holds, the outermost among equals.
#[inline(always)]
pub fn judge(label: &Label, question: &Question<'_>, fallback: Operation) -> Ruling {
    let count = label.count;
    if count == 0 || count > LAYERS as u32 {
        return Ruling::denied(fallback, Cause::TooManyLayers);
    }
    let mut ruling = Ruling::none(fallback);
    for index in 0..LAYERS as u32 {
        if index >= count {
            break;
        }
        let answer = judge_layer(label.layers[index as usize], question, fallback);
        if answer.cell.code() > ruling.cell.code() {
            ruling = Ruling { layer: index, ..answer };
        }
    }
    ruling
}
