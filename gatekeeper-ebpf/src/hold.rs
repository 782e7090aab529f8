//! The hold: a task stops inside its system call until there is a decision, and the very same call then passes
//! or fails.
//!
//! The hook notes what is asked, stops the process (SIGSTOP) and returns ERESTARTNOINTR. Whoever lets it go on, the
//! kernel starts the call again, the hook judges it anew and looks for the decision on exactly what is asked now; there is
//! none, and it stops again. What can't be started again is refused.

use core::ffi::c_void;
use core::ptr::null_mut;

use aya_ebpf::bindings::{BPF_LOCAL_STORAGE_GET_F_CREATE, BPF_NOEXIST};
use aya_ebpf::helpers::generated::{
    bpf_ktime_get_boot_ns, bpf_loop, bpf_map_update_elem, bpf_probe_read_user, bpf_send_signal_thread,
    bpf_task_storage_get,
};
use gatekeeper_common::counters::SEQUENCE;
use gatekeeper_common::hold::{Grant, Hold, Place, Scope, State};
use gatekeeper_common::limits::{GRANTS_PER_SESSION, HOLDS_PER_SESSION, HOLDS_PER_THREAD, PATH_BYTES};
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::{Cause, Verdict};

use crate::arguments;
use crate::bounds::{masked, pick_mut};
use crate::emit::{count, fill, is_recording, output};
use crate::kernel::file::{identity, of_file};
use crate::kernel::{O_MM_ARG_START, O_TASK_FLAGS, O_TASK_MM, Pointer, load, task};
use crate::layout::{HoldSlot, Scratch, ThreadHolds, step};
use crate::maps::{DECISIONS, GRANTS, HOLDS, WAITS};
use crate::ruling::on_ask;
use crate::scratch::numbered;

/// What becomes of an operation that the rules ask about.
pub type Answer = u64;
/// It is refused.
pub const DENIED: Answer = 0;
/// It passes.
pub const PASSED: Answer = 1;
/// Its task has been stopped; the call will start again.
pub const HELD: Answer = 2;

/// ERESTARTNOINTR (include/linux/errno.h): start the call again, whatever signals came.
pub const RESTART: i32 = -513;

const SIGSTOP: u32 = 19;

/// No slot.
const NONE: u32 = u32::MAX;

#[inline(always)]
fn storage(task: Pointer, flags: u64) -> Option<&'static mut ThreadHolds> {
    // SAFETY: the map is a task storage with ThreadHolds for its value; the verifier knows the task.
    let wait: *mut ThreadHolds = unsafe {
        bpf_task_storage_get((&raw const WAITS).cast_mut().cast(), task.cast_mut().cast(), null_mut(), flags)
    }
    .cast();
    // SAFETY: storage lives as long as its task, which can't end before this program does.
    if wait.is_null() { None } else { Some(unsafe { &mut *wait }) }
}

/// Runs a block for each slot of a thread. Not a loop, as [`crate::decide::each_layer`].
macro_rules! each_slot {
    ($slot:ident of $wait:ident => $body:block) => {
        each_slot!($slot, _number, $wait, $body, 0 1 2 3);
    };
    ($slot:ident, $index:ident of $wait:ident => $body:block) => {
        each_slot!($slot, $index, $wait, $body, 0 1 2 3);
    };
    ($slot:ident, $index:ident, $wait:ident, $body:block, $($number:literal)*) => {
        $(
            {
                const { assert!($number < HOLDS_PER_THREAD && HOLDS_PER_THREAD == 4) }
                let $slot = &mut $wait.slots[$number];
                let $index: u32 = $number;
                $body
            }
        )*
    };
}

/// What asks about programs is kept until the new program runs; the others until their hook returns.
#[inline(always)]
fn is_exec(operation: u32) -> bool {
    operation == Operation::Exec as u32 || operation == Operation::Setuid as u32
}

/// Whether a hook that judges this operation can judge more than one thing. Each such hook calls [`end`].
#[inline(always)]
fn is_one_of_several(operation: u32) -> bool {
    operation == Operation::Rename as u32
        || operation == Operation::Link as u32
        || operation == Operation::Create as u32
        || operation == Operation::Metadata as u32
}

#[inline(always)]
fn hold_at(place: Place) -> Option<&'static mut Hold> {
    // SAFETY: the map's value, which stays readable until the program ends.
    HOLDS.get_ptr_mut(place).map(|hold| unsafe { &mut *hold })
}

/// Frees the slot and its place in the table.
#[inline(always)]
fn drop_slot(slot: &mut HoldSlot) {
    if slot.id != 0
        && let Some(hold) = hold_at(slot.place)
        && hold.event.sequence == slot.id
    {
        hold.state = State::Answered as u32;
    }
    slot.id = 0;
}

#[repr(C)]
struct Bytes {
    mine: *const u8,
    theirs: *const u8,
    /// Bytes of theirs that have no like.
    skip: u32,
    length: u32,
    differ: u64,
}

extern "C" fn compare_turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop hands on the pointer it was given.
    let bytes = unsafe { &mut *context.cast::<Bytes>() };
    if index >= bytes.length {
        return 1;
    }
    let at = masked::<{ PATH_BYTES as i32 - 1 }>(index);
    let other = masked::<{ PATH_BYTES as i32 - 1 }>(index.wrapping_add(bytes.skip));
    // SAFETY: both have PATH_BYTES.
    let same = unsafe { *bytes.mine.add(at) == *bytes.theirs.add(other) };
    if !same {
        bytes.differ = 1;
    }
    !same as i64
}

#[inline(always)]
fn same_bytes(mine: *const u8, theirs: *const u8, skip: u32, length: u32) -> bool {
    let mut bytes = Bytes { mine, theirs, skip, length, differ: 0 };
    // SAFETY: the callback takes Bytes, and the verifier checks both.
    unsafe { bpf_loop(length, compare_turn as *mut c_void, (&raw mut bytes).cast(), 0) };
    bytes.differ == 0 && length <= PATH_BYTES as u32
}

/// Whether two holds ask for the same thing by the same rule.
#[inline(always)]
fn same_question(mine: &Hold, theirs: &Hold) -> bool {
    let (a, b) = (&mine.event, &theirs.event);
    a.generation == b.generation
        && a.serial == b.serial
        && a.rule == b.rule
        && a.operation == b.operation
        && a.asking == b.asking
        && a.layer == b.layer
        && a.session == b.session
        && a.uid == b.uid
        && a.device == b.device
        && a.inode == b.inode
        && a.object == b.object
        && a.length == b.length
        && a.detail == b.detail
        && mine.device == theirs.device
        && mine.inode == theirs.inode
        && mine.changed == theirs.changed
        && mine.folder == theirs.folder
        && mine.length == theirs.length
        && mine.count == theirs.count
        && same_bytes(mine.object.as_ptr(), theirs.object.as_ptr(), 0, a.length)
        && same_bytes(mine.arguments.as_ptr(), theirs.arguments.as_ptr(), 0, mine.length)
}

/// Whether what stands in the buffer is what the hold at this place asks, which has this number.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn asks_same(buffer: u32, session: u64, index: u32, id: u64) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let Some(hold) = hold_at(Place { session, index, pad: 0 }) else { return 0 };
    let own = &scratch.hold;
    let same = hold.event.sequence == id
        && own.event.program == hold.event.program
        && own.event.pid == hold.event.pid
        && own.event.tid == hold.event.tid
        && same_question(own, hold);
    same as u32
}

#[repr(C)]
struct Search {
    session: u64,
    now: u64,
    found: u64,
    buffer: u32,
    index: u32,
}

extern "C" fn grant_turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    let search = unsafe { &mut *context.cast::<Search>() };
    let place = Place { session: search.session, index, pad: 0 };
    // SAFETY: the map's value, which stays readable until the program ends.
    let Some(grant) = GRANTS.get_ptr(place).map(|grant: *const Grant| unsafe { &*grant }) else { return 0 };
    let Some(scratch) = numbered(search.buffer) else { return 1 };
    if grant.until <= search.now {
        return 0;
    }
    let (own, event) = (&scratch.hold, &grant.hold.event);
    let covers = if grant.scope == Scope::Rule as u32 {
        own.event.generation == event.generation
            && own.event.serial == event.serial
            && own.event.rule == event.rule
            && own.event.asking == 1
    } else {
        grant.scope == Scope::Exact as u32 && same_question(own, &grant.hold)
    };
    if covers {
        search.found = event.sequence;
    }
    covers as i64
}

/// The hold whose approval covers what stands in the buffer; 0 where none does.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn granted(buffer: u32) -> u64 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let session = scratch.hold.event.session;
    // SAFETY: has no precondition.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let mut search = Search { session, now, found: 0, buffer, index: 0 };
    // SAFETY: the callback takes a Search, and the verifier checks both.
    unsafe { bpf_loop(GRANTS_PER_SESSION, grant_turn as *mut c_void, (&raw mut search).cast(), 0) };
    search.found
}

/// Threads begin to look for a free place each at another.
#[inline(always)]
fn spread(index: u32, thread: u32) -> u32 {
    const { assert!(HOLDS_PER_SESSION.is_power_of_two()) }
    index.wrapping_add(thread) & (HOLDS_PER_SESSION - 1)
}

extern "C" fn place_turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    let search = unsafe { &mut *context.cast::<Search>() };
    let Some(scratch) = numbered(search.buffer) else { return 1 };
    let index = spread(index, scratch.hold.event.tid);
    let place = Place { session: search.session, index, pad: 0 };
    if let Some(hold) = hold_at(place) {
        if hold.state != State::Answered as u32 {
            return 0;
        }
        // Another may be quicker; then the insertion fails.
        let _ = HOLDS.remove(place);
    }
    // SAFETY: key and value are as the map has them; the hold lies whole in the buffer.
    let refused = unsafe {
        bpf_map_update_elem(
            (&raw const HOLDS).cast_mut().cast(),
            (&raw const place).cast(),
            (&raw const scratch.hold).cast(),
            BPF_NOEXIST as u64,
        )
    };
    if refused != 0 {
        return 0;
    }
    search.index = index;
    search.found = 1;
    1
}

/// Puts the hold in the buffer into a free place of its session; its index and one, or 0 where there is none.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn put(buffer: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let mut search = Search { session: scratch.hold.event.session, now: 0, found: 0, buffer, index: 0 };
    // SAFETY: as in `granted`.
    unsafe { bpf_loop(HOLDS_PER_SESSION, place_turn as *mut c_void, (&raw mut search).cast(), 0) };
    if search.found == 0 { 0 } else { search.index + 1 }
}

const PF_EXITING: u32 = 0x4;
const PF_IO_WORKER: u32 = 0x10;
const PF_USER_WORKER: u32 = 0x4000;
const PF_KTHREAD: u32 = 0x0020_0000;

/// Whether the current task is in a system call of its own that can start again. What io_uring does within
/// `io_uring_enter` is a request's, which fails and does not start again.
#[inline(always)]
fn can_stop(current: Pointer) -> bool {
    let flags: u32 = load(current, &O_TASK_FLAGS);
    flags & (PF_EXITING | PF_IO_WORKER | PF_USER_WORKER | PF_KTHREAD) == 0
        && task::call(current) != task::IO_URING_ENTER
}

/// Sent to the thread, though it stops the process: one that waits for the process already would swallow it, the thread
/// would have no signal and the call would return [`RESTART`] (kernel/signal.c `legacy_queue`).
#[inline(always)]
fn stop() -> bool {
    // SAFETY: has no precondition.
    unsafe { bpf_send_signal_thread(SIGSTOP) == 0 }
}

/// Records what stands in the buffer, numbered unless it is already. A function by itself, so that the verifier goes
/// through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn tell(buffer: u32, cause: u32, family: u32, hold: u64) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    if scratch.hold.event.sequence == 0 {
        scratch.hold.event.sequence = count(SEQUENCE) + 1;
    }
    scratch.hold.event.cause = cause as u8;
    scratch.hold.event.hold = hold;
    output(scratch, family);
    1
}

#[inline(always)]
fn refuse(scratch: &mut Scratch, cause: Cause, family: u32) -> Answer {
    tell(scratch.number, cause as u32, family, 0);
    DENIED
}

#[inline(always)]
fn decided(scratch: &mut Scratch, approved: bool, family: u32, hold: u64) -> Answer {
    let required = scratch.ruling().cell.is_required();
    let kept = !required || is_recording();
    let passed = approved && kept;
    scratch.hold.event.passed = passed as u8;
    let cause = if kept { Cause::Decided } else { Cause::Unrecorded };
    tell(scratch.number, cause as u32, family, hold);
    if passed && !(required && scratch.unsent != 0) { PASSED } else { DENIED }
}

/// Asks about what stands in the buffer: approvals for more than once, then the thread's own holds, else a new one.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn ask(buffer: u32, subject: u32, family: u32) -> Answer {
    let Some(scratch) = numbered(buffer) else { return DENIED };
    let current = task::current();
    fill(scratch, subject);
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
    let grant = granted(buffer);
    if grant != 0 && !executes {
        return decided(scratch, true, family, grant);
    }
    if grant == 0 && (scratch.request().on_ask == on_ask::REFUSE || !can_stop(current)) {
        return refuse(scratch, Cause::CantHold, family);
    }
    let Some(wait) = storage(current, BPF_LOCAL_STORAGE_GET_F_CREATE as u64) else {
        return refuse(scratch, Cause::NoMemory, family);
    };
    let mut same = NONE;
    each_slot!(slot, number of wait => {
        if slot.id != 0 && asks_same(buffer, slot.place.session, slot.place.index, slot.id) != 0 {
            same = number;
        }
    });
    if same != NONE {
        let slot = pick_mut(&mut wait.slots, same);
        if grant == 0 && slot.step != step::USED {
            return again(scratch, slot, &mut wait.exec, family);
        }
        drop_slot(slot);
    }
    let id = count(SEQUENCE) + 1;
    scratch.hold.event.sequence = id;
    let index = put(buffer);
    if index == 0 {
        return refuse(scratch, Cause::TooManyHolds, family);
    }
    let turn = wait.turn;
    wait.turn = turn.wrapping_add(1);
    let place = Place { session: scratch.hold.event.session, index: index - 1, pad: 0 };
    let slot = pick_mut(&mut wait.slots, turn);
    drop_slot(slot);
    *slot = HoldSlot { id, place, step: step::WAITING, operation: scratch.ruling().operation };
    if grant != 0 {
        use_up(slot);
        return decided(scratch, true, family, grant);
    }
    if !stop() {
        drop_slot(slot);
        return refuse(scratch, Cause::CantHold, family);
    }
    wait.exec = executes as u32;
    tell(buffer, Cause::Held as u32, family, id);
    HELD
}

/// What was approved passes, and is remembered until its call is through.
#[inline(always)]
fn use_up(slot: &mut HoldSlot) {
    slot.step = step::USED;
    if let Some(hold) = hold_at(slot.place) {
        hold.state = State::Approved as u32;
    }
}

/// A hold is asked about again: it has been decided, or waits on.
#[inline(always)]
fn again(scratch: &mut Scratch, slot: &mut HoldSlot, exec: &mut u32, family: u32) -> Answer {
    let id = slot.id;
    if slot.step == step::APPROVED {
        slot.step = step::USED;
        // What comes of it is told as coming from the event that let it pass.
        scratch.hold.event.sequence = id;
        return PASSED;
    }
    let executes = is_exec(slot.operation);
    // SAFETY: the map's value, which stays readable until the program ends.
    let Some(decision) = unsafe { DECISIONS.get(id) }.copied() else {
        *exec = executes as u32;
        return if stop() { HELD } else { refuse(scratch, Cause::CantHold, family) };
    };
    let _ = DECISIONS.remove(id);
    let passed = decision == Verdict::Allow as u64;
    if passed && (executes || is_one_of_several(slot.operation)) {
        use_up(slot);
    } else {
        drop_slot(slot);
    }
    decided(scratch, passed, family, id)
}

/// An exec begins. What was approved for one that a hold stopped half-way is approved still; for one that failed by
/// itself it is not.
#[inline(always)]
pub fn begin_exec(task: Pointer) {
    let Some(wait) = storage(task, 0) else { return };
    let held = wait.exec != 0;
    wait.exec = 0;
    each_slot!(slot of wait => {
        if slot.id != 0 && is_exec(slot.operation) && slot.step != step::WAITING {
            if held {
                slot.step = step::APPROVED;
            } else {
                drop_slot(slot);
            }
        }
    });
}

/// A hook that judges several things has judged them: where one is held, what was approved of the others is
/// approved still.
#[inline(always)]
pub fn end(result: i32) -> i32 {
    let Some(wait) = storage(task::current(), 0) else { return result };
    each_slot!(slot of wait => {
        if slot.id != 0 && slot.step == step::USED && !is_exec(slot.operation) {
            if result == RESTART {
                slot.step = step::APPROVED;
            } else {
                drop_slot(slot);
            }
        }
    });
    result
}

/// Whether an exec that is about to get through was approved: it must answer for that once it has.
#[inline(always)]
pub fn pends(task: Pointer) -> bool {
    let Some(wait) = storage(task, 0) else { return false };
    let mut pends = false;
    each_slot!(slot of wait => {
        if slot.id != 0 && is_exec(slot.operation) && slot.step == step::USED {
            pends = true;
        }
    });
    pends
}

/// What the arguments of the program that has just started say of the approvals that let it start.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum Finding {
    /// It needed none.
    None = 0,
    /// They are what was shown.
    Same = 1,
    /// They are not.
    Changed = 2,
}

/// Ends the approvals of an exec that has got through, `strings` being how many arguments the program has.
#[inline(always)]
pub fn end_exec(scratch: &mut Scratch, strings: u32) -> Finding {
    let Some(wait) = storage(task::current(), 0) else { return Finding::None };
    wait.exec = 0;
    let buffer = scratch.number;
    let mut finding = Finding::None;
    each_slot!(slot of wait => {
        if slot.id != 0 && is_exec(slot.operation) {
            if slot.step == step::USED && finding != Finding::Changed {
                let place = slot.place;
                finding = if same_arguments(buffer, place.session, place.index, slot.id, strings) == 0 {
                    Finding::Changed
                } else {
                    Finding::Same
                };
            }
            drop_slot(slot);
        }
    });
    finding
}

/// Whether the arguments in the new program's memory are those of the hold at this place. A script's own follow those
/// that its interpreter got from the kernel, and its name is gone (fs/binfmt_script.c `load_script`).
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn same_arguments(buffer: u32, session: u64, index: u32, id: u64, strings: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let Some(hold) = hold_at(Place { session, index, pad: 0 }) else { return 0 };
    let current = task::current();
    let mm: Pointer = load(current, &O_TASK_MM);
    if mm.is_null() || hold.event.sequence != id {
        return 0;
    }
    // Who shares its folder with another process can still be led elsewhere.
    if hold.folder != task::folder(current) || task::shares_folder(current) {
        return 0;
    }
    let skip = if strings == hold.count { 0 } else { hold.name };
    let length = hold.length.wrapping_sub(skip);
    let whole = arguments::bytes(mm);
    if length > PATH_BYTES as u32 || whole < length as u64 || (skip == 0 && whole != length as u64) {
        return 0;
    }
    let from = load::<u64>(mm, &O_MM_ARG_START).wrapping_add(whole - length as u64);
    if skip != 0 {
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
    (fault == 0 && same_bytes(mine, theirs, skip, length)) as u32
}

/// A task ends: nobody needs to decide any more.
#[inline(always)]
pub fn leave(task: Pointer) {
    let Some(wait) = storage(task, 0) else { return };
    each_slot!(slot of wait => { drop_slot(slot); });
}
