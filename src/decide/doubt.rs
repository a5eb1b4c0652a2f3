//! Words of `ignoreip` that seem to be meant otherwise than they are read.
//!
//! To fail2ban whatever is no address is the name of a host, which it asks name servers for: `192.0.2.*`, `and`,
//! a comment. Nobody is ignored for it, and who wrote it is banned. A word may be a text that some `<F-ID>` is, so
//! only what is no likely one is doubted.

use std::net::Ipv4Addr;

use crate::model::Addr;

/// Words of a sentence.
const WORDS: [&str; 10] = ["and", "or", "to", "und", "oder", "bis", "et", "ou", "y", "e"];
/// What no address, no name and hardly any other text has.
const MARKS: [char; 18] =
    ['"', '\'', '`', '(', ')', '[', ']', '{', '}', '<', '>', ';', '\\', '=', '|', '&', '^', '$'];

/// What to write instead of a word that is no address or network, if it seems to be meant as something else than
/// the name of a host or an id.
pub(super) fn advice(word: &str) -> Option<String> {
    let only = |word: &str| Some(format!("write '{word}'"));
    if word.contains('*') {
        return Some(match wildcard(word) {
            Some(network) => format!("write it as a network: {network}"),
            None => "write networks such as 192.0.2.0/24, and names one by one".to_owned(),
        });
    }
    if word.contains("://") {
        return Some("write the address or the name alone".to_owned());
    }
    if word.starts_with('#') {
        return Some("begin a comment behind a value with ' ;'".to_owned());
    }
    if is_range(word) {
        return Some("write a range as networks such as 192.0.2.0/24".to_owned());
    }
    if let Some((addr, port)) = word.rsplit_once(':')
        && addr.trim_matches(['[', ']']).parse::<Addr>().is_ok()
        && port.bytes().all(|b| b.is_ascii_digit())
    {
        return only(addr);
    }
    let bare = word.trim_matches(|c| MARKS.contains(&c) || matches!(c, '.' | '/' | '+' | '-'));
    if bare != word && bare.parse::<Addr>().is_ok() {
        return only(bare);
    }
    let slash = word.replace('\\', "/");
    if slash != word && slash.parse::<Addr>().is_ok() {
        return only(&slash);
    }
    let is_numeric = |c: char| c.is_ascii_digit() || c == '.';
    if word.contains('.') && word.chars().all(is_numeric) {
        let whole = wildcard(&format!("{}.*", word.trim_end_matches('.')));
        return whole.map(|network| format!("write it as a network: {network}"));
    }
    let is_rest = word.chars().all(|c| is_numeric(c) || c == '/') || bare.is_empty();
    if is_rest || WORDS.contains(&&*word.to_lowercase()) {
        return Some(
            "write addresses, networks without blanks, and names, nothing else".to_owned(),
        );
    }
    let is_odd = word.contains(MARKS) || word.contains("::");
    is_odd.then(|| "correct it, or nobody is ignored because of it".to_owned())
}

/// The network of `192.0.*` and the like.
fn wildcard(word: &str) -> Option<String> {
    let mut octets = [0; 4];
    let mut known = 0;
    let mut parts = word.split('.').peekable();
    while let Some(part) = parts.next_if(|part| *part != "*") {
        *octets.get_mut(known)? = part.parse().ok()?;
        known += 1;
    }
    let is_rest_open = parts.all(|part| part == "*");
    let is_some = (1..4).contains(&known) && is_rest_open;
    is_some.then(|| format!("{}/{}", Ipv4Addr::from(octets), known * 8))
}

/// `192.0.2.1-192.0.2.9` or `192.0.2.1-9`.
fn is_range(word: &str) -> bool {
    word.split_once('-').is_some_and(|(first, last)| {
        let is_number = !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit());
        first.parse::<Addr>().is_ok() && (is_number || last.parse::<Addr>().is_ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_otherwise_has_advice() {
        for (word, wanted) in [
            ("192.0.2.*", "write it as a network: 192.0.2.0/24"),
            ("10.*.*.*", "write it as a network: 10.0.0.0/8"),
            ("10.*", "write it as a network: 10.0.0.0/8"),
            ("192.0.2.", "write it as a network: 192.0.2.0/24"),
            ("192.168", "write it as a network: 192.168.0.0/16"),
            ("*.example.org", "write networks such as 192.0.2.0/24, and names one by one"),
            ("192.0.2.1-9", "write a range as networks such as 192.0.2.0/24"),
            ("192.0.2.1-192.0.2.9", "write a range as networks such as 192.0.2.0/24"),
            ("192.0.2.1:22", "write '192.0.2.1'"),
            ("\"192.0.2.1\"", "write '192.0.2.1'"),
            ("192.0.2.0/24;", "write '192.0.2.0/24'"),
            ("192.0.2.0\\24", "write '192.0.2.0/24'"),
            ("http://192.0.2.1/", "write the address or the name alone"),
            ("#", "begin a comment behind a value with ' ;'"),
            ("and", "write addresses, networks without blanks, and names, nothing else"),
            ("/", "write addresses, networks without blanks, and names, nothing else"),
            ("/24", "write addresses, networks without blanks, and names, nothing else"),
            ("24", "write addresses, networks without blanks, and names, nothing else"),
            ("2001:db8::g::1", "correct it, or nobody is ignored because of it"),
            ("^192\\.168\\.", "correct it, or nobody is ignored because of it"),
        ] {
            assert_eq!(advice(word).as_deref(), Some(wanted), "{word}");
        }
    }

    #[test]
    fn names_and_ids_are_left_alone() {
        for word in
            ["localhost", "my-host.example.org", "a@b.org", "host#1", "10.0.0.1/user", "x_1"]
        {
            assert_eq!(advice(word), None, "{word}");
        }
    }
}
