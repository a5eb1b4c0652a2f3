//! From what a date says to the instant it means.
//!
//! What the line leaves out comes from here: the zone, and, by "now", the year or the day. The
//! offset of the zone is remembered for the quarter of an hour it was asked for last, since the
//! lines of a log lie close together.

use chrono::{DateTime, Datelike as _};

use crate::model::{Time, Zone};

use super::stamp::{Day, Stamp, StampKind, is_leap};

const DAY: i64 = 86_400;
/// Offsets change at most at quarters of an hour; see `Resolver::east_of`.
const QUARTER: i64 = 900;

/// Makes instants of stamps.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The zone of dates that say none.
    pub zone: Zone,
    /// The log's own zone, which goes before `zone`.
    pub log_zone: Option<Zone>,
    /// The instant from which a missing year or day is guessed.
    pub now: Time,
    /// Zone, the quarter and its offset.
    quarter: Option<(Zone, i64, i64)>,
    /// Zone and instant for which the civil time was computed, that in seconds, and its year.
    today: Option<(Zone, Time, i64, i32)>,
}

impl Resolver {
    /// A resolver for the dates of one log.
    pub fn new(zone: Zone, log_zone: Option<Zone>, now: Time) -> Self {
        Self { zone, log_zone, now, quarter: None, today: None }
    }

    /// The instant a date means, `None` if there is none such; now where lines have no date on purpose. `year` is used for dates that say
    /// month and day but no year; without it the year is guessed from `now`.
    pub fn resolve(&mut self, stamp: &Stamp, year: Option<i32>) -> Option<Time> {
        match stamp.0 {
            StampKind::Impossible => None,
            StampKind::Dateless => Some(self.now),
            StampKind::Exact(micros) | StampKind::Epoch(micros) => Some(Time::from_micros(micros)),
            StampKind::Civil(civil) => self.instant(civil, None),
            StampKind::Partial { day: Day::Today, second, east } => self.today(second.into(), east),
            StampKind::Partial { day, second, east } => {
                self.in_year(day, second.into(), east, year)
            }
        }
    }

    fn today(&mut self, second: i64, east: Option<i32>) -> Option<Time> {
        let midnight = self.civil_now().0.div_euclid(DAY) * DAY;
        let at = self.instant(midnight + second, east)?;
        if at > self.now { self.instant(midnight - DAY + second, east) } else { Some(at) }
    }

    fn in_year(
        &mut self,
        day: Day,
        second: i64,
        east: Option<i32>,
        year: Option<i32>,
    ) -> Option<Time> {
        let leap_day = day == Day::Month { month: 2, day: 29 };
        // A 29th of February was in the most recent year that had one.
        let fitting = |year: i32| if leap_day { leap_until(year) } else { year };
        if let Some(year) = year {
            return self.instant(day.in_year(fitting(year))? * DAY + second, east);
        }
        let this = fitting(self.civil_now().1);
        let at = self.instant(day.in_year(this)? * DAY + second, east)?;
        if at > self.now.plus_secs(DAY) {
            return self.instant(day.in_year(fitting(this - 1))? * DAY + second, east);
        }
        Some(at)
    }

    /// What the clock of the log shows now, in seconds since 1970, and the year.
    fn civil_now(&mut self) -> (i64, i32) {
        let zone = self.zone_of_log();
        match self.today {
            Some((of, at, civil, year)) if of == zone && at == self.now => (civil, year),
            _ => {
                let local = self.now.in_zone(zone).naive_local();
                let (civil, year) = (local.and_utc().timestamp(), local.year());
                self.today = Some((zone, self.now, civil, year));
                (civil, year)
            }
        }
    }

    fn zone_of_log(&self) -> Zone {
        self.log_zone.unwrap_or(self.zone)
    }

    fn instant(&mut self, civil: i64, east: Option<i32>) -> Option<Time> {
        let east = match (east, self.zone_of_log()) {
            (Some(east), _) => east.into(),
            (None, Zone::Fixed(offset)) => offset.local_minus_utc().into(),
            (None, zone) => self.east_of(zone, civil)?,
        };
        Some(Time::from_secs(civil - east))
    }

    /// The offset of `zone` at a civil time.
    fn east_of(&mut self, zone: Zone, civil: i64) -> Option<i64> {
        let quarter = civil.div_euclid(QUARTER);
        if let Some((of, at, east)) = self.quarter
            && at == quarter
            && of == zone
        {
            return Some(east);
        }
        let east = offset_at(zone, civil)?;
        // Old zones changed at odd minutes: only a quarter that is all the same is remembered.
        let (first, last) = (quarter * QUARTER, quarter * QUARTER + QUARTER - 1);
        if offset_at(zone, first) == Some(east) && offset_at(zone, last) == Some(east) {
            self.quarter = Some((zone, quarter, east));
        }
        Some(east)
    }
}

fn offset_at(zone: Zone, civil: i64) -> Option<i64> {
    let local = DateTime::from_timestamp(civil, 0)?.naive_utc();
    Some(civil - zone.instant(local)?.secs())
}

fn leap_until(year: i32) -> i32 {
    (0..8).map(|back| year - back).find(|year| is_leap(*year)).unwrap_or(year)
}
