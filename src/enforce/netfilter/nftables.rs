//! nftables: a set of hosts or of networks, and rules of a chain that look into it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::plan::{Changes, Held, Key};
use super::super::properties::Properties;
use super::netlink::{self, NetlinkError, Nftables, SetChange, SetName};
use super::tool::{self, ToolError};
use crate::model::{Addr, Time};

/// A set and its rules.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NftSet {
    /// The program, `nft`, perhaps with a path.
    pub program: String,
    /// The family of the table: `inet`.
    pub table_family: String,
    /// The table.
    pub table: String,
    /// The chain that the rules stand in.
    pub chain: String,
    /// The chain's type, hook and priority: `filter`, `input`, `-1`.
    pub hook: [String; 3],
    /// The set.
    pub set: String,
    /// What the set is of: `ipv4_addr`.
    pub element: String,
    /// Whether it holds networks.
    pub is_interval: bool,
    /// The rules, without the set's name: what stands before it, and what is done to whom is found in it.
    pub rules: Vec<[String; 2]>,
}

impl NftSet {
    /// The sets of hosts and of networks of an action like `nftables`.
    pub(in crate::enforce) fn of(properties: Properties<'_>) -> Option<(Self, Self)> {
        let program = properties.word("nftables")?;
        if program != "nft" && !program.ends_with("/nft") {
            return None;
        }
        let name = |name| properties.word(name).filter(|word| is_name(word));
        let verdict = statement(&properties.words("blocktype")?)?;
        let from = format!("{} saddr", name("addr_family")?);
        let matches = Self::matches(properties)?;
        let rule = |before: String| {
            let before = if before.is_empty() { from.clone() } else { format!("{before} {from}") };
            [before, verdict.clone()]
        };
        let hosts = Self {
            program,
            table_family: name("table_family")?,
            table: name("table")?,
            chain: name("chain")?,
            hook: [name("chain_type")?, name("chain_hook")?, name("chain_priority")?],
            set: name("addr_set")?,
            element: name("addr_type")?,
            is_interval: false,
            rules: matches.into_iter().map(rule).collect(),
        };
        let networks =
            Self { set: format!("{}-net", hosts.set), is_interval: true, ..hosts.clone() };
        Some((hosts, networks))
    }

    /// What packets the rules are about, one text a rule.
    fn matches(properties: Properties<'_>) -> Option<Vec<String>> {
        let protocols = properties.list("protocol")?;
        let is_every = protocols.len() == 1 && protocols[0] == "all";
        match properties.word("type")?.as_str() {
            "multiport" => {
                // As in fail2ban, ranges are written as iptables has them.
                let ports = statement(&[properties.word("port")?.replace(':', "-")])?;
                if is_every {
                    return Some(vec![format!("th dport {{ {ports} }}")]);
                }
                let rule = |protocol: &String| format!("{protocol} dport {{ {ports} }}");
                Some(protocols.iter().map(rule).collect())
            }
            "allports" if is_every => Some(vec![String::new()]),
            "allports" => Some(vec![format!("meta l4proto {{ {} }}", protocols.join(", "))]),
            "custom" => Some(vec![statement(&properties.words("match")?)?]),
            _ => None,
        }
    }

    /// Whether two stand for the same set in the kernel.
    pub(in crate::enforce) fn is_same_set(&self, other: &Self) -> bool {
        self.table_family == other.table_family
            && self.table == other.table
            && self.set == other.set
    }

    /// Adds the rules of another that stands for the same set.
    pub(in crate::enforce) fn join(&mut self, other: &Self) {
        for rule in &other.rules {
            if !self.rules.contains(rule) {
                self.rules.push(rule.clone());
            }
        }
    }

    fn name(&self) -> SetName<'_> {
        name(&self.table_family, &self.table, &self.set)
    }

    /// What the kernel has of it at `now`.
    pub(in crate::enforce) fn look(
        &self,
        netlink: &mut Nftables,
        now: Time,
    ) -> Result<Seen, NetlinkError> {
        let mut seen = self.glance(netlink)?;
        if seen.fits {
            netlink.each_element(&self.name(), |element| {
                let ends = |left_ms: u64| now.plus_micros((left_ms * 1000).cast_signed());
                let (from, to) = element.key.bounds();
                let key = if self.is_interval {
                    Key::Range(from, to)
                } else {
                    Key::Addr(Addr::host(from))
                };
                seen.held.insert(key, element.expires_ms.map(ends));
            })?;
        }
        Ok(seen)
    }

    /// The same without who is kept out.
    pub(in crate::enforce) fn glance(&self, netlink: &mut Nftables) -> Result<Seen, NetlinkError> {
        let family = table_family(&self.table_family);
        let mut seen = Seen { wanted: self.rules.len(), ..Seen::default() };
        if let Some(rules) = netlink.rules(family, &self.table, &self.chain)? {
            let own = rules.iter().filter(|rule| rule.sets.contains(&self.set));
            seen.rules = own.map(|rule| rule.handle).collect();
        }
        if let Some(info) = netlink.set(&self.name())? {
            seen.is_there = true;
            seen.fits = info.is_interval == self.is_interval && info.has_timeout;
        }
        Ok(seen)
    }

    /// Which of these hosts have no element.
    pub(in crate::enforce) fn missing(
        &self,
        netlink: &mut Nftables,
        addrs: &[Addr],
    ) -> Result<Vec<Addr>, NetlinkError> {
        let keys = addrs.iter().map(|addr| kernel_key(Key::Addr(*addr)));
        let found = netlink.elements(&self.name(), keys)?;
        let is_missing = |(addr, found): (&Addr, Option<_>)| found.is_none().then_some(*addr);
        Ok(addrs.iter().zip(found).filter_map(is_missing).collect())
    }

    /// How many packets of each host or network have met its element; `None` where there is no element for it alone.
    pub(in crate::enforce) fn packets(
        &self,
        netlink: &mut Nftables,
        addrs: &[Addr],
    ) -> Result<Vec<Option<u64>>, NetlinkError> {
        let keys: Vec<_> = addrs.iter().map(|addr| kernel_key(Key::Addr(*addr))).collect();
        let found = netlink.elements(&self.name(), keys.iter().copied())?;
        // A range may be of several networks: what it counts is none's own.
        let own = |(key, found): (&netlink::Key, Option<netlink::Element>)| {
            found.filter(|found| found.key == *key)?.packets
        };
        Ok(keys.iter().zip(found).map(own).collect())
    }

    /// The lines that make it whole, in one transaction: rules that look into the set are exchanged.
    pub(in crate::enforce) fn install(&self, seen: &Seen) -> Vec<String> {
        let Self { table_family, table, chain, set, element, .. } = self;
        let [kind, hook, priority] = &self.hook;
        let mut lines = vec![
            format!("add table {table_family} {table}"),
            format!(
                "add chain {table_family} {table} {chain} {{ type {kind} hook {hook} priority {priority}; }}"
            ),
        ];
        lines.extend(self.close(seen));
        if seen.is_there && !seen.fits {
            lines.push(format!("delete set {table_family} {table} {set}"));
        }
        if !seen.is_there || !seen.fits {
            let flags = if self.is_interval { "interval, timeout" } else { "timeout" };
            let holds = format!("{{ type {element}; flags {flags}; counter; }}");
            lines.push(format!("add set {table_family} {table} {set} {holds}"));
        }
        let rule = |[before, verdict]: &[String; 2]| format!("{before} @{set} {verdict}");
        let rules = self.rules.iter().map(rule);
        lines.extend(rules.map(|rule| format!("add rule {table_family} {table} {chain} {rule}")));
        lines
    }

    /// The lines that take out the rules that look into it.
    pub(in crate::enforce) fn close(&self, seen: &Seen) -> Vec<String> {
        let Self { table_family, table, chain, .. } = self;
        let rule = |handle| format!("delete rule {table_family} {table} {chain} handle {handle}");
        seen.rules.iter().map(rule).collect()
    }

    /// The lines that take it out.
    pub(in crate::enforce) fn uninstall(&self, seen: &Seen) -> Vec<String> {
        let Self { table_family, table, set, .. } = self;
        let mut lines = self.close(seen);
        if seen.is_there {
            lines.push(format!("delete set {table_family} {table} {set}"));
        }
        lines
    }

    /// The chain, if it accepts established connections before anybody looks into the set. Of other chains none can: what
    /// one accepts the next one sees all the same.
    pub(in crate::enforce) fn accepting(&self) -> Result<Option<String>, ToolError> {
        let Self { program, table_family, table, chain, set, .. } = self;
        let words = [program, "-s", "list", "chain", table_family, table, chain];
        let listed = tool::run(&words.map(str::to_owned), "")?;
        let own = format!(" @{set} ");
        let before = listed.lines().take_while(|line| !line.contains(&own));
        let is_accepted = |line: &str| {
            line.contains("ct state") && line.contains("established") && line.contains("accept")
        };
        Ok(before.into_iter().any(is_accepted).then(|| chain.clone()))
    }

    /// Takes out the table, if nothing is in it but an empty chain.
    pub(in crate::enforce) fn tidy(&self) -> Result<(), ToolError> {
        let Self { program, table_family, table, chain, .. } = self;
        let argv = |words: &[&str]| -> Vec<String> {
            let words = words.iter().copied().chain([table_family.as_str(), table]);
            std::iter::once(program.as_str()).chain(words).map(str::to_owned).collect()
        };
        let listed = match tool::run(&argv(&["-t", "list", "table"]), "") {
            Ok(listed) => listed,
            Err(ToolError::Failed { .. }) => return Ok(()),
            Err(error) => return Err(error),
        };
        let own = format!("chain {chain} {{");
        let is_ours = |line: &str| {
            let line = line.trim();
            line == "}" || line == own || line.starts_with("table ") || line.starts_with("type ")
        };
        if listed.lines().all(is_ours) {
            tool::run(&argv(&["delete", "table"]), "")?;
        }
        Ok(())
    }

    /// A change of whom it keeps out.
    pub(in crate::enforce) fn elements(&self, changes: Changes, now: Time) -> Elements {
        let Self { table_family, table, set, .. } = self;
        Elements {
            table_family: table_family.clone(),
            table: table.clone(),
            set: set.clone(),
            changes,
            now,
        }
    }
}

/// What the kernel has of a set.
#[derive(Debug, Default)]
pub(in crate::enforce) struct Seen {
    pub(in crate::enforce) is_there: bool,
    /// Whether it can hold what it ought to.
    fits: bool,
    /// The handles of the rules that look into it.
    rules: Vec<u64>,
    /// How many there ought to be. What they say is not compared: the kernel has another language, and whoever
    /// takes a rule out takes all of it.
    wanted: usize,
    /// Who is kept out.
    pub(in crate::enforce) held: Held,
}

impl Seen {
    /// Whether nothing of it has to be made.
    pub(in crate::enforce) fn is_whole(&self) -> bool {
        self.is_there && self.fits && self.rules.len() == self.wanted
    }
}

/// What ends this instant lasts a moment: the kernel counts in ticks of up to 10 ms, and no tick is for ever.
const LEFT_MIN_MS: u64 = 20;

/// Changes sets, all of them or none.
pub(in crate::enforce) fn change(
    netlink: &mut Nftables,
    sets: &[Elements],
) -> Result<(), NetlinkError> {
    let changes: Vec<_> = sets.iter().map(Elements::for_kernel).collect();
    netlink.change(&changes)
}

impl Elements {
    fn for_kernel(&self) -> SetChange<'_> {
        let left_ms = |until: Time| {
            let left_us = until.micros() - self.now.micros();
            u64::try_from(left_us / 1000).unwrap_or(0).max(LEFT_MIN_MS)
        };
        let add = self.changes.add.iter();
        SetChange {
            set: name(&self.table_family, &self.table, &self.set),
            remove: self.changes.remove.iter().copied().map(kernel_key).collect(),
            add: add.map(|added| (kernel_key(added.key), added.until.map(left_ms))).collect(),
            is_new: self.changes.add.iter().all(|added| added.is_new),
            flush: false,
        }
    }
}

fn name<'n>(family: &str, table: &'n str, set: &'n str) -> SetName<'n> {
    SetName { table_family: table_family(family), table, set }
}

/// The number of a table's family, `NFPROTO_*` of linux/netfilter.h.
pub(in crate::enforce) fn table_family(name: &str) -> u8 {
    match name {
        "ip" => 2,
        "arp" => 3,
        "netdev" => 5,
        "bridge" => 7,
        "ip6" => 10,
        _ => 1,
    }
}

fn kernel_key(key: Key) -> netlink::Key {
    match key {
        Key::Addr(addr) if addr.is_host() => netlink::Key::Host(addr.ip()),
        Key::Addr(addr) => netlink::Key::Range(addr.ip(), addr.last_ip()),
        Key::Range(from, to) => netlink::Key::Range(from, to),
    }
}

/// A change of the elements of a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elements {
    /// The family of the set's table.
    pub table_family: String,
    /// Its table.
    pub table: String,
    /// The set.
    pub set: String,
    /// What changes.
    pub changes: Changes,
    /// As of when.
    pub now: Time,
}

impl fmt::Display for Elements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { table_family, table, set, changes, now } = self;
        let place = format!("element {table_family} {table} {set}");
        for key in &changes.remove {
            writeln!(f, "delete {place} {{ {} }}", shown(*key))?;
        }
        for added in &changes.add {
            let key = shown(added.key);
            match added.until {
                Some(until) => {
                    let left_ms = (until.micros() - now.micros()).max(0) / 1000;
                    writeln!(f, "add {place} {{ {key} timeout {left_ms}ms }}")?;
                }
                None => writeln!(f, "add {place} {{ {key} }}")?,
            }
        }
        Ok(())
    }
}

fn shown(key: Key) -> String {
    match key {
        Key::Addr(addr) => addr.to_string(),
        Key::Range(from, to) => format!("{from}-{to}"),
    }
}

/// Whether a word can be a name in what `nft` reads.
fn is_name(word: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '\\');
    !word.is_empty() && word.chars().all(is_part)
}

/// The words as `nft` reads them from its command line, if they are part of one statement.
fn statement(words: &[String]) -> Option<String> {
    let text = words.join(" ");
    (!text.contains([';', '\n', '#', '$', '"'])).then_some(text)
}
