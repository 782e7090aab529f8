//! Addresses: making a socket, connecting, binding, sending.

use aya_ebpf::programs::LsmContext;
use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;
use gatekeeper_common::verdict::Cause;

use super::builtin;
use crate::judge;
use crate::kernel::socket::{
    AF_INET, AF_INET6, AF_NETLINK, AF_UNIX, destination, family, is_routed, protocol, routes,
};
use crate::kernel::{Pointer, read};
use crate::label;
use crate::outcome::PASS;
use crate::ruling::Request;

const SOCK_TYPE_MASK: u64 = 0xf;
const SOCK_STREAM: u64 = 1;
const SOCK_DGRAM: u64 = 2;
const IPPROTO_IP: u64 = 0;
const IPPROTO_ICMP: u64 = 1;
const IPPROTO_TCP: u64 = 6;
const IPPROTO_UDP: u64 = 17;
const IPPROTO_ICMPV6: u64 = 58;
const IPPROTO_MPTCP: u64 = 262;
const NETLINK_ROUTE: u64 = 0;

// proto: int socket_create(int family, int type, int protocol, int kern)
/// Refuses all sockets but those that rules can match, and those that ordinary programs need on this machine.
#[inline(always)]
pub fn socket_create(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let made: u64 = u64::from(context.arg::<u64>(0) as u32);
    let kind = context.arg::<u64>(1) & SOCK_TYPE_MASK;
    let number: u64 = u64::from(context.arg::<u64>(2) as u32);
    let kernel: u64 = u64::from(context.arg::<u64>(3) as u32);
    if kernel != 0 {
        return PASS;
    }
    if made < 17 && is_known(made as u16, kind, number) {
        PASS
    } else {
        judge::refuse(label, Operation::Socket, Cause::AddressFamily, made as u32)
    }
}

/// Whether rules can match a socket, or ordinary programs need it on this machine.
#[inline(always)]
pub(super) fn is_known(family: u16, kind: u64, protocol: u64) -> bool {
    match family {
        AF_UNIX => true,
        AF_INET | AF_INET6 => match kind {
            SOCK_STREAM => matches!(protocol, IPPROTO_IP | IPPROTO_TCP | IPPROTO_MPTCP),
            SOCK_DGRAM => matches!(protocol, IPPROTO_IP | IPPROTO_UDP | IPPROTO_ICMP | IPPROTO_ICMPV6),
            _ => false,
        },
        AF_NETLINK => protocol == NETLINK_ROUTE,
        _ => false,
    }
}

/// Judges the address in the hook's second and third argument.
#[inline(always)]
fn judge_address(context: &LsmContext, operation: Operation) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let socket: Pointer = context.arg(0);
    let made = family(socket);
    if made == AF_UNIX || made == AF_NETLINK {
        return PASS;
    }
    let length: u64 = context.arg(2);
    judge::address(label, context.arg(1), length as u32, protocol(socket), operation, made)
}

// proto: int socket_connect(struct socket *sock, struct sockaddr *address, int addrlen)
/// Judges a connection.
#[inline(always)]
pub fn socket_connect(context: &LsmContext) -> i32 {
    judge_address(context, Operation::Connect)
}

// proto: int socket_bind(struct socket *sock, struct sockaddr *address, int addrlen)
/// Judges a name for a socket. A UNIX socket with a path is judged where its file is made (`path_mknod`).
#[inline(always)]
pub fn socket_bind(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let socket: Pointer = context.arg(0);
    if family(socket) != AF_UNIX {
        return judge_address(context, Operation::Bind);
    }
    let address: Pointer = context.arg(1);
    let length = context.arg::<u64>(2) as u32;
    // No name at all: the kernel will give an abstract one of its own making.
    if length <= 2 {
        return PASS;
    }
    match read::<u8>(address.wrapping_add(2)) {
        Some(0) => judge::unix_name(label, address, length, Request::one(Operation::UnixBind)),
        Some(_) => PASS,
        None => judge::refuse(label, Operation::UnixBind, Cause::Unreadable, 0),
    }
}

// proto: int socket_listen(struct socket *sock, int backlog)
/// Judges waiting for connections.
#[inline(always)]
pub fn socket_listen(context: &LsmContext) -> i32 {
    judge_own_address(context, Operation::Listen)
}

// proto: int socket_accept(struct socket *sock, struct socket *newsock)
/// Judges taking a connection.
#[inline(always)]
pub fn socket_accept(context: &LsmContext) -> i32 {
    judge_own_address(context, Operation::Accept)
}

/// Judges the address that the socket has itself.
#[inline(always)]
fn judge_own_address(context: &LsmContext, operation: Operation) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let socket: Pointer = context.arg(0);
    let made = family(socket);
    // A UNIX socket's name was judged when it got one.
    if made == AF_UNIX || made == AF_NETLINK {
        return PASS;
    }
    judge::own_address(label, socket, operation, made)
}

const SOL_SOCKET: u64 = 1;
const SO_BINDTODEVICE: u64 = 25;
const SO_ATTACH_FILTER: u64 = 26;
const SO_ATTACH_BPF: u64 = 50;
const SO_ATTACH_REUSEPORT_CBPF: u64 = 51;
const SO_ATTACH_REUSEPORT_EBPF: u64 = 52;
const SO_BINDTOIFINDEX: u64 = 62;

// proto: int socket_setsockopt(struct socket *sock, int level, int optname)
/// Refuses options that change the way of packets, or who sees them.
#[inline(always)]
pub fn socket_setsockopt(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let level = u64::from(context.arg::<u64>(1) as u32);
    let option = u64::from(context.arg::<u64>(2) as u32);
    let refused = option == SO_BINDTODEVICE
        || option == SO_ATTACH_FILTER
        || option == SO_ATTACH_BPF
        || option == SO_ATTACH_REUSEPORT_CBPF
        || option == SO_ATTACH_REUSEPORT_EBPF
        || option == SO_BINDTOIFINDEX;
    if level == SOL_SOCKET && refused || routes(level as u32, option as u32) {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SOCKET_OPTION);
    }
    PASS
}

// proto: int socket_sendmsg(struct socket *sock, struct msghdr *msg, int size)
/// Judges a message with an address; one without goes where the socket is connected, which was judged then.
/// An address on a TCP socket is a fast open: a connection.
#[inline(always)]
pub fn socket_sendmsg(context: &LsmContext) -> i32 {
    let Some(label) = label::current() else { return PASS };
    let socket: Pointer = context.arg(0);
    let message: Pointer = context.arg(1);
    let made = family(socket);
    if made == AF_UNIX || made == AF_NETLINK {
        return PASS;
    }
    if is_routed(message) {
        return judge::refuse(label, Operation::Control, Cause::Builtin, builtin::SOCKET_OPTION);
    }
    let (name, length) = destination(message);
    if name.is_null() || length == 0 {
        return PASS;
    }
    let protocol = protocol(socket);
    let operation = if protocol as u8 == Protocol::Tcp as u8 { Operation::Connect } else { Operation::Send };
    judge::address(label, name, length, protocol, operation, made)
}
