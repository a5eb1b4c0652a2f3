//! Durations in every spelling that fail2ban accepts (`600`, `10m`, `1d12h`, `1y6mo`, `-1`), read by
//! a grammar instead of being evaluated as Python.
//!
//! ```text
//! expr := ['-'] term (['+' | '-' | blanks | nothing] term)*
//! term := number [blanks] [unit]  |  number '*' term
//! ```
//!
//! What follows a `#` is a comment.

use std::fmt;

/// How long a ban lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BanTime {
    /// Until it is lifted by hand (`bantime = -1`).
    Permanent,
    /// So many microseconds.
    Micros(i64),
}

/// A text that is no duration.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "'{}' is no duration; write seconds or units such as 600, 10m, 1d12h, 1w",
    crate::text::shown(.0)
)]
pub struct DurationError(pub String);

impl BanTime {
    /// Reads a ban time; exactly -1 is [`BanTime::Permanent`], other negative values are refused.
    pub fn parse(text: &str) -> Result<Self, DurationError> {
        match parse_micros(text)? {
            -1_000_000 => Ok(Self::Permanent),
            micros if micros >= 0 => Ok(Self::Micros(micros)),
            _ => Err(DurationError(text.to_owned())),
        }
    }

    /// When a ban that begins at `at` ends; `None` for a permanent one.
    pub fn until(self, at: super::Time) -> Option<super::Time> {
        match self {
            Self::Permanent => None,
            // The last instant that everyone can write.
            Self::Micros(micros) => Some(at.plus_micros(micros).min(super::Time::LAST)),
        }
    }
}

impl fmt::Display for BanTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Permanent => f.pad("permanent"),
            Self::Micros(micros) => f.pad(&spell(*micros)),
        }
    }
}

/// Reads a duration and gives microseconds; see the module for the grammar.
pub fn parse_micros(text: &str) -> Result<i64, DurationError> {
    parse_secs(text).map(to_micros)
}

#[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of i64")]
fn to_micros(secs: f64) -> i64 {
    (secs * 1e6).round() as i64
}

/// The two largest units of a duration: `1d 12h`, `10m`, `45s`, `0s`.
pub fn spell(micros: i64) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    let mut secs = micros.unsigned_abs() / 1_000_000;
    let mut parts = Vec::new();
    for (unit, len) in [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)] {
        let n = secs / len;
        secs %= len;
        if n > 0 {
            parts.push(format!("{n}{unit}"));
        } else if !parts.is_empty() {
            break;
        }
        if parts.len() == 2 {
            break;
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { format!("{sign}{}", parts.join(" ")) }
}

/// Reads a duration and gives seconds, as fail2ban's `str2seconds` does.
pub fn parse_secs(text: &str) -> Result<f64, DurationError> {
    // fail2ban has Python evaluate it, to which the rest is a comment.
    let value = text.split('#').next().unwrap_or_default();
    let mut rest = Cursor { text: value.trim() };
    let fail = || DurationError(text.to_owned());
    let mut total = 0.0;
    let mut sign = if rest.eat('-') { -1.0 } else { 1.0 };
    loop {
        total += sign * rest.term().ok_or_else(fail)?;
        rest.blanks();
        if rest.text.is_empty() {
            return Ok(total);
        }
        sign = if rest.eat('-') {
            -1.0
        } else {
            rest.eat('+');
            1.0
        };
    }
}

struct Cursor<'t> {
    text: &'t str,
}

impl Cursor<'_> {
    fn blanks(&mut self) {
        self.text = self.text.trim_start();
    }

    fn eat(&mut self, c: char) -> bool {
        self.blanks();
        let rest = self.text.strip_prefix(c);
        self.text = rest.unwrap_or(self.text);
        rest.is_some()
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &str {
        let end = self.text.find(|c| !wanted(c)).unwrap_or(self.text.len());
        let (taken, rest) = self.text.split_at(end);
        self.text = rest;
        taken
    }

    fn term(&mut self) -> Option<f64> {
        self.blanks();
        let number: f64 = match self.take_while(|c| c.is_ascii_digit() || c == '.') {
            "" | "." => return None,
            digits => digits.parse().ok()?,
        };
        if self.eat('*') {
            return Some(number * self.term()?);
        }
        match self.take_while(|c| c.is_ascii_alphabetic()) {
            "" => Some(number),
            unit => Some(number * unit_secs(unit)?),
        }
    }
}

/// Seconds of a unit; fail2ban's spellings, in any case.
fn unit_secs(unit: &str) -> Option<f64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "ss" | "se" | "sec" | "second" | "seconds" => 1.0,
        "m" | "mm" | "mi" | "min" | "minute" | "minutes" => 60.0,
        "h" | "hh" | "ho" | "hou" | "hour" | "hours" => 3600.0,
        "d" | "dd" | "da" | "day" | "days" => 86_400.0,
        "w" | "ww" | "we" | "wee" | "week" | "weeks" => 604_800.0,
        "mo" | "mon" | "month" | "months" => 2_629_800.0,
        "y" | "yy" | "ye" | "yea" | "year" | "years" => 31_557_600.0,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_every_spelling_of_the_original() {
        for (text, secs) in [
            ("600", 600.0),
            ("10m", 600.0),
            ("10 M", 600.0),
            ("1h30m", 5400.0),
            ("1d12h", 129_600.0),
            ("1w", 604_800.0),
            ("1y6mo", 47_336_400.0),
            ("1year-6mo", 15_778_800.0),
            ("1.5h", 5400.0),
            ("1h30", 3630.0),
            ("2*1h", 7200.0),
            ("1d -1h", 82_800.0),
            ("-1h", -3600.0),
            ("-1", -1.0),
            ("600    # ten minutes (10m)", 600.0),
        ] {
            assert_eq!(parse_secs(text), Ok(secs), "{text}");
        }
    }

    #[test]
    fn err_anything_else() {
        for text in ["", "foo", "1us", "0x10", "1e3", "1h-", "*2", "."] {
            assert!(parse_secs(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_minus_one_is_permanent() {
        assert_eq!(BanTime::parse("-1"), Ok(BanTime::Permanent));
        assert_eq!(BanTime::parse("1d"), Ok(BanTime::Micros(86_400_000_000)));
        assert!(BanTime::parse("-2").is_err());
    }

    #[test]
    fn spelt_with_two_units() {
        assert_eq!(spell(0), "0s");
        assert_eq!(spell(90_061_000_000), "1d 1h");
        assert_eq!(spell(600_000_000), "10m");
        assert_eq!(spell(-45_000_000), "-45s");
    }
}
