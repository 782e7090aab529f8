//! From a hook's question to the number it returns: resolve, decide, record.

use gatekeeper_common::event::Address;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Cell, Verdict};

use crate::decide::{Question, Ruling, judge};
use crate::emit::{Subject, count, send};
use crate::kernel::file::{Place, identity};
use crate::path::{Resolved, resolve};
use crate::scratch::{give, take};

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

/// Judges a place in the tree for a set of operations; `first` names the set where doubt denies it.
#[inline(always)]
pub fn place(label: &mut Label, place: Place, asked: u32, first: Operation) -> i32 {
    let Some(scratch) = take() else {
        count(gatekeeper_common::counters::SEQUENCE);
        count(gatekeeper_common::counters::lost(first.family()));
        count(gatekeeper_common::counters::denied(Cause::NoMemory));
        return EPERM;
    };
    let (ruling, has_path) = match resolve(place, scratch) {
        Ok(Resolved::Pipe) if first as u8 != Operation::Exec as u8 => {
            give(scratch);
            return PASS;
        }
        Ok(Resolved::Pipe) => (Ruling::denied(first, Cause::Detached), false),
        Ok(Resolved::Path) => (judge(label, &Question::Path(scratch, asked), first), true),
        Err(cause) => (Ruling::denied(first, cause), false),
    };
    let passed = passes(&ruling);
    let is_exec = first as u8 == Operation::Exec as u8;
    if ruling.cell.code() != Verdict::Allow as u8 || is_exec {
        let subject = if has_path { Subject::Path } else { Subject::Nothing };
        let family = if is_exec { Family::Exec } else { Family::File };
        let sequence = send(scratch, label, &ruling, family, passed, &subject, identity(place.entry), asked);
        if is_exec && passed {
            label.pending = sequence;
        }
    }
    give(scratch);
    if passed { PASS } else { EPERM }
}

/// Judges an address.
#[inline(always)]
pub fn address(label: &Label, address: Result<Address, Cause>, operation: Operation, family: u32) -> i32 {
    let Some(scratch) = take() else {
        count(gatekeeper_common::counters::SEQUENCE);
        count(gatekeeper_common::counters::lost(Family::Net));
        count(gatekeeper_common::counters::denied(Cause::NoMemory));
        return EPERM;
    };
    let (ruling, subject) = match &address {
        Ok(known) => (judge(label, &Question::Address(known, operation), operation), Subject::Address(known)),
        Err(cause) => (Ruling::denied(operation, *cause), Subject::Nothing),
    };
    let passed = passes(&ruling);
    if ruling.cell.code() != Verdict::Allow as u8 {
        send(scratch, label, &ruling, Family::Net, passed, &subject, (0, 0), family);
    }
    give(scratch);
    if passed { PASS } else { EPERM }
}

/// Refuses what no policy can allow, and records it.
#[inline(always)]
pub fn refuse(label: &Label, operation: Operation, cause: Cause, detail: u32) -> i32 {
    if let Some(scratch) = take() {
        let mut ruling = Ruling::denied(operation, cause);
        ruling.cell = Cell::new(Verdict::Deny, gatekeeper_common::verdict::RULE_DEFAULT);
        send(scratch, label, &ruling, operation.family(), false, &Subject::Nothing, (0, 0), detail);
        give(scratch);
    } else {
        count(gatekeeper_common::counters::SEQUENCE);
        count(gatekeeper_common::counters::lost(operation.family()));
        count(gatekeeper_common::counters::denied(cause));
    }
    EPERM
}
