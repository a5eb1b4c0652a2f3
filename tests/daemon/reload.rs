//! Another configuration, while it runs (SIGHUP).

use std::fs;

use f2b::model::Time;
use rustix::process::Signal;

use crate::harness::{Host, now};
use crate::machines::{V4, V6};
use crate::net::eventually;

const A: &str = "[a]\nlogpath = LOG/a.log\naction = nftables[port=22]\n";
const B: &str = "[b]\nlogpath = LOG/b.log\naction = nftables[port=25]\n";

fn minutes_ago(minutes: i64) -> Time {
    now().plus_micros(-minutes * 60_000_000)
}

#[test]
fn a_jail_that_is_new_begins_and_the_others_go_on() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V6, V6, V6]);
    eventually("one is banned", || !host.lets_in(V6, 22));
    host.fail("b.log", &[V4, V4]);
    host.configure(&format!("{A}{B}"));
    daemon.reload();
    assert!(!host.lets_in(V6, 22));
    host.fail("b.log", &[V4]);
    eventually("what was written before counts", || !host.lets_in(V4, 25));
    assert!(host.lets_in(V4, 22));
    host.fail("a.log", &[V4]);
    eventually("what was counted before counts on", || !host.lets_in(V4, 22));
    daemon.stop();
    assert_eq!(host.failures(), 9);
}

#[test]
fn a_findtime_that_is_shorter_or_longer_counts_at_once() {
    let host = Host::new(A);
    host.fail_at("a.log", &[V4, V4], minutes_ago(5));
    let daemon = host.start();
    eventually("they are counted", || host.failures() == 2);
    host.configure(&format!("{A}findtime = 1m\n"));
    daemon.reload();
    host.fail("a.log", &[V4]);
    eventually("it is counted", || host.failures() == 3);
    assert!(host.banned().is_empty());
    host.configure(A);
    daemon.reload();
    eventually("the three are within ten minutes", || {
        host.fail("a.log", &[V4]);
        !host.banned().is_empty()
    });
    daemon.stop();
}

#[test]
fn a_configuration_that_is_broken_is_not_taken() {
    let broken = [
        ("[a]\nlogpath = LOG/a.log\nfindtime = often\n", "findtime"),
        ("[a]\nlogpath = LOG/a.log\nfilter = nothing\n", "nothing"),
        ("[a]\nlogpath = LOG/a.log\naction = nothing\n", "nothing"),
        ("[a\n", "jail.conf"),
    ];
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4, V6, V6]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    for (number, (jails, why)) in broken.into_iter().enumerate() {
        host.configure(&format!("{jails}{B}"));
        daemon.signal(Signal::HUP);
        let refusals = || {
            let said = daemon.said();
            let refused = said.lines().filter(|line| line.contains("is not taken")).count();
            (refused, said)
        };
        eventually(jails, || refusals().0 > number);
        let (_, said) = refusals();
        let last = said.rfind("is not taken").unwrap();
        assert!(said[last..].contains(why), "{said}");
        assert!(!host.lets_in(V4, 22));
    }
    host.fail("a.log", &[V6]);
    eventually("it goes on as it was", || !host.lets_in(V6, 22));
    host.configure(A);
    daemon.reload();
    assert!(!host.lets_in(V4, 22) && !host.lets_in(V6, 22));
    daemon.stop();
}

/// A file in another encoding is passed over, as fail2ban does; the jails in it are not there then.
const LATIN: &[u8] = b"# perch\xe9\n[a]\nenabled = true\n";

#[test]
fn a_file_that_is_passed_over_is_not_taken() {
    let host = Host::new(A);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    fs::write(host.path("jail.conf"), LATIN).unwrap();
    daemon.signal(Signal::HUP);
    eventually("it is refused", || daemon.said().contains("is not taken"));
    let said = daemon.said();
    assert_eq!(said.matches("is not UTF-8").count(), 1, "{said}");
    assert!(!host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn a_start_with_a_jail_that_cannot_be_used_lets_nobody_in() {
    let host = Host::new(&format!("{A}{B}"));
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    daemon.stop();
    host.configure(&format!("[a]\nlogpath = LOG/a.log\nfindtime = often\n{B}"));
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22));
    host.fail("b.log", &[V4, V4, V4]);
    eventually("the other jail works", || !host.lets_in(V4, 25));
    daemon.stop();
    host.configure(B);
    fs::write(host.path("jail.local"), LATIN).unwrap();
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22));
    daemon.stop();
    fs::remove_file(host.path("jail.local")).unwrap();
    let daemon = host.start();
    eventually("the jail is gone", || host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn who_is_banned_by_a_jail_that_is_removed_is_let_in() {
    let host = Host::new(&format!("{A}{B}"));
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    host.fail("b.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22) && !host.lets_in(V4, 25));
    host.configure(B);
    daemon.reload();
    eventually("he is let in", || host.lets_in(V4, 22));
    assert!(!host.lets_in(V4, 25));
    // Its log is no longer read.
    host.fail("a.log", &[V6, V6, V6]);
    host.fail("b.log", &[V6]);
    eventually("the other is", || host.failures() == 7);
    daemon.stop();
}

#[test]
fn a_reload_is_answered_when_it_is_in_force() {
    let host = Host::new(&format!("{A}{B}"));
    let daemon = host.start();
    host.fail("b.log", &[V6, V6, V6]);
    eventually("he is kept out", || !host.lets_in(V6, 25));
    for _ in 0..3 {
        host.configure(A);
        host.does("reload");
        assert!(host.lets_in(V6, 25));
        host.configure(&format!("{A}{B}"));
        host.does("reload");
        assert!(!host.lets_in(V6, 25));
    }
    daemon.stop();
}

#[test]
fn an_action_that_is_new_is_told_of_those_who_are_banned() {
    let host = Host::new(A);
    let told = host.path("told");
    host.action("tell", &format!("echo \"$1\" >> {}", told.display()));
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    host.configure("[a]\nlogpath = LOG/a.log\naction = nftables[port=25]\n  tell\n");
    daemon.reload();
    eventually("he is let in where the action was", || host.lets_in(V4, 22));
    eventually("the new ones know", || {
        !host.lets_in(V4, 25)
            && fs::read_to_string(&told).is_ok_and(|told| told == format!("{V4}\n"))
    });
    daemon.stop();
}
