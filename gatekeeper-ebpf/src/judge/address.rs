//! Judgements on network addresses.

use gatekeeper_common::event::Object;
use gatekeeper_common::image::Protocol;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::{Family, Operation};
use gatekeeper_common::verdict::Cause;

use super::conclude::{conclude, no_buffer};
use crate::decide::{evaluate, judge_address};
use crate::kernel::Pointer;
use crate::kernel::socket::{AddressKind, read_address, read_own_address, read_peer_address};
use crate::layout::Scratch;
use crate::outcome::PASS;
use crate::ruling::{Request, Ruling};
use crate::scratch::{give, take};

/// Judges an address that stands in kernel memory, `length` bytes long.
#[inline(always)]
pub fn address(
    label: &Label,
    pointer: Pointer,
    length: u32,
    protocol: Protocol,
    operation: Operation,
    family: u16,
) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Net) };
    scratch.set_request(Request::one(operation));
    let kind = read_address(pointer, length, protocol, &mut scratch.address) as u32;
    let kind = scratch.forget(kind);
    // Forgetting the peer reaches nobody.
    if kind == AddressKind::Unspecified as u32 && operation as u8 == Operation::Connect as u8 {
        give(scratch);
        return PASS;
    }
    finish(label, scratch, kind, family)
}

/// Judges the address that a socket has itself.
#[inline(always)]
pub fn own_address(label: &Label, socket: Pointer, operation: Operation, family: u16) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Net) };
    scratch.set_request(Request::one(operation));
    let kind = read_own_address(socket, family, &mut scratch.address) as u32;
    let kind = scratch.forget(kind);
    finish(label, scratch, kind, family)
}

/// Judges the peer of a socket that arrives connected, as a connection. Whoever does not take it loses it: nothing
/// starts again.
#[inline(always)]
pub fn peer_address(label: &Label, socket: Pointer, family: u16) -> i32 {
    let Some(scratch) = take() else { return no_buffer(Family::Net) };
    scratch.set_request(Request::one(Operation::Connect).held_if(false));
    let kind = read_peer_address(socket, family, &mut scratch.address) as u32;
    let kind = scratch.forget(kind);
    // It has no peer: connecting it will be judged.
    if kind == AddressKind::Unspecified as u32 {
        give(scratch);
        return PASS;
    }
    finish(label, scratch, kind, family)
}

/// Judges the address in the buffer, if one could be read, and gives the buffer back.
#[inline(always)]
fn finish(label: &Label, scratch: &'static mut Scratch, kind: u32, family: u16) -> i32 {
    let known = kind == AddressKind::Ip as u32;
    if known {
        evaluate(label, scratch, judge_address);
    } else {
        let cause = if kind == AddressKind::Short as u32 {
            Cause::ShortAddress
        } else if kind == AddressKind::Unreadable as u32 {
            Cause::Unreadable
        } else {
            Cause::AddressFamily
        };
        scratch.set_ruling(Ruling::denied(scratch.request().first, cause as u32));
    }
    let object = if known { Object::Address } else { Object::None };
    let result = conclude(label, scratch, (Family::Net, object), (0, 0), u32::from(family));
    give(scratch);
    result
}
