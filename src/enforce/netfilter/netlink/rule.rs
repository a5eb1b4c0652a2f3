//! Rules: which sets they look into, and how they are written.

use super::message::{Attributes, long};

/// Kinds of attributes of a rule.
mod attribute {
    pub(super) const HANDLE: u16 = 3;
    pub(super) const EXPRESSIONS: u16 = 4;
    pub(super) const EXPRESSION_NAME: u16 = 1;
    pub(super) const EXPRESSION_DATA: u16 = 2;
    /// Of a lookup.
    pub(super) const LOOKUP_SET: u16 = 1;
}

/// A rule of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its number, which stays while it is there; no other rule of the table gets it.
    pub handle: u64,
    /// The sets in which it looks something up, in its order; a nameless one as the kernel calls it, `__set0`.
    pub sets: Vec<String>,
    /// Its expressions as nf_tables writes them (`NFTA_RULE_EXPRESSIONS`), counters with what they have counted.
    pub expressions: Vec<u8>,
}

/// The rule that a message describes.
pub(super) fn read(rule: &Attributes<'_>) -> Result<Rule, &'static str> {
    let handle = long(rule.find(attribute::HANDLE)?.ok_or("a rule without a handle")?)?;
    let expressions = rule.find(attribute::EXPRESSIONS)?.unwrap_or_default();
    let mut sets = Vec::new();
    for listed in Attributes(expressions) {
        sets.extend(looked_up(&Attributes(listed?.1))?);
    }
    Ok(Rule { handle, sets, expressions: expressions.to_vec() })
}

/// The set in which an expression looks something up.
fn looked_up(expression: &Attributes<'_>) -> Result<Option<String>, &'static str> {
    if expression.find(attribute::EXPRESSION_NAME)? != Some(b"lookup\0") {
        return Ok(None);
    }
    let data = expression.find(attribute::EXPRESSION_DATA)?.ok_or("a lookup without data")?;
    let set = Attributes(data).find(attribute::LOOKUP_SET)?.ok_or("a lookup without a set")?;
    let name = set.strip_suffix(b"\0").unwrap_or(set);
    Ok(Some(String::from_utf8_lossy(name).into_owned()))
}
