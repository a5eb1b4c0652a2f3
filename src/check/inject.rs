//! Expressions that let a client choose who is banned.
//!
//! Where anything may stand before the host (`.*`, `.+`) and nothing ties the expression to the end of the
//! line, a client that controls a part of the line, such as a user name, can write `from 192.0.2.1` into it
//! and have that address banned. A heuristic on the text: it may warn where nothing bad can happen.

use crate::config::Text;
use crate::diag::{Diagnostic, Severity};

const HOSTS: [&str; 6] = ["<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<DNS>", "<SUBNET>"];

/// What takes as much as it can.
const GREEDY: [&str; 4] = [".*", ".+", "\\S*", "\\S+"];

/// The finding about an expression in which the host gets only what something greedy right before it leaves: the last
/// digit of an address, or an address of somebody else.
pub fn greedy_before_host(regex: &Text) -> Option<Diagnostic> {
    let host = HOSTS.iter().filter_map(|tag| regex.value.find(tag)).min()?;
    let before = &regex.value[..host];
    let greedy = GREEDY.iter().find(|any| before.ends_with(*any))?;
    let is_escaped = before[..before.len() - greedy.len()].ends_with('\\');
    let found = Diagnostic::new(
        "greedy-before-host",
        Severity::Warning,
        format!("'{greedy}' right before the host takes all of it but its end"),
    );
    let help = "write what stands between them, if only a blank";
    (!is_escaped).then(|| {
        found
            .with_location(regex.at.clone())
            .with_text(&before[before.len() - greedy.len()..])
            .with_help(help)
    })
}

/// The finding about an expression, if there is one.
pub(super) fn finding(regex: &Text) -> Option<Diagnostic> {
    if let Some(found) = greedy_before_host(regex) {
        return Some(found);
    }
    let host = HOSTS.iter().filter_map(|tag| regex.value.find(tag)).min()?;
    let (before, after) = regex.value.split_at(host);
    let at = catch_all(before)?;
    if is_tied(after) {
        return None;
    }
    let message = format!(
        "'{}' before the host, and no end: who writes that text may choose who is banned",
        &before[at..at + 2]
    );
    let found = Diagnostic::new("catch-all-before-host", Severity::Warning, message);
    Some(
        found
            .with_location(regex.at.clone())
            .with_text(&before[at..])
            .with_help("say what may stand there (\\S+, [^:]*), or end the expression with $"),
    )
}

/// Where a `.*` or `.+` stands.
fn catch_all(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    (0..bytes.len().saturating_sub(1)).find(|at| {
        let is_any = bytes[*at] == b'.' && matches!(bytes[at + 1], b'*' | b'+');
        let is_escaped = bytes[..*at].iter().rev().take_while(|b| **b == b'\\').count() % 2 == 1;
        is_any && !is_escaped
    })
}

/// Whether the expression must match up to the end of the line, with something that isn't anything.
fn is_tied(after: &str) -> bool {
    let after = after.trim_end();
    let Some(after) = after.strip_suffix('$').filter(|rest| !rest.ends_with('\\')) else {
        return false;
    };
    [".*", ".*?", ".+", ".+?"]
        .iter()
        .all(|any| !after.ends_with(any) || after.ends_with(&format!("\\{any}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Location;

    fn warns(regex: &str) -> bool {
        finding(&Text { value: regex.to_owned(), at: Location::new("f.conf", 3) }).is_some()
    }

    #[test]
    fn what_is_greedy_before_a_host_is_a_warning_whatever_follows() {
        let id = |regex: &str| {
            let regex = Text { value: regex.to_owned(), at: Location::new("f.conf", 3) };
            finding(&regex).map(|found| found.id)
        };
        for regex in ["bad .*<HOST>$", "bad .+<ADDR>$", r"bad \S*<HOST>$", r"bad \S+<IP4> "] {
            assert_eq!(id(regex), Some("greedy-before-host"), "{regex}");
        }
        for regex in [r"bad\.*<HOST>$", "bad .*?<HOST>$", "bad .* <HOST>$", r"bad \\S*<HOST>$"] {
            assert_eq!(id(regex), None, "{regex}");
        }
    }

    #[test]
    fn a_catch_all_before_a_host_without_an_end_is_a_warning() {
        assert!(warns("fail for .* from <HOST>"));
        assert!(warns("x .+<ADDR> y"));
        assert!(!warns("fail for .* from <HOST>$"));
        assert!(!warns("fail for \\S+ from <HOST>"));
        assert!(!warns("fail for .*? from <HOST>$"));
        // Lazy or greedy: the one takes the first address, the other the last.
        assert!(warns("fail for .*? from <HOST>"));
        assert!(warns("fail for .* from <HOST>.*$"));
        assert!(warns("Müller: .* from <HOST>"));
        assert!(!warns("für Müller <HOST>"));
        assert!(!warns("fail\\.* from <HOST> .*"));
    }
}
