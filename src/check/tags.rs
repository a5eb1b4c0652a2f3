//! Tags that look like fail2ban's but aren't: `<HOTS>`, `</F-USR>`, `<mdre-agressive>`.
//!
//! What is no tag is text to a regular expression, so a misspelt one compiles, and never matches. Capitals between
//! angle brackets are taken for a tag; small letters may be text, and are only if they are close to a tag.

use crate::config::Text;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::text::shown;

/// Tags that stand for an expression, and names that `<F-NAME>` is often used with.
const TAGS: [&str; 21] = [
    "HOST",
    "ADDR",
    "IP4",
    "IP6",
    "DNS",
    "CIDR",
    "SUBNET",
    "SKIPLINES",
    "F-IP4/",
    "F-IP6/",
    "F-ADDR/",
    "F-DNS/",
    "F-CIDR/",
    "F-SUBNET/",
    "F-ID/",
    "F-PORT/",
    "F-ID",
    "F-USER",
    "F-CONTENT",
    "F-MLFID",
    "F-NOFAIL",
];

/// The findings about an expression whose options are replaced already.
pub(super) fn findings(regex: &Text) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for (tag, is_opening) in tags(&regex.value) {
        let problem = match tag.strip_prefix("/F-") {
            Some(name) => {
                let at = open.iter().rposition(|known| *known == name);
                if let Some(at) = at {
                    open.remove(at);
                }
                let near = nearest(name, open.iter().copied()).map(|near| format!("/F-{near}"));
                at.is_none().then(|| (format!("<{tag}> closes nothing"), near))
            }
            None if TAGS.contains(&tag) || (is_opening && tag.len() > "F-".len()) => {
                open.extend(tag.strip_prefix("F-").filter(|name| !name.ends_with('/')));
                None
            }
            None => unknown(tag),
        };
        if let Some((message, near)) = problem {
            found.push(finding(regex, tag, &message, near));
        }
    }
    for name in open {
        let message = format!("<F-{}> is never closed", shown(name));
        let close = Some(format!("/F-{name}"));
        found.push(finding(regex, &format!("F-{name}"), &message, close));
    }
    found
}

fn unknown(tag: &str) -> Option<(String, Option<String>)> {
    let upper = tag.to_uppercase();
    let near = nearest(&upper, TAGS).map(str::to_owned);
    let is_shout = tag == upper && tag.chars().any(char::is_alphabetic);
    let is_other_case = near.as_deref() == Some(&upper);
    (is_shout || is_other_case).then(|| (format!("<{}> is no tag, but text", shown(tag)), near))
}

fn finding(regex: &Text, tag: &str, message: &str, near: Option<String>) -> Diagnostic {
    // Logs have text in capitals between angle brackets, too.
    let severity = if near.is_some() { Severity::Warning } else { Severity::Note };
    let help = match near {
        Some(near) if message.ends_with("never closed") => format!("close it with <{near}>"),
        Some(near) => format!("did you mean <{near}>?"),
        None => "write \\< if it is text".to_owned(),
    };
    Diagnostic::new("unknown-tag", severity, message)
        .with_location(regex.at.clone())
        .with_text(format!("<{tag}>"))
        .with_help(help)
}

/// What stands between angle brackets and could be the name of a tag, and whether it is `F-` and a name.
fn tags(text: &str) -> impl Iterator<Item = (&str, bool)> {
    text.match_indices('<').filter_map(|(at, _)| {
        // Of a group, `(?P<name>`, or escaped.
        let before = &text[..at];
        if before.ends_with("(?P") || before.ends_with("(?") || before.ends_with('\\') {
            return None;
        }
        let inner = &text[at + 1..at + 1 + text[at + 1..].find('>')?];
        let is_name = inner.chars().any(char::is_alphabetic)
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '/'));
        let upper = |name: &str| !name.chars().any(|c| c.is_ascii_lowercase());
        let is_opening =
            inner.strip_prefix("F-").is_some_and(|name| upper(name) && !name.ends_with('/'));
        is_name.then_some((inner, is_opening))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Location;

    fn messages(regex: &str) -> Vec<String> {
        let text = Text { value: regex.to_owned(), at: Location::new("f", 1) };
        let found = findings(&text).into_iter();
        found
            .map(|found| format!("{}; {}", found.message, found.help.unwrap_or_default()))
            .collect()
    }

    #[test]
    fn a_misspelt_tag_is_found() {
        for (regex, wanted) in [
            ("^<HOTS>$", "<HOTS> is no tag, but text; did you mean <HOST>?"),
            ("^<host>$", "<host> is no tag, but text; did you mean <HOST>?"),
            ("<FOREIGN>", "<FOREIGN> is no tag, but text; write \\< if it is text"),
            ("<F-USER>x</F-USR> <HOST>", "</F-USR> closes nothing; did you mean </F-USER>?"),
            ("<F-USER>x <HOST>", "<F-USER> is never closed; close it with </F-USER>"),
        ] {
            assert_eq!(messages(regex).first().map(String::as_str), Some(wanted), "{regex}");
        }
    }

    #[test]
    fn text_and_tags_are_left_alone() {
        for regex in [
            "^<HOST>$",
            "<F-USER>x</F-USER> <ADDR> <F-ID/> <SKIPLINES>",
            "<F-ALT_USER_1>x</F-ALT_USER_1>",
            "<unknown> <[^>]+> <\\S+@x> (?P<HOTS>x) (?<=X>) \\<HOTS> <>",
        ] {
            assert_eq!(messages(regex), [""; 0], "{regex}");
        }
    }
}
