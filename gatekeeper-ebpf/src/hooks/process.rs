//! Tasks: how a label is assigned, inherited and kept, and which tasks a labelled task may reach.

use core::ffi::c_void;

use aya_ebpf::programs::{BtfTracePointContext, LsmContext};
use gatekeeper_common::counters;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::emit::count;
use crate::hold;
use crate::judge;
use crate::kernel::group::{self, Group};
use crate::kernel::{O_CRED_EFFECTIVE, O_CRED_NAMESPACE, Pointer, at_functions, call, cgroup, load, task};
use crate::label;
use crate::layout::Owner;
use crate::outcome::{EPERM, PASS};

// proto: int task_alloc(struct task_struct *task, unsigned long clone_flags)
// proto 6.18+: int task_alloc(struct task_struct *task, u64 clone_flags)
/// Labels a child, thread or process, like its parent before anybody can see it; without memory there is no
/// child. A child in another cgroup than its parent's would be beyond the session's limits and its end; the cgroup
/// is not known here, so there is no such child.
#[inline(always)]
pub fn task_alloc(context: &LsmContext) -> i32 {
    /// `CLONE_INTO_CGROUP` (include/uapi/linux/sched.h).
    const CLONE_INTO_CGROUP: u64 = 1 << 33;
    let Some(label) = label::current() else { return PASS };
    if context.arg::<u64>(1) & CLONE_INTO_CGROUP != 0 {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::CGROUP);
    }
    let child: Pointer = context.arg(0);
    if label::store(child, label) {
        PASS
    } else {
        count(counters::denied(Cause::NoMemory));
        EPERM
    }
}

// proto: void sched_process_fork(struct task_struct *parent, struct task_struct *child)
/// Labels a child that clone3 has made in another cgroup (CLONE_INTO_CGROUP); it has not run yet.
#[inline(always)]
pub fn sched_process_fork(context: &BtfTracePointContext) {
    let parent: Pointer = context.arg(0);
    let child: Pointer = context.arg(1);
    let born_in = cgroup::of_task(child);
    if born_in == cgroup::of_task(parent) {
        return;
    }
    if let Some(found) = label::nearest(born_in)
        && !label::add(child, found)
    {
        count(counters::UNLABELLED);
    }
}

// proto: void cgroup_attach_task(struct cgroup *dst_cgrp, const char *path, struct task_struct *task, bool threadgroup)
/// Labels the process of a task that enters a labelled cgroup. Under cgroup_threadgroup_rwsem, so no fork is
/// under way (kernel/cgroup/cgroup.c `cgroup_attach_task`, Linux 6.12). The cgroup is the task's own, for
/// `dst_cgrp` can be of a version 1 hierarchy, whose ids are others.
#[inline(always)]
pub fn cgroup_attach_task(context: &BtfTracePointContext) {
    let moved: Pointer = context.arg(2);
    if let Some(found) = label::nearest(cgroup::of_task(moved))
        && !label::add(task::leader(moved), found)
    {
        count(counters::UNLABELLED);
    }
}

// proto: void sched_process_exit(struct task_struct *p)
// proto 6.18+: void sched_process_exit(struct task_struct *p, bool group_dead)
/// Ends the holds of a task that ends.
#[inline(always)]
pub fn sched_process_exit(context: &BtfTracePointContext) {
    if label::current().is_some() {
        hold::leave(context.arg(0));
    }
}

/// One line of the census, as the daemon reads it.
#[repr(C)]
struct CensusLine {
    pid: u32,
    /// 1 where the census has labelled the process.
    fresh: u32,
    session: u64,
}

/// `struct bpf_iter__task` (kernel/bpf/task_iter.c).
#[repr(C)]
pub struct TaskIteration {
    meta: *const *mut c_void,
    task: Pointer,
}

/// Visits every task that lives: labels the process of one that is in a labelled cgroup without a label, and
/// reports the process of each that is labelled.
#[inline(always)]
pub fn census(iteration: &TaskIteration) {
    let visited = iteration.task;
    if visited.is_null() || task::is_dead(visited) {
        return;
    }
    let leader = task::leader(visited);
    let mut fresh = 0;
    if label::of(leader).is_none() {
        let Some(found) = label::nearest(cgroup::of_task(visited)) else { return };
        if !label::add(leader, found) {
            count(counters::UNLABELLED);
            return;
        }
        fresh = 1;
    }
    let Some(label) = label::of(leader) else { return };
    let line = CensusLine { pid: task::process_id(visited), fresh, session: label.session };
    let seq = crate::kernel::iteration_sink(iteration.meta.cast());
    // SAFETY: the helper copies size_of::<CensusLine>() bytes; the sink is the iterator's own.
    unsafe {
        aya_ebpf::helpers::generated::bpf_seq_write(
            seq.cast_mut().cast(),
            (&raw const line).cast(),
            size_of::<CensusLine>() as u32,
        )
    };
}

/// Whether a task belongs to the labelled task's own session or one nested in it.
#[inline(always)]
fn is_within(label: &Label, other: Pointer) -> bool {
    label::of(task::leader(other)).is_some_and(|theirs| Owner::of(theirs).is_within(label))
}

/// `PTRACE_MODE_NOAUDIT` (include/linux/ptrace.h): the caller only asks, and nothing is recorded.
const PTRACE_MODE_NOAUDIT: u64 = 4;

// proto: int ptrace_access_check(struct task_struct *child, unsigned int mode)
/// Refuses tracing a task outside the session.
#[inline(always)]
pub fn ptrace_access_check(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let child: Pointer = context.arg(0);
    let mode: u64 = context.arg(1);
    if is_within(label, child) {
        return PASS;
    }
    if mode & PTRACE_MODE_NOAUDIT != 0 {
        return EPERM;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::PTRACE)
}

// proto: int ptrace_traceme(struct task_struct *parent)
/// Refuses a tracer outside the session.
#[inline(always)]
pub fn ptrace_traceme(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let parent: Pointer = context.arg(0);
    if is_within(label, parent) {
        PASS
    } else {
        judge::refuse(label, Operation::Control, Cause::Builtin, builtin::PTRACE)
    }
}

// proto: int task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)
/// Judges a signal by the program it would reach; inside the session it is free. Signal 0 only asks whether a
/// process is there.
#[inline(always)]
pub fn task_kill(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let target: Pointer = context.arg(0);
    let signal: u64 = u64::from(context.arg::<u64>(2) as u32);
    if signal == 0 || is_within(label, target) {
        return PASS;
    }
    judge::signal(label, target, signal as u32)
}

// proto: int task_setpgid(struct task_struct *p, pid_t pgid)
/// Refuses another process group than one's own, the parent's, or that of a child of the same parent: a member of a
/// foreign group draws the terminal's signals on all of it. Shells put the programs of a pipeline into the first
/// one's group, and return to the one they came from. The kernel has seen that `p` is the caller or its child
/// (kernel/sys.c, Linux 6.12).
#[inline(always)]
pub fn task_setpgid(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let (moved, asked): (Pointer, u64) = (context.arg(0), context.arg(1));
    let group = Group { number: asked as u32, level: group::level(task::current()) };
    if group.is_led_by(moved) || group.has(moved) {
        return PASS;
    }
    let parent = task::parent(moved);
    if is_within(label, parent) && (group.has(parent) || group.has_child_of(parent)) {
        return PASS;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, builtin::PROCESS_GROUP)
}

/// Refuses to change how a task outside the session runs.
#[inline(always)]
fn adjust(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let target: Pointer = context.arg(0);
    if is_within(label, target) {
        PASS
    } else {
        judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SCHEDULING)
    }
}

// proto: int task_setnice(struct task_struct *p, int nice)
/// Judges another priority.
#[inline(always)]
pub fn task_setnice(context: &LsmContext) -> i32 {
    adjust(context)
}

// proto: int task_setioprio(struct task_struct *p, int ioprio)
/// Judges another priority of input and output.
#[inline(always)]
pub fn task_setioprio(context: &LsmContext) -> i32 {
    adjust(context)
}

// proto: int task_setscheduler(struct task_struct *p)
/// Judges another scheduler, or other CPUs.
#[inline(always)]
pub fn task_setscheduler(context: &LsmContext) -> i32 {
    adjust(context)
}

// proto: int task_setrlimit(struct task_struct *p, unsigned int resource, struct rlimit *new_rlim)
/// Judges other limits.
#[inline(always)]
pub fn task_setrlimit(context: &LsmContext) -> i32 {
    adjust(context)
}

/// `CAP_OPT_NOAUDIT` (include/linux/security.h): the caller only asks, and nothing is recorded.
const CAP_OPT_NOAUDIT: u64 = 2;

/// Whether the kernel's own rules refuse a capability (security/commoncap.c `cap_capable`): at the function
/// that asks the modules they come later. The owner of another namespace is left to the verdict.
#[inline(always)]
fn lacks(cred: Pointer, namespace: Pointer, capability: u32) -> bool {
    let own: Pointer = load(cred, &O_CRED_NAMESPACE);
    let effective: u64 = load(cred, &O_CRED_EFFECTIVE);
    own == namespace && effective >> (capability & 63) & 1 == 0
}

/// What a system call does by a capability, where no rule may allow it and no other hook is asked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Beyond {
    /// Nothing: a rule decides.
    Rules,
    /// It changes the tree of mounts, or takes another one.
    Mounts,
    /// It has the kernel write what all processes do or hold into a file (acct(2), swapon(2)).
    Kernel,
}

impl Beyond {
    /// The calls that are all that a capability is for, or are one of many (`CAP_SYS_ADMIN`). Calls with a hook of
    /// their own are not here: mount, umount, `move_mount`, `pivot_root`, chroot, bpf, kexec, modules, I/O ports.
    #[inline(always)]
    fn of(capability: u32, call: u32) -> Self {
        // include/uapi/linux/capability.h
        const CAP_SYS_CHROOT: u32 = 18;
        const CAP_SYS_PACCT: u32 = 20;
        const CAP_SYS_ADMIN: u32 = 21;
        match capability {
            CAP_SYS_PACCT => Self::Kernel,
            CAP_SYS_ADMIN if call == call::SWAPON => Self::Kernel,
            // Of all namespaces, only one of mounts asks for it (fs/namespace.c `mntns_install`, Linux 6.12).
            CAP_SYS_CHROOT if call == call::SETNS => Self::Mounts,
            CAP_SYS_ADMIN
                if matches!(
                    call,
                    call::OPEN_TREE
                        | call::FSOPEN
                        | call::FSPICK
                        | call::MOUNT_SETATTR
                        | call::OPEN_TREE_ATTR
                ) =>
            {
                Self::Mounts
            }
            _ => Self::Rules,
        }
    }
}

// proto: int capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts)
/// Judges the use of a capability that the task has: the kernel's own rules come first (security/security.c).
#[inline(always)]
pub fn capable(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let capability = context.arg::<u64>(2) as u32;
    if at_functions() && lacks(context.arg(0), context.arg(1), capability) {
        return PASS;
    }
    match Beyond::of(capability, call::number(task::current())) {
        Beyond::Rules => {}
        Beyond::Mounts => return judge::refuse(label, Operation::Mount, Cause::Builtin, 0),
        Beyond::Kernel => {
            return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::KERNEL_FILE);
        }
    }
    let quiet = context.arg::<u64>(3) & CAP_OPT_NOAUDIT != 0;
    judge::number(label, Operation::Capability, capability, quiet)
}

// proto: int userns_create(const struct cred *cred)
/// Judges making a user namespace.
#[inline(always)]
pub fn userns_create(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::number(label, Operation::Namespace, 0, false)
}
