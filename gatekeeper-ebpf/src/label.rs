//! The label of a task: the only code that an unlabelled task ever runs.

use core::ffi::c_void;
use core::ptr::null_mut;

use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use aya_ebpf::helpers::generated::{bpf_loop, bpf_task_storage_get};
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::CGROUP_DEPTH;

use crate::kernel::{Pointer, cgroup, task as tasks};
use crate::layout::TOO_MANY_LAYERS;
use crate::maps::{CGROUPS, LABELS};

#[inline(always)]
fn storage(task: Pointer, initial: *const Label, flags: u64) -> *mut Label {
    // SAFETY: the map is a task storage with a Label for its value; the verifier knows the task.
    unsafe {
        bpf_task_storage_get(
            (&raw const LABELS).cast_mut().cast(),
            task.cast_mut().cast(),
            initial.cast_mut().cast::<c_void>(),
            flags,
        )
    }
    .cast()
}

/// The label stored on this very task.
#[inline(always)]
pub fn of(task: Pointer) -> Option<&'static mut Label> {
    let label = storage(task, null_mut(), 0);
    if label.is_null() {
        return None;
    }
    // SAFETY: storage lives as long as its task, which can't end before this program does.
    Some(unsafe { &mut *label })
}

/// The label of the current task's process. The thread-group leader keeps it, so that a process has one
/// label, whenever its threads were made.
#[inline(always)]
pub fn current() -> Option<&'static mut Label> {
    of(tasks::leader(tasks::current()))
}

/// Stores a label on a task that has none; false where there is no memory.
#[inline(always)]
pub fn store(task: Pointer, label: &Label) -> bool {
    let stored = storage(task, label, u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE));
    if stored.is_null() {
        return false;
    }
    // SAFETY: as in `of`.
    unsafe { *stored = *label };
    true
}

/// The label of a thread by itself, a copy of its process's where it had none; `None` without memory.
#[inline(always)]
pub fn of_thread(task: Pointer, label: &'static mut Label) -> Option<&'static mut Label> {
    if task == tasks::leader(task) {
        return Some(label);
    }
    if !store(task, label) {
        return None;
    }
    of(task)
}

/// Adds the layers of `label` to those that bind a task already; false where there is no memory. Never takes
/// a layer away: where the layers don't continue the ones it has, it gets all of both, or more than fit,
/// which denies all.
#[inline(always)]
pub fn add(task: Pointer, label: &Label) -> bool {
    let Some(own) = of(task) else { return store(task, label) };
    let mut common = 0;
    for (mine, new) in own.layers.iter().zip(&label.layers) {
        if common >= own.count || common >= label.count || mine != new {
            break;
        }
        common = common.wrapping_add(1);
    }
    if common >= label.count {
        return true;
    }
    let continues = common >= own.count;
    let mut count = own.count;
    for (position, new) in (0..).zip(&label.layers) {
        if position < common || position >= label.count {
            continue;
        }
        let Some(free) = own.layers.get_mut(count as usize) else {
            own.count = TOO_MANY_LAYERS;
            return true;
        };
        *free = *new;
        count = count.wrapping_add(1);
    }
    own.count = count;
    if continues {
        own.session = label.session;
    }
    true
}

/// A search upwards through cgroups.
#[repr(C)]
struct Search {
    cgroup: Pointer,
    found: Option<&'static Label>,
}

extern "C" fn search_turn(_: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer that `nearest` gave it.
    let search = unsafe { &mut *context.cast::<Search>() };
    let Some(id) = cgroup::id(search.cgroup) else { return 1 };
    // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
    if let Some(label) = unsafe { CGROUPS.get(id) } {
        search.found = Some(label);
        return 1;
    }
    match cgroup::parent(search.cgroup) {
        Some(parent) => {
            search.cgroup = parent;
            0
        }
        None => 1,
    }
}

/// The label of the nearest labelled cgroup, from this one upwards.
#[inline(always)]
pub fn nearest(cgroup: Pointer) -> Option<&'static Label> {
    let mut search = Search { cgroup, found: None };
    // SAFETY: the callback takes a Search, and the verifier checks both.
    unsafe { bpf_loop(CGROUP_DEPTH, search_turn as *mut c_void, (&raw mut search).cast(), 0) };
    search.found
}
