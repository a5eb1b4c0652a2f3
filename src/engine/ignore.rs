//! Whom a jail ignores, to the last question: its list, the names in it, its command.
//!
//! The list answers at once. Names have to be looked up and a command has to be run, which nobody wants for each line
//! of an archive, and whoever isn't going to be banned need not be asked about. So these are asked when a host would be
//! banned; a command that wants to know more than the host is asked at each failure. Asking never waits ([`ask`](super::ask)).
//!
//! As in fail2ban 1.0.2 the command comes last and its exit status 0 ignores. DIFFERS: where `ignorecache` doesn't say
//! otherwise, an answer is kept for as long as the program runs.

use std::borrow::Cow;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::ask::{Asker, Keep};
use super::lookup::Names;
use crate::command::tag::{bantime, name_of, reversed, seconds};
use crate::command::{self, Ended, Filled};
use crate::config::{JailDef, Text};
use crate::decide::{IGNORESELF, IgnoreList, Listed};
use crate::diag::{Diagnostic, Severity};
use crate::model::{Addr, BanTime, Host, Match, Time};
use crate::source;

/// How long a command may take, as in fail2ban.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How many answers are kept if nothing else is said.
const ANSWERS: usize = 10_000;

/// Whom a jail ignores.
#[derive(Debug, Default)]
pub struct IgnoreRules {
    list: IgnoreList,
    /// Names whose addresses are ignored.
    names: Vec<String>,
    /// What is known of these names; apart from what is known of those in logs, which are strangers'.
    addresses: Names,
    command: Option<IgnoreCommand>,
    /// Whom a question has spared so far.
    spared: Mutex<HashMap<Host, IgnoredBy>>,
}

/// What makes a jail ignore a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IgnoredBy {
    /// It is an address of this machine: `ignoreself`.
    Own,
    /// A word of `ignoreip`: an address, a network, an identifier, `file:PATH`.
    Word(String),
    /// A name in `ignoreip`, whose address it is.
    Name(String),
    /// The jail's `ignorecommand`.
    Command,
}

impl IgnoredBy {
    /// The rule in the words of fail2ban's log: `ip`, `dns`, `ignoreself rule`, `command`, `file:PATH`.
    pub fn rule(&self) -> &str {
        match self {
            Self::Own => "ignoreself rule",
            Self::Word(word) if word.starts_with("file:") => word,
            Self::Word(_) => "ip",
            Self::Name(_) => "dns",
            Self::Command => "command",
        }
    }
}

/// The command of a jail, and what it has answered.
#[derive(Debug)]
struct IgnoreCommand {
    text: Text,
    /// What failures with the same answer have in common.
    key: Text,
    bantime: BanTime,
    /// Whether only the host makes a difference to it.
    wants_host_only: bool,
    answers: Asker<bool>,
    trouble: Arc<Mutex<Trouble>>,
}

/// How often a command gave no answer, and why it didn't the first time.
#[derive(Debug, Default)]
struct Trouble {
    times: u64,
    first: String,
}

/// A failure, as its jail's command may ask about it.
#[derive(Clone, Copy)]
struct Asked<'a> {
    host: &'a Host,
    /// Its line; none if the question is of the host as such.
    line: Option<(&'a Match, &'a [u8])>,
    bantime: BanTime,
}

impl IgnoreRules {
    /// Whom the jail ignores, and what is wrong with how that is written.
    pub(super) fn of(jail: &JailDef) -> (Self, Vec<Diagnostic>) {
        if !jail.ignoreself {
            return Self::written(jail, &[]);
        }
        let (mut rules, findings) = Self::written(jail, &own_addresses());
        // What this machine is called may be an address that none of its interfaces has.
        rules.names.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
        (rules, findings)
    }

    fn written(jail: &JailDef, own: &[Addr]) -> (Self, Vec<Diagnostic>) {
        let words = jail.ignoreip.iter().map(|text| (text.value.as_str(), Some(text.at.clone())));
        let (list, findings) = IgnoreList::parse(words, own, source::read_list);
        let (names, command) = (list.names().to_vec(), IgnoreCommand::of(jail));
        (Self { list, names, command, ..Self::default() }, findings)
    }

    /// Nobody but this machine itself.
    pub fn own() -> Self {
        let (list, _) = IgnoreList::parse([], &own_addresses(), source::read_list);
        Self { list, ..Self::default() }
    }

    /// Whom the jail ignores beside this machine, where nobody asks what is wrong with how that is written.
    pub fn of_others(jail: &JailDef) -> Self {
        Self::written(jail, &[]).0
    }

    /// By which rule the host, or somebody in the network, is ignored for what is written alone.
    pub fn rule(&self, host: &Host) -> Option<&str> {
        match self.list.check(host) {
            Listed::Ignored { rule } => Some(rule),
            Listed::Counted | Listed::NeedsLookup { .. } => None,
        }
    }

    /// Whether the host is ignored for what is written alone.
    pub fn lists(&self, host: &Host) -> bool {
        matches!(self.list.check(host), Listed::Ignored { .. })
    }

    /// What makes the jail ignore a host, as far as that was asked.
    pub fn ignored_by(&self, host: &Host) -> Option<IgnoredBy> {
        match self.list.check(host) {
            Listed::Ignored { rule } if rule == IGNORESELF => Some(IgnoredBy::Own),
            Listed::Ignored { rule } => Some(IgnoredBy::Word(rule.to_owned())),
            _ => self.spared.lock().unwrap_or_else(PoisonError::into_inner).get(host).cloned(),
        }
    }

    fn spare(&self, host: &Host, by: IgnoredBy) {
        let mut spared = self.spared.lock().unwrap_or_else(PoisonError::into_inner);
        spared.entry(host.clone()).or_insert(by);
    }

    /// Whether failures have to be asked about one by one.
    pub(super) fn asks_about_failures(&self) -> bool {
        self.command.is_some()
    }

    /// Asks the command, where it wants to know more than the host, about a failure of a line.
    pub(super) fn ask_about_failure(&self, host: &Host, line: &Match, text: &[u8], now: Time) {
        if let Some(command) = self.command_for(host, true) {
            command.ask(command.asked(host, Some((line, text))), now);
        }
    }

    /// Whether what was asked of a failure is still open.
    pub(super) fn is_failure_open(&self, host: &Host, line: &Match, text: &[u8]) -> bool {
        let command = self.command_for(host, true);
        command.is_some_and(|command| command.is_open(command.asked(host, Some((line, text)))))
    }

    /// Whether the command ignores a failure of a line, waited for.
    pub(super) fn ignores_failure(
        &self,
        host: &Host,
        line: &Match,
        text: &[u8],
        now: Time,
    ) -> bool {
        let asked =
            |command: &IgnoreCommand| command.wait(command.asked(host, Some((line, text))), now);
        let is_ignored = self.command_for(host, true).is_some_and(asked);
        if is_ignored {
            self.spare(host, IgnoredBy::Command);
        }
        is_ignored
    }

    /// Asks everything that has to be known before the host is banned.
    pub(super) fn ask_about_host(&self, host: &Host, now: Time) {
        if host.addr().is_some() {
            self.names.iter().for_each(|name| self.addresses.ask(name, now));
        }
        if let Some(command) = self.command_for(host, false) {
            command.ask(command.asked(host, None), now);
        }
    }

    /// Whether what was asked of a host is still open.
    pub(super) fn is_host_open(&self, host: &Host) -> bool {
        let is_open = |name: &String| self.addresses.is_open(name);
        (host.addr().is_some() && self.names.iter().any(is_open))
            || self
                .command_for(host, false)
                .is_some_and(|command| command.is_open(command.asked(host, None)))
    }

    /// Whether a host that is going to be banned is ignored after all, all questions asked and waited for.
    pub fn ignores_host(&self, host: &Host, now: Time) -> bool {
        if self.lists(host) {
            return true;
        }
        let named = host.addr().and_then(|addr| {
            self.names.iter().find(|name| self.addresses.wait(name, now).contains(&addr))
        });
        let asked = |command: &IgnoreCommand| command.wait(command.asked(host, None), now);
        let by = match named {
            Some(name) if self.list.names().contains(name) => IgnoredBy::Name(name.clone()),
            // The name of this machine is not in the list.
            Some(_) => IgnoredBy::Own,
            None if self.command_for(host, false).is_some_and(asked) => IgnoredBy::Command,
            None => return false,
        };
        self.spare(host, by);
        true
    }

    /// What kept the command from answering.
    pub fn trouble(&self) -> Option<Diagnostic> {
        let command = self.command.as_ref()?;
        let trouble = command.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let times = match trouble.times {
            0 => return None,
            1 => String::new(),
            more => format!(" ({more} times)"),
        };
        let message = format!("ignorecommand gave no answer: {}{times}", trouble.first);
        let help =
            "its exit status must be 0 to ignore a host and 1 not to; those hosts were not ignored";
        let found = Diagnostic::new("ignorecommand", Severity::Warning, message);
        Some(found.with_location(command.text.at.clone()).with_help(help))
    }

    /// The command, if it is to be asked about this host: at each failure, or once it would be banned.
    fn command_for(&self, host: &Host, at_each: bool) -> Option<&IgnoreCommand> {
        self.command.as_ref().filter(|command| command.is_each(host) == at_each)
    }
}

impl IgnoreCommand {
    fn of(jail: &JailDef) -> Option<Self> {
        let text = jail.ignorecommand.clone()?;
        let cache = jail.ignorecache.as_ref();
        let wants_host_only = command::tags(&text.value).all(is_of_host);
        Some(Self {
            key: cache.map_or(&text, |cache| &cache.key).clone(),
            bantime: jail.bantime,
            wants_host_only,
            answers: Asker::new(Keep {
                // One after the other, as in fail2ban: a script may not expect itself to run twice at once.
                threads: 1,
                answers: cache.map_or(ANSWERS, |cache| cache.max_count),
                lifetime_us: cache.map(|cache| cache.max_time_us),
            }),
            trouble: Arc::default(),
            text,
        })
    }

    /// Whether it must be asked at each failure. An id that is no address may come with one that is.
    fn is_each(&self, host: &Host) -> bool {
        !self.wants_host_only || host.addr().is_none()
    }

    fn asked<'a>(&self, host: &'a Host, line: Option<(&'a Match, &'a [u8])>) -> Asked<'a> {
        Asked { host, line, bantime: self.bantime }
    }

    fn question(&self, asked: Asked<'_>) -> String {
        command::replace(&self.key.value, |tag| asked.value(tag))
    }

    fn ask(&self, asked: Asked<'_>, now: Time) {
        let filled = Filled::new(&self.text.value, |tag| asked.value(tag));
        let trouble = Arc::clone(&self.trouble);
        self.answers.ask(&self.question(asked), now, move || answer_of(&filled, &trouble));
    }

    fn is_open(&self, asked: Asked<'_>) -> bool {
        self.answers.answer(&self.question(asked)).is_err()
    }

    fn wait(&self, asked: Asked<'_>, now: Time) -> bool {
        loop {
            self.ask(asked, now);
            if let Some(answer) = self.answers.wait(&self.question(asked)) {
                return answer;
            }
        }
    }
}

/// Runs a command; one that gives no answer ignores nobody.
fn answer_of(filled: &Filled, trouble: &Mutex<Trouble>) -> bool {
    let reason = match filled.run(TIMEOUT, &[]) {
        Ok(Ended { status: status @ (0 | 1), .. }) => return status == 0,
        Ok(ended) => ended.to_string(),
        Err(error) => error.to_string(),
    };
    let mut trouble = trouble.lock().unwrap_or_else(PoisonError::into_inner);
    if trouble.times == 0 {
        trouble.first = reason;
    }
    trouble.times += 1;
    false
}

impl<'a> Asked<'a> {
    /// The value of a tag, as fail2ban has it before a failure is counted.
    fn value(&self, tag: &str) -> Option<Cow<'a, str>> {
        if let Some(name) = tag.strip_prefix("F-") {
            return Some(self.field(&name.to_lowercase()).unwrap_or_default());
        }
        let addr = || self.host.addr().map(Addr::ip);
        Some(match tag {
            "fid" => self.host.to_string().into(),
            "ip" => match self.line.and_then(|(line, _)| line.host.as_ref()) {
                Some(host) if self.host.addr().is_none() => host.to_string().into(),
                _ => self.host.to_string().into(),
            },
            "family" => match addr()? {
                IpAddr::V4(_) => "inet4".into(),
                IpAddr::V6(_) => "inet6".into(),
            },
            "ip-rev" => reversed(self.host.addr()?).into(),
            "ip-host" => name_of(addr()?).map_or("None".into(), Cow::from),
            "time" => seconds(self.line?.0.time?).into(),
            "matches" | "ipmatches" | "ipjailmatches" => String::from_utf8_lossy(self.line?.1),
            "bantime" => bantime(self.bantime).into(),
            "failures" | "ipfailures" | "ipjailfailures" | "bancount" | "restored" => "0".into(),
            _ => return None,
        })
    }

    fn field(&self, name: &str) -> Option<Cow<'a, str>> {
        let name = match name {
            "id" => "fid",
            "port" => "fport",
            other => other,
        };
        let (line, _) = self.line?;
        line.fields.get(name).map(Cow::from)
    }
}

/// Whether a tag says the same of all failures of a host.
fn is_of_host(tag: &str) -> bool {
    !tag.starts_with("F-") && !matches!(tag, "time" | "matches" | "ipmatches" | "ipjailmatches")
}

/// The addresses of this machine's interfaces; where they can't be asked for, those of its loopback.
fn own_addresses() -> Vec<Addr> {
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let own = interfaces.iter().map(if_addrs::Interface::ip).chain(loopback);
    own.map(Addr::host).collect()
}
