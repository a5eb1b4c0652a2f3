//! What a date says: its fields as they stand in the line, before zone and "now" are known.
//!
//! A stamp is small and copied freely. Where the date names its year and its offset the instant is
//! computed at once; otherwise the rest is left to the [`Resolver`](super::Resolver).

use crate::model::zone::zone_offset;

/// What a date says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp(pub(super) StampKind);

/// The kinds of dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StampKind {
    /// The text is a date by its form, but there is no such time.
    Impossible,
    /// Lines have no date, as their filter says.
    Dateless,
    /// An instant in microseconds: the date names its zone.
    Exact(i64),
    /// An instant in microseconds: the date is a number of seconds.
    Epoch(i64),
    /// A civil time in the log's zone: seconds since 1970 as the clock there shows them.
    Civil(i64),
    /// A day without a year, or no day at all.
    Partial {
        /// What is known of the day.
        day: Day,
        /// Seconds since midnight.
        second: u32,
        /// Seconds east, where the date says it.
        east: Option<i32>,
    },
}

/// What a date without a year says of its day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Day {
    /// Nothing.
    Today,
    /// Month and day of the month, which exist in a leap year.
    Month { month: u8, day: u8 },
    /// Days since the first of January.
    OfYear(u16),
    /// Week of the year and days since the week began.
    OfWeek { week: u8, weekday: u8, monday: bool },
}

/// The place of a date in a year, where the year isn't said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yearless {
    secs: u32,
}

impl Yearless {
    /// Seconds since the beginning of a leap year.
    pub fn secs(&self) -> i64 {
        i64::from(self.secs)
    }
}

impl Stamp {
    /// A date of the right form that isn't possible.
    pub(super) const IMPOSSIBLE: Self = Self(StampKind::Impossible);
    /// What `{NONE}` finds, or a pattern with `()`.
    pub(super) const DATELESS: Self = Self(StampKind::Dateless);

    /// Whether it says no time: an impossible date, or a template without one.
    pub fn is_undated(&self) -> bool {
        matches!(self.0, StampKind::Impossible | StampKind::Dateless)
    }

    /// Whether it says which zone it is of, as a TAI64N label does; seconds since 1970 say none.
    pub fn names_zone(&self) -> bool {
        match self.0 {
            StampKind::Exact(_) => true,
            StampKind::Partial { east, .. } => east.is_some(),
            _ => false,
        }
    }

    /// Where in the year, if the date says month and day but no year.
    pub fn yearless(&self) -> Option<Yearless> {
        let StampKind::Partial { day: Day::Month { month, day }, second, .. } = self.0 else {
            return None;
        };
        let before = DAYS_BEFORE[usize::from(month.wrapping_sub(1)) % 12];
        Some(Yearless { secs: (before + u32::from(day) - 1) * 86_400 + second })
    }
}

/// Days of a leap year before each month.
const DAYS_BEFORE: [u32; 12] = [0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335];

/// Days since 1970 of a civil date, proleptic Gregorian.
pub(super) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    // Counting from March makes the leap day the last of its year.
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * i64::from((month + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// Whether `year` has a 29th of February.
pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// The number of days in a month.
pub(super) fn month_len(year: i32, month: u8) -> u8 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The parts of a date while they are read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Parts {
    pub(super) year: Option<i32>,
    pub(super) month: Option<u8>,
    pub(super) day: Option<u8>,
    pub(super) of_year: Option<u16>,
    pub(super) week: Option<(u8, bool)>,
    /// Monday is 0.
    pub(super) weekday: Option<u8>,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    /// The hour counts to twelve.
    pub(super) twelve: bool,
    pub(super) pm: bool,
    /// Seconds east.
    pub(super) east: Option<i32>,
}

impl Parts {
    /// The stamp of these parts.
    pub(super) fn stamp(self) -> Stamp {
        Stamp(self.kind().unwrap_or(StampKind::Impossible))
    }

    fn kind(self) -> Option<StampKind> {
        let second = self.second_of_day()?;
        let day = match (self.month, self.day, self.of_year, self.week, self.weekday) {
            (Some(month), Some(day), ..) => Day::Month { month, day },
            (_, _, Some(of_year), ..) => Day::OfYear(of_year.checked_sub(1)?),
            (_, _, _, Some((week, monday)), Some(weekday)) => {
                let weekday = if monday { weekday } else { (weekday + 1) % 7 };
                Day::OfWeek { week, weekday, monday }
            }
            (None, None, ..) => Day::Today,
            _ => return None,
        };
        if let Day::Month { month, day } = day
            && (!(1..=12).contains(&month) || day == 0 || day > month_len(2000, month))
        {
            return None;
        }
        let partial = StampKind::Partial { day, second, east: self.east };
        let Some(year) = self.year.filter(|_| day != Day::Today) else { return Some(partial) };
        let civil = day.in_year(year)? * 86_400 + i64::from(second);
        Some(match self.east {
            Some(east) => StampKind::Exact((civil - i64::from(east)) * 1_000_000),
            None => StampKind::Civil(civil),
        })
    }

    fn second_of_day(&self) -> Option<u32> {
        let hour = match (self.twelve, self.hour, self.pm) {
            (true, 12, false) => 0,
            (true, hour, true) if hour != 12 => hour + 12,
            (_, hour, _) => hour,
        };
        // Second 60 is a leap second; the instant before it is the nearest there is.
        let second = if matches!(self.second, 60 | 61) { 59 } else { self.second };
        let possible = hour < 24 && self.minute < 60 && second < 60;
        possible.then(|| u32::from(hour) * 3600 + u32::from(self.minute) * 60 + u32::from(second))
    }
}

impl Day {
    /// Days since 1970 of this day in `year`, if it has one.
    pub(super) fn in_year(self, year: i32) -> Option<i64> {
        let first = days_from_civil(year, 1, 1);
        match self {
            Self::Today => None,
            Self::Month { month, day } => (day <= month_len(year, month))
                .then(|| days_from_civil(year, month.into(), day.into())),
            Self::OfYear(days) => Some(first + i64::from(days)),
            Self::OfWeek { week, weekday, monday } => {
                // 1970 began with a Thursday. Week 1 starts with the first Monday (Sunday). In a year that
                // begins with one there is no week 0; Python's is week 1 then.
                let of_first = (first + if monday { 3 } else { 4 }).rem_euclid(7);
                let weeks = i64::from(week) - i64::from(week > 0 && of_first == 0);
                Some(first - of_first + weeks * 7 + i64::from(weekday))
            }
        }
    }
}

/// The fields whose values are read from groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    OfYear,
    SundayWeek,
    MondayWeek,
    Weekday,
    WeekdayName,
    Hour,
    TwelveHour,
    Minute,
    Second,
    HalfDay,
    Zone,
    Epoch,
    LongEpoch,
}

impl Field {
    /// The field of a group, by the name of the group without its number.
    pub(super) fn of_group(name: &str) -> Option<Self> {
        Some(match name.trim_end_matches(|c: char| c.is_ascii_digit()) {
            "Y" => Self::Year,
            "y" => Self::ShortYear,
            "m" => Self::Month,
            "b" | "B" => Self::MonthName,
            "d" => Self::Day,
            "j" => Self::OfYear,
            "U" => Self::SundayWeek,
            "W" => Self::MondayWeek,
            "w" => Self::Weekday,
            "a" | "A" => Self::WeekdayName,
            "H" => Self::Hour,
            "I" => Self::TwelveHour,
            "M" => Self::Minute,
            "S" => Self::Second,
            "p" => Self::HalfDay,
            "z" | "Z" => Self::Zone,
            "epoch" => Self::Epoch,
            "lepoch" => Self::LongEpoch,
            _ => return None,
        })
    }
}

/// Reads fields into a stamp; a text that can't be read makes it impossible.
pub(super) fn read<'t>(fields: impl Iterator<Item = (Field, &'t [u8])>) -> Stamp {
    let mut parts = Parts::default();
    for (field, text) in fields {
        if let Field::Epoch | Field::LongEpoch = field {
            let long = field == Field::LongEpoch;
            return epoch_micros(text, long)
                .map_or(Stamp::IMPOSSIBLE, |us| Stamp(StampKind::Epoch(us)));
        }
        if read_field(&mut parts, field, text).is_none() {
            return Stamp::IMPOSSIBLE;
        }
    }
    parts.stamp()
}

fn read_field(parts: &mut Parts, field: Field, text: &[u8]) -> Option<()> {
    let small = || number(text).and_then(|value| u8::try_from(value).ok());
    match field {
        Field::Year => parts.year = Some(i32::try_from(number(text)?).ok()?),
        Field::ShortYear => parts.year = Some(2000 + i32::from(small()?)),
        Field::Month => parts.month = Some(small()?),
        Field::MonthName => parts.month = Some(month_of_name(text)?),
        Field::Day => parts.day = Some(small()?),
        Field::OfYear => parts.of_year = Some(u16::try_from(number(text)?).ok()?),
        Field::SundayWeek => parts.week = Some((small()?, false)),
        Field::MondayWeek => parts.week = Some((small()?, true)),
        Field::Weekday => parts.weekday = Some((small()? + 6) % 7),
        Field::WeekdayName => parts.weekday = weekday_of_name(text),
        Field::Hour => parts.hour = small()?,
        Field::TwelveHour => {
            parts.twelve = true;
            parts.hour = small()?;
        }
        Field::Minute => parts.minute = small()?,
        Field::Second => parts.second = small()?,
        Field::HalfDay => parts.pm = text.eq_ignore_ascii_case(b"pm"),
        Field::Zone => parts.east = zone_offset(text),
        Field::Epoch | Field::LongEpoch => {}
    }
    Some(())
}

/// A decimal number, which a blank may precede.
fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.trim_start().parse().ok()
}

/// The month of an English name or its first three letters, in any case.
pub(super) fn month_of_name(text: &[u8]) -> Option<u8> {
    let short = text.get(..3)?;
    let low = [short[0] | 0x20, short[1] | 0x20, short[2] | 0x20];
    Some(match &low {
        b"jan" => 1,
        b"feb" => 2,
        b"mar" => 3,
        b"apr" => 4,
        b"may" => 5,
        b"jun" => 6,
        b"jul" => 7,
        b"aug" => 8,
        b"sep" => 9,
        b"oct" => 10,
        b"nov" => 11,
        b"dec" => 12,
        _ => return None,
    })
}

/// The weekday of an English name or its first three letters, in any case; Monday is 0.
pub(super) fn weekday_of_name(text: &[u8]) -> Option<u8> {
    let short = text.get(..3)?;
    Some(match &[short[0] | 0x20, short[1] | 0x20, short[2] | 0x20] {
        b"mon" => 0,
        b"tue" => 1,
        b"wed" => 2,
        b"thu" => 3,
        b"fri" => 4,
        b"sat" => 5,
        b"sun" => 6,
        _ => return None,
    })
}

/// Microseconds of seconds since 1970 with a fraction, or of a long count by its length.
pub(super) fn epoch_micros(text: &[u8], long: bool) -> Option<i64> {
    let point = text.iter().position(|b| *b == b'.');
    let (whole, fraction) = match point {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &text[..0]),
    };
    let whole = whole.iter().try_fold(0_i64, |sum, b| digit(*b).map(|d| sum * 10 + d))?;
    // The length of the whole tells the unit, its fraction included.
    let unit = match text.len() {
        16.. if long && point.is_none() => return Some(whole),
        13.. if long => 1_000,
        _ => 1_000_000,
    };
    let (mut micros, mut step) = (whole * unit, unit / 10);
    for b in fraction {
        micros += digit(*b)? * step;
        step /= 10;
    }
    Some(micros)
}

fn digit(byte: u8) -> Option<i64> {
    byte.is_ascii_digit().then(|| i64::from(byte - b'0'))
}

/// Microseconds of a TAI64N label, `@` and 24 hexadecimal digits: its whole seconds.
pub(super) fn tai_micros(label: &[u8]) -> Option<i64> {
    let digits = std::str::from_utf8(label.get(2..17)?).ok()?;
    i64::from_str_radix(digits, 16).ok()?.checked_mul(1_000_000)
}
