//! `struct socket`, `struct msghdr` and socket addresses.

use core::ffi::c_void;

use aya_ebpf::helpers::generated::bpf_loop;
use gatekeeper_common::event::Address;
use gatekeeper_common::image::Protocol;

use super::{
    O_COMMON_FAMILY, O_COMMON_FOUR, O_COMMON_PEER_FOUR, O_COMMON_PEER_PORT, O_COMMON_PEER_SIX, O_COMMON_PORT,
    O_COMMON_SIX, O_MSG_CONTROL, O_MSG_CONTROLLEN, O_MSG_NAME, O_MSG_NAMELEN, O_SOCK_COMMON, O_SOCK_PROTOCOL,
    O_SOCKET_SK, O_SOCKET_TYPE, Pointer, at, load, read,
};

/// No family (include/linux/socket.h), as all of these.
pub const AF_UNSPEC: u16 = 0;
/// Local sockets.
pub const AF_UNIX: u16 = 1;
/// IPv4.
pub const AF_INET: u16 = 2;
/// IPv6.
pub const AF_INET6: u16 = 10;
/// Netlink.
pub const AF_NETLINK: u16 = 16;

const SOCK_STREAM: u16 = 1;
const SOCK_DGRAM: u16 = 2;
const IPPROTO_TCP: u16 = 6;
const IPPROTO_UDP: u16 = 17;
const IPPROTO_MPTCP: u16 = 262;

/// The family a socket was made with.
#[inline(always)]
pub fn family(socket: Pointer) -> u16 {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return AF_UNSPEC;
    }
    load(at(sock, &O_SOCK_COMMON), &O_COMMON_FAMILY)
}

/// The type of a socket and its protocol's number, as in the call that makes one.
#[inline(always)]
pub fn kind(socket: Pointer) -> (u64, u64) {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    let number: u16 = if sock.is_null() { u16::MAX } else { load(sock, &O_SOCK_PROTOCOL) };
    let kind: u16 = load(socket, &O_SOCKET_TYPE);
    (u64::from(kind), u64::from(number))
}

/// The protocol, as rules distinguish them.
#[inline(always)]
pub fn protocol(socket: Pointer) -> Protocol {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return Protocol::Other;
    }
    let number: u16 = load(sock, &O_SOCK_PROTOCOL);
    let kind: u16 = load(socket, &O_SOCKET_TYPE);
    match (kind, number) {
        (SOCK_STREAM, IPPROTO_TCP | IPPROTO_MPTCP) => Protocol::Tcp,
        (SOCK_DGRAM, IPPROTO_UDP) => Protocol::Udp,
        _ => Protocol::Other,
    }
}

/// The address a message names, and its length; null where it names none.
#[inline(always)]
pub fn destination(message: Pointer) -> (Pointer, u32) {
    (load(message, &O_MSG_NAME), load(message, &O_MSG_NAMELEN))
}

const SOL_IP: u32 = 0;
const SOL_IPV6: u32 = 41;
const IP_OPTIONS: u32 = 4;
const IP_RETOPTS: u32 = 7;
const IPV6_2292RTHDR: u32 = 5;
const IPV6_2292PKTOPTIONS: u32 = 6;
const IPV6_RTHDR: u32 = 57;

/// Whether an option of a socket, or of one message, can hold a route: packets then go to its first hop, and
/// not to the address that was judged (net/ipv4/ip_output.c `__ip_queue_xmit`, net/ipv6/exthdrs.c
/// `fl6_update_dst`).
#[inline(always)]
pub fn routes(level: u32, option: u32) -> bool {
    level == SOL_IP && (option == IP_OPTIONS || option == IP_RETOPTS)
        || level == SOL_IPV6
            && (option == IPV6_RTHDR || option == IPV6_2292RTHDR || option == IPV6_2292PKTOPTIONS)
}

/// `struct cmsghdr` (include/linux/socket.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct ControlHeader {
    length: u64,
    level: u32,
    kind: u32,
}

const CONTROL_HEADER: u64 = size_of::<ControlHeader>() as u64;
/// Headers that are read; a message with more is refused.
const CONTROL_HEADERS: u32 = 64;

/// The state of a walk over a message's control headers.
#[repr(C)]
struct Control {
    /// Address of the next header.
    at: u64,
    /// Bytes left.
    left: u64,
    /// 1 once all are read and none holds a route.
    clear: u64,
}

extern "C" fn control_turn(_index: u32, context: *mut c_void) -> i64 {
    // SAFETY: bpf_loop passes the pointer it was given.
    let control = unsafe { &mut *context.cast::<Control>() };
    if control.left < CONTROL_HEADER {
        control.clear = 1;
        return 1;
    }
    let Some(header) = read::<ControlHeader>(control.at as Pointer) else { return 1 };
    if routes(header.level, header.kind) {
        return 1;
    }
    let step = header.length.wrapping_add(7) & !7;
    // The kernel stops here too (`CMSG_OK`, include/linux/socket.h).
    if header.length < CONTROL_HEADER || step > control.left || step < header.length {
        control.clear = 1;
        return 1;
    }
    control.at = control.at.wrapping_add(step);
    control.left = control.left.wrapping_sub(step);
    0
}

/// Whether a message brings a route of its own, or could.
#[inline(always)]
pub fn is_routed(message: Pointer) -> bool {
    let left: u64 = load(message, &O_MSG_CONTROLLEN);
    if left == 0 {
        return false;
    }
    let at = read::<u64>(at(message, &O_MSG_CONTROL)).unwrap_or(0);
    let mut control = Control { at, left, clear: 0 };
    // SAFETY: the callback takes a Control, and the verifier checks both.
    unsafe { bpf_loop(CONTROL_HEADERS, control_turn as *mut c_void, (&raw mut control).cast(), 0) };
    control.clear == 0
}

/// `struct sockaddr_in6` (include/uapi/linux/in6.h) as far as it counts, and room for
/// `struct sockaddr_in`, which begins alike: family, port, four bytes of address.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SocketAddress {
    family: u16,
    port: [u8; 2],
    four: [u8; 4],
    six: [u8; 16],
}

const IN_BYTES: u32 = 16;
const IN6_BYTES: u32 = 24;

/// The kind of a socket address. Only a number: the address itself is written to the caller's place.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(u32)]
pub enum AddressKind {
    /// An IP address; mapped IPv4 comes out as IPv4.
    Ip,
    /// AF_UNSPEC: for connect, "forget the peer".
    Unspecified,
    /// A family that no rule can match.
    OtherFamily,
    /// Too short for its family.
    Short,
    /// Not readable.
    Unreadable,
}

/// Reads the address that an IP socket has itself.
#[inline(always)]
pub fn read_own_address(socket: Pointer, family: u16, address: &mut Address) -> AddressKind {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return AddressKind::Unreadable;
    }
    let common = at(sock, &O_SOCK_COMMON);
    address.protocol = protocol(socket) as u8;
    address.port = load(common, &O_COMMON_PORT);
    if family == AF_INET {
        let Some(four) = read::<[u8; 4]>(at(common, &O_COMMON_FOUR)) else { return AddressKind::Unreadable };
        address.version = 4;
        address.bytes = [four[0], four[1], four[2], four[3], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        return AddressKind::Ip;
    }
    if family != AF_INET6 {
        return AddressKind::OtherFamily;
    }
    let Some(six) = read::<[u8; 16]>(at(common, &O_COMMON_SIX)) else { return AddressKind::Unreadable };
    put_six(address, six);
    AddressKind::Ip
}

/// Reads the address that an IP socket is connected to; unspecified where it is not connected.
#[inline(always)]
pub fn read_peer_address(socket: Pointer, family: u16, address: &mut Address) -> AddressKind {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
    if sock.is_null() {
        return AddressKind::Unreadable;
    }
    let common = at(sock, &O_SOCK_COMMON);
    address.protocol = protocol(socket) as u8;
    address.port = u16::from_be(load(common, &O_COMMON_PEER_PORT));
    if address.port == 0 {
        return AddressKind::Unspecified;
    }
    if family == AF_INET {
        let Some(four) = read::<[u8; 4]>(at(common, &O_COMMON_PEER_FOUR)) else {
            return AddressKind::Unreadable;
        };
        address.version = 4;
        address.bytes = [four[0], four[1], four[2], four[3], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        return AddressKind::Ip;
    }
    let Some(six) = read::<[u8; 16]>(at(common, &O_COMMON_PEER_SIX)) else { return AddressKind::Unreadable };
    put_six(address, six);
    AddressKind::Ip
}

/// Writes an IPv6 address, or the IPv4 address that is mapped in it.
#[inline(always)]
fn put_six(address: &mut Address, six: [u8; 16]) {
    let first = u32::from_ne_bytes([six[0], six[1], six[2], six[3]]);
    let second = u32::from_ne_bytes([six[4], six[5], six[6], six[7]]);
    let third = u32::from_ne_bytes([six[8], six[9], six[10], six[11]]);
    // ::ffff:0:0/96
    if first == 0 && second == 0 && third == u32::from_be(0xffff) {
        address.version = 4;
        address.bytes = [six[12], six[13], six[14], six[15], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    } else {
        address.version = 6;
        address.bytes = six;
    }
}

/// Reads a socket address from kernel memory.
#[inline(always)]
pub fn read_address(pointer: Pointer, length: u32, protocol: Protocol, address: &mut Address) -> AddressKind {
    address.protocol = protocol as u8;
    if length < 2 {
        return AddressKind::Short;
    }
    let Some(family) = read::<u16>(pointer) else { return AddressKind::Unreadable };
    match family {
        AF_UNSPEC => AddressKind::Unspecified,
        AF_INET if length < IN_BYTES => AddressKind::Short,
        AF_INET => {
            let Some(head) = read::<[u8; 8]>(pointer) else { return AddressKind::Unreadable };
            address.port = u16::from_be_bytes([head[2], head[3]]);
            address.version = 4;
            address.bytes = [head[4], head[5], head[6], head[7], 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            AddressKind::Ip
        }
        AF_INET6 if length < IN6_BYTES => AddressKind::Short,
        AF_INET6 => {
            let Some(whole) = read::<SocketAddress>(pointer) else { return AddressKind::Unreadable };
            address.port = u16::from_be_bytes(whole.port);
            put_six(address, whole.six);
            AddressKind::Ip
        }
        _ => AddressKind::OtherFamily,
    }
}
