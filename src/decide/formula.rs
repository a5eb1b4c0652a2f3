//! The language of `bantime.formula`: Python's arithmetic, without Python.
//!
//! fail2ban has Python evaluate the text, with all that Python can do. Here is the part of it that has numbers as
//! its values: operators, comparisons, `a if c else b`, `ban.Time`, `ban.Count`, `banFactor`, and the functions in
//! [`function`]. Strings, lists, lambdas, `random` are not part of it.
//!
//! A formula is compiled into steps of a stack machine that only jumps forward: evaluating takes as long as the
//! text is, at most, whoever wrote it.
//!
//! No crate has these semantics: `evalexpr`, `fasteval` and `meval` know neither `a if c else b` nor whole numbers
//! beside others with Python's rules; those that imitate Python (`pyisheval`, `rustpython`) bring loops,
//! comprehensions and no bound.

mod error;
mod function;
mod number;
mod parse;
mod token;

use error::Fault;
pub use error::FormulaError;
use function::{Function, Variable};
use number::{Binary, Compare, Number, Unary};

/// The longest text that is read, in characters; the longest that people share has about 150.
const LENGTH_MAX: usize = 2000;

/// What nests deeper is refused. Python stops at about as many parentheses.
const DEPTH_MAX: usize = 100;

/// An expression for the length of a ban.
///
/// ```
/// use f2b::decide::{Formula, Variables};
///
/// let formula = Formula::parse("ban.Time * (1<<(ban.Count if ban.Count<20 else 20)) * banFactor")?;
/// assert_eq!(formula.value(Variables { time: 600.0, count: 3, factor: 1.0 })?, 4800.0);
/// # Ok::<(), f2b::decide::FormulaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Formula {
    steps: Vec<Step>,
}

/// What a formula can ask for. Numbers without a fraction are whole ones, as they are in fail2ban if they were
/// written so.
#[derive(Clone, Copy, Debug)]
pub struct Variables {
    /// `ban.Time`: the jail's `bantime`, in seconds.
    pub time: f64,
    /// `ban.Count`: how many bans there were before this one.
    pub count: u32,
    /// `banFactor`: the jail's `bantime.factor`.
    pub factor: f64,
}

#[derive(Clone, Debug)]
struct Step {
    operation: Operation,
    /// Whose fault it is if this fails.
    column: usize,
}

/// What is done with the stack. Jumps are so many steps ahead, at least one.
#[derive(Clone, Debug)]
enum Operation {
    Push(Number),
    Load(Variable),
    Unary(Unary),
    Binary(Binary),
    Compare(Compare),
    /// Compares, keeps the right side if that holds, else jumps with `False`.
    Chain(Compare, usize),
    /// With so many arguments.
    Call(&'static Function, usize),
    Jump(usize),
    /// Takes the condition.
    JumpUnless(usize),
    /// Jumps with what is false, or takes it.
    And(usize),
    /// Jumps with what is true, or takes it.
    Or(usize),
}

/// Why the stack is never empty when something is taken.
const BALANCED: &str = "the parser emits each operation after its operands";

impl Formula {
    /// Reads a formula. What follows a `#` is a comment.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        if text.chars().nth(LENGTH_MAX).is_some() {
            return Err(Fault::TooLong.at(LENGTH_MAX + 1));
        }
        Ok(Self { steps: parse::parse(text)? })
    }

    /// The value of an expression without variables: `2.0 / 2.885385`, as `bantime.factor` may have it.
    pub fn constant(text: &str) -> Result<f64, FormulaError> {
        let formula = Self::parse(text)?;
        for Step { operation, column } in &formula.steps {
            if let Operation::Load(variable) = operation {
                return Err(Fault::Variable(variable.name()).at(*column));
            }
        }
        formula.value(Variables { time: 0.0, count: 0, factor: 0.0 })
    }

    /// Evaluates. The result may be infinite or no number; whole ones too large for an `f64` are rounded.
    ///
    /// Dividing by zero, the logarithm of nothing, a shift by a fraction and their like are errors, with the
    /// column of what failed. DIFFERS: a result too large is infinite, where Python fails.
    pub fn value(&self, variables: Variables) -> Result<f64, FormulaError> {
        let mut stack = Vec::new();
        let mut next = 0;
        while let Some(Step { operation, column }) = self.steps.get(next) {
            next +=
                operation.carry_out(&mut stack, variables).map_err(|fault| fault.at(*column))?;
        }
        Ok(take(&mut stack).float())
    }
}

fn take(stack: &mut Vec<Number>) -> Number {
    stack.pop().expect(BALANCED)
}

/// The two on top, in the order in which they were written.
fn pair(stack: &mut Vec<Number>) -> (Number, Number) {
    let right = take(stack);
    (take(stack), right)
}

impl Operation {
    /// Says how many steps ahead to go on.
    fn carry_out(&self, stack: &mut Vec<Number>, variables: Variables) -> Result<usize, Fault> {
        match self {
            Self::Jump(by) => return Ok(*by),
            Self::JumpUnless(by) => return Ok(if take(stack).is_true() { 1 } else { *by }),
            Self::And(by) => return Ok(keep_or_take(stack, false, *by)),
            Self::Or(by) => return Ok(keep_or_take(stack, true, *by)),
            Self::Chain(compare, by) => {
                let (left, right) = pair(stack);
                let holds = compare.holds(left, right);
                stack.push(if holds { right } else { false.into() });
                return Ok(if holds { 1 } else { *by });
            }
            Self::Push(number) => stack.push(*number),
            Self::Load(variable) => stack.push(variable.of(variables)),
            Self::Unary(unary) => {
                let operand = take(stack);
                stack.push(unary.apply(operand)?);
            }
            Self::Binary(binary) => {
                let (left, right) = pair(stack);
                stack.push(binary.apply(left, right)?);
            }
            Self::Compare(compare) => {
                let (left, right) = pair(stack);
                stack.push(compare.holds(left, right).into());
            }
            Self::Call(function, count) => {
                let arguments = stack.split_off(stack.len() - count);
                stack.push((function.call)(&arguments)?);
            }
        }
        Ok(1)
    }
}

fn keep_or_take(stack: &mut Vec<Number>, kept: bool, by: usize) -> usize {
    let number = take(stack);
    if number.is_true() != kept {
        return 1;
    }
    stack.push(number);
    by
}

impl Variable {
    fn of(self, variables: Variables) -> Number {
        match self {
            Self::Time => Number::of(variables.time),
            Self::Count => Number::Int(variables.count.into()),
            Self::Factor => Number::of(variables.factor),
        }
    }
}

#[cfg(test)]
mod tests;
