//! The separator of a pattern that must be the same twice, `2005-08-14` or `2005/08/14`.
//!
//! A back-reference needs the backtracking engine, which every line would have to pass; with the separators written
//! out there is none.

use std::fmt::Write;

/// The group of a separator, up to its class, and the same separator once more.
const SEPARATOR: &str = "(?P<_sep>[";
const AGAIN: &str = "(?P=_sep)";

/// Writes a pattern whose separator must be the same twice once for each separator there is: the
/// engine has no back-references. The groups of the copies are numbered from the second on.
pub(super) fn expand_separator(body: &str) -> String {
    let Some((before, class, after)) = split_separator(body) else { return body.to_owned() };
    let copy = |separator: &str| format!("{before}{separator}{}", after.replace(AGAIN, separator));
    copies(class, copy)
}

/// The same for a pattern that says itself what is cut, by a group: only what stands between the two is written
/// several times, so that this group, which is outside of it, stays the first.
pub(super) fn expand_within(body: &str) -> String {
    let expanded = || {
        let (before, class, after) = split_separator(body)?;
        let (between, rest) = after.split_once(AGAIN)?;
        let is_repeated = [between, rest].iter().any(|text| text.starts_with(['?', '*', '+', '{']));
        let is_whole = !has_explicit_group(between) && is_sequence(between);
        (is_whole && !is_repeated && !rest.contains(AGAIN)).then(|| {
            let copy = |separator: &str| format!("{separator}{between}{separator}");
            format!("{before}{}{rest}", copies(class, copy))
        })
    };
    expanded().unwrap_or_else(|| body.to_owned())
}

/// Whether a part of a pattern is whole groups, none of which is left open, without a choice between them.
fn is_sequence(part: &str) -> bool {
    let (mut depth, mut is_class, mut is_escaped) = (0_usize, false, false);
    for c in part.chars() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ']' => is_class = false,
            _ if is_class => {}
            '[' => is_class = true,
            '(' => depth += 1,
            '|' if depth == 0 => return false,
            ')' => match depth.checked_sub(1) {
                Some(outer) => depth = outer,
                None => return false,
            },
            _ => {}
        }
    }
    depth == 0 && !is_class && !is_escaped
}

/// What is before the group of a separator, its members, and what is behind it; `None` if it is not there, isn't
/// asked for once more, or is more than a few characters.
fn split_separator(body: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = body.split_once(SEPARATOR)?;
    let (class, after) = rest.split_once("])")?;
    (after.contains(AGAIN) && !class.contains(['\\', '^'])).then_some((before, class, after))
}

/// Something with a separator, once for each.
fn copies(class: &str, copy: impl Fn(&str) -> String) -> String {
    let copies: Vec<String> = class
        .chars()
        .enumerate()
        .map(|(n, separator)| {
            let separator = if separator == '-' { "-".into() } else { format!(r"\{separator}") };
            let copy = copy(&separator);
            if n == 0 { copy } else { number_groups(&copy, n) }
        })
        .collect();
    format!("(?:{})", copies.join("|"))
}

fn number_groups(regex: &str, n: usize) -> String {
    let mut out = String::with_capacity(regex.len() + 16);
    for (index, piece) in regex.split("(?P<").enumerate() {
        if index == 0 {
            out.push_str(piece);
        } else if let Some((name, rest)) = piece.split_once('>') {
            let _ = write!(out, "(?P<{name}{n}>{rest}");
        }
    }
    out
}

/// Whether the pattern says itself, by a group, what to cut from the line.
///
/// fail2ban takes a parenthesis in a `[class]` for one: then the first field is what is cut.
pub(super) fn has_explicit_group(regex: &str) -> bool {
    regex
        .match_indices('(')
        .any(|(at, _)| !regex[..at].ends_with('\\') && !regex[at + 1..].starts_with('?'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::{YearWindow, pattern::build};

    #[test]
    fn a_separator_is_written_out_within_the_group_that_is_cut() {
        let pattern = r"^[^\[]*\[(%d(?P<_sep>[-/])%b(?P=_sep)%ExY:%H)\]";
        let built = build(pattern, &YearWindow::archive()).unwrap();
        assert!(!built.regex.contains("_sep"), "{}", built.regex);
        for text in [
            "(%d(?P<_sep>[-/])%b(?P=_sep)?%Y)",
            "(%d(?P<_sep>[-/])(%b)(?P=_sep)%Y)",
            "(%d(?P<_sep>[-/])%b|(?P=_sep)%Y)",
            "(%d(?P<_sep>[-/]))%b(?P=_sep)%Y",
            "(%d(?P<_sep>[-/])%b(?P=_sep)%Y(?P=_sep))",
        ] {
            assert_eq!(expand_within(text), text);
        }
    }
}
