//! `struct task_struct`.

use aya_ebpf::helpers::generated::bpf_get_current_task_btf;

use super::file::identity;
use super::{
    O_FS_PWD, O_FS_USERS, O_MM_EXE_FILE, O_MNTNS_ROOT, O_NSPROXY_MNT, O_PATH_DENTRY, O_TASK_EXIT_STATE,
    O_TASK_FS, O_TASK_LEADER, O_TASK_MM, O_TASK_NSPROXY, O_TASK_PARENT, O_TASK_START, O_TASK_TGID, Pointer,
    at, load,
};

/// The running task.
#[inline(always)]
pub fn current() -> Pointer {
    // SAFETY: has no precondition.
    unsafe { bpf_get_current_task_btf() }.cast::<u8>().cast_const()
}

/// The thread-group leader, which stands for the process.
#[inline(always)]
pub fn leader(task: Pointer) -> Pointer {
    load(task, &O_TASK_LEADER)
}

/// The parent: a thread of the process that made the task, or who took it over.
#[inline(always)]
pub fn parent(task: Pointer) -> Pointer {
    load(task, &O_TASK_PARENT)
}

/// Process id of the parent.
#[inline(always)]
pub fn parent_id(task: Pointer) -> u32 {
    load(load(task, &O_TASK_PARENT), &O_TASK_TGID)
}

/// Process id of the task.
#[inline(always)]
pub fn process_id(task: Pointer) -> u32 {
    load(task, &O_TASK_TGID)
}

/// Whether the task has ended, and only waits to be waited for (kernel/exit.c `exit_notify`). A leader can
/// have ended while other threads of its process go on.
#[inline(always)]
pub fn is_dead(task: Pointer) -> bool {
    load::<u32>(task, &O_TASK_EXIT_STATE) != 0
}

/// The file of the task's program; null where it runs none (a kernel thread).
#[inline(always)]
pub fn program(task: Pointer) -> Pointer {
    let memory: Pointer = load(task, &O_TASK_MM);
    load(memory, &O_MM_EXE_FILE)
}

/// Start of the task, in nanoseconds since boot.
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

/// Device and inode number of the folder that a task is in.
#[inline(always)]
pub fn folder(task: Pointer) -> [u64; 2] {
    let fs: Pointer = load(task, &O_TASK_FS);
    if fs.is_null() {
        return [0; 2];
    }
    let (device, inode) = identity(load(at(fs, &O_FS_PWD), &O_PATH_DENTRY));
    [device, inode]
}

/// Whether another process can change the folder that a task is in (`CLONE_FS`). A task that starts a program
/// has no other threads.
#[inline(always)]
pub fn shares_folder(task: Pointer) -> bool {
    let fs: Pointer = load(task, &O_TASK_FS);
    !fs.is_null() && load::<u32>(fs, &O_FS_USERS) != 1
}
