//! The end of every judgement: the record, the question to a person, and the outcome.

use gatekeeper_common::counters::{SEQUENCE, denied, lost};
use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::decide::{evaluate, judge_path};
use crate::emit::{count, describe, record, send};
use crate::hold;
use crate::layout::Scratch;
use crate::outcome::{EPERM, Outcome, PASS};
use crate::ruling::{Ruling, on_ask};
use crate::scratch::{give, numbered, take};

/// Concludes a judgement: records it unless it is allowed plainly, and asks where the rules ask. Returns the
/// hook's result.
#[inline(always)]
pub fn conclude(
    label: &Label,
    scratch: &mut Scratch,
    (family, object): (Family, Object),
    identity: (u64, u64),
    detail: u32,
) -> i32 {
    if scratch.ruling().cell.code() == Verdict::Allow as u8 {
        return PASS;
    }
    describe(scratch, label, identity, detail);
    scratch.strings = label.strings;
    Outcome::from_number(settle(scratch.number, object as u32, family as u32)).result()
}

/// Returns the [`Outcome`] of a judgement that is not allowed plainly. A function by itself, so that the
/// verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn settle(buffer: u32, object: u32, family: u32) -> u64 {
    let Some(scratch) = numbered(buffer) else { return Outcome::DENIED.number() };
    let ruling = scratch.ruling();
    if ruling.cell.code() == Verdict::Ask as u8 && ruling.cause == Cause::Held as u32 {
        return if scratch.request().on_ask == on_ask::PASS {
            Outcome::PASSED.number()
        } else {
            hold::ask(buffer, object, family)
        };
    }
    record(buffer, object, family);
    Outcome::passed_if(scratch.ruling().passes()).number()
}

/// Counts an operation that is denied because no buffer is free to judge it in.
#[inline(always)]
pub fn no_buffer(family: Family) -> i32 {
    count(SEQUENCE);
    count(lost(family));
    count(denied(Cause::NoMemory));
    EPERM
}

/// Refuses an operation that no policy can allow, and records it.
#[inline(always)]
pub fn refuse(label: &Label, operation: Operation, cause: Cause, detail: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.set_ruling(Ruling::denied(operation as u8, cause as u32));
    send(scratch, label, (operation.family(), Object::None), (0, 0), detail);
    give(scratch);
    EPERM
}

/// Judges the bytes in the buffer, whose automaton and beginning are set, concludes and gives the buffer
/// back.
#[inline(always)]
pub fn finish_bytes(
    label: &Label,
    scratch: &'static mut Scratch,
    (family, object): (Family, Object),
    identity: (u64, u64),
    detail: u32,
) -> i32 {
    evaluate(label, scratch, judge_path);
    let result = conclude(label, scratch, (family, object), identity, detail);
    give(scratch);
    result
}

/// Refuses an operation on an object that could not be resolved, records it and gives the buffer back.
#[inline(always)]
pub fn finish_unresolved(
    label: &Label,
    scratch: &'static mut Scratch,
    family: Family,
    cause: Cause,
    detail: u32,
) -> i32 {
    scratch.set_ruling(Ruling::denied(scratch.request().first, cause as u32));
    send(scratch, label, (family, Object::None), (0, 0), detail);
    give(scratch);
    EPERM
}
