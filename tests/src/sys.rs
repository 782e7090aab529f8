//! Small helpers over libc.

use std::ffi::CString;
use std::io;
use std::net::SocketAddr;

/// The result of a system call.
pub type Errno<T> = Result<T, i32>;

/// The number of an error.
pub fn errno(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(-1)
}

/// Returns a system call's value, or its error's number.
pub fn check(returned: impl Into<i64>) -> Errno<i64> {
    let returned = returned.into();
    if returned < 0 { Err(errno(&io::Error::last_os_error())) } else { Ok(returned) }
}

/// Bytes as a C string.
pub fn c(bytes: &[u8]) -> Errno<CString> {
    CString::new(bytes).map_err(|_| libc::EINVAL)
}

/// An address as the kernel takes it.
pub fn raw_address(address: SocketAddr) -> (Vec<u8>, libc::socklen_t) {
    let mut bytes = Vec::new();
    match address {
        SocketAddr::V4(v4) => {
            bytes.extend((libc::AF_INET as u16).to_ne_bytes());
            bytes.extend(v4.port().to_be_bytes());
            bytes.extend(v4.ip().octets());
            bytes.extend([0; 8]);
        }
        SocketAddr::V6(v6) => {
            bytes.extend((libc::AF_INET6 as u16).to_ne_bytes());
            bytes.extend(v6.port().to_be_bytes());
            bytes.extend([0; 4]);
            bytes.extend(v6.ip().octets());
            bytes.extend(v6.scope_id().to_ne_bytes());
        }
    }
    let length = bytes.len() as libc::socklen_t;
    (bytes, length)
}

/// Bytes as hexadecimal digits; what nothing is stands as `-`, so that words stay apart.
pub fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "-".to_owned();
    }
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the bytes of a hexadecimal text; `-` is none.
pub fn unhex(text: &str) -> Option<Vec<u8>> {
    if text == "-" {
        return Some(Vec::new());
    }
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| (byte as char).to_digit(16).map(|value| value as u8);
    digits.chunks(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_there_and_back() {
        for bytes in [&b""[..], b"\0", b"a b\n\xff"] {
            assert_eq!(unhex(&hex(bytes)).unwrap(), bytes);
        }
        assert_eq!(unhex("abc"), None);
        assert_eq!(unhex("zz"), None);
    }
}
