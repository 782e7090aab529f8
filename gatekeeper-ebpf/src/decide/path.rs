//! One layer's answer about a path, the name of a UNIX socket, or a signal's target.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::automaton::{DEAD, Edge, accepted, is_settled, step};
use gatekeeper_common::image::{MAGIC, Row};
use gatekeeper_common::label::Layer;
use gatekeeper_common::limits::{NAME_BYTES, PATH_BYTES, PLANE_LARGE, PLANE_SMALL};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cell, RULE_DEFAULT, Verdict, map_cell};

use super::answer::{LayerAnswer, column};
use crate::bounds::{masked, pick_mut};
use crate::cache;
use crate::image::{Planes, large, small};
use crate::layout::{Condition, PATH_ROOM, Scratch, automata};
use crate::scratch;

/// Bytes of a path walked in one turn of the loop: enough to make the turn's own cost small, and most
/// names are shorter.
const TURN: u32 = 16;

/// The state of a walk over a path.
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
fn turn<const N: usize>(turns: u32, walk: &mut Walk) -> i64 {
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let edges = planes.edges();
    let classes = planes.header().path_class.as_ptr();
    let mut state = walk.state;
    let settled_from = walk.settled_from;
    // From the loop's own count, which the verifier takes for any number: a count that the walk kept itself,
    // it would follow turn by turn.
    let here = walk.at.wrapping_add(turns.wrapping_mul(TURN));
    let left = walk.end.wrapping_sub(here);
    // SAFETY: at most PATH_BYTES - 1 + TURN - 1 bytes in, and the buffer has PATH_ROOM.
    let bytes = unsafe { walk.path.add(masked::<{ PATH_BYTES as i32 - 1 }>(here)) };
    // Unrolled, so that a turn's bytes cost no jump back.
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
    i64::from(is_settled(state, settled_from))
}

extern "C" fn turn_small(turns: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    turn::<PLANE_SMALL>(turns, unsafe { &mut *context.cast::<Walk>() })
}

extern "C" fn turn_large(turns: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    turn::<PLANE_LARGE>(turns, unsafe { &mut *context.cast::<Walk>() })
}

/// The state of an automaton after the path's bytes from `at` to `end`. Most states never change again long
/// before: `dir/**` inside the directory, and up to the next slash any `**/name` that is another's.
#[inline(always)]
fn walk<const N: usize>(
    planes: &Planes<N>,
    turn: *mut c_void,
    scratch: &Scratch,
    (at, end): (u32, u32),
    state: u32,
    settled_from: u32,
) -> u32 {
    if is_settled(state, settled_from) {
        return state;
    }
    let (head, comb) = (planes.head, planes.comb);
    let mut walk = Walk { path: scratch.path.as_ptr(), head, comb, at, end, state, settled_from };
    // SAFETY: `turn` is one of the two above and takes a Walk.
    unsafe { bpf_loop(end.wrapping_sub(at).div_ceil(TURN), turn, (&raw mut walk).cast(), 0) };
    walk.state
}

/// Returns one layer's [`LayerAnswer`] about the path in a scratch buffer, or about its last name alone where
/// [`Scratch::name_only`] is 1; a directory that is not in the cache is then `NO_POLICY`.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_path(buffer: u32, slot: u32, serial: u32) -> u64 {
    let Some(scratch) = scratch::numbered(buffer) else { return LayerAnswer::NO_POLICY.number() };
    if let Some(planes) = small(slot) {
        return answer(&planes, turn_small as *mut c_void, scratch, Layer { slot, serial }).number();
    }
    if let Some(planes) = large(slot) {
        return answer(&planes, turn_large as *mut c_void, scratch, Layer { slot, serial }).number();
    }
    LayerAnswer::NO_POLICY.number()
}

#[inline(always)]
fn answer<const N: usize>(
    planes: &Planes<N>,
    turn: *mut c_void,
    scratch: &mut Scratch,
    layer: Layer,
) -> LayerAnswer {
    let header = planes.header();
    if header.magic != MAGIC || header.serial != layer.serial {
        return LayerAnswer::NO_POLICY;
    }
    let (at, name_at, end) = (scratch.at, scratch.name_at, PATH_BYTES as u32);
    if name_at > end {
        return LayerAnswer::NO_POLICY;
    }
    let kind = scratch.automata;
    if kind == automata::UNIX || kind == automata::SIGNAL {
        if at > end {
            return LayerAnswer::NO_POLICY;
        }
        let start = if kind == automata::UNIX { header.start_unix } else { header.start_signal };
        let state = walk(planes, turn, scratch, (at, end), start, header.sink_from);
        scratch.generation = header.generation;
        return accept(planes, (state, DEAD), scratch);
    }
    let (mut anchored, mut floating) = (header.start_anchored, header.start_floating);
    if scratch.name_only != 0 {
        if !cache::find(scratch, layer.slot, header.image, &mut anchored, &mut floating) {
            return LayerAnswer::NO_POLICY;
        }
    } else {
        if at >= end || at > name_at {
            return LayerAnswer::NO_POLICY;
        }
        anchored = walk(planes, turn, scratch, (at, name_at), anchored, header.sink_from);
        floating = walk(planes, turn, scratch, (at, name_at), floating, header.sink_from);
        if name_at.wrapping_sub(at) <= (PATH_BYTES - NAME_BYTES) as u32 {
            cache::store(scratch, layer.slot, header.image, (anchored, floating));
        }
    }
    // The last name has no slash, so the states that only a slash changes are settled, too.
    anchored = walk(planes, turn, scratch, (name_at, end), anchored, header.quiet_from);
    floating = walk(planes, turn, scratch, (name_at, end), floating, header.quiet_from);
    scratch.generation = header.generation;
    accept(planes, (anchored, floating), scratch)
}

/// The answer that the two states at the end of a path give to the request.
#[inline(always)]
fn accept<const N: usize>(
    planes: &Planes<N>,
    (anchored, floating): (u32, u32),
    scratch: &mut Scratch,
) -> LayerAnswer {
    let request = scratch.request();
    let (header, edges) = (planes.header(), planes.edges());
    let (anchored, floating) = (accepted(&edges, anchored), accepted(&edges, floating));
    let (Some(anchored), Some(floating)) = (planes.row(anchored), planes.row(floating)) else {
        return LayerAnswer::NO_POLICY;
    };
    let itself = scratch.maps_itself != 0;
    if request.is(Operation::Exec) || request.is(Operation::Setuid) {
        let condition = Condition::of((anchored, floating));
        let layer = scratch.layer;
        *pick_mut(&mut scratch.conditions, layer) = condition;
        let cell = column(anchored, request.first).strictest(column(floating, request.first));
        if condition.needs_any() && cell == Cell::NO_RULE {
            // The arguments will decide; until they have, nothing is allowed.
            let default = column(&header.defaults, request.first);
            return LayerAnswer::new(Cell::new(Verdict::Allow, RULE_DEFAULT).required_as(default), false);
        }
    }
    if scratch.automata == automata::PATH_RULES_ONLY {
        let cell = column(anchored, request.first).strictest(column(floating, request.first));
        return LayerAnswer::new(cell.or(Cell::new(Verdict::Allow, RULE_DEFAULT)), false);
    }
    let first = cell_for((anchored, floating), &header.defaults, request.first, itself);
    if request.first == request.second {
        return LayerAnswer::new(first, false);
    }
    let second = cell_for((anchored, floating), &header.defaults, request.second, itself);
    LayerAnswer::new(first.strictest(second), second.0 > first.0)
}

/// The cell for one operation, from two rows and the default.
#[inline(always)]
fn cell_for(rows: (&Row, &Row), defaults: &Row, operation: u8, maps_itself: bool) -> Cell {
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
