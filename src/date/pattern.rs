//! From the text of a date pattern to the text of a regular expression.
//!
//! A pattern is a regular expression in which `%H`, `%Exd` and the like stand for the parts of a
//! date. Each becomes a group named after its field, by which the part is read later. Python's
//! look-arounds at the ends of a pattern become half word boundaries, which mean the same.

use std::fmt::Write as _;

use super::DateError;
use super::YearWindow;
use super::builtin::LINE_BEGIN;
use super::separator::{expand_separator, expand_within, has_explicit_group};

/// Digits of an instant in seconds since 1970.
const EPOCH: &str = r"(?P<epoch>[0-9]{10,11}\b(?:\.[0-9]{3,6})?)";
/// The same with milliseconds or microseconds appended.
const LONG_EPOCH: &str = r"(?P<lepoch>[0-9]{10,11}(?:[0-9]{3}(?:\.[0-9]{1,6}|[0-9]{3})?)?)";
/// Neither before nor after this position is a word cut in two.
const BOUNDARY: &str = r"(?:\b{start-half}|\b{end-half})";
const MONTHS: &str = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec";
const DAYS: &str = "mon|tue|wed|thu|fri|sat|sun";

/// A pattern made ready for the regex engine.
#[derive(Debug)]
pub(super) struct Built {
    /// The pattern with its directives spelt out, as reports show it.
    pub(super) name: String,
    /// The regular expression.
    pub(super) regex: String,
    /// It stands at the beginning or at the end of a line.
    pub(super) anchored: bool,
}

/// Where the pattern must stand, as its first characters say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Boundary {
    Unbound,
    LineBegin,
    Word,
}

/// Builds the regular expression of `pattern`.
pub(super) fn build(pattern: &str, window: &YearWindow) -> Result<Built, DateError> {
    let (mut place, mut shown, text) = if let Some(rest) = pattern.strip_prefix("{UNB}") {
        (Boundary::Unbound, rest, rest)
    } else if let Some(rest) = pattern.strip_prefix(LINE_BEGIN) {
        (Boundary::LineBegin, pattern, rest)
    } else {
        (Boundary::Word, pattern, pattern)
    };
    let insensitive = directives(pattern).any(|d| matches!(d, "a" | "A" | "b" | "B" | "p" | "c"));
    let mut regex = replace_directives(text.trim(), window)
        .map_err(|directive| DateError::Directive { pattern: pattern.to_owned(), directive })?;
    regex = to_rust(&regex);
    let (flags, body) = take_flags(&regex);
    let explicit = has_explicit_group(&body);
    let mut body = if explicit { expand_within(&body) } else { wrap(&body) };
    let mut anchored = starts_line(&body);
    anchored |= body.ends_with('$') || body.ends_with("$)");
    // What says itself where it stands needs no mark, and the name loses it as well.
    if place == Boundary::LineBegin && (starts_line(&body) || text.starts_with("**")) {
        (place, shown) = (Boundary::Word, text);
    }
    if place != Boundary::Unbound {
        body = bound(&body, place, text);
        anchored |= place == Boundary::LineBegin;
    }
    let flags = if insensitive { format!("{flags}i") } else { flags };
    let regex = if flags.is_empty() { body } else { format!("(?{flags}){body}") };
    Ok(Built { name: spell(shown), regex, anchored })
}

fn starts_line(body: &str) -> bool {
    ["^", "(^", "(?:^"].iter().any(|start| body.starts_with(start))
}

/// Adds the boundaries and removes the `**` that suppress them.
fn bound(body: &str, place: Boundary, text: &str) -> String {
    let starts = starts_line(body);
    let free_start = text.starts_with("**");
    let free_end = text.ends_with("**");
    let ends = ["$", "$)", r"\b", r"\s"].iter().any(|end| body.ends_with(end))
        || [r"\b)", r"\s)"].iter().any(|end| body.ends_with(end) && text.ends_with(&end[..2]));
    let body = body.replace("**", "");
    let start = match place {
        Boundary::LineBegin => r"^(?:\W{0,2})?",
        _ if starts || free_start => "",
        _ => BOUNDARY,
    };
    let end = if ends || free_end { "" } else { BOUNDARY };
    format!("{start}{body}{end}")
}

/// The directives of a pattern, without their percent sign.
fn directives(pattern: &str) -> impl Iterator<Item = &str> {
    let mut rest = pattern;
    std::iter::from_fn(move || {
        let at = rest.find('%')?;
        let text = &rest[at + 1..];
        let len = directive_len(text);
        rest = &text[len..];
        Some(&text[..len])
    })
}

/// The length of the directive that `text` starts with: `Ex` and a letter, or one character.
fn directive_len(text: &str) -> usize {
    let skip = if text.starts_with("Ex") { 2 } else { 0 };
    skip + text[skip..].chars().next().map_or(0, char::len_utf8)
}

/// The regular expression with the directives replaced, or the directive that is unknown.
fn replace_directives(text: &str, window: &YearWindow) -> Result<String, String> {
    let text = text.replace("{EPOCH}", EPOCH).replace("{LEPOCH}", LONG_EPOCH);
    let mut regex = String::with_capacity(text.len() * 4);
    let mut rest = text.as_str();
    while let Some(at) = rest.find('%') {
        regex.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let len = directive_len(after);
        let directive = &after[..len];
        push_directive(&mut regex, directive, window).ok_or_else(|| directive.to_owned())?;
        rest = &after[len..];
    }
    regex.push_str(rest);
    Ok(regex)
}

fn push_directive(regex: &mut String, directive: &str, window: &YearWindow) -> Option<()> {
    let years;
    let (field, text) = match directive {
        "%" => {
            regex.push('%');
            return Some(());
        }
        "c" | "x" | "X" => {
            regex.push_str(&composite(directive));
            return Some(());
        }
        // The blank of `%k` and `%l` is no part of the field.
        "k" | "Exk" | "l" | "Exl" => {
            regex.push_str(" ?");
            one_of_blank(directive)
        }
        "ExY" => {
            years = window.regex();
            ("Y", years.as_str())
        }
        _ => plain(directive)?,
    };
    // Writing to a string never fails.
    let _ = write!(regex, "(?P<{field}>{text})");
    Some(())
}

fn one_of_blank(directive: &str) -> (&'static str, &'static str) {
    match directive {
        "k" => ("H", "[0-2]?[0-9]"),
        "Exk" => ("H", "[0-1]?[0-9]|2[0-3]"),
        "l" => ("I", "1?[0-9]"),
        _ => ("I", "1[0-2]|[0-9]"),
    }
}

fn plain(directive: &str) -> Option<(&'static str, &'static str)> {
    Some(match directive {
        "Y" => ("Y", "[0-9]{4}"),
        "y" | "Exy" => ("y", "[0-9]{2}"),
        "G" => ("G", "[0-9]{4}"),
        "m" => ("m", "0?[1-9]|1[0-2]"),
        "Exm" => ("m", "0[1-9]|1[0-2]"),
        "d" => ("d", "[1-2][0-9]|[0 ]?[1-9]|3[0-1]"),
        "Exd" => ("d", "[1-2][0-9]|0[1-9]|3[0-1]"),
        "H" => ("H", "[0-1]?[0-9]|2[0-3]"),
        "ExH" => ("H", "[0-1][0-9]|2[0-3]"),
        "I" => ("I", "1[0-2]|0[1-9]|[1-9]"),
        "M" => ("M", "[0-5]?[0-9]"),
        "ExM" => ("M", "[0-5][0-9]"),
        "S" => ("S", "[0-5]?[0-9]|6[0-1]"),
        "ExS" => ("S", "[0-5][0-9]|6[0-1]"),
        "f" => ("f", "[0-9]{1,6}"),
        "p" => ("p", "am|pm"),
        "a" => ("a", DAYS),
        "A" => ("A", "wednesday|thursday|saturday|tuesday|monday|friday|sunday"),
        "b" => ("b", MONTHS),
        "B" => (
            "B",
            "september|february|november|december|january|october|august|march|april|june|july|may",
        ),
        "j" => {
            ("j", "36[0-6]|3[0-5][0-9]|[1-2][0-9][0-9]|0[1-9][0-9]|00[1-9]|[1-9][0-9]|0[1-9]|[1-9]")
        }
        "U" => ("U", "5[0-3]|[0-4][0-9]|[0-9]"),
        "W" => ("W", "5[0-3]|[0-4][0-9]|[0-9]"),
        "V" => ("V", "5[0-3]|0[1-9]|[1-4][0-9]|[0-9]"),
        "u" => ("u", "[1-7]"),
        "w" => ("w", "[0-6]"),
        "z" => ("z", r"Z|UTC|GMT|[+-][01][0-9](?::?[0-9]{2})?"),
        "Z" => ("Z", "Z|[A-Z]{3,5}"),
        "ExZ" => ("Z", "[A-Z](?:[A-Z]{2,4})?"),
        "Exz" => {
            ("z", r"(?:[A-Z](?:[A-Z]{2,4})?)?[+-][01][0-9](?::?[0-9]{2})?|[A-Z](?:[A-Z]{2,4})?")
        }
        _ => return None,
    })
}

/// The directives that stand for a whole date or time, as in the C locale.
fn composite(directive: &str) -> String {
    const DAY: &str = "3[0-1]|[1-2][0-9]|0[1-9]|[1-9]| [1-9]";
    const TIME: &str =
        "(?P<H>2[0-3]|[0-1][0-9]|[0-9]):(?P<M>[0-5][0-9]|[0-9]):(?P<S>6[0-1]|[0-5][0-9]|[0-9])";
    match directive {
        "c" => {
            format!(r"(?P<a>{DAYS})\s+(?P<b>{MONTHS})\s+(?P<d>{DAY})\s+{TIME}\s+(?P<Y>[0-9]{{4}})")
        }
        "x" => format!("(?P<m>1[0-2]|0[1-9]|[1-9])/(?P<d>{DAY})/(?P<y>[0-9]{{2}})"),
        _ => TIME.to_owned(),
    }
}

/// The name of a pattern: its directives in words.
pub(super) fn spell(pattern: &str) -> String {
    let mut name = String::with_capacity(pattern.len() * 2);
    let mut rest = pattern;
    while let Some(at) = rest.find('%') {
        name.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let len = directive_len(after);
        let (ex, letter) = match after[..len].strip_prefix("Ex") {
            Some(letter) => ("Ex", letter),
            None => ("", &after[..len]),
        };
        match word(letter) {
            Some(word) => name.extend([ex, word]),
            None if letter == "%" => name.push('%'),
            None => name.extend(["%", ex, letter]),
        }
        rest = &after[len..];
    }
    name.push_str(rest);
    name
}

fn word(letter: &str) -> Option<&'static str> {
    Some(match letter {
        "b" => "MON",
        "a" => "DAY",
        "A" => "DAYNAME",
        "B" => "MONTH",
        "d" => "Day",
        "m" => "Month",
        "H" => "24hour",
        "I" => "12hour",
        "M" => "Minute",
        "S" => "Second",
        "p" => "AMPM",
        "f" => "Microseconds",
        "y" => "Year2",
        "Y" => "Year",
        "j" => "Yearday",
        "U" | "W" => "Yearweek",
        "w" => "Weekday",
        "z" => "Zone offset",
        "Z" => "Zone name",
        _ => return None,
    })
}

/// Spells for the regex crate what Python spells otherwise.
fn to_rust(regex: &str) -> String {
    let mut out = String::with_capacity(regex.len());
    let mut chars = regex.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('<' | '>')) => out.push(escaped),
                Some('Z') => out.push_str(r"\z"),
                Some(escaped) => out.extend(['\\', escaped]),
                None => out.push('\\'),
            },
            '[' if in_class => out.push_str(r"\["),
            '[' => {
                in_class = true;
                out.push(c);
                // `]` and `^]` at the start of a class don't close it.
                let mut ahead = chars.clone();
                if ahead.next() == Some('^') {
                    out.push('^');
                    chars.next();
                }
                if chars.clone().next() == Some(']') {
                    out.push_str(r"\]");
                    chars.next();
                }
            }
            ']' => {
                in_class = false;
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Takes a global `(?flags)` out of a regular expression, wherever it stands.
fn take_flags(regex: &str) -> (String, String) {
    let Some(start) = regex.find("(?").filter(|_| regex.contains(')')) else {
        return (String::new(), regex.to_owned());
    };
    let mut from = start;
    while let Some(at) = regex[from..].find("(?").map(|at| at + from) {
        let flags: String =
            regex[at + 2..].chars().take_while(|c| "aiLmsux".contains(*c)).collect();
        let end = at + 2 + flags.len();
        if !flags.is_empty() && regex[end..].starts_with(')') {
            // `a`, `L` and `u` choose an alphabet; ours is always Unicode.
            let kept = flags.chars().filter(|c| "imsx".contains(*c)).collect();
            return (kept, format!("{}{}", &regex[..at], &regex[end + 1..]));
        }
        from = at + 2;
    }
    (String::new(), regex.to_owned())
}

/// Puts all but the anchors into the group that is cut from the line.
fn wrap(body: &str) -> String {
    let (start, rest) = body.strip_prefix('^').map_or(("", body), |rest| ("^", rest));
    let (rest, end) = match rest.strip_suffix('$') {
        Some(inner) if !inner.ends_with('\\') => (inner, "$"),
        _ => (rest, ""),
    };
    format!("{start}({}){end}", expand_separator(rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_spells_the_directives_out() {
        assert_eq!(
            spell(r"{^LN-BEG}(?:%a )?%b %d %k:%M:%S(?:\.%f)?(?: %ExY)?"),
            r"{^LN-BEG}(?:DAY )?MON Day %k:Minute:Second(?:\.Microseconds)?(?: ExYear)?"
        );
        assert_eq!(spell("%%Y %Y"), "%Y Year");
    }

    #[test]
    fn ok_only_explicit_groups_count() {
        assert!(!has_explicit_group(r"\((?:a)(?P<x>b)"));
        assert!(has_explicit_group("[(]%Y"));
        assert!(has_explicit_group("%Y (foo)"));
    }

    #[test]
    fn the_anchors_stay_outside_of_the_cut() {
        let built = build("^%Y %m%d$", &YearWindow::archive()).unwrap();
        assert!(built.regex.starts_with("^((?P<Y>"), "{}", built.regex);
        assert!(built.regex.ends_with(")$"), "{}", built.regex);
        assert!(built.anchored);
    }

    #[test]
    fn an_unknown_directive_is_an_error() {
        assert!(build("%Q %Y", &YearWindow::archive()).is_err());
    }
}
