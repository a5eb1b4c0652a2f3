//! The failures of a jail, from however many logs, decided in the order of their times.
//!
//! Logs are scanned one after the other, but a host that guesses at two services of one jail fails in
//! both at once. So failures are gathered first, sorted by time, and then judged by the same code that
//! judges live ones.

use std::sync::Arc;

use super::jail::Jail;
use super::past::Past;
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
    /// fill the window, and bans that they alone lead to have been decided before. `known` are the bans so
    /// far, of this jail and, if it counts them, of all. Whoever would be banned is looked for once more in all
    /// that the jail ignores, as of `now`.
    pub fn decide(&mut self, earlier: Vec<(Host, Time)>, known: &[Ban], now: Time) -> Vec<Ban> {
        self.failures.sort_by_key(|(at, _)| *at);
        let Some(first) = self.failures.first().map(|(at, _)| *at) else { return Vec::new() };
        let Self { jail, failures } = self;
        let mut past = Past::of(jail, known.iter());
        let own = known.iter().filter(|ban| ban.jail == jail.name).map(|ban| {
            let end = ban.ended.map_or(ban.until, |(at, _)| Some(at));
            (ban.host.clone(), ban.at, end)
        });
        let mut judge = Judge::with_bans(jail.rule, own);
        for (host, at) in earlier {
            let weight = past.weight(jail, &host, at);
            // Decided when it was read.
            let _ = judge.failure(host, at, weight);
        }
        let mut decisions = Vec::new();
        for (at, host) in failures.drain(..) {
            let weight = past.weight(jail, &host, at);
            let length = |host: &Host, at| past.length(jail, host, at);
            if let Some(decision) = judge.failure_lasting(host, at, weight, length)
                && decision.at >= first
            {
                past.add(&decision.host, decision.at);
                decisions.push(decision);
            }
        }
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
