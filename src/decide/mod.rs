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
    /// The ban that lasts until then from now on; `None`: this is a new one.
    pub prolongs: Option<Prolonged>,
}

/// A ban that comes to last longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prolonged {
    /// When it began.
    pub at: Time,
    /// When it would have been over.
    pub until: Time,
}

impl Rule {
    /// Whether a ban of the jail's `bantime` from `at` on would last longer than until `until`.
    ///
    /// fail2ban's rule (1.0.2) for a host that fails so often again that it would be banned if it weren't: then its ban
    /// lasts until there. `bantime` itself counts, whatever `bantime.increment` and its relatives say. DIFFERS: there
    /// it is known in memory only, and nobody who keeps the host out is told.
    pub fn outlasts(&self, at: Time, until: Option<Time>) -> bool {
        until.is_some_and(|until| self.bantime.until(at).is_none_or(|own| own > until))
    }
}

/// Decides the bans of one jail.
///
/// A failure of a host that is banned already counts as any other (it may come from a line written
/// late, or from a log of a time when nobody banned), but leads to no second ban while the first
/// lasts: it may make that one longer ([`Rule::outlasts`]).
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

    /// An administrator ended a ban of the host: what it did before makes none longer.
    pub fn lifted(&mut self, host: H, at: Time) {
        self.bans.lifted(host, at);
    }

    /// Counts a failure of which it was decided before what it leads to by itself.
    pub fn count(&mut self, host: H, at: Time, weight: u32) {
        let _ = self.window.failure(host, at, weight);
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
        let (until, prolongs) = if let Some(ban) = self.bans.last_to_end(&host, at) {
            if !ban.may_grow || !self.rule.outlasts(at, ban.until) {
                return None;
            }
            let until = self.rule.bantime.until(at);
            (until, self.bans.prolong(&host, ban.at, until))
        } else {
            let until = length(&host, at).until(at);
            self.bans.add(host.clone(), at, until);
            (until, None)
        };
        Some(Decision { host, at, until, failures, first, prolongs })
    }

    /// Whether the host is banned in this jail at that time.
    pub fn is_banned(&self, host: &H, at: Time) -> bool {
        self.bans.last_to_end(host, at).is_some()
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
        let bans = decisions(rule, times).into_iter().filter(|(.., prolongs)| prolongs.is_none());
        bans.map(|(at, ..)| at).collect()
    }

    /// When it is banned, or for longer, until when, and until when it was before.
    fn decisions(rule: Rule, times: &[i64]) -> Vec<(i64, Option<i64>, Option<i64>)> {
        let mut judge = Judge::new(rule);
        let decisions = times.iter().filter_map(|t| judge.failure(1, Time::from_secs(*t), 1));
        let told = decisions.map(|decision| {
            let before = decision.prolongs.map(|ban| ban.until.secs());
            (decision.at.secs(), decision.until.map(Time::secs), before)
        });
        told.collect()
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
                prolongs: None,
            }
        );
    }

    #[test]
    fn a_banned_host_is_not_banned_twice() {
        assert_eq!(bans(rule(2, 600, 60), &[0, 1, 2, 3, 50, 60, 61, 62, 122, 123, 124]), [1, 123]);
        assert_eq!(bans(rule(2, 600, 60), &[0, 1, 60, 61]), [1, 61]);
    }

    #[test]
    fn a_banned_host_that_would_be_banned_again_is_so_for_longer() {
        let found = decisions(rule(2, 600, 60), &[0, 1, 2, 3, 50, 60, 61, 62, 122]);
        let expected =
            [(1, 61, None), (3, 63, Some(61)), (60, 120, Some(63)), (62, 122, Some(120))];
        assert_eq!(found, expected.map(|(at, until, before)| (at, Some(until), before)));
        // Failures of the very second of its ban led to it.
        assert_eq!(decisions(rule(1, 600, 60), &[0, 0, 0]), [(0, Some(60), None)]);
    }

    #[test]
    fn a_ban_that_lasts_longer_than_bantime_is_prolonged_in_its_last_bantime() {
        let mut judge = Judge::new(rule(1, 600, 60));
        let second = Time::from_secs;
        judge.failure_lasting("a", second(0), 1, |_, _| BanTime::Micros(600_000_000));
        assert!(judge.failure("a", second(540), 1).is_none());
        let longer = judge.failure("a", second(541), 1).unwrap();
        assert_eq!(longer.until, Some(second(601)));
        assert_eq!(longer.prolongs, Some(Prolonged { at: second(0), until: second(600) }));
    }

    #[test]
    fn what_a_host_did_before_its_ban_was_lifted_makes_none_longer() {
        let second = Time::from_secs;
        let bans = [("a", second(0), Some(second(50))), ("a", second(10), Some(second(60)))];
        let mut judge = Judge::with_bans(rule(1, 600, 60), bans);
        judge.lifted("a", second(60));
        assert!(judge.failure("a", second(59), 1).is_none());
        assert!(judge.failure("a", second(60), 1).unwrap().prolongs.is_none());
        assert!(judge.failure("a", second(61), 1).unwrap().prolongs.is_some());
    }

    #[test]
    fn a_jail_that_bans_for_good_by_now_prolongs_for_good() {
        let rule = Rule { bantime: BanTime::Permanent, ..rule(1, 600, 0) };
        let second = Time::from_secs;
        let mut judge = Judge::with_bans(rule, [("a", second(0), Some(second(50)))]);
        assert_eq!(judge.failure("a", second(40), 1).unwrap().until, None);
        assert!(judge.failure("a", second(41), 1).is_none());
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
        assert!(judge.failure("a", Time::from_secs(140), 1).is_none());
        assert!(judge.failure("a", Time::from_secs(200), 1).unwrap().prolongs.is_none());
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
            if let Some(decision) = judge.failure_lasting("a", at, weight, length)
                && decision.prolongs.is_none()
            {
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
