//! The stop: whether a task can be stopped inside its system call, and the signal that does it.

use aya_ebpf::helpers::generated::bpf_send_signal_thread;

use crate::kernel::{O_TASK_FLAGS, Pointer, call, load};

const SIGSTOP: u32 = 19;

// Flags of a task (include/linux/sched.h).
const PF_EXITING: u32 = 0x4;
const PF_IO_WORKER: u32 = 0x10;
const PF_USER_WORKER: u32 = 0x4000;
const PF_KTHREAD: u32 = 0x0020_0000;

/// Whether the current task is in a system call of its own that can start again. An operation of io_uring
/// within `io_uring_enter` belongs to a request, which fails and does not start again.
#[inline(always)]
pub fn can_stop(current: Pointer) -> bool {
    let flags: u32 = load(current, &O_TASK_FLAGS);
    flags & (PF_EXITING | PF_IO_WORKER | PF_USER_WORKER | PF_KTHREAD) == 0
        && call::number(current) != call::IO_URING_ENTER
}

/// Stops the process; false where the signal can't be sent. Sent to the thread: a signal that waits for the
/// process already would swallow it, the thread would have no signal and the call would return
/// [`crate::outcome::RESTART`] (kernel/signal.c `legacy_queue`).
#[inline(always)]
pub fn stop() -> bool {
    // SAFETY: has no precondition.
    unsafe { bpf_send_signal_thread(SIGSTOP) == 0 }
}
