//! `<HOST>`, `<ADDR>`, `<F-USER>…</F-USER>` → groups of a Python regular expression.
//!
//! Goes before [`translate`](super::translate): text in, text out, nothing is judged. What is no tag, or
//! none that fail2ban knows, stays as it is, for instance `<.*:>`. Behaviour of fail2ban 1.1 ("failregex"
//! in jail.conf(5) and the developers' documentation); 1.0 differs in how it spells IPv6 addresses, not
//! in what of a real log it matches.

use std::sync::LazyLock;

use regex::Regex;

use crate::config::UseDns;

/// What `<IP4>` stands for.
const IP4: &str = r"(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})";
/// What `<IP6>` stands for. Every round of the repetition ends in a colon, so the one that may end the
/// address needs no look-behind.
const IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|:))";
/// The same as fail2ban 1.0.2 has it.
const WRITTEN_IP6: &str = r"(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):))";
const DNS: &str = r"(?P<dns>[\w\-.^_]*\w)";
const CIDR: &str = r"(?P<cidr>\d+)";

/// `text` with every tag replaced.
///
/// With `usedns = no` a `<HOST>` is an address only; the other values let it be a name.
pub fn expand(text: &str, usedns: UseDns) -> String {
    expand_with(text, usedns, IP6)
}

/// The same, to the letter as fail2ban 1.0.2 shows it.
pub fn expanded(text: &str, usedns: UseDns) -> String {
    expand_with(text, usedns, WRITTEN_IP6)
}

fn expand_with(text: &str, usedns: UseDns, ip6: &str) -> String {
    let mut out = String::with_capacity(text.len() + 256);
    let mut rest = text;
    let mut opened: Vec<&str> = Vec::new();
    let mut skiplines = 0;
    while let Some(start) = rest.find('<') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let tag = rest.find('>').map(|end| &rest[..=end]);
        let replaced = tag.and_then(|tag| {
            let text = replacement(tag, usedns, ip6, &mut opened, &mut skiplines)?;
            Some((tag.len(), text))
        });
        if let Some((len, text)) = replaced {
            out.push_str(&text);
            rest = &rest[len..];
        } else {
            out.push('<');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    scope_flags(&out)
}

fn replacement<'t>(
    tag: &'t str,
    usedns: UseDns,
    ip6: &str,
    opened: &mut Vec<&'t str>,
    skiplines: &mut u32,
) -> Option<String> {
    let addr = || format!(r"\[?(?:{IP4}|{ip6})\]?");
    Some(match tag {
        "<IP4>" | "<F-IP4/>" => IP4.to_owned(),
        "<IP6>" | "<F-IP6/>" => ip6.to_owned(),
        "<ADDR>" | "<F-ADDR/>" => addr(),
        "<HOST>" if usedns == UseDns::No => addr(),
        "<HOST>" => format!("(?:{}|{DNS})", addr()),
        "<DNS>" | "<F-DNS/>" => DNS.to_owned(),
        "<CIDR>" | "<F-CIDR/>" => CIDR.to_owned(),
        "<SUBNET>" | "<F-SUBNET/>" => format!(r"\[?(?:{IP4}|{ip6})(?:/{CIDR})?\]?"),
        "<F-ID/>" => r"(?P<fid>\S+)".to_owned(),
        "<F-PORT/>" => r"(?P<fport>\w+)".to_owned(),
        "<SKIPLINES>" => {
            let text = format!(r"\n(?P<skiplines{skiplines}>(?:(?:.*\n)*?))");
            *skiplines += 1;
            text
        }
        _ => return group(tag, opened),
    })
}

/// `<F-NAME>` and `</F-NAME>`; a closing one only where one was opened.
fn group<'t>(tag: &'t str, opened: &mut Vec<&'t str>) -> Option<String> {
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-'))
    };
    let inner = tag.strip_suffix('>')?;
    if let Some(name) = inner.strip_prefix("</F-") {
        let at = opened.iter().rposition(|open| *open == name)?;
        opened.remove(at);
        return Some(")".to_owned());
    }
    let name = inner.strip_prefix("<F-").filter(|name| is_name(name))?;
    opened.push(name);
    Some(match name {
        "ID" => "(?P<fid>".to_owned(),
        "PORT" => "(?P<fport>".to_owned(),
        _ => format!("(?P<{}>", name.to_ascii_lowercase()),
    })
}

/// A flag that opens a group counts for that group, as it did in Python before 3.11.
fn scope_flags(text: &str) -> String {
    static OPENING: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"\((?:\?:)?\(\?([a-zA-Z]+)\)").expect("a valid regex: the tests use it")
    });
    OPENING.replace_all(text, "(?$1:").into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> String {
        expand(text, UseDns::Raw)
    }

    #[test]
    fn a_host_is_an_address_or_a_name_unless_names_are_off() {
        assert!(raw("^<HOST>$").contains("(?P<dns>"));
        assert!(!expand("^<HOST>$", UseDns::No).contains("(?P<dns>"));
        assert!(raw("<ADDR>").contains("(?P<ip6>"));
    }

    #[test]
    fn what_is_shown_is_fail2bans_to_the_letter() {
        let addr = r"\[?(?:(?:::f{4,6}:)?(?P<ip4>(?:\d{1,3}\.){3}\d{1,3})|(?P<ip6>(?:[0-9a-fA-F]{1,4}::?|::){1,7}(?:[0-9a-fA-F]{1,4}|(?<=:):)))\]?";
        assert_eq!(expanded("^<HOST>$", UseDns::No), format!("^{addr}$"));
        let host = format!(r"(?:{addr}|(?P<dns>[\w\-.^_]*\w))");
        assert_eq!(expanded("<HOST>", UseDns::Warn), host);
    }

    #[test]
    fn what_is_no_tag_stays() {
        for text in
            ["<.*:>", "<F-OTHER/>", "<host>", "<FID>", "<F-user>", "</F-USER>", "a < b", "<"]
        {
            assert_eq!(raw(text), text);
        }
    }

    #[test]
    fn a_named_tag_is_a_named_group() {
        assert_eq!(raw("<F-USER>\\S+</F-USER>"), "(?P<user>\\S+)");
        assert_eq!(raw("<F-ID>x</F-ID>:<F-PORT>y</F-PORT>"), "(?P<fid>x):(?P<fport>y)");
        assert_eq!(raw("<F-ID/> <F-PORT/>"), "(?P<fid>\\S+) (?P<fport>\\w+)");
    }

    #[test]
    fn skipped_lines_are_numbered() {
        let text = raw("a<SKIPLINES>b<SKIPLINES>");
        assert!(text.contains("(?P<skiplines0>") && text.contains("(?P<skiplines1>"));
    }

    #[test]
    fn a_flag_that_opens_a_group_is_scoped_to_it() {
        assert_eq!(raw("a((?i)b)(?:(?s)c)"), "a(?i:b)(?s:c)");
        assert_eq!(raw("(?i)a"), "(?i)a");
    }
}
