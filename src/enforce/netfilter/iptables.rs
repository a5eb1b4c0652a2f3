//! iptables: a chain with a rule for each host, and rules that lead to it.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::super::plan::{Added, Changes, Held, Key};
use super::super::properties::Properties;
use super::jumps::{Jumps, rule};
use super::tool::ToolError;
use crate::model::Addr;

/// A chain, the rules that lead to it, and what its own rules do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Chain {
    /// The chain: `f2b-sshd`.
    pub name: String,
    /// What leads to it.
    pub jumps: Jumps,
    /// What its last rule does, `RETURN`.
    pub returns: Vec<String>,
    /// What is done to packets of a host: `REJECT --reject-with icmp-port-unreachable`.
    pub target: Vec<String>,
}

impl Chain {
    /// The chain of an action like `iptables`.
    pub(in crate::enforce) fn of(properties: Properties<'_>) -> Option<Self> {
        Some(Self {
            name: format!("f2b-{}", properties.word("name")?),
            jumps: Jumps::of(properties)?,
            returns: properties.words("returntype").filter(|words| !words.is_empty())?,
            target: properties.words("blocktype").filter(|words| !words.is_empty())?,
        })
    }

    /// Whether two stand for the same chain in the kernel.
    pub(in crate::enforce) fn is_same_chain(&self, other: &Self) -> bool {
        self.name == other.name && self.jumps.program == other.jumps.program
    }

    /// What the kernel has of it.
    pub(in crate::enforce) fn look(&self) -> Result<Seen, ToolError> {
        let Some(rules) = self.jumps.list(&self.name)? else { return Ok(Seen::default()) };
        let mut seen = Seen { is_there: true, is_pure: true, ..Seen::default() };
        let returns = format!("-A {} -j {}", self.name, self.returns.join(" "));
        let mut lines: Vec<_> = rules.lines().filter(|line| line.starts_with("-A ")).collect();
        // The last rule is gone after fail2ban has lifted all bans at once; a chain ends the same without it. Before
        // others it would let everybody pass.
        lines.pop_if(|line| **line == returns);
        for line in lines {
            // A rule that is there twice would outlive the ban.
            let is_new = |addr| seen.held.insert(Key::Addr(addr), None).is_none();
            seen.is_pure &= self.host_of(line).is_some_and(is_new);
        }
        if !seen.is_pure {
            seen.held.clear();
        }
        seen.missing = self.jumps.missing(&self.leads())?;
        Ok(seen)
    }

    /// The host of a rule that keeps one out: `-A f2b-sshd -s 192.0.2.1/32 -j REJECT --reject-with …`.
    fn host_of(&self, line: &str) -> Option<Addr> {
        let rest = line.strip_prefix("-A ")?.strip_prefix(&self.name)?.strip_prefix(" -s ")?;
        let (addr, rest) = rest.split_once(' ')?;
        // The tools add what a target does by default.
        let target = rest.strip_prefix("-j ")?.split(' ').next()?;
        (target == self.target[0]).then(|| addr.parse().ok()).flatten()
    }

    /// How many packets of each host or network have met its rule; `None` where there is none. All of the chain's rules
    /// are read, for the tools have no question about one.
    pub(in crate::enforce) fn packets(
        &self,
        addrs: &[Addr],
    ) -> Result<Vec<Option<u64>>, ToolError> {
        let listed = self.jumps.counts(&self.name)?.unwrap_or_default();
        let counted: HashMap<Addr, u64> =
            listed.lines().filter_map(|line| self.counted(line)).collect();
        Ok(addrs.iter().map(|addr| counted.get(addr).copied()).collect())
    }

    /// A rule's host and its packets: `-A f2b-sshd -s 192.0.2.1/32 -c 3 114 -j REJECT …`.
    fn counted(&self, line: &str) -> Option<(Addr, u64)> {
        let (before, rest) = line.split_once(" -c ")?;
        let (packets, rest) = rest.split_once(' ')?;
        let (_, target) = rest.split_once(' ')?;
        let addr = self.host_of(&format!("{before} {target}"))?;
        Some((addr, packets.parse().ok()?))
    }

    /// The chain in which established connections are accepted before packets come to this one, if there is one.
    pub(in crate::enforce) fn accepting(&self) -> Result<Option<String>, ToolError> {
        self.jumps.accepting(&self.leads())
    }

    /// Where the rules of the system's chains lead to.
    fn leads(&self) -> Vec<String> {
        vec!["-j".to_owned(), self.name.clone()]
    }

    /// The lines that make it whole; a chain with other rules than ours is emptied.
    pub(in crate::enforce) fn install(&self, seen: &Seen) -> Vec<String> {
        let mut lines = Vec::new();
        if !seen.is_there || !seen.is_pure {
            // To the tools this makes a chain that isn't there and empties one that is.
            lines.push(format!(":{} - [0:0]", self.name));
            lines.push(rule("-A", &self.name, &[], &target(&self.returns)));
        }
        let is_missing = |place| !seen.is_there || seen.missing.contains(&place);
        lines.extend(self.jumps.lines("-I", &self.leads(), is_missing));
        lines
    }

    /// The lines that change who is kept out.
    pub(in crate::enforce) fn change(&self, changes: &Changes) -> Vec<String> {
        let host = |key: &Key| match key {
            Key::Addr(addr) => vec!["-s".to_owned(), addr.to_string()],
            Key::Range(from, to) => {
                let range = ["-m", "iprange", "--src-range"].map(str::to_owned);
                range.into_iter().chain([format!("{from}-{to}")]).collect()
            }
        };
        let target = target(&self.target);
        let removed = changes.remove.iter().map(|key| rule("-D", &self.name, &host(key), &target));
        // Rules don't end by themselves: one that is there is as it ought to be.
        let new = changes.add.iter().filter(|added| added.is_new);
        let added = new
            .map(|Added { key, .. }| rule("-I", &format!("{} 1", self.name), &host(key), &target));
        removed.chain(added).collect()
    }

    /// The lines that take out what leads to it.
    pub(in crate::enforce) fn close(&self, seen: &Seen) -> Vec<String> {
        let is_there = |place| seen.is_there && !seen.missing.contains(&place);
        self.jumps.lines("-D", &self.leads(), is_there)
    }

    /// The lines that take it out.
    pub(in crate::enforce) fn uninstall(&self, seen: &Seen) -> Vec<String> {
        if !seen.is_there {
            return Vec::new();
        }
        let mut lines = self.close(seen);
        lines.push(format!("-F {}", self.name));
        lines.push(format!("-X {}", self.name));
        lines
    }
}

/// What the kernel has of a chain.
#[derive(Debug, Default)]
pub(in crate::enforce) struct Seen {
    /// Whether the chain is there.
    pub(in crate::enforce) is_there: bool,
    /// Whether it has no other rules than it ought to have.
    is_pure: bool,
    /// The rules that ought to lead to it and don't, by their place.
    missing: Vec<usize>,
    /// Who is kept out.
    pub(in crate::enforce) held: Held,
}

impl Seen {
    /// Whether nothing of it has to be made.
    pub(in crate::enforce) fn is_whole(&self) -> bool {
        self.is_there && self.is_pure && self.missing.is_empty()
    }

    /// Takes its rules for others than it ought to have.
    pub(in crate::enforce) fn outdate(&mut self) {
        self.is_pure = false;
        self.held.clear();
    }
}

/// The words that name a target.
fn target(words: &[String]) -> Vec<String> {
    std::iter::once("-j".to_owned()).chain(words.iter().cloned()).collect()
}
