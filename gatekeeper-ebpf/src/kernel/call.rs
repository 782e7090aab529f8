//! The system call that the current task is in.
//!
//! Its number alone says nothing: code of 64 bits can enter by the gate of 32 bits (`int $0x80`), where numbers
//! and registers are others. `TS_COMPAT` is the kernel's own note of the gate (arch/x86/entry/common.c
//! `do_int80_syscall_32`, Linux 6.1; arch/x86/entry/syscall_32.c, 6.18). A tracer can change the number only
//! before the kernel reads it (kernel/entry/common.c `syscall_trace_enter`).

use aya_ebpf::helpers::generated::bpf_task_pt_regs;

use super::{
    O_REGISTERS_CALL, O_REGISTERS_FIRST, O_REGISTERS_FIRST_32, O_TASK_FLAGS, O_TASK_THREAD_INFO,
    O_THREAD_STATUS, Pointer, at, load,
};

/// `open` (arch/x86/entry/syscalls/syscall_64.tbl), as all of these.
const OPEN: u32 = 2;
/// `ioctl`
pub const IOCTL: u32 = 16;
/// `execve`
pub const EXECVE: u32 = 59;
/// `creat`
const CREAT: u32 = 85;
/// `swapon`
pub const SWAPON: u32 = 167;
/// `request_key`
pub const REQUEST_KEY: u32 = 249;
/// `keyctl`
pub const KEYCTL: u32 = 250;
/// `openat`
const OPENAT: u32 = 257;
/// `setns`
pub const SETNS: u32 = 308;
/// `execveat`
pub const EXECVEAT: u32 = 322;
/// `io_uring_enter`
pub const IO_URING_ENTER: u32 = 426;
/// `open_tree`
pub const OPEN_TREE: u32 = 428;
/// `fsopen`
pub const FSOPEN: u32 = 430;
/// `fspick`
pub const FSPICK: u32 = 433;
/// `openat2`
const OPENAT2: u32 = 437;
/// `mount_setattr`
pub const MOUNT_SETATTR: u32 = 442;
/// `open_tree_attr`
pub const OPEN_TREE_ATTR: u32 = 467;
/// The first number that is the same at both gates (syscall_32.tbl and syscall_64.tbl, since Linux 5.1).
const SHARED: u32 = 424;
/// A call of 32 bits that no hook asks about.
const ANOTHER: u32 = u32::MAX - 1;
/// A call that can't be known: of the x32 ABI, or of a worker of io_uring, whose registers are a copy of whatever
/// call made it.
pub const FOREIGN: u32 = u32::MAX;

/// `TS_COMPAT` (arch/x86/include/asm/thread_info.h): the call came by the gate of 32 bits.
const TS_COMPAT: u32 = 2;
/// `__X32_SYSCALL_BIT` (arch/x86/include/uapi/asm/unistd.h).
const X32_BIT: u32 = 0x4000_0000;
// Flags of a task that never enters a call of its own (include/linux/sched.h).
const PF_IO_WORKER: u32 = 0x10;
const PF_USER_WORKER: u32 = 0x4000;

/// The registers that the task entered the kernel with.
#[inline(always)]
pub fn registers(task: Pointer) -> Pointer {
    // SAFETY: the verifier knows the task.
    (unsafe { bpf_task_pt_regs(task.cast_mut().cast()) }) as Pointer
}

/// Whether the current call came by the gate of 32 bits.
#[inline(always)]
pub fn is_of_32_bits(task: Pointer) -> bool {
    load::<u32>(at(task, &O_TASK_THREAD_INFO), &O_THREAD_STATUS) & TS_COMPAT != 0
}

/// The number of the current call, as code of 64 bits knows it.
#[inline(always)]
pub fn number(task: Pointer) -> u32 {
    let flags: u32 = load(task, &O_TASK_FLAGS);
    let number = load::<u64>(registers(task), &O_REGISTERS_CALL) as u32;
    if flags & (PF_IO_WORKER | PF_USER_WORKER) != 0 || number & X32_BIT != 0 {
        return FOREIGN;
    }
    if is_of_32_bits(task) { translated(number) } else { number }
}

/// The number at the gate of 64 bits of a call at the gate of 32 (syscall_32.tbl).
#[inline(always)]
const fn translated(number: u32) -> u32 {
    match number {
        5 => OPEN,
        8 => CREAT,
        11 => EXECVE,
        54 => IOCTL,
        87 => SWAPON,
        287 => REQUEST_KEY,
        288 => KEYCTL,
        295 => OPENAT,
        346 => SETNS,
        358 => EXECVEAT,
        shared if shared >= SHARED => shared,
        _ => ANOTHER,
    }
}

/// The first argument of the current call.
#[inline(always)]
pub fn first_argument(task: Pointer) -> u32 {
    let registers = registers(task);
    let argument: u64 = if is_of_32_bits(task) {
        load(registers, &O_REGISTERS_FIRST_32)
    } else {
        load(registers, &O_REGISTERS_FIRST)
    };
    argument as u32
}

/// Whether a system call opens files.
#[inline(always)]
pub fn opens(call: u32) -> bool {
    call == OPEN || call == CREAT || call == OPENAT || call == OPENAT2
}

/// Whether a system call starts a program.
#[inline(always)]
pub fn starts_program(call: u32) -> bool {
    call == EXECVE || call == EXECVEAT
}
