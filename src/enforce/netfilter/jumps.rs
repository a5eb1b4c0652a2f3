//! The rules of iptables that lead packets to a gate.

use serde::{Deserialize, Serialize};

use super::super::properties::Properties;
use super::step::Step;
use super::tool::{self, ToolError};

/// Rules in chains of the system: what they match. Where they lead to is the gate's affair.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Jumps {
    /// The program, `iptables` or `ip6tables`, perhaps with a path or a variant: `iptables-legacy`.
    pub program: String,
    /// Options of each call, `-w`.
    pub options: Vec<String>,
    /// The rules, in the order in which they are put in, each before all others of its chain.
    pub rules: Vec<Jump>,
}

/// A rule that leads to a gate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Jump {
    /// The chain that it stands in: `INPUT`.
    pub chain: String,
    /// What it matches, before the target: `-p tcp --dport ssh`.
    pub matches: Vec<String>,
}

/// Numbers of the families of tables (linux/netfilter.h).
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;

impl Jumps {
    /// The table that they are in.
    pub(in crate::enforce) const TABLE: &str = "filter";

    /// `NFPROTO_*` of it.
    pub(in crate::enforce) fn table_family(&self) -> u8 {
        let name = self.program.rsplit('/').next().unwrap_or(&self.program);
        if name.starts_with("ip6") { NFPROTO_IPV6 } else { NFPROTO_IPV4 }
    }

    /// The rules of an action like `iptables`.
    pub(super) fn of(properties: Properties<'_>) -> Option<Self> {
        let mut words = properties.words("iptables")?.into_iter();
        let program = words.next().filter(|program| is_iptables(program))?;
        let options: Vec<String> = words.collect();
        let is_waiting = |word: &String| matches!(word.as_str(), "-w" | "-W" | "--wait");
        let is_count = |word: &String| word.bytes().all(|b| b.is_ascii_digit());
        if !options.iter().all(|word| is_waiting(word) || is_count(word)) {
            return None;
        }
        let ports = match properties.word("type")?.as_str() {
            "oneport" => vec!["--dport".to_owned(), properties.word("port")?],
            "multiport" => {
                let words = ["-m", "multiport", "--dports"].map(str::to_owned);
                words.into_iter().chain([properties.word("port")?]).collect()
            }
            "allports" => Vec::new(),
            _ => return None,
        };
        let before = properties.words("pre-rule")?;
        let rule = |protocol: String| {
            let protocol = ["-p".to_owned(), protocol];
            before.iter().cloned().chain(protocol).chain(ports.iter().cloned()).collect()
        };
        let matches: Vec<Vec<String>> =
            properties.list("protocol")?.into_iter().map(rule).collect();
        let rules = properties.list("chain")?.into_iter().flat_map(|chain| {
            let jump = move |matches: &Vec<String>| Jump {
                chain: chain.clone(),
                matches: matches.clone(),
            };
            matches.iter().map(jump).collect::<Vec<_>>()
        });
        Some(Self { program, options, rules: rules.collect() })
    }

    /// Whether the program's rules are such of nf_tables. One that doesn't say so has its own.
    pub(in crate::enforce) fn are_nftables(&self) -> bool {
        let argv = [self.program.clone(), "-V".to_owned()];
        tool::run(&argv, "").is_ok_and(|said| said.contains("(nf_tables)"))
    }

    /// Whether one run of a tool can change the rules of both.
    pub(in crate::enforce) fn is_by_same_tool(&self, other: &Self) -> bool {
        self.program == other.program && self.options == other.options
    }

    /// Adds the rules of another.
    pub(in crate::enforce) fn join(&mut self, other: &Self) {
        for rule in &other.rules {
            if !self.rules.contains(rule) {
                self.rules.push(rule.clone());
            }
        }
    }

    /// Leaves those that another has not.
    pub(in crate::enforce) fn less(&mut self, other: &Self) {
        self.rules.retain(|rule| !other.rules.contains(rule));
    }

    /// The rules of a chain as the tool lists them; `None` if there is no such chain.
    pub(super) fn list(&self, chain: &str) -> Result<Option<String>, ToolError> {
        self.listed(&["-S", chain])
    }

    /// The same, with how many packets and bytes each rule has met (`-c PACKETS BYTES`).
    pub(super) fn counts(&self, chain: &str) -> Result<Option<String>, ToolError> {
        self.listed(&["-v", "-S", chain])
    }

    /// The chain in which a rule that accepts established connections stands before those that lead to a gate, if there
    /// is one, or in a chain that such a rule leads to.
    pub(super) fn accepting(&self, target: &[String]) -> Result<Option<String>, ToolError> {
        let rules = self.listed(&["-S"])?.unwrap_or_default();
        let target = format!(" {} ", target.join(" "));
        let is_ours = |line: &str| format!("{line} ").contains(&target);
        let chains = self.rules.iter().map(|rule| &rule.chain);
        let found = chains.into_iter().find(|chain| accepts(&rules, chain, &is_ours, 0));
        Ok(found.cloned())
    }

    fn listed(&self, how: &[&str]) -> Result<Option<String>, ToolError> {
        match tool::run(&self.argv(how), "") {
            Ok(rules) => Ok(Some(rules)),
            Err(ToolError::Failed { said, .. }) if !tool::is_forbidden(&said) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Which of the rules with this target are not there, by their place.
    pub(super) fn missing(&self, target: &[String]) -> Result<Vec<usize>, ToolError> {
        let mut missing = Vec::new();
        for (place, jump) in self.rules.iter().enumerate() {
            let mut argv = self.argv(&["-C", &jump.chain]);
            argv.extend(jump.matches.iter().chain(target).cloned());
            if !tool::says_yes(&argv)? {
                missing.push(place);
            }
        }
        Ok(missing)
    }

    fn argv(&self, words: &[&str]) -> Vec<String> {
        let own = std::iter::once(&self.program).chain(&self.options).cloned();
        own.chain(words.iter().map(|word| (*word).to_owned())).collect()
    }

    /// The lines of `iptables-restore` that do `verb` with the rules whose place `is_wanted`.
    pub(super) fn lines(
        &self,
        verb: &str,
        target: &[String],
        is_wanted: impl Fn(usize) -> bool,
    ) -> Vec<String> {
        let wanted = self.rules.iter().enumerate().filter(|(place, _)| is_wanted(*place));
        wanted.map(|(_, jump)| rule(verb, &jump.chain, &jump.matches, target)).collect()
    }

    /// The step that does what lines of `iptables-restore` say, all of it or nothing.
    pub(in crate::enforce) fn step(&self, lines: &[String]) -> Step {
        let program = format!("{}-restore", self.program);
        let wait = self.options.iter().any(|word| word == "-w").then(|| "-w".to_owned());
        let argv = std::iter::once(program).chain(wait).chain(["-n".to_owned()]).collect();
        Step::Run { argv, input: format!("*{}\n{}\nCOMMIT\n", Self::TABLE, lines.join("\n")) }
    }
}

/// Chains lead to chains, at most so many deep: the kernel lets nobody make a circle.
const DEPTH_MAX: u32 = 16;

/// Whether a chain accepts established connections before a rule that `is_ours`.
fn accepts(rules: &str, chain: &str, is_ours: &impl Fn(&str) -> bool, depth: u32) -> bool {
    let prefix = format!("-A {chain} ");
    for line in rules.lines().filter(|line| line.starts_with(&prefix)) {
        if is_ours(line) {
            return false;
        }
        let target = [" -j ", " -g "].iter().find_map(|option| line.split_once(option));
        let target = target.and_then(|(_, rest)| rest.split(' ').next());
        let is_state = line.contains("ESTABLISHED") && !line.contains("! --ctstate");
        match target {
            Some("ACCEPT") if is_state => return true,
            Some("ACCEPT" | "DROP" | "REJECT" | "RETURN") | None => {}
            Some(other) if depth < DEPTH_MAX => {
                if accepts(rules, other, is_ours, depth + 1) {
                    return true;
                }
            }
            Some(_) => {}
        }
    }
    false
}

/// A line of `iptables-restore`: what is done, in which chain, what packets it is about, and what is done to those.
pub(super) fn rule(verb: &str, chain: &str, matches: &[String], target: &[String]) -> String {
    let words = matches.iter().chain(target).map(|word| quoted(word));
    [verb.to_owned(), chain.to_owned()].into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as `iptables-restore` reads it.
fn quoted(word: &str) -> String {
    if !word.is_empty() && !word.contains([' ', '\t', '"', '\'', '\\']) {
        return word.to_owned();
    }
    format!("\"{}\"", word.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether a program is one that understands what iptables does, and has a companion that restores.
fn is_iptables(program: &str) -> bool {
    let name = program.rsplit('/').next().unwrap_or(program);
    let rest = name.strip_prefix("iptables").or_else(|| name.strip_prefix("ip6tables"));
    rest.is_some_and(|rest| matches!(rest, "" | "-nft" | "-legacy"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_accepts_established_connections_before_a_rule_is_found() {
        const ACCEPT: &str = "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT";
        let is_ours = |line: &str| line.ends_with("-j f2b-x");
        let found = |rules: String| accepts(&rules, "INPUT", &is_ours, 0);
        let ours = "-A INPUT -p tcp -j f2b-x\n";
        assert!(found(format!("-A INPUT {ACCEPT}\n{ours}")));
        assert!(!found(format!("{ours}-A INPUT {ACCEPT}\n")));
        assert!(!found(format!("-A OUTPUT {ACCEPT}\n{ours}")));
        assert!(found(format!("-A INPUT -j before\n{ours}-A before {ACCEPT}\n")));
        assert!(!found(format!("-A INPUT -m conntrack ! --ctstate ESTABLISHED -j ACCEPT\n{ours}")));
        assert!(!found(format!("-A INPUT -j a\n-A a -j b\n-A b -j a\n{ours}")));
    }
}
