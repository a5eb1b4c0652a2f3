//! TCP wrappers' `hosts.deny` as others write it, DenyHosts for instance: lines of single daemons, several hosts a line,
//! lines that go on in the next one, options (hosts_access(5), hosts_options(5)).

use std::io::Read;

use super::plain::without_comment;
use super::stream::{Lines, PIECE_MAX_BYTES};
use super::{Defaults, ListError, parse_addr};
use crate::model::{Addr, Ban};

/// What divides the elements of a list.
const BLANKS: [char; 4] = [' ', '\t', '\r', ','];

/// Lines of any daemon count: who keeps a host from one of them wants it banned.
pub(super) fn read<E: From<ListError>>(
    mut lines: Lines<'_, impl Read>,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut take = |addr| take(defaults.ban(addr));
    let mut entry = String::new();
    let mut begin = None;
    while let Some((line, text)) = lines.next()? {
        let first = *begin.get_or_insert(line);
        let (text, goes_on) = match text.strip_suffix('\\') {
            Some(text) => (text, true),
            None => (text, false),
        };
        // To TCP wrappers a comment is a whole entry, and goes on as one does. Behind an entry it is a habit of people,
        // who mean that line: what comes after it is denied.
        if entry.starts_with('#') || entry.is_empty() && text.starts_with('#') {
            entry.replace_range(.., "#");
        } else {
            entry.push_str(text.split('#').next().unwrap_or_default());
        }
        if entry.len() as u64 > PIECE_MAX_BYTES {
            return Err(ListError::LongPiece { line: first }.into());
        }
        if !goes_on {
            denied(&entry, first, &mut take)?;
            entry.clear();
            begin = None;
        }
    }
    denied(&entry, begin.unwrap_or_default(), &mut take)
}

/// Whom an entry keeps out: `DAEMONS: HOSTS`, perhaps with ` : deny`.
fn denied<E: From<ListError>>(
    entry: &str,
    line: u64,
    take: &mut impl FnMut(Addr) -> Result<(), E>,
) -> Result<(), E> {
    let entry = without_comment(entry);
    if entry.is_empty() {
        return Ok(());
    }
    let unsayable = |word: String| Err(ListError::Unsayable { line, word }.into());
    let (daemons, rest) = at_colon(entry).unwrap_or((entry, ""));
    let (hosts, options) = hosts_and_options(rest);
    let mut words = daemons.split(BLANKS).chain(hosts.split(BLANKS));
    if let Some(except) = words.find(|word| word.eq_ignore_ascii_case("except")) {
        return unsayable(except.to_owned());
    }
    let options = options.split(':').filter_map(|option| option.split_whitespace().next());
    if let Some(word) = options.into_iter().find(|word| !word.eq_ignore_ascii_case("deny")) {
        return unsayable(format!(": {word}"));
    }
    let mut hosts = hosts.split(BLANKS).filter(|host| !host.is_empty()).peekable();
    if daemons.is_empty() || hosts.peek().is_none() {
        return Err(ListError::NotADenial { line, text: entry.to_owned() }.into());
    }
    hosts.try_for_each(|host| take(addr(host, line)?))
}

/// Where the list of hosts ends. A colon in an IPv6 address is no end if the address stands in brackets, as it has to,
/// or is a word of its own, as people write it.
fn hosts_and_options(text: &str) -> (&str, &str) {
    let mut begin = 0;
    for word in text.split_inclusive(BLANKS) {
        let bare = word.trim_end_matches(BLANKS);
        let bare = bare.strip_suffix(':').filter(|bare| is_ipv6(bare)).unwrap_or(bare);
        let behind = if is_ipv6(bare) { bare.len() } else { 0 };
        if let Some((hosts, _)) = word.get(behind..).and_then(at_colon) {
            let end = begin + behind + hosts.len();
            return (text.get(..end).unwrap_or_default(), text.get(end + 1..).unwrap_or_default());
        }
        begin += word.len();
    }
    (text, "")
}

fn is_ipv6(word: &str) -> bool {
    word.parse::<Addr>().is_ok_and(|addr| addr.ip().is_ipv6())
}

/// The two sides of the first colon that isn't in brackets.
fn at_colon(text: &str) -> Option<(&str, &str)> {
    let mut is_bracketed = false;
    let end = text.find(|c| {
        match c {
            '[' => is_bracketed = true,
            ']' => is_bracketed = false,
            _ => {}
        }
        c == ':' && !is_bracketed
    })?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// A host as hosts_access(5) spells it: `192.0.2.` is a network, `ALL` is everyone.
fn addr(host: &str, line: u64) -> Result<Addr, ListError> {
    if host.eq_ignore_ascii_case("all") {
        return Err(ListError::Everyone { line, text: host.to_owned() });
    }
    let parts = host.strip_suffix('.').map(|prefix| prefix.split('.').collect::<Vec<_>>());
    let Some(parts) = parts.filter(|parts| parts.len() < 4) else {
        return parse_addr(host, line);
    };
    let network =
        format!("{}{}/{}", parts.join("."), ".0".repeat(4 - parts.len()), parts.len() * 8);
    parse_addr(&network, line).map_err(|_| ListError::NotAnAddress { line, text: host.to_owned() })
}
