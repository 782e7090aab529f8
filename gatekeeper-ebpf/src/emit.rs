//! Events: numbered, filled in, sent to the daemon, and counted where they find no room.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{
    bpf_get_current_comm, bpf_get_current_pid_tgid, bpf_get_current_uid_gid, bpf_ktime_get_boot_ns,
    bpf_probe_read_kernel, bpf_probe_read_user, bpf_ringbuf_output,
};
use gatekeeper_common::counters;
use gatekeeper_common::event::{Address, Header, Object};
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::PATH_BYTES;
use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::Cause;

use crate::atomic;
use crate::kernel::{O_MM_ARG_START, O_TASK_MM, Pointer, load, task};
use crate::layout::Scratch;
use crate::maps::{COUNTERS, EVENTS, RECORDING};
use crate::scratch::numbered;

/// Adds one to a counter; returns the value before, zero where there is no such counter.
#[inline(always)]
pub fn count(counter: u32) -> u64 {
    match COUNTERS.get_ptr_mut(counter) {
        Some(value) => atomic::fetch_add(value, 1),
        None => 0,
    }
}

/// Sends an event about the ruling in the scratch buffer; returns its number. The ruling is a denial
/// afterwards, where the operation has to be recorded and can't be.
#[inline(always)]
pub fn send(
    scratch: &mut Scratch,
    label: &Label,
    (family, object): (Family, Object),
    identity: (u64, u64),
    detail: u32,
) -> u64 {
    describe(scratch, label, identity, detail);
    record(scratch.number, object as u32, family as u32)
}

/// Whether the operation is about to pass, and may pass only if it is recorded.
#[inline(always)]
fn must_be_recorded(scratch: &Scratch) -> bool {
    let ruling = scratch.ruling();
    ruling.passes() && ruling.cell.is_required()
}

/// Whether the trail takes records; false until the daemon writes so.
#[inline(always)]
pub fn is_recording() -> bool {
    RECORDING.get(0).is_some_and(|open| *open == 1)
}

/// Fills in the event's session, program, object and detail.
#[inline(always)]
pub fn describe(scratch: &mut Scratch, label: &Label, identity: (u64, u64), detail: u32) {
    let event = &mut scratch.hold.event;
    event.session = label.session;
    event.program = label.program;
    event.device = identity.0;
    event.inode = identity.1;
    event.detail = detail;
}

/// Records the ruling; returns the event's number. A function by itself, so that the verifier goes through it
/// once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn record(buffer: u32, object: u32, family: u32) -> u64 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    if must_be_recorded(scratch) && !is_recording() {
        scratch.set_ruling(scratch.ruling().unrecorded());
    }
    fill(scratch, object);
    let sequence = count(counters::SEQUENCE).wrapping_add(1);
    scratch.hold.event.sequence = sequence;
    output(scratch, family);
    sequence
}

/// Fills in the rest of the event but for its number: the task, the ruling, and the object of this kind.
#[inline(always)]
pub fn fill(scratch: &mut Scratch, object: u32) {
    let ruling = scratch.ruling();
    let current = task::current();
    // SAFETY: these helpers have no preconditions.
    let (time, ids, owner) =
        unsafe { (bpf_ktime_get_boot_ns(), bpf_get_current_pid_tgid(), bpf_get_current_uid_gid()) };
    scratch.hold.event = Header {
        sequence: 0,
        hold: 0,
        time,
        generation: ruling.generation,
        start: task::start(task::leader(current)),
        pid: (ids >> 32) as u32,
        tid: ids as u32,
        parent: task::parent_id(current),
        uid: owner as u32,
        rule: ruling.cell.rule(),
        serial: ruling.serial,
        length: 0,
        operation: ruling.operation as u8,
        verdict: ruling.cell.code(),
        cause: ruling.cause as u8,
        object: Object::None as u8,
        passed: u8::from(ruling.passes()),
        layer: ruling.layer as u8,
        required: u8::from(ruling.cell.is_required()),
        asking: 0,
        comm: [0; 16],
        ..scratch.hold.event
    };
    // SAFETY: writes 16 bytes at most, with the closing NUL.
    unsafe { bpf_get_current_comm(scratch.hold.event.comm.as_mut_ptr().cast::<c_void>(), 16) };
    let at = scratch.at;
    let is_text =
        object == Object::Path as u32 || object == Object::Unix as u32 || object == Object::Process as u32;
    if is_text && at < PATH_BYTES as u32 {
        let length = (PATH_BYTES as u32).wrapping_sub(at);
        scratch.hold.event.object = object as u8;
        scratch.hold.event.length = length;
        // SAFETY: at + length == PATH_BYTES, the object's own size.
        unsafe {
            bpf_probe_read_kernel(
                scratch.hold.object.as_mut_ptr().cast::<c_void>(),
                length,
                scratch.path.as_ptr().add(at as usize).cast::<c_void>(),
            )
        };
    }
    if object == Object::Address as u32 {
        scratch.hold.event.object = Object::Address as u8;
        scratch.hold.event.length = size_of::<Address>() as u32;
        // SAFETY: the object has room for any address, at any alignment.
        unsafe { scratch.hold.object.as_mut_ptr().cast::<Address>().write_unaligned(scratch.address) };
    }
    if object == Object::Arguments as u32 {
        let mm: Pointer = load(current, &O_TASK_MM);
        let whole = scratch.hold.event.inode;
        let mut length = PATH_BYTES as u32;
        if whole < PATH_BYTES as u64 {
            length = whole as u32;
        }
        let from: u64 = load(mm, &O_MM_ARG_START);
        // SAFETY: the object has PATH_BYTES.
        let fault = unsafe {
            bpf_probe_read_user(
                scratch.hold.object.as_mut_ptr().cast::<c_void>(),
                length,
                from as *const c_void,
            )
        };
        scratch.hold.event.object = Object::Arguments as u8;
        scratch.hold.event.length = if fault == 0 { length } else { 0 };
    }
}

/// Sends the event that stands in the buffer.
#[inline(always)]
pub fn output(scratch: &mut Scratch, family: u32) {
    let mut length = scratch.hold.event.length;
    if length > PATH_BYTES as u32 {
        length = PATH_BYTES as u32;
    }
    // SAFETY: the object follows the header in memory, and length stays within it.
    let refused = unsafe {
        bpf_ringbuf_output(
            (&raw const EVENTS).cast_mut().cast(),
            (&raw mut scratch.hold.event).cast::<c_void>(),
            u64::from((size_of::<Header>() as u32).wrapping_add(length)),
            0,
        )
    };
    scratch.unsent = u32::from(refused != 0);
    if refused != 0 {
        count(counters::lost(Family::Exec).wrapping_add(family));
        if must_be_recorded(scratch) {
            scratch.set_ruling(scratch.ruling().unrecorded());
            count(counters::denied(Cause::Unrecorded));
        }
    }
    let cause = u32::from(scratch.hold.event.cause);
    if cause != Cause::Policy as u32 {
        count(counters::denied(Cause::Policy).wrapping_add(cause));
    }
}
