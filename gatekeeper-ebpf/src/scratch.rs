//! Working memory: too large for the stack, and never shared by two hooks at once.
//!
//! A hook runs with migration off but can be preempted, and the task that runs next on the CPU can
//! enter a hook too. So a CPU has several buffers, and a hook owns one from `take` to `give`.

use core::ptr::{copy_nonoverlapping, read_volatile, write_volatile};

use gatekeeper_common::event::Address;
use gatekeeper_common::hold::Hold;
use gatekeeper_common::limits::{LAYERS, NAME_BYTES, PATH_BYTES, SCRATCH_SLOTS};

use crate::arguments::{Condition, Question};
use crate::atomic;
use crate::cache::Key;
use crate::decide::{Asked, Ruling};
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
    /// Number of this buffer among the CPU's.
    pub number: u32,
    /// How a climb ended; see [`crate::path`].
    pub end: u32,
    /// Components of the path.
    pub depth: u32,
    /// The entry a climb has reached above the file's own mount,
    pub entry: u64,
    /// the root of the mount it lies on,
    pub root: u64,
    /// and that mount.
    pub mount: u64,
    /// Where the last name begins in `path`.
    pub name_at: u32,
    /// 1 where only the last name is to be judged, in a directory that the layers know.
    pub name_only: u32,
    /// See [`Scratch::forget`].
    forgotten: u32,
    /// Which word stands in `path`; one of [`crate::decide::word`].
    pub word: u32,
    /// 1 where the program that the task runs is what is mapped.
    pub maps_itself: u32,
    /// The layer that is being asked.
    pub layer: u32,
    /// 1 where the last event found no room.
    pub unsent: u32,
    /// What an exec depends on, by layer.
    pub conditions: [Condition; LAYERS],
    /// The arguments that are being judged.
    pub question: Question,
    /// Generation of the policy that answered last.
    pub generation: u64,
    ruling: Ruling,
    put_by: Ruling,
    /// The directory of the place, while it can be told from all others.
    pub key: Key,
    asked: Asked,
    pad: u8,
    /// The address to be judged.
    pub address: Address,
    /// How many layers ask.
    pub asking: u32,
    /// How many arguments the exec under way was given.
    pub strings: u32,
    /// When the program that is to start was last changed; of other operations it means nothing.
    pub changed: u64,
    /// The event under construction: the header, once it is sent the object, and what a person is shown beside.
    pub hold: Hold,
    /// The path, from `at` to `PATH_BYTES`.
    pub path: [u8; PATH_ROOM],
}

impl Scratch {
    /// The same number, of which the verifier knows nothing any more. What comes after is then gone through
    /// once, and not once for each value the number could have.
    #[inline(always)]
    pub fn forget(&mut self, number: u32) -> u32 {
        // SAFETY: a field of a live value. Volatile, or the compiler would know better.
        unsafe {
            write_volatile(&raw mut self.forgotten, number);
            read_volatile(&raw const self.forgotten)
        }
    }

    /// What is asked; forgotten like a number.
    #[inline(always)]
    pub fn asked(&self) -> Asked {
        // SAFETY: as above.
        unsafe { read_volatile(&raw const self.asked) }
    }

    /// Sets what is asked.
    #[inline(always)]
    pub fn ask(&mut self, asked: Asked) {
        // SAFETY: as above.
        unsafe { write_volatile(&raw mut self.asked, asked) };
    }

    /// The ruling so far; forgotten like a number.
    #[inline(always)]
    pub fn ruling(&self) -> Ruling {
        // SAFETY: as above.
        unsafe { read_volatile(&raw const self.ruling) }
    }

    /// Puts the ruling by, or takes it back. In memory alone: the stack has no room.
    #[inline(always)]
    pub fn put_by(&mut self) {
        // SAFETY: both are fields of a live value.
        unsafe { copy_nonoverlapping(&raw const self.ruling, &raw mut self.put_by, 1) };
    }

    /// See [`Self::put_by`].
    #[inline(always)]
    pub fn take_back(&mut self) {
        // SAFETY: as above.
        unsafe { copy_nonoverlapping(&raw const self.put_by, &raw mut self.ruling, 1) };
    }

    /// How strict the ruling is that was put by.
    #[inline(always)]
    pub fn put_by_code(&self) -> u8 {
        self.put_by.cell.code()
    }

    /// Sets the ruling.
    #[inline(always)]
    pub fn rule(&mut self, ruling: Ruling) {
        // SAFETY: as above.
        unsafe { write_volatile(&raw mut self.ruling, ruling) };
    }
}

/// Takes a free buffer of this CPU that is not the first; its number, or SCRATCH_SLOTS if all are in use. A function by itself,
/// so that the verifier doesn't go through what follows once for each buffer.
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
