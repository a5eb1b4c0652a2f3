//! Instants, time zones and the clock.
//!
//! A [`Time`] counts microseconds since 1970 in UTC, as SQLite stores it and as it sorts. Local
//! civil times become instants through a [`Zone`], whose treatment of hours that occur twice or
//! never is fixed here once: the earlier instant of the two, and a shift by the offset that was in
//! force before the gap (what `mktime` does with the standard offset).

use std::fmt;

use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeDelta, TimeZone, Utc};

/// An instant in microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
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

    /// The civil time in `zone`.
    pub fn in_zone(self, zone: Zone) -> DateTime<FixedOffset> {
        zone.civil(self)
    }

    /// Reads RFC 3339, also without seconds, `YYYY-MM-DD[ T]HH:MM[:SS[.f]]` in `zone`, `YYYY-MM-DD`, or `@SECONDS`.
    pub fn parse(text: &str, zone: Zone) -> Option<Self> {
        if let Some(secs) = text.strip_prefix('@') {
            let secs: f64 = secs.parse().ok()?;
            #[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of i64")]
            return secs.is_finite().then_some(Self((secs * 1e6).round() as i64));
        }
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Some(Self(at.timestamp_micros()));
        }
        if let Ok(at) = DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M%#z") {
            return Some(Self(at.timestamp_micros()));
        }
        for format in
            ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        {
            if let Ok(civil) = NaiveDateTime::parse_from_str(text, format) {
                return zone.instant(civil);
            }
        }
        let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
        zone.instant(date.and_hms_opt(0, 0, 0)?)
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

/// Where civil times without an offset are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Zone {
    /// The machine's (`TZ`, else `/etc/localtime`).
    Local,
    /// A constant offset.
    Fixed(FixedOffset),
    /// A zone of the IANA database.
    Named(chrono_tz::Tz),
}

impl Zone {
    /// UTC.
    pub fn utc() -> Self {
        Self::Fixed(Utc.fix())
    }

    /// Reads `Europe/Rome`, `UTC`, `Z`, `+01:00`, `+0100`, `+01` or `local`.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "local" => return Some(Self::Local),
            "Z" | "UTC" | "GMT" => return Some(Self::utc()),
            _ => {}
        }
        if let Ok(tz) = text.parse() {
            return Some(Self::Named(tz));
        }
        let digits = text.trim_start_matches("UTC").trim_start_matches("GMT");
        let sign = match digits.as_bytes().first()? {
            b'+' => 1,
            b'-' => -1,
            _ => return None,
        };
        let digits: String = digits[1..].chars().filter(|c| *c != ':').collect();
        if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let hours: i32 = digits[..2].parse().ok()?;
        let minutes: i32 =
            digits.get(2..).filter(|m| !m.is_empty()).map_or(Ok(0), str::parse).ok()?;
        FixedOffset::east_opt(sign * (hours * 3600 + minutes * 60)).map(Self::Fixed)
    }

    /// The civil time of an instant here.
    pub fn civil(self, time: Time) -> DateTime<FixedOffset> {
        let utc = time.utc();
        match self {
            Self::Local => utc.with_timezone(&chrono::Local).fixed_offset(),
            Self::Fixed(offset) => utc.with_timezone(&offset),
            Self::Named(tz) => utc.with_timezone(&tz).fixed_offset(),
        }
    }

    /// The instant of a civil time here.
    ///
    /// An hour that occurs twice means its first occurrence; one that never occurs is shifted by
    /// the offset in force before it. `None` only at the ends of chrono's calendar.
    pub fn instant(self, civil: NaiveDateTime) -> Option<Time> {
        let offset = |civil: &NaiveDateTime| match self {
            Self::Local => fix(chrono::Local.offset_from_local_datetime(civil)),
            Self::Fixed(offset) => LocalResult::Single(offset),
            Self::Named(tz) => fix(tz.offset_from_local_datetime(civil)),
        };
        let east = match offset(&civil) {
            LocalResult::Single(east) => east,
            // In no fixed order, whatever chrono says: the machine's zone has them the other way round.
            LocalResult::Ambiguous(one, other)
                if one.local_minus_utc() >= other.local_minus_utc() =>
            {
                one
            }
            LocalResult::Ambiguous(_, other) => other,
            // A gap is at most a few hours wide, so the day before has the offset before it.
            LocalResult::None => {
                offset(&civil.checked_sub_signed(TimeDelta::days(1))?).earliest()?
            }
        };
        let utc = civil.checked_sub_offset(east)?.and_utc();
        Some(Time(utc.timestamp_micros()))
    }
}

fn fix<O: Offset>(result: LocalResult<O>) -> LocalResult<FixedOffset> {
    result.map(|offset| offset.fix())
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
    use super::*;

    fn civil(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S").unwrap()
    }

    #[test]
    fn an_hour_that_occurs_twice_is_the_first() {
        let zone = Zone::Named(chrono_tz::Europe::Zurich);
        let at = zone.instant(civil("2026-10-25 02:30:00")).unwrap();
        assert_eq!(at.to_string(), "2026-10-25T00:30:00Z");
    }

    #[test]
    fn an_hour_that_never_occurs_shifts_by_the_offset_before_it() {
        let zone = Zone::Named(chrono_tz::Europe::Zurich);
        let at = zone.instant(civil("2026-03-29 02:30:00")).unwrap();
        assert_eq!(at.to_string(), "2026-03-29T01:30:00Z");
    }

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

    #[test]
    fn ok_zones_read_their_spellings() {
        let hour = FixedOffset::east_opt(3600).unwrap();
        for text in ["+01:00", "+0100", "+01", "UTC+01:00"] {
            assert_eq!(Zone::parse(text), Some(Zone::Fixed(hour)), "{text}");
        }
        assert!(matches!(Zone::parse("Europe/Rome"), Some(Zone::Named(_))));
        assert_eq!(Zone::parse("nowhere"), None);
    }
}
