//! Date templates as `--verbose-date` shows them: the pattern, and the expression that fail2ban makes of it.
//!
//! f2b searches with expressions of its own; these are only shown. What a directive stands for is in fail2ban's
//! manual, jail.conf(5), and in what fail2ban-regex 1.0.2 prints.

use crate::date::{TemplateId, Templates, YearWindow};

const LINE_BEGIN: &str = "{^LN-BEG}";
const START: &str = r"(?=^|\b|\W)";
const END: &str = r"(?=\b|\W|$)";
const EPOCH: &str = r"\d{10,11}\b(?:\.\d{3,6})?)";

/// The pattern and the expression of a template.
pub(super) fn spelt(templates: &Templates, id: TemplateId, years: &YearWindow) -> (String, String) {
    let begin = r"^(?:\W{0,2})?";
    let of_word = |regex: String| (String::new(), regex);
    match templates.name(id) {
        "{^LN-BEG}Epoch" => {
            of_word(format!(r"{begin}((?P<square>(?<=^\[))?{EPOCH}(?(square)(?=\])){END}"))
        }
        "Epoch" => of_word(format!(
            r"((?:^|(?P<square>(?<=^\[))|(?P<selinux>(?<=\baudit\())){EPOCH}(?:(?(selinux)(?=:\d+\)))|(?(square)(?=\]))){END}"
        )),
        "{^LN-BEG}TAI64N" => of_word(format!("{begin}(@[0-9a-f]{{24}}){END}")),
        "TAI64N" => of_word(format!("(@[0-9a-f]{{24}}){END}")),
        _ => {
            let pattern = templates.pattern(id);
            (pattern.to_owned(), expression(pattern, years))
        }
    }
}

fn expression(pattern: &str, years: &YearWindow) -> String {
    let (start, text) = match (pattern.strip_prefix(LINE_BEGIN), pattern.strip_prefix("{UNB}")) {
        (Some(text), _) => (r"^(?:\W{0,2})?", text),
        (_, Some(text)) => ("", text),
        _ => (START, pattern),
    };
    let is_bound = !pattern.starts_with("{UNB}");
    let (replaced, has_names) = replaced(text.trim(), years);
    let has_group = replaced.replace("(?", "").replace(r"\(", "").contains('(');
    let (caret, inner) = match replaced.strip_prefix('^') {
        Some(inner) => ("^", inner),
        None => ("", &*replaced),
    };
    let body = if has_group { inner.to_owned() } else { format!("({inner})") };
    let start = if caret.is_empty() && !body.starts_with("(^") { start } else { "" };
    let is_ended = ["$", "$)", r"\b", r"\s"].iter().any(|end| body.ends_with(end));
    let end = if is_ended || !is_bound { "" } else { END };
    let flags = if has_names { "(?iu)" } else { "" };
    format!("{flags}{caret}{start}{body}{end}")
}

/// The pattern with its directives replaced, and whether names of days or months are among them.
fn replaced(text: &str, years: &YearWindow) -> (String, bool) {
    let mut out = String::with_capacity(text.len() * 4);
    let mut has_names = false;
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let skip = if rest.starts_with("Ex") { 2 } else { 0 };
        let len = skip + rest[skip..].chars().next().map_or(0, char::len_utf8);
        let directive = &rest[..len];
        has_names |= matches!(directive, "a" | "A" | "b" | "B" | "p" | "c");
        match directive {
            "%" => out.push('%'),
            "ExY" => out.push_str(&four_digits(years)),
            _ => out.push_str(group(directive)),
        }
        rest = &rest[len..];
    }
    out.push_str(rest);
    (out, has_names)
}

/// The years of a window, which are of whole decades of one century.
fn four_digits(years: &YearWindow) -> String {
    let (first, last) = (years.0.start(), years.0.end());
    let decades: String =
        (first / 10..=last / 10).map(|decade| (decade % 10).to_string()).collect();
    format!(r"(?P<Y>{}[{decades}]\d)", first / 100)
}

fn group(directive: &str) -> &'static str {
    match directive {
        "Y" => r"(?P<Y>\d{4})",
        "y" | "Exy" => r"(?P<y>\d{2})",
        "m" => "(?P<m>0?[1-9]|1[0-2])",
        "Exm" => "(?P<m>0[1-9]|1[0-2])",
        "d" => r"(?P<d>[1-2]\d|[0 ]?[1-9]|3[0-1])",
        "Exd" => r"(?P<d>[1-2]\d|0[1-9]|3[0-1])",
        "H" => r"(?P<H>[0-1]?\d|2[0-3])",
        "ExH" => r"(?P<H>[0-1]\d|2[0-3])",
        "k" => r" ?(?P<H>[0-2]?\d)",
        "Exk" => r" ?(?P<H>[0-1]?\d|2[0-3])",
        "I" => "(?P<I>1[0-2]|0[1-9]|[1-9])",
        "l" => r" ?(?P<I>1?\d)",
        "Exl" => r" ?(?P<I>1[0-2]|\d)",
        "M" => r"(?P<M>[0-5]?\d)",
        "ExM" => r"(?P<M>[0-5]\d)",
        "S" => r"(?P<S>[0-5]?\d|6[0-1])",
        "ExS" => r"(?P<S>[0-5]\d|6[0-1])",
        "f" => "(?P<f>[0-9]{1,6})",
        "p" => "(?P<p>am|pm)",
        "a" => "(?P<a>mon|tue|wed|thu|fri|sat|sun)",
        "b" => "(?P<b>jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)",
        "z" => r"(?P<z>Z|UTC|GMT|[+-][01]\d(?::?\d{2})?)",
        "Z" => "(?P<Z>Z|[A-Z]{3,5})",
        "j" => r"(?P<j>36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9])",
        "U" => r"(?P<U>5[0-3]|[0-4]\d|\d)",
        "W" => r"(?P<W>5[0-3]|[0-4]\d|\d)",
        "w" => "(?P<w>[0-6])",
        _ => "",
    }
}
