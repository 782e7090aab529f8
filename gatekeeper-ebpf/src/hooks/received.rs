//! Sockets that another task made and sent: what it did with them was never judged.

use aya_ebpf::helpers::generated::bpf_sock_from_file;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::{net, unix};
use crate::judge;
use crate::kernel::socket::{AF_INET, AF_INET6, AF_UNIX, family, kind};
use crate::kernel::{O_SOCKET_SK, Pointer, load};
use crate::outcome::PASS;

/// Judges a received file where it is a socket: the session's own is free, one that the session could not have made
/// is refused, and a connected one is judged by its peer.
#[inline(always)]
pub fn socket(label: &Label, file: Pointer) -> i32 {
    // SAFETY: the verifier knows the file.
    let socket: Pointer = unsafe { bpf_sock_from_file(file.cast_mut().cast()) }.cast::<u8>().cast_const();
    if socket.is_null() {
        return PASS;
    }
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return PASS;
    }
    let (made, (kind, protocol)) = (family(socket), kind(socket));
    if !net::is_known(made, kind, protocol) {
        return judge::refuse(label, Operation::Socket, Cause::AddressFamily, u32::from(made));
    }
    if unix::is_own(label, sock) {
        return PASS;
    }
    match made {
        AF_UNIX => unix::receive(label, sock),
        AF_INET | AF_INET6 => judge::peer_address(label, socket, made),
        _ => PASS,
    }
}
