//! The holds of an exec: kept from the check of the program until the new program runs.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_probe_read_user;
use gatekeeper_common::hold::TableKey;
use gatekeeper_common::limits::PATH_BYTES;

use super::compare::same_bytes;
use super::slots::{each_slot, free, is_exec, storage};
use super::table::hold_at;
use crate::kernel::{O_TASK_MM, Pointer, load, memory, task};
use crate::layout::{Scratch, step};
use crate::scratch::numbered;

/// Begins an exec. The approvals of one that a hold stopped half-way stay; those of one that failed by itself
/// end.
#[inline(always)]
pub fn begin_exec(task: Pointer) {
    let Some(holds) = storage(task, 0) else { return };
    let held = holds.exec != 0;
    holds.exec = 0;
    each_slot!(slot of holds => {
        if slot.id != 0 && is_exec(slot.operation) && slot.step != step::WAITING {
            if held {
                slot.step = step::APPROVED;
            } else {
                free(slot);
            }
        }
    });
}

/// Whether an exec that is about to get through was approved: its program's arguments must then be the
/// approved ones.
#[inline(always)]
pub fn is_exec_pending(task: Pointer) -> bool {
    let Some(holds) = storage(task, 0) else { return false };
    let mut pending = false;
    each_slot!(slot of holds => {
        if slot.id != 0 && is_exec(slot.operation) && slot.step == step::USED {
            pending = true;
        }
    });
    pending
}

/// The approval of a program that has just started.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum ExecApproval {
    /// It needed none.
    None = 0,
    /// Its arguments are the approved ones.
    Same = 1,
    /// Its arguments are others.
    Changed = 2,
}

/// Ends the approvals of an exec that has got through, `strings` being the number of the program's arguments.
#[inline(always)]
pub fn end_exec(scratch: &mut Scratch, strings: u32) -> ExecApproval {
    let Some(holds) = storage(task::current(), 0) else { return ExecApproval::None };
    holds.exec = 0;
    let buffer = scratch.number;
    let mut approval = ExecApproval::None;
    each_slot!(slot of holds => {
        if slot.id != 0 && is_exec(slot.operation) {
            if slot.step == step::USED && approval != ExecApproval::Changed {
                let place = slot.place;
                approval = if same_arguments(buffer, place.session, place.index, slot.id, strings) == 0 {
                    ExecApproval::Changed
                } else {
                    ExecApproval::Same
                };
            }
            free(slot);
        }
    });
    approval
}

/// Whether the arguments in the new program's memory are those of the hold at this place. A script's own
/// follow those that its interpreter got from the kernel, and its name is gone (fs/binfmt_script.c
/// `load_script`, Linux 6.12). A function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn same_arguments(buffer: u32, session: u64, index: u32, id: u64, strings: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let Some(hold) = hold_at(TableKey { session, index, pad: 0 }) else { return 0 };
    let current = task::current();
    let memory: Pointer = load(current, &O_TASK_MM);
    if memory.is_null() || hold.event.sequence != id {
        return 0;
    }
    // A folder shared with another process can still be changed.
    if hold.folder != task::folder(current) || task::shares_folder(current) {
        return 0;
    }
    // As many strings as were shown: the program itself. More: a script, whose name the interpreter's
    // replaced.
    let skip = if strings == hold.count { 0 } else { hold.name };
    let length = hold.length.wrapping_sub(skip);
    let whole = memory::argument_bytes(memory);
    if length > PATH_BYTES as u32 || whole < u64::from(length) || (skip == 0 && whole != u64::from(length)) {
        return 0;
    }
    let from = memory::arguments_at(memory).wrapping_add(whole.wrapping_sub(u64::from(length)));
    if skip != 0 {
        // The script's arguments begin where a string begins.
        let mut before = 1_u8;
        // SAFETY: writes one byte.
        let fault = unsafe {
            bpf_probe_read_user((&raw mut before).cast(), 1, from.wrapping_sub(1) as *const c_void)
        };
        if fault != 0 || before != 0 {
            return 0;
        }
    }
    // SAFETY: at most PATH_BYTES into a buffer that has more.
    let fault =
        unsafe { bpf_probe_read_user(scratch.path.as_mut_ptr().cast(), length, from as *const c_void) };
    let (mine, theirs) = (scratch.path.as_ptr(), hold.arguments.as_ptr());
    u32::from(fault == 0 && same_bytes(mine, theirs, skip, length))
}
