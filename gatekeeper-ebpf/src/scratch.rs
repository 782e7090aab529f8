//! Access to the scratch buffers: memory too large for the stack, never shared by two hooks at once.
//!
//! A hook runs with migration off but can be preempted, and the task that runs next on the CPU can
//! enter a hook too. So a CPU has several buffers, and a hook owns one from `take` to `give`.

use gatekeeper_common::limits::SCRATCH_SLOTS;

use crate::atomic;
use crate::layout::Scratch;
use crate::maps::SCRATCH;

/// Takes a free buffer of this CPU that is not the first; returns its number, or SCRATCH_SLOTS if all are in
/// use. A function by itself, so that the verifier doesn't go through the caller's rest once for each buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn take_buffer() -> u32 {
    for number in 1..SCRATCH_SLOTS {
        let Some(scratch) = numbered(number) else { break };
        if atomic::swap(&raw mut scratch.busy, 1) == 0 {
            scratch.number = number;
            return number;
        }
    }
    SCRATCH_SLOTS
}

/// A free buffer of this CPU, the caller's until it gives it back; none if all are in use.
#[inline(always)]
pub fn take() -> Option<&'static mut Scratch> {
    // Nearly always free.
    let first = numbered(0)?;
    if atomic::swap(&raw mut first.busy, 1) == 0 {
        return Some(first);
    }
    numbered(take_buffer())
}

/// The buffer with this number, which the caller owns.
#[inline(always)]
pub fn numbered(number: u32) -> Option<&'static mut Scratch> {
    // SAFETY: the map's value, alive as long as the program; `busy` makes it the taker's alone.
    SCRATCH.get_ptr_mut(number).map(|pointer| unsafe { &mut *pointer })
}

/// Gives a buffer back.
#[inline(always)]
pub fn give(scratch: &'static mut Scratch) {
    atomic::clear(&raw mut scratch.busy);
}
