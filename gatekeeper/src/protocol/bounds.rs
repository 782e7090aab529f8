//! Numbers that clients send, each in a type that holds its bounds. A number beyond them is refused where the request is
//! read: nothing has been done or written then.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::config::EVENTS_IN_MEMORY;

/// A time that a client asks for: whole seconds, from 1 to 604,800 (7 days).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Seconds(u64);

/// A number of records that a client asks for: from 0 to 1,000,000, which is as many as the daemon keeps in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct Count(u32);

/// The beginning of the help in an error's text, on a line of its own.
pub const HELP: &str = "\n  help: ";

/// A number beyond its bounds. The text has the help on a line of its own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OutOfRange {
    /// A number of seconds.
    #[error("{0} s is out of range{HELP}use 1 to {most} seconds, which are 7 days", most = Seconds::MOST.0)]
    Seconds(u64),
    /// A number of records.
    #[error("{0} records are out of range{HELP}use a number from 0 to {most}", most = Count::MOST)]
    Count(u64),
}

/// An argument of the command line that is no [`Seconds`]. The text has the help on a line of its own.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotSeconds {
    /// A text that is no length of time.
    #[error("{0}{HELP}write a time from 1s to 7days, such as `30s`, `10m` or `1h`")]
    NoTime(#[from] humantime::DurationError),
    /// A length of time beyond the bounds.
    #[error(
        "that is shorter than 1s or longer than 7days{HELP}write a time between them, such as `30s`, `10m` or `1h`"
    )]
    OutOfRange,
}

/// An argument of the command line that is no [`Count`]. The text has the help on a line of its own.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotACount {
    /// A text that is no number.
    #[error("{0}{HELP}write a number from 0 to {most}", most = Count::MOST)]
    NoNumber(#[from] std::num::ParseIntError),
    /// A number beyond the bounds.
    #[error(transparent)]
    OutOfRange(#[from] OutOfRange),
}

impl Seconds {
    /// The longest time: 7 days.
    pub const MOST: Self = Self(7 * 24 * 60 * 60);

    /// Returns the number of seconds.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl Count {
    /// The largest number.
    pub const MOST: u32 = EVENTS_IN_MEMORY;

    /// Returns the number, or the largest one where it is larger.
    #[must_use]
    pub const fn saturating(count: u32) -> Self {
        Self(if count > Self::MOST { Self::MOST } else { count })
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> usize {
        self.0 as usize
    }
}

impl TryFrom<u64> for Seconds {
    type Error = OutOfRange;

    fn try_from(seconds: u64) -> Result<Self, OutOfRange> {
        if (1..=Self::MOST.0).contains(&seconds) {
            Ok(Self(seconds))
        } else {
            Err(OutOfRange::Seconds(seconds))
        }
    }
}

impl TryFrom<u64> for Count {
    type Error = OutOfRange;

    fn try_from(count: u64) -> Result<Self, OutOfRange> {
        let fits = u32::try_from(count).ok().filter(|count| *count <= Self::MOST);
        fits.map(Self).ok_or(OutOfRange::Count(count))
    }
}

impl From<Seconds> for u64 {
    fn from(seconds: Seconds) -> Self {
        seconds.0
    }
}

impl From<Seconds> for Duration {
    fn from(seconds: Seconds) -> Self {
        Self::from_secs(seconds.0)
    }
}

impl From<Count> for u64 {
    fn from(count: Count) -> Self {
        count.0.into()
    }
}

/// From a length of time as people write it; parts of a second are left out.
impl FromStr for Seconds {
    type Err = NotSeconds;

    fn from_str(text: &str) -> Result<Self, NotSeconds> {
        let time = humantime::parse_duration(text)?;
        Self::try_from(time.as_secs()).map_err(|_| NotSeconds::OutOfRange)
    }
}

impl FromStr for Count {
    type Err = NotACount;

    fn from_str(text: &str) -> Result<Self, NotACount> {
        Ok(Self::try_from(text.parse::<u64>()?)?)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_1_to_7_days() {
        for good in [1, 60, 604_800] {
            assert_eq!(Seconds::try_from(good).map(Seconds::get), Ok(good));
        }
        for bad in [0, 604_801, u64::MAX] {
            let error = Seconds::try_from(bad).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("{bad} s is out of range\n  help: use 1 to 604800 seconds, which are 7 days")
            );
        }
    }

    #[test]
    fn times_on_the_command_line_are_1s_to_7days() {
        let seconds = |text: &str| text.parse().map(Seconds::get);
        assert_eq!((seconds("1s").unwrap(), seconds("7days").unwrap()), (1, 604_800));
        assert_eq!(seconds("1m 500ms").unwrap(), 60);
        for bad in ["", "soon", "0s", "999ms", "8days", "1000000000years", "99999999999999999999s", "-1s"] {
            let error = seconds(bad).unwrap_err().to_string();
            assert_eq!(error.matches("\n  help: write a time").count(), 1, "{bad}: {error}");
        }
    }

    #[test]
    fn counts_are_0_to_a_million() {
        let count = |text: &str| text.parse().map(Count::get);
        assert_eq!((count("0").unwrap(), count("1000000").unwrap()), (0, 1_000_000));
        for bad in ["", "many", "-1", "1000001", "18446744073709551615", "18446744073709551616"] {
            let error = count(bad).unwrap_err().to_string();
            assert!(
                error.contains("\n  help: ") && error.ends_with("a number from 0 to 1000000"),
                "{bad}: {error}"
            );
        }
    }
}
