//! One layer's answer about an address: protocol, port and address as one string of bytes.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::automaton::{Edge, accepted, step};
use gatekeeper_common::image::MAGIC;
use gatekeeper_common::limits::{PLANE_LARGE, PLANE_SMALL};

use super::answer::{LayerAnswer, column};
use crate::image::{Planes, large, small};
use crate::layout::Scratch;
use crate::scratch;

/// Bytes of an IPv4 address.
const IPV4_BYTES: u32 = 4;
/// Bytes of an IPv6 address.
const IPV6_BYTES: u32 = 16;

/// The state of a walk over an address.
#[repr(C)]
struct Walk {
    head: *const u8,
    comb: *const Edge,
    bytes: *const u8,
    state: u32,
    length: u32,
}

#[inline(always)]
fn turn<const N: usize>(index: u32, walk: &mut Walk) -> i64 {
    if index >= walk.length || index >= IPV6_BYTES {
        return 1;
    }
    let planes = Planes::<N> { head: walk.head, comb: walk.comb };
    // SAFETY: an address has 16 bytes, and index < 16.
    let byte = unsafe { *walk.bytes.add(index as usize) };
    walk.state = step(&planes.edges(), walk.state, planes.net_class(byte));
    0
}

extern "C" fn turn_small(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    turn::<PLANE_SMALL>(index, unsafe { &mut *context.cast::<Walk>() })
}

extern "C" fn turn_large(index: u32, context: *mut c_void) -> i64 {
    // SAFETY: as above.
    turn::<PLANE_LARGE>(index, unsafe { &mut *context.cast::<Walk>() })
}

/// Returns one layer's [`LayerAnswer`] about the address in a scratch buffer.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn judge_address(buffer: u32, slot: u32, serial: u32) -> u64 {
    let Some(scratch) = scratch::numbered(buffer) else { return LayerAnswer::NO_POLICY.number() };
    if let Some(planes) = small(slot) {
        return answer(&planes, turn_small as *mut c_void, scratch, serial).number();
    }
    if let Some(planes) = large(slot) {
        return answer(&planes, turn_large as *mut c_void, scratch, serial).number();
    }
    LayerAnswer::NO_POLICY.number()
}

#[inline(always)]
fn answer<const N: usize>(
    planes: &Planes<N>,
    turn: *mut c_void,
    scratch: &mut Scratch,
    serial: u32,
) -> LayerAnswer {
    let header = planes.header();
    let edges = planes.edges();
    let address = scratch.address;
    let is_ipv4 = address.version == 4;
    let mut state = if is_ipv4 { header.start_net4 } else { header.start_net6 };
    let port = address.port.to_be_bytes();
    state = step(&edges, state, planes.net_class(address.protocol));
    state = step(&edges, state, planes.net_class(port[0]));
    state = step(&edges, state, planes.net_class(port[1]));
    let mut walk = Walk {
        head: planes.head,
        comb: planes.comb,
        bytes: (&raw const scratch.address.bytes).cast(),
        state,
        length: if is_ipv4 { IPV4_BYTES } else { IPV6_BYTES },
    };
    // SAFETY: `turn` is one of the two above and takes a Walk.
    unsafe {
        bpf_loop(IPV6_BYTES, turn, (&raw mut walk).cast(), 0);
    }
    let Some(row) = planes.row(accepted(&edges, walk.state)) else { return LayerAnswer::NO_POLICY };
    if header.magic != MAGIC || header.serial != serial {
        return LayerAnswer::NO_POLICY;
    }
    scratch.generation = header.generation;
    let operation = scratch.request().first;
    LayerAnswer::new(column(row, operation).or(column(&header.defaults, operation)), false)
}
