//! Randomness from the kernel.

use std::io;

use rustix::rand::{GetRandomFlags, getrandom};

/// A random number, fit for an identity that must not be guessed or repeated.
///
/// # Errors
/// Where the kernel has none to give.
pub fn number() -> io::Result<u64> {
    let mut bytes = [0; 8];
    // Up to 256 bytes come whole or not at all (drivers/char/random.c, `getrandom`).
    match getrandom(&mut bytes, GetRandomFlags::empty())? {
        8 => Ok(u64::from_ne_bytes(bytes)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
