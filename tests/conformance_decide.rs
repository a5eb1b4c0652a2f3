//! The window beside Debian's fail2ban: the same failures to both, the same bans from both.
//!
//! Fails if fail2ban is missing; `make packages` installs it. The sequences are random but fixed by
//! a seed, so that a difference can be looked at again.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

#[path = "conformance/python.rs"]
mod python;

use std::fmt::Write as _;

use f2b::decide::{FailureWindow, Rule};
use f2b::model::{BanTime, Time};

/// A failure: host, second, weight.
type Failure = (u64, i64, u32);

/// A small generator of numbers (splitmix64).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }

    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(high.abs_diff(low)).cast_signed()
    }

    /// Failures whose times mostly advance by little, sometimes jump, sometimes go back.
    fn failures(&mut self, count: usize) -> Vec<Failure> {
        let mut now = 1_700_000_000;
        let mut failures = Vec::new();
        for _ in 0..count {
            now += match self.below(30) {
                0 => self.between(-3000, 4000),
                1..=3 => self.between(-60, 60),
                4..=6 => self.between(0, 500),
                _ => self.between(0, 8),
            };
            let weight = if self.below(10) == 0 { 1 + self.below(4) } else { 1 };
            failures.push((self.below(30), now, u32::try_from(weight).unwrap()));
        }
        failures
    }
}

/// What fail2ban answers to each failure of each sequence, in our spelling.
fn fail2ban(sequences: &[(Rule, Vec<Failure>)]) -> Vec<String> {
    let mut input = String::new();
    for (rule, failures) in sequences {
        writeln!(input, "rule {} {}", rule.maxretry, rule.findtime_us / 1_000_000).unwrap();
        for (index, (host, at, weight)) in failures.iter().enumerate() {
            writeln!(input, "fail 192.0.2.{host} {at} {weight}").unwrap();
            if (index + 1).is_multiple_of(100) {
                // The occasion and the time of f2b's sweeps: see src/decide/window.rs.
                let earliest = failures[index - 99..=index].iter().map(|f| f.1).min().unwrap();
                writeln!(input, "sweep {earliest}").unwrap();
            }
        }
    }
    python::answers("failmanager.py", &[], input).lines().map(str::to_owned).collect()
}

fn f2b(sequences: &[(Rule, Vec<Failure>)]) -> Vec<String> {
    let mut answers = Vec::new();
    for (rule, failures) in sequences {
        let mut window = FailureWindow::new(*rule);
        for (host, at, weight) in failures {
            let ticket = window.failure(*host, Time::from_secs(*at), *weight);
            answers.push(ticket.map_or("no".to_owned(), |ticket| {
                format!("ban {} {}", ticket.last.secs(), ticket.failures)
            }));
        }
    }
    answers
}

fn rule(maxretry: u32, findtime: i64) -> Rule {
    Rule { maxretry, findtime_us: findtime * 1_000_000, bantime: BanTime::Permanent }
}

/// Gives both the same and names the first failure on which they differ.
fn compare(sequences: &[(Rule, Vec<Failure>)]) -> usize {
    let (theirs, ours) = (fail2ban(sequences), f2b(sequences));
    assert_eq!(theirs.len(), ours.len());
    let failures = sequences.iter().flat_map(|(rule, list)| list.iter().map(move |f| (rule, f)));
    for (index, (rule, failure)) in failures.enumerate() {
        assert_eq!(ours[index], theirs[index], "answer {index}: {failure:?} under {rule:?}");
    }
    ours.iter().filter(|answer| answer.starts_with("ban")).count()
}

#[test]
fn random_failures_make_the_same_bans() {
    let mut random = Random(20_261_123);
    let sequences: Vec<_> = (0..300)
        .map(|_| {
            let maxretry = 1 + u32::try_from(random.below(12)).unwrap();
            let findtime = random.between(1, 900);
            (rule(maxretry, findtime), random.failures(400))
        })
        .collect();
    let bans = compare(&sequences);
    assert!(bans > 5000, "only {bans} bans: the sequences test little");
}

#[test]
fn a_slow_host_is_extrapolated_alike() {
    let times = [0, 100, 200, 900, 1000, 1050];
    let failures = times.iter().map(|t| (1, 1_700_000_000 + t, 1)).collect();
    assert_eq!(compare(&[(rule(5, 600), failures)]), 1);
}

#[test]
fn a_single_failure_bans_alike() {
    let mut random = Random(1);
    let bans = compare(&[(rule(1, 600), random.failures(200))]);
    assert_eq!(bans, 200);
}
