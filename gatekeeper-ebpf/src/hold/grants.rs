//! Grants: approvals for more than once.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::{bpf_ktime_get_boot_ns, bpf_loop};
use gatekeeper_common::hold::{Grant, Scope, TableKey};
use gatekeeper_common::limits::GRANTS_PER_SESSION;

use super::compare::same_request;
use crate::maps::GRANTS;
use crate::scratch::numbered;

/// A search through a session's grants.
#[repr(C)]
struct Search {
    session: u64,
    /// Nanoseconds since boot.
    now: u64,
    /// Number of the hold whose approval covers the request.
    found: u64,
    buffer: u32,
    pad: u32,
}

extern "C" fn turn(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let search = unsafe { &mut *context.cast::<Search>() };
    let place = TableKey { session: search.session, index, pad: 0 };
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
        grant.scope == Scope::Exact as u32 && same_request(own, &grant.hold)
    };
    if covers {
        search.found = event.sequence;
    }
    i64::from(covers)
}

/// Number of the hold whose approval covers the request in the buffer; 0 where none does. A function by
/// itself, so that the verifier goes through it once a program.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn find_grant(buffer: u32) -> u64 {
    let Some(scratch) = numbered(buffer) else { return 0 };
    let session = scratch.hold.event.session;
    // SAFETY: has no precondition.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let mut search = Search { session, now, found: 0, buffer, pad: 0 };
    // SAFETY: the callback takes a Search, and the verifier checks both.
    unsafe { bpf_loop(GRANTS_PER_SESSION, turn as *mut c_void, (&raw mut search).cast(), 0) };
    search.found
}
