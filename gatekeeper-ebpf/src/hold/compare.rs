//! The comparison of holds: an approval binds byte by byte.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::hold::{Hold, TableKey};
use gatekeeper_common::limits::PATH_BYTES;

use super::table::hold_at;
use crate::bounds::masked;
use crate::scratch::numbered;

/// The state of a comparison.
#[repr(C)]
struct Bytes {
    mine: *const u8,
    theirs: *const u8,
    /// Bytes at the beginning of `theirs` that are left out.
    skip: u32,
    length: u32,
    differ: u64,
}

extern "C" fn turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
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
    i64::from(!same)
}

/// Whether `length` bytes of two buffers of PATH_BYTES are the same, `skip` bytes of theirs left out.
#[inline(always)]
pub fn same_bytes(mine: *const u8, theirs: *const u8, skip: u32, length: u32) -> bool {
    let mut bytes = Bytes { mine, theirs, skip, length, differ: 0 };
    // SAFETY: the callback takes Bytes, and the verifier checks both.
    unsafe { bpf_loop(length, turn as *mut c_void, (&raw mut bytes).cast(), 0) };
    bytes.differ == 0 && length <= PATH_BYTES as u32
}

/// Whether two holds ask for the same operation on the same object by the same rule.
#[inline(always)]
pub fn same_request(mine: &Hold, theirs: &Hold) -> bool {
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

/// Whether the hold in the buffer is the one of this number at this place, of the same program and thread. A
/// function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn is_same_hold(buffer: u32, session: u64, index: u32, id: u64) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let Some(hold) = hold_at(TableKey { session, index, pad: 0 }) else { return 0 };
    let own = &scratch.hold;
    let same = hold.event.sequence == id
        && own.event.program == hold.event.program
        && own.event.pid == hold.event.pid
        && own.event.tid == hold.event.tid
        && same_request(own, hold);
    u32::from(same)
}
