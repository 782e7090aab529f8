//! The evaluation of all conditions of an exec.

use gatekeeper_common::automaton::DEAD;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::{Cause, Verdict};

use super::pending::storage;
use super::walk::judge_arguments;
use crate::bounds::pick;
use crate::decide::LayerAnswer;
use crate::kernel::{Pointer, memory};
use crate::layers::each_layer;
use crate::layout::{ArgumentCheck, Scratch};
use crate::ruling::Ruling;

/// Sets the check to the memory of a program that has just started, which is final.
#[inline(always)]
pub fn set_memory(check: &mut ArgumentCheck, memory: Pointer) {
    check.from = memory::arguments_at(memory);
    check.bytes = memory::argument_bytes(memory);
    check.environment_from = memory::environment_at(memory);
    check.environment_bytes = memory::environment_bytes(memory);
    check.early = 0;
}

/// Sets the check to the arguments that [`super::read`] has put into the buffer, without the environment.
#[inline(always)]
pub fn set_buffer(scratch: &mut Scratch) {
    scratch.check.bytes = u64::from(scratch.hold.length);
    scratch.check.early = 1;
}

/// Evaluates the conditions of the current task's exec, `strings` being the number of its arguments, the
/// program's name included; the check says where they are. The ruling stands in the buffer.
#[inline(always)]
pub fn evaluate(label: &Label, scratch: &mut Scratch, task: Pointer, strings: u32) {
    let denied = Ruling::denied(Operation::Exec as u8, Cause::Arguments as u32);
    scratch.set_ruling(Ruling::allowed(Operation::Exec as u8));
    scratch.asking = 0;
    let Some(exec) = storage(task, 0) else { return };
    let count = exec.count;
    let early = scratch.check.early != 0;
    if !early {
        exec.count = 0;
    }
    each_layer!(_index, pending of exec.conditions, count => {
        let at = pending.layer;
        let layer = *pick(&label.layers, at);
        let check = &mut scratch.check;
        // Field by field: the stack has no room for a copy.
        // The string before the arguments is the program's name. Fewer strings than that are none to judge.
        check.skip = strings.wrapping_sub(pending.arguments).wrapping_sub(1);
        check.setuid = exec.setuid;
        check.condition.arguments = pending.condition.arguments;
        check.condition.environment = if early { [DEAD, DEAD] } else { pending.condition.environment };
        check.condition.exec = pending.condition.exec;
        check.condition.setuid = pending.condition.setuid;
        let answer = LayerAnswer::from_number(judge_arguments(scratch.number, layer.slot, layer.serial));
        let (cell, generation) = (answer.cell(), scratch.generation);
        let placed = Ruling { layer: at, serial: layer.serial, generation, ..denied };
        if answer == LayerAnswer::NO_POLICY || answer == LayerAnswer::UNREADABLE {
            let no_policy = answer == LayerAnswer::NO_POLICY;
            let cause = if no_policy { Cause::NoPolicy } else { Cause::Arguments } as u32;
            scratch.set_ruling(Ruling { cause, ..placed });
            return;
        }
        if cell.code() == Verdict::Ask as u8 {
            scratch.asking = scratch.asking.wrapping_add(1);
        }
        let so_far = scratch.ruling();
        if cell.code() > so_far.cell.code() {
            let cell = cell.required_as(so_far.cell);
            let operation = if answer.is_by_second() { Operation::Setuid } else { Operation::Exec } as u32;
            let cause = if cell.code() == Verdict::Ask as u8 { Cause::Held } else { Cause::Policy };
            scratch.set_ruling(Ruling { cell, operation, cause: cause as u32, ..placed });
        } else if cell.is_required() {
            scratch.set_ruling(Ruling { cell: so_far.cell.required(), ..so_far });
        }
    });
}
