//! Zones of the IANA database, which is built into the program: a log of another machine means the same on any.
//!
//! The data are bytes that are read when a zone is asked for. Tables that the program has in memory from the start, as
//! `chrono-tz` has them, are a megabyte of pointers to be set right each time that it starts.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use chrono::{DateTime, Datelike, FixedOffset, LocalResult, NaiveDateTime, Offset, Timelike, Utc};
use jiff::Timestamp;
use jiff::civil;
use jiff::tz::{self, AmbiguousOffset, TimeZone, TimeZoneDatabase};

/// A zone that is known by its name, such as `Europe/Rome`.
#[derive(Clone, Copy)]
pub struct NamedZone(&'static TimeZone);

impl NamedZone {
    /// The zone of a name, in any letter case; `None` if there is none.
    pub fn get(name: &str) -> Option<Self> {
        static KNOWN: Mutex<BTreeMap<String, NamedZone>> = Mutex::new(BTreeMap::new());
        let zone = TimeZoneDatabase::bundled().get(name).ok()?;
        let name = zone.iana_name()?.to_owned();
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        // There are only so many of them, and few are ever asked for: each stays for good.
        Some(*known.entry(name).or_insert_with(|| Self(Box::leak(Box::new(zone)))))
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.0.iana_name().unwrap_or_default()
    }

    /// How far east it is at an instant. Beyond the year 9999 it is as far as at its end.
    pub(super) fn offset_at(self, at: DateTime<Utc>) -> FixedOffset {
        let ends = [Timestamp::MIN, Timestamp::MAX].map(Timestamp::as_second);
        let at = Timestamp::from_second(at.timestamp().clamp(ends[0], ends[1]));
        at.map_or(Utc.fix(), |at| east(self.0.to_offset(at)))
    }

    /// How far east it is at a civil time, which may occur twice or never.
    pub(super) fn offset_of(self, civil: NaiveDateTime) -> LocalResult<FixedOffset> {
        let Some(civil) = as_civil(civil) else { return LocalResult::None };
        match self.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset } => LocalResult::Single(east(offset)),
            AmbiguousOffset::Fold { before, after } => {
                LocalResult::Ambiguous(east(before), east(after))
            }
            AmbiguousOffset::Gap { .. } => LocalResult::None,
        }
    }
}

/// A civil time to the second; `None` if its year has no such day.
fn as_civil(at: NaiveDateTime) -> Option<civil::DateTime> {
    // Every number but the year's has a place in a byte.
    let small = |number: u32| i8::try_from(number).ok();
    let year = i16::try_from(at.year().clamp(-9999, 9999)).ok()?;
    let [month, day] = [small(at.month())?, small(at.day())?];
    let [hour, minute, second] = [small(at.hour())?, small(at.minute())?, small(at.second())?];
    civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

fn east(offset: tz::Offset) -> FixedOffset {
    // Less than 26 hours; chrono's end at 24.
    FixedOffset::east_opt(offset.seconds()).unwrap_or_else(|| Utc.fix())
}

impl PartialEq for NamedZone {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for NamedZone {}

impl fmt::Debug for NamedZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
