//! ipset: a set of hosts or of networks, and rules of iptables that look into it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::plan::{Changes, Held, Key};
use super::super::properties::Properties;
use super::jumps::Jumps;
use super::step::Step;
use super::tool::{self, ToolError};
use crate::model::{Addr, Family, Time};

/// As long a name as a set can have (`IPSET_MAXNAMELEN` without the end).
const NAME_MAX_BYTES: usize = 31;
/// As many hosts as a set holds at least. The kernel has no more of it than there are hosts.
const CAPACITY: u32 = 1 << 20;

/// As long as the kernel lets an element live (2^32 milliseconds; ipset(8)). A ban that lasts longer ends in it when
/// somebody lifts it.
const TIMEOUT_MAX_S: i64 = 2_147_483;
/// Of a larger set the packets are not told: reading it takes longer than 30 ms.
const COUNTED_MAX: u64 = 10_000;
/// Ends the name of the set that takes another's place.
const NEW: char = '~';

/// A set and its rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IpSet {
    /// The set: `f2b-sshd`.
    pub name: String,
    /// What it is of: `hash:ip` or `hash:net`.
    pub kind: String,
    /// Its family, as ipset calls it: `inet` or `inet6`.
    pub family: String,
    /// How many hosts it can hold.
    pub capacity: u32,
    /// The rules that look into it.
    pub jumps: Jumps,
    /// What is done to whom is found in it: `REJECT --reject-with icmp-port-unreachable`.
    pub target: Vec<String>,
}

impl IpSet {
    /// The sets of hosts and of networks of an action like `iptables-ipset`.
    pub(in crate::enforce) fn of(
        properties: Properties<'_>,
        family: Family,
    ) -> Option<(Self, Self)> {
        let own = match family {
            Family::Inet4 => "inet",
            Family::Inet6 => "inet6",
        };
        let wanted = properties.text("maxelem").and_then(|text| text.trim().parse().ok());
        let hosts = Self {
            name: properties.word("ipmset")?,
            kind: "hash:ip".to_owned(),
            family: own.to_owned(),
            capacity: wanted.unwrap_or(CAPACITY).max(CAPACITY),
            jumps: Jumps::of(properties)?,
            target: properties.words("blocktype").filter(|words| !words.is_empty())?,
        };
        let networks = Self {
            name: format!("{}-net", hosts.name),
            kind: "hash:net".to_owned(),
            ..hosts.clone()
        };
        (networks.name.len() <= NAME_MAX_BYTES).then_some((hosts, networks))
    }

    /// What the kernel has of it at `now`.
    pub(in crate::enforce) fn look(&self, now: Time) -> Result<Seen, ToolError> {
        self.listed(&["save", &self.name], now)
    }

    /// The same without who is kept out.
    pub(in crate::enforce) fn glance(&self) -> Result<Seen, ToolError> {
        self.listed(&["list", "-terse", &self.name], Time::from_micros(0))
    }

    fn listed(&self, how: &[&str], now: Time) -> Result<Seen, ToolError> {
        let Some(saved) = tell(how)? else { return Ok(Seen::default()) };
        let mut seen = Seen { is_there: true, ..Seen::default() };
        for line in saved.lines() {
            let words: Vec<_> = line.split(' ').collect();
            match words[..] {
                ["create", ..] => seen.fits = self.fits(&words[2..]),
                // What a terse list says instead.
                ["Type:", kind] => seen.fits = kind == self.kind,
                ["Header:", ..] => {
                    seen.fits &= self.fits(&[&[self.kind.as_str()], &words[1..]].concat());
                }
                ["add", _, host, ref options @ ..] => {
                    let Ok(addr) = host.parse() else { continue };
                    let seconds = option(options, "timeout").filter(|seconds| *seconds > 0);
                    let until = seconds.map(|seconds| now.plus_micros(seconds * 1_000_000));
                    seen.held.insert(Key::Addr(addr), until);
                }
                _ => {}
            }
        }
        seen.missing = self.jumps.missing(&self.leads())?;
        Ok(seen)
    }

    /// How many packets of each host or network have met its entry; `None` where nothing is known. The tool has no
    /// question about one entry: a set is read as a whole, if it counts and is not large.
    pub(in crate::enforce) fn packets(
        &self,
        addrs: &[Addr],
    ) -> Result<Vec<Option<u64>>, ToolError> {
        let unknown = vec![None; addrs.len()];
        let Some(head) = tell(&["list", "-terse", &self.name])? else { return Ok(unknown) };
        let header = head.lines().find_map(|line| line.strip_prefix("Header: "));
        let counts = header.is_some_and(|header| header.split(' ').any(|word| word == "counters"));
        let size = head.lines().find_map(|line| line.strip_prefix("Number of entries: "));
        let is_large =
            size.and_then(|size| size.parse().ok()).is_none_or(|size: u64| size > COUNTED_MAX);
        if !counts || is_large {
            return Ok(unknown);
        }
        let saved = tell(&["save", &self.name])?.unwrap_or_default();
        let counted: HashMap<Addr, u64> = saved.lines().filter_map(counted).collect();
        Ok(addrs.iter().map(|addr| counted.get(addr).copied()).collect())
    }

    /// Whether a set made with these words, the first its type, can hold what this one holds.
    fn fits(&self, words: &[&str]) -> bool {
        words.first() == Some(&self.kind.as_str())
            && words.contains(&self.family.as_str())
            && words.contains(&"timeout")
            && option(words, "maxelem").is_some_and(|count| count >= self.capacity.into())
    }

    /// The chain in which established connections are accepted before anybody looks into the set, if there is one.
    pub(in crate::enforce) fn accepting(&self) -> Result<Option<String>, ToolError> {
        // The tools show what a target does by default.
        let leads = self.leads();
        self.jumps.accepting(leads.get(..5).unwrap_or(&leads))
    }

    fn leads(&self) -> Vec<String> {
        let words = ["-m", "set", "--match-set", &self.name, "src", "-j"].map(str::to_owned);
        words.into_iter().chain(self.target.iter().cloned()).collect()
    }

    fn made(&self, name: &str) -> String {
        let Self { kind, family, capacity, .. } = self;
        format!("create {name} {kind} family {family} timeout 0 counters maxelem {capacity}\n")
    }

    /// The lines of `ipset restore` that make it whole. A set that can't hold what it ought to is exchanged for one that
    /// can, so that nobody who is kept out gets in meanwhile.
    pub(in crate::enforce) fn create(&self, seen: &Seen, now: Time) -> String {
        if !seen.is_there {
            return self.made(&self.name);
        }
        if seen.fits {
            return String::new();
        }
        let new = self.new_name();
        let held = seen.held.iter().map(|(key, until)| add(&new, *key, *until, now));
        let filled: String = std::iter::once(self.made(&new)).chain(held).collect();
        format!("{filled}swap {} {new}\ndestroy {new}\n", self.name)
    }

    /// The lines of `iptables-restore` for the rules that are missing.
    pub(in crate::enforce) fn open(&self, seen: &Seen) -> Vec<String> {
        let is_missing = |place| !seen.is_there || seen.missing.contains(&place);
        self.jumps.lines("-I", &self.leads(), is_missing)
    }

    /// The lines of `iptables-restore` that take out what looks into it.
    pub(in crate::enforce) fn close(&self, seen: &Seen) -> Vec<String> {
        let is_there = |place| seen.is_there && !seen.missing.contains(&place);
        self.jumps.lines("-D", &self.leads(), is_there)
    }

    /// The line of `ipset restore` that takes it out when nothing looks into it.
    pub(in crate::enforce) fn destroy(&self, seen: &Seen) -> String {
        if seen.is_there { format!("destroy {}\n", self.name) } else { String::new() }
    }

    fn new_name(&self) -> String {
        let mut name: String = self.name.chars().take(NAME_MAX_BYTES - 1).collect();
        name.push(NEW);
        name
    }

    /// The lines that change who is kept out.
    pub(in crate::enforce) fn change(&self, changes: &Changes, now: Time) -> String {
        let gone = changes.remove.iter().map(|key| format!("del {} {}\n", self.name, shown(*key)));
        let new = changes.add.iter().map(|new| add(&self.name, new.key, new.until, now));
        gone.chain(new).collect()
    }
}

/// What the kernel has of a set.
#[derive(Debug, Default)]
pub(in crate::enforce) struct Seen {
    pub(in crate::enforce) is_there: bool,
    /// Whether it can hold what it ought to.
    fits: bool,
    /// The rules that ought to look into it and don't, by their place.
    missing: Vec<usize>,
    /// Who is kept out.
    pub(in crate::enforce) held: Held,
}

impl Seen {
    /// Whether nothing of it has to be made.
    pub(in crate::enforce) fn is_whole(&self) -> bool {
        self.is_there && self.fits && self.missing.is_empty()
    }
}

/// What the tool says of a set; `None` if there is none.
fn tell(how: &[&str]) -> Result<Option<String>, ToolError> {
    let words = std::iter::once("ipset").chain(how.iter().copied());
    let argv: Vec<_> = words.map(str::to_owned).collect();
    match tool::run(&argv, "") {
        Ok(said) => Ok(Some(said)),
        Err(ToolError::Failed { said, .. }) if !tool::is_forbidden(&said) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The host of a line that `ipset save` has for an entry, and its packets: `add f2b-sshd 192.0.2.1 timeout 9 packets 3 …`.
fn counted(line: &str) -> Option<(Addr, u64)> {
    let words: Vec<_> = line.split(' ').collect();
    let ["add", _, host, ref options @ ..] = words[..] else { return None };
    Some((host.parse().ok()?, option(options, "packets")?.try_into().ok()?))
}

/// The number behind the word `name`.
fn option(words: &[&str], name: &str) -> Option<i64> {
    let place = words.iter().position(|word| *word == name)?;
    words.get(place + 1)?.parse().ok()
}

/// The step that does what lines of `ipset restore` say; elements that are there, or aren't, are no error.
pub(in crate::enforce) fn restore(script: String) -> Step {
    Step::script(["ipset", "restore", "-exist"], script)
}

/// When the kernel ends what ought to end at `until`.
pub(in crate::enforce) fn until_in_kernel(until: Option<Time>, now: Time) -> Option<Time> {
    until.filter(|until| until.micros() - now.micros() <= TIMEOUT_MAX_S * 1_000_000)
}

fn add(name: &str, key: Key, until: Option<Time>, now: Time) -> String {
    let left = until_in_kernel(until, now).map_or(0, |until| {
        // One second at least: 0 is for ever.
        (until.micros() - now.micros()).max(0).div_euclid(1_000_000).max(1)
    });
    format!("add {name} {} timeout {left}\n", shown(key))
}

fn shown(key: Key) -> String {
    match key {
        Key::Addr(addr) => addr.to_string(),
        Key::Range(from, to) => format!("{from}-{to}"),
    }
}
