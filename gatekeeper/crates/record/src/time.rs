//! Moments: on the wall clock, and on the kernel's clock since boot.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A moment: microseconds since 1970, UTC. As text, RFC 3339 with six digits of the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

/// Time since boot, time asleep included: the clock of `bpf_ktime_get_boot_ns`.
#[must_use]
pub fn since_boot() -> Duration {
    read(ClockId::Boottime)
}

/// Returns a time in nanoseconds, as the kernel counts them; no boot lasts longer than their 64 bits.
#[must_use]
pub fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A clock's reading; none of those used here runs below zero.
fn read(clock: ClockId) -> Duration {
    Duration::try_from(clock_gettime(clock)).unwrap_or_default()
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Moment {
    /// Now.
    #[must_use]
    pub fn now() -> Self {
        Self(micros(read(ClockId::Realtime)))
    }

    /// The moment so many microseconds after 1970.
    #[must_use]
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub fn micros(self) -> i64 {
        self.0
    }

    /// The moment the clock since boot showed `boot`.
    #[must_use]
    pub fn at_boot_time(boot: Duration) -> Self {
        let behind = micros(since_boot()).saturating_sub(micros(boot));
        Self(Self::now().0.saturating_sub(behind))
    }

    /// The moment so much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        // To the nearest: what was read as a fraction of seconds is not exact.
        let micros = time.as_nanos().saturating_add(500) / 1000;
        Self(self.0.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)))
    }

    /// Hours, minutes, seconds and milliseconds in this machine's time zone.
    #[must_use]
    pub fn clock(self) -> String {
        self.local("%H:%M:%S.%3f")
    }

    /// Day and minute in this machine's time zone.
    #[must_use]
    pub fn day_and_minute(self) -> String {
        self.local("%Y-%m-%d %H:%M")
    }

    fn local(self, form: &str) -> String {
        self.timestamp().to_zoned(TimeZone::system()).strftime(form).to_string()
    }

    /// The same for `jiff`, which knows of years up to 9999: what lies beyond is shown as the last of them.
    fn timestamp(self) -> Timestamp {
        let beyond = if self.0 < 0 { Timestamp::MIN } else { Timestamp::MAX };
        Timestamp::from_microsecond(self.0).unwrap_or(beyond)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.timestamp())
    }
}

impl FromStr for Moment {
    type Err = NotATime;

    /// Reads exactly what [`Moment`] writes.
    fn from_str(text: &str) -> Result<Self, NotATime> {
        let moment = text.parse::<Timestamp>().ok().map(|time| Self(time.as_microsecond()));
        moment.filter(|moment| moment.to_string() == text).ok_or_else(|| NotATime(text.to_owned()))
    }
}

/// Not a moment as [`Moment`] writes it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("\"{0}\" is not a time")]
pub struct NotATime(String);

impl Serialize for Moment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_moments() {
        assert_eq!(Moment(0).to_string(), "1970-01-01T00:00:00.000000Z");
        assert_eq!(Moment(951_827_696_000_001).to_string(), "2000-02-29T12:34:56.000001Z");
        assert_eq!(Moment(4_107_542_399_999_999).to_string(), "2100-02-28T23:59:59.999999Z");
    }

    #[test]
    fn text_and_back() {
        for micros in [0, 1, 951_827_696_000_001, 1_800_000_000_123_456, 4_107_542_400_000_000] {
            assert_eq!(Moment(micros).to_string().parse(), Ok(Moment(micros)));
        }
        for text in ["", "1970-01-01", "1970-13-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000+"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
