//! UNIX sockets, and the owner of every socket. The peer is judged on the socket that the task reached, not on the
//! name it gave: the file the socket is bound to, or its abstract name. Sockets that the session made itself are
//! free.

use core::ptr::null_mut;

use aya_ebpf::bindings::BPF_LOCAL_STORAGE_GET_F_CREATE;
use aya_ebpf::helpers::generated::{bpf_sk_storage_get, bpf_skc_to_unix_sock};
use aya_ebpf::programs::LsmContext;
use gatekeeper_common::label::Label;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use crate::judge;
use crate::kernel::socket::{AF_INET, AF_INET6, AF_UNIX};
use crate::kernel::{
    O_PATH_DENTRY, O_SOCKET_SK, O_UNIX_ADDRESS, O_UNIX_ADDRESS_LEN, O_UNIX_ADDRESS_NAME, O_UNIX_PATH,
    O_UNIX_PEER, Pointer, at, at_functions, file, load,
};
use crate::label;
use crate::layout::Owner;
use crate::maps::{OBJECTS, SOCKETS};
use crate::outcome::PASS;
use crate::ruling::Request;

/// The owner in a socket's storage. A program at a function that asks the modules may not use it
/// (net/core/bpf_sk_storage.c `bpf_sk_storage_tracing_allowed`): there, sockets are known by their address,
/// until [`super::ipc::security_sk_free`].
#[inline(always)]
fn stored(sock: Pointer, flags: u64) -> Option<&'static mut Owner> {
    // SAFETY: the map is a socket storage with an Owner for its value; the verifier knows the socket.
    let owner: *mut Owner = unsafe {
        bpf_sk_storage_get((&raw const SOCKETS).cast_mut().cast(), sock.cast_mut().cast(), null_mut(), flags)
    }
    .cast();
    // SAFETY: storage lives as long as its socket, which can't end before this program does.
    if owner.is_null() { None } else { Some(unsafe { &mut *owner }) }
}

/// Keeps the owner of a socket; false where it can't be kept.
#[inline(always)]
fn keep_owner(sock: Pointer, owner: Owner) -> bool {
    if at_functions() {
        return OBJECTS.insert(sock as u64, owner, 0).is_ok();
    }
    match stored(sock, u64::from(BPF_LOCAL_STORAGE_GET_F_CREATE)) {
        Some(place) => {
            *place = owner;
            true
        }
        None => false,
    }
}

/// Whether a socket belongs to the labelled task's session.
#[inline(always)]
pub(super) fn is_own(label: &Label, sock: Pointer) -> bool {
    if at_functions() {
        // SAFETY: a value of a map that is not preallocated stays readable until the program ends (RCU).
        return unsafe { OBJECTS.get(sock as u64) }.is_some_and(|owner| owner.is_within(label));
    }
    stored(sock, 0).is_some_and(|owner| owner.is_within(label))
}

// proto: int socket_post_create(struct socket *sock, int family, int type, int protocol, int kern)
/// Keeps the owner of a new socket. One of IP whose owner can't be kept is judged by its peer where it is passed on.
#[inline(always)]
pub fn socket_post_create(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let family = context.arg::<u64>(1) as u16;
    if family != AF_UNIX && family != AF_INET && family != AF_INET6 {
        return PASS;
    }
    let socket: Pointer = context.arg(0);
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return PASS;
    }
    if keep_owner(sock, Owner::of(label)) || family != AF_UNIX {
        PASS
    } else {
        judge::refuse(label, Operation::Socket, Cause::NoMemory, u32::from(AF_UNIX))
    }
}

// proto: void sock_graft(struct sock *sk, struct socket *parent)
/// Keeps the owner of an accepted connection (include/net/sock.h `sock_graft`, Linux 6.12): whether it could be
/// accepted was judged. One whose owner can't be kept is judged by its peer where it is passed on.
#[inline(always)]
pub fn sock_graft(context: &LsmContext) -> i32 {
    if let Some(label) = label::current() {
        keep_owner(context.arg(0), Owner::of(label));
    }
    PASS
}

/// Judges a connected socket that arrives from outside by its peer. One that is not connected can be used only by
/// calls that are judged.
#[inline(always)]
pub(super) fn receive(label: &Label, sock: Pointer) -> i32 {
    // SAFETY: the verifier knows the socket.
    let socket: Pointer = unsafe { bpf_skc_to_unix_sock(sock.cast_mut().cast()) }.cast::<u8>().cast_const();
    if socket.is_null() {
        return judge::refuse(label, Operation::UnixConnect, Cause::AddressFamily, 0);
    }
    let peer: Pointer = load(socket, &O_UNIX_PEER);
    if peer.is_null() {
        return PASS;
    }
    // Whoever does not take it loses it: nothing starts again.
    reach(label, peer, Request::one(Operation::UnixConnect).held_if(false))
}

/// Judges reaching a socket.
#[inline(always)]
fn reach(label: &Label, sock: Pointer, request: Request) -> i32 {
    if is_own(label, sock) {
        return PASS;
    }
    // SAFETY: the verifier knows the socket.
    let socket: Pointer = unsafe { bpf_skc_to_unix_sock(sock.cast_mut().cast()) }.cast::<u8>().cast_const();
    if socket.is_null() {
        return judge::refuse(label, Operation::UnixConnect, Cause::AddressFamily, 0);
    }
    let path = at(socket, &O_UNIX_PATH);
    let entry: Pointer = load(path, &O_PATH_DENTRY);
    if !entry.is_null() {
        return judge::unix_path(label, file::of_path(path), request);
    }
    let address: Pointer = load(socket, &O_UNIX_ADDRESS);
    let length: u32 = load(address, &O_UNIX_ADDRESS_LEN);
    judge::unix_name(label, at(address, &O_UNIX_ADDRESS_NAME), length, request)
}

// proto: int unix_stream_connect(struct sock *sock, struct sock *other, struct sock *newsk)
/// Judges a connection.
#[inline(always)]
pub fn unix_stream_connect(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    reach(label, context.arg(1), Request::one(Operation::UnixConnect))
}

// proto: int unix_may_send(struct socket *sock, struct socket *other)
/// Judges a datagram. Called for each, and where a datagram socket is connected (net/unix/af_unix.c
/// `unix_dgram_connect`).
#[inline(always)]
pub fn unix_may_send(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let other: Pointer = context.arg(1);
    let sock: Pointer = load(other, &O_SOCKET_SK);
    if sock.is_null() {
        return judge::refuse(label, Operation::UnixSend, Cause::Unreadable, 0);
    }
    reach(label, sock, Request::one(Operation::UnixSend))
}
