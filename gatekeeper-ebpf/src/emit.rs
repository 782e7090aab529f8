//! Records an operation: number it, fill in who and what, send it, count what finds no room.

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
use crate::maps::{COUNTERS, EVENTS};
use crate::scratch::{Scratch, numbered};

/// Adds one to a counter; the value before. Zero where there is no such counter.
#[inline(always)]
pub fn count(counter: u32) -> u64 {
    match COUNTERS.get_ptr_mut(counter) {
        Some(value) => atomic::fetch_add(value, 1),
        None => 0,
    }
}

/// What an event is about; the codes are those of [`Object`].
#[derive(Clone, Copy)]
#[repr(u32)]
pub enum Subject {
    /// Nothing more than its `detail`.
    Nothing,
    /// The path in the scratch buffer.
    Path,
    /// The address in the scratch buffer.
    Address,
    /// The name of a UNIX socket in the scratch buffer.
    Unix,
    /// The path in the scratch buffer is that of a process's program.
    Process,
    /// The arguments of the program that the current task has just started.
    Arguments,
}

/// Sends an event about the ruling in the scratch buffer; its number.
#[inline(always)]
pub fn send(
    scratch: &mut Scratch,
    label: &Label,
    family: Family,
    subject: Subject,
    identity: (u64, u64),
    detail: u32,
) -> u64 {
    scratch.event.session = label.session;
    scratch.event.program = label.program;
    scratch.event.device = identity.0;
    scratch.event.inode = identity.1;
    scratch.event.detail = detail;
    record(scratch.number, subject as u32, family as u32)
}

/// The rest of `send`, a function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn record(buffer: u32, subject: u32, family: u32) -> u64 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let ruling = scratch.ruling();
    let sequence = count(counters::SEQUENCE) + 1;
    let current = task::current();
    // SAFETY: these helpers have no preconditions.
    let (time, ids, owner) =
        unsafe { (bpf_ktime_get_boot_ns(), bpf_get_current_pid_tgid(), bpf_get_current_uid_gid()) };
    scratch.event = Header {
        sequence,
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
        passed: ruling.passes() as u8,
        layer: ruling.layer as u8,
        pad: [0; 2],
        comm: [0; 16],
        ..scratch.event
    };
    // SAFETY: writes 16 bytes at most, with the closing NUL.
    unsafe { bpf_get_current_comm(scratch.event.comm.as_mut_ptr().cast::<c_void>(), 16) };
    let at = scratch.at;
    let is_text = subject == Subject::Path as u32
        || subject == Subject::Unix as u32
        || subject == Subject::Process as u32;
    if is_text && at < PATH_BYTES as u32 {
        let length = PATH_BYTES as u32 - at;
        scratch.event.object = subject as u8;
        scratch.event.length = length;
        // SAFETY: at + length == PATH_BYTES, the object's own size.
        unsafe {
            bpf_probe_read_kernel(
                scratch.object.as_mut_ptr().cast::<c_void>(),
                length,
                scratch.path.as_ptr().add(at as usize).cast::<c_void>(),
            )
        };
    }
    if subject == Subject::Address as u32 {
        scratch.event.object = Object::Address as u8;
        scratch.event.length = size_of::<Address>() as u32;
        // SAFETY: the object has room for any address, at any alignment.
        unsafe { scratch.object.as_mut_ptr().cast::<Address>().write_unaligned(scratch.address) };
    }
    if subject == Subject::Arguments as u32 {
        let mm: Pointer = load(current, &O_TASK_MM);
        let whole = scratch.event.inode;
        let mut length = PATH_BYTES as u32;
        if whole < PATH_BYTES as u64 {
            length = whole as u32;
        }
        let from: u64 = load(mm, &O_MM_ARG_START);
        // SAFETY: the object has PATH_BYTES.
        let fault = unsafe {
            bpf_probe_read_user(scratch.object.as_mut_ptr().cast::<c_void>(), length, from as *const c_void)
        };
        scratch.event.object = Object::Arguments as u8;
        scratch.event.length = if fault == 0 { length } else { 0 };
    }
    let mut length = scratch.event.length;
    if length > PATH_BYTES as u32 {
        length = PATH_BYTES as u32;
    }
    // SAFETY: the object follows the header in memory, and length stays within it.
    let refused = unsafe {
        bpf_ringbuf_output(
            (&raw const EVENTS).cast_mut().cast(),
            (&raw mut scratch.event).cast::<c_void>(),
            (size_of::<Header>() as u32 + length) as u64,
            0,
        )
    };
    if refused != 0 {
        count(counters::lost(Family::Exec) + family);
    }
    if ruling.cause != Cause::Policy as u32 {
        count(counters::denied(Cause::Policy) + ruling.cause);
    }
    sequence
}
