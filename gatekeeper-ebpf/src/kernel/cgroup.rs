//! `struct cgroup` and its ancestors.

use super::{
    O_CGROUP_NODE, O_CGROUP_SELF, O_CSS_PARENT, O_CSSSET_CGROUP, O_NODE_ID, O_TASK_CGROUPS, Pointer, at,
    load, offset, read,
};

/// The cgroup (v2) of a task.
#[inline(always)]
pub fn of_task(task: Pointer) -> Pointer {
    load(load(task, &O_TASK_CGROUPS), &O_CSSSET_CGROUP)
}

/// The number that user space knows a cgroup by; `None` where it can't be read.
#[inline(always)]
pub fn id(cgroup: Pointer) -> Option<u64> {
    let node = read::<Pointer>(at(cgroup, &O_CGROUP_NODE))?;
    read::<u64>(at(node, &O_NODE_ID))
}

/// The parent of a cgroup; `None` for the root, or where it can't be read.
#[inline(always)]
pub fn parent(cgroup: Pointer) -> Option<Pointer> {
    let css = at(cgroup, &O_CGROUP_SELF);
    match read::<Pointer>(at(css, &O_CSS_PARENT)) {
        Some(parent) if !parent.is_null() => Some(parent.wrapping_sub(offset(&O_CGROUP_SELF))),
        _ => None,
    }
}
