//! Which year a line without a year belongs to, learnt from the order of the lines.
//!
//! Traditional syslog stamps say `Nov  1`, not which November. fail2ban takes the present year, or
//! the year before if that lay in the future; right for a live log, wrong for an archive. A log that
//! is in order tells more: where December is followed by January, a year has passed. A [`Trail`] is
//! what one pass over the lines learns of that; a [`Timeline`] is the conclusion, by which every line
//! gets its year from where it stands.
//!
//! The end of a log is placed by the log's own modification time. Logs whose lines are out of order
//! teach nothing and fall back to fail2ban's rule, as do logs that are read as of a day (`--now`)
//! before they were last written.

use chrono::Datelike;

use crate::model::{Time, Zone};

const DAY: i64 = 86_400;
const HALF_YEAR: i64 = 183 * DAY;
/// From the first days of January to the last of December: a line that was late, not a year of silence.
const ACROSS_NEW_YEAR: i64 = 359 * DAY;

/// The stamps of a piece of a log, in seconds since the beginning of an unknown (leap) year.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    first: Option<i64>,
    last: Option<i64>,
    /// Where a year begins (+1) or, for a straggler of the old year, the one before it returns (-1).
    turns: Vec<(u64, i32)>,
    /// Steps back by more than a day that are no turn of the year.
    disorder: u64,
    steps: u64,
}

impl Trail {
    /// Whether it holds no stamp yet.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Notes the stamp of the line at `offset`.
    pub fn note(&mut self, yearless_secs: i64, offset: u64) {
        match self.last {
            Some(last) if last == yearless_secs => return,
            Some(last) => self.step(yearless_secs - last, offset),
            None => self.first = Some(yearless_secs),
        }
        self.last = Some(yearless_secs);
    }

    fn step(&mut self, by: i64, offset: u64) {
        self.steps += 1;
        if by < -HALF_YEAR {
            self.turns.push((offset, 1));
        } else if by > ACROSS_NEW_YEAR {
            self.turns.push((offset, -1));
        } else if by < -DAY {
            self.disorder += 1;
        }
    }

    /// Appends the trail of the piece that follows; its offsets count from the log's beginning too.
    ///
    /// A turn exactly at the seam is placed at `seam`, the offset where the next piece begins.
    pub fn append(&mut self, next: Self, seam: u64) {
        let Some(first) = next.first else { return };
        self.note(first, seam);
        self.turns.extend(next.turns);
        self.disorder += next.disorder;
        self.steps += next.steps;
        self.last = next.last;
    }

    /// More than one step in a hundred (and more than two) goes back in time: not a log in order.
    fn is_disordered(&self) -> bool {
        self.disorder > 2 && self.disorder * 100 > self.steps
    }
}

/// How the lines of one log get their years.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Timeline {
    /// Each line by itself: the year that puts it last before the reference (and a day).
    #[default]
    Each,
    /// By position: the year at the log's beginning, and the offsets at which it changes.
    Ordered {
        /// The year of the first line.
        first_year: i32,
        /// Offsets and the year from there on, ascending.
        turns: Vec<(u64, i32)>,
    },
}

impl Timeline {
    /// The conclusion from a whole log's trail, whose last line was written about `modified`.
    pub fn of(trail: &Trail, modified: Time, zone: Zone) -> Self {
        let (Some(first), Some(last)) = (trail.first, trail.last) else { return Self::Each };
        if trail.turns.is_empty() || trail.is_disordered() {
            return Self::Each;
        }
        let civil = modified.in_zone(zone);
        let reference = yearless_secs_of(&civil);
        let last_year = civil.year() - i32::from(last > reference + DAY);
        let net: i32 = trail.turns.iter().map(|(_, by)| by).sum();
        // Less than a year in all: each line by itself comes to the same.
        if net <= 1 && trail.turns.len() == 1 && first > reference + DAY {
            return Self::Each;
        }
        let first_year = last_year - net;
        let mut year = first_year;
        let turns = trail
            .turns
            .iter()
            .map(|(at, by)| {
                year += by;
                (*at, year)
            })
            .collect();
        Self::Ordered { first_year, turns }
    }

    /// The year of the line at `offset`; `None` if each line is judged by itself.
    pub fn year_at(&self, offset: u64) -> Option<i32> {
        match self {
            Self::Each => None,
            Self::Ordered { first_year, turns } => {
                let passed = turns.partition_point(|(at, _)| *at <= offset);
                Some(passed.checked_sub(1).map_or(*first_year, |i| turns[i].1))
            }
        }
    }
}

/// Seconds since the beginning of a leap year, as `date::Stamp` counts them.
fn yearless_secs_of(civil: &chrono::DateTime<chrono::FixedOffset>) -> i64 {
    use chrono::Timelike;
    let ordinal = chrono::NaiveDate::from_ymd_opt(2000, civil.month(), civil.day())
        .map_or(0, |date| i64::from(date.ordinal0()));
    ordinal * DAY + i64::from(civil.num_seconds_from_midnight())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trail(days: &[i64]) -> Trail {
        let mut trail = Trail::default();
        for (line, day) in days.iter().enumerate() {
            trail.note(day * DAY, line as u64 * 100);
        }
        trail
    }

    fn at(text: &str) -> Time {
        Time::parse(text, Zone::utc()).unwrap()
    }

    #[test]
    fn three_years_of_lines_are_counted_back_from_the_end() {
        let days = [10, 200, 350, 5, 180, 300, 20, 90];
        let line = Timeline::of(&trail(&days), at("2026-04-01"), Zone::utc());
        let years: Vec<_> = (0..8).map(|i| line.year_at(i * 100).unwrap()).collect();
        assert_eq!(years, [2024, 2024, 2024, 2025, 2025, 2025, 2026, 2026]);
    }

    #[test]
    fn a_straggler_of_the_old_year_keeps_it() {
        let days = [10, 364, 0, 364, 1, 100];
        let line = Timeline::of(&trail(&days), at("2026-06-01"), Zone::utc());
        let years: Vec<_> = (0..6).map(|i| line.year_at(i * 100).unwrap()).collect();
        assert_eq!(years, [2025, 2025, 2026, 2025, 2026, 2026]);
    }

    #[test]
    fn one_new_year_within_a_year_needs_no_order() {
        let line = Timeline::of(&trail(&[300, 360, 3, 40]), at("2026-03-01"), Zone::utc());
        assert_eq!(line, Timeline::Each);
    }

    #[test]
    fn lines_out_of_order_teach_nothing() {
        let days = [200, 10, 150, 20, 300, 100, 5, 90, 3];
        assert_eq!(Timeline::of(&trail(&days), at("2026-06-01"), Zone::utc()), Timeline::Each);
    }

    #[test]
    fn pieces_make_the_trail_of_the_whole() {
        let days = [10, 200, 350, 5, 180, 300, 20, 90];
        for cut in 0..days.len() {
            let mut whole = trail(&days[..cut]);
            let mut rest = Trail::default();
            for (line, day) in days.iter().enumerate().skip(cut) {
                rest.note(day * DAY, line as u64 * 100);
            }
            whole.append(rest, cut as u64 * 100);
            assert_eq!(whole, trail(&days), "cut at {cut}");
        }
    }
}
