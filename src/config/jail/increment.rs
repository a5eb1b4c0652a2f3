//! How bans of a host that comes back get longer: `bantime.increment` and its relatives.

use super::super::Text;
use super::super::interpolate::Overrides;
use super::super::traced::Traced;
use super::Loader;
use crate::diag::{Diagnostic, Severity};
use crate::text;

/// How bans of a host that comes back get longer.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// What lengths are multiplied by, at least 0 (`bantime.factor`).
    pub factor: f64,
    /// An expression for the length, not yet read; `None` for twice as long each time (`bantime.formula`).
    pub formula: Option<Text>,
    /// By what the first length is multiplied after so many earlier bans, each at least 0; the last holds for
    /// all that come. If there are any, there is no need of a formula (`bantime.multipliers`).
    pub multipliers: Vec<f64>,
    /// The longest ban, in microseconds (`bantime.maxtime`).
    pub maxtime_us: Option<i64>,
    /// The largest random time on top of it, in microseconds (`bantime.rndtime`).
    pub rndtime_us: Option<i64>,
    /// Whether bans in other jails count (`bantime.overalljails`).
    pub overalljails: bool,
}

impl Loader<'_> {
    /// What makes bans longer, if they get longer. A part that can't be read keeps the jail from being used.
    pub(super) fn increment(&mut self, values: &Overrides) -> Option<Increment> {
        if !self.flag(values, "bantime.increment", false) {
            return None;
        }
        Some(Increment {
            factor: self.factor(values),
            formula: values
                .get("bantime.formula")
                .map(Traced::text)
                .filter(|text| !text.value.trim().is_empty()),
            multipliers: self.multipliers(values),
            maxtime_us: self.positive_time(values, "bantime.maxtime"),
            rndtime_us: self.positive_time(values, "bantime.rndtime"),
            overalljails: self.flag(values, "bantime.overalljails", false),
        })
    }

    fn factor(&mut self, values: &Overrides) -> f64 {
        const DEFAULT: f64 = 1.0;
        let value = values.get("bantime.factor").filter(|value| !value.value.trim().is_empty());
        let Some(value) = value else { return DEFAULT };
        factor(&value.value).unwrap_or_else(|| {
            let message = format!("bantime.factor is '{}'", text::shown(&value.value));
            let found = Diagnostic::new("bad-factor", Severity::Error, message)
                .with_location(value.at.location())
                .with_text(&value.value)
                .with_help(
                    "write a number from 0 such as 2 or 0.5, or a quotient such as 2.0 / 2.885",
                );
            self.fail(found);
            DEFAULT
        })
    }

    fn multipliers(&mut self, values: &Overrides) -> Vec<f64> {
        let Some(value) = values.get("bantime.multipliers") else { return Vec::new() };
        let mut multipliers = Vec::new();
        for line in value.lines() {
            for word in line.value.split_whitespace() {
                if let Some(number) = number(word) {
                    multipliers.push(number);
                    continue;
                }
                let message =
                    format!("'{}' in bantime.multipliers is no number", text::shown(word));
                let found = Diagnostic::new("bad-multipliers", Severity::Error, message)
                    .with_location(line.at.clone())
                    .with_text(word)
                    .with_help("write numbers from 0 with blanks between them: 1 2 4 8");
                self.fail(found);
            }
        }
        multipliers
    }
}

/// A product or quotient of numbers, as the stock configuration has one: `2.0 / 2.885385`.
///
/// DIFFERS: fail2ban runs any expression of Python.
fn factor(text: &str) -> Option<f64> {
    let operators = |c: char| matches!(c, '*' | '/');
    let mut value = number(text.split(operators).next()?.trim())?;
    for (at, operator) in text.match_indices(operators) {
        let operand = number(text[at + 1..].split(operators).next()?.trim())?;
        value = if operator == "*" { value * operand } else { value / operand };
    }
    value.is_finite().then_some(value)
}

/// A number from 0, without the words that Rust takes for numbers (`inf`, `nan`).
fn number(text: &str) -> Option<f64> {
    let is_plain =
        text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'E' | b'-'));
    text.parse().ok().filter(|number: &f64| is_plain && number.is_finite() && *number >= 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_numbers_products_and_quotients() {
        for (text, wanted) in [
            ("1", Some(1.0)),
            (" 0.5 ", Some(0.5)),
            ("2.0 / 2.885385", Some(2.0 / 2.885_385)),
            ("2*3/4", Some(1.5)),
            ("1e-3", Some(0.001)),
            ("0", Some(0.0)),
            ("-1", None),
            ("1/0", None),
            ("2**3", None),
            ("2 3", None),
            ("inf", None),
            ("x", None),
            ("/2", None),
        ] {
            assert_eq!(factor(text), wanted, "{text}");
        }
    }
}
