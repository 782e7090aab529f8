//! A session's name for machines and, in short, for people.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Crockford's base 32: no letters that look like digits.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Bits drawn: 10 digits to read aloud, and far more than anybody can guess or collide with.
const BITS: u32 = 50;

/// The identity of a session; random, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(NonZeroU64);

/// Not a session id.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a session id: `gatekeeper sessions` lists them")]
pub struct NotAnId(String);

impl SessionId {
    /// Returns a new identity.
    ///
    /// # Errors
    /// Where the kernel has no random number to give.
    pub fn random() -> std::io::Result<Self> {
        loop {
            if let Some(id) = NonZeroU64::new(crate::random::number()? >> (64 - BITS)) {
                return Ok(Self(id));
            }
        }
    }

    /// The session the kernel names with this number; none is 0.
    #[must_use]
    pub fn from_kernel(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number the kernel knows it by.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

/// Returns the digit of the lowest five bits.
fn digit(number: u64) -> char {
    let [lowest, ..] = number.to_le_bytes();
    char::from(DIGITS[usize::from(lowest & 31)])
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0.get();
        let digits = (64 - number.leading_zeros()).div_ceil(5).max(BITS / 5);
        let text: String = (0..digits).rev().map(|at| digit(number >> (at * 5))).collect();
        f.pad(&text)
    }
}

impl FromStr for SessionId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let wrong = || NotAnId(text.chars().take(40).collect());
        let mut number = 0u64;
        for byte in text.bytes() {
            let digit = DIGITS.iter().position(|&d| d == byte.to_ascii_lowercase()).ok_or_else(wrong)?;
            number = number.checked_mul(32).ok_or_else(wrong)? | digit as u64;
        }
        NonZeroU64::new(number).map(Self).ok_or_else(wrong)
    }
}

impl Serialize for SessionId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SessionId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for number in [1, 31, 32, (1 << 50) - 1, 1 << 50, u64::MAX] {
            let id = SessionId::from_kernel(number).unwrap();
            assert_eq!(id.to_string().parse(), Ok(id), "{number}");
        }
        assert_eq!(SessionId::random().unwrap().to_string().len(), 10);
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "0", "ilou", "../x", "zzzzzzzzzzzzzz", "a b"] {
            assert!(text.parse::<SessionId>().is_err(), "{text}");
        }
    }
}
