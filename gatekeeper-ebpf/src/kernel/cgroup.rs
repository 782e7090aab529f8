//! `struct cgroup` and its ancestors.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::CGROUP_DEPTH;

use super::{
    O_CGROUP_NODE, O_CGROUP_SELF, O_CSS_PARENT, O_CSSSET_CGROUP, O_NODE_ID, O_TASK_CGROUPS, Pointer, at,
    load, read,
};
use crate::maps::CGROUPS;

/// The cgroup (v2) of a task.
#[inline(always)]
pub fn of_task(task: Pointer) -> Pointer {
    load(load(task, &O_TASK_CGROUPS), &O_CSSSET_CGROUP)
}

#[repr(C)]
struct Search {
    cgroup: Pointer,
    found: Option<&'static Label>,
}

extern "C" fn search(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer that `nearest_label` gave it.
    let search = unsafe { &mut *context.cast::<Search>() };
    let Some(node) = read::<Pointer>(at(search.cgroup, &O_CGROUP_NODE)) else { return 1 };
    let Some(id) = read::<u64>(at(node, &O_NODE_ID)) else { return 1 };
    // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
    if let Some(label) = unsafe { CGROUPS.get(id) } {
        search.found = Some(label);
        return 1;
    }
    let css = at(search.cgroup, &O_CGROUP_SELF);
    match read::<Pointer>(at(css, &O_CSS_PARENT)) {
        Some(parent) if !parent.is_null() => {
            search.cgroup = parent.wrapping_sub(super::offset(&O_CGROUP_SELF));
            0
        }
        _ => 1,
    }
}

/// The label of the nearest labelled cgroup, from this one upwards.
#[inline(always)]
pub fn nearest_label(cgroup: Pointer) -> Option<&'static Label> {
    let mut state = Search { cgroup, found: None };
    // SAFETY: `search` takes what it is given here, and the verifier checks both.
    unsafe {
        bpf_loop(CGROUP_DEPTH, search as *mut c_void, (&raw mut state).cast(), 0);
    }
    state.found
}
