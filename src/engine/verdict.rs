//! The failures of a jail, from however many logs, decided in the order of their times.
//!
//! Logs are scanned one after the other, but a host that guesses at two services of one jail fails in
//! both at once. So failures are gathered first, sorted by time, and then judged by the same code that
//! judges live ones.

use std::sync::Arc;

use super::jail::Jail;
use crate::decide::{Decision, Judge};
use crate::model::{Ban, Host, Matches, Origin, Time};

/// Gathers failures until all logs are read.
#[derive(Debug)]
pub struct Gathered {
    jail: Arc<Jail>,
    failures: Vec<(Time, Host)>,
}

impl Gathered {
    /// Nothing yet.
    pub fn new(jail: Arc<Jail>) -> Self {
        Self { jail, failures: Vec::new() }
    }

    /// Whose they are.
    pub fn jail(&self) -> &Arc<Jail> {
        &self.jail
    }

    /// Takes failures that the jail doesn't ignore. One without a time can't be decided and is only recorded.
    pub fn take(&mut self, matches: &Matches) {
        for line in &matches.lines {
            // Half a line may name half an address; it counts once it is whole.
            if let Some(at) = line.time.filter(|_| !line.is_unfinished) {
                self.failures.extend(line.failures.iter().map(|host| (at, host.clone())));
            }
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
    /// jail's bans so far. Whoever would be banned is looked for once more in all that the jail ignores, as
    /// of `now`.
    pub fn decide(&mut self, earlier: Vec<(Host, Time)>, known: Vec<Ban>, now: Time) -> Vec<Ban> {
        self.failures.sort_by_key(|(at, _)| *at);
        let Some(first) = self.failures.first().map(|(at, _)| *at) else { return Vec::new() };
        let known = known.into_iter().map(|ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            (ban.host, ban.at, end)
        });
        let mut judge = Judge::with_bans(self.jail.rule, known);
        for (host, at) in earlier {
            // Decided when it was read.
            let _ = judge.failure(host, at, 1);
        }
        let Self { jail, failures } = self;
        let decisions = failures.drain(..).filter_map(|(at, host)| judge.failure(host, at, 1));
        let decisions: Vec<_> = decisions.filter(|decision| decision.at >= first).collect();
        // All are asked before one answer is waited for.
        for decision in &decisions {
            jail.ignore.ask_about_host(&decision.host, now);
        }
        decisions
            .into_iter()
            .filter(|decision| !jail.ignore.ignores_host(&decision.host, now))
            .map(|Decision { host, at, until, failures, .. }| Ban {
                host,
                jail: jail.name.clone(),
                at,
                until,
                origin: Origin::Scan,
                failures,
                ended: None,
            })
            .collect()
    }
}
