//! How bans of a host that comes back get longer: `bantime.increment` and its relatives.

use super::super::options;
use super::super::traced::Traced;
use super::def::Increment;
use super::values::Values;
use crate::diag::{Diagnostic, Severity};
use crate::text;

const FACTOR: &str = "bantime.factor";

/// What makes bans longer, if they get longer. A part that can't be read keeps the jail from being used.
pub(super) fn increment(values: &mut Values<'_>) -> Option<Increment> {
    values.flag("bantime.increment").then(|| Increment {
        factor: values.read(FACTOR, factor_if_set, bad_factor),
        formula: values.text("bantime.formula"),
        multipliers: multipliers(values),
        maxtime_us: values.micros_if_set("bantime.maxtime", true),
        rndtime_us: values.micros_if_set("bantime.rndtime", false),
        overalljails: values.flag("bantime.overalljails"),
    })
}

fn bad_factor(value: &Traced) -> Diagnostic {
    let message = format!("{FACTOR} is '{}'", text::shown(&value.value));
    Diagnostic::new("bad-factor", Severity::Error, message)
        .with_location(value.at.location())
        .with_text(&value.value)
        .with_help("write a number from 0 such as 2 or 0.5, or a quotient such as 2.0 / 2.885")
}

fn multipliers(values: &mut Values<'_>) -> Vec<i64> {
    let lines = values.get("bantime.multipliers").map(Traced::lines).unwrap_or_default();
    let mut multipliers = Vec::new();
    for line in lines {
        for word in line.value.split_whitespace() {
            if let Some(number) = word.parse().ok().filter(|number| *number >= 0) {
                multipliers.push(number);
                continue;
            }
            let message =
                format!("'{}' in bantime.multipliers is no whole number", text::shown(word));
            let found = Diagnostic::new("bad-multipliers", Severity::Error, message)
                .with_location(line.at.clone())
                .with_text(word)
                .with_help("write whole numbers from 0 with blanks between them: 1 2 4 8");
            values.fail(found);
        }
    }
    multipliers
}

fn factor_if_set(text: &str) -> Option<f64> {
    factor(if text.trim().is_empty() { options::default(FACTOR) } else { text })
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
