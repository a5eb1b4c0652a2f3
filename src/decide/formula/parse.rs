//! From words to operations, in the order in which they are carried out.
//!
//! Python's precedence, loosest first: `if else`, `or`, `and`, `not`, comparisons, `|`, `^`, `&`, shifts, `+ -`,
//! `* / // %`, signs, `**`. What nests is counted, so that no text can exhaust the stack; everything else is
//! a loop.

use super::error::{Fault, FormulaError};
use super::function::{self, Function, Meaning, meaning};
use super::number::{Binary, Compare, Unary};
use super::token::{Token, tokens};
use super::{DEPTH_MAX, Operation, Step};
use crate::diag::nearest;

/// Reads a whole formula.
pub(super) fn parse(text: &str) -> Result<Vec<Step>, FormulaError> {
    let end = text.trim_end().chars().count() + 1;
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end, depth: 0, steps: Vec::new() };
    parser.expression()?;
    if parser.next < parser.tokens.len() {
        Err(parser.missing("an operator"))
    } else {
        Ok(parser.steps)
    }
}

struct Parser<'t> {
    tokens: Vec<(Token<'t>, usize)>,
    next: usize,
    /// The column behind the text.
    end: usize,
    depth: usize,
    steps: Vec<Step>,
}

type Parsed = Result<(), FormulaError>;

impl Parser<'_> {
    fn column(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(_, column)| *column)
    }

    fn sign(&self) -> Option<&'static str> {
        match self.tokens.get(self.next) {
            Some((Token::Sign(sign), _)) => Some(sign),
            _ => None,
        }
    }

    fn eat(&mut self, wanted: &'static str) -> bool {
        let is_here = self.sign() == Some(wanted);
        self.next += usize::from(is_here);
        is_here
    }

    fn need(&mut self, sign: &'static str, wanted: &'static str) -> Parsed {
        if self.eat(sign) { Ok(()) } else { Err(self.missing(wanted)) }
    }

    fn missing(&self, wanted: &'static str) -> FormulaError {
        let found = match self.tokens.get(self.next) {
            None => String::new(),
            Some((Token::Sign(sign), _)) => (*sign).to_owned(),
            Some((Token::Name(name), _)) => (*name).to_owned(),
            Some((Token::Number(number), _)) => number.float().to_string(),
        };
        Fault::Missing { wanted, found }.at(self.column())
    }

    fn emit(&mut self, operation: Operation, column: usize) {
        self.steps.push(Step { operation, column });
    }

    /// One level deeper.
    fn nested(&mut self, parse: impl FnOnce(&mut Self) -> Parsed) -> Parsed {
        if self.depth == DEPTH_MAX {
            return Err(Fault::TooDeep.at(self.column()));
        }
        self.depth += 1;
        parse(self)?;
        self.depth -= 1;
        Ok(())
    }

    /// Makes room for a jump and says where.
    fn jump(&mut self) -> usize {
        let column = self.column();
        self.emit(Operation::Jump(0), column);
        self.steps.len() - 1
    }

    /// Lets the jump at `at` lead to what comes next.
    fn land(&mut self, at: usize, jump: impl FnOnce(usize) -> Operation) {
        self.steps[at].operation = jump(self.steps.len() - at);
    }

    fn expression(&mut self) -> Parsed {
        let start = self.steps.len();
        self.any()?;
        if !self.eat("if") {
            return Ok(());
        }
        // The condition is written second and comes first: only one of the two others is evaluated.
        let mut then = self.steps.split_off(start);
        self.any()?;
        self.need("else", "'else'")?;
        let unless = self.jump();
        self.steps.append(&mut then);
        let end = self.jump();
        self.land(unless, Operation::JumpUnless);
        self.nested(Self::expression)?;
        self.land(end, Operation::Jump);
        Ok(())
    }

    fn any(&mut self) -> Parsed {
        let mut ends = Vec::new();
        self.all()?;
        while self.eat("or") {
            ends.push(self.jump());
            self.all()?;
        }
        for at in ends {
            self.land(at, Operation::Or);
        }
        Ok(())
    }

    fn all(&mut self) -> Parsed {
        let mut ends = Vec::new();
        self.negation()?;
        while self.eat("and") {
            ends.push(self.jump());
            self.negation()?;
        }
        for at in ends {
            self.land(at, Operation::And);
        }
        Ok(())
    }

    fn negation(&mut self) -> Parsed {
        let column = self.column();
        if !self.eat("not") {
            return self.comparison();
        }
        self.nested(Self::negation)?;
        self.emit(Operation::Unary(Unary::Not), column);
        Ok(())
    }

    /// `a < b < c` is `a < b and b < c`.
    fn comparison(&mut self) -> Parsed {
        self.arithmetic(0)?;
        let mut pending: Option<(Compare, usize)> = None;
        let mut ends = Vec::new();
        while let Some(compare) = self.sign().and_then(comparison) {
            if let Some((before, _)) = pending {
                ends.push((self.jump(), before));
            }
            pending = Some((compare, self.column()));
            self.next += 1;
            self.arithmetic(0)?;
        }
        if let Some((compare, column)) = pending {
            self.emit(Operation::Compare(compare), column);
        }
        for (at, compare) in ends {
            self.land(at, |by| Operation::Chain(compare, by));
        }
        Ok(())
    }

    /// Operators of at least this precedence, from the left.
    fn arithmetic(&mut self, least: u8) -> Parsed {
        self.signed()?;
        while let Some((binary, precedence)) = self.sign().and_then(binary)
            && precedence >= least
        {
            let column = self.column();
            self.next += 1;
            self.arithmetic(precedence + 1)?;
            self.emit(Operation::Binary(binary), column);
        }
        Ok(())
    }

    fn signed(&mut self) -> Parsed {
        let column = self.column();
        let unary = match self.sign() {
            Some("-") => Unary::Minus,
            Some("+") => Unary::Plus,
            Some("~") => Unary::Invert,
            _ => return self.power(),
        };
        self.next += 1;
        self.nested(Self::signed)?;
        self.emit(Operation::Unary(unary), column);
        Ok(())
    }

    /// From the right, and tighter than a sign before, but not than one behind: `-2 ** -1`.
    fn power(&mut self) -> Parsed {
        self.operand()?;
        let column = self.column();
        if self.eat("**") {
            self.nested(Self::signed)?;
            self.emit(Operation::Binary(Binary::Pow), column);
        }
        Ok(())
    }

    fn operand(&mut self) -> Parsed {
        let column = self.column();
        if self.eat("(") {
            self.nested(Self::expression)?;
            return self.need(")", "')'");
        }
        let operation = match self.tokens.get(self.next) {
            Some((Token::Number(number), _)) => Operation::Push(*number),
            Some((Token::Name(name), _)) => match meaning(name) {
                Some(Meaning::Constant(number)) => Operation::Push(number),
                Some(Meaning::Variable(variable)) => Operation::Load(variable),
                Some(Meaning::Function(function)) => {
                    self.next += 1;
                    return self.call(function, column);
                }
                None => {
                    let near = nearest(name, function::names());
                    return Err(Fault::Name((*name).to_owned(), near).at(column));
                }
            },
            _ => return Err(self.missing("a value")),
        };
        self.next += 1;
        self.emit(operation, column);
        Ok(())
    }

    fn call(&mut self, function: &'static Function, column: usize) -> Parsed {
        let Function { name, min, max, .. } = *function;
        if !self.eat("(") {
            return Err(Fault::NotCalled(name).at(column));
        }
        let mut count = 0;
        while !self.eat(")") {
            self.nested(Self::expression)?;
            count += 1;
            if !self.eat(",") {
                self.need(")", "')'")?;
                break;
            }
        }
        if count < min || count > max {
            return Err(Fault::Arguments { name, min, max }.at(column));
        }
        self.emit(Operation::Call(function, count), column);
        Ok(())
    }
}

fn comparison(sign: &str) -> Option<Compare> {
    Some(match sign {
        "<" => Compare::Less,
        "<=" => Compare::LessEqual,
        "==" => Compare::Equal,
        "!=" => Compare::NotEqual,
        ">" => Compare::Greater,
        ">=" => Compare::GreaterEqual,
        _ => return None,
    })
}

/// An operator and its precedence.
fn binary(sign: &str) -> Option<(Binary, u8)> {
    Some(match sign {
        "|" => (Binary::Or, 0),
        "^" => (Binary::Xor, 1),
        "&" => (Binary::And, 2),
        "<<" => (Binary::ShiftLeft, 3),
        ">>" => (Binary::ShiftRight, 3),
        "+" => (Binary::Add, 4),
        "-" => (Binary::Sub, 4),
        "*" => (Binary::Mul, 5),
        "/" => (Binary::Div, 5),
        "//" => (Binary::FloorDiv, 5),
        "%" => (Binary::Rem, 5),
        _ => return None,
    })
}
