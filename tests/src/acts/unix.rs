//! Acts on UNIX sockets. A name that begins with `@` is an abstract one.

use std::ffi::OsStr;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};

use super::Done;
use super::file::unit;

pub fn act(verb: &str, arguments: &[Vec<u8>]) -> Option<Done> {
    let done = match (verb, arguments.len()) {
        ("connect-unix", 1) => {
            unit(address(&arguments[0]).and_then(|to| UnixStream::connect_addr(&to)).map(drop))
        }
        ("send-unix", 2) => unit(
            address(&arguments[0])
                .and_then(|to| UnixDatagram::unbound()?.send_to_addr(&arguments[1], &to))
                .map(drop),
        ),
        ("bind-unix", 1) => {
            unit(address(&arguments[0]).and_then(|at| UnixListener::bind_addr(&at)).map(drop))
        }
        // To a socket that this very process has made.
        ("reach-own-unix", 1) => unit(address(&arguments[0]).and_then(|at| {
            let _listening = UnixListener::bind_addr(&at)?;
            UnixStream::connect_addr(&at).map(drop)
        })),
        _ => return None,
    };
    Some(done)
}

/// The address that a name stands for.
pub fn address(name: &[u8]) -> std::io::Result<SocketAddr> {
    match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(OsStr::from_bytes(name)),
    }
}
