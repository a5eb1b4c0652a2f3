//! The failures of a jail, from however many logs, decided in the order of their times.
//!
//! Logs are scanned one after the other, but a host that guesses at two services of one jail fails in
//! both at once. So failures are gathered first, sorted by time, and then judged by the same code that
//! judges live ones.

use std::sync::Arc;

use super::ignore::Ignore;
use super::jail::Jail;
use crate::decide::{Decision, Judge};
use crate::diag::Diagnostic;
use crate::model::{Ban, Host, Match, Origin, Time};

/// Gathers failures until all logs are read.
#[derive(Debug)]
pub struct Gathered {
    jail: Arc<Jail>,
    ignore: Ignore,
    /// Whether anyone is going to be banned.
    is_judged: bool,
    failures: Vec<(Time, Host)>,
}

impl Gathered {
    /// Nothing yet; without `is_judged` nobody is going to be banned, and nothing is asked or remembered for it.
    pub fn new(jail: Arc<Jail>, is_judged: bool) -> Self {
        let ignore = Ignore::new(Arc::clone(&jail));
        Self { jail, ignore, is_judged, failures: Vec::new() }
    }

    /// Whose they are.
    pub fn jail(&self) -> &Arc<Jail> {
        &self.jail
    }

    /// Takes the failures of a line, and from the line those that the jail ignores. One without a time can't be
    /// decided and is only recorded.
    pub fn take(&mut self, line: &mut Match, text: &[u8]) {
        let mut failures = std::mem::take(&mut line.failures);
        failures.retain(|host| {
            let is_ignored = self.ignore.lists(host)
                || (self.is_judged && self.ignore.ignores_failure(host, line, text));
            !is_ignored
        });
        line.failures = failures;
        // Half a line may name half an address; it counts once it is whole.
        if let Some(at) = line.time.filter(|_| self.is_judged && !line.is_unfinished) {
            self.failures.extend(line.failures.iter().map(|host| (at, host.clone())));
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
    /// jail's bans so far. Whoever would be banned is looked for once more in all that the jail ignores.
    pub fn decide(&mut self, earlier: Vec<(Host, Time)>, known: Vec<Ban>) -> Vec<Ban> {
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
        let Self { jail, ignore, failures, .. } = self;
        let decisions = failures.drain(..).filter_map(|(at, host)| judge.failure(host, at, 1));
        decisions
            .filter(|decision| decision.at >= first && !ignore.ignores_host(&decision.host))
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

    /// What kept questions from being answered.
    pub fn trouble(&self) -> Option<Diagnostic> {
        self.ignore.trouble()
    }
}
