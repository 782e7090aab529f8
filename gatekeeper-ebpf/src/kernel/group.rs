//! Process groups, by the number that the caller's pid namespace knows them by.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::limits::SIBLINGS;

use super::{
    O_PID_LEVEL, O_PID_NUMBERS, O_SIGNAL_PIDS, O_TASK_CHILDREN, O_TASK_SIBLING, O_TASK_SIGNAL, Pointer, at,
    load, offset, read,
};

/// Bytes of a pointer in the array `signal_struct.pids`.
const POINTER_BYTES: usize = 8;
// Places in it (include/linux/pid_types.h `enum pid_type`).
const PIDTYPE_TGID: usize = 1;
const PIDTYPE_PGID: usize = 2;
/// Bytes of a `struct upid` (include/linux/pid.h), which begins with its number.
const NUMBER_BYTES: usize = 16;
/// Levels of pid namespaces (include/linux/pid_namespace.h `MAX_PID_NS_LEVEL`).
const LEVELS: u32 = 32;

/// The level of the pid namespace that a task is in.
#[inline(always)]
pub fn level(task: Pointer) -> u32 {
    let signal: Pointer = load(task, &O_TASK_SIGNAL);
    let process: Pointer = load(signal.wrapping_add(POINTER_BYTES * PIDTYPE_TGID), &O_SIGNAL_PIDS);
    load(process, &O_PID_LEVEL)
}

/// A number of one kind of a task's, at this level.
#[inline(always)]
fn number(task: Pointer, kind: usize, level: u32) -> Option<u32> {
    if level >= LEVELS {
        return None;
    }
    let signal = read::<Pointer>(at(task, &O_TASK_SIGNAL))?;
    let pid = read::<Pointer>(at(signal, &O_SIGNAL_PIDS).wrapping_add(POINTER_BYTES.wrapping_mul(kind)))?;
    read(at(pid, &O_PID_NUMBERS).wrapping_add(NUMBER_BYTES.wrapping_mul(level as usize)))
}

/// A process group.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Group {
    /// Its number.
    pub number: u32,
    /// The level of the pid namespace that the number is of.
    pub level: u32,
}

impl Group {
    /// Whether the task is or would be its leader.
    #[inline(always)]
    pub fn is_led_by(self, task: Pointer) -> bool {
        number(task, PIDTYPE_TGID, self.level) == Some(self.number)
    }

    /// Whether the task is in it.
    #[inline(always)]
    pub fn has(self, task: Pointer) -> bool {
        number(task, PIDTYPE_PGID, self.level) == Some(self.number)
    }

    /// Whether a child of the task is in it, dead or alive. At most [`SIBLINGS`] children are looked at.
    #[inline(always)]
    pub fn has_child_of(self, task: Pointer) -> bool {
        let head = at(task, &O_TASK_CHILDREN) as u64;
        let mut walk = Walk { group: self, head, at: head, found: 0 };
        // SAFETY: the callback takes a Walk, and the verifier checks both.
        unsafe { bpf_loop(SIBLINGS, turn as *mut c_void, (&raw mut walk).cast(), 0) };
        walk.found != 0
    }
}

/// A walk along the children of a task.
#[repr(C)]
struct Walk {
    group: Group,
    /// Address of the list's head.
    head: u64,
    /// Address of the entry reached.
    at: u64,
    /// 1 once a child of the group has been met.
    found: u64,
}

extern "C" fn turn(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let walk = unsafe { &mut *context.cast::<Walk>() };
    let Some(next) = read::<u64>(walk.at as Pointer) else { return 1 };
    if next == walk.head {
        return 1;
    }
    walk.at = next;
    if walk.group.has((next as Pointer).wrapping_sub(offset(&O_TASK_SIBLING))) {
        walk.found = 1;
        return 1;
    }
    0
}
