//! Tasks: how a label is got, inherited and kept, and whom a labelled task may touch.

use core::ffi::c_void;

use aya_ebpf::programs::{BtfTracePointContext, LsmContext};
use gatekeeper_common::counters;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::emit::count;
use crate::hold;
use crate::judge::{self, EPERM, PASS};
use crate::kernel::{O_CRED_EFFECTIVE, O_CRED_NAMESPACE, Pointer, at_functions, cgroup, load, task};
use crate::label;
use crate::layout::Owner;

// proto: int task_alloc(struct task_struct *task, unsigned long clone_flags)
// proto 6.18+: int task_alloc(struct task_struct *task, u64 clone_flags)
/// A child, thread or process, has its parent's label before it exists for anybody; or does not exist.
#[inline(always)]
pub fn alloc(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let child: Pointer = context.arg(0);
    if label::store(child, label) {
        PASS
    } else {
        count(counters::denied(Cause::NoMemory));
        EPERM
    }
}

// proto: void sched_process_fork(struct task_struct *parent, struct task_struct *child)
/// clone3 can give birth into another cgroup (CLONE_INTO_CGROUP); the child has not run yet.
#[inline(always)]
pub fn forked(context: &BtfTracePointContext) {
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
/// Under cgroup_threadgroup_rwsem, so no fork is under way (kernel/cgroup/cgroup.c `cgroup_attach_task`).
/// A single thread that enters takes its whole process with it. The task is asked where it is, for
/// `dst_cgrp` can be of a version 1 hierarchy, whose ids are not ours.
#[inline(always)]
pub fn attached(context: &BtfTracePointContext) {
    let moved: Pointer = context.arg(2);
    if let Some(found) = label::nearest(cgroup::of_task(moved))
        && !label::add(task::leader(moved), found)
    {
        count(counters::UNLABELLED);
    }
}

// proto: void sched_process_exit(struct task_struct *p)
// proto 6.18+: void sched_process_exit(struct task_struct *p, bool group_dead)
/// A task ends with what it waits for.
#[inline(always)]
pub fn ended(context: &BtfTracePointContext) {
    if label::current().is_some() {
        hold::leave(context.arg(0));
    }
}

/// One line of the census: what the iterator tells of a task.
#[repr(C)]
struct Line {
    pid: u32,
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
pub fn visit(iteration: &TaskIteration) {
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
    let line = Line { pid: task::process_id(visited), fresh, session: label.session };
    let seq = crate::kernel::iteration_sink(iteration.meta.cast());
    // SAFETY: the helper copies size_of::<Line>() bytes; the sink is the iterator's own.
    unsafe {
        aya_ebpf::helpers::generated::bpf_seq_write(
            seq.cast_mut().cast(),
            (&raw const line).cast(),
            size_of::<Line>() as u32,
        )
    };
}

/// Whether a task belongs to the labelled task's own session or one nested in it.
#[inline(always)]
fn is_within(label: &Label, other: Pointer) -> bool {
    label::of(task::leader(other)).is_some_and(|theirs| Owner::of(theirs).is_within(label))
}

/// PTRACE_MODE_NOAUDIT (include/linux/ptrace.h): the caller only wonders.
const PTRACE_MODE_NOAUDIT: u64 = 4;

// proto: int ptrace_access_check(struct task_struct *child, unsigned int mode)
#[inline(always)]
pub fn trace(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let child: Pointer = context.arg(0);
    let mode: u64 = context.arg(1);
    if is_within(label, child) {
        return PASS;
    }
    if mode & PTRACE_MODE_NOAUDIT != 0 {
        return EPERM;
    }
    judge::refuse(label, Operation::Control, Cause::Builtin, 1)
}

// proto: int ptrace_traceme(struct task_struct *parent)
#[inline(always)]
pub fn traceme(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let parent: Pointer = context.arg(0);
    if is_within(label, parent) { PASS } else { judge::refuse(label, Operation::Control, Cause::Builtin, 1) }
}

// proto: int task_kill(struct task_struct *p, struct kernel_siginfo *info, int sig, const struct cred *cred)
/// Signals inside the session are free; others by the program they would reach. Signal 0 only asks whether a
/// process is there.
#[inline(always)]
pub fn kill(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let target: Pointer = context.arg(0);
    let signal: u64 = context.arg::<u64>(2) as u32 as u64;
    if signal == 0 || is_within(label, target) {
        return PASS;
    }
    judge::signal(label, target, signal as u32)
}

// proto: int task_setnice(struct task_struct *p, int nice)
// proto: int task_setioprio(struct task_struct *p, int ioprio)
// proto: int task_setscheduler(struct task_struct *p)
// proto: int task_setrlimit(struct task_struct *p, unsigned int resource, struct rlimit *new_rlim)
/// How another task runs.
#[inline(always)]
pub fn adjust(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let target: Pointer = context.arg(0);
    if is_within(label, target) { PASS } else { judge::refuse(label, Operation::Control, Cause::Builtin, 10) }
}

/// CAP_OPT_NOAUDIT (include/linux/security.h): the caller only wonders.
const CAP_OPT_NOAUDIT: u64 = 2;

/// Whether the kernel's own rules refuse a capability (security/commoncap.c `cap_capable`): at the function that asks
/// the modules they have not been asked yet. The owner of another namespace is left to the verdict.
#[inline(always)]
fn lacks(cred: Pointer, namespace: Pointer, capability: u32) -> bool {
    let own: Pointer = load(cred, &O_CRED_NAMESPACE);
    let effective: u64 = load(cred, &O_CRED_EFFECTIVE);
    own == namespace && effective >> (capability & 63) & 1 == 0
}

// proto: int capable(const struct cred *cred, struct user_namespace *ns, int cap, unsigned int opts)
/// Request after the kernel's own rules, so only for capabilities that the task has (security/security.c).
#[inline(always)]
pub fn capable(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let capability = context.arg::<u64>(2) as u32;
    if at_functions() && lacks(context.arg(0), context.arg(1), capability) {
        return PASS;
    }
    let silent = context.arg::<u64>(3) & CAP_OPT_NOAUDIT != 0;
    judge::number(label, Operation::Capability, capability, silent)
}

// proto: int userns_create(const struct cred *cred)
#[inline(always)]
pub fn namespace(_: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    judge::number(label, Operation::Namespace, 0, false)
}
