//! Instants and the clock.
//!
//! A [`Time`] counts microseconds since 1970 in UTC, as SQLite stores it and as it sorts. Local
//! civil times become instants through a [`Zone`].

use std::fmt;

use chrono::{DateTime, Utc};

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Time(i64);

impl Time {
    /// The end of the year 9999: what comes later has no form that everyone reads.
    pub const LAST: Self = Self::from_secs(253_402_300_799);

    /// From microseconds since 1970.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From whole seconds since 1970; saturates at the ends of the range.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000))
    }

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    pub const fn secs(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// Seconds since 1970 with their fraction.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// This instant moved by `micros` (may be negative); saturates.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// This instant moved by whole seconds (may be negative); saturates.
    #[must_use]
    pub const fn plus_secs(self, secs: i64) -> Self {
        self.plus_micros(secs.saturating_mul(1_000_000))
    }

    /// The civil time in UTC; the nearest representable one for instants beyond chrono's calendar.
    pub fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.0).unwrap_or(if self.0 < 0 {
            DateTime::<Utc>::MIN_UTC
        } else {
            DateTime::<Utc>::MAX_UTC
        })
    }
}

impl fmt::Display for Time {
    /// `2026-11-01T00:00:00Z`, with a fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let format = if self.0.rem_euclid(1_000_000) == 0 {
            "%Y-%m-%dT%H:%M:%SZ"
        } else {
            "%Y-%m-%dT%H:%M:%S%.6fZ"
        };
        write!(f, "{}", self.utc().format(format))
    }
}

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The source of "now": a parameter everywhere, so that archives can be read as of their day.
pub trait Clock {
    /// The present instant.
    fn now(&self) -> Time;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks what time it is")]
    fn now(&self) -> Time {
        Time(Utc::now().timestamp_micros())
    }
}

/// A clock that stands still (`--now`, replay, tests).
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(
    /// What it shows.
    pub Time,
);

impl Clock for FixedClock {
    fn now(&self) -> Time {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use chrono::FixedOffset;

    use super::*;
    use crate::model::Zone;

    #[test]
    fn ok_parse_reads_its_spellings() {
        let zone = Zone::Fixed(FixedOffset::east_opt(3600).unwrap());
        for text in [
            "2026-01-02T03:04:00+01:00",
            "2026-01-02 03:04",
            "2026-01-02T03:04:00",
            "@1767319440",
            "2026-01-02T02:04Z",
            "2026-01-02T03:04+01:00",
        ] {
            assert_eq!(
                Time::parse(text, zone).unwrap().to_string(),
                "2026-01-02T02:04:00Z",
                "{text}"
            );
        }
        assert_eq!(Time::parse("2026-01-02", zone).unwrap().to_string(), "2026-01-01T23:00:00Z");
    }
}
