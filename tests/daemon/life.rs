//! From the start of the service to its end, and the next start.

use std::fs;

use f2b::model::Time;
use rustix::process::Signal;

use crate::harness::{Daemon, Host, next_second, now};
use crate::machines::{V4, V6};
use crate::net::{before_it_ends, eventually};

/// Whom nobody bans here.
const OTHER: &str = "203.0.113.7";

const JAIL: &str = "[j]\nlogpath = LOG/a.log\naction = nftables[port=22]\n";

#[test]
fn who_fails_too_often_is_kept_out_until_his_time_is_over() {
    let ended = "SELECT count(*) FROM bans WHERE end_reason = 'expired' AND ended_us = until_us";
    let (host, daemon) = before_it_ends(|secs| {
        let host = Host::new(&format!("{JAIL}bantime = {secs}\n"));
        host.fail("a.log", &[OTHER]);
        let daemon = host.start();
        host.fail("a.log", &[V4, V6, V4, V6, OTHER]);
        eventually("they are counted", || host.failures() == 6);
        assert!(host.banned().is_empty() && host.lets_in(V4, 22));
        host.fail("a.log", &[V4, V6]);
        let mut are_out = false;
        eventually("they are kept out", || {
            are_out = !host.lets_in(V4, 22) && !host.lets_in(V6, 22);
            are_out || host.ask(ended) == ["2"]
        });
        are_out.then_some((host, daemon))
    });
    assert!(host.lets_in(OTHER, 22));
    for who in [V4, V6] {
        daemon.says(&format!("NOTICE  [j] Ban {who}"));
        eventually("his time is over", || host.lets_in(who, 22));
        daemon.says(&format!("NOTICE  [j] Unban {who}"));
    }
    assert_eq!(host.ask(ended), ["2"]);
    eventually("nothing is left in the kernel", || host.kept_out().is_empty());
    daemon.stop();
}

#[test]
fn who_is_unbanned_while_it_runs_can_be_banned_again() {
    let host = Host::new(JAIL);
    let daemon = host.start();
    for round in 1..=2 {
        host.fail("a.log", &[V4, V4, V4]);
        eventually("he is banned", || !host.banned().is_empty());
        eventually("he is kept out", || !host.lets_in(V4, 22));
        host.does(&format!("unban {V4}"));
        assert!(host.lets_in(V4, 22), "unban returns when it is done");
        let bans = host.ask("SELECT end_reason FROM bans ORDER BY at_us");
        assert_eq!(bans, vec!["unbanned"; round]);
        next_second();
    }
    // Two of his failures are not three: what led to the bans doesn't count again.
    host.fail("a.log", &[V4, V4]);
    eventually("they are counted", || host.failures() == 8);
    assert!(host.banned().is_empty());
    daemon.stop();
}

#[test]
fn who_is_banned_by_hand_is_let_in_in_time() {
    let host = Host::new(JAIL);
    let daemon = host.start();
    before_it_ends(|secs| {
        let begin = now();
        host.does(&format!("ban -j j -t {secs} {V4}"));
        let is_out = !host.lets_in(V4, 22);
        let is_over = now() >= begin.plus_secs(secs.into());
        assert!(is_out || is_over);
        is_out.then_some(())
    });
    eventually("his time is over", || host.lets_in(V4, 22));
    host.fail("a.log", &[V6]);
    let ended = "SELECT count(*) > 0 FROM bans WHERE end_reason = 'expired'";
    eventually("the store says so", || host.ask(ended) == ["1"]);
    daemon.stop();
}

#[test]
fn bans_outlive_the_service_and_are_taken_over() {
    let host = Host::new(JAIL);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4, V6]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    let rules = host.rules();
    daemon.stop();
    assert_eq!(host.rules(), rules, "the end of the service changes nothing");
    assert!(!host.lets_in(V4, 22));
    // Written while nobody looks.
    host.fail("a.log", &[V6, V6]);
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22));
    eventually("the pending failure counted on", || !host.lets_in(V6, 22));
    host.does(&format!("unban {V6}"));
    assert_eq!(host.rules().matches("tcp dport 22 ip saddr").count(), 1, "nothing is there twice");
    assert!(!daemon.said().contains(&format!("Ban {V4}\n")), "{}", daemon.said());
    daemon.stop();
    assert_eq!(host.failures(), 6);
    assert_eq!(host.ask("SELECT count(*) FROM bans"), ["2"]);
}

#[test]
fn a_reboot_loses_no_ban() {
    let mut host = Host::new(JAIL);
    let daemon = host.start();
    host.fail("a.log", &[V4, V4, V4]);
    eventually("he is kept out", || !host.lets_in(V4, 22));
    daemon.kill();
    host.reboot();
    assert!(host.lets_in(V4, 22));
    let daemon = host.start();
    assert!(!host.lets_in(V4, 22), "they are in force before it says that it is ready");
    daemon.stop();
}

#[test]
fn its_own_log_is_opened_again() {
    let host = Host::new(JAIL);
    let daemon = host.start();
    let old = host.path("f2b.log.1");
    fs::rename(daemon.own_log(), &old).unwrap();
    host.fail("a.log", &[V4]);
    let has = |text: &str| fs::read_to_string(&old).unwrap().contains(text);
    eventually("the old one is written to", || has(&format!("Found {V4}")));
    daemon.signal(Signal::USR1);
    eventually("there is a new one", || daemon.own_log().exists());
    host.fail("a.log", &[V6]);
    daemon.says(&format!("Found {V6}"));
    assert!(!has(&format!("Found {V6}")));
    daemon.stop();
}

#[test]
fn one_store_has_one_service() {
    let host = Host::new(JAIL);
    let daemon = host.start();
    let other = host.f2b("daemon --logtarget STDERR").exits(2);
    assert!(other.err.contains("follows the logs"), "{}", other.err);
    host.fail("a.log", &[V4, V4]);
    eventually("they are counted", || host.failures() == 2);
    let batch = host.f2b("batch").exits(1);
    assert!(batch.err.contains("another f2b follows the logs"), "{}", batch.err);
    host.fail("a.log", &[V4]);
    eventually("the first goes on", || !host.lets_in(V4, 22));
    assert_eq!(host.failures(), 3);
    daemon.stop();
    // Afterwards anybody may.
    host.does("batch");
    host.start().stop();
}

#[test]
fn who_is_ignored_is_told_by_the_rule_that_spares_him() {
    let host = Host::new(
        "[j]\nlogpath = LOG/a.log\naction =\nignoreip = 198.51.100.20 198.51.100.64/26 localhost\n\
         ignoreself = false\nignorecommand = test <ip> = 198.51.100.7\n\
         [own]\nlogpath = LOG/a.log\naction =\n",
    );
    host.fail("a.log", &["127.0.0.1"]);
    let daemon = host.start();
    daemon.says("INFO    [own] Ignore 127.0.0.1 by ignoreself rule\n");
    host.fail("a.log", &["198.51.100.20", "198.51.100.70"]);
    daemon.says("INFO    [j] Ignore 198.51.100.20 by ip\n");
    daemon.says("INFO    [j] Ignore 198.51.100.70 by ip\n");
    // Names and commands are asked when somebody would be banned.
    host.fail("a.log", &["127.0.0.1", "198.51.100.7", "198.51.100.7"]);
    eventually("they are stored", || host.failures() == 8);
    assert!(!daemon.said().contains("by dns") && !daemon.said().contains("by command"));
    host.fail("a.log", &["127.0.0.1", "198.51.100.7"]);
    daemon.says("INFO    [j] Ignore 127.0.0.1 by dns\n");
    daemon.says("INFO    [j] Ignore 198.51.100.7 by command\n");
    assert!(!daemon.said().contains("[j] Ban 1"), "{}", daemon.said());
    daemon.stop();
}

#[test]
fn what_happens_beside_the_way_to_its_logs_does_not_wake_it() {
    let host = Host::new("[j]\nlogpath = LOG/deep/a.log\naction =\n");
    fs::create_dir(host.log("deep")).unwrap();
    host.fail("deep/a.log", &[V4]);
    let daemon = host.start();
    eventually("it is counted", || host.failures() == 1);
    // Whether it sleeps, and how often it did before.
    let sleeps = || {
        let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid())).unwrap();
        let line = |name: &str| status.lines().find(|line| line.starts_with(name)).unwrap();
        (line("State:").contains('S'), line("voluntary_ctxt_switches:").to_owned())
    };
    let a_while = || std::thread::park_timeout(std::time::Duration::from_millis(200));
    eventually("it waits", || {
        let before = sleeps();
        a_while();
        before.0 && sleeps() == before
    });
    let before = sleeps();
    for n in 0..200 {
        for folder in [host.path(""), host.path(".."), host.path("log")] {
            let file = folder.join(format!(".f2b-{}-{n}", daemon.pid()));
            fs::write(&file, "").unwrap();
            fs::remove_file(&file).unwrap();
        }
    }
    a_while();
    assert_eq!(sleeps(), before);
    host.fail("deep/a.log", &[V4]);
    eventually("it still wakes", || host.failures() == 2 && sleeps() != before);
    daemon.stop();
}

#[test]
fn who_is_banned_for_longer_by_hand_is_kept_out_for_longer() {
    let actions = "iptables-ipset-proto6[port=25, ipsettime=\"<timeout-bantime>\"]\n  told";
    let host = Host::new(&format!("[j]\nlogpath = LOG/a.log\naction = {actions}\n"));
    fs::write(host.log("a.log"), "").unwrap();
    let told = host.path("told");
    let say = |what: &str| format!("action{what} = echo {what} >> {}\n", told.display());
    let action = format!("[Definition]\n{}{}{}", say("ban"), say("prolong"), say("unban"));
    fs::write(host.path("action.d/told.conf"), action).unwrap();
    let daemon = host.start();
    let ban = |time: &str| host.f2b(&format!("ban {V4} --jail j --time {time}")).out;
    assert!(ban("5m").starts_with(&format!("banned {V4} in j until ")));
    eventually("he is kept out", || !host.lets_in(V4, 25));
    assert!(ban("2h").starts_with(&format!("{V4} is banned for longer in j, until ")));
    let timeout = || {
        let set = host.host().shell("ipset list");
        let left = set.split(&format!("{V4} timeout ")).nth(1).map(str::to_owned);
        left.and_then(|left| left.split_whitespace().next()?.parse::<u64>().ok())
    };
    eventually("the kernel knows", || timeout().is_some_and(|left| left > 3600));
    daemon.says(&format!("NOTICE  [j] Prolong Ban {V4} (-> "));
    eventually("it is told", || fs::read_to_string(&told).unwrap() == "ban\nprolong\n");
    assert_eq!(host.ask("SELECT count(*) FROM bans"), ["1"]);
    assert_eq!(host.ask("SELECT origin, failures FROM prolongations"), ["manual 0"]);
    assert!(host.f2b(&format!("history {V4}")).out.contains("prolonged"));
    host.f2b(&format!("unban {V4}"));
    eventually("he is let in", || host.lets_in(V4, 25));
    daemon.stop();
}

#[test]
fn who_goes_on_failing_is_kept_out_for_longer() {
    // The other port's set has timeouts in the kernel, the third of these actions is told of its end.
    let actions = "nftables[port=22]\n  iptables-ipset-proto6[port=25, ipsettime=\"<timeout-bantime>\"]\n  told";
    let (host, (daemon, until)) = before_it_ends(|secs| {
        let host = Host::new(&format!(
            "[j]\nlogpath = LOG/a.log\nbantime = {}\naction = {actions}\n",
            2 * secs
        ));
        is_kept_out_for_longer(&host, i64::from(2 * secs)).map(|seen| (host, seen))
    });
    eventually("his time is over", || host.lets_in(V4, 22) && host.lets_in(V4, 25));
    assert!(now().micros() > until.micros() - 2_000_000);
    daemon.says(&format!("NOTICE  [j] Unban {V4}"));
    assert_eq!(host.ask("SELECT count(*), max(ended_us = until_us) FROM bans"), ["1 1"]);
    eventually("the action is told", || {
        let told = fs::read_to_string(host.path("told")).unwrap();
        told.split_whitespace().step_by(3).eq(["ban", "prolong", "unban"])
    });
    daemon.stop();
}

/// Whoever is banned for so many seconds and fails again in the middle is kept out from then on for as long, also by the
/// next life of the service; that, and until when. Nothing if a ban was over before that could be seen.
fn is_kept_out_for_longer(host: &Host, secs: i64) -> Option<(Daemon, Time)> {
    let told = host.path("told");
    let say =
        |what: &str| format!("action{what} = echo {what} <ip> <bantime> >> {}\n", told.display());
    let action = format!("[Definition]\n{}{}{}", say("ban"), say("prolong"), say("unban"));
    fs::write(host.path("action.d/told.conf"), action).unwrap();
    // What is seen of him before a time, and not after it.
    let is_out_before = |end: Time| {
        let is_out = !host.lets_in(V4, 22) && !host.lets_in(V4, 25);
        let is_over = now() >= end;
        assert!(is_out || is_over, "kept out beyond the first end");
        (!is_over).then_some(())
    };
    let daemon = host.start();
    host.fail("a.log", &[V4; 3]);
    eventually("he is banned", || !host.ask("SELECT until_us FROM bans").is_empty());
    let end: i64 = host.ask("SELECT until_us FROM bans")[0].parse().unwrap();
    let end = Time::from_micros(end);
    eventually("he is kept out", || !host.lets_in(V4, 22) && !host.lets_in(V4, 25) || now() >= end);
    eventually("half of it is over", || now() >= end.plus_micros(-secs * 500_000));
    let again = now();
    host.fail_at("a.log", &[V4; 3], again);
    eventually("they are counted", || host.failures() == 6);
    if host.ask("SELECT count(*) FROM bans") == ["2"] || now() >= end {
        return None;
    }
    daemon.says(&format!("NOTICE  [j] {V4} already banned"));
    daemon.says(&format!("NOTICE  [j] Prolong Ban {V4} (-> "));
    let longer = host.ask("SELECT until_before_us, failures, until_us - at_us FROM prolongation");
    assert_eq!(longer, [format!("{} 3 {secs}000000", end.micros())]);
    let until = again.plus_secs(secs);
    eventually("the first end is over", || now() > end.plus_micros(500_000));
    is_out_before(until)?;
    assert!(!daemon.said().contains("Unban"));
    daemon.stop();
    // The next life knows how long he is banned.
    let daemon = host.start();
    is_out_before(until)?;
    Some((daemon, until))
}

#[test]
fn a_log_that_is_gone_is_told() {
    let host = Host::new(JAIL);
    host.fail("a.log", &[OTHER]);
    let daemon = host.start();
    let is_told =
        || host.does("status").out.contains("a.log can't be read: there is no file of that name");
    assert!(!is_told());
    fs::remove_file(host.log("a.log")).unwrap();
    assert!(is_told());
    host.fail("a.log", &[OTHER]);
    assert!(!is_told());
    daemon.stop();
}
