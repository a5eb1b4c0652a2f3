//! Counting failures per host: when do they make a ban?
//!
//! fail2ban's arithmetic (1.0.2, and master of 2026), which `tests/conformance_decide.rs` compares:
//! not a window that forgets, but an extrapolation of the rate. When the first failure of a host
//! lies further back than `findtime`, its count is scaled to what the same rate gives in one
//! `findtime`, rounded half to even: with a `maxretry` of 5 and a `findtime` of 600, failures at 0, 100,
//! 200, 900, 1000 and 1050 count 1, 2, 3, 3, 4 and 5, a ban, though only three lie within 600 seconds.
//!
//! Hosts without a failure for `findtime` are forgotten now and then, and when that is decides what
//! their next failure makes. fail2ban does it after 100 lines or 5 seconds of its clock. Here the
//! log alone decides: after every 100th failure, as of the earliest time among those 100, so that
//! a single line with a date in the future doesn't make every host forgotten.

use std::collections::HashMap;
use std::hash::Hash;

use super::Rule;
use crate::model::Time;

/// A sweep follows so many failures.
const SWEEP_FAILURES: u32 = 100;

/// The failures of one host that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// When the period that `failures` stands for began.
    pub first: Time,
    /// The latest failure, by the log's time.
    pub last: Time,
    /// How many failures there were, or at that rate would have been, between the two.
    pub failures: u32,
}

/// The failures of all hosts of one jail.
///
/// **Memory**: remembered are the hosts that are neither banned nor swept; those that can be swept
/// are removed at the latest when they are more than the others and 100. That is about 60 bytes for
/// each host that failed in the last `findtime` of the log, times two.
///
/// **Time**: a failure costs one look-up; removing costs a constant more on average.
///
/// Times need not be in order. A late failure counts and changes no time.
#[derive(Clone, Debug)]
pub struct FailureWindow<H> {
    rule: Rule,
    hosts: HashMap<H, Counted, foldhash::fast::RandomState>,
    sweeps: Sweeps,
    /// The failures since the last sweep, and the earliest of them.
    since_sweep: u32,
    earliest: Time,
    /// When there are so many hosts, those swept are removed.
    prune_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    ticket: Ticket,
    /// The sweeps there had been when the ticket last changed.
    sweeps: u64,
}

impl<H: Hash + Eq> FailureWindow<H> {
    /// No failures.
    pub fn new(rule: Rule) -> Self {
        Self {
            rule,
            hosts: HashMap::default(),
            sweeps: Sweeps::default(),
            since_sweep: 0,
            earliest: Time::from_micros(i64::MAX),
            prune_at: SWEEP_FAILURES as usize,
        }
    }

    /// Counts a failure `weight` times (at least once). If that makes `maxretry`, gives the ticket
    /// and forgets the host.
    pub fn failure(&mut self, host: H, at: Time, weight: u32) -> Option<Ticket> {
        let ticket = self.count(host, at, weight.max(1));
        self.earliest = self.earliest.min(at);
        self.since_sweep += 1;
        if self.since_sweep == SWEEP_FAILURES {
            self.sweep(self.earliest);
        }
        ticket
    }

    fn count(&mut self, host: H, at: Time, weight: u32) -> Option<Ticket> {
        use std::collections::hash_map::Entry;
        let fresh = Ticket { first: at, last: at, failures: weight };
        let sweeps = self.sweeps.count;
        match self.hosts.entry(host) {
            Entry::Vacant(_) if weight >= self.rule.maxretry => Some(fresh),
            Entry::Vacant(vacant) => {
                vacant.insert(Counted { ticket: fresh, sweeps });
                None
            }
            Entry::Occupied(mut occupied) => {
                let counted = occupied.get_mut();
                if self.sweeps.covers(counted) {
                    counted.ticket = fresh;
                } else {
                    counted.ticket.add(at, weight, self.rule.findtime_us);
                }
                counted.sweeps = sweeps;
                let ticket = counted.ticket;
                (ticket.failures >= self.rule.maxretry).then(|| {
                    // The count starts from zero, and goes on while the host is banned, as in fail2ban: six
                    // failures at a `maxretry` of 4 are a ban, and two towards the next.
                    occupied.remove();
                    ticket
                })
            }
        }
    }

    /// Forgets the hosts whose last failure is `findtime` before `now`, or longer ago. Happens by
    /// itself every 100 failures; a daemon adds what its clock says.
    pub fn sweep(&mut self, now: Time) {
        self.since_sweep = 0;
        self.earliest = Time::from_micros(i64::MAX);
        // A host whose last failure is exactly `findtime` ago is forgotten, too: fail2ban's limit.
        self.sweeps.add(now.plus_micros(self.rule.findtime_us.saturating_neg()));
        if self.hosts.len() >= self.prune_at {
            self.hosts.retain(|_, counted| !self.sweeps.covers(counted));
            // Whoever is left has outlived every sweep so far.
            self.sweeps.limits.clear();
            self.prune_at = 2 * self.hosts.len() + SWEEP_FAILURES as usize;
        }
    }

    /// The hosts in memory, including those swept and not yet removed.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether no host is in memory.
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }
}

impl Ticket {
    /// One more failure. A late one counts in full, however old, and scales nothing, as in fail2ban: 1000,
    /// 500 and 400 are three failures even for a `findtime` of 100.
    fn add(&mut self, at: Time, weight: u32, findtime_us: i64) {
        if at > self.last {
            let start = at.plus_micros(findtime_us.saturating_neg());
            if self.first < start {
                let span_us = at.micros().saturating_sub(self.first.micros());
                self.failures = scaled(self.failures, span_us, findtime_us);
                self.first = start;
            }
            self.last = at;
        }
        self.failures = self.failures.saturating_add(weight);
    }
}

/// `failures` in `span_us` as failures in `findtime_us`, rounded half to even.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates; smaller than `failures`, as the span is longer than findtime"
)]
fn scaled(failures: u32, span_us: i64, findtime_us: i64) -> u32 {
    // fail2ban's operations in fail2ban's order and unit: other orders round otherwise.
    let (span, findtime) = (span_us as f64 / 1e6, findtime_us as f64 / 1e6);
    (f64::from(failures) / span * findtime).round_ties_even() as u32
}

/// The sweeps whose hosts have not been removed yet.
///
/// A sweep only notes its time limit; whether a ticket has been swept is seen when its host fails
/// again. So a sweep costs nothing, however many hosts there are.
#[derive(Clone, Debug, Default)]
struct Sweeps {
    /// How many there have been.
    count: u64,
    /// Number and limit of sweeps, limits strictly falling: an earlier sweep with a lower limit
    /// removes nothing that the later doesn't. One element as long as the log's time runs forward.
    limits: Vec<(u64, Time)>,
}

impl Sweeps {
    fn add(&mut self, limit: Time) {
        self.count += 1;
        while self.limits.last().is_some_and(|(_, earlier)| *earlier <= limit) {
            self.limits.pop();
        }
        self.limits.push((self.count, limit));
    }

    /// Whether a sweep since the ticket's last change found it outdated.
    fn covers(&self, counted: &Counted) -> bool {
        let later = self.limits.partition_point(|(number, _)| *number <= counted.sweeps);
        self.limits.get(later).is_some_and(|(_, limit)| counted.ticket.last <= *limit)
    }
}

#[cfg(test)]
mod tests;
