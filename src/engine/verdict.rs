//! The failures of a jail, from however many logs, decided in the order of their times.
//!
//! Logs are scanned one after the other, but a host that guesses at two services of one jail fails in
//! both at once. So failures are gathered first, sorted by time, and then judged by the same code that
//! judges live ones.

use crate::decide::{Decision, IgnoreList, Judge, Rule, Verdict};
use crate::model::{Ban, Host, Origin, Time};

/// Gathers failures until all logs are read.
#[derive(Debug)]
pub struct Gathered {
    ignore: IgnoreList,
    failures: Vec<(Time, Host)>,
    /// Failures of hosts that the jail ignores.
    pub ignored: u64,
}

impl Gathered {
    /// Nothing yet; hosts that `ignore` covers are left out.
    pub fn new(ignore: IgnoreList) -> Self {
        Self { ignore, failures: Vec::new(), ignored: 0 }
    }

    /// Whether failures of this host count in the jail.
    pub fn counts(&self, host: &Host) -> bool {
        !matches!(self.ignore.check(host), Verdict::Ignored { .. })
    }

    /// Takes a dated failure; one without a time can't be decided and is only recorded.
    pub fn push(&mut self, host: &Host, at: Time) {
        if self.counts(host) {
            self.failures.push((at, host.clone()));
        } else {
            self.ignored += 1;
        }
    }

    /// Time of the earliest failure.
    pub fn first(&self) -> Option<Time> {
        self.failures.iter().map(|(at, _)| *at).min()
    }

    /// Judges everything in the order of time.
    ///
    /// `earlier` are failures of the same jail from before the first gathered one, oldest first: they
    /// fill the window, and bans that they alone lead to have been decided before. `known` are the
    /// jail's bans so far.
    pub fn decide(
        mut self,
        jail: &str,
        rule: Rule,
        earlier: Vec<(Host, Time)>,
        known: Vec<Ban>,
    ) -> Vec<Ban> {
        self.failures.sort_by_key(|(at, _)| *at);
        let Some(first) = self.failures.first().map(|(at, _)| *at) else { return Vec::new() };
        let known = known.into_iter().map(|ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            (ban.host, ban.at, end)
        });
        let mut judge = Judge::with_bans(rule, known);
        for (host, at) in earlier {
            // Decided when it was read.
            let _ = judge.failure(host, at, 1);
        }
        let decisions =
            self.failures.into_iter().filter_map(|(at, host)| judge.failure(host, at, 1));
        decisions
            .filter(|decision| decision.at >= first)
            .map(|Decision { host, at, until, failures, .. }| Ban {
                host,
                jail: jail.to_owned(),
                at,
                until,
                origin: Origin::Scan,
                failures,
                ended: None,
            })
            .collect()
    }
}
