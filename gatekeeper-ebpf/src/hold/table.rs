//! The table of holds: places by session, taken by the programs and read by the daemon.

use core::ffi::c_void;

use aya_ebpf::bindings::BPF_NOEXIST;
use aya_ebpf::helpers::generated::{bpf_loop, bpf_map_update_elem};
use gatekeeper_common::hold::{Hold, State, TableKey};
use gatekeeper_common::limits::HOLDS_PER_SESSION;

use crate::maps::HOLDS;
use crate::scratch::numbered;

/// The hold at a place of the table.
#[inline(always)]
pub fn hold_at(place: TableKey) -> Option<&'static mut Hold> {
    // SAFETY: the map's value, which stays readable until the program ends.
    HOLDS.get_ptr_mut(place).map(|hold| unsafe { &mut *hold })
}

/// A search for a free place.
#[repr(C)]
struct Search {
    session: u64,
    found: u64,
    buffer: u32,
    index: u32,
}

/// The index that a thread tries at one step of its search: each thread begins at another.
#[inline(always)]
fn spread(index: u32, thread: u32) -> u32 {
    const { assert!(HOLDS_PER_SESSION.is_power_of_two()) }
    index.wrapping_add(thread) & (HOLDS_PER_SESSION - 1)
}

extern "C" fn turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let search = unsafe { &mut *context.cast::<Search>() };
    let Some(scratch) = numbered(search.buffer) else { return 1 };
    let index = spread(index, scratch.hold.event.tid);
    let place = TableKey { session: search.session, index, pad: 0 };
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
            u64::from(BPF_NOEXIST),
        )
    };
    if refused != 0 {
        return 0;
    }
    search.index = index;
    search.found = 1;
    1
}

/// Stores the hold in the buffer at a free place of its session; its index and one, or 0 where none is free.
/// A function by itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn store_hold(buffer: u32) -> u32 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let mut search = Search { session: scratch.hold.event.session, found: 0, buffer, index: 0 };
    // SAFETY: the callback takes a Search, and the verifier checks both.
    unsafe { bpf_loop(HOLDS_PER_SESSION, turn as *mut c_void, (&raw mut search).cast(), 0) };
    if search.found == 0 { 0 } else { search.index.wrapping_add(1) }
}
