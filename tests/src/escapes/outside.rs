//! The world outside the session: a watched wire, servers that listen, helpers that run what they receive.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::fixtures::give;
use crate::sys::{Errno, check};
use crate::world::User;

/// The port outside that no policy opens; every address of the machine answers there.
pub const PORT: u16 = 7950;
/// The one that the policy opens on 127.0.0.1.
pub const OPEN_PORT: u16 = 7951;

const ETH_P_ALL: u16 = 3;
const NETLINK_USERSOCK: i32 = 2;
const AF_VSOCK: u16 = 40;
const IPPROTO_SCTP: i32 = 132;
const IPPROTO_UDPLITE: i32 = 136;

/// Marks that are waited for, and by whom each was seen.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<HashMap<String, Option<String>>>>);

impl Seen {
    fn marks(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<String>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn wait_for(&self, mark: &str) {
        self.marks().insert(mark.to_owned(), None);
    }

    pub fn who_saw(&self, mark: &str) -> Option<String> {
        self.marks().get(mark).cloned().flatten()
    }

    fn hear(&self, who: &str, bytes: &[u8]) {
        for (mark, seen) in self.marks().iter_mut().filter(|(_, seen)| seen.is_none()) {
            if bytes.windows(mark.len()).any(|part| part == mark.as_bytes()) {
                *seen = Some(who.to_owned());
            }
        }
    }
}

/// The servers of the whole machine; each thread lives as long as the suite.
pub fn listen(seen: &Seen) -> Result<()> {
    let wire =
        raw(libc::AF_PACKET, libc::SOCK_RAW, i32::from(ETH_P_ALL.to_be())).context("watching the wire")?;
    hear(wire, "the wire", seen);
    for address in ["0.0.0.0", "[::]"] {
        for port in [PORT, OPEN_PORT] {
            let at = format!("{address}:{port}");
            if port == OPEN_PORT && address == "[::]" {
                continue;
            }
            if address == "[::]" {
                // Bound for IPv6 alone, so that both can be there.
                serve_v6(seen)?;
                continue;
            }
            let udp = UdpSocket::bind(&at).with_context(|| format!("UDP {at}"))?;
            let heard = if port == PORT { seen.clone() } else { Seen::default() };
            hear(udp.into(), "a UDP server", &heard);
            accept(TcpListener::bind(&at).with_context(|| format!("TCP {at}"))?, &heard);
        }
    }
    // The kernel may lack these; the attacks that need them say so.
    if let Ok(messages) = raw(libc::AF_NETLINK, libc::SOCK_RAW, NETLINK_USERSOCK) {
        let mut address = vec![0_u8; 12];
        address[..2].copy_from_slice(&(libc::AF_NETLINK as u16).to_ne_bytes());
        address[8..12].copy_from_slice(&1_u32.to_ne_bytes());
        if bind(&messages, &address).is_ok() {
            hear(messages, "a netlink listener", seen);
        }
    }
    let mut v4 = vec![0_u8; 16];
    v4[..2].copy_from_slice(&(libc::AF_INET as u16).to_ne_bytes());
    v4[2..4].copy_from_slice(&PORT.to_be_bytes());
    let mut near = vec![0_u8; 16];
    near[..2].copy_from_slice(&AF_VSOCK.to_ne_bytes());
    near[4..8].copy_from_slice(&u32::from(PORT).to_ne_bytes());
    near[8..12].copy_from_slice(&u32::MAX.to_ne_bytes());
    for (who, family, protocol, address) in [
        ("an SCTP server", libc::AF_INET, IPPROTO_SCTP, v4.clone()),
        ("a vsock server", i32::from(AF_VSOCK), 0, near),
    ] {
        let Ok(listener) = raw(family, libc::SOCK_STREAM, protocol) else { continue };
        if bind(&listener, &address).is_err() {
            continue;
        }
        // SAFETY: no pointers.
        unsafe { libc::listen(listener.as_raw_fd(), 8) };
        let seen = seen.clone();
        std::thread::spawn(move || {
            loop {
                // SAFETY: no address is wanted.
                let peer =
                    unsafe { libc::accept(listener.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut()) };
                if peer < 0 {
                    break;
                }
                // SAFETY: the call above has just made it.
                hear(unsafe { OwnedFd::from_raw_fd(peer) }, who, &seen);
            }
        });
    }
    if let Ok(lite) = raw(libc::AF_INET, libc::SOCK_DGRAM, IPPROTO_UDPLITE)
        && bind(&lite, &v4).is_ok()
    {
        hear(lite, "a UDP-Lite server", seen);
    }
    Ok(())
}

fn serve_v6(seen: &Seen) -> Result<()> {
    let mut address = vec![0_u8; 28];
    address[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_ne_bytes());
    address[2..4].copy_from_slice(&PORT.to_be_bytes());
    for kind in [libc::SOCK_DGRAM, libc::SOCK_STREAM] {
        let socket = raw(libc::AF_INET6, kind, 0).context("an IPv6 socket")?;
        let one = 1_i32;
        // SAFETY: an int of the given length.
        check(unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::IPPROTO_IPV6,
                libc::IPV6_V6ONLY,
                (&raw const one).cast(),
                4,
            )
        })
        .map_err(std::io::Error::from_raw_os_error)?;
        bind(&socket, &address)
            .map_err(std::io::Error::from_raw_os_error)
            .context("binding an IPv6 server")?;
        if kind == libc::SOCK_DGRAM {
            hear(socket, "a UDP server", seen);
        } else {
            // SAFETY: no pointers.
            unsafe { libc::listen(socket.as_raw_fd(), 8) };
            accept(socket.into(), seen);
        }
    }
    Ok(())
}

fn accept(listener: TcpListener, seen: &Seen) {
    let seen = seen.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            hear(stream.into(), "a TCP server", &seen);
        }
    });
}

fn raw(family: i32, kind: i32, protocol: i32) -> std::io::Result<OwnedFd> {
    // SAFETY: no pointers; what it returns is ours.
    let fd = unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) };
    // SAFETY: as above.
    if fd < 0 { Err(std::io::Error::last_os_error()) } else { Ok(unsafe { OwnedFd::from_raw_fd(fd) }) }
}

fn bind(socket: &OwnedFd, address: &[u8]) -> Errno<i64> {
    // SAFETY: an address of the given length.
    check(unsafe { libc::bind(socket.as_raw_fd(), address.as_ptr().cast(), address.len() as u32) })
}

/// Hears what comes until there is no more.
fn hear(from: OwnedFd, who: &'static str, seen: &Seen) {
    let seen = seen.clone();
    std::thread::spawn(move || {
        let mut bytes = vec![0; 65_536];
        loop {
            // SAFETY: a buffer of the given length.
            let length = unsafe { libc::recv(from.as_raw_fd(), bytes.as_mut_ptr().cast(), bytes.len(), 0) };
            match usize::try_from(length) {
                Ok(0) | Err(_) => break,
                Ok(length) => seen.hear(who, &bytes[..length]),
            }
        }
    });
}

/// The helpers of one worker: they run, outside any session, what they receive over a UNIX socket, as
/// Docker, systemd, tmux and a session bus do; and one that hands out a descriptor of the secret.
pub fn help(sockets: &Path, guarded: &Path, hand: &Path, worker: usize, seen: &Seen) -> Result<()> {
    let run = |seen: &Seen, guarded: PathBuf, who: &'static str| {
        let seen = seen.clone();
        move |bytes: &[u8]| {
            seen.hear(who, bytes);
            execute(bytes, &guarded);
        }
    };
    let abstract_name = SocketAddr::from_abstract_name(format!("escapes-{worker}-exec"))?;
    let path = sockets.join("exec.sock");
    for listener in [UnixListener::bind(&path)?, UnixListener::bind_addr(&abstract_name)?] {
        let act = run(seen, guarded.to_owned(), "a helper's stream socket");
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = Vec::new();
                let _ = BufReader::new(stream).read_until(b'\n', &mut line);
                act(&line);
            }
        });
    }
    let abstract_name = SocketAddr::from_abstract_name(format!("escapes-{worker}-datagram"))?;
    let datagram = sockets.join("datagram.sock");
    for socket in [UnixDatagram::bind(&datagram)?, UnixDatagram::bind_addr(&abstract_name)?] {
        let act = run(seen, guarded.to_owned(), "a helper's datagram socket");
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(length) = socket.recv(&mut bytes) {
                act(&bytes[..length]);
            }
        });
    }
    let packets = sockets.join("packets.sock");
    let socket = raw(libc::AF_UNIX, libc::SOCK_SEQPACKET, 0)?;
    let mut address = (libc::AF_UNIX as u16).to_ne_bytes().to_vec();
    address.extend(packets.as_os_str().as_encoded_bytes());
    address.push(0);
    bind(&socket, &address).map_err(std::io::Error::from_raw_os_error)?;
    // SAFETY: no pointers.
    unsafe { libc::listen(socket.as_raw_fd(), 8) };
    let act = run(seen, guarded.to_owned(), "a helper's packet socket");
    std::thread::spawn(move || {
        for stream in UnixListener::from(socket).incoming().flatten() {
            let mut bytes = [0; 4096];
            let length = (&stream).read(&mut bytes).unwrap_or(0);
            act(&bytes[..length]);
        }
    });
    let giver = UnixListener::bind(hand)?;
    for path in [&path, &datagram, &packets, &hand.to_owned()] {
        give(path)?;
    }
    let secret = guarded.join("secret");
    std::thread::spawn(move || {
        for stream in giver.incoming().flatten() {
            if let Ok(file) = std::fs::File::open(&secret) {
                let _ = hand_over(&stream, file.as_raw_fd());
            }
        }
    });
    Ok(())
}

/// Runs a line as the developer, outside any session.
fn execute(line: &[u8], guarded: &Path) {
    let line = String::from_utf8_lossy(line).trim_end_matches(['\0', '\n']).to_owned();
    let mut command = Command::new("/usr/bin/bash");
    User::Dev.become_of(&mut command);
    command.args(["-c", &line]).current_dir(guarded).stdin(Stdio::null());
    let _ = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

/// Sends a descriptor over a UNIX socket.
fn hand_over(stream: &UnixStream, fd: i32) -> Errno<i64> {
    let mut control = [0_u64; 3];
    let byte = b"x";
    let mut part = libc::iovec { iov_base: byte.as_ptr().cast_mut().cast(), iov_len: 1 };
    // SAFETY: all zeroes is an empty message.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: the control buffer has room for one descriptor's message, and is aligned for it.
    unsafe {
        let head = libc::CMSG_FIRSTHDR(&raw const message);
        (*head).cmsg_level = libc::SOL_SOCKET;
        (*head).cmsg_type = libc::SCM_RIGHTS;
        (*head).cmsg_len = libc::CMSG_LEN(4) as usize;
        libc::CMSG_DATA(head).cast::<i32>().write_unaligned(fd);
        check(libc::sendmsg(stream.as_raw_fd(), &raw const message, 0) as i64)
    }
}
