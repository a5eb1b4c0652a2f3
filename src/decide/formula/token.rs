//! The words of a formula.

use super::error::{Fault, FormulaError};
use super::number::Number::{self, Float, Int};

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'t> {
    Number(Number),
    /// A name, with dots if it has some: `math.exp`.
    Name(&'t str),
    /// Punctuation, an operator, or a word that serves as one.
    Sign(&'static str),
}

/// All that isn't made of letters and digits, the longer before their beginnings.
const SIGNS: [&str; 22] = [
    "**", "//", "<<", ">>", "<=", ">=", "==", "!=", "<", ">", "+", "-", "*", "/", "%", "&", "|",
    "^", "~", "(", ")", ",",
];

const WORDS: [&str; 5] = ["if", "else", "and", "or", "not"];

/// Cuts a text into words, each with its column.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token<'_>, usize)>, FormulaError> {
    let mut found = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        // A comment ends the formula, as it does in Python.
        let Some(start) = rest.chars().next().filter(|c| *c != '#') else { return Ok(found) };
        let column = column(text, rest);
        let (token, len) = token(rest, start).map_err(|fault| fault.at(column))?;
        found.push((token, column));
        rest = &rest[len..];
    }
}

/// In characters, from 1.
fn column(text: &str, rest: &str) -> usize {
    text[..text.len() - rest.len()].chars().count() + 1
}

fn token(rest: &str, start: char) -> Result<(Token<'_>, usize), Fault> {
    let second = rest.as_bytes().get(1);
    if start.is_ascii_digit() || (start == '.' && second.is_some_and(u8::is_ascii_digit)) {
        let len = number_len(rest);
        let number = number(&rest[..len]).ok_or_else(|| Fault::Literal(rest[..len].to_owned()))?;
        return Ok((Token::Number(number), len));
    }
    if start.is_alphabetic() || start == '_' {
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
        let len = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let name = &rest[..len];
        let word = WORDS.iter().find(|word| **word == name);
        return Ok((word.map_or(Token::Name(name), |word| Token::Sign(word)), len));
    }
    let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
    sign.map(|sign| (Token::Sign(sign), sign.len())).ok_or(Fault::Character(start))
}

/// How far a number goes, and what is glued to it: `1e-3`, `10m`.
fn number_len(rest: &str) -> usize {
    let mut before = ' ';
    let end = rest.find(|c: char| {
        let is_exponent = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        before = c;
        !(c.is_alphanumeric() || matches!(c, '_' | '.') || is_exponent)
    });
    end.unwrap_or(rest.len())
}

fn number(text: &str) -> Option<Number> {
    // Python's numbers may have an underscore between two digits.
    let is_between = |at: usize| {
        let digit = |at: usize| text.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
        at > 0 && digit(at - 1) && digit(at + 1)
    };
    if !text.match_indices('_').all(|(at, _)| is_between(at)) {
        return None;
    }
    let digits = text.replace('_', "");
    if digits.bytes().all(|b| b.is_ascii_digit()) {
        // `010` is an octal number in some languages, a decimal one in others, and an error in Python.
        let is_ambiguous = digits.starts_with('0') && digits.bytes().any(|b| b != b'0');
        let float = || digits.parse().ok().map(Float);
        return if is_ambiguous { None } else { digits.parse().ok().map(Int).or_else(float) };
    }
    // Rust reads `inf` and `nan` too, but no number begins with those.
    digits.parse().ok().map(Float)
}
