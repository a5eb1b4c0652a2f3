//! Bans as those tools print them, and read them: `ipset restore`, `nft -f`.

use std::io::{self, Write};

use super::Dump;
use crate::model::{Ban, Family, Time, Zone};

/// As long as a set of ipset can remember: 2^31 milliseconds and some more.
const IPSET_MAX_SECS: i64 = 2_147_483;

/// As `fail2ban-client` shows the end of a ban that has none.
const NEVER: &str = "9999-12-31 23:59:59";

/// A dump that is written ban by ban, in the order of jails and hosts; nothing before the first of them, or the end.
pub struct DumpWriter<'o> {
    dump: Dump,
    out: &'o mut dyn Write,
    now: Time,
    zone: Zone,
    /// Whose bans are being written.
    open: Option<(String, Option<Family>)>,
}

impl<'o> DumpWriter<'o> {
    /// A dump of bans in force at `now`; times without a zone are of `zone`.
    pub fn new(dump: Dump, now: Time, zone: Zone, out: &'o mut dyn Write) -> Self {
        Self { dump, out, now, zone, open: None }
    }

    /// Writes the next ban. Sets hold no names.
    pub fn ban(&mut self, ban: &Ban) -> io::Result<()> {
        let family = ban.host.addr().map(crate::model::Addr::family);
        match (self.dump, family) {
            (Dump::Ipset | Dump::Nft, None) => Ok(()),
            (Dump::Ipset, Some(family)) => self.ipset(ban, family),
            (Dump::Nft, Some(family)) => self.nft(ban, family),
            (Dump::Banned, _) => self.banned(ban),
            (Dump::Banip, _) => self.banip(ban),
        }
    }

    /// Ends it.
    pub fn end(self) -> io::Result<()> {
        match (self.dump, self.open) {
            (Dump::Nft, Some(_)) => writeln!(self.out, " }}\n\t}}\n}}"),
            (Dump::Banned, None) => writeln!(self.out, "[]"),
            (Dump::Banned, Some(_)) => writeln!(self.out, "]}}]"),
            _ => Ok(()),
        }
    }

    /// Whether these are the first of their jail and family.
    fn begins(&mut self, ban: &Ban, family: Option<Family>) -> bool {
        let is_open = |(jail, of): &(String, Option<Family>)| *jail == ban.jail && *of == family;
        let begins = !self.open.as_ref().is_some_and(is_open);
        if begins {
            self.open = Some((ban.jail.clone(), family));
        }
        begins
    }

    fn ipset(&mut self, ban: &Ban, family: Family) -> io::Result<()> {
        let (family_name, six) = match family {
            Family::Inet4 => ("inet", ""),
            Family::Inet6 => ("inet6", "6"),
        };
        let set = format!("f2b-{}{six}", name(&ban.jail));
        if self.begins(ban, Some(family)) {
            writeln!(
                self.out,
                "create {set} hash:net family {family_name} hashsize 1024 maxelem 16777216 timeout 0"
            )?;
        }
        let secs = self.left(ban).map_or(0, |secs| secs.min(IPSET_MAX_SECS));
        writeln!(self.out, "add {set} {} timeout {secs}", ban.host)
    }

    fn nft(&mut self, ban: &Ban, family: Family) -> io::Result<()> {
        let is_first = self.open.is_none();
        if self.begins(ban, Some(family)) {
            let (kind, six) = match family {
                Family::Inet4 => ("ipv4_addr", ""),
                Family::Inet6 => ("ipv6_addr", "6"),
            };
            let before = if is_first { "table inet f2b-table {\n" } else { " }\n\t}\n" };
            write!(
                self.out,
                "{before}\tset addr{six}-set-{} {{\n\t\ttype {kind}\n\t\tflags interval,timeout\n\t\telements = {{ ",
                name(&ban.jail)
            )?;
        } else {
            write!(self.out, ",\n\t\t\t     ")?;
        }
        match self.left(ban) {
            Some(secs) => write!(self.out, "{} timeout {secs}s", ban.host),
            None => write!(self.out, "{}", ban.host),
        }
    }

    fn banned(&mut self, ban: &Ban) -> io::Result<()> {
        let is_first = self.open.is_none();
        if self.begins(ban, None) {
            let before = if is_first { "[" } else { "]}, " };
            write!(self.out, "{before}{{{}: [", quoted(&ban.jail))?;
        } else {
            write!(self.out, ", ")?;
        }
        write!(self.out, "{}", quoted(&ban.host.to_string()))
    }

    fn banip(&mut self, ban: &Ban) -> io::Result<()> {
        let civil = |time: Time| self.zone.civil(time).format("%Y-%m-%d %H:%M:%S").to_string();
        let (secs, until) = match ban.until {
            Some(until) => ((until.micros() - ban.at.micros()) / 1_000_000, civil(until)),
            None => (-1, NEVER.to_owned()),
        };
        writeln!(self.out, "{} \t{} + {secs} = {until}", ban.host, civil(ban.at))
    }

    /// Seconds that are left, at least one; `None`: for ever.
    fn left(&self, ban: &Ban) -> Option<i64> {
        let left = ban.until?.micros() - self.now.micros();
        Some(((left + 999_999) / 1_000_000).max(1))
    }
}

/// A jail's name in a set's.
fn name(jail: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    jail.chars().map(|c| if is_plain(c) { c } else { '_' }).collect()
}

/// As Python shows a text.
fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let escaped: String = text
        .chars()
        .flat_map(|c| (c == '\\' || c == quote).then_some('\\').into_iter().chain([c]))
        .collect();
    format!("{quote}{escaped}{quote}")
}
