//! Objects of events that are no files.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::arithmetic_side_effects))]

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use gatekeeper_common::event::{Address, Header};
use gatekeeper_common::image::Protocol;
use gatekeeper_common::operation::Operation;

use gatekeeper_policy::{capability, signal};
use gatekeeper_record::record::Object;

/// Bytes as text, and in hexadecimal where they are none.
#[must_use]
pub fn readable(bytes: &[u8]) -> (String, Option<String>) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (text.to_owned(), None),
        Err(_) => (String::from_utf8_lossy(bytes).into_owned(), Some(hex(bytes))),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len().saturating_mul(2)), |mut text, byte| {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// An address as the kernel sends it.
#[must_use]
pub fn address(bytes: &[u8]) -> Option<Object> {
    let found: Address = bytemuck::try_pod_read_unaligned(bytes).ok()?;
    let ip = match (found.version, found.bytes) {
        (4, [a, b, c, d, ..]) => Ipv4Addr::new(a, b, c, d).into(),
        (6, bytes) => Ipv6Addr::from(bytes).into(),
        _ => return None,
    };
    let protocol = [Protocol::Tcp, Protocol::Udp, Protocol::Other]
        .into_iter()
        .find(|&protocol| protocol as u8 == found.protocol)?;
    Some(Object::Address { address: SocketAddr::new(ip, found.port), protocol })
}

/// A UNIX socket: the path of its file, or a NUL and its abstract name, or nothing at all.
#[must_use]
pub fn unix(word: &[u8]) -> Object {
    let (name, name_hex) = match word.strip_prefix(&[0]) {
        Some(name) => {
            let (name, hex) = readable(name);
            (format!("@{name}"), hex)
        }
        None => readable(word),
    };
    Object::Unix { name, name_hex }
}

/// A process, and the signal where it was sent one.
#[must_use]
pub fn process(program: &[u8], header: &Header, operation: Operation) -> Object {
    let (program, program_hex) = readable(program);
    let number = u8::try_from(header.detail).ok().filter(|_| operation == Operation::Signal);
    // The kernel side puts the process id there; no process has the greatest number.
    let pid = u32::try_from(header.inode).unwrap_or(u32::MAX);
    Object::Process { pid, program, program_hex, signal: number.map(signal::name) }
}

/// The arguments of a program, the one it is called by included.
#[must_use]
pub fn arguments(bytes: &[u8], header: &Header) -> Object {
    let whole = bytes.strip_suffix(&[0]).unwrap_or(bytes);
    let list = whole.split(|byte| *byte == 0).filter(|_| !bytes.is_empty());
    let missing = header.inode.saturating_sub(bytes.len() as u64);
    Object::Arguments {
        arguments: list.map(|word| readable(word).0).collect(),
        count: header.detail,
        missing_bytes: missing,
    }
}

/// Arguments on one line: words that could be taken for several stand in quotes.
#[must_use]
pub fn command_line(words: &[String]) -> String {
    let quoted = |word: &String| {
        let plain = !word.is_empty() && !word.contains(|c: char| c.is_whitespace() || c == '"');
        if plain { word.clone() } else { format!("{word:?}") }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

/// A capability.
#[must_use]
pub fn capability(header: &Header) -> Object {
    let number = u8::try_from(header.detail).unwrap_or(u8::MAX);
    Object::Capability { name: capability::name(number) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytemuck::Zeroable;

    #[test]
    fn sockets_have_paths_names_or_neither() {
        let name = |word: &[u8]| {
            let Object::Unix { name, name_hex } = unix(word) else { panic!("no socket") };
            (name, name_hex)
        };
        assert_eq!(name(b"/run/x"), ("/run/x".to_owned(), None));
        assert_eq!(name(b"\0a/b"), ("@a/b".to_owned(), None));
        assert_eq!(name(b"\0\xff"), ("@\u{fffd}".to_owned(), Some("ff".to_owned())));
        assert_eq!(name(b""), (String::new(), None));
    }

    #[test]
    fn signals_and_capabilities_have_names() {
        let header = Header { inode: 812, detail: 15, ..Header::zeroed() };
        let Object::Process { pid, program, signal, .. } =
            process(b"/usr/sbin/sshd", &header, Operation::Signal)
        else {
            panic!("no process")
        };
        assert_eq!((pid, program.as_str(), signal.as_deref()), (812, "/usr/sbin/sshd", Some("TERM")));
        let traced = process(b"/usr/sbin/sshd", &header, Operation::Control);
        assert!(matches!(traced, Object::Process { signal: None, .. }));
        assert_eq!(
            capability(&Header { detail: 21, ..header }),
            Object::Capability { name: "sys_admin".into() }
        );
    }

    #[test]
    fn what_is_cut_off_is_counted() {
        let header = Header { inode: 9, detail: 3, ..Header::zeroed() };
        let expected = Object::Arguments {
            arguments: vec!["git".into(), String::new(), "x".into()],
            count: 3,
            missing_bytes: 2,
        };
        assert_eq!(arguments(b"git\0\0x\0", &header), expected);
        let none = Object::Arguments { arguments: Vec::new(), count: 0, missing_bytes: 0 };
        assert_eq!(arguments(b"", &Header::zeroed()), none);
    }
}
