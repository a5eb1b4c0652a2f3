//! Hand-written readers of the most frequent forms.
//!
//! A reader gives exactly what the regular expression of its form gives, or "don't know" (`None`),
//! in which case the engine decides. So it reads only the usual spelling (two digits everywhere)
//! and gives up where a word or a character beyond ASCII touches the date.

use super::YearWindow;
use super::builtin::BASE;
use super::dated::{Cut, Dated};
use super::epoch::{Epoch, read_tai};
use super::stamp::{Parts, month_of_name, weekday_of_name};

/// A reader of one form.
#[derive(Clone, Copy, Debug)]
pub(super) enum FormReader {
    /// Seconds since 1970.
    Epoch(Epoch),
    /// `@4000…`.
    Tai,
    /// `Jan 23 21:59:59` at the beginning of the line.
    Syslog(Years),
    /// `2005-01-23T21:59:59.98+01:00` at the beginning of the line.
    Iso(Years),
    /// `20050123T215959` at the beginning of the line.
    Basic(Years),
    /// `23/Jan/2005:21:59:59 +0100` anywhere.
    Web(Years),
    /// The same behind the first `[` of the line, as the stock filters of web servers ask for it.
    Bracketed(Years),
}

/// The years that are years.
#[derive(Clone, Copy, Debug)]
pub(super) struct Years(i32, i32);

impl FormReader {
    /// The reader of a built-in form, if it has one.
    pub(super) fn of_form(base: &str, anchored: bool, window: &YearWindow) -> Option<Self> {
        let years = Years(*window.0.start(), *window.0.end());
        let form = BASE.iter().position(|form| *form == base)?;
        match (form, anchored) {
            (0, true) => Some(Self::Iso(years)),
            (1, true) => Some(Self::Syslog(years)),
            (4, false) => Some(Self::Web(years)),
            (13, true) => Some(Self::Basic(years)),
            _ => None,
        }
    }

    /// The reader of a configured pattern, if it has one.
    pub(super) fn of_pattern(pattern: &str, window: &YearWindow) -> Option<Self> {
        let form = pattern.strip_prefix(r"^[^\[]*\[(")?.strip_suffix(')')?;
        let years = Years(*window.0.start(), *window.0.end());
        (form == BASE[4]).then_some(Self::Bracketed(years))
    }

    /// Reads the date of a line, searching from `from` where the form may stand anywhere.
    #[inline]
    pub(super) fn read(self, line: &[u8], from: usize) -> Option<Dated> {
        match self {
            Self::Epoch(epoch) => epoch.find(line, 0),
            Self::Tai => read_tai(line),
            Self::Syslog(years) => read_syslog(line, years),
            Self::Iso(years) => read_iso(line, years),
            Self::Basic(years) => read_basic(line, years),
            Self::Web(years) => read_web(line, from, years),
            Self::Bracketed(years) => read_bracketed(line, years),
        }
    }
}

/// A place in a line.
struct Cursor<'l> {
    line: &'l [u8],
    at: usize,
}

impl<'l> Cursor<'l> {
    /// At the date at the beginning of a line, after at most two ASCII characters of no word.
    #[inline]
    fn at_date(line: &'l [u8]) -> Option<Self> {
        let skipped = |b: u8| b.is_ascii() && !is_word(b);
        let mut at = 0;
        while at < 2 && skipped(*line.get(at)?) {
            at += 1;
        }
        Some(Self { line, at })
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    /// Two digits of at most `most`.
    #[inline]
    fn two(&mut self, most: u8) -> Option<u8> {
        let pair = self.line.get(self.at..self.at + 2)?;
        let (tens, ones) = (pair[0].wrapping_sub(b'0'), pair[1].wrapping_sub(b'0'));
        if tens > 9 || ones > 9 {
            return None;
        }
        self.at += 2;
        Some(tens * 10 + ones).filter(|value| *value <= most)
    }

    /// A year of the window.
    #[inline]
    fn year(&mut self, years: Years) -> Option<i32> {
        let (century, year) = (self.two(99)?, self.two(99)?);
        let year = i32::from(century) * 100 + i32::from(year);
        (years.0 <= year && year <= years.1).then_some(year)
    }

    /// `21:59:59`.
    #[inline]
    fn clock(&mut self, parts: &mut Parts) -> Option<()> {
        parts.hour = self.two(23)?;
        self.eat(b':')?;
        parts.minute = self.two(59)?;
        self.eat(b':')?;
        parts.second = self.two(59)?;
        Some(())
    }

    /// Skips a fraction of one to six digits, if one of `points` starts one.
    #[inline]
    fn fraction(&mut self, points: &[u8]) -> Option<()> {
        if !self.peek().is_some_and(|b| points.contains(&b)) {
            return Some(());
        }
        let digits = self.line[self.at + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        match digits {
            0 => Some(()),
            1..=6 => {
                self.at += 1 + digits;
                Some(())
            }
            _ => None,
        }
    }

    /// Whether the date may end here; `None` where only the engine knows.
    #[inline]
    fn boundary(&self) -> Option<()> {
        match self.peek() {
            Some(b) if !b.is_ascii() || is_word(b) => None,
            _ => Some(()),
        }
    }

    /// Reads a zone, if one follows, and ends the date.
    fn zone(&mut self, parts: &mut Parts) -> Option<()> {
        let rest = &self.line[self.at..];
        let (len, east) = match rest.first() {
            Some(b'Z') => (1, 0),
            Some(b'U') if rest.starts_with(b"UTC") => (3, 0),
            Some(b'G') if rest.starts_with(b"GMT") => (3, 0),
            Some(b'+' | b'-') => offset(rest).unwrap_or((0, 0)),
            Some(b) if !b.is_ascii() => return None,
            _ => (0, 0),
        };
        if len > 0 {
            self.at += len;
            parts.east = Some(east);
        }
        self.boundary()
    }

    /// The zone of the ISO forms, before which there may be blanks.
    #[inline]
    fn zone_after_blanks(&mut self, parts: &mut Parts) -> Option<()> {
        let end = self.at;
        while self.peek().is_some_and(|b| matches!(b, b' ' | 0x09..=0x0d)) {
            self.at += 1;
        }
        let start = self.at;
        match self.peek() {
            Some(b'Z' | b'U' | b'G' | b'+' | b'-') => {
                let ended = self.zone(parts);
                if self.at > start {
                    return ended;
                }
            }
            // It may be a blank of another alphabet.
            Some(0x80..) => return None,
            _ => {}
        }
        self.at = end;
        self.boundary()
    }

    fn hit(&self, whole: usize, start: usize, parts: Parts) -> Dated {
        let end = self.at;
        Dated { start: whole, end, cut: Cut { start, end }, stamp: parts.stamp() }
    }
}

/// The length of an offset and its seconds east.
fn offset(text: &[u8]) -> Option<(usize, i32)> {
    let digits = |at: usize| {
        let pair = text.get(at..at + 2)?;
        let is_digits = pair.iter().all(u8::is_ascii_digit);
        is_digits.then(|| i32::from(pair[0] - b'0') * 10 + i32::from(pair[1] - b'0'))
    };
    let sign = if text[0] == b'-' { -1 } else { 1 };
    let hours = digits(1).filter(|hours| *hours < 20)?;
    let colon = usize::from(text.get(3) == Some(&b':'));
    Some(match digits(3 + colon) {
        Some(minutes) => (5 + colon, sign * (hours * 3600 + minutes * 60)),
        None => (3, sign * hours * 3600),
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[inline]
fn read_syslog(line: &[u8], years: Years) -> Option<Dated> {
    let mut cursor = Cursor::at_date(line)?;
    let start = cursor.at;
    let mut parts = Parts::default();
    let word = line.get(start..start + 4)?;
    if word[3] != b' ' {
        return None;
    }
    parts.month = month_of_name(word);
    cursor.at += 4;
    if parts.month.is_none() {
        parts.weekday = Some(weekday_of_name(word)?);
        parts.month = Some(month_of_name(line.get(cursor.at..)?)?);
        cursor.at += 3;
        cursor.eat(b' ')?;
    }
    parts.day = Some(day(&mut cursor, b' ')?);
    cursor.eat(b' ')?;
    cursor.clock(&mut parts)?;
    cursor.fraction(b".")?;
    cursor.boundary()?;
    if cursor.peek() == Some(b' ') && line.get(cursor.at + 1).is_some_and(u8::is_ascii_digit) {
        let mut ahead = Cursor { line, at: cursor.at + 1 };
        if let Some(year) = ahead.year(years) {
            // What runs on as a word is no year.
            match ahead.peek() {
                Some(b) if !b.is_ascii() => return None,
                Some(b) if is_word(b) => {}
                _ => {
                    parts.year = Some(year);
                    cursor.at = ahead.at;
                }
            }
        }
    }
    Some(cursor.hit(0, start, parts))
}

/// A day of two characters, the first of which may be `blank`.
#[inline]
fn day(cursor: &mut Cursor<'_>, blank: u8) -> Option<u8> {
    let pair = cursor.line.get(cursor.at..cursor.at + 2)?;
    let ones = pair[1].wrapping_sub(b'0');
    let tens = if pair[0] == blank { 0 } else { pair[0].wrapping_sub(b'0') };
    if tens > 3 || ones > 9 {
        return None;
    }
    cursor.at += 2;
    Some(tens * 10 + ones).filter(|day| (1..=31).contains(day))
}

#[inline]
fn read_iso(line: &[u8], years: Years) -> Option<Dated> {
    let mut cursor = Cursor::at_date(line)?;
    let start = cursor.at;
    let mut parts = Parts { year: Some(cursor.year(years)?), ..Parts::default() };
    let separator = cursor.peek().filter(|b| matches!(b, b'-' | b'/' | b'.'))?;
    cursor.at += 1;
    parts.month = Some(cursor.two(12).filter(|month| *month > 0)?);
    cursor.eat(separator)?;
    parts.day = Some(day(&mut cursor, b'0')?);
    between(&mut cursor)?;
    cursor.clock(&mut parts)?;
    cursor.fraction(b".,")?;
    cursor.zone_after_blanks(&mut parts)?;
    Some(cursor.hit(0, start, parts))
}

#[inline]
fn read_basic(line: &[u8], years: Years) -> Option<Dated> {
    let mut cursor = Cursor::at_date(line)?;
    let start = cursor.at;
    let mut parts = Parts { year: Some(cursor.year(years)?), ..Parts::default() };
    parts.month = Some(cursor.two(12).filter(|month| *month > 0)?);
    parts.day = Some(day(&mut cursor, b'0')?);
    between(&mut cursor)?;
    parts.hour = cursor.two(23)?;
    parts.minute = cursor.two(59)?;
    parts.second = cursor.two(59)?;
    cursor.fraction(b".,")?;
    cursor.zone_after_blanks(&mut parts)?;
    Some(cursor.hit(0, start, parts))
}

/// Skips what stands between day and time: a `T` or one or two blanks.
#[inline]
fn between(cursor: &mut Cursor<'_>) -> Option<()> {
    match cursor.peek()? {
        b'T' => cursor.at += 1,
        b' ' => cursor.at += 1 + usize::from(cursor.line.get(cursor.at + 1) == Some(&b' ')),
        _ => return None,
    }
    Some(())
}

/// The first `23/Jan/2005:21:59:59 +0100` at or after `from`.
fn read_web(line: &[u8], from: usize, years: Years) -> Option<Dated> {
    for at in memchr::memchr2_iter(b'/', b'-', line.get(from..)?) {
        let at = from + at;
        let month = line.get(at + 1..at + 5)?;
        if !month.is_ascii() {
            return None;
        }
        if month[3] == line[at] && month[..3].iter().all(u8::is_ascii_alphabetic) {
            return web_at(line, at.checked_sub(2).filter(|start| *start >= from)?, years);
        }
    }
    None
}

fn read_bracketed(line: &[u8], years: Years) -> Option<Dated> {
    let start = memchr::memchr(b'[', line)? + 1;
    let separators = (line.get(start + 2)?, line.get(start + 6)?);
    if !matches!(separators, (b'/', b'/') | (b'-', b'-')) {
        return None;
    }
    // What is before the date belongs to the match.
    web_at(line, start, years).map(|hit| Dated { start: 0, ..hit })
}

fn web_at(line: &[u8], start: usize, years: Years) -> Option<Dated> {
    if start > 0 && (!line[start - 1].is_ascii() || is_word(line[start - 1])) {
        return None;
    }
    let mut cursor = Cursor { line, at: start };
    let mut parts = Parts { day: Some(day(&mut cursor, b'0')?), ..Parts::default() };
    parts.month = Some(month_of_name(&line[cursor.at + 1..])?);
    cursor.at += 5;
    parts.year = Some(cursor.year(years)?);
    cursor.eat(b':')?;
    cursor.clock(&mut parts)?;
    cursor.fraction(b".")?;
    let end = cursor.at;
    if cursor.peek() == Some(b' ') {
        cursor.at += 1;
        // The form has month names, so that its letters are of any case: the engine decides.
        if cursor.peek().is_some_and(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let zone = cursor.zone(&mut parts);
        if parts.east.is_none() {
            cursor.at = end;
        } else {
            zone?;
        }
    }
    cursor.boundary()?;
    Some(cursor.hit(start, start, parts))
}
