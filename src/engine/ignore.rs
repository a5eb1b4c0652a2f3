//! Whom a jail ignores, to the last question: its list, the names in it, its command.
//!
//! The list answers at once. Names have to be looked up and a command has to be run, which nobody wants for each line
//! of an archive, and whoever isn't going to be banned need not be asked about. So these are asked when a host would be
//! banned; a command that wants to know more than the host is asked at each failure.
//!
//! As in fail2ban 1.0.2 the command comes last and its exit status 0 ignores. DIFFERS: where `ignorecache` doesn't say
//! otherwise, an answer is kept for as long as the program runs.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::jail::Jail;
use super::lookup::addresses_of;
use crate::command::{self, Filled};
use crate::config::{IgnoreCache, JailDef, Text};
use crate::decide::{IgnoreList, Verdict};
use crate::diag::{Diagnostic, Severity};
use crate::model::{Addr, BanTime, Host, Match, Time};
use crate::source;

/// How long a command may take, as in fail2ban.
const TIMEOUT: Duration = Duration::from_mins(1);
/// How many answers are kept if nothing else is said.
const ANSWERS: usize = 10_000;

/// Whom a jail ignores, as it is written.
#[derive(Debug)]
pub struct IgnoreRules {
    list: IgnoreList,
    /// Names whose addresses are ignored.
    names: Vec<String>,
    command: Option<IgnoreCommand>,
}

/// The command of a jail.
#[derive(Debug)]
struct IgnoreCommand {
    text: Text,
    cache: Option<IgnoreCache>,
    bantime: BanTime,
    /// Whether only the host makes a difference to it.
    wants_host_only: bool,
}

/// Whom a jail ignores, with what was asked for it so far.
#[derive(Debug)]
pub struct Ignore {
    jail: Arc<Jail>,
    /// The addresses of the names, once they were asked for.
    addresses: Option<Vec<Addr>>,
    answers: Answers,
    /// How often the command gave no answer, and why it didn't the first time.
    troubles: u64,
    trouble: String,
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
        let own = if jail.ignoreself { own_addresses() } else { Vec::new() };
        let words = jail.ignoreip.iter().map(|text| (text.value.as_str(), Some(text.at.clone())));
        let (list, findings) = IgnoreList::parse(words, &own, source::read_list);
        let mut names = list.names().to_vec();
        if jail.ignoreself {
            // What this machine is called may be an address that none of its interfaces has.
            names.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_owned));
        }
        let command = jail.ignorecommand.clone().map(|text| {
            let wants_host_only = command::tags(&text.value).all(is_of_host);
            let (cache, bantime) = (jail.ignorecache.clone(), jail.bantime);
            IgnoreCommand { text, cache, bantime, wants_host_only }
        });
        (Self { list, names, command }, findings)
    }

    /// Whether the host is ignored for what is written alone.
    pub fn lists(&self, host: &Host) -> bool {
        matches!(self.list.check(host), Verdict::Ignored { .. })
    }
}

impl IgnoreCommand {
    /// Whether it must be asked at each failure. An id that is no address may come with one that is.
    fn is_each(&self, host: &Host) -> bool {
        !self.wants_host_only || host.addr().is_none()
    }
}

impl Ignore {
    /// Nothing was asked yet.
    pub fn new(jail: Arc<Jail>) -> Self {
        let command = jail.ignore.command.as_ref();
        let answers = Answers::new(command.and_then(|command| command.cache.as_ref()));
        Self { jail, addresses: None, answers, troubles: 0, trouble: String::new() }
    }

    /// Whether the host is ignored for what is written alone.
    pub fn lists(&self, host: &Host) -> bool {
        self.jail.ignore.lists(host)
    }

    /// Whether the command, which wants to know more than the host, ignores a failure of a line.
    pub fn ignores_failure(&mut self, host: &Host, line: &Match, text: &[u8]) -> bool {
        self.asks(host, true) && self.ask(host, Some((line, text)))
    }

    /// Whether a host that is going to be banned is ignored after all, all questions asked.
    pub fn ignores_host(&mut self, host: &Host) -> bool {
        self.lists(host) || self.is_named(host) || (self.asks(host, false) && self.ask(host, None))
    }

    /// What kept the command from answering.
    pub fn trouble(&self) -> Option<Diagnostic> {
        let command = self.jail.ignore.command.as_ref().filter(|_| self.troubles > 0)?;
        let times = match self.troubles {
            1 => String::new(),
            more => format!(" ({more} times)"),
        };
        let message = format!("ignorecommand gave no answer: {}{times}", self.trouble);
        let help =
            "its exit status must be 0 to ignore a host and 1 not to; those hosts were not ignored";
        let found = Diagnostic::new("ignorecommand", Severity::Warning, message);
        Some(found.with_location(command.text.at.clone()).with_help(help))
    }

    fn is_named(&mut self, host: &Host) -> bool {
        let Host::Addr(host) = host else { return false };
        let Self { jail, addresses, .. } = self;
        let names = &jail.ignore.names;
        addresses
            .get_or_insert_with(|| names.iter().flat_map(|name| addresses_of(name)).collect())
            .contains(host)
    }

    /// Whether there is a command to ask about the host, at each failure or once it would be banned.
    fn asks(&self, host: &Host, at_each: bool) -> bool {
        self.jail.ignore.command.as_ref().is_some_and(|command| command.is_each(host) == at_each)
    }

    fn ask(&mut self, host: &Host, line: Option<(&Match, &[u8])>) -> bool {
        let Some(command) = &self.jail.ignore.command else { return false };
        let asked = Asked { host, line, bantime: command.bantime };
        let key = command.cache.as_ref().map_or(&command.text, |cache| &cache.key);
        let key = command::replace(&key.value, |tag| asked.value(tag));
        let now = Instant::now();
        if let Some(answer) = self.answers.get(&key, now) {
            return answer;
        }
        let filled = Filled::new(&command.text.value, |tag| asked.value(tag));
        let trouble = match filled.run(TIMEOUT) {
            Ok(status @ (0 | 1)) => {
                self.answers.add(key, status == 0, now);
                return status == 0;
            }
            Ok(127) => "status 127, no such command".to_owned(),
            Ok(status) => format!("status {status}"),
            Err(error) => error.to_string(),
        };
        self.answers.add(key, false, now);
        if self.troubles == 0 {
            self.trouble = trouble;
        }
        self.troubles += 1;
        false
    }
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
            "ip-rev" => reversed(addr()?).into(),
            "ip-host" => name_of(addr()?).map_or("None".into(), Cow::from),
            "time" => seconds(self.line?.0.time?).into(),
            "matches" | "ipmatches" | "ipjailmatches" => String::from_utf8_lossy(self.line?.1),
            "bantime" => match self.bantime {
                BanTime::Permanent => "-1".into(),
                BanTime::Micros(micros) => (micros / 1_000_000).to_string().into(),
            },
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
        let found = line.fields.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str().into())
    }
}

/// Answers by what was asked, the oldest forgotten first.
#[derive(Debug)]
struct Answers {
    limit: usize,
    lifetime: Option<Duration>,
    known: HashMap<String, (bool, Instant)>,
    order: VecDeque<String>,
}

impl Answers {
    fn new(cache: Option<&IgnoreCache>) -> Self {
        let micros =
            |cache: &IgnoreCache| Duration::from_micros(cache.max_time_us.max(0).unsigned_abs());
        Self {
            limit: cache.map_or(ANSWERS, |cache| cache.max_count),
            lifetime: cache.map(micros),
            known: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn get(&self, key: &str, now: Instant) -> Option<bool> {
        let (answer, since) = self.known.get(key)?;
        let is_old = self.lifetime.is_some_and(|lifetime| now.duration_since(*since) > lifetime);
        (!is_old).then_some(*answer)
    }

    fn add(&mut self, key: String, answer: bool, now: Instant) {
        if self.known.insert(key.clone(), (answer, now)).is_none() {
            self.order.push_back(key);
        }
        while self.order.len() > self.limit {
            self.order.pop_front().map(|oldest| self.known.remove(&oldest));
        }
    }
}

/// Whether a tag says the same of all failures of a host.
fn is_of_host(tag: &str) -> bool {
    !tag.starts_with("F-") && !matches!(tag, "time" | "matches" | "ipmatches" | "ipjailmatches")
}

/// As a name in DNS has it: `1.2.0.192.`, or the digits of an IPv6 address.
fn reversed(ip: IpAddr) -> String {
    let mut out = String::new();
    match ip {
        IpAddr::V4(v4) => v4.octets().iter().rev().for_each(|octet| {
            let _ = write!(out, "{octet}.");
        }),
        IpAddr::V6(v6) => v6.octets().iter().rev().for_each(|octet| {
            let _ = write!(out, "{:x}.{:x}.", octet & 15, octet >> 4);
        }),
    }
    out
}

fn name_of(ip: IpAddr) -> Option<String> {
    // Where there is no name, the system gives the address.
    dns_lookup::lookup_addr(&ip).ok().filter(|name| name.parse::<IpAddr>().is_err())
}

/// Seconds as Python writes them.
fn seconds(time: Time) -> String {
    format!("{:?}", time.as_secs_f64())
}

/// The addresses of this machine's interfaces; where they can't be asked for, those of its loopback.
fn own_addresses() -> Vec<Addr> {
    let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let own = interfaces.iter().map(if_addrs::Interface::ip).chain(loopback);
    own.map(Addr::host).collect()
}
