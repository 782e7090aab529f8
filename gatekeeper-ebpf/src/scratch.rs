//! Working memory: too large for the stack, and never shared by two hooks at once.
//!
//! A hook runs with migration off but can be preempted, and the task that runs next on the CPU can
//! enter a hook too. So a CPU has several buffers, and a hook owns one from `take` to `give`.

use core::ptr::write_volatile;

use gatekeeper_common::event::Header;
use gatekeeper_common::limits::{NAME_BYTES, PATH_BYTES, SCRATCH_SLOTS};

use crate::atomic;
use crate::maps::SCRATCH;

/// Room for a path built from its end, and behind it for one name more, so that the verifier sees every
/// copy of a name end inside.
pub const PATH_ROOM: usize = PATH_BYTES + NAME_BYTES + 1;

/// One buffer.
#[repr(C)]
pub struct Scratch {
    busy: u64,
    /// First byte of the path in `path`; it ends at `PATH_BYTES`.
    pub at: u32,
    pad: u32,
    /// The event under construction: the header and, once it is sent, the object.
    pub event: Header,
    /// The object of the event, contiguous with its header.
    pub object: [u8; PATH_BYTES],
    /// The path, from `at` to `PATH_BYTES`.
    pub path: [u8; PATH_ROOM],
}

/// A free buffer of this CPU, or none if all are in use.
#[inline(always)]
pub fn take() -> Option<&'static mut Scratch> {
    for slot in 0..SCRATCH_SLOTS {
        let pointer = SCRATCH.get_ptr_mut(slot)?;
        // SAFETY: the map's value, alive as long as the program; `busy` makes it ours alone.
        let scratch = unsafe { &mut *pointer };
        if atomic::swap(&raw mut scratch.busy, 1) == 0 {
            return Some(scratch);
        }
    }
    None
}

/// Gives a buffer back.
#[inline(always)]
pub fn give(scratch: &'static mut Scratch) {
    // SAFETY: a field of a live value; nothing of the buffer is touched after this.
    unsafe { write_volatile(&raw mut scratch.busy, 0) };
}
