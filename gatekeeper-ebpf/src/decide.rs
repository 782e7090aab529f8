//! Walks the image of each layer, combines, and says which rule decided.
//!
//! What one layer says is a function of numbers alone: the question stands in a scratch buffer, and the
//! function is given the buffer's number. So the verifier goes through it once a program and not once
//! a layer and a caller.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::automaton::{Edge, accepted, step};
use gatekeeper_common::image::{MAGIC, Row};
use gatekeeper_common::label::{Label, Layer};
use gatekeeper_common::limits::{LAYERS, PATH_BYTES, PLANE_LARGE, PLANE_SMALL};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, RULE_DEFAULT, Verdict, map_cell};

use crate::image::{Planes, large, masked, small};
use crate::scratch::{self, Scratch};

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
        Self {
            cell: Cell::new(Verdict::Deny, RULE_DEFAULT),
            layer: 0,
            serial: 0,
            generation: 0,
            operation,
            cause,
        }
    }
}

/// The operations asked of one object at once: two at most, or the same twice.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Asked {
    /// Named where doubt denies.
    pub first: Operation,
    /// The other.
    pub second: Operation,
}

impl Asked {
    /// One operation.
    #[inline(always)]
    pub const fn one(operation: Operation) -> Self {
        Self { first: operation, second: operation }
    }

    /// As bits, for the event.
    #[inline(always)]
    pub const fn bits(self) -> u32 {
        self.first.bit() | self.second.bit()
    }
}

/// The cell of a column; columns beyond the row's are taken round.
#[inline(always)]
fn column(row: &Row, operation: u8) -> Cell {
    row[operation as usize & 15]
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
fn walk_turn<const N: usize>(turns: u32, walk: &mut Walk) -> i64 {
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let edges = planes.edges();
    let classes = planes.header().path_class.as_ptr();
    let (mut anchored, mut floating) = (walk.anchored, walk.floating);
    // From the loop's own count, which the verifier takes for any number: what the walk kept itself, it
    // would follow turn by turn.
    let at = walk.at.wrapping_add(turns.wrapping_mul(TURN));
    let mut turn = 0;
    while turn < TURN {
        let here = at.wrapping_add(turn);
        if here >= PATH_BYTES as u32 {
            walk.anchored = anchored;
            walk.floating = floating;
            return 1;
        }
        // SAFETY: here < PATH_BYTES; a byte indexes 256 classes.
        let class =
            unsafe { *classes.add(*walk.path.add(masked::<{ PATH_BYTES as i32 - 1 }>(here)) as usize) };
        anchored = step(&edges, anchored, class);
        floating = step(&edges, floating, class);
        turn += 1;
    }
    walk.anchored = anchored;
    walk.floating = floating;
    0
}

extern "C" fn walk_small(turns: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    walk_turn::<PLANE_SMALL>(turns, unsafe { &mut *context.cast::<Walk>() })
}

extern "C" fn walk_large(turns: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    walk_turn::<PLANE_LARGE>(turns, unsafe { &mut *context.cast::<Walk>() })
}

/// A layer's answer as one number: the cell, and above it 1 where the second operation decided.
type Answer = u64;

/// No image, or not the layer's own.
const NO_POLICY: Answer = 0;

#[inline(always)]
fn answer(cell: Cell, second: bool) -> Answer {
    cell.0 as u64 | (second as u64) << 32
}

/// What two rows and the default say of one operation.
#[inline(always)]
fn rule_on(rows: (&Row, &Row), defaults: &Row, operation: u8) -> Cell {
    let mut cell = column(rows.0, operation).strictest(column(rows.1, operation));
    if operation == Operation::Map as u8 {
        let exec = Operation::Exec as u8;
        cell = map_cell(column(rows.0, exec).strictest(column(rows.1, exec)), cell);
    }
    cell.or(column(defaults, operation))
}

/// Judges the path in the scratch buffer.
#[inline(always)]
fn path_answer<const N: usize>(
    planes: &Planes<N>,
    walk: *mut c_void,
    scratch: &mut Scratch,
    serial: u32,
) -> Answer {
    let header = planes.header();
    let mut state = Walk {
        path: scratch.path.as_ptr(),
        head: planes.head,
        comb: planes.comb,
        at: scratch.at,
        anchored: header.start_anchored,
        floating: header.start_floating,
        pad: 0,
    };
    // SAFETY: `walk` is one of the two above and takes a Walk.
    unsafe {
        bpf_loop(PATH_BYTES as u32 / TURN + 1, walk, (&raw mut state).cast(), 0);
    }
    let edges = planes.edges();
    let (anchored, floating) = (accepted(&edges, state.anchored), accepted(&edges, state.floating));
    let (Some(anchored), Some(floating)) = (planes.row(anchored), planes.row(floating)) else {
        return NO_POLICY;
    };
    if header.magic != MAGIC || header.serial != serial {
        return NO_POLICY;
    }
    scratch.generation = header.generation;
    let first = rule_on((anchored, floating), &header.defaults, scratch.first);
    if scratch.first == scratch.second {
        return answer(first, false);
    }
    let second = rule_on((anchored, floating), &header.defaults, scratch.second);
    if second.0 > first.0 { answer(second, true) } else { answer(first, false) }
}

/// What one layer says of the path in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_path(buffer: u32, slot: u32, serial: u32) -> Answer {
    let Some(scratch) = scratch::numbered(buffer) else { return NO_POLICY };
    if let Some(planes) = small(slot) {
        return path_answer(&planes, walk_small as *mut c_void, scratch, serial);
    }
    if let Some(planes) = large(slot) {
        return path_answer(&planes, walk_large as *mut c_void, scratch, serial);
    }
    NO_POLICY
}

#[repr(C)]
struct AddressWalk {
    head: *const u8,
    comb: *const Edge,
    bytes: *const u8,
    state: u32,
    length: u32,
}

#[inline(always)]
fn address_turn<const N: usize>(index: u32, walk: &mut AddressWalk) -> i64 {
    if index >= walk.length || index >= 16 {
        return 1;
    }
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    // SAFETY: an address has 16 bytes, and index < 16.
    let byte = unsafe { *walk.bytes.add(index as usize) };
    walk.state = step(&planes.edges(), walk.state, planes.header().net_class[byte as usize]);
    0
}

extern "C" fn address_small(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    address_turn::<PLANE_SMALL>(index, unsafe { &mut *context.cast::<AddressWalk>() })
}

extern "C" fn address_large(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    address_turn::<PLANE_LARGE>(index, unsafe { &mut *context.cast::<AddressWalk>() })
}

/// Judges the address in the scratch buffer: protocol, port, address.
#[inline(always)]
fn address_answer<const N: usize>(
    planes: &Planes<N>,
    walk: *mut c_void,
    scratch: &mut Scratch,
    serial: u32,
) -> Answer {
    let header = planes.header();
    let edges = planes.edges();
    let address = scratch.address;
    let four = address.version == 4;
    let mut state = if four { header.start_net4 } else { header.start_net6 };
    let port = address.port.to_be_bytes();
    state = step(&edges, state, header.net_class[address.protocol as usize]);
    state = step(&edges, state, header.net_class[port[0] as usize]);
    state = step(&edges, state, header.net_class[port[1] as usize]);
    let mut walked = AddressWalk {
        head: planes.head,
        comb: planes.comb,
        bytes: (&raw const scratch.address.bytes).cast(),
        state,
        length: if four { 4 } else { 16 },
    };
    // SAFETY: `walk` is one of the two above and takes an AddressWalk.
    unsafe {
        bpf_loop(16, walk, (&raw mut walked).cast(), 0);
    }
    let Some(row) = planes.row(accepted(&edges, walked.state)) else { return NO_POLICY };
    if header.magic != MAGIC || header.serial != serial {
        return NO_POLICY;
    }
    scratch.generation = header.generation;
    answer(column(row, scratch.first).or(column(&header.defaults, scratch.first)), false)
}

/// What one layer says of the address in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_address(buffer: u32, slot: u32, serial: u32) -> Answer {
    let Some(scratch) = scratch::numbered(buffer) else { return NO_POLICY };
    if let Some(planes) = small(slot) {
        return address_answer(&planes, address_small as *mut c_void, scratch, serial);
    }
    if let Some(planes) = large(slot) {
        return address_answer(&planes, address_large as *mut c_void, scratch, serial);
    }
    NO_POLICY
}

/// Asks every layer about what stands in the scratch buffer; the strictest answer holds, the outermost
/// among equals.
#[inline(always)]
pub fn judge(
    label: &Label,
    scratch: &mut Scratch,
    asked: Asked,
    layer_says: extern "C" fn(u32, u32, u32) -> Answer,
) -> Ruling {
    let count = label.count;
    if count == 0 || count > LAYERS as u32 {
        return Ruling::denied(asked.first, Cause::TooManyLayers);
    }
    scratch.first = asked.first as u8;
    scratch.second = asked.second as u8;
    let mut ruling = Ruling { cell: Cell::SILENT, ..Ruling::denied(asked.first, Cause::Policy) };
    for index in 0..LAYERS as u32 {
        if index >= count {
            break;
        }
        let layer: Layer = label.layers[index as usize];
        let said = layer_says(scratch.number, layer.slot, layer.serial);
        let cell = Cell(said as u32);
        if said == NO_POLICY {
            return Ruling {
                layer: index,
                serial: layer.serial,
                ..Ruling::denied(asked.first, Cause::NoPolicy)
            };
        }
        if cell.code() > ruling.cell.code() {
            let operation = if said >> 32 == 0 { asked.first } else { asked.second };
            let generation = scratch.generation;
            ruling = Ruling {
                cell,
                layer: index,
                serial: layer.serial,
                generation,
                operation,
                cause: Cause::Policy,
            };
        }
    }
    let code = ruling.cell.code();
    ruling.cause = if code == Verdict::Ask as u8 {
        Cause::NobodyToAsk
    } else if code == Verdict::Allow as u8 || code == Verdict::Audit as u8 || code == Verdict::Deny as u8 {
        Cause::Policy
    } else {
        Cause::Corrupt
    };
    ruling
}
