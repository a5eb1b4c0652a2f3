//! `<name>`: an option of a filter or action written into another, resolved inside out.
//!
//! A tag that is no option stays as it is: `<HOST>`, `<F-USER>`, `<ip>`, and whatever a regular
//! expression happens to have between angle brackets.

use std::collections::HashMap;

use super::interpolate::InterpolationError;
use super::quoted::next_tag;
use super::traced::Traced;
use crate::diag::{Diagnostic, Location, Severity};
use crate::text;

/// A tag is replaced in one value so many times at most.
const REPLACED_MAX: usize = 25;

/// A value that gets longer than this quotes itself in ways that take a while to come round.
const LEN_MAX: usize = 1 << 20;

/// Text that can't be resolved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SubstituteError {
    /// A tag's text has the tag in it.
    #[error("{at}: '<{tag}>' stands for itself in '{option}'")]
    Loop { at: Location, option: String, tag: String },
    /// The option that the tag names can't be read.
    #[error(transparent)]
    Interpolation(#[from] Box<InterpolationError>),
}

impl SubstituteError {
    pub(super) fn diagnostic(&self) -> Diagnostic {
        match self {
            Self::Loop { at, option, tag } => {
                let (tag, option) = (text::printable(tag), text::printable(option));
                let message = format!("'<{tag}>' stands for itself in option '{option}'");
                Diagnostic::new("self-reference", Severity::Error, message)
                    .with_location(at.clone())
                    .with_text(format!("<{tag}>"))
                    .with_help("break the circle")
            }
            Self::Interpolation(error) => error.diagnostic(),
        }
    }
}

/// Gives the text of a tag, `None` to leave it alone.
pub(super) type Lookup<'l> = &'l dyn Fn(&str) -> Result<Option<Traced>, SubstituteError>;

/// The value of option `name` with its tags replaced.
pub(super) fn resolve(
    name: &str,
    value: Traced,
    lookup: Lookup<'_>,
) -> Result<Traced, SubstituteError> {
    inner(value, lookup, &mut vec![name.to_owned()])
}

fn inner(
    mut value: Traced,
    lookup: Lookup<'_>,
    open: &mut Vec<String>,
) -> Result<Traced, SubstituteError> {
    let mut replaced: HashMap<String, usize> = HashMap::new();
    loop {
        let mut changed = false;
        let mut from = 0;
        while let Some((start, tag)) = next_tag(&value.value, from) {
            let Some(found) = lookup(tag)? else {
                from = start + tag.len() + 2;
                continue;
            };
            let tag = tag.to_owned();
            let count = replaced.entry(tag.clone()).or_default();
            *count += 1;
            if *count > REPLACED_MAX || open.contains(&tag) {
                let at = value.place_of(start).location();
                let option = open.first().cloned().unwrap_or_default();
                return Err(SubstituteError::Loop { at, option, tag });
            }
            open.push(tag.clone());
            let text = inner(found, lookup, open)?;
            open.pop();
            let times = value.value.matches(&format!("<{tag}>")).count();
            if value.value.len() + times * text.value.len() > LEN_MAX {
                let at = value.place_of(start).location();
                let option = open.first().cloned().unwrap_or_default();
                return Err(SubstituteError::Loop { at, option, tag });
            }
            value = value.replace(&format!("<{tag}>"), &text);
            from = start;
            changed = true;
        }
        if !changed {
            return Ok(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::traced::Line;
    use super::*;

    fn traced(value: &str) -> Traced {
        Traced::new(value, Line { file: Path::new("f").into(), line: 7 })
    }

    fn with(options: &[(&str, &str)], value: &str) -> Result<String, SubstituteError> {
        let lookup = |tag: &str| {
            let found = options.iter().find(|(name, _)| *name == tag);
            Ok(found.map(|(_, value)| traced(value)))
        };
        resolve("own", traced(value), &lookup).map(|value| value.value)
    }

    #[test]
    fn tags_resolve_inside_out() {
        let options = [
            ("mode", "normal"),
            ("mdre-normal", "N<x>"),
            ("x", "X"),
            ("lt_file/p", "P"),
            ("lt", "file"),
        ];
        let value = with(&options, "a <mdre-<mode>> <lt_<lt>/p> <x><x>");
        assert_eq!(value.as_deref(), Ok("a NX P XX"));
    }

    #[test]
    fn what_is_no_option_stays() {
        let value = r"^<HOST> <F-USER>u</F-USER> <.*:> <[^>]+> <\S+@\S+> <a b> <> (?P<n>.)$";
        assert_eq!(with(&[("b", "B")], value).as_deref(), Ok(value));
    }

    #[test]
    fn a_circle_is_an_error() {
        for options in [&[("own", "x")][..], &[("a", "<b>"), ("b", "<a>")]] {
            let error = with(options, "<a> <own>").expect_err("it is a circle");
            assert!(matches!(error, SubstituteError::Loop { .. }), "{error}");
            assert_eq!(error.diagnostic().at.map(|at| at.line), Some(7));
        }
    }
}
