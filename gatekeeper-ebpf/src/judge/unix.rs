//! Judgements on UNIX sockets.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_probe_read_kernel;
use gatekeeper_common::event::Object;
use gatekeeper_common::label::Label;
use gatekeeper_common::limits::{PATH_BYTES, UNIX_BYTES};
use gatekeeper_common::operation::Family;
use gatekeeper_common::verdict::Cause;

use super::conclude::{finish_bytes, finish_unresolved, no_buffer};
use crate::bounds::masked;
use crate::kernel::Pointer;
use crate::kernel::file::{Place, identity};
use crate::layout::{PATH_ROOM, automata};
use crate::path::{Resolved, resolve};
use crate::ruling::Request;
use crate::scratch::take;

/// Bytes of the family, which an address begins with (include/uapi/linux/un.h `struct sockaddr_un`).
const FAMILY_BYTES: u32 = 2;

/// Judges the UNIX socket that is bound to the file at this place.
#[inline(always)]
pub fn unix_path(label: &Label, place: Place, request: Request) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Unix) };
    scratch.set_request(request);
    scratch.automata = automata::UNIX;
    match resolve(place, scratch) {
        Ok(Resolved::Path) => {
            finish_bytes(label, scratch, (Family::Unix, Object::Unix), identity(place.entry), 0)
        }
        Ok(Resolved::Nameless) => finish_unresolved(label, scratch, Family::Unix, Cause::Detached, 0),
        Err(cause) => finish_unresolved(label, scratch, Family::Unix, cause, 0),
    }
}

/// Judges a UNIX socket without a file by its address in kernel memory, `length` bytes long: an abstract
/// name, or none.
#[inline(always)]
pub fn unix_name(label: &Label, address: Pointer, length: u32, request: Request) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Unix) };
    scratch.set_request(request);
    scratch.automata = automata::UNIX;
    let bytes = length.saturating_sub(FAMILY_BYTES);
    if bytes > UNIX_BYTES {
        return finish_unresolved(label, scratch, Family::Unix, Cause::TooLong, length);
    }
    scratch.at = (PATH_BYTES as u32).wrapping_sub(bytes);
    const { assert!(UNIX_BYTES < 128 && PATH_ROOM > PATH_BYTES + 128) }
    let (at, bytes) = (masked::<{ PATH_BYTES as i32 - 1 }>(scratch.at), masked::<127>(bytes));
    // SAFETY: at + bytes is PATH_BYTES, or both are 0, and the buffer has more.
    let fault = unsafe {
        bpf_probe_read_kernel(
            scratch.path.as_mut_ptr().add(at).cast::<c_void>(),
            bytes as u32,
            address.wrapping_add(FAMILY_BYTES as usize).cast(),
        )
    };
    if fault != 0 {
        return finish_unresolved(label, scratch, Family::Unix, Cause::Unreadable, 0);
    }
    finish_bytes(label, scratch, (Family::Unix, Object::Unix), (0, 0), 0)
}
