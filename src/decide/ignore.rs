//! Whose failures don't count: `ignoreip` and `ignoreself`.
//!
//! Words as fail2ban 1.0.2 has them (`IP`, `IP/length`, `IP/mask`, names, texts) and master's
//! `file:PATH`. What is written wrong is a finding, never silently a name: a typing error in
//! `ignoreip` locks its author out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::Path;

use super::doubt;
use crate::diag::{Diagnostic, Location, Severity};
use crate::model::{Addr, Host};
use crate::text::shown;

/// Whether a host's failures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listed<'l> {
    /// They don't.
    Ignored {
        /// By which rule: `ignoreself`, a word of `ignoreip`, or `file:PATH`.
        rule: &'l str,
    },
    /// They do.
    Counted,
    /// They do unless one of the names resolves to the host; the rule then is that name.
    NeedsLookup {
        /// The names of `ignoreip`, in the order they were written.
        names: &'l [String],
    },
}

/// The rule of own addresses.
pub const IGNORESELF: &str = "ignoreself";

/// The hosts of one jail that are ignored.
///
/// A look-up costs a hash for each length of network in the list, however many networks there are.
#[derive(Clone, Debug, Default)]
pub struct IgnoreList {
    own: HashSet<Addr>,
    /// Hosts and networks, and the index of their rule.
    networks: HashMap<Addr, usize>,
    /// The lengths of the networks, longest first: IPv4 or not, and the length.
    lengths: BTreeSet<(std::cmp::Reverse<u8>, bool)>,
    /// Words that are no address, as they may be an id, and the index of their rule.
    texts: HashMap<String, usize>,
    /// Those of them that may be names of hosts.
    names: Vec<String>,
    rules: Vec<String>,
}

impl IgnoreList {
    /// Reads the values of `ignoreip` (words separated by blanks or commas, each value with the
    /// place where it was written) and adds `own`, the addresses that `ignoreself` stands for.
    ///
    /// `read` gives the contents of a `file:PATH`. Bad words are findings and left out; the list is
    /// usable in any case.
    pub fn parse<'w>(
        values: impl IntoIterator<Item = (&'w str, Option<Location>)>,
        own: &[Addr],
        mut read: impl FnMut(&Path) -> io::Result<String>,
    ) -> (Self, Vec<Diagnostic>) {
        let mut list = Self { own: own.iter().copied().collect(), ..Self::default() };
        let mut findings = Vec::new();
        for (value, at) in values {
            for word in words(value) {
                let found = match word.strip_prefix("file:") {
                    Some(path) => list.add_file(word, path, &mut read),
                    None => list.add_word(word, word).into_iter().collect(),
                };
                findings.extend(found.into_iter().map(|finding| match (&finding.at, &at) {
                    (None, Some(at)) => finding.with_location(at.clone()),
                    _ => finding,
                }));
            }
        }
        (list, findings)
    }

    /// Whether the host's failures count.
    pub fn check(&self, host: &Host) -> Listed<'_> {
        let addr = match host {
            Host::Addr(addr) => *addr,
            Host::Name(text) => match (self.texts.get(&**text), Addr::of_id(text)) {
                (Some(rule), _) => return self.ignored(*rule),
                (None, Some(addr)) => addr,
                (None, None) => return Listed::Counted,
            },
        };
        if self.own.contains(&addr) {
            return Listed::Ignored { rule: IGNORESELF };
        }
        let lengths = self.lengths.iter().filter(|(_, is_v4)| *is_v4 == addr.ip().is_ipv4());
        let mut rules = lengths
            .filter(|(length, _)| length.0 <= addr.prefix())
            .filter_map(|(length, _)| self.networks.get(&Addr::network(addr.ip(), length.0)?));
        if let Some(rule) = rules.next() {
            return self.ignored(*rule);
        }
        let inside = if addr.is_host() { None } else { self.inside(addr) };
        match inside {
            Some(rule) => Listed::Ignored { rule },
            None if self.names.is_empty() => Listed::Counted,
            None => Listed::NeedsLookup { names: &self.names },
        }
    }

    /// The rule of some host in a network that is ignored: a ban of the network would be one of that host.
    fn inside(&self, network: Addr) -> Option<&str> {
        if self.own.iter().any(|own| network.contains(*own)) {
            return Some(IGNORESELF);
        }
        let inside = self.networks.iter().filter(|(ignored, _)| network.contains(**ignored));
        inside.map(|(_, rule)| *rule).min().map(|rule| self.rules[rule].as_str())
    }

    /// Names in it whose addresses are ignored.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether nobody is ignored.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.networks.is_empty() && self.texts.is_empty()
    }

    fn ignored(&self, rule: usize) -> Listed<'_> {
        Listed::Ignored { rule: &self.rules[rule] }
    }

    /// Takes a word in; what is wrong with it, if something is.
    fn add_word(&mut self, word: &str, rule: &str) -> Option<Diagnostic> {
        if let Ok(network) = word.parse::<Addr>() {
            self.add_network(network, rule);
            return None;
        }
        if let Some(help) = bad_address(word) {
            // The author's own address, more often than not.
            if let Some(host) = Addr::of_id(word) {
                self.add_network(host, rule);
            }
            let message = format!("'{}' in ignoreip is no address or network", shown(word));
            return Some(
                Diagnostic::new("bad-ignoreip", Severity::Warning, message)
                    .with_text(word)
                    .with_help(help),
            );
        }
        // fail2ban takes brackets around an address for nothing.
        let inner = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
        if let Some(network) = inner.and_then(|word| word.parse::<Addr>().ok()) {
            self.add_network(network, rule);
            return None;
        }
        let rule = self.rule(rule);
        if self.texts.insert(word.to_owned(), rule).is_none() && is_hostname(word) {
            self.names.push(word.to_owned());
        }
        let help = doubt::advice(word)?;
        let message = format!("'{}' in ignoreip is no address, network or name", shown(word));
        let found = Diagnostic::new("bad-ignoreip", Severity::Warning, message);
        Some(found.with_text(word).with_help(help))
    }

    fn add_network(&mut self, network: Addr, rule: &str) {
        let rule = self.rule(rule);
        self.networks.entry(network).or_insert(rule);
        let length = std::cmp::Reverse(network.prefix());
        self.lengths.insert((length, network.ip().is_ipv4()));
    }

    /// Takes in the words of a file.
    fn add_file(
        &mut self,
        rule: &str,
        path: &str,
        read: &mut impl FnMut(&Path) -> io::Result<String>,
    ) -> Vec<Diagnostic> {
        let text = match read(Path::new(path)) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("ignoreip: {} can't be read: {error}", shown(path));
                let help = "until it can, nobody is ignored because of it";
                return vec![
                    Diagnostic::new("ignoreip-file", Severity::Warning, message).with_help(help),
                ];
            }
        };
        let mut findings = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            for word in words(without_comment(line)) {
                let finding = self.add_word(word, rule);
                findings.extend(finding.map(|f| f.with_location(Location::new(path, number))));
            }
        }
        findings
    }

    /// The index of a rule, which is new or the last one.
    fn rule(&mut self, rule: &str) -> usize {
        if self.rules.last().is_none_or(|last| last != rule) {
            self.rules.push(rule.to_owned());
        }
        self.rules.len() - 1
    }
}

/// The words of values of `ignoreip` as fail2ban lists them: networks and names as they come, then addresses; each in
/// canonical form, and once.
pub fn spelled<'w>(values: impl IntoIterator<Item = &'w str>) -> Vec<String> {
    let (mut hosts, mut others) = (Vec::new(), Vec::new());
    for word in values.into_iter().flat_map(words) {
        let (text, is_host) = canonical(word);
        let list = if is_host { &mut hosts } else { &mut others };
        if !list.contains(&text) {
            list.push(text);
        }
    }
    others.extend(hosts);
    others
}

/// A word of `ignoreip` in canonical form, and whether it is a single address.
fn canonical(word: &str) -> (String, bool) {
    let inner = word.strip_prefix('[').and_then(|word| word.strip_suffix(']')).unwrap_or(word);
    match inner.parse::<Addr>() {
        Ok(addr) => (addr.to_string(), addr.is_host()),
        Err(_) => (word.to_owned(), false),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty())
}

/// The line up to a `#` or `;` at its beginning or behind a blank.
fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        if matches!(c, '#' | ';') && before.is_whitespace() {
            return &line[..at];
        }
        before = c;
    }
    line
}

/// What to write instead, if the word, which is no address, was meant to be one.
///
/// DIFFERS: fail2ban takes `10.1.2.3/33` for `10.1.2.3` and `999.1.2.3` for a name, silently.
fn bad_address(word: &str) -> Option<&'static str> {
    if word.contains("file:") {
        return Some("a file of ignored hosts can't name another one");
    }
    let (addr, length) = word.split_once('/').map_or((word, None), |(a, l)| (a, Some(l)));
    if let Ok(network) = addr.parse::<Addr>() {
        let numeric = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
        // Any other text behind the slash makes it an id that begins like an address.
        return length.is_none_or(|l| l.chars().all(numeric)).then_some(
            if network.ip().is_ipv4() {
                "write a length of 0 to 32 or a mask such as 255.255.255.0 behind the '/'"
            } else {
                "write a length of 0 to 128 behind the '/'"
            },
        );
    }
    let only = |allowed: &dyn Fn(char) -> bool| addr.chars().all(allowed);
    let like_v4 = addr.matches('.').count() == 3 && only(&|c| c.is_ascii_digit() || c == '.');
    let like_v6 = addr.matches(':').count() >= 2
        && only(&|c| c.is_ascii_hexdigit() || matches!(c, ':' | '.'));
    (like_v4 || like_v6).then_some("correct it, or nobody is ignored because of it")
}

/// Whether the word can be asked of DNS.
fn is_hostname(word: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_'))
    };
    word.len() <= 254 && word.strip_suffix('.').unwrap_or(word).split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str) -> (IgnoreList, Vec<String>) {
        parse_with(value, &[], |_| Err(io::ErrorKind::NotFound.into()))
    }

    fn parse_with(
        value: &str,
        own: &[&str],
        read: impl FnMut(&Path) -> io::Result<String>,
    ) -> (IgnoreList, Vec<String>) {
        let own: Vec<Addr> = own.iter().map(|addr| addr.parse().unwrap()).collect();
        let at = Location::new("jail.local", 7);
        let (list, findings) = IgnoreList::parse([(value, Some(at))], &own, read);
        (list, findings.iter().map(ToString::to_string).collect())
    }

    /// The rule by which a host is ignored; `-` if it counts, `?` if names must be looked up.
    fn rule<'l>(list: &'l IgnoreList, host: &str) -> &'l str {
        match list.check(&Host::parse(host)) {
            Listed::Ignored { rule } => rule,
            Listed::Counted => "-",
            Listed::NeedsLookup { .. } => "?",
        }
    }

    #[test]
    fn addresses_and_networks_are_ignored_by_their_word() {
        let (list, findings) =
            parse("127.0.0.1/8 ::1,192.0.2.77/255.255.255.0\n2001:db8::/32  1.2.3.4");
        assert!(findings.is_empty(), "{findings:?}");
        for (host, expected) in [
            ("127.9.9.9", "127.0.0.1/8"),
            ("::1", "::1"),
            ("192.0.2.1", "192.0.2.77/255.255.255.0"),
            ("::ffff:192.0.2.1", "192.0.2.77/255.255.255.0"),
            ("2001:db8:1::1", "2001:db8::/32"),
            ("1.2.3.4", "1.2.3.4"),
            ("1.2.3.5", "-"),
            ("::2", "-"),
        ] {
            assert_eq!(rule(&list, host), expected, "{host}");
        }
    }

    #[test]
    fn families_never_match_across_but_mapped_addresses_do() {
        let (list, _) = parse("0.0.0.0/0");
        assert_eq!(rule(&list, "8.8.8.8"), "0.0.0.0/0");
        assert_eq!(rule(&list, "2001:db8::1"), "-");
        let (list, _) = parse("::/0 ::ffff:10.0.0.0/104");
        assert_eq!(rule(&list, "2001:db8::1"), "::/0");
        assert_eq!(rule(&list, "10.9.9.9"), "::ffff:10.0.0.0/104");
        assert_eq!(rule(&list, "11.9.9.9"), "-");
    }

    #[test]
    fn the_most_specific_network_is_the_rule() {
        let (list, _) = parse("10.0.0.0/8 10.1.0.0/16 10.1.2.3");
        assert_eq!(rule(&list, "10.1.2.3"), "10.1.2.3");
        assert_eq!(rule(&list, "10.1.2.4"), "10.1.0.0/16");
        assert_eq!(rule(&list, "10.2.2.4"), "10.0.0.0/8");
        assert_eq!(rule(&list, "10.1.0.0/12"), "10.0.0.0/8");
        assert_eq!(rule(&list, "11.0.0.0/8"), "-");
    }

    #[test]
    fn a_network_that_holds_an_ignored_host_is_ignored() {
        let (list, _) =
            parse_with("10.1.0.0/16 10.2.0.0/16", &["192.0.2.1"], |_| Ok(String::new()));
        assert_eq!(rule(&list, "10.0.0.0/8"), "10.1.0.0/16");
        assert_eq!(rule(&list, "192.0.2.0/24"), "ignoreself");
        assert_eq!(rule(&list, "10.3.0.0/16"), "-");
    }

    #[test]
    fn a_text_that_is_an_address_is_ignored_as_one() {
        let (list, _) = parse("[10.0.0.0/8] 2001:db8::/32");
        for text in ["10.1.2.3", "[10.1.2.3]", "2001:DB8::1", "10.1.2.3/33"] {
            let verdict = list.check(&Host::Name(text.into()));
            assert!(matches!(verdict, Listed::Ignored { .. }), "{text}");
        }
    }

    #[test]
    fn own_addresses_are_ignored() {
        let (list, _) = parse_with("", &["192.0.2.1", "fe80::1"], |_| Ok(String::new()));
        assert_eq!(rule(&list, "192.0.2.1"), "ignoreself");
        assert_eq!(rule(&list, "fe80::1"), "ignoreself");
        assert_eq!(rule(&list, "192.0.2.2"), "-");
    }

    #[test]
    fn names_are_looked_up_when_nothing_else_decides() {
        let (list, findings) = parse("my.example.org 10.0.0.1 localhost user@example.org");
        assert!(findings.is_empty(), "{findings:?}");
        assert_eq!(rule(&list, "10.0.0.1"), "10.0.0.1");
        let names = ["my.example.org".to_owned(), "localhost".to_owned()];
        assert_eq!(list.check(&Host::parse("10.0.0.2")), Listed::NeedsLookup { names: &names });
    }

    #[test]
    fn ids_that_are_no_address_match_by_equality() {
        let (list, _) = parse("user@example.org host.example.org");
        assert_eq!(rule(&list, "user@example.org"), "user@example.org");
        assert_eq!(rule(&list, "host.example.org"), "host.example.org");
        assert_eq!(rule(&list, "other"), "-");
    }

    #[test]
    fn a_file_holds_words_and_comments() {
        let (list, findings) = parse_with("file:/etc/ours 10.0.0.9", &[], |path| {
            assert_eq!(path, Path::new("/etc/ours"));
            Ok("# ours\n10.0.0.1, 10.1.0.0/16 ; office\n;x\n  host#1 10.2.0.0/99 #10.0.0.5\n"
                .into())
        });
        assert_eq!(rule(&list, "10.1.2.3"), "file:/etc/ours");
        assert_eq!(rule(&list, "host#1"), "file:/etc/ours");
        assert_eq!(rule(&list, "10.0.0.5"), "-");
        assert_eq!(rule(&list, "10.0.0.9"), "10.0.0.9");
        assert_eq!(
            findings,
            ["/etc/ours:4: '10.2.0.0/99' in ignoreip is no address or network; \
              write a length of 0 to 32 or a mask such as 255.255.255.0 behind the '/'"]
        );
    }

    #[test]
    fn err_bad_words_are_findings_and_the_others_hold() {
        let (list, findings) =
            parse("10.0.0.0/33 999.1.2.3 2001:db8::g::1 1:2:3 file:/none 10.1.1.1");
        assert_eq!(rule(&list, "10.1.1.1"), "10.1.1.1");
        assert_eq!((rule(&list, "10.0.0.0"), rule(&list, "10.0.0.1")), ("10.0.0.0/33", "-"));
        assert_eq!(
            findings,
            [
                "jail.local:7: '10.0.0.0/33' in ignoreip is no address or network; \
                 write a length of 0 to 32 or a mask such as 255.255.255.0 behind the '/'",
                "jail.local:7: '999.1.2.3' in ignoreip is no address or network; \
                 correct it, or nobody is ignored because of it",
                "jail.local:7: '2001:db8::g::1' in ignoreip is no address, network or name; \
                 correct it, or nobody is ignored because of it",
                "jail.local:7: '1:2:3' in ignoreip is no address or network; \
                 correct it, or nobody is ignored because of it",
                "jail.local:7: ignoreip: /none can't be read: entity not found; \
                 until it can, nobody is ignored because of it",
            ]
        );
    }

    #[test]
    fn a_text_behind_the_slash_makes_an_id() {
        let (list, findings) = parse("10.0.0.1/user");
        assert!(findings.is_empty());
        assert_eq!(rule(&list, "10.0.0.1/user"), "10.0.0.1/user");
    }

    #[test]
    fn words_are_listed_as_fail2ban_lists_them() {
        let values =
            ["10.1.2.3/8 localhost, 192.0.2.1", "2001:DB8::1 ::ffff:198.51.100.4 10.0.0.0/8"];
        let wanted = ["10.0.0.0/8", "localhost", "192.0.2.1", "2001:db8::1", "198.51.100.4"];
        assert_eq!(spelled(values), wanted);
    }
}
