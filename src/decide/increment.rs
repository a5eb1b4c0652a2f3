//! How long a host is banned that has been banned before: `bantime.increment` and its relatives.
//!
//! fail2ban's arithmetic (1.0.2), which `tests/conformance_increment.rs` compares. What it does around it, seen by
//! running it:
//!
//! * The first ban lasts `bantime`, whatever the other options say: neither `maxtime` nor `rndtime` applies to it.
//! * A jail without a `bantime` above zero, thus one that bans for good, increments nothing.
//! * The ban is carried out first, by the thread of the actions, and looked up in the database next, by another,
//!   the observer. In most runs `actionban` is told `bantime` and a count of 1, in some the final length: whoever
//!   comes first. `actionprolong` follows up to ten seconds later, for actions that have one; a set of the kernel
//!   whose entries have a timeout, and whose action has none, forgets the host after `bantime`. Here the length is
//!   known before anyone is banned.
//! * A formula that fails (a division by zero) leaves the ban as it is: it lasts `bantime`. The ban counts all
//!   the same.
//! * A ban that is restored after a restart is not made longer, and not counted again; if it is longer than
//!   `maxtime` has become, it is cut to that.
//! * The failures of a host that was banned before weigh more: [`Increment::weight`].
//! * A host that is unbanned by hand is forgotten, and begins anew.
//! * With `overalljails` it adds up what each jail's last ban had been told the sum was: bans that alternate between
//!   two jails are numbered 1, 2, 4, 7. DIFFERS: whoever asks here gives the number of bans that there were.

use super::formula::{Formula, FormulaError, Variables};
use crate::model::BanTime;

/// The options of a jail whose bans get longer.
#[derive(Clone, Debug, PartialEq)]
pub struct IncrementOptions<'t> {
    /// `bantime.factor`; 1 if it isn't set. A value such as `2.0 / 2.885385` is read by [`Formula::constant`].
    pub factor: f64,
    /// `bantime.formula`; if it isn't set, the length doubles with each ban, twenty times.
    pub formula: Option<&'t str>,
    /// `bantime.multipliers`; if there are any, the formula is not used.
    pub multipliers: Vec<i64>,
    /// `bantime.maxtime`, in microseconds; -1 second makes all but the first ban last for good.
    pub maxtime_us: Option<i64>,
    /// `bantime.rndtime`, in microseconds.
    pub rndtime_us: Option<i64>,
    /// `bantime.overalljails`.
    pub overalljails: bool,
}

impl Default for IncrementOptions<'_> {
    fn default() -> Self {
        Self {
            factor: 1.0,
            formula: None,
            multipliers: Vec::new(),
            maxtime_us: None,
            rndtime_us: None,
            overalljails: false,
        }
    }
}

/// How the bans of a jail get longer.
///
/// ```
/// use f2b::decide::{Increment, IncrementOptions};
/// use f2b::model::BanTime;
///
/// let increment = Increment::compile(IncrementOptions { factor: 2.0, ..IncrementOptions::default() })?;
/// let minute = BanTime::Micros(60_000_000);
/// assert_eq!(increment.length(minute, 0, 0.5), minute);
/// assert_eq!(increment.length(minute, 3, 0.5), BanTime::Micros(960_000_000));
/// # Ok::<(), f2b::decide::FormulaError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Increment {
    growth: Growth,
    factor: f64,
    maxtime_us: Option<i64>,
    rndtime_us: i64,
    overalljails: bool,
}

#[derive(Clone, Debug)]
enum Growth {
    Doubling,
    Formula(Formula),
    /// One per number of earlier bans, the last for all beyond; at least one.
    Multipliers(Vec<i64>),
}

/// The length doubles so often.
const DOUBLINGS_MAX: u32 = 20;

/// A length of -1 second is one without end.
const PERMANENT_SECS: f64 = -1.0;

const MICROS: f64 = 1e6;

impl Increment {
    /// Puts the options together. A formula is read even if multipliers take its place, as fail2ban does.
    pub fn compile(options: IncrementOptions<'_>) -> Result<Self, FormulaError> {
        let formula = options.formula.map(Formula::parse).transpose()?;
        let growth = match formula {
            _ if !options.multipliers.is_empty() => Growth::Multipliers(options.multipliers),
            Some(formula) => Growth::Formula(formula),
            None => Growth::Doubling,
        };
        Ok(Self {
            growth,
            factor: options.factor,
            maxtime_us: options.maxtime_us,
            rndtime_us: options.rndtime_us.unwrap_or(0),
            overalljails: options.overalljails,
        })
    }

    /// Whether bans in other jails count as earlier ones.
    pub fn overalljails(&self) -> bool {
        self.overalljails
    }

    /// How long a ban lasts of a host that had `earlier` bans, `bantime` being what the jail says.
    ///
    /// `random` is at least 0 and less than 1, and decides which part of `rndtime` is added. A formula that fails
    /// gives `bantime`; [`try_length`](Self::try_length) tells why.
    pub fn length(&self, bantime: BanTime, earlier: u32, random: f64) -> BanTime {
        self.try_length(bantime, earlier, random).unwrap_or(bantime)
    }

    /// As [`length`](Self::length), or why the formula has no value.
    ///
    /// In this order: the formula, but at least `bantime`, or the multiplier, which may give less; at most `maxtime`;
    /// and `rndtime` on top, so that a ban may be longer than `maxtime`. A length of exactly -1 second is one without
    /// end, others below zero are none.
    pub fn try_length(
        &self,
        bantime: BanTime,
        earlier: u32,
        random: f64,
    ) -> Result<BanTime, FormulaError> {
        let (1.., BanTime::Micros(base_us @ 1..)) = (earlier, bantime) else { return Ok(bantime) };
        let grown = self.grown(base_us as f64 / MICROS, earlier)?;
        let max = self.maxtime_us.map_or(f64::INFINITY, |us| us as f64 / MICROS);
        let limited = if grown > max { max } else { grown };
        let length = limited + random * (self.rndtime_us as f64 / MICROS);
        Ok(if length == PERMANENT_SECS {
            BanTime::Permanent
        } else if length.is_nan() {
            bantime
        } else {
            BanTime::Micros(micros(length).max(0))
        })
    }

    /// In seconds, before anything limits it.
    fn grown(&self, base: f64, earlier: u32) -> Result<f64, FormulaError> {
        let grown = match &self.growth {
            Growth::Multipliers(multipliers) => {
                let last = multipliers.len() - 1;
                let index = usize::try_from(earlier).map_or(last, |index| index.min(last));
                return Ok(base * self.factor * multipliers[index] as f64);
            }
            Growth::Doubling => {
                base * 2f64.powi(earlier.min(DOUBLINGS_MAX).cast_signed()) * self.factor
            }
            Growth::Formula(formula) => {
                formula.value(Variables { time: base, count: earlier, factor: self.factor })?
            }
        };
        Ok(if grown > base { grown } else { base })
    }

    /// The first number of earlier bans at which the formula fails, of those that occur, and why: what `f2b check`
    /// can say before it happens.
    pub fn trial(&self, bantime: BanTime) -> Option<(u32, FormulaError)> {
        (1..=TRIALS).find_map(|earlier| {
            self.try_length(bantime, earlier, 0.0).err().map(|error| (earlier, error))
        })
    }

    /// A length from the store, cut to what `maxtime` is now: for bans that are taken up after a restart.
    pub fn capped(&self, length: BanTime) -> BanTime {
        match (length, self.maxtime_us) {
            (BanTime::Micros(us), Some(max)) if max >= 0 => BanTime::Micros(us.min(max)),
            _ => length,
        }
    }

    /// How often a failure counts of a host that had `earlier` bans in this jail, other jails never mattering.
    ///
    /// fail2ban's rule for jails with `bantime.increment`, whatever their `bantime`: 2, 3, 5, 9, … at 1, 2, 3, 4, … earlier bans, and never more
    /// than `maxretry`. In fail2ban what exceeds 1 is added later, by the observer; the ban is the same. There the number
    /// of failures of the ban lacks it.
    pub fn weight(earlier: u32, maxretry: u32) -> u32 {
        let extra = earlier
            .checked_sub(1)
            .map_or(0, |doublings| 1u32.checked_shl(doublings).unwrap_or(u32::MAX));
        extra.saturating_add(1).min(maxretry.max(1))
    }
}

/// So many counts are tried.
const TRIALS: u32 = 100;

#[expect(clippy::cast_possible_truncation, reason = "saturates at the ends of i64")]
fn micros(secs: f64) -> i64 {
    (secs * MICROS).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: BanTime = BanTime::Micros(3_600_000_000);

    fn secs(secs: f64) -> BanTime {
        BanTime::Micros(micros(secs))
    }

    fn lengths(parts: IncrementOptions<'_>, bantime: BanTime) -> Vec<BanTime> {
        let increment = Increment::compile(parts).unwrap();
        [0, 1, 2, 3, 50].map(|earlier| increment.length(bantime, earlier, 0.5)).to_vec()
    }

    #[test]
    fn without_options_the_length_doubles_twenty_times() {
        let expected = [3600.0, 7200.0, 14400.0, 28800.0, 3_774_873_600.0].map(secs);
        assert_eq!(lengths(IncrementOptions::default(), HOUR), expected);
    }

    #[test]
    fn a_small_factor_never_makes_less_than_bantime() {
        let parts = IncrementOptions { factor: 0.25, ..IncrementOptions::default() };
        let expected = [3600.0, 3600.0, 3600.0, 7200.0, 943_718_400.0].map(secs);
        assert_eq!(lengths(parts, HOUR), expected);
    }

    #[test]
    fn multipliers_take_the_place_of_the_formula_and_may_make_less() {
        let parts = IncrementOptions {
            factor: 0.5,
            formula: Some("1e9"),
            multipliers: vec![100, 1, 4],
            ..IncrementOptions::default()
        };
        let expected = [3600.0, 1800.0, 7200.0, 7200.0, 7200.0].map(secs);
        assert_eq!(lengths(parts, HOUR), expected);
    }

    #[test]
    fn random_time_is_added_to_the_longest_but_not_to_the_first() {
        let parts = IncrementOptions {
            maxtime_us: Some(9_000_000_000),
            rndtime_us: Some(60_000_000),
            ..IncrementOptions::default()
        };
        let expected = [3600.0, 7230.0, 9030.0, 9030.0, 9030.0].map(secs);
        assert_eq!(lengths(parts, HOUR), expected);
    }

    #[test]
    fn what_is_no_length_is_none_or_for_good() {
        let maxtime = |us| IncrementOptions { maxtime_us: Some(us), ..IncrementOptions::default() };
        assert_eq!(lengths(maxtime(0), HOUR)[..2], [HOUR, secs(0.0)]);
        assert_eq!(lengths(maxtime(-1_000_000), HOUR)[..2], [HOUR, BanTime::Permanent]);
        let multipliers = vec![1, -2];
        let negative = IncrementOptions { multipliers, ..IncrementOptions::default() };
        assert_eq!(lengths(negative, HOUR)[..2], [HOUR, secs(0.0)]);
        let infinite =
            IncrementOptions { formula: Some("10 ** 400"), ..IncrementOptions::default() };
        assert_eq!(lengths(infinite, HOUR)[1], BanTime::Micros(i64::MAX));
        let none = IncrementOptions { formula: Some("math.nan"), ..IncrementOptions::default() };
        assert_eq!(lengths(none, HOUR)[1], HOUR);
    }

    #[test]
    fn a_permanent_ban_and_one_of_no_time_stay_what_they_are() {
        let parts = IncrementOptions {
            multipliers: vec![3],
            maxtime_us: Some(1),
            rndtime_us: Some(9_000_000),
            ..IncrementOptions::default()
        };
        assert_eq!(lengths(parts.clone(), BanTime::Permanent), [BanTime::Permanent; 5]);
        assert_eq!(lengths(parts, BanTime::Micros(0)), [BanTime::Micros(0); 5]);
    }

    #[test]
    fn a_formula_that_fails_leaves_bantime_and_is_found_by_a_trial() {
        let formula = Some("ban.Time * 10 / (ban.Count - 2)");
        let increment =
            Increment::compile(IncrementOptions { formula, ..IncrementOptions::default() })
                .unwrap();
        assert_eq!(increment.length(HOUR, 2, 0.0), HOUR);
        assert_eq!(increment.length(HOUR, 3, 0.0), secs(36000.0));
        let (earlier, error) = increment.trial(HOUR).unwrap();
        assert_eq!((earlier, error.to_string()), (2, "division by zero at column 15".to_owned()));
        assert!(Increment::compile(IncrementOptions::default()).unwrap().trial(HOUR).is_none());
    }

    #[test]
    fn a_restored_ban_is_cut_to_the_longest() {
        let parts =
            IncrementOptions { maxtime_us: Some(60_000_000), ..IncrementOptions::default() };
        let increment = Increment::compile(parts).unwrap();
        assert_eq!(increment.capped(HOUR), secs(60.0));
        assert_eq!(increment.capped(secs(7.0)), secs(7.0));
        assert_eq!(increment.capped(BanTime::Permanent), BanTime::Permanent);
    }

    #[test]
    fn failures_of_a_known_host_weigh_more() {
        let weights = [0, 1, 2, 3, 4, 5, 40].map(|earlier| Increment::weight(earlier, 10));
        assert_eq!(weights, [1, 2, 3, 5, 9, 10, 10]);
        assert_eq!(Increment::weight(u32::MAX, 1), 1);
        assert_eq!(Increment::weight(u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(Increment::weight(3, 0), 1);
    }
}
