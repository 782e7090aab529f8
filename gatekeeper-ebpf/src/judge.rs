//! From a hook's question to the number it returns: resolve, decide, record.

use core::ffi::c_void;
use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use gatekeeper_common::counters::{SEQUENCE, denied, lost};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::{PATH_BYTES, UNIX_BYTES};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::cache;
use crate::decide::{Asked, Ruling, judge, judge_address, judge_number, judge_path, word};
use crate::emit::{Subject, count, send};
use crate::image::masked;
use crate::kernel::Pointer;
use crate::kernel::file::{Place, identity, of_file};
use crate::kernel::socket::{Spoken, read_address, read_own_address};
use crate::kernel::task;
use crate::path::{Resolved, resolve};
use crate::scratch::{PATH_ROOM, Scratch, give, take};

/// What every hook returns to let an operation pass.
pub const PASS: i32 = 0;
/// What every hook returns to refuse one.
pub const EPERM: i32 = -1;

/// What a hook returns. Written out: the compiler would negate a bit, and the verifier would lose the range
/// that every hook's result must lie in.
#[inline(always)]
pub fn result(passed: bool) -> i32 {
    let result: u64;
    // SAFETY: changes one register.
    unsafe {
        core::arch::asm!(
            "{result} = 0",
            "if {passed} != 0 goto +1",
            "{result} = -1",
            result = out(reg) result,
            passed = in(reg) passed as u64,
            options(nomem, nostack)
        );
    }
    result as i32
}

/// Counts an operation that is denied because no buffer is free to judge it in.
#[inline(always)]
pub fn no_buffer(family: Family) -> i32 {
    count(SEQUENCE);
    count(lost(family));
    count(denied(Cause::NoMemory));
    EPERM
}

/// Judges a place in the tree. All that is asked belongs to one family.
#[inline(always)]
pub fn place(label: &mut Label, place: Place, asked: Asked) -> i32 {
    let family = if asked.is(Operation::Exec) { Family::Exec } else { Family::File };
    let Some(scratch) = take() else { return no_buffer(family) };
    let result = judge_place(label, scratch, place, asked);
    give(scratch);
    result
}

/// Judges starting a program; keeps with the task what depends on its arguments, of which `arguments` are the
/// program's own.
#[inline(always)]
pub fn program(label: &mut Label, place: Place, task: Pointer, arguments: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Exec) };
    let mut result = judge_place(label, scratch, place, Asked::one(Operation::Exec));
    if result == PASS && !crate::arguments::keep(task, label, scratch, arguments) {
        scratch.rule(Ruling::denied(Operation::Exec as u8, Cause::Arguments as u32));
        send(scratch, label, Family::Exec, Subject::Path, identity(place.entry), Operation::Exec.bit());
        result = EPERM;
    }
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
    scratch.root = task::program(task::current()) as u64;
    scratch.maps_itself = (scratch.entry == scratch.root) as u32;
    // SAFETY: a field of a live value.
    let result = if unsafe { read_volatile(&raw const scratch.entry) } == 0 {
        PASS
    } else {
        judge_place(label, scratch, of_file(mapped), Asked::one(Operation::Map))
    };
    give(scratch);
    result
}

/// What resolving a place comes to as a number: the code of a cause to deny it, or one of these.
const FOUND: u32 = Cause::Policy as u32;
const PIPE: u32 = u32::MAX;

#[inline(always)]
fn judge_place(label: &mut Label, scratch: &mut Scratch, place: Place, asked: Asked) -> i32 {
    let is_exec = asked.is(Operation::Exec);
    let starts = is_exec || asked.is(Operation::Setuid);
    let opens = !starts && !asked.is(Operation::Map);
    scratch.ask(asked);
    scratch.word = word::PATH;
    cache::identify(scratch, place);
    // An exec is recorded, whatever the verdict; for that its path is needed.
    if !is_exec && cache::allows(label, scratch, place) {
        return PASS;
    }
    let outcome = match resolve(place, scratch) {
        Ok(Resolved::Path) => FOUND,
        Ok(Resolved::Pipe) if opens => return PASS,
        Ok(Resolved::Pipe) => PIPE,
        Err(cause) => cause as u32,
    };
    let outcome = scratch.forget(outcome);
    if outcome == FOUND {
        cache::allow_keeping(scratch, place);
        judge(label, scratch, judge_path);
    } else {
        let cause = if outcome == PIPE { Cause::Detached as u32 } else { outcome };
        scratch.rule(Ruling::denied(scratch.asked().first, cause));
    }
    let ruling = scratch.ruling();
    let passed = ruling.passes();
    if ruling.cell.code() != Verdict::Allow as u8 || is_exec {
        let subject = if outcome == FOUND { Subject::Path } else { Subject::Nothing };
        let family = if starts { Family::Exec } else { Family::File };
        let sequence = send(scratch, label, family, subject, identity(place.entry), scratch.asked().bits());
        if is_exec && passed {
            label.pending = sequence;
        }
    }
    result(passed)
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
    scratch.ask(Asked::one(operation));
    let spoken = read_address(pointer, length, protocol, &mut scratch.address) as u32;
    let spoken = scratch.forget(spoken);
    // Forgetting the peer reaches nobody.
    if spoken == Spoken::Unspecified as u32 && operation as u8 == Operation::Connect as u8 {
        give(scratch);
        return PASS;
    }
    finish_address(label, scratch, spoken, family)
}

/// Judges the address that a socket has itself.
#[inline(always)]
pub fn own_address(label: &Label, socket: Pointer, operation: Operation, family: u16) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Net) };
    scratch.ask(Asked::one(operation));
    let spoken = read_own_address(socket, family, &mut scratch.address) as u32;
    let spoken = scratch.forget(spoken);
    finish_address(label, scratch, spoken, family)
}

/// Judges the address in the buffer, if one could be read, and gives the buffer back.
#[inline(always)]
fn finish_address(label: &Label, scratch: &'static mut Scratch, spoken: u32, family: u16) -> i32 {
    let known = spoken == Spoken::Ip as u32;
    if known {
        judge(label, scratch, judge_address);
    } else {
        let cause = if spoken == Spoken::Short as u32 {
            Cause::ShortAddress
        } else if spoken == Spoken::Unreadable as u32 {
            Cause::Unreadable
        } else {
            Cause::AddressFamily
        };
        scratch.rule(Ruling::denied(scratch.asked().first, cause as u32));
    }
    let ruling = scratch.ruling();
    if ruling.cell.code() != Verdict::Allow as u8 {
        let subject = if known { Subject::Address } else { Subject::Nothing };
        send(scratch, label, Family::Net, subject, (0, 0), family as u32);
    }
    give(scratch);
    result(ruling.passes())
}

/// Judges the word in the buffer, whose kind and place are set, records it and gives the buffer back.
#[inline(always)]
fn finish_word(
    label: &Label,
    scratch: &'static mut Scratch,
    (family, subject): (Family, Subject),
    identity: (u64, u64),
    detail: u32,
) -> i32 {
    judge(label, scratch, judge_path);
    let ruling = scratch.ruling();
    if ruling.cell.code() != Verdict::Allow as u8 {
        send(scratch, label, family, subject, identity, detail);
    }
    give(scratch);
    result(ruling.passes())
}

/// Refuses what could not be resolved, records it and gives the buffer back.
#[inline(always)]
fn finish_doubt(
    label: &Label,
    scratch: &'static mut Scratch,
    family: Family,
    cause: Cause,
    detail: u32,
) -> i32 {
    scratch.rule(Ruling::denied(scratch.asked().first, cause as u32));
    send(scratch, label, family, Subject::Nothing, (0, 0), detail);
    give(scratch);
    EPERM
}

/// Judges the UNIX socket that the file at this place is.
#[inline(always)]
pub fn unix_path(label: &Label, place: Place, operation: Operation) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Unix) };
    scratch.ask(Asked::one(operation));
    scratch.word = word::UNIX;
    match resolve(place, scratch) {
        Ok(Resolved::Path) => {
            finish_word(label, scratch, (Family::Unix, Subject::Unix), identity(place.entry), 0)
        }
        Ok(Resolved::Pipe) => finish_doubt(label, scratch, Family::Unix, Cause::Detached, 0),
        Err(cause) => finish_doubt(label, scratch, Family::Unix, cause, 0),
    }
}

/// Judges a UNIX socket by its address in kernel memory, whose path is empty: abstract, or without a name.
#[inline(always)]
pub fn unix_name(label: &Label, address: Pointer, length: u32, operation: Operation) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Unix) };
    scratch.ask(Asked::one(operation));
    scratch.word = word::UNIX;
    // The family comes first (include/uapi/linux/un.h `struct sockaddr_un`).
    let bytes = length.saturating_sub(2);
    if bytes > UNIX_BYTES {
        return finish_doubt(label, scratch, Family::Unix, Cause::TooLong, length);
    }
    scratch.at = PATH_BYTES as u32 - bytes;
    const { assert!(UNIX_BYTES < 128 && PATH_ROOM > PATH_BYTES + 128) }
    let (at, bytes) = (masked::<{ PATH_BYTES as i32 - 1 }>(scratch.at), masked::<127>(bytes));
    // SAFETY: at + bytes is PATH_BYTES, or both are 0, and the buffer has more.
    let fault = unsafe {
        bpf_probe_read_kernel(
            scratch.path.as_mut_ptr().add(at).cast::<c_void>(),
            bytes as u32,
            address.wrapping_add(2).cast(),
        )
    };
    if fault != 0 {
        return finish_doubt(label, scratch, Family::Unix, Cause::Unreadable, 0);
    }
    finish_word(label, scratch, (Family::Unix, Subject::Unix), (0, 0), 0)
}

/// Judges a signal to a task outside the session, by the program it runs.
#[inline(always)]
pub fn signal(label: &Label, target: Pointer, number: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Signal) };
    scratch.ask(Asked::one(Operation::Signal));
    scratch.word = word::SIGNAL;
    let place = of_file(task::program(target));
    let at = match resolve(place, scratch) {
        Ok(Resolved::Path) => scratch.at,
        Ok(Resolved::Pipe) => 0,
        Err(cause) => return finish_doubt(label, scratch, Family::Signal, cause, number),
    };
    if at == 0 || at >= PATH_BYTES as u32 {
        return finish_doubt(label, scratch, Family::Signal, Cause::TooLong, number);
    }
    let before = masked::<{ PATH_BYTES as i32 - 1 }>(at - 1);
    // SAFETY: before < PATH_BYTES.
    unsafe { *scratch.path.as_mut_ptr().add(before) = number as u8 };
    scratch.at = before as u32;
    judge(label, scratch, judge_path);
    scratch.at = at;
    let ruling = scratch.ruling();
    if ruling.cell.code() != Verdict::Allow as u8 {
        let pid = task::process_id(target) as u64;
        send(scratch, label, Family::Signal, Subject::Process, (0, pid), number);
    }
    give(scratch);
    result(ruling.passes())
}

/// Judges what has a number or nothing: a capability, or something the kernel offers as a whole. Recorded
/// unless the caller only wonders.
#[inline(always)]
pub fn number(label: &Label, operation: Operation, number: u32, silent: bool) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.ask(Asked::one(operation));
    scratch.at = number;
    judge(label, scratch, judge_number);
    let ruling = scratch.ruling();
    if ruling.cell.code() != Verdict::Allow as u8 && !silent {
        send(scratch, label, operation.family(), Subject::Nothing, (0, 0), number);
    }
    give(scratch);
    result(ruling.passes())
}

/// Refuses what no policy can allow, and records it.
#[inline(always)]
pub fn refuse(label: &Label, operation: Operation, cause: Cause, detail: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.rule(Ruling::denied(operation as u8, cause as u32));
    send(scratch, label, operation.family(), Subject::Nothing, (0, 0), detail);
    give(scratch);
    EPERM
}
