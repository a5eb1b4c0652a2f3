//! What can be wrong with a formula, when it is read and when it is evaluated.

use std::borrow::Cow;
use std::fmt;

use super::{DEPTH_MAX, LENGTH_MAX};
use crate::text::shown;

/// A formula that can't be read, or that has no value.
///
/// One line: what is wrong, at which column, what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{fault} at column {column}{}", .fault.advice())]
pub struct FormulaError {
    /// Where, in characters from 1.
    pub column: usize,
    fault: Fault,
}

/// Every way in which a formula is wrong; the first part when it is read, the second when it is evaluated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    TooLong,
    TooDeep,
    Character(char),
    Literal(String),
    /// And the known one that is like it.
    Name(String, Option<&'static str>),
    Variable(&'static str),
    NotCalled(&'static str),
    Arguments {
        name: &'static str,
        min: usize,
        max: usize,
    },
    Missing {
        wanted: &'static str,
        found: String,
    },

    DivisionByZero,
    NegativeShift,
    Whole,
    Domain,
}

impl Fault {
    pub(super) fn at(self, column: usize) -> FormulaError {
        FormulaError { column, fault: self }
    }

    /// What to do, if there is something to say.
    fn advice(&self) -> Cow<'static, str> {
        match self {
            Self::TooLong => format!("; at most {LENGTH_MAX} characters are read").into(),
            Self::TooDeep => format!("; at most {DEPTH_MAX} levels are read").into(),
            Self::Character(_) => {
                "; a formula has numbers, operators, names and parentheses".into()
            }
            Self::Literal(_) => "; write for instance 10, 1.5 or 1e3".into(),
            Self::Name(name, _) if name.starts_with("random") => "; use bantime.rndtime".into(),
            Self::Name(_, Some(near)) => format!("; did you mean '{near}'?").into(),
            Self::Name(_, None) => "; known are ban.Time, ban.Count, banFactor, math.*, \
                         abs, float, int, max, min, pow, round"
                .into(),
            Self::Variable(_) => "; write a number".into(),
            Self::NotCalled(name) => format!("; write {name}(…)").into(),
            Self::Arguments { min, max, .. } if min == max => format!("; it takes {min}").into(),
            Self::Arguments { min, max: usize::MAX, .. } => {
                format!("; it takes {min} or more").into()
            }
            Self::Arguments { min, max, .. } => format!("; it takes {min} to {max}").into(),
            Self::Whole => "; use int(…)".into(),
            Self::Missing { .. } | Self::DivisionByZero | Self::NegativeShift | Self::Domain => {
                "".into()
            }
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => f.write_str("the formula is too long"),
            Self::TooDeep => f.write_str("the formula is nested too deep"),
            Self::Character(c) => write!(f, "unexpected '{}'", shown(c.encode_utf8(&mut [0; 4]))),
            Self::Literal(text) => write!(f, "'{}' is no number", shown(text)),
            Self::Name(name, _) => write!(f, "unknown name '{}'", shown(name)),
            Self::Variable(name) => write!(f, "'{name}' in what must be constant"),
            Self::NotCalled(_) => f.write_str("a function that is not called"),
            Self::Arguments { name, .. } => write!(f, "wrong number of arguments of {name}"),
            Self::Missing { wanted, found } if found.is_empty() => {
                write!(f, "the formula ends where {wanted} should be")
            }
            Self::Missing { wanted, found } => {
                write!(f, "'{}' where {wanted} should be", shown(found))
            }
            Self::DivisionByZero => f.write_str("division by zero"),
            Self::NegativeShift => f.write_str("shift by a negative number"),
            Self::Whole => f.write_str("a fraction where a whole number should be"),
            Self::Domain => f.write_str("a value that doesn't exist"),
        }
    }
}
