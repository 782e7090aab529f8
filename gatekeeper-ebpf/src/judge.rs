//! From a hook's question to the number it returns: resolve, decide, record.

use core::ffi::c_void;
use core::ptr::read_volatile;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use gatekeeper_common::counters::{SEQUENCE, denied, lost};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::label::{Label, REQUIRED, UNSENT};
use gatekeeper_common::limits::{PATH_BYTES, UNIX_BYTES};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::arguments;
use crate::bounds::masked;
use crate::cache;
use crate::decide::{all_allow_name, judge, judge_address, judge_number, judge_path};
use crate::emit::{Subject, count, describe, record, send};
use crate::hold;
use crate::kernel::file::{Place, changed, identity, of_file};
use crate::kernel::socket::{Spoken, read_address, read_own_address};
use crate::kernel::task;
use crate::kernel::{O_MM_ARG_END, O_TASK_MM, Pointer, load};
use crate::label;
use crate::layout::{PATH_ROOM, Scratch, automata};
use crate::path::{Resolved, resolve};
use crate::ruling::{Request, Ruling, on_ask};
use crate::scratch::{give, numbered, take};

/// What every hook returns to let an operation pass.
pub const PASS: i32 = 0;
/// What every hook returns to refuse one.
pub const EPERM: i32 = -1;

/// What a hook returns. Written out: the compiler would compute it, and the verifier would lose the range that every
/// hook's result must lie in.
#[inline(always)]
pub fn result(answer: hold::Answer) -> i32 {
    let result: u64;
    // SAFETY: changes one register.
    unsafe {
        core::arch::asm!(
            "{result} = 0",
            "if {answer} == {PASSED} goto +3",
            "{result} = -1",
            "if {answer} != {HELD} goto +1",
            "{result} = {RESTART}",
            result = out(reg) result,
            answer = in(reg) answer,
            PASSED = const hold::PASSED as i32,
            HELD = const hold::HELD as i32,
            RESTART = const hold::RESTART,
            options(nomem, nostack)
        );
    }
    result as i32
}

/// Ends a judgement: records it unless it is allowed plainly, and asks where the rules ask.
#[inline(always)]
pub fn conclude(
    label: &Label,
    scratch: &mut Scratch,
    (family, subject): (Family, Subject),
    identity: (u64, u64),
    detail: u32,
) -> i32 {
    if scratch.ruling().cell.code() == Verdict::Allow as u8 {
        return PASS;
    }
    describe(scratch, label, identity, detail);
    scratch.strings = label.strings;
    result(settle(scratch.number, subject as u32, family as u32))
}

/// The rest of [`conclude`], a function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn settle(buffer: u32, subject: u32, family: u32) -> hold::Answer {
    let Some(scratch) = numbered(buffer) else { return hold::DENIED };
    let ruling = scratch.ruling();
    if ruling.cell.code() == Verdict::Ask as u8 && ruling.cause == Cause::Held as u32 {
        return if scratch.request().on_ask == on_ask::PASS {
            hold::PASSED
        } else {
            hold::ask(buffer, subject, family)
        };
    }
    record(buffer, subject, family);
    scratch.ruling().passes() as hold::Answer
}

/// Counts an operation that is denied because no buffer is free to judge it in.
#[inline(always)]
pub fn no_buffer(family: Family) -> i32 {
    count(SEQUENCE);
    count(lost(family));
    count(denied(Cause::NoMemory));
    EPERM
}

/// The family of what is asked of a place: all of it belongs to one.
#[inline(always)]
fn family(asked: Request) -> Family {
    if asked.is(Operation::Exec) || asked.is(Operation::Setuid) { Family::Exec } else { Family::File }
}

/// Judges a place in the tree.
#[inline(always)]
pub fn place(label: &mut Label, place: Place, asked: Request) -> i32 {
    let Some(scratch) = take() else { return no_buffer(family(asked)) };
    let result = judge_place(label, scratch, place, asked);
    give(scratch);
    result
}

/// Judges starting a program; keeps with the task what depends on its arguments, of which `arguments` are the
/// program's own.
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
        } else if arguments + 1 == label.strings && arguments::pends(task) {
            early(scratch.number);
        }
    }
    let subject = if found { Subject::Path } else { Subject::Nothing };
    let (identity, bit) = (identity(place.entry), Operation::Exec.bit());
    let asks = scratch.ruling().cell.code() == Verdict::Ask as u8;
    let result = if asks {
        scratch.changed = changed(place.entry);
        conclude(label, scratch, (Family::Exec, subject), identity, bit)
    } else {
        send(scratch, label, Family::Exec, subject, identity, bit);
        result(scratch.ruling().passes() as hold::Answer)
    };
    if result == PASS {
        label.pending = scratch.hold.event.sequence;
        label.exec |= (scratch.ruling().cell.is_required() as u32 * REQUIRED) | (scratch.unsent * UNSENT);
    }
    give(scratch);
    result
}

/// Judges the arguments as the task's memory has them now, so that what they forbid is refused and not killed, and
/// what they ask about can be held. Where they can't be read, only what the program gets will tell. A function by
/// itself: the stack has no room for it beside all else.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn early(buffer: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let current = task::current();
    let Some(label) = label::current() else { return 0 };
    scratch.strings = label.strings;
    if !arguments::read(scratch, current) {
        return 0;
    }
    scratch.set_aside();
    let asking = scratch.asking;
    arguments::of_buffer(scratch);
    arguments::judge(label, scratch, current, label.strings);
    if scratch.ruling().cell.code() <= scratch.aside_code() {
        scratch.restore();
        scratch.asking = asking;
    }
    1
}

/// Judges the arguments that a program has got, `strings` of them. A function by itself, as [`early`].
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn last(buffer: u32, strings: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let current = task::current();
    let Some(label) = label::of(current) else { return 0 };
    arguments::of_memory(&mut scratch.check, load(current, &O_TASK_MM));
    arguments::judge(label, scratch, current, strings);
    1
}

/// Judges an executable mapping of a file, or of nothing.
///
/// Request twice whether it is nothing: newer verifiers want to see the pointer itself checked, older ones
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
        // While an exec sets up its memory nothing can start again (fs/binfmt_elf.c `create_elf_tables`).
        let memory: Pointer = load(task::current(), &O_TASK_MM);
        let waits = load::<u64>(memory, &O_MM_ARG_END) != 0;
        judge_place(label, scratch, of_file(mapped), Request::one(Operation::Map).held_if(waits))
    };
    give(scratch);
    result
}

/// What resolving a place comes to as a number: the code of a cause to deny it, or one of these.
const FOUND: u32 = Cause::Policy as u32;
const PIPE: u32 = u32::MAX;

#[inline(always)]
fn judge_place(label: &mut Label, scratch: &mut Scratch, place: Place, asked: Request) -> i32 {
    scratch.set_request(asked);
    scratch.automata = automata::PATH;
    cache::identify(scratch, place);
    if cache::put_name(scratch, place) && all_allow_name(label, scratch) {
        return PASS;
    }
    let outcome = find(scratch, place);
    if outcome == PIPE && !asked.is(Operation::Setuid) && !asked.is(Operation::Map) {
        return PASS;
    }
    let found = decide_found(label, scratch, place, outcome);
    let subject = if found { Subject::Path } else { Subject::Nothing };
    let bits = scratch.request().bits();
    if asked.is(Operation::Setuid) {
        scratch.changed = changed(place.entry);
    }
    conclude(label, scratch, (family(asked), subject), identity(place.entry), bits)
}

/// Resolves and decides; whether there is a path. The ruling stands in the buffer.
#[inline(always)]
fn decide_place(label: &Label, scratch: &mut Scratch, place: Place) -> bool {
    let outcome = find(scratch, place);
    decide_found(label, scratch, place, outcome)
}

#[inline(always)]
fn find(scratch: &mut Scratch, place: Place) -> u32 {
    let outcome = match resolve(place, scratch) {
        Ok(Resolved::Path) => FOUND,
        Ok(Resolved::Pipe) => PIPE,
        Err(cause) => cause as u32,
    };
    scratch.forget(outcome)
}

#[inline(always)]
fn decide_found(label: &Label, scratch: &mut Scratch, place: Place, outcome: u32) -> bool {
    if outcome == FOUND {
        cache::allow_keeping(scratch, place);
        judge(label, scratch, judge_path);
    } else {
        let cause = if outcome == PIPE { Cause::Detached as u32 } else { outcome };
        scratch.set_ruling(Ruling::denied(scratch.request().first, cause));
    }
    outcome == FOUND
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
    scratch.set_request(Request::one(operation));
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
    scratch.set_request(Request::one(operation));
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
        scratch.set_ruling(Ruling::denied(scratch.request().first, cause as u32));
    }
    let subject = if known { Subject::Address } else { Subject::Nothing };
    let result = conclude(label, scratch, (Family::Net, subject), (0, 0), family as u32);
    give(scratch);
    result
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
    let result = conclude(label, scratch, (family, subject), identity, detail);
    give(scratch);
    result
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
    scratch.set_ruling(Ruling::denied(scratch.request().first, cause as u32));
    send(scratch, label, family, Subject::Nothing, (0, 0), detail);
    give(scratch);
    EPERM
}

/// Judges the UNIX socket that the file at this place is.
#[inline(always)]
pub fn unix_path(label: &Label, place: Place, operation: Operation) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Unix) };
    scratch.set_request(Request::one(operation));
    scratch.automata = automata::UNIX;
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
    scratch.set_request(Request::one(operation));
    scratch.automata = automata::UNIX;
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
    scratch.set_request(Request::one(Operation::Signal));
    scratch.automata = automata::SIGNAL;
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
    let pid = task::process_id(target) as u64;
    let result = conclude(label, scratch, (Family::Signal, Subject::Process), (0, pid), number);
    give(scratch);
    result
}

/// Judges what has a number or nothing: a capability, or something the kernel offers as a whole. Recorded
/// unless the caller only wonders. Whoever asks for a capability turns what a hook returns into a plain refusal
/// (kernel/capability.c `ns_capable_common`): it can't wait.
#[inline(always)]
pub fn number(label: &Label, operation: Operation, number: u32, silent: bool) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.set_request(Request::one(operation).held_if(operation as u8 != Operation::Capability as u8));
    scratch.at = number;
    judge(label, scratch, judge_number);
    let result = if silent {
        result(scratch.ruling().passes() as hold::Answer)
    } else {
        conclude(label, scratch, (operation.family(), Subject::Nothing), (0, 0), number)
    };
    give(scratch);
    result
}

/// Refuses what no policy can allow, and records it.
#[inline(always)]
pub fn refuse(label: &Label, operation: Operation, cause: Cause, detail: u32) -> i32 {
    let Some(scratch) = take() else { return no_buffer(operation.family()) };
    scratch.set_ruling(Ruling::denied(operation as u8, cause as u32));
    send(scratch, label, operation.family(), Subject::Nothing, (0, 0), detail);
    give(scratch);
    EPERM
}
