//! `nft list set`, `list table` or `list ruleset` (nft(8)): sets with their elements; all else is passed over.

use std::io::Read;

use super::sets::{Lasts, ban};
use super::{Sets, sets};
use crate::exchange::stream::Lines;
use crate::exchange::{Defaults, ListError};
use crate::model::{Ban, BanTime, duration};

/// A set that is being read.
struct Set {
    name: String,
    is_v6: bool,
    /// Whether its elements are being read.
    is_open: bool,
}

/// An element without a time is of a set without times, or lasts for ever.
pub(super) fn read<E: From<ListError>>(
    mut lines: Lines<'_, impl Read>,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut sets = Sets::default();
    let mut set: Option<Set> = None;
    while let Some((line, text)) = lines.next()? {
        let text = text.trim();
        if let Some(name) = text.strip_prefix("set ").and_then(|rest| rest.strip_suffix(" {")) {
            set = Some(Set { name: name.to_owned(), is_v6: false, is_open: false });
            continue;
        }
        let Some(open) = &mut set else { continue };
        let mut rest = text;
        if !open.is_open {
            open.is_v6 |= text.starts_with("type ") && text.contains("ipv6_addr");
            match text.strip_prefix("elements = {") {
                Some(elements) => {
                    sets.begin(&open.name)?;
                    (open.is_open, rest) = (true, elements);
                }
                None if text == "}" => {
                    set = None;
                    continue;
                }
                None => continue,
            }
        }
        let jail = sets.jail(&open.name, open.is_v6, line, defaults)?;
        let (elements, is_last) = elements(rest);
        open.is_open = !is_last;
        for element in elements {
            let (host, lasts) = element_of(&element, line)?;
            for addr in sets::addrs(&host, line)? {
                take(ban(addr, &jail, lasts, defaults))?;
            }
        }
    }
    Ok(())
}

/// The elements of a line without what is quoted, and whether they are the last.
fn elements(text: &str) -> (Vec<String>, bool) {
    let (mut found, mut is_quoted) = (vec![String::new()], false);
    for c in text.chars() {
        match (c, found.last_mut()) {
            ('"', _) => is_quoted = !is_quoted,
            _ if is_quoted => {}
            (',', _) => found.push(String::new()),
            ('}', _) => return (filled(found), true),
            (c, Some(last)) => last.push(c),
            (_, None) => {}
        }
    }
    (filled(found), false)
}

fn filled(mut elements: Vec<String>) -> Vec<String> {
    elements.retain(|element| !element.trim().is_empty());
    elements
}

fn element_of(text: &str, line: u64) -> Result<(String, Lasts), ListError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let told = |name: &str| {
        let at = words.iter().position(|word| *word == name)?;
        words.get(at + 1).copied()
    };
    // What is made anew has its whole time left.
    let lasts = match told("expires").or(told("timeout")) {
        Some("0s" | "0") => Lasts::For(BanTime::Permanent),
        Some(left) => {
            let wrong = || ListError::NotAnElement { line, text: format!("timeout {left}") };
            Lasts::For(BanTime::Micros(micros(left).ok_or_else(wrong)?))
        }
        None => Lasts::Unsaid,
    };
    let host = words.first().copied().unwrap_or_default();
    // Parts of an address and a port, for instance.
    let host = if words.get(1) == Some(&".") { text.trim() } else { host };
    Ok((host.to_owned(), lasts))
}

/// `1d23h59m59s976ms`
fn micros(text: &str) -> Option<i64> {
    let (whole, millis) = match text.strip_suffix("ms") {
        Some(rest) => {
            let digits = rest.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            (&rest[..digits], rest[digits..].parse::<i64>().ok()?)
        }
        None => (text, 0),
    };
    let whole = if whole.is_empty() { 0 } else { duration::parse_micros(whole).ok()? };
    Some(whole + millis * 1000)
}
