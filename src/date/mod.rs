//! Dates in lines: where they stand, what they say, which instant they mean.
//!
//! [`Templates`] are the forms a date may have, compiled once. A [`Detector`] is the moving state
//! of one stream of lines: it tries first what fitted last. What it finds is a [`Stamp`], the
//! fields as they stand in the line; a [`Resolver`] knows zone and "now" and makes an instant of it.

mod builtin;
mod dated;
mod detect;
mod epoch;
mod pattern;
mod propose;
mod reader;
mod resolve;
mod separator;
mod stamp;
mod template;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;

use chrono::Datelike as _;

use crate::model::Time;
use crate::text::shown;

pub use dated::Cut;
pub use detect::{Detector, Found, Ranked};
pub use propose::{Proposal, proposals};
pub use resolve::Resolver;
pub use stamp::{Stamp, Yearless};
pub use template::{TemplateId, Templates};

/// The four-digit years that `%ExY` takes for years.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YearWindow(
    /// From the first to the last.
    pub RangeInclusive<i32>,
);

impl YearWindow {
    /// The years an archive may be of.
    pub fn archive() -> Self {
        Self(1970..=2099)
    }

    /// The years a log that is written now may show: whole decades around now.
    pub fn around(now: Time) -> Self {
        let year = now.utc().year();
        let decade = |year: i32| year.div_euclid(10) * 10;
        Self(decade(year - 1).min(2000)..=decade(year + 3) + 9)
    }

    /// A regular expression of the years, decades and centuries drawn together.
    fn regex(&self) -> String {
        let mut parts = Vec::new();
        let last = *self.0.end();
        let mut year = *self.0.start();
        while year <= last {
            let part = if year % 10 != 0 || year + 9 > last {
                year += 1;
                format!("{:04}", year - 1)
            } else {
                let from = year / 10 % 10;
                let to = ((last - 9) / 10).min(year / 100 * 10 + 9) % 10;
                year = year / 100 * 100 + (to + 1) * 10;
                format!("{:02}[{from}-{to}][0-9]", (year - 1) / 100)
            };
            parts.push(part);
        }
        parts.join("|")
    }
}

/// Why a date pattern can't be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum DateError {
    /// A percent sign is followed by what is no directive.
    #[error(
        "the date pattern '{}' has an unknown directive '%{}'",
        shown(pattern),
        shown(directive)
    )]
    Directive {
        /// The whole pattern.
        pattern: String,
        /// What follows the percent sign.
        directive: String,
    },
    /// The regular expression around the directives is wrong.
    #[error("the date pattern '{}' is no regular expression: {reason}", shown(pattern))]
    Regex {
        /// The whole pattern.
        pattern: String,
        /// What the engine says.
        reason: String,
    },
    /// A month without a day or a day without a month is no date.
    #[error("the date pattern '{}' has a {has} but no {lacks}", shown(pattern))]
    HalfDate {
        /// The whole pattern.
        pattern: String,
        /// The part it has.
        has: &'static str,
        /// The part it lacks.
        lacks: &'static str,
    },
    /// Two patterns are the same.
    #[error("the date pattern '{}' is there twice", shown(pattern))]
    Duplicate {
        /// The whole pattern.
        pattern: String,
    },
}

impl DateError {
    /// The pattern that is wrong, of several.
    pub fn pattern(&self) -> &str {
        match self {
            Self::Directive { pattern, .. }
            | Self::Regex { pattern, .. }
            | Self::HalfDate { pattern, .. }
            | Self::Duplicate { pattern } => pattern,
        }
    }
}
