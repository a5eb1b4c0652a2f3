//! What fail2ban-client (1.0.2) prints: `banned`, a list of Python's, `[{'sshd': ['198.51.100.1']}, {'smtp': []}]`;
//! `get JAIL banned`, a list of hosts; `get JAIL banip`, hosts with blanks between them; and with `--with-time` lines
//! such as `198.51.100.1 ⇥2026-11-26 02:37:31 + 600 = 2026-11-26 02:47:31`, in local time, `+ -1` for ever.

use std::io::Read;

use super::Nth;
use crate::exchange::stream::{Bounds, Lines};
use crate::exchange::{Defaults, ListError};
use crate::model::{Ban, BanTime, Host, Origin, Time, Zone};

/// Errors count hosts, from 1. JSON will do as well.
pub(super) fn read_banned<E: From<ListError>>(
    mut from: impl Read,
    bounds: &Bounds,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut text = String::new();
    let read = from.read_to_string(&mut text);
    read.map_err(|error| bounds.trouble_or(ListError::Reading(error)))?;
    let nth = Nth::default();
    let mut jail = defaults.jail.clone();
    let mut chars = text.chars().peekable();
    let mut depth = 0_i32;
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let name = quoted(c, &mut chars);
                while chars.next_if(|c| c.is_whitespace()).is_some() {}
                if chars.peek() == Some(&':') {
                    jail = name;
                } else {
                    take(ban(&name, &jail, nth.next(), defaults)?)?;
                }
            }
            '[' => depth += 1,
            ']' => depth -= 1,
            '{' | '}' | ',' | ':' => {}
            c if c.is_whitespace() => {}
            c => {
                let rest: String = std::iter::once(c).chain(chars.take(20)).collect();
                return Err(ListError::NotAnElement { line: nth.next(), text: rest }.into());
            }
        }
    }
    if depth == 0 {
        return Ok(());
    }
    Err(ListError::NotAnElement { line: nth.next(), text: "the end of it".to_owned() }.into())
}

fn quoted(quote: char, chars: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    while let Some(c) = chars.next().filter(|c| *c != quote) {
        if c == '\\' { text.extend(chars.next()) } else { text.push(c) }
    }
    text
}

pub(super) fn read_banip<E: From<ListError>>(
    mut lines: Lines<'_, impl Read>,
    defaults: &Defaults,
    zone: Zone,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    while let Some((line, text)) = lines.next()? {
        if let Some((host, times)) = text.split_once('\t') {
            let mut ban = ban(host.trim_end(), &defaults.jail, line, defaults)?;
            (ban.at, ban.until) = timed(times, zone)
                .ok_or_else(|| ListError::NotATime { line, text: times.to_owned() })?;
            take(ban)?;
            continue;
        }
        for host in text.split_whitespace() {
            take(ban(host, &defaults.jail, line, defaults)?)?;
        }
    }
    Ok(())
}

/// `2026-11-26 02:37:31 + 600 = 2026-11-26 02:47:31`: begin and end.
fn timed(text: &str, zone: Zone) -> Option<(Time, Option<Time>)> {
    let (at, rest) = text.split_once(" + ")?;
    let at = Time::parse(at, zone)?;
    let length = rest.split(" = ").next()?;
    let length = if length == "-1" { BanTime::Permanent } else { BanTime::parse(length).ok()? };
    Some((at, length.until(at)))
}

/// A host as fail2ban names it: any text.
fn ban(host: &str, jail: &str, line: u64, defaults: &Defaults) -> Result<Ban, ListError> {
    let host = match Host::parse(host) {
        Host::Addr(addr) if addr.is_everyone() => {
            return Err(ListError::Everyone { line, text: addr.to_string() });
        }
        host => host,
    };
    let (at, until) = (defaults.at, defaults.bantime.until(defaults.at));
    let (jail, origin) = (jail.to_owned(), Origin::Import);
    Ok(Ban { host, jail, at, until, origin, failures: 0, ended: None })
}
