//! What an action is told: the values of the tags in its commands.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::net::IpAddr;

use super::script::Family;
use crate::command::tag::{bantime, name_of, own_full_name, own_name, reversed, seconds};
use crate::model::{Addr, BanTime, Host, Time};
use crate::text::quoted;

/// What is known apart from any ban.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// What time it is.
    pub now: Time,
    /// How long bans of the jail last.
    pub bantime: BanTime,
    /// What the jail has counted.
    pub counters: Counters,
}

/// What a jail has counted (`<jail.banned>` and the like).
#[derive(Clone, Copy, Debug, Default)]
pub struct Counters {
    /// Hosts that are banned.
    pub banned: u64,
    /// Bans ever.
    pub banned_total: u64,
    /// Hosts with failures that count.
    pub found: u64,
    /// Failures ever.
    pub found_total: u64,
}

/// What else the store knows of a host (`<ipmatches>`, `<ipjailfailures>`).
#[derive(Clone, Debug, Default)]
pub struct Past {
    /// Lines, the oldest first.
    pub matches: Vec<String>,
    /// How many failures there were.
    pub failures: u64,
}

/// A ban, as an action is told of it.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// Who is banned.
    pub host: Host,
    /// The address, if the filter names whom it bans by something else.
    pub ip: Option<Host>,
    /// When the last failure was, or the ban if there was none.
    pub at: Time,
    /// How long the ban lasts, in the end.
    pub bantime: BanTime,
    /// How many failures led to it; none if it was made by hand.
    pub failures: u32,
    /// The how manieth ban of this host it is, from 1.
    pub bancount: u32,
    /// Whether it is told again, by a program that didn't make it.
    pub is_restored: bool,
    /// The lines that matched, the oldest first.
    pub matches: Vec<String>,
    /// What the filter captured, by name in small letters (`user`; `fid`, `fport`).
    pub fields: Vec<(String, String)>,
    /// What happened in this jail before; `None` if it wasn't asked for.
    pub in_jail: Option<Past>,
    /// What happened in all jails.
    pub anywhere: Option<Past>,
}

impl Moment {
    /// The value of a tag in a command that is about no ban.
    pub(super) fn value(&self, tag: &str) -> Option<Cow<'static, str>> {
        if tag.starts_with("F-") {
            return Some("".into());
        }
        Some(match tag {
            "ip" | "fid" | "ip-rev" | "matches" | "ipmatches" | "ipjailmatches" => "".into(),
            "ip-host" => "None".into(),
            "failures" | "ipfailures" | "ipjailfailures" | "bancount" | "restored" => "0".into(),
            "time" => seconds(self.now).into(),
            "bantime" => bantime(self.bantime).into(),
            _ => return self.of_all(tag),
        })
    }

    /// The value of a tag that is about no ban.
    fn of_all(&self, tag: &str) -> Option<Cow<'static, str>> {
        let Counters { banned, banned_total, found, found_total } = self.counters;
        Some(match tag {
            "jail.banned" => banned.to_string().into(),
            "jail.banned_total" => banned_total.to_string().into(),
            "jail.found" => found.to_string().into(),
            "jail.found_total" => found_total.to_string().into(),
            "sh-hostname" => own_name().into(),
            "fq-hostname" => own_full_name().into(),
            _ => return None,
        })
    }
}

impl Ticket {
    /// Which commands are its.
    pub fn family(&self) -> Family {
        match self.address() {
            Some(IpAddr::V4(_)) => Family::Inet4,
            Some(IpAddr::V6(_)) => Family::Inet6,
            None => Family::Other,
        }
    }

    fn ip(&self) -> &Host {
        self.ip.as_ref().unwrap_or(&self.host)
    }

    fn address(&self) -> Option<IpAddr> {
        self.ip().addr().map(Addr::ip)
    }

    /// The value of a tag; a name is asked for only now.
    pub(super) fn value(&self, tag: &str, moment: &Moment) -> Option<Cow<'_, str>> {
        if let Some(name) = tag.strip_prefix("F-") {
            return self.field(name);
        }
        let past = |past: &Option<Past>| past.as_ref().map(|past| past.matches.join("\n"));
        let failures = |past: &Option<Past>| {
            past.as_ref().map_or(u64::from(self.failures), |past| past.failures).to_string()
        };
        Some(match tag {
            "ip" => self.ip().to_string().into(),
            "fid" => self.host.to_string().into(),
            "ip-rev" => self.ip().addr().map(reversed).unwrap_or_default().into(),
            "ip-host" => self.address().and_then(name_of).map_or("None".into(), Cow::from),
            "failures" => self.failures.to_string().into(),
            "time" => self.time().into(),
            "bantime" => bantime(self.bantime).into(),
            "bancount" => self.bancount.to_string().into(),
            "restored" => if self.is_restored { "1" } else { "0" }.into(),
            "matches" => self.matches().into(),
            "ipmatches" => past(&self.anywhere).unwrap_or_else(|| self.matches()).into(),
            "ipjailmatches" => past(&self.in_jail).unwrap_or_else(|| self.matches()).into(),
            "ipfailures" => failures(&self.anywhere).into(),
            "ipjailfailures" => failures(&self.in_jail).into(),
            "raw-ticket" => self.raw().into(),
            _ => return moment.of_all(tag),
        })
    }

    fn matches(&self) -> String {
        self.matches.join("\n")
    }

    /// As fail2ban has it: of a ban out of its database whole seconds.
    fn time(&self) -> String {
        if self.is_restored { self.at.secs().to_string() } else { seconds(self.at) }
    }

    /// What was captured under a name; nothing if it wasn't. A name in small letters is no tag.
    fn field(&self, name: &str) -> Option<Cow<'_, str>> {
        if name == "*" {
            return Some(self.data().into());
        }
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
        if !name.chars().all(is_part) {
            return None;
        }
        let name = match name {
            "ID" => "fid".to_owned(),
            "PORT" => "fport".to_owned(),
            other => other.to_lowercase(),
        };
        let found = self.fields.iter().find(|(known, _)| *known == name);
        Some(found.map_or("".into(), |(_, value)| value.as_str().into()))
    }

    /// All of it, as Python writes it.
    fn data(&self) -> String {
        let (lines, failures) = (self.lines(), self.failures);
        let mut out = format!("{{'matches': {lines}, 'failures': {failures}");
        for (name, value) in &self.fields {
            let _ = write!(out, ", {}: {}", quoted(name), quoted(value));
        }
        out + "}"
    }

    fn lines(&self) -> String {
        let lines: Vec<_> = self.matches.iter().map(|line| quoted(line)).collect();
        format!("[{}]", lines.join(", "))
    }

    fn raw(&self) -> String {
        format!(
            "BanTicket: ip={} time={} bantime={} bancount={} #attempts={} matches={}",
            self.ip(),
            self.time(),
            bantime(self.bantime),
            self.bancount,
            self.failures,
            self.lines()
        )
    }
}
