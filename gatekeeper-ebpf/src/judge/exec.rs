//! Judgements on programs and their arguments.

use gatekeeper_common::event::Object;
use gatekeeper_common::label::{Label, REQUIRED, UNSENT};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use super::conclude::{conclude, no_buffer};
use super::place::decide_place;
use crate::arguments;
use crate::cache;
use crate::emit::send;
use crate::kernel::file::{Place, changed, identity};
use crate::kernel::{O_TASK_MM, Pointer, load, task};
use crate::label;
use crate::layout::automata;
use crate::outcome::{Outcome, PASS};
use crate::ruling::{Request, Ruling};
use crate::scratch::{give, numbered, take};

/// Judges starting a program. The conditions on its arguments are kept with the task; `arguments` of the
/// final ones are the program's own.
#[inline(always)]
pub fn program(label: &mut Label, place: Place, task: Pointer, arguments: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Exec) };
    scratch.set_request(Request::one(Operation::Exec));
    scratch.automata = automata::PATH;
    cache::identify(scratch, place);
    let found = decide_place(label, scratch, place);
    if found && scratch.ruling().cell.code() != Verdict::Deny as u8 {
        if !arguments::keep(task, label, scratch, arguments) {
            scratch.set_ruling(Ruling::denied(Operation::Exec as u8, Cause::Arguments as u32));
        } else if arguments.wrapping_add(1) == label.strings && arguments::is_pending(task) {
            judge_early_arguments(scratch.number);
        }
    }
    let object = if found { Object::Path } else { Object::None };
    let (identity, bit) = (identity(place.entry), Operation::Exec.bit());
    let asks = scratch.ruling().cell.code() == Verdict::Ask as u8;
    let result = if asks {
        scratch.changed = changed(place.entry);
        conclude(label, scratch, (Family::Exec, object), identity, bit)
    } else {
        send(scratch, label, (Family::Exec, object), identity, bit);
        Outcome::passed_if(scratch.ruling().passes()).result()
    };
    if result == PASS {
        label.pending = scratch.hold.event.sequence;
        let required = if scratch.ruling().cell.is_required() { REQUIRED } else { 0 };
        let unsent = if scratch.unsent != 0 { UNSENT } else { 0 };
        label.exec |= required | unsent;
    }
    give(scratch);
    result
}

/// Judges the arguments in the caller's memory as it is now, so that forbidden ones are refused and not
/// killed, and those that a rule asks about can be held. Where they can't be read, [`judge_final_arguments`]
/// decides alone. A function by itself: the stack has no room for it.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_early_arguments(buffer: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let current = task::current();
    let Some(label) = label::current() else { return 0 };
    scratch.strings = label.strings;
    if !arguments::read(scratch, current) {
        return 0;
    }
    // The stricter of two rulings counts: the program's, and its arguments'.
    scratch.set_aside();
    let asking = scratch.asking;
    arguments::set_buffer(scratch);
    arguments::evaluate(label, scratch, current, label.strings);
    if scratch.ruling().cell.code() <= scratch.aside_code() {
        scratch.restore();
        scratch.asking = asking;
    }
    1
}

/// Judges the arguments that a program has got, `strings` of them. A function by itself, as
/// [`judge_early_arguments`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_final_arguments(buffer: u32, strings: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let current = task::current();
    let Some(label) = label::of(current) else { return 0 };
    arguments::set_memory(&mut scratch.check, load(current, &O_TASK_MM));
    arguments::evaluate(label, scratch, current, strings);
    1
}
