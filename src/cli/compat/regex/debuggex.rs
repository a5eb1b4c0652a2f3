//! Links to debuggex.com, which draws an expression and tries it on a line.

use std::fmt::Write as _;

use crate::config::UseDns;
use crate::filter::expand;

/// How f2b spells the end of an IPv6 address, and how fail2ban does; they match the same.
const IPV6_END: [&str; 2] = [r"(?:[0-9a-fA-F]{1,4}|:))", r"(?:[0-9a-fA-F]{1,4}|(?<=:):))"];

/// An expression without its tags as fail2ban spells it.
pub(super) fn as_python(expanded: &str) -> String {
    expanded.replace(IPV6_END[0], IPV6_END[1])
}

/// The link that tries an expression on a line.
pub(super) fn link(line: &str, regex: &str, usedns: &str, is_multiline: bool) -> String {
    let usedns = if usedns == "no" { UseDns::No } else { UseDns::Warn };
    let regex = as_python(&expand(regex, usedns));
    let flags = if is_multiline { "&flags=m" } else { "" };
    format!(
        "https://www.debuggex.com/?re={}&str={}&flavor=python{flags}",
        encoded(&regex),
        encoded(line)
    )
}

/// A value of a query, a blank as `+`.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        match byte {
            b' ' => out.push('+'),
            b'_' | b'.' | b'-' | b'~' => out.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => out.push(byte.into()),
            // Writing to a string never fails.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_in_a_link_is_encoded() {
        assert_eq!(encoded("a b&c=\u{e4}~.-_"), "a+b%26c%3D%C3%A4~.-_");
    }
}
