//! What an exec must still answer for once its arguments are final: kept from the check of the program to
//! the moment the new program stands in memory and has not run an instruction.
//!
//! The check (`bprm_check_security`) can only look at memory that other threads may still change. At
//! `sched_process_exec` the new memory map is final, so that is where arguments and names of environment
//! variables are judged; what fails there dies there. From the check to that judgement every layer of the
//! task says no to all but mappings ([`crate::layout::UNRESOLVED`]): should the tracepoint be missed, the task gets nothing.

use core::ffi::c_void;
use core::ptr::null_mut;

use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use aya_ebpf::helpers::generated::{
    bpf_loop, bpf_probe_read_user, bpf_probe_read_user_str, bpf_task_storage_get,
};
use gatekeeper_common::automaton::{DEAD, Edge, accepted, is_settled, step};
use gatekeeper_common::image::MAGIC;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::{
    ARGUMENT_BYTES_MOST, ENVIRONMENT_BYTES, HELD_ARGUMENTS, LAYERS, PATH_BYTES, PLANE_LARGE, PLANE_SMALL,
};
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Cell, Verdict};

use crate::bounds::{masked, pick, pick_mut};
use crate::decide::{Answer, NO_POLICY, answer, each_layer};
use crate::image::{Planes, large, small};
use crate::kernel::{
    O_MM_ARG_END, O_MM_ARG_START, O_MM_ENV_END, O_MM_ENV_START, O_REGISTERS_SECOND, O_REGISTERS_THIRD,
    Pointer, load, task as tasks,
};
use crate::layout::{ArgumentCheck, ExecCondition, PATH_ROOM, PendingExec, Scratch};
use crate::maps::EXECS;
use crate::ruling::Ruling;
use crate::scratch;

#[inline(always)]
fn storage(task: Pointer, flags: u64) -> Option<&'static mut PendingExec> {
    // SAFETY: the map is a task storage with a PendingExec for its value; the verifier knows the task.
    let exec: *mut PendingExec = unsafe {
        bpf_task_storage_get((&raw const EXECS).cast_mut().cast(), task.cast_mut().cast(), null_mut(), flags)
    }
    .cast();
    // SAFETY: storage lives as long as its task, which can't end before this program does.
    if exec.is_null() { None } else { Some(unsafe { &mut *exec }) }
}

/// A new exec begins: what an earlier one left that failed counts no more.
#[inline(always)]
pub fn begin(task: Pointer) {
    if let Some(exec) = storage(task, 0) {
        exec.count = 0;
        exec.setuid = 0;
    }
}

/// Keeps the conditions of the program just judged, `arguments` of the final ones being its own; false where
/// they don't fit or there is no memory.
#[inline(always)]
pub fn keep(task: Pointer, label: &Label, scratch: &Scratch, arguments: u32) -> bool {
    let layers = label.count;
    each_layer!(index < layers => {
        let condition = scratch.conditions[index];
        if condition.needs_any() {
            let Some(exec) = storage(task, BPF_LOCAL_STORAGE_GET_F_CREATE as u64) else { return false };
            let at = exec.count;
            if at >= LAYERS as u32 {
                return false;
            }
            *pick_mut(&mut exec.conditions, at) = ExecCondition { layer: index as u32, arguments, condition };
            exec.count = at + 1;
        }
    });
    true
}

/// The exec changes who runs it, and that is allowed, as far as arguments don't matter.
#[inline(always)]
pub fn changes_owner(task: Pointer) {
    if let Some(exec) = storage(task, 0) {
        exec.setuid = 1;
    }
}

/// Whether the exec has something to answer for.
#[inline(always)]
pub fn pends(task: Pointer) -> bool {
    storage(task, 0).is_some_and(|exec| exec.count != 0)
}

/// How long the arguments of a program are, its name included.
#[inline(always)]
pub fn bytes(mm: Pointer) -> u64 {
    load::<u64>(mm, &O_MM_ARG_END).wrapping_sub(load(mm, &O_MM_ARG_START))
}

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

/// The byte at this place of the stretch; read in pieces of a buffer's size.
#[inline(always)]
fn byte_at(walk: &Walk, index: u32, scratch: &mut Scratch) -> Option<u8> {
    let place = index & (PATH_BYTES as u32 - 1);
    if scratch.check.early != 0 {
        // SAFETY: within the buffer.
        return Some(unsafe {
            *scratch.hold.arguments.as_ptr().add(masked::<{ PATH_BYTES as i32 - 1 }>(place))
        });
    }
    if place == 0 {
        let left = walk.end.wrapping_sub(walk.from).wrapping_sub(index as u64);
        let length = if left > PATH_BYTES as u64 { PATH_BYTES as u32 } else { left as u32 };
        // SAFETY: at most PATH_BYTES bytes into a buffer that has more.
        let fault = unsafe {
            bpf_probe_read_user(
                scratch.path.as_mut_ptr().cast::<c_void>(),
                length,
                (walk.from + index as u64) as *const c_void,
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

#[inline(always)]
fn take_row<const N: usize>(planes: &Planes<N>, state: u32, check: &mut ArgumentCheck) {
    if let Some(row) = planes.row(accepted(&planes.edges(), state)) {
        check.exec = check.exec.strictest(row[Operation::Exec as usize]);
        check.owner = check.owner.strictest(row[Operation::Setuid as usize]);
    }
}

#[inline(always)]
fn argument_turn<const N: usize>(index: u32, walk: &mut Walk) -> i64 {
    // SAFETY: the buffer belongs to the hook that walks.
    let scratch = unsafe { &mut *walk.scratch };
    if index as u64 >= walk.end.wrapping_sub(walk.from) {
        return 1;
    }
    let Some(byte) = byte_at(walk, index, scratch) else { return 1 };
    if scratch.check.left != 0 {
        if byte == 0 {
            scratch.check.left -= 1;
        }
        return 0;
    }
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    walk.state = step(&planes.edges(), walk.state, planes.header().path_class[byte as usize]);
    is_settled(walk.state, planes.header().sink_from) as i64
}

#[inline(always)]
fn environment_turn<const N: usize>(index: u32, walk: &mut Walk) -> i64 {
    // SAFETY: as above.
    let scratch = unsafe { &mut *walk.scratch };
    if index as u64 >= walk.end.wrapping_sub(walk.from) {
        return 1;
    }
    let Some(byte) = byte_at(walk, index, scratch) else { return 1 };
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    let ends = byte == 0 || byte == b'=';
    if scratch.check.in_name != 0 && !ends {
        walk.state = step(&planes.edges(), walk.state, planes.header().path_class[byte as usize]);
        return 0;
    }
    if scratch.check.in_name != 0 {
        take_row(&planes, walk.state, &mut scratch.check);
    }
    if ends {
        scratch.check.in_name = (byte == 0) as u32;
        walk.state = walk.start;
    }
    0
}

macro_rules! turns {
    ($($name:ident => $turn:ident::<$size:ident>;)*) => {
        $(
            extern "C" fn $name(index: u32, context: *mut c_void) -> i64 {
                // SAFETY: bpf_loop hands on the pointer it was given.
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

/// Walks one stretch from one state.
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
    let mut walk = Walk { head, comb, scratch, from, end: from + bytes, start, state: start };
    // SAFETY: each turn takes a Walk, and the verifier checks both.
    unsafe { bpf_loop(bytes as u32, turn, (&raw mut walk).cast(), 0) };
    walk.state
}

/// No arguments that a layer could judge.
const UNREADABLE: Answer = 1;

#[inline(always)]
fn say<const N: usize>(
    planes: &Planes<N>,
    turns: (*mut c_void, *mut c_void),
    scratch: &mut Scratch,
    serial: u32,
) -> Answer {
    let header = planes.header();
    if header.magic != MAGIC || header.serial != serial {
        return NO_POLICY;
    }
    scratch.generation = header.generation;
    let check = scratch.check;
    let condition = check.condition;
    scratch.check.exec = condition.exec;
    scratch.check.owner = condition.setuid;
    scratch.check.fault = 0;
    if condition.needs_arguments() {
        let limit = header.argument_bytes;
        if check.bytes > limit as u64 || limit > ARGUMENT_BYTES_MOST {
            return UNREADABLE;
        }
        let stretch = (check.from, check.bytes);
        // Two rows, two starts; a walk from DEAD ends at once.
        let state = walk(planes, scratch, turns.0, stretch, condition.arguments[0]);
        take_row(planes, state, &mut scratch.check);
        let state = walk(planes, scratch, turns.0, stretch, condition.arguments[1]);
        take_row(planes, state, &mut scratch.check);
    }
    if condition.needs_environment() {
        if check.environment_bytes > ENVIRONMENT_BYTES as u64 {
            return UNREADABLE;
        }
        let stretch = (check.environment_from, check.environment_bytes);
        walk(planes, scratch, turns.1, stretch, condition.environment[0]);
        walk(planes, scratch, turns.1, stretch, condition.environment[1]);
    }
    if scratch.check.fault != 0 {
        return UNREADABLE;
    }
    let exec = scratch.check.exec.or(header.defaults[Operation::Exec as usize]);
    let owner = scratch.check.owner.or(header.defaults[Operation::Setuid as usize]);
    if scratch.check.setuid == 0 {
        return answer(exec, false);
    }
    answer(exec.strictest(owner), owner.0 > exec.0)
}

/// What one layer says of the check in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_arguments(buffer: u32, slot: u32, serial: u32) -> Answer {
    let Some(scratch) = scratch::numbered(buffer) else { return NO_POLICY };
    if let Some(planes) = small(slot) {
        let turns = (argument_small as *mut c_void, environment_small as *mut c_void);
        return say(&planes, turns, scratch, serial);
    }
    if let Some(planes) = large(slot) {
        let turns = (argument_large as *mut c_void, environment_large as *mut c_void);
        return say(&planes, turns, scratch, serial);
    }
    NO_POLICY
}

/// The arguments in the memory of a program that has just started, which are final.
#[inline(always)]
pub fn of_memory(check: &mut ArgumentCheck, mm: Pointer) {
    let from: u64 = load(mm, &O_MM_ARG_START);
    check.from = from;
    check.bytes = load::<u64>(mm, &O_MM_ARG_END).wrapping_sub(from);
    let from: u64 = load(mm, &O_MM_ENV_START);
    check.environment_from = from;
    check.environment_bytes = load::<u64>(mm, &O_MM_ENV_END).wrapping_sub(from);
    check.early = 0;
}

/// Those that [`read`] has put into the buffer, without the environment.
#[inline(always)]
pub fn of_buffer(scratch: &mut Scratch) {
    scratch.check.bytes = scratch.hold.length as u64;
    scratch.check.early = 1;
}

/// Judges what the current task's exec has to answer for, `strings` being how many the arguments are, the
/// program's name included; where they are stands in the check. The ruling stands in the buffer.
#[inline(always)]
pub fn judge(label: &Label, scratch: &mut Scratch, task: Pointer, strings: u32) {
    let denied = Ruling::denied(Operation::Exec as u8, Cause::Arguments as u32);
    scratch.set_ruling(Ruling::allowed(Operation::Exec as u8));
    scratch.asking = 0;
    let Some(exec) = storage(task, 0) else { return };
    let count = exec.count;
    let early = scratch.check.early != 0;
    if !early {
        exec.count = 0;
    }
    each_layer!(index < count => {
        let pending = &exec.conditions[index];
        let at = pending.layer;
        let layer = *pick(&label.layers, at);
        let check = &mut scratch.check;
        // Field by field: the stack has no room for a copy.
        check.skip = strings.wrapping_sub(pending.arguments);
        check.setuid = exec.setuid;
        check.condition.arguments = pending.condition.arguments;
        check.condition.environment = if early { [DEAD, DEAD] } else { pending.condition.environment };
        check.condition.exec = pending.condition.exec;
        check.condition.setuid = pending.condition.setuid;
        let said = judge_arguments(scratch.number, layer.slot, layer.serial);
        let (cell, generation) = (Cell(said as u32), scratch.generation);
        let placed = Ruling { layer: at, serial: layer.serial, generation, ..denied };
        if said == NO_POLICY || said == UNREADABLE {
            let cause = if said == NO_POLICY { Cause::NoPolicy } else { Cause::Arguments } as u32;
            scratch.set_ruling(Ruling { cause, ..placed });
            return;
        }
        if cell.code() == Verdict::Ask as u8 {
            scratch.asking += 1;
        }
        let so_far = scratch.ruling();
        if cell.code() > so_far.cell.code() {
            let cell = cell.required_as(so_far.cell);
            let operation = if said >> 32 == 0 { Operation::Exec } else { Operation::Setuid } as u32;
            let cause = if cell.code() == Verdict::Ask as u8 { Cause::Held } else { Cause::Policy };
            scratch.set_ruling(Ruling { cell, operation, cause: cause as u32, ..placed });
        } else if cell.is_required() {
            scratch.set_ruling(Ruling { cell: so_far.cell.required(), ..so_far });
        }
    });
}

#[repr(C)]
struct Reading {
    scratch: *mut Scratch,
    from: u64,
    ended: u32,
    pad: u32,
}

extern "C" fn reading_turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given, and the buffer belongs to the hook that reads.
    let reading = unsafe { &mut *context.cast::<Reading>() };
    let scratch = reading.scratch;
    // SAFETY: as above.
    let scratch = unsafe { &mut *scratch };
    let mut string = 0_u64;
    let at = reading.from.wrapping_add(8 * index as u64);
    // SAFETY: writes one word.
    if unsafe { bpf_probe_read_user((&raw mut string).cast(), 8, at as *const c_void) } != 0 {
        return 1;
    }
    if string == 0 {
        reading.ended = 1;
        return 1;
    }
    let length = scratch.hold.length;
    if length >= PATH_BYTES as u32 {
        return 1;
    }
    let begin = masked::<{ PATH_BYTES as i32 - 1 }>(length);
    let room = masked::<{ 2 * PATH_BYTES as i32 - 1 }>(PATH_BYTES as u32 - length) as u32;
    const { assert!(PATH_ROOM >= PATH_BYTES) }
    // SAFETY: `room` bytes from `begin` end with the arguments; what the verifier fears ends within the buffer.
    let written = unsafe {
        bpf_probe_read_user_str(
            scratch.hold.arguments.as_mut_ptr().add(begin).cast(),
            room,
            string as *const c_void,
        )
    };
    // A string that fills all that is left may have been cut.
    if written <= 0 || written >= room as i64 {
        return 1;
    }
    scratch.hold.length = length + written as u32;
    scratch.hold.count += 1;
    if index == 0 {
        scratch.hold.name = written as u32;
    }
    0
}

/// Reads the arguments that the current task's exec was given into the buffer; false where they can't be read whole.
/// The task's own memory, which another of its threads can change: good for a clean refusal and for showing. What the
/// program gets is compared when it starts.
#[inline(always)]
pub fn read(scratch: &mut Scratch, task: Pointer) -> bool {
    let registers = tasks::registers(task);
    let from: u64 = match tasks::call(task) {
        tasks::EXECVE => load(registers, &O_REGISTERS_SECOND),
        tasks::EXECVEAT => load(registers, &O_REGISTERS_THIRD),
        _ => return false,
    };
    scratch.hold.length = 0;
    scratch.hold.count = 0;
    scratch.hold.name = 0;
    let mut reading = Reading { scratch: &raw mut *scratch, from, ended: 0, pad: 0 };
    // SAFETY: the callback takes a Reading, and the verifier checks both.
    unsafe { bpf_loop(HELD_ARGUMENTS, reading_turn as *mut c_void, (&raw mut reading).cast(), 0) };
    reading.ended != 0 && scratch.hold.count == scratch.strings
}
