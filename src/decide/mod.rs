//! A failure and a time become a decision: ban, or not yet.
//!
//! In go hosts with the time of their failure, in the order of the log; out come [`Decision`]s. Here
//! is no clock, no file and no network: what would need one is a parameter (an own address, the
//! contents of an ignore file) or an answer (look this name up first). So a decision can be replayed
//! from the log at any time, and `f2b scan` and the daemon decide alike.
//!
//! * [`FailureWindow`]: is it `maxretry` within `findtime`? The arithmetic is fail2ban's.
//! * [`Judge`]: the window, and who is banned already.
//! * [`Increment`]: how much longer is the next ban of the same host? [`Formula`] is the language of
//!   `bantime.formula`.
//! * [`IgnoreList`]: whose failures don't count. The judge doesn't ask it; the engine does, before.

mod ban;
mod doubt;
mod formula;
mod ignore;
mod increment;
mod window;

use std::hash::Hash;

pub use formula::{Formula, FormulaError, Variables};
pub use ignore::{IGNORESELF, IgnoreList, Listed, spelled};
pub use increment::{Increment, IncrementOptions};
pub use window::{FailureWindow, Ticket};

use crate::model::{BanTime, Time};

/// What a jail demands for a ban, and how long that lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// So many failures make a ban; 0 is as good as 1.
    pub maxretry: u32,
    /// The failures of so many microseconds count together.
    pub findtime_us: i64,
    /// How long a ban lasts.
    pub bantime: BanTime,
}

/// A host is to be banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<H> {
    /// Who.
    pub host: H,
    /// From when: the time of the latest failure.
    pub at: Time,
    /// Until when; `None` for good.
    pub until: Option<Time>,
    /// How many failures led to it, as [`Ticket`] counts them.
    pub failures: u32,
    /// When the period of these failures began.
    pub first: Time,
}

/// Decides the bans of one jail.
///
/// A failure of a host that is banned already counts as any other (it may come from a line written
/// late, or from a log of a time when nobody banned), but leads to no second ban while the first
/// lasts.
///
/// **Memory**: that of [`FailureWindow`], and 24 bytes for each ban until [`forget`](Self::forget).
///
/// ```
/// use f2b::decide::{Judge, Rule};
/// use f2b::model::{BanTime, Time};
///
/// let rule = Rule { maxretry: 2, findtime_us: 600_000_000, bantime: BanTime::Micros(60_000_000) };
/// let mut judge = Judge::new(rule);
/// assert!(judge.failure("host", Time::from_secs(10), 1).is_none());
/// let ban = judge.failure("host", Time::from_secs(20), 1).unwrap();
/// assert_eq!(ban.until, Some(Time::from_secs(80)));
/// ```
#[derive(Clone, Debug)]
pub struct Judge<H> {
    rule: Rule,
    window: FailureWindow<H>,
    bans: ban::Bans<H>,
}

impl<H: Hash + Eq + Clone> Judge<H> {
    /// No failures, nobody banned.
    pub fn new(rule: Rule) -> Self {
        Self::with_bans(rule, [])
    }

    /// No failures, but these bans of the jail: host, beginning, real end (`None`: lasting for
    /// good). Past bans belong here too if older logs are going to be read.
    pub fn with_bans(rule: Rule, bans: impl IntoIterator<Item = (H, Time, Option<Time>)>) -> Self {
        let mut judge = Self { rule, window: FailureWindow::new(rule), bans: ban::Bans::default() };
        for (host, at, until) in bans {
            judge.bans.add(host, at, until);
        }
        judge
    }

    /// Counts a failure `weight` times (at least once); times may come in any order. A ban lasts as
    /// long as the rule says.
    pub fn failure(&mut self, host: H, at: Time, weight: u32) -> Option<Decision<H>> {
        let bantime = self.rule.bantime;
        self.failure_lasting(host, at, weight, |_, _| bantime)
    }

    /// As [`failure`](Self::failure), but a ban lasts as long as `length` says of this host, banned
    /// from that time on: in a jail whose bans get longer, [`Increment::length`] with the number of
    /// the host's bans from before that time.
    ///
    /// `length` is asked only when there is a ban. The judge doesn't count for it: it may have been
    /// given only the bans that can still matter, and bans of other jails may count as well. Whoever
    /// counts must not overlook what this judge has decided and nobody has stored yet.
    pub fn failure_lasting(
        &mut self,
        host: H,
        at: Time,
        weight: u32,
        length: impl FnOnce(&H, Time) -> BanTime,
    ) -> Option<Decision<H>> {
        let Ticket { first, last: at, failures } = self.window.failure(host.clone(), at, weight)?;
        if self.bans.is_banned(&host, at) {
            return None;
        }
        let until = length(&host, at).until(at);
        self.bans.add(host.clone(), at, until);
        Some(Decision { host, at, until, failures, first })
    }

    /// Whether the host is banned in this jail at that time.
    pub fn is_banned(&self, host: &H, at: Time) -> bool {
        self.bans.is_banned(host, at)
    }

    /// Forgets failures and bans that are over by `now`, once `findtime` has passed since: for a
    /// daemon, which lives longer than a scan. Failures from before are then judged as if these
    /// bans had not been.
    pub fn forget(&mut self, now: Time) {
        self.window.sweep(now);
        self.bans.forget(now.plus_micros(self.rule.findtime_us.saturating_neg()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rule(maxretry: u32, findtime: i64, bantime: i64) -> Rule {
        let bantime = BanTime::Micros(bantime * 1_000_000);
        Rule { maxretry, findtime_us: findtime * 1_000_000, bantime }
    }

    /// The times at which a host with failures at `times` is banned.
    fn bans(rule: Rule, times: &[i64]) -> Vec<i64> {
        let mut judge = Judge::new(rule);
        let decisions = times.iter().filter_map(|t| judge.failure(1, Time::from_secs(*t), 1));
        decisions.map(|decision| decision.at.secs()).collect()
    }

    #[test]
    fn a_decision_tells_the_period_of_its_failures() {
        let mut judge = Judge::new(rule(3, 600, 60));
        judge.failure("a", Time::from_secs(0), 1);
        judge.failure("b", Time::from_secs(5), 2);
        judge.failure("a", Time::from_secs(10), 1);
        let decision = judge.failure("a", Time::from_secs(20), 1).unwrap();
        assert_eq!(
            decision,
            Decision {
                host: "a",
                at: Time::from_secs(20),
                until: Some(Time::from_secs(80)),
                failures: 3,
                first: Time::from_secs(0),
            }
        );
    }

    #[test]
    fn a_banned_host_is_not_banned_twice() {
        assert_eq!(bans(rule(2, 600, 60), &[0, 1, 2, 3, 50, 60, 61, 62]), [1, 62]);
        assert_eq!(bans(rule(2, 600, 60), &[0, 1, 60, 61]), [1, 61]);
    }

    #[test]
    fn a_permanent_ban_is_the_last() {
        let rule = Rule { bantime: BanTime::Permanent, ..rule(1, 600, 0) };
        assert_eq!(bans(rule, &[0, 1, 1_000_000_000]), [0]);
    }

    #[test]
    fn a_ban_of_no_time_bans_each_time() {
        assert_eq!(bans(rule(1, 600, 0), &[0, 0, 1]), [0, 0, 1]);
    }

    #[test]
    fn known_bans_are_respected() {
        let mut judge = Judge::with_bans(
            rule(1, 600, 60),
            [
                ("a", Time::from_secs(100), Some(Time::from_secs(200))),
                ("b", Time::from_secs(0), None),
            ],
        );
        assert!(judge.failure("a", Time::from_secs(99), 1).is_some());
        assert!(judge.failure("a", Time::from_secs(180), 1).is_none());
        assert!(judge.failure("a", Time::from_secs(200), 1).is_some());
        assert!(judge.failure("b", Time::from_secs(1_000_000), 1).is_none());
    }

    #[test]
    fn a_known_host_is_banned_sooner_and_for_longer() {
        let rule = rule(4, 600, 60);
        let increment = Increment::compile(IncrementOptions::default()).unwrap();
        let mut judge = Judge::new(rule);
        let mut earlier = 0;
        let mut bans = Vec::new();
        for t in 0..20 {
            let at = Time::from_secs(100 * t);
            let weight = Increment::weight(earlier, rule.maxretry);
            let length = |_: &_, _| increment.length(rule.bantime, earlier, 0.0);
            if let Some(decision) = judge.failure_lasting("a", at, weight, length) {
                earlier += 1;
                bans.push((decision.at.secs(), decision.until.map(Time::secs)));
            }
        }
        // Four failures, two that count twice, two that count three times; then one is enough.
        let expected = [(300, 360), (500, 620), (700, 940), (1000, 1480), (1500, 2460)];
        assert_eq!(bans, expected.map(|(at, until)| (at, Some(until))));
    }

    #[test]
    fn bans_are_forgotten_when_a_late_failure_can_no_longer_meet_them() {
        let mut judge = Judge::new(rule(1, 600, 60));
        judge.failure("a", Time::from_secs(0), 1);
        judge.forget(Time::from_secs(659));
        assert!(judge.is_banned(&"a", Time::from_secs(59)));
        judge.forget(Time::from_secs(660));
        assert!(!judge.is_banned(&"a", Time::from_secs(59)));
    }
}
