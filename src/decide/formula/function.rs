//! The names that a formula may use: fail2ban's variables, Python's functions and those of its `math`.

use super::error::Fault;
use super::number::Number::{self, Float, Int};
use super::number::{Binary, Compare, Unary};

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Meaning {
    Constant(Number),
    Variable(Variable),
    Function(&'static Function),
}

/// What differs from ban to ban, or from jail to jail.
#[derive(Clone, Copy, Debug)]
pub(super) enum Variable {
    Time,
    Count,
    Factor,
}

/// A function, and how many arguments it takes.
#[derive(Debug)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) min: usize,
    pub(super) max: usize,
    /// Is given as many numbers as it takes.
    pub(super) call: fn(&[Number]) -> Result<Number, Fault>,
}

const VARIABLES: [(&str, Variable); 3] =
    [("ban.Time", Variable::Time), ("ban.Count", Variable::Count), ("banFactor", Variable::Factor)];

const CONSTANTS: [(&str, Number); 7] = [
    ("True", Int(1)),
    ("False", Int(0)),
    ("math.pi", Float(std::f64::consts::PI)),
    ("math.e", Float(std::f64::consts::E)),
    ("math.tau", Float(std::f64::consts::TAU)),
    ("math.inf", Float(f64::INFINITY)),
    ("math.nan", Float(f64::NAN)),
];

static FUNCTIONS: [Function; 24] = [
    function("abs", 1, 1, |n| match n[0] {
        Int(int) => Ok(int.checked_abs().map_or(Float((int as f64).abs()), Int)),
        Float(float) => Ok(Float(float.abs())),
    }),
    function("bool", 1, 1, |n| Ok(n[0].is_true().into())),
    function("float", 1, 1, |n| Ok(Float(n[0].float()))),
    function("int", 1, 1, |n| whole(n[0], f64::trunc)),
    function("max", 2, usize::MAX, |n| Ok(first(Compare::Greater, n))),
    function("min", 2, usize::MAX, |n| Ok(first(Compare::Less, n))),
    function("pow", 2, 2, |n| Binary::Pow.apply(n[0], n[1])),
    function("round", 1, 2, |n| match n.get(1) {
        None => whole(n[0], f64::round_ties_even),
        Some(digits) => rounded(n[0], digits.whole()?),
    }),
    function("math.atan", 1, 1, |n| real(n[0], f64::atan)),
    function("math.ceil", 1, 1, |n| whole(n[0], f64::ceil)),
    function("math.exp", 1, 1, |n| real(n[0], f64::exp)),
    function("math.expm1", 1, 1, |n| real(n[0], f64::exp_m1)),
    function("math.fabs", 1, 1, |n| real(n[0], f64::abs)),
    function("math.factorial", 1, 1, |n| factorial(n[0].whole()?)),
    function("math.floor", 1, 1, |n| whole(n[0], f64::floor)),
    function("math.fmod", 2, 2, |n| real(n[0], |x| x % n[1].float())),
    function("math.log", 1, 2, |n| match n.get(1) {
        None => logarithm(n[0], f64::ln),
        Some(base) => Binary::Div.apply(logarithm(n[0], f64::ln)?, logarithm(*base, f64::ln)?),
    }),
    function("math.log10", 1, 1, |n| logarithm(n[0], f64::log10)),
    function("math.log1p", 1, 1, |n| real(n[0], f64::ln_1p)),
    function("math.log2", 1, 1, |n| logarithm(n[0], f64::log2)),
    function("math.pow", 2, 2, |n| real(n[0], |x| x.powf(n[1].float()))),
    function("math.sqrt", 1, 1, |n| real(n[0], f64::sqrt)),
    function("math.tanh", 1, 1, |n| real(n[0], f64::tanh)),
    function("math.trunc", 1, 1, |n| whole(n[0], f64::trunc)),
];

const fn function(
    name: &'static str,
    min: usize,
    max: usize,
    call: fn(&[Number]) -> Result<Number, Fault>,
) -> Function {
    Function { name, min, max, call }
}

/// All names, for finding what was meant by a misspelt one.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let values =
        VARIABLES.iter().map(|(name, _)| *name).chain(CONSTANTS.iter().map(|(name, _)| *name));
    values.chain(FUNCTIONS.iter().map(|function| function.name))
}

pub(super) fn meaning(name: &str) -> Option<Meaning> {
    let variable = VARIABLES.iter().find(|(known, _)| *known == name);
    let constant = || CONSTANTS.iter().find(|(known, _)| *known == name);
    let function = || FUNCTIONS.iter().find(|known| known.name == name);
    variable
        .map(|(_, variable)| Meaning::Variable(*variable))
        .or_else(|| constant().map(|(_, number)| Meaning::Constant(*number)))
        .or_else(|| function().map(Meaning::Function))
}

impl Variable {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Time => "ban.Time",
            Self::Count => "ban.Count",
            Self::Factor => "banFactor",
        }
    }
}

/// A function of floating point numbers, where it has a value.
fn real(x: Number, f: impl Fn(f64) -> f64) -> Result<Number, Fault> {
    let (x, y) = (x.float(), f(x.float()));
    if y.is_nan() && !x.is_nan() { Err(Fault::Domain) } else { Ok(Float(y)) }
}

fn logarithm(x: Number, f: impl Fn(f64) -> f64) -> Result<Number, Fault> {
    if x.float() <= 0.0 { Err(Fault::Domain) } else { real(x, f) }
}

/// A whole number by one of the ways of rounding.
fn whole(x: Number, round: impl Fn(f64) -> f64) -> Result<Number, Fault> {
    match x {
        Int(_) => Ok(x),
        Float(float) if float.is_nan() => Err(Fault::Domain),
        Float(float) => Ok(Number::truncated(round(float))),
    }
}

/// The first among the numbers that `better` prefers.
fn first(better: Compare, numbers: &[Number]) -> Number {
    let (head, rest) = (numbers[0], &numbers[1..]);
    rest.iter().fold(head, |best, number| if better.holds(*number, best) { *number } else { best })
}

/// Rounded to decimal digits; to tens, hundreds and so on if there are fewer than none of them.
fn rounded(x: Number, digits: i128) -> Result<Number, Fault> {
    match (x, usize::try_from(digits)) {
        (Int(_), Ok(_)) => Ok(x),
        // No floating point number has more digits that count.
        (Float(float), Ok(digits)) => {
            let text = format!("{float:.*}", digits.min(1100));
            // Infinity and its like are written as they are read.
            text.parse().map(Float).map_err(|_| Fault::Domain)
        }
        (_, Err(_)) => {
            let unit = Binary::Pow.apply(Int(10), Unary::Minus.apply(Int(digits))?)?;
            let tens = Binary::Div.apply(x, unit)?.float().round_ties_even();
            let product = tens * unit.float();
            Ok(if matches!(x, Int(_)) { Number::truncated(product) } else { Float(product) })
        }
    }
}

fn factorial(n: i128) -> Result<Number, Fault> {
    match n {
        ..0 => Err(Fault::Domain),
        // Beyond that it is infinite.
        200.. => Ok(Float(f64::INFINITY)),
        _ => (2..=n).try_fold(Int(1), |product, factor| Binary::Mul.apply(product, Int(factor))),
    }
}
