//! Acts on sockets.

use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use super::Done;
use super::file::{nothing, owned};
use crate::sys::{Errno, check, raw_address};

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let number = |at: usize| text(&arguments[at]).parse::<i32>().map_err(|_| libc::EINVAL);
    let address = |at: usize| text(&arguments[at]).parse::<SocketAddr>().map_err(|_| libc::EINVAL);
    let done = match (verb, arguments.len()) {
        ("connect", 1) => nothing(address(0).and_then(connect)),
        ("send-tcp-fast", 2) => {
            nothing(address(0).and_then(|to| send(to, libc::SOCK_STREAM, libc::MSG_FASTOPEN, &arguments[1])))
        }
        ("send-udp", 2) => nothing(address(0).and_then(|to| send(to, libc::SOCK_DGRAM, 0, &arguments[1]))),
        ("send-udp-message", 2) => nothing(address(0).and_then(|to| send_message(to, &arguments[1]))),
        // The kernel takes an address without family for IPv4 in these two (net/ipv4/udp.c, af_inet.c).
        ("send-udp-without-family", 2) => nothing(address(0).and_then(|to| {
            let socket = socket(libc::AF_INET, libc::SOCK_DGRAM, 0)?;
            send_from(&socket, &without_family(to), 0, &arguments[1])
        })),
        ("bind-without-family", 1) => nothing(address(0).and_then(|to| {
            let socket = socket(libc::AF_INET, libc::SOCK_STREAM, 0)?;
            bind_to(&socket, &without_family(to))
        })),
        // An IPv4 address on an IPv6 socket.
        ("send-udp-crosswise", 2) => nothing(address(0).and_then(|to| {
            let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)?;
            send_from(&socket, &raw_address(to).0, 0, &arguments[1])
        })),
        ("connect-udp-crosswise", 1) => nothing(address(0).and_then(|to| {
            let socket = socket(libc::AF_INET6, libc::SOCK_DGRAM, 0)?;
            connect_to(&socket, &raw_address(to).0)
        })),
        ("connect-mptcp", 1) => nothing(address(0).and_then(|to| {
            let socket = socket(family(to), libc::SOCK_STREAM, libc::IPPROTO_MPTCP)?;
            connect_to(&socket, &raw_address(to).0)
        })),
        ("bind", 1) => nothing(address(0).and_then(bind)),
        // Listens and takes a connection, its own.
        ("serve", 1) => nothing(address(0).and_then(serve)),
        // Connects, then forgets the peer.
        ("disconnect", 1) => nothing(address(0).and_then(disconnect)),
        ("socket", 3) => nothing(number(0).and_then(|family| socket(family, number(1)?, number(2)?))),
        ("socket-pair", 0) => nothing(pair()),
        ("interfaces", 0) => nothing(interfaces()),
        _ => return None,
    };
    Some(done)
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap_or_default()
}

fn socket(family: i32, kind: i32, protocol: i32) -> Errno<OwnedFd> {
    // SAFETY: no pointers.
    check(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }).map(owned)
}

fn family(address: SocketAddr) -> i32 {
    if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 }
}

fn connect_to(socket: &OwnedFd, bytes: &[u8]) -> Errno<i64> {
    let length = bytes.len() as libc::socklen_t;
    // SAFETY: the address has the given length.
    check(unsafe { libc::connect(socket.as_raw_fd(), bytes.as_ptr().cast(), length) })
}

fn connect(to: SocketAddr) -> Errno<i64> {
    let socket = socket(family(to), libc::SOCK_STREAM, 0)?;
    connect_to(&socket, &raw_address(to).0)
}

fn send(to: SocketAddr, kind: i32, flags: i32, content: &[u8]) -> Errno<i64> {
    send_from(&socket(family(to), kind, 0)?, &raw_address(to).0, flags, content)
}

fn send_from(socket: &OwnedFd, address: &[u8], flags: i32, content: &[u8]) -> Errno<i64> {
    // SAFETY: content and address are of the given length.
    check(unsafe {
        libc::sendto(
            socket.as_raw_fd(),
            content.as_ptr().cast(),
            content.len(),
            flags | libc::MSG_NOSIGNAL,
            address.as_ptr().cast(),
            address.len() as libc::socklen_t,
        ) as i64
    })
}

fn without_family(address: SocketAddr) -> Vec<u8> {
    let mut bytes = raw_address(address).0;
    bytes[..2].copy_from_slice(&(libc::AF_UNSPEC as u16).to_ne_bytes());
    bytes
}

fn send_message(to: SocketAddr, content: &[u8]) -> Errno<i64> {
    let socket = socket(family(to), libc::SOCK_DGRAM, 0)?;
    let (mut bytes, length) = raw_address(to);
    let mut part = libc::iovec { iov_base: content.as_ptr().cast_mut().cast(), iov_len: content.len() };
    // SAFETY: a msghdr of zeros is one that names nothing.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_name = bytes.as_mut_ptr().cast();
    message.msg_namelen = length;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    let mut list = [libc::mmsghdr { msg_hdr: message, msg_len: 0 }];
    // SAFETY: everything named lives until the call returns.
    check(unsafe { libc::sendmmsg(socket.as_raw_fd(), list.as_mut_ptr(), 1, 0) })
}

fn bind(to: SocketAddr) -> Errno<i64> {
    bind_to(&socket(family(to), libc::SOCK_STREAM, 0)?, &raw_address(to).0)
}

fn bind_to(socket: &OwnedFd, address: &[u8]) -> Errno<i64> {
    let length = address.len() as libc::socklen_t;
    // SAFETY: the address has the given length.
    check(unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), length) })
}

fn serve(at: SocketAddr) -> Errno<OwnedFd> {
    let listening = socket(family(at), libc::SOCK_STREAM, 0)?;
    let on = 1_i32;
    // SAFETY: an int of the given length. An earlier test may have left the port waiting.
    check(unsafe {
        libc::setsockopt(
            listening.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_REUSEADDR,
            (&raw const on).cast(),
            size_of::<i32>() as libc::socklen_t,
        )
    })?;
    bind_to(&listening, &raw_address(at).0)?;
    // SAFETY: no pointers.
    check(unsafe { libc::listen(listening.as_raw_fd(), 4) })?;
    connect(at)?;
    // SAFETY: no address is wanted.
    let peer = unsafe { libc::accept(listening.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) };
    check(peer).map(owned)
}

fn disconnect(to: SocketAddr) -> Errno<i64> {
    let socket = socket(family(to), libc::SOCK_DGRAM, 0)?;
    connect_to(&socket, &raw_address(to).0)?;
    let mut nobody = vec![0; 16];
    nobody[..2].copy_from_slice(&(libc::AF_UNSPEC as u16).to_ne_bytes());
    connect_to(&socket, &nobody)
}

fn pair() -> Errno<i64> {
    let mut ends = [0; 2];
    // SAFETY: room for two.
    check(unsafe { libc::socketpair(libc::AF_UNIX, libc::SOCK_STREAM, 0, ends.as_mut_ptr()) })?;
    let [one, other] = ends.map(|end| owned(end.into()));
    // SAFETY: a byte to send, a byte to receive.
    check(unsafe { libc::send(one.as_raw_fd(), b"x".as_ptr().cast(), 1, 0) as i64 })?;
    let mut byte = 0_u8;
    // SAFETY: as above.
    check(unsafe { libc::recv(other.as_raw_fd(), (&raw mut byte).cast(), 1, 0) as i64 })
}

/// Asks the kernel for this machine's addresses, over netlink.
fn interfaces() -> Errno<i64> {
    let mut list = std::ptr::null_mut();
    // SAFETY: filled by the call, freed below.
    check(unsafe { libc::getifaddrs(&raw mut list) })?;
    if list.is_null() {
        return Err(libc::ENOENT);
    }
    // SAFETY: got from getifaddrs.
    unsafe { libc::freeifaddrs(list) };
    Ok(0)
}
