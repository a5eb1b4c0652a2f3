use proptest::prelude::*;

use super::*;
use crate::model::BanTime;

fn rule(maxretry: u32, findtime: i64) -> Rule {
    Rule { maxretry, findtime_us: findtime * 1_000_000, bantime: BanTime::Permanent }
}

/// The count after each failure of one host at `times`.
fn counts(findtime: i64, times: &[i64]) -> Vec<u32> {
    let mut window = FailureWindow::new(rule(u32::MAX, findtime));
    times
        .iter()
        .map(|t| {
            window.failure((), Time::from_secs(*t), 1);
            window.hosts[&()].ticket.failures
        })
        .collect()
}

#[test]
fn the_rate_is_extrapolated() {
    assert_eq!(counts(600, &[0, 100, 200, 900, 1000, 1050]), [1, 2, 3, 3, 4, 5]);
}

#[test]
fn halves_are_rounded_to_even() {
    // 1 in 1200 s is 0.5 in 600 s: 0; 3 in 1200 s are 1.5: 2.
    assert_eq!(counts(600, &[0, 1200]), [1, 1]);
    assert_eq!(counts(600, &[0, 0, 0, 1200]), [1, 2, 3, 3]);
}

#[test]
fn a_late_failure_counts_and_changes_no_time() {
    let mut window = FailureWindow::new(rule(3, 600));
    for t in [1000, 1100] {
        assert_eq!(window.failure((), Time::from_secs(t), 1), None);
    }
    let (first, last) = (Time::from_secs(1000), Time::from_secs(1100));
    let late = window.failure((), Time::from_secs(5), 1);
    assert_eq!(late, Some(Ticket { first, last, failures: 3 }));
}

#[test]
fn a_failure_may_weigh_more() {
    let mut window = FailureWindow::new(rule(5, 600));
    assert_eq!(window.failure("a", Time::from_secs(0), 4), None);
    assert_eq!(window.failure("a", Time::from_secs(0), 0).map(|t| t.failures), Some(5));
    assert_eq!(window.failure("b", Time::from_secs(0), 7).map(|t| t.failures), Some(7));
}

#[test]
fn counting_starts_again_after_a_ban() {
    let mut window = FailureWindow::new(rule(2, 600));
    let bans: Vec<_> =
        (0..6).map(|t| window.failure((), Time::from_secs(t), 1).is_some()).collect();
    assert_eq!(bans, [false, true, false, true, false, true]);
}

#[test]
fn extreme_times_and_limits_do_no_harm() {
    let mut window = FailureWindow::new(rule(u32::MAX, i64::MAX / 1_000_000));
    for micros in [i64::MIN, i64::MAX, 0, i64::MIN, i64::MAX] {
        window.failure((), Time::from_micros(micros), u32::MAX - 1);
        window.sweep(Time::from_micros(micros));
    }
    let mut at_once = FailureWindow::new(rule(0, 0));
    assert!(at_once.failure((), Time::default(), 1).is_some());
}

#[test]
fn memory_follows_the_hosts_of_the_last_findtime() {
    let mut window = FailureWindow::new(rule(5, 600));
    for i in 0..100_000 {
        window.failure(i, Time::from_secs(i), 1);
        assert!(window.len() <= 2 * 800 + 200, "{} at {i}", window.len());
    }
}

#[test]
fn a_line_from_the_future_does_not_make_everyone_forgotten() {
    let mut window = FailureWindow::new(rule(150, 600));
    window.failure(0, Time::from_secs(4_000_000_000), 1);
    let bans = (0..149).filter(|t| window.failure(1, Time::from_secs(*t), 1).is_some()).count();
    assert_eq!(bans, 0);
    assert!(window.failure(1, Time::from_secs(149), 1).is_some());
}

/// Our specification's §10 as it is written, without an eye for memory: every ticket is looked at
/// in every sweep.
struct Naive {
    maxretry: u32,
    findtime: i64,
    tickets: Vec<(u8, i64, i64, u32)>,
    times: Vec<i64>,
}

impl Naive {
    fn failure(&mut self, host: u8, t: i64, weight: u32) -> Option<(i64, i64, u32)> {
        let index = self.tickets.iter().position(|ticket| ticket.0 == host).unwrap_or_else(|| {
            self.tickets.push((host, t, t, 0));
            self.tickets.len() - 1
        });
        let (_, first, last, retry) = &mut self.tickets[index];
        if t > *last {
            if *first < t - self.findtime {
                let exact = f64::from(*retry) / (t - *first) as f64 * self.findtime as f64;
                *retry = half_to_even(exact);
                *first = t - self.findtime;
            }
            *last = t;
        }
        *retry += weight;
        let ticket = (*first, *last, *retry);
        let is_ban = ticket.2 >= self.maxretry;
        if is_ban {
            self.tickets.remove(index);
        }
        self.times.push(t);
        if self.times.len().is_multiple_of(100) {
            let now = *self.times[self.times.len() - 100..].iter().min().unwrap();
            self.tickets.retain(|ticket| ticket.2 > now - self.findtime);
        }
        is_ban.then_some(ticket)
    }
}

fn half_to_even(exact: f64) -> u32 {
    let below = (0..1_000_000).take_while(|n| f64::from(*n) <= exact).last().unwrap();
    match (exact - f64::from(below)).total_cmp(&0.5) {
        std::cmp::Ordering::Less => below,
        std::cmp::Ordering::Equal => below + below % 2,
        std::cmp::Ordering::Greater => below + 1,
    }
}

/// Failures in steps of time that are mostly small, sometimes backwards, sometimes long.
fn failures() -> impl Strategy<Value = Vec<(u8, i64, u32)>> {
    let step = prop_oneof![20 => 0i64..5, 3 => -50i64..50, 1 => 0i64..400, 1 => -2000i64..3000];
    let weight = prop_oneof![9 => Just(1u32), 1 => 1u32..5];
    prop::collection::vec((0u8..40, step, weight), 0..900).prop_map(|steps| {
        steps
            .into_iter()
            .scan(100_000, |now, (host, step, weight)| {
                *now += step;
                Some((host, *now, weight))
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn the_window_decides_like_the_naive_model(
        failures in failures(), maxretry in 0u32..12, findtime in 0i64..700,
    ) {
        let mut naive = Naive { maxretry, findtime, tickets: Vec::new(), times: Vec::new() };
        let mut window = FailureWindow::new(rule(maxretry, findtime));
        for (index, (host, t, weight)) in failures.into_iter().enumerate() {
            let expected = naive.failure(host, t, weight);
            let ticket = window.failure(host, Time::from_secs(t), weight);
            let found = ticket.map(|t| (t.first.secs(), t.last.secs(), t.failures));
            prop_assert_eq!(found, expected, "failure {}: host {} at {}", index, host, t);
        }
    }
}
