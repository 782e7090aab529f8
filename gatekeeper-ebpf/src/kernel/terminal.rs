//! Terminals: which are pseudo terminals by name, and whose controlling terminal one is.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::limits::ANCESTORS;

use super::{
    O_DENTRY_INODE, O_INODE_DEVICE, O_INODE_MODE, O_INODE_SUPER, O_SIGNAL_TERMINAL, O_SUPER_MAGIC,
    O_TASK_PARENT, O_TASK_SIGNAL, O_TERMINAL_DATA, Pointer, at, load, read,
};

/// `DEVPTS_SUPER_MAGIC` (include/uapi/linux/magic.h).
const DEVPTS: u64 = 0x1cd1;
const S_IFMT: u16 = 0o170_000;
const S_IFCHR: u16 = 0o020_000;
/// `UNIX98_PTY_SLAVE_MAJOR` (include/uapi/linux/major.h): a terminal, and not the device that makes them.
const SLAVE: u32 = 136;
/// Bits of a device's minor number (include/linux/kdev_t.h).
const MINOR_BITS: u32 = 20;

/// Whether an inode lies in a file system of pseudo terminals.
#[inline(always)]
pub fn is_in_devpts(inode: Pointer) -> bool {
    load::<u64>(load(inode, &O_INODE_SUPER), &O_SUPER_MAGIC) == DEVPTS
}

/// Whether an inode is a pseudo terminal, by the name that others open it by.
#[inline(always)]
pub fn is_pseudo(inode: Pointer) -> bool {
    let mode: u16 = load(inode, &O_INODE_MODE);
    mode & S_IFMT == S_IFCHR
        && is_in_devpts(inode)
        && load::<u32>(inode, &O_INODE_DEVICE) >> MINOR_BITS == SLAVE
}

/// A walk upwards through a task's ancestors.
#[repr(C)]
struct Walk {
    task: u64,
    inode: u64,
    found: u64,
}

/// The inode of a task's controlling terminal, where it is a pseudo terminal: its driver keeps the entry of devpts
/// (drivers/tty/pty.c `ptmx_open`, Linux 6.1 to 7.3).
#[inline(always)]
fn controlling(task: Pointer) -> Option<u64> {
    let signal = read::<Pointer>(at(task, &O_TASK_SIGNAL))?;
    let terminal = read::<Pointer>(at(signal, &O_SIGNAL_TERMINAL))?;
    if terminal.is_null() {
        return None;
    }
    let entry = read::<Pointer>(at(terminal, &O_TERMINAL_DATA))?;
    read(at(entry, &O_DENTRY_INODE))
}

extern "C" fn turn(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let walk = unsafe { &mut *context.cast::<Walk>() };
    if controlling(walk.task as Pointer) == Some(walk.inode) {
        walk.found = 1;
        return 1;
    }
    let Some(parent) = read::<u64>(at(walk.task as Pointer, &O_TASK_PARENT)) else { return 1 };
    if parent == walk.task {
        return 1;
    }
    walk.task = parent;
    0
}

/// Whether an inode is the controlling terminal of the task, or of one of its ancestors: a terminal that it was
/// started on.
#[inline(always)]
pub fn was_handed_to(task: Pointer, inode: Pointer) -> bool {
    let mut walk = Walk { task: task as u64, inode: inode as u64, found: 0 };
    // SAFETY: the callback takes a Walk, and the verifier checks both.
    unsafe { bpf_loop(ANCESTORS, turn as *mut c_void, (&raw mut walk).cast(), 0) };
    walk.found != 0
}
