//! `struct socket`, `struct msghdr` and socket addresses.

use gatekeeper_common::event::Address;
use gatekeeper_common::image::Protocol;
use gatekeeper_common::verdict::Cause;

use super::{
    O_COMMON_FAMILY, O_MSG_NAME, O_MSG_NAMELEN, O_SOCK_COMMON, O_SOCK_PROTOCOL, O_SOCKET_SK, O_SOCKET_TYPE, Pointer,
    at, load, read,
};

/// Families (include/linux/socket.h).
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
    load(at(sock, &O_SOCK_COMMON), &O_COMMON_FAMILY)
}

/// The protocol as rules tell them apart.
#[inline(always)]
pub fn protocol(socket: Pointer) -> Protocol {
    let sock: Pointer = load(socket, &O_SOCKET_SK);
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

/// `struct sockaddr_in`, as far as it counts.
#[repr(C)]
#[derive(Clone, Copy)]
struct Ip4 {
    family: u16,
    port: [u8; 2],
    address: [u8; 4],
}

/// `struct sockaddr_in6`, as far as it counts.
#[repr(C)]
#[derive(Clone, Copy)]
struct Ip6 {
    family: u16,
    port: [u8; 2],
    flow: u32,
    address: [u8; 16],
}

/// What a socket address says.
pub enum Spoken {
    /// An IP address; mapped IPv4 comes out as IPv4.
    Ip(Address),
    /// AF_UNSPEC: for connect, "forget the peer".
    Unspecified,
}

/// Reads a socket address from kernel memory.
#[inline(always)]
pub fn address(pointer: Pointer, length: u32, protocol: Protocol) -> Result<Spoken, Cause> {
    if length < 2 {
        return Err(Cause::ShortAddress);
    }
    let family: u16 = read(pointer).ok_or(Cause::Unreadable)?;
    match family {
        AF_UNSPEC => Ok(Spoken::Unspecified),
        AF_INET => {
            if length < size_of::<Ip4>() as u32 {
                return Err(Cause::ShortAddress);
            }
            let ip: Ip4 = read(pointer).ok_or(Cause::Unreadable)?;
            let mut bytes = [0; 16];
            bytes[..4].copy_from_slice(&ip.address);
            Ok(Spoken::Ip(Address { bytes, port: u16::from_be_bytes(ip.port), version: 4, protocol: protocol as u8 }))
        }
        AF_INET6 => {
            if length < size_of::<Ip6>() as u32 {
                return Err(Cause::ShortAddress);
            }
            let ip: Ip6 = read(pointer).ok_or(Cause::Unreadable)?;
            let a = ip.address;
            let port = u16::from_be_bytes(ip.port);
            let mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];
            if a[..12] == mapped {
                let mut bytes = [0; 16];
                bytes[..4].copy_from_slice(&a[12..]);
                return Ok(Spoken::Ip(Address { bytes, port, version: 4, protocol: protocol as u8 }));
            }
            Ok(Spoken::Ip(Address { bytes: a, port, version: 6, protocol: protocol as u8 }))
        }
        _ => Err(Cause::AddressFamily),
    }
}
