//! Numbers of holds.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Number of a hold: that of the event which announced it, unique in its boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HoldId(NonZeroU64);

/// Not the number of a hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not the number of a hold: `gatekeeper holds` lists them")]
pub struct NotAHold(String);

impl HoldId {
    /// The hold that the kernel gives this number; none is 0.
    #[must_use]
    pub fn from_kernel(number: u64) -> Option<Self> {
        NonZeroU64::new(number).map(Self)
    }

    /// The number that the kernel gives it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0.get()
    }
}

impl fmt::Display for HoldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for HoldId {
    type Err = NotAHold;

    fn from_str(text: &str) -> Result<Self, NotAHold> {
        text.parse().map(Self).map_err(|_| NotAHold(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_not_zero() {
        assert_eq!("17".parse::<HoldId>().unwrap().number(), 17);
        for text in ["0", "-1", "x", ""] {
            assert!(text.parse::<HoldId>().is_err(), "{text}");
        }
    }
}
