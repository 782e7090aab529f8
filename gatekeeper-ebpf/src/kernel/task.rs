//! `struct task_struct`.

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;

use super::{
    O_MM_EXE_FILE, O_MNTNS_ROOT, O_NSPROXY_MNT, O_TASK_LEADER, O_TASK_MM, O_TASK_NSPROXY, O_TASK_PARENT,
    O_TASK_START, O_TASK_TGID, Pointer, load,
};

/// The running task.
#[inline(always)]
pub fn current() -> Pointer {
    // SAFETY: has no precondition.
    unsafe { bpf_get_current_task_btf() }.cast::<u8>().cast_const()
}

/// The task that stands for the process.
#[inline(always)]
pub fn leader(task: Pointer) -> Pointer {
    load(task, &O_TASK_LEADER)
}

/// Process id of the parent.
#[inline(always)]
pub fn parent_id(task: Pointer) -> u32 {
    load(load(task, &O_TASK_PARENT), &O_TASK_TGID)
}

/// Its process id.
#[inline(always)]
pub fn process_id(task: Pointer) -> u32 {
    load(task, &O_TASK_TGID)
}

/// The file its program was started from; null where it runs none (a kernel thread).
#[inline(always)]
pub fn program(task: Pointer) -> Pointer {
    let memory: Pointer = load(task, &O_TASK_MM);
    load(memory, &O_MM_EXE_FILE)
}

/// When the task started, nanoseconds since boot.
#[inline(always)]
pub fn start(task: Pointer) -> u64 {
    load(task, &O_TASK_START)
}

/// The `struct mount` at the top of the task's mount namespace; null in a task that is ending.
#[inline(always)]
pub fn top_mount(task: Pointer) -> Pointer {
    let proxy: Pointer = load(task, &O_TASK_NSPROXY);
    let namespace: Pointer = load(proxy, &O_NSPROXY_MNT);
    load(namespace, &O_MNTNS_ROOT)
}
