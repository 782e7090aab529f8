//! From a hook's question to the number it returns: resolve, decide, record.

use core::ptr::read_volatile;

use gatekeeper_common::counters::{SEQUENCE, denied, lost};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::decide::{Asked, Ruling, judge, judge_address, judge_path};
use crate::emit::{Subject, count, send};
use crate::kernel::Pointer;
use crate::kernel::file::{Place, identity, of_file};
use crate::kernel::socket::{Spoken, read_address};
use crate::path::{Resolved, resolve};
use crate::scratch::{Scratch, give, take};

/// What every hook returns to let an operation pass.
pub const PASS: i32 = 0;
/// What every hook returns to refuse one.
pub const EPERM: i32 = -1;

/// Whether a verdict lets an operation pass.
#[inline(always)]
fn passes(ruling: &Ruling) -> bool {
    let code = ruling.cell.code();
    code == Verdict::Allow as u8 || code == Verdict::Audit as u8
}

/// Counts an operation that is denied because no buffer is free to judge it in.
#[inline(always)]
fn no_buffer(family: Family) -> i32 {
    count(SEQUENCE);
    count(lost(family));
    count(denied(Cause::NoMemory));
    EPERM
}

/// Judges a place in the tree.
#[inline(always)]
pub fn place(label: &mut Label, place: Place, asked: Asked) -> i32 {
    let Some(scratch) = take() else { return no_buffer(asked.first.family()) };
    let result = judge_place(label, scratch, place, asked);
    give(scratch);
    result
}

/// Judges an executable mapping of a file, or of nothing.
///
/// Asked twice whether it is nothing: newer verifiers want to see the pointer itself checked, older ones
/// take `mmap_file`'s for one that can't be null (before Linux 6.14) and drop that check as dead, so ask
/// of a copy as well, that lies where they don't know types.
#[inline(always)]
pub fn mapping(label: &mut Label, mapped: Pointer) -> i32 {
    if mapped.is_null() {
        return PASS;
    }
    let Some(scratch) = take() else { return no_buffer(Family::File) };
    scratch.entry = mapped as u64;
    // SAFETY: a field of a live value.
    let result = if unsafe { read_volatile(&raw const scratch.entry) } == 0 {
        PASS
    } else {
        judge_place(label, scratch, of_file(mapped), Asked::one(Operation::Map))
    };
    give(scratch);
    result
}

#[inline(always)]
fn judge_place(label: &mut Label, scratch: &mut Scratch, place: Place, asked: Asked) -> i32 {
    let is_exec = asked.first as u8 == Operation::Exec as u8;
    let is_map = asked.first as u8 == Operation::Map as u8;
    let (ruling, has_path) = match resolve(place, scratch) {
        Ok(Resolved::Path) => (judge(label, scratch, asked, judge_path), true),
        Ok(Resolved::Pipe) if !is_exec && !is_map => return PASS,
        Ok(Resolved::Pipe) => (Ruling::denied(asked.first, Cause::Detached), false),
        Err(cause) => (Ruling::denied(asked.first, cause), false),
    };
    let passed = passes(&ruling);
    if ruling.cell.code() != Verdict::Allow as u8 || is_exec {
        let subject = if has_path { Subject::Path } else { Subject::Nothing };
        let family = asked.first.family();
        let sequence =
            send(scratch, label, &ruling, family, passed, subject, identity(place.entry), asked.bits());
        if is_exec && passed {
            label.pending = sequence;
        }
    }
    if passed { PASS } else { EPERM }
}

/// Judges an address that stands in kernel memory.
#[inline(always)]
pub fn address(
    label: &Label,
    pointer: Pointer,
    length: u32,
    protocol: Protocol,
    operation: Operation,
    family: u16,
) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Net) };
    let spoken = read_address(pointer, length, protocol, &mut scratch.address);
    let cause = match spoken {
        // Forgetting the peer reaches nobody.
        Spoken::Unspecified if operation as u8 == Operation::Connect as u8 => {
            give(scratch);
            return PASS;
        }
        Spoken::Ip => Cause::Policy,
        Spoken::Unspecified | Spoken::OtherFamily => Cause::AddressFamily,
        Spoken::Short => Cause::ShortAddress,
        Spoken::Unreadable => Cause::Unreadable,
    };
    let known = spoken as u32 == Spoken::Ip as u32;
    let ruling = if known {
        judge(label, scratch, Asked::one(operation), judge_address)
    } else {
        Ruling::denied(operation, cause)
    };
    let passed = passes(&ruling);
    if ruling.cell.code() != Verdict::Allow as u8 {
        let subject = if known { Subject::Address } else { Subject::Nothing };
        send(scratch, label, &ruling, Family::Net, passed, subject, (0, 0), family as u32);
    }
    give(scratch);
    if passed { PASS } else { EPERM }
}

/// Refuses what no policy can allow, and records it.
#[inline(always)]
pub fn refuse(label: &Label, operation: Operation, cause: Cause, detail: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    let ruling = Ruling::denied(operation, cause);
    send(scratch, label, &ruling, operation.family(), false, Subject::Nothing, (0, 0), detail);
    give(scratch);
    EPERM
}
