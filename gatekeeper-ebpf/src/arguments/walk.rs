//! One layer's answer about the arguments and the environment of a program.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user};
use gatekeeper_common::automaton::{DEAD, Edge, accepted, is_settled, step};
use gatekeeper_common::image::MAGIC;
use gatekeeper_common::limits::{
    ARGUMENT_BYTES_MOST, ENVIRONMENT_BYTES, PATH_BYTES, PLANE_LARGE, PLANE_SMALL,
};

use crate::bounds::masked;
use crate::decide::LayerAnswer;
use crate::image::{Planes, large, small};
use crate::layout::{ArgumentCheck, EXEC_COLUMN, SETUID_COLUMN, Scratch};
use crate::scratch;

/// The state of a walk over arguments or environment.
#[repr(C)]
struct Walk {
    head: *const u8,
    comb: *const Edge,
    scratch: *mut Scratch,
    from: u64,
    end: u64,
    start: u32,
    state: u32,
}

/// The byte at this index; memory is read in pieces of a buffer's size. `None` where it can't be read.
#[inline(always)]
fn byte_at(walk: &Walk, index: u32, scratch: &mut Scratch) -> Option<u8> {
    let place = index & (PATH_BYTES - 1) as u32;
    if scratch.check.early != 0 {
        // SAFETY: within the buffer.
        return Some(unsafe {
            *scratch.hold.arguments.as_ptr().add(masked::<{ PATH_BYTES as i32 - 1 }>(place))
        });
    }
    if place == 0 {
        let left = walk.end.wrapping_sub(walk.from).wrapping_sub(u64::from(index));
        let length = if left > PATH_BYTES as u64 { PATH_BYTES as u32 } else { left as u32 };
        // SAFETY: at most PATH_BYTES bytes into a buffer that has more.
        let fault = unsafe {
            bpf_probe_read_user(
                scratch.path.as_mut_ptr().cast::<c_void>(),
                length,
                walk.from.wrapping_add(u64::from(index)) as *const c_void,
            )
        };
        if fault != 0 {
            scratch.check.fault = 1;
            return None;
        }
    }
    // SAFETY: within the buffer.
    Some(unsafe { *scratch.path.as_ptr().add(masked::<{ PATH_BYTES as i32 - 1 }>(place)) })
}

/// Joins the cells of the row that a state accepts with.
#[inline(always)]
fn take_row<const N: usize>(planes: &Planes<N>, state: u32, check: &mut ArgumentCheck) {
    if let Some(row) = planes.row(accepted(&planes.edges(), state)) {
        check.exec = check.exec.strictest(row[EXEC_COLUMN]);
        check.owner = check.owner.strictest(row[SETUID_COLUMN]);
    }
}

#[inline(always)]
fn argument_turn<const N: usize>(index: u32, walk: &mut Walk) -> i64 {
    // SAFETY: the buffer belongs to the hook that walks.
    let scratch = unsafe { &mut *walk.scratch };
    if u64::from(index) >= walk.end.wrapping_sub(walk.from) {
        return 1;
    }
    let Some(byte) = byte_at(walk, index, scratch) else { return 1 };
    // The strings before the program's own name: an interpreter's name and its own arguments.
    if scratch.check.left != 0 {
        if byte == 0 {
            scratch.check.left = scratch.check.left.wrapping_sub(1);
        }
        return 0;
    }
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    walk.state = step(&planes.edges(), walk.state, planes.path_class(byte));
    i64::from(is_settled(walk.state, planes.header().sink_from))
}

#[inline(always)]
fn environment_turn<const N: usize>(index: u32, walk: &mut Walk) -> i64 {
    // SAFETY: as above.
    let scratch = unsafe { &mut *walk.scratch };
    if u64::from(index) >= walk.end.wrapping_sub(walk.from) {
        return 1;
    }
    let Some(byte) = byte_at(walk, index, scratch) else { return 1 };
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let ends = byte == 0 || byte == b'=';
    if scratch.check.in_name != 0 && !ends {
        walk.state = step(&planes.edges(), walk.state, planes.path_class(byte));
        return 0;
    }
    // The end of a name: its row counts, and what follows up to the NUL is its value.
    if scratch.check.in_name != 0 {
        take_row(&planes, walk.state, &mut scratch.check);
    }
    if ends {
        scratch.check.in_name = u32::from(byte == 0);
        walk.state = walk.start;
    }
    0
}

macro_rules! turns {
    ($($name:ident => $turn:ident::<$size:ident>;)*) => {
        $(
            extern "C" fn $name(index: u32, context: *mut c_void) -> i64 {
                // SAFETY: bpf_loop passes the pointer it was given.
                $turn::<$size>(index, unsafe { &mut *context.cast::<Walk>() })
            }
        )*
    };
}
turns! {
    argument_small => argument_turn::<PLANE_SMALL>;
    argument_large => argument_turn::<PLANE_LARGE>;
    environment_small => environment_turn::<PLANE_SMALL>;
    environment_large => environment_turn::<PLANE_LARGE>;
}

/// Walks `bytes` bytes at `from`, beginning in one state; the state at the end, or where no byte changes it.
#[inline(always)]
fn walk<const N: usize>(
    planes: &Planes<N>,
    scratch: &mut Scratch,
    turn: *mut c_void,
    (from, bytes): (u64, u64),
    start: u32,
) -> u32 {
    let (head, comb) = (planes.head, planes.comb);
    scratch.check.left = scratch.check.skip;
    scratch.check.in_name = 1;
    let mut walk = Walk { head, comb, scratch, from, end: from.wrapping_add(bytes), start, state: start };
    // SAFETY: each turn takes a Walk, and the verifier checks both.
    unsafe { bpf_loop(bytes as u32, turn, (&raw mut walk).cast(), 0) };
    walk.state
}

/// Walks the arguments from a start state and joins the cells of their row. Returns false where they are not
/// decided by as much of them as is looked at.
#[inline(always)]
fn take_arguments<const N: usize>(
    planes: &Planes<N>,
    scratch: &mut Scratch,
    turn: *mut c_void,
    start: u32,
) -> bool {
    if start == DEAD {
        return true;
    }
    let (from, seen) = (scratch.check.from, scratch.check.seen);
    let state = walk(planes, scratch, turn, (from, seen), start);
    take_row(planes, state, &mut scratch.check);
    // With a string left to skip, the program's own name was never reached.
    let whole = scratch.check.left == 0 && scratch.check.bytes <= seen;
    whole || is_settled(state, planes.header().sink_from)
}

#[inline(always)]
fn answer<const N: usize>(
    planes: &Planes<N>,
    turns: (*mut c_void, *mut c_void),
    scratch: &mut Scratch,
    serial: u32,
) -> LayerAnswer {
    let header = planes.header();
    if header.magic != MAGIC || header.serial != serial {
        return LayerAnswer::NO_POLICY;
    }
    scratch.generation = header.generation;
    let check = scratch.check;
    let condition = check.condition;
    scratch.check.exec = condition.exec;
    scratch.check.owner = condition.setuid;
    scratch.check.fault = 0;
    if condition.needs_arguments() {
        let limit = header.argument_bytes;
        if limit > ARGUMENT_BYTES_MOST {
            return LayerAnswer::UNREADABLE;
        }
        scratch.check.seen = if check.bytes > u64::from(limit) { u64::from(limit) } else { check.bytes };
        // Two rows, two starts.
        if !take_arguments(planes, scratch, turns.0, condition.arguments[0])
            || !take_arguments(planes, scratch, turns.0, condition.arguments[1])
        {
            return LayerAnswer::UNREADABLE;
        }
    }
    if condition.needs_environment() {
        if check.environment_bytes > u64::from(ENVIRONMENT_BYTES) {
            return LayerAnswer::UNREADABLE;
        }
        let stretch = (check.environment_from, check.environment_bytes);
        walk(planes, scratch, turns.1, stretch, condition.environment[0]);
        walk(planes, scratch, turns.1, stretch, condition.environment[1]);
    }
    if scratch.check.fault != 0 {
        return LayerAnswer::UNREADABLE;
    }
    let exec = scratch.check.exec.or(header.defaults[EXEC_COLUMN]);
    let owner = scratch.check.owner.or(header.defaults[SETUID_COLUMN]);
    if scratch.check.setuid == 0 {
        return LayerAnswer::new(exec, false);
    }
    LayerAnswer::new(exec.strictest(owner), owner.0 > exec.0)
}

/// Returns one layer's [`LayerAnswer`] about the check in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_arguments(buffer: u32, slot: u32, serial: u32) -> u64 {
    let Some(scratch) = scratch::numbered(buffer) else { return LayerAnswer::NO_POLICY.number() };
    if let Some(planes) = small(slot) {
        let turns = (argument_small as *mut c_void, environment_small as *mut c_void);
        return answer(&planes, turns, scratch, serial).number();
    }
    if let Some(planes) = large(slot) {
        let turns = (argument_large as *mut c_void, environment_large as *mut c_void);
        return answer(&planes, turns, scratch, serial).number();
    }
    LayerAnswer::NO_POLICY.number()
}
