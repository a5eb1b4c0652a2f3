//! Numbers as Python has them: whole ones and floating point ones, each with its own arithmetic.
//!
//! Python's whole numbers have no limit. Here they have 128 bits; what is beyond goes on as a floating point
//! number, and what is beyond those as infinity, where Python's floating point operations fail. A length of that
//! size is for ever either way, and must not end in the short ban that a failing formula makes.

use std::cmp::Ordering;

use super::error::Fault;

/// A value while a formula is evaluated. Truth values are 0 and 1, as they are in Python.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Number {
    Int(i128),
    Float(f64),
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Rem,
    Pow,
    ShiftLeft,
    ShiftRight,
    And,
    Or,
    Xor,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unary {
    Plus,
    Minus,
    Invert,
    Not,
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    Greater,
    GreaterEqual,
}

use Number::{Float, Int};

/// Below this, every whole number is a floating point number too.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A shift by so many bits, of anything, is beyond all floating point numbers.
const SHIFT_MAX: i128 = 1100;

impl Number {
    /// A number from outside, which doesn't say which kind it is.
    pub(super) fn of(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() < EXACT {
            Self::truncated(value)
        } else {
            Float(value)
        }
    }

    /// The whole number that `value`, which has no fraction, is.
    #[expect(clippy::cast_possible_truncation, reason = "compared with the limits before")]
    pub(super) fn truncated(value: f64) -> Self {
        // Both limits are powers of two, hence exact.
        if value >= i128::MIN as f64 && value < i128::MAX as f64 {
            Int(value as i128)
        } else {
            Float(value)
        }
    }

    pub(super) fn float(self) -> f64 {
        match self {
            Int(int) => int as f64,
            Float(float) => float,
        }
    }

    /// The whole number, if this is one.
    pub(super) fn whole(self) -> Result<i128, Fault> {
        match self {
            Int(int) => Ok(int),
            Float(_) => Err(Fault::Whole),
        }
    }

    pub(super) fn is_true(self) -> bool {
        match self {
            Int(int) => int != 0,
            Float(float) => float != 0.0,
        }
    }
}

impl From<bool> for Number {
    fn from(truth: bool) -> Self {
        Int(truth.into())
    }
}

impl Unary {
    pub(super) fn apply(self, operand: Number) -> Result<Number, Fault> {
        Ok(match (self, operand) {
            (Self::Not, operand) => (!operand.is_true()).into(),
            (Self::Plus, operand) => operand,
            (Self::Minus, Int(int)) => int.checked_neg().map_or(Float(-(int as f64)), Int),
            (Self::Minus, Float(float)) => Float(-float),
            (Self::Invert, operand) => Int(!operand.whole()?),
        })
    }
}

impl Compare {
    pub(super) fn holds(self, left: Number, right: Number) -> bool {
        let order = match (left, right) {
            (Int(left), Int(right)) => Some(left.cmp(&right)),
            _ => left.float().partial_cmp(&right.float()),
        };
        match self {
            Self::Less => order == Some(Ordering::Less),
            Self::LessEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
            Self::Equal => order == Some(Ordering::Equal),
            Self::NotEqual => order != Some(Ordering::Equal),
            Self::Greater => order == Some(Ordering::Greater),
            Self::GreaterEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        }
    }
}

impl Binary {
    pub(super) fn apply(self, left: Number, right: Number) -> Result<Number, Fault> {
        match (left, right) {
            (Int(left), Int(right)) => self.of_ints(left, right),
            _ => self.of_floats(left.float(), right.float()),
        }
    }

    fn of_ints(self, left: i128, right: i128) -> Result<Number, Fault> {
        let exact = match self {
            Self::Add => left.checked_add(right),
            Self::Sub => left.checked_sub(right),
            Self::Mul => left.checked_mul(right),
            Self::FloorDiv if right != 0 => floor_div(left, right),
            // Nothing but the least number by -1 overflows, and leaves no rest.
            Self::Rem if right != 0 => Some(floor_rem(left, right)),
            Self::Pow if right >= 0 => pow(left, right),
            Self::ShiftLeft => return shift_left(left, right),
            Self::ShiftRight if right < 0 => return Err(Fault::NegativeShift),
            Self::ShiftRight => Some(left >> right.min(127)),
            Self::And => Some(left & right),
            Self::Or => Some(left | right),
            Self::Xor => Some(left ^ right),
            Self::Div | Self::FloorDiv | Self::Rem | Self::Pow => None,
        };
        exact.map_or_else(|| self.of_floats(left as f64, right as f64), |int| Ok(Int(int)))
    }

    fn of_floats(self, left: f64, right: f64) -> Result<Number, Fault> {
        let is_division = matches!(self, Self::Div | Self::FloorDiv | Self::Rem);
        let is_pole = self == Self::Pow && left == 0.0 && right < 0.0;
        if is_pole || (is_division && right == 0.0) {
            return Err(Fault::DivisionByZero);
        }
        Ok(Float(match self {
            Self::Add => left + right,
            Self::Sub => left - right,
            Self::Mul => left * right,
            Self::Div => left / right,
            Self::FloorDiv => floor_div_floats(left, right),
            Self::Rem => floor_rem_floats(left, right),
            // Python's answer would be a complex number.
            Self::Pow if left < 0.0 && left.is_finite() && right.fract() != 0.0 => {
                return Err(Fault::Domain);
            }
            Self::Pow => left.powf(right),
            Self::ShiftLeft | Self::ShiftRight | Self::And | Self::Or | Self::Xor => {
                return Err(Fault::Whole);
            }
        }))
    }
}

fn floor_div(left: i128, right: i128) -> Option<i128> {
    let quotient = left.checked_div(right)?;
    let is_between = left % right != 0 && (left < 0) != (right < 0);
    Some(quotient - i128::from(is_between))
}

/// The rest has the sign of the divisor.
fn floor_rem(left: i128, right: i128) -> i128 {
    let rest = left.wrapping_rem(right);
    if rest != 0 && (rest < 0) != (right < 0) { rest + right } else { rest }
}

fn floor_rem_floats(left: f64, right: f64) -> f64 {
    let rest = left % right;
    match rest {
        0.0 => 0f64.copysign(right),
        _ if (rest < 0.0) != (right < 0.0) => rest + right,
        _ => rest,
    }
}

fn floor_div_floats(left: f64, right: f64) -> f64 {
    // Through the rest, as Python does: `1 // 0.1` is 9, for 0.1 is a little more than a tenth.
    let rest = left % right;
    let is_between = rest != 0.0 && (rest < 0.0) != (right < 0.0);
    let quotient = (left - rest) / right - f64::from(u8::from(is_between));
    if quotient == 0.0 { 0f64.copysign(left / right) } else { quotient.round() }
}

fn pow(base: i128, exponent: i128) -> Option<i128> {
    match base {
        0 | 1 => Some(if exponent == 0 { 1 } else { base }),
        -1 => Some(if exponent % 2 == 0 { 1 } else { -1 }),
        _ => base.checked_pow(u32::try_from(exponent).ok()?),
    }
}

fn shift_left(left: i128, by: i128) -> Result<Number, Fault> {
    if by < 0 {
        return Err(Fault::NegativeShift);
    }
    let factor = if by < 127 { Some(1i128 << by) } else { None };
    if let Some(exact) = factor.and_then(|factor| left.checked_mul(factor)) {
        return Ok(Int(exact));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most SHIFT_MAX")]
    let by = by.min(SHIFT_MAX) as i32;
    // In two steps, as the factor alone may be infinite where the product isn't.
    Ok(if left == 0 {
        Int(0)
    } else {
        Float(left as f64 * 2f64.powi(by / 2) * 2f64.powi(by - by / 2))
    })
}
