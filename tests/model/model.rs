//! Who must be banned: lines of a log, spans of time, no store.

use std::collections::BTreeMap;

/// What a jail is about.
pub(crate) struct Jail {
    pub(crate) name: &'static str,
    pub(crate) maxretry: u32,
    /// Seconds.
    pub(crate) bantime: i64,
}

/// Two jails on one log.
pub(crate) const JAILS: [Jail; 2] = [
    Jail { name: "quick", maxretry: 1, bantime: 45 * 60 },
    Jail { name: "slow", maxretry: 3, bantime: 24 * 3600 },
];

/// Failures come in the first minute of an hour only: those of an hour count together, those of different hours
/// never, whatever is extrapolated from them.
pub(crate) const FINDTIME: i64 = 600;

/// Who fails. All but the network fail in the log.
pub(crate) const HOSTS: [&str; 4] =
    ["198.51.100.1", "198.51.100.2", "2001:db8::7", "203.0.113.0/24"];

/// A ban; times are seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ban {
    pub(crate) jail: usize,
    pub(crate) host: usize,
    pub(crate) from: i64,
    /// `i64::MAX` for ever.
    pub(crate) end: i64,
    /// Whether somebody ended it.
    pub(crate) is_lifted: bool,
}

impl Ban {
    pub(crate) fn new(jail: usize, host: usize, from: i64, end: i64) -> Self {
        Self { jail, host, from, end, is_lifted: false }
    }
}

/// A failure in a log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    pub(crate) at: i64,
    pub(crate) host: usize,
    /// How often the log was rotated since.
    pub(crate) age: usize,
    /// Which jails know of it.
    pub(crate) known: [bool; 2],
}

/// Everything that ever happened.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    pub(crate) now: i64,
    pub(crate) lines: Vec<Line>,
    pub(crate) bans: Vec<Ban>,
    pub(crate) saved: Vec<Ban>,
}

impl Default for Model {
    /// At 10:30 of 20 November 2026.
    fn default() -> Self {
        Self { now: 1_795_170_600, lines: Vec::new(), bans: Vec::new(), saved: Vec::new() }
    }
}

impl Model {
    fn in_force(&self, jail: usize, host: usize) -> impl Iterator<Item = &Ban> {
        let covers = move |ban: &&Ban| ban.from <= self.now && self.now < ban.end;
        self.bans.iter().filter(move |ban| (ban.jail, ban.host) == (jail, host)).filter(covers)
    }

    /// Until when a host is banned in a jail now.
    fn until(&self, jail: usize, host: usize) -> Option<i64> {
        self.in_force(jail, host).map(|ban| ban.end).max()
    }

    /// Bans by hand: only for longer than the host is banned anyway.
    pub(crate) fn ban(&mut self, jail: usize, host: usize, end: i64) {
        if self.until(jail, host).is_none_or(|until| until < end) {
            self.unban(Some(jail), Some(host));
            self.bans.push(Ban::new(jail, host, self.now, end));
        }
    }

    /// Lifts bans, of everyone or in all jails where none is named.
    pub(crate) fn unban(&mut self, jail: Option<usize>, host: Option<usize>) {
        let now = self.now;
        let is_meant = |ban: &&mut Ban| {
            jail.is_none_or(|jail| jail == ban.jail) && host.is_none_or(|host| host == ban.host)
        };
        for ban in self.bans.iter_mut().filter(is_meant).filter(|ban| now < ban.end) {
            ban.end = now;
            ban.is_lifted = true;
        }
    }

    /// Takes listed bans that are not over, of hosts that are not banned.
    pub(crate) fn import(&mut self, listed: &[Ban]) {
        for ban in listed.iter().filter(|ban| self.now < ban.end) {
            if self.until(ban.jail, ban.host).is_none() {
                // What was lifted stays in the books as it was: whoever is on the list is banned anew.
                let is_known = |known: &Ban| {
                    (known.jail, known.host, known.from) == (ban.jail, ban.host, ban.from)
                };
                let from = if self.bans.iter().any(is_known) { self.now } else { ban.from };
                self.bans.push(Ban { from, ..*ban });
            }
        }
    }

    pub(crate) fn listed(&self) -> Vec<Ban> {
        let is_in_force = |ban: &&Ban| ban.from <= self.now && self.now < ban.end;
        self.bans.iter().filter(is_in_force).copied().collect()
    }

    /// Reads the log, or the rotated ones too, and bans for all that is known by then.
    pub(crate) fn scan(&mut self, jail: usize, oldest: usize) {
        for line in self.lines.iter_mut().filter(|line| line.age <= oldest) {
            line.known[jail] = true;
        }
        let mut failures: Vec<Line> =
            self.lines.iter().filter(|line| line.known[jail]).copied().collect();
        failures.sort_by_key(|line| line.at);
        let mut counts: BTreeMap<(usize, i64), u32> = BTreeMap::new();
        for Line { at, host, .. } in failures {
            let count = counts.entry((host, at / 3600)).or_default();
            *count += 1;
            if *count < JAILS[jail].maxretry {
                continue;
            }
            *count = 0;
            self.fail(jail, host, at);
        }
    }

    /// Enough failures for a ban. Of somebody who is banned they make that last longer, but for those that it began with,
    /// and those from before somebody lifted a ban of his.
    fn fail(&mut self, jail: usize, host: usize, at: i64) {
        let end = at + JAILS[jail].bantime;
        let mut his = self.bans.iter().filter(|ban| (ban.jail, ban.host) == (jail, host));
        let may_prolong = !his.any(|ban| ban.from == at || (ban.is_lifted && ban.end > at));
        let covers =
            |ban: &&mut Ban| (ban.jail, ban.host) == (jail, host) && ban.from <= at && at < ban.end;
        match self.bans.iter_mut().filter(covers).max_by_key(|ban| ban.end) {
            None => self.bans.push(Ban::new(jail, host, at, end)),
            Some(ban) if may_prolong => ban.end = ban.end.max(end),
            Some(_) => {}
        }
    }

    /// What the store forgets is read again if a log still has it; bans are what they were.
    pub(crate) fn purge(&mut self, before: i64) {
        for line in self.lines.iter_mut().filter(|line| line.at < before) {
            line.known = [false; 2];
        }
    }

    /// Who is banned in which jail, until when (`None` for ever).
    pub(crate) fn banned(&self) -> BTreeMap<(String, String), Option<i64>> {
        let mut banned = BTreeMap::new();
        for (jail, Jail { name, .. }) in JAILS.iter().enumerate() {
            for (host, text) in HOSTS.iter().enumerate() {
                if let Some(until) = self.until(jail, host) {
                    let until = Some(until).filter(|until| *until < i64::MAX);
                    banned.insert(((*name).to_owned(), (*text).to_owned()), until);
                }
            }
        }
        banned
    }
}
