//! Moments as text.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::sys::clock;

/// A moment: microseconds since 1970, UTC. As text, RFC 3339.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(i64);

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400;

/// Year, month, day, hour, minute, second.
type Parts = (i64, u32, u32, i64, i64, i64);

impl Moment {
    /// Now.
    pub fn now() -> std::io::Result<Self> {
        Ok(Self(clock::wall()?.as_micros() as i64))
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
    pub fn at_boot_time(boot: Duration) -> std::io::Result<Self> {
        let behind = clock::since_boot()?.as_micros() as i64 - boot.as_micros() as i64;
        Ok(Self(clock::wall()?.as_micros() as i64 - behind))
    }

    /// So much later.
    #[must_use]
    pub fn after(self, time: Duration) -> Self {
        // To the nearest: what was read as a fraction of seconds is not exact.
        let micros = (time.as_nanos() + 500) / 1000;
        Self(self.0.saturating_add(i64::try_from(micros).unwrap_or(i64::MAX)))
    }

    /// Hours, minutes, seconds and milliseconds on a clock on the wall here.
    #[must_use]
    pub fn clock(self) -> String {
        let (.., hour, minute, second) = self.local();
        format!("{hour:02}:{minute:02}:{second:02}.{:03}", self.0.rem_euclid(SECOND) / 1000)
    }

    /// Day and minute here.
    #[must_use]
    pub fn day_and_minute(self) -> String {
        let (year, month, day, hour, minute, _) = self.local();
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}")
    }

    fn local(self) -> Parts {
        let seconds = self.0.div_euclid(SECOND);
        parts(seconds + clock::offset_at(seconds))
    }
}

/// The Gregorian calendar from days since 1970, after Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>): years begin in March, eras have 400 years.
fn parts(seconds: i64) -> Parts {
    let days = seconds.div_euclid(DAY) + 719_468;
    let clock = seconds.rem_euclid(DAY);
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day, clock / 3600, clock / 60 % 60, clock % 60)
}

/// Days since 1970 of a date: the same algorithm, backwards.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day, hour, minute, second) = parts(self.0.div_euclid(SECOND));
        let micros = self.0.rem_euclid(SECOND);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
    }
}

/// Reads exactly what [`Moment`] writes.
fn parse(text: &str) -> Option<Moment> {
    let number = |range| text.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
    let day = days(number(0..4)?, number(5..7)?, number(8..10)?);
    let seconds = day * DAY + number(11..13)? * 3600 + number(14..16)? * 60 + number(17..19)?;
    let moment = Moment(seconds * SECOND + number(20..26)?);
    (moment.to_string() == text).then_some(moment)
}

impl FromStr for Moment {
    type Err = NotATime;

    fn from_str(text: &str) -> Result<Self, NotATime> {
        parse(text).ok_or_else(|| NotATime(text.to_owned()))
    }
}

/// Not a moment as [`Moment`] writes it.
#[derive(Debug, thiserror::Error)]
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
            assert_eq!(parse(&Moment(micros).to_string()), Some(Moment(micros)));
        }
        for text in ["", "1970-01-01", "1970-13-01T00:00:00.000000Z", "1970-01-01T00:00:00.000000+"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
