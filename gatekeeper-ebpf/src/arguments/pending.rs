//! The conditions that the exec under way has still to meet, kept on its thread.

use core::ptr::null_mut;

use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use aya_ebpf::helpers::generated::bpf_task_storage_get;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::LAYERS;

use crate::bounds::pick_mut;
use crate::kernel::Pointer;
use crate::layers::each_layer;
use crate::layout::{ExecCondition, PendingExec, Scratch};
use crate::maps::EXECS;

/// The conditions of a task's exec; `None` where it has none, or with `F_CREATE` where there is no memory.
#[inline(always)]
pub fn storage(task: Pointer, flags: u64) -> Option<&'static mut PendingExec> {
    // SAFETY: the map is a task storage with a PendingExec for its value; the verifier knows the task.
    let exec: *mut PendingExec = unsafe {
        bpf_task_storage_get((&raw const EXECS).cast_mut().cast(), task.cast_mut().cast(), null_mut(), flags)
    }
    .cast();
    // SAFETY: storage lives as long as its task, which can't end before this program does.
    if exec.is_null() { None } else { Some(unsafe { &mut *exec }) }
}

/// Begins a new exec: the conditions of an earlier one that failed count no more.
#[inline(always)]
pub fn begin(task: Pointer) {
    if let Some(exec) = storage(task, 0) {
        exec.count = 0;
        exec.setuid = 0;
    }
}

/// Keeps the conditions of the program just judged, `arguments` of the final ones being its own; false where
/// they don't fit or there is no memory.
#[inline(always)]
pub fn keep(task: Pointer, label: &Label, scratch: &Scratch, arguments: u32) -> bool {
    let layers = label.count;
    each_layer!(index, found of scratch.conditions, layers => {
        // A copy: references held over the call below would take twice the stack.
        let condition = *found;
        if condition.needs_any() {
            let Some(exec) = storage(task, u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE)) else { return false };
            let at = exec.count;
            if at >= LAYERS as u32 {
                return false;
            }
            *pick_mut(&mut exec.conditions, at) = ExecCondition { layer: index, arguments, condition };
            exec.count = at.wrapping_add(1);
        }
    });
    true
}

/// Notes that the exec changes who runs it, and that this is allowed as far as arguments don't matter.
#[inline(always)]
pub fn set_owner_changes(task: Pointer) {
    if let Some(exec) = storage(task, 0) {
        exec.setuid = 1;
    }
}

/// Whether the exec has a condition to meet.
#[inline(always)]
pub fn is_pending(task: Pointer) -> bool {
    storage(task, 0).is_some_and(|exec| exec.count != 0)
}
