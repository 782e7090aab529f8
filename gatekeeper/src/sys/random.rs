//! Randomness from the kernel.

use std::io;

/// A random number, fit for an identity that must not be guessed or repeated.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0u8; 8];
    // SAFETY: the buffer is ours and as long as we say. Up to 256 bytes come whole or not at all.
    let read = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    if read == bytes.len() as isize { Ok(u64::from_ne_bytes(bytes)) } else { Err(io::Error::last_os_error()) }
}
