//! The question to a person: a hold is opened, found again, and answered.

use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use gatekeeper_common::counters::SEQUENCE;
use gatekeeper_common::hold::{State, TableKey};
use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::{Cause, Verdict};

use super::compare::is_same_hold;
use super::grants::find_grant;
use super::slots::{each_slot, free, is_exec, is_one_of_several, storage, use_up};
use super::stop::{can_stop, stop};
use super::table::store_hold;
use crate::arguments;
use crate::bounds::pick_mut;
use crate::emit::{count, fill, is_recording, output};
use crate::kernel::file::{identity, of_file};
use crate::kernel::task;
use crate::layout::{HoldSlot, Scratch, step};
use crate::maps::DECISIONS;
use crate::outcome::Outcome;
use crate::ruling::on_ask;
use crate::scratch::numbered;

/// The number of no slot.
const NO_SLOT: u32 = u32::MAX;

/// Sends the event in the buffer, numbered unless it is already. A function by itself, so that the verifier
/// goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn send_hold_event(buffer: u32, cause: u32, family: u32, hold: u64) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    if scratch.hold.event.sequence == 0 {
        scratch.hold.event.sequence = count(SEQUENCE).wrapping_add(1);
    }
    scratch.hold.event.cause = cause as u8;
    scratch.hold.event.hold = hold;
    output(scratch, family);
    1
}

#[inline(always)]
fn refuse(scratch: &mut Scratch, cause: Cause, family: u32) -> Outcome {
    send_hold_event(scratch.number, cause as u32, family, 0);
    Outcome::DENIED
}

/// Records a decision; an approval counts only where it can be recorded, if it has to be.
#[inline(always)]
fn decided(scratch: &mut Scratch, approved: bool, family: u32, hold: u64) -> Outcome {
    let required = scratch.ruling().cell.is_required();
    let kept = !required || is_recording();
    let passed = approved && kept;
    scratch.hold.event.passed = u8::from(passed);
    let cause = if kept { Cause::Decided } else { Cause::Unrecorded };
    send_hold_event(scratch.number, cause as u32, family, hold);
    if passed && !(required && scratch.unsent != 0) { Outcome::PASSED } else { Outcome::DENIED }
}

/// Returns the [`Outcome`] of a request that the rules ask about: by a grant, else by the thread's own holds,
/// else it opens a hold. A function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn ask(buffer: u32, object: u32, family: u32) -> u64 {
    match numbered(buffer) {
        Some(scratch) => outcome(scratch, object, family).number(),
        None => Outcome::DENIED.number(),
    }
}

#[inline(always)]
fn outcome(scratch: &mut Scratch, object: u32, family: u32) -> Outcome {
    let buffer = scratch.number;
    let current = task::current();
    // First the hold as it would be written: it is what grants and earlier holds are compared with.
    fill(scratch, object);
    let executes = family == Family::Exec as u32;
    scratch.hold.length = 0;
    scratch.hold.count = 0;
    scratch.hold.changed = if executes { scratch.changed } else { 0 };
    scratch.hold.folder = if executes { task::folder(current) } else { [0; 2] };
    scratch.hold.state = State::Waiting as u32;
    scratch.hold.event.asking = scratch.asking as u8;
    if executes && !arguments::read(scratch, current) {
        return refuse(scratch, Cause::Arguments, family);
    }
    let program = task::program(current);
    if program.is_null() {
        return refuse(scratch, Cause::CantHold, family);
    }
    (scratch.hold.device, scratch.hold.inode) = identity(of_file(program).entry);
    let grant = find_grant(buffer);
    if grant != 0 && !executes {
        return decided(scratch, true, family, grant);
    }
    if grant == 0 && (scratch.request().on_ask == on_ask::REFUSE || !can_stop(current)) {
        return refuse(scratch, Cause::CantHold, family);
    }
    let Some(holds) = storage(current, u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE)) else {
        return refuse(scratch, Cause::NoMemory, family);
    };
    let mut same = NO_SLOT;
    each_slot!(slot, number of holds => {
        if slot.id != 0 && is_same_hold(buffer, slot.place.session, slot.place.index, slot.id) != 0 {
            same = number;
        }
    });
    if same != NO_SLOT {
        let slot = pick_mut(&mut holds.slots, same);
        if grant == 0 && slot.step != step::USED {
            return again(scratch, slot, &mut holds.exec, family);
        }
        free(slot);
    }
    let id = count(SEQUENCE).wrapping_add(1);
    scratch.hold.event.sequence = id;
    let index = store_hold(buffer);
    if index == 0 {
        return refuse(scratch, Cause::TooManyHolds, family);
    }
    // The oldest slot is given up, whatever it holds: a thread is in one system call at a time.
    let turn = holds.turn;
    holds.turn = turn.wrapping_add(1);
    let place = TableKey { session: scratch.hold.event.session, index: index.wrapping_sub(1), pad: 0 };
    let slot = pick_mut(&mut holds.slots, turn);
    free(slot);
    *slot = HoldSlot { id, place, step: step::WAITING, operation: scratch.ruling().operation };
    if grant != 0 {
        // An exec by a grant has a hold, too: its arguments are compared once the program runs.
        use_up(slot);
        return decided(scratch, true, family, grant);
    }
    if !stop() {
        free(slot);
        return refuse(scratch, Cause::CantHold, family);
    }
    holds.exec = u32::from(executes);
    send_hold_event(buffer, Cause::Held as u32, family, id);
    Outcome::HELD
}

/// The outcome of a hold that is found again: decided, or still waiting.
#[inline(always)]
fn again(scratch: &mut Scratch, slot: &mut HoldSlot, exec: &mut u32, family: u32) -> Outcome {
    let id = slot.id;
    if slot.step == step::APPROVED {
        slot.step = step::USED;
        // Later events name the event that let it pass.
        scratch.hold.event.sequence = id;
        return Outcome::PASSED;
    }
    let executes = is_exec(slot.operation);
    // SAFETY: the map's value, which stays readable until the program ends.
    let Some(decision) = unsafe { DECISIONS.get(id) }.copied() else {
        *exec = u32::from(executes);
        return if stop() { Outcome::HELD } else { refuse(scratch, Cause::CantHold, family) };
    };
    let _ = DECISIONS.remove(id);
    let passed = decision == Verdict::Allow as u64;
    if passed && (executes || is_one_of_several(slot.operation)) {
        use_up(slot);
    } else {
        free(slot);
    }
    decided(scratch, passed, family, id)
}
