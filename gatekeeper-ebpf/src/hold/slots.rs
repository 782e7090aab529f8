//! The holds of one thread, and how they end with its hooks and with the thread.

use core::ptr::null_mut;

use aya_ebpf::helpers::generated::bpf_task_storage_get;
use gatekeeper_common::hold::State;
use gatekeeper_common::operation::Operation;

use super::table::hold_at;
use crate::kernel::{Pointer, task};
use crate::layout::{HoldSlot, ThreadHolds, step};
use crate::maps::WAITS;
use crate::outcome::RESTART;

/// The holds of a thread; `None` where it has none, or with `F_CREATE` where there is no memory.
#[inline(always)]
pub fn storage(task: Pointer, flags: u64) -> Option<&'static mut ThreadHolds> {
    // SAFETY: the map is a task storage with ThreadHolds for its value; the verifier knows the task.
    let holds: *mut ThreadHolds = unsafe {
        bpf_task_storage_get((&raw const WAITS).cast_mut().cast(), task.cast_mut().cast(), null_mut(), flags)
    }
    .cast();
    // SAFETY: storage lives as long as its task, which can't end before this program does.
    if holds.is_null() { None } else { Some(unsafe { &mut *holds }) }
}

/// Runs a block for each slot of a thread. Not a loop, as [`crate::layers::each_layer`].
macro_rules! each_slot {
    ($slot:ident of $holds:ident => $body:block) => {
        $crate::hold::slots::each_slot!($slot, _number, $holds, $body, 0 1 2 3);
    };
    ($slot:ident, $index:ident of $holds:ident => $body:block) => {
        $crate::hold::slots::each_slot!($slot, $index, $holds, $body, 0 1 2 3);
    };
    ($slot:ident, $index:ident, $holds:ident, $body:block, $($number:literal)*) => {
        $(
            {
                const {
                    assert!($number < gatekeeper_common::limits::HOLDS_PER_THREAD);
                    assert!(gatekeeper_common::limits::HOLDS_PER_THREAD == 4);
                }
                let $slot = &mut $holds.slots[$number];
                let $index: u32 = $number;
                $body
            }
        )*
    };
}

pub(super) use each_slot;

/// Whether a hold is for starting a program: it is kept until the new program runs, others until their hook
/// returns.
#[inline(always)]
pub fn is_exec(operation: u32) -> bool {
    operation == Operation::Exec as u32 || operation == Operation::Setuid as u32
}

/// Whether a hook that judges this operation can judge more than one object. Each such hook calls [`end`].
#[inline(always)]
pub fn is_one_of_several(operation: u32) -> bool {
    operation == Operation::Rename as u32
        || operation == Operation::Link as u32
        || operation == Operation::Create as u32
        || operation == Operation::Metadata as u32
}

/// Frees the slot and its place in the table.
#[inline(always)]
pub fn free(slot: &mut HoldSlot) {
    if slot.id != 0
        && let Some(hold) = hold_at(slot.place)
        && hold.event.sequence == slot.id
    {
        hold.state = State::Answered as u32;
    }
    slot.id = 0;
}

/// Marks an approval as used: its operation passes, and it is kept until the call is through.
#[inline(always)]
pub fn use_up(slot: &mut HoldSlot) {
    slot.step = step::USED;
    if let Some(hold) = hold_at(slot.place) {
        hold.state = State::Approved as u32;
    }
}

/// Ends a hook that judges several objects: where one is held, the approvals of the others stay.
#[inline(always)]
pub fn end(result: i32) -> i32 {
    let Some(holds) = storage(task::current(), 0) else { return result };
    each_slot!(slot of holds => {
        if slot.id != 0 && slot.step == step::USED && !is_exec(slot.operation) {
            if result == RESTART {
                slot.step = step::APPROVED;
            } else {
                free(slot);
            }
        }
    });
    result
}

/// Frees the holds of a task that ends: nobody needs to decide any more.
#[inline(always)]
pub fn leave(task: Pointer) {
    let Some(holds) = storage(task, 0) else { return };
    each_slot!(slot of holds => { free(slot); });
}
