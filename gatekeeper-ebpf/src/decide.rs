//! Walks the image of each layer, combines, and says which rule decided.
//!
//! What one layer says is a function of numbers alone: the question stands in a scratch buffer, and the
//! function is given the buffer's number. So the verifier goes through it once a program and not once
//! a layer and a caller.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::automaton::{DEAD, Edge, accepted, is_settled, step};
use gatekeeper_common::image::{CAPABILITIES, Header, MAGIC, Row};
use gatekeeper_common::label::{Label, Layer};
use gatekeeper_common::limits::{LAYERS, NAME_BYTES, PATH_BYTES, PLANE_LARGE, PLANE_SMALL};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, RULE_DEFAULT, Verdict, map_cell};

use crate::bounds::{masked, pick, pick_mut};
use crate::cache;
use crate::image::{Planes, large, small};
use crate::layout::{Condition, PATH_ROOM, Scratch, UNRESOLVED, automata};
use crate::ruling::Ruling;
use crate::scratch;

/// The cell of a column; columns beyond the row's are taken round.
#[inline(always)]
fn column(row: &Row, operation: u8) -> Cell {
    *pick(row, operation as u32)
}

/// Bytes of a path walked in one turn of the loop: enough to make the turn's own cost small, and most
/// names are shorter.
const TURN: u32 = 16;

#[repr(C)]
struct Walk {
    path: *const u8,
    head: *const u8,
    comb: *const Edge,
    at: u32,
    end: u32,
    state: u32,
    /// The first of the states that no byte up to `end` changes.
    settled_from: u32,
}

#[inline(always)]
fn walk_turn<const N: usize>(turns: u32, walk: &mut Walk) -> i64 {
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let edges = planes.edges();
    let classes = planes.header().path_class.as_ptr();
    let mut state = walk.state;
    let settled_from = walk.settled_from;
    // From the loop's own count, which the verifier takes for any number: what the walk kept itself, it
    // would follow turn by turn.
    let here = walk.at.wrapping_add(turns.wrapping_mul(TURN));
    let left = walk.end.wrapping_sub(here);
    // SAFETY: at most PATH_BYTES - 1 + TURN - 1 bytes in, and the buffer has PATH_ROOM.
    let bytes = unsafe { walk.path.add(masked::<{ PATH_BYTES as i32 - 1 }>(here)) };
    macro_rules! walk_bytes {
        ($($index:literal)*) => {
            'bytes: {
                $(
                    if left <= $index {
                        break 'bytes;
                    }
                    // SAFETY: see above; a byte indexes 256 classes.
                    let class = unsafe { *classes.add(*bytes.add($index) as usize) };
                    state = step(&edges, state, class);
                    if is_settled(state, settled_from) {
                        break 'bytes;
                    }
                )*
            }
        };
    }
    const { assert!(TURN == 16 && PATH_ROOM >= PATH_BYTES + TURN as usize) }
    walk_bytes!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    walk.state = state;
    is_settled(state, settled_from) as i64
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
pub type Answer = u64;

/// No image, or not the layer's own.
pub const NO_POLICY: Answer = 0;

/// The answer of a cell.
#[inline(always)]
pub fn answer(cell: Cell, second: bool) -> Answer {
    cell.0 as u64 | (second as u64) << 32
}

/// What two rows and the default say of one operation.
#[inline(always)]
fn rule_on(rows: (&Row, &Row), defaults: &Row, operation: u8, maps_itself: bool) -> Cell {
    let mut cell = column(rows.0, operation).strictest(column(rows.1, operation));
    if operation == Operation::Map as u8 {
        let condition = Condition::of(rows);
        let mut exec = condition.exec;
        if maps_itself && condition.needs_any() {
            // The kernel maps a program that has been let through so far; its arguments will decide.
            exec = exec.or(Cell::new(Verdict::Allow, RULE_DEFAULT));
        }
        if maps_itself && exec.code() == Verdict::Ask as u8 {
            // Starting it was approved.
            exec = Cell::new(Verdict::Allow, exec.rule());
        }
        cell = map_cell(exec, cell, condition.needs_arguments() && !maps_itself);
    }
    cell.or(column(defaults, operation))
}

/// Where an automaton stands after the path's bytes from `at` to `end`. Most states never change again long
/// before: `dir/**` inside the directory, and up to the next slash any `**/name` that is another's.
#[inline(always)]
fn walk_on<const N: usize>(
    planes: &Planes<N>,
    walk: *mut c_void,
    scratch: &Scratch,
    (at, end): (u32, u32),
    state: u32,
    settled_from: u32,
) -> u32 {
    if is_settled(state, settled_from) {
        return state;
    }
    let (head, comb) = (planes.head, planes.comb);
    let mut walked = Walk { path: scratch.path.as_ptr(), head, comb, at, end, state, settled_from };
    // SAFETY: `walk` is one of the two above and takes a Walk.
    unsafe { bpf_loop(end.wrapping_sub(at).div_ceil(TURN), walk, (&raw mut walked).cast(), 0) };
    walked.state
}

/// What the two states at the end of a path say of the operations asked for.
#[inline(always)]
fn ruled<const N: usize>(
    planes: &Planes<N>,
    (anchored, floating): (u32, u32),
    scratch: &mut Scratch,
) -> Answer {
    let asked = scratch.request();
    let (header, edges) = (planes.header(), planes.edges());
    let (anchored, floating) = (accepted(&edges, anchored), accepted(&edges, floating));
    let (Some(anchored), Some(floating)) = (planes.row(anchored), planes.row(floating)) else {
        return NO_POLICY;
    };
    let itself = scratch.maps_itself != 0;
    if asked.is(Operation::Exec) || asked.is(Operation::Setuid) {
        let condition = Condition::of((anchored, floating));
        let layer = scratch.layer;
        *pick_mut(&mut scratch.conditions, layer) = condition;
        let cell = column(anchored, asked.first).strictest(column(floating, asked.first));
        if condition.needs_any() && cell == Cell::SILENT {
            // The arguments will decide; until they have, nothing is allowed.
            let default = column(&header.defaults, asked.first);
            return answer(Cell::new(Verdict::Allow, RULE_DEFAULT).required_as(default), false);
        }
    }
    if scratch.automata == automata::PATH_RULES_ONLY {
        let cell = column(anchored, asked.first).strictest(column(floating, asked.first));
        return answer(cell.or(Cell::new(Verdict::Allow, RULE_DEFAULT)), false);
    }
    let first = rule_on((anchored, floating), &header.defaults, asked.first, itself);
    if asked.first == asked.second {
        return answer(first, false);
    }
    let second = rule_on((anchored, floating), &header.defaults, asked.second, itself);
    let cell = first.strictest(second);
    answer(cell, second.0 > first.0)
}

/// Judges the path in the scratch buffer, or only the name, if the layer knows the directory: it then says
/// NO_POLICY where it does not.
#[inline(always)]
fn path_answer<const N: usize>(
    planes: &Planes<N>,
    walk: *mut c_void,
    scratch: &mut Scratch,
    layer: Layer,
) -> Answer {
    let header = planes.header();
    if header.magic != MAGIC || header.serial != layer.serial {
        return NO_POLICY;
    }
    let (at, name_at, end) = (scratch.at, scratch.name_at, PATH_BYTES as u32);
    if name_at > end {
        return NO_POLICY;
    }
    let kind = scratch.automata;
    if kind == automata::UNIX || kind == automata::SIGNAL {
        if at > end {
            return NO_POLICY;
        }
        let start = if kind == automata::UNIX { header.start_unix } else { header.start_signal };
        let state = walk_on(planes, walk, scratch, (at, end), start, header.sink_from);
        scratch.generation = header.generation;
        return ruled(planes, (state, DEAD), scratch);
    }
    let (mut anchored, mut floating) = (header.start_anchored, header.start_floating);
    if scratch.name_only != 0 {
        if !cache::find(scratch, layer.slot, header.image, (&mut anchored, &mut floating)) {
            return NO_POLICY;
        }
    } else {
        if at >= end || at > name_at {
            return NO_POLICY;
        }
        anchored = walk_on(planes, walk, scratch, (at, name_at), anchored, header.sink_from);
        floating = walk_on(planes, walk, scratch, (at, name_at), floating, header.sink_from);
        if name_at - at <= (PATH_BYTES - NAME_BYTES) as u32 {
            cache::keep(scratch, layer.slot, header.image, (anchored, floating));
        }
    }
    anchored = walk_on(planes, walk, scratch, (name_at, end), anchored, header.quiet_from);
    floating = walk_on(planes, walk, scratch, (name_at, end), floating, header.quiet_from);
    scratch.generation = header.generation;
    ruled(planes, (anchored, floating), scratch)
}

/// What one layer says of the path in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_path(buffer: u32, slot: u32, serial: u32) -> Answer {
    let Some(scratch) = scratch::numbered(buffer) else { return NO_POLICY };
    if let Some(planes) = small(slot) {
        return path_answer(&planes, walk_small as *mut c_void, scratch, Layer { slot, serial });
    }
    if let Some(planes) = large(slot) {
        return path_answer(&planes, walk_large as *mut c_void, scratch, Layer { slot, serial });
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
    let operation = scratch.request().first;
    answer(column(row, operation).or(column(&header.defaults, operation)), false)
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

/// What one layer says of a number: a capability, or an operation that only has a default. The number stands in
/// the scratch buffer in the place of a path's beginning.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_number(buffer: u32, slot: u32, serial: u32) -> Answer {
    let Some(scratch) = scratch::numbered(buffer) else { return NO_POLICY };
    if let Some(planes) = small(slot) {
        return number_answer(planes.header(), scratch, serial);
    }
    if let Some(planes) = large(slot) {
        return number_answer(planes.header(), scratch, serial);
    }
    NO_POLICY
}

#[inline(always)]
fn number_answer(header: &Header, scratch: &mut Scratch, serial: u32) -> Answer {
    if header.magic != MAGIC || header.serial != serial {
        return NO_POLICY;
    }
    scratch.generation = header.generation;
    let operation = scratch.request().first;
    let mut cell = Cell::SILENT;
    if operation == Operation::Capability as u8 {
        let number = scratch.at;
        if number >= CAPABILITIES as u32 {
            return NO_POLICY;
        }
        cell = *pick(&header.capabilities, number);
    }
    answer(cell.or(column(&header.defaults, operation)), false)
}

/// Runs a block for each layer in use. Not a loop: the compiler counts those down in ways that the verifier
/// of Linux 6.1 can't follow.
macro_rules! each_layer {
    ($index:ident < $count:ident => $body:block) => {
        'layers: {
            $crate::decide::each_layer!($index, $count, 'layers, $body, 0 1 2 3 4 5 6 7);
        }
    };
    ($index:ident, $count:ident, $end:lifetime, $body:block, $($number:literal)*) => {
        $(
            if $number >= $count {
                break $end;
            }
            {
                const {
                    assert!($number < gatekeeper_common::limits::LAYERS);
                    assert!(gatekeeper_common::limits::LAYERS == 8);
                }
                let $index: usize = $number;
                $body
            }
        )*
    };
}

pub(crate) use each_layer;

/// Asks every layer about what stands in the scratch buffer; the strictest answer holds, the outermost
/// among equals. The ruling stands in the buffer.
#[inline(always)]
pub fn judge(label: &Label, scratch: &mut Scratch, layer_says: extern "C" fn(u32, u32, u32) -> Answer) {
    let asked = scratch.request();
    let mut count = label.count;
    let mut cause = Cause::TooManyLayers;
    if count & UNRESOLVED != 0 {
        cause = Cause::Arguments;
        // The kernel maps the program and its loader before the arguments are final.
        if asked.is(Operation::Map) {
            count &= !UNRESOLVED;
        }
    }
    scratch.set_ruling(Ruling::denied(asked.first, cause as u32));
    if count == 0 || count > LAYERS as u32 {
        return;
    }
    scratch.set_ruling(Ruling { cell: Cell::SILENT, ..Ruling::denied(asked.first, Cause::Policy as u32) });
    scratch.name_only = 0;
    scratch.asking = 0;
    each_layer!(index < count => {
        let layer: Layer = label.layers[index];
        scratch.layer = index as u32;
        let said = layer_says(scratch.number, layer.slot, layer.serial);
        let cell = Cell(said as u32);
        let denied = Ruling::denied(asked.first, Cause::NoPolicy as u32);
        if said == NO_POLICY {
            scratch.set_ruling(Ruling { layer: index as u32, serial: layer.serial, ..denied });
            return;
        }
        if cell.code() == Verdict::Ask as u8 {
            scratch.asking += 1;
        }
        let so_far = scratch.ruling();
        if cell.code() > so_far.cell.code() {
            let cell = cell.required_as(so_far.cell);
            let operation = if said >> 32 == 0 { asked.first } else { asked.second } as u32;
            let (generation, cause) = (scratch.generation, Cause::Policy as u32);
            let serial = layer.serial;
            scratch.set_ruling(Ruling { cell, layer: index as u32, serial, generation, operation, cause, ..denied });
        } else if cell.is_required() {
            scratch.set_ruling(Ruling { cell: so_far.cell.required(), ..so_far });
        }
    });
    let ruling = scratch.ruling();
    let code = ruling.cell.code();
    let cause = if code == Verdict::Ask as u8 {
        Cause::Held
    } else if ruling.passes() || code == Verdict::Deny as u8 {
        Cause::Policy
    } else {
        Cause::Corrupt
    };
    scratch.set_ruling(Ruling { cause: cause as u32, ..ruling });
}

/// Whether every layer is known to allow, without audit, the name in the scratch buffer.
#[inline(always)]
pub fn all_allow_name(label: &Label, scratch: &mut Scratch) -> bool {
    let count = label.count;
    if count == 0 || count > LAYERS as u32 {
        return false;
    }
    scratch.name_only = 1;
    each_layer!(index < count => {
        let layer: Layer = label.layers[index];
        if Cell(judge_path(scratch.number, layer.slot, layer.serial) as u32).code() != Verdict::Allow as u8 {
            return false;
        }
    });
    true
}
