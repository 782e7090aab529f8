//! The arguments in the caller's memory, before the exec has copied them.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_loop, bpf_probe_read_user, bpf_probe_read_user_str};
use gatekeeper_common::limits::{HELD_ARGUMENTS, PATH_BYTES};

use crate::bounds::masked;
use crate::kernel::{O_REGISTERS_SECOND, O_REGISTERS_THIRD, Pointer, call, load};
use crate::layout::{PATH_ROOM, Scratch};

/// Bytes of one pointer in the caller's array.
const POINTER_BYTES: u32 = 8;

/// The state of a walk over the caller's array of arguments.
#[repr(C)]
struct Reading {
    scratch: *mut Scratch,
    from: u64,
    ended: u32,
    pad: u32,
}

extern "C" fn turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given, and the buffer belongs to the hook that reads.
    let reading = unsafe { &mut *context.cast::<Reading>() };
    let scratch = reading.scratch;
    // SAFETY: as above.
    let scratch = unsafe { &mut *scratch };
    let mut string = 0_u64;
    let at = reading.from.wrapping_add(u64::from(POINTER_BYTES).wrapping_mul(u64::from(index)));
    // SAFETY: writes one pointer.
    if unsafe { bpf_probe_read_user((&raw mut string).cast(), POINTER_BYTES, at as *const c_void) } != 0 {
        return 1;
    }
    if string == 0 {
        reading.ended = 1;
        return 1;
    }
    let length = scratch.hold.length;
    if length >= PATH_BYTES as u32 {
        return 1;
    }
    let begin = masked::<{ PATH_BYTES as i32 - 1 }>(length);
    let room = masked::<{ 2 * PATH_BYTES as i32 - 1 }>((PATH_BYTES as u32).wrapping_sub(length)) as u32;
    const { assert!(PATH_ROOM >= PATH_BYTES) }
    // SAFETY: `room` bytes from `begin` end with the arguments; the most that the verifier takes both for
    // ends within the buffer.
    let written = unsafe {
        bpf_probe_read_user_str(
            scratch.hold.arguments.as_mut_ptr().add(begin).cast(),
            room,
            string as *const c_void,
        )
    };
    // A string that fills all that is left may have been cut.
    if written <= 0 || written >= i64::from(room) {
        return 1;
    }
    let written = written.cast_unsigned() as u32;
    scratch.hold.length = length.wrapping_add(written);
    scratch.hold.count = scratch.hold.count.wrapping_add(1);
    if index == 0 {
        scratch.hold.name = written;
    }
    0
}

/// Reads the arguments that the current task's exec was given into the buffer; false where they can't be read
/// whole. Another thread can change that memory: it is good for a clean refusal and for display, and the
/// memory of the new program is compared when it starts.
#[inline(always)]
pub fn read(scratch: &mut Scratch, task: Pointer) -> bool {
    // Pointers of 32 bits stand in other registers, and are shorter.
    if call::is_of_32_bits(task) {
        return false;
    }
    let registers = call::registers(task);
    let from: u64 = match call::number(task) {
        call::EXECVE => load(registers, &O_REGISTERS_SECOND),
        call::EXECVEAT => load(registers, &O_REGISTERS_THIRD),
        _ => return false,
    };
    scratch.hold.length = 0;
    scratch.hold.count = 0;
    scratch.hold.name = 0;
    let mut reading = Reading { scratch: &raw mut *scratch, from, ended: 0, pad: 0 };
    // SAFETY: the callback takes a Reading, and the verifier checks both.
    unsafe { bpf_loop(HELD_ARGUMENTS, turn as *mut c_void, (&raw mut reading).cast(), 0) };
    reading.ended != 0 && scratch.hold.count == scratch.strings
}
