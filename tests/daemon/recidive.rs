//! The jail `recidive` counts the bans of the others: by their lines in the server's own log, and those that have none
//! there from the store.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::harness::{Daemon, Host, append, next_second};
use crate::machines::{V4, V6};
use crate::net::eventually;
use crate::traffic::{Random, number};

/// Debian's filters.
const FILTERS: &str = "/etc/fail2ban/filter.d";
/// Somebody else who is banned.
const OTHER: &str = "203.0.113.7";

/// Jails one of which counts the bans of the other, as Debian's `recidive` does.
const JAILS: &str = "[j]\nlogpath = LOG/a.log\nmaxretry = 2\nbantime = 1s\n\
    [recidive]\nfilter = recidive\nlogpath = LOG/fail2ban.log\nmaxretry = 2\nbantime = 1w\nfindtime = 1d\n";

/// A host whose server's log is where its configuration says.
fn host() -> Host {
    let host = Host::new(JAILS);
    for name in ["recidive.conf", "common.conf"] {
        symlink(Path::new(FILTERS).join(name), host.path("filter.d").join(name)).unwrap();
    }
    let target = host.log("fail2ban.log");
    let own = format!("[DEFAULT]\nlogtarget = {}\n", target.display());
    fs::write(host.path("fail2ban.conf"), own).unwrap();
    host
}

/// A service that writes there.
fn start(host: &Host) -> Daemon {
    let target = host.log("fail2ban.log");
    host.start_with(|command| {
        command.arg("--logtarget").arg(target).env("F2B_NO_ENFORCE", "1");
    })
}

/// Has a host banned in jail `j`, so that it is the `nth` time.
#[track_caller]
fn offend(host: &Host, who: &str, nth: usize) {
    next_second();
    host.fail("a.log", &[who, who]);
    let bans = format!("SELECT count(*) FROM bans WHERE jail = 'j' AND host = '{who}'");
    eventually("he is banned", || host.ask(&bans) == [nth.to_string()]);
    let ended = format!("{bans} AND ended_us IS NOT NULL");
    eventually("his time is over", || host.ask(&ended) == [nth.to_string()]);
}

/// How often each was banned by `recidive`.
fn banned(host: &Host) -> Vec<String> {
    host.ask(
        "SELECT host, count(*) FROM bans WHERE jail = 'recidive' GROUP BY host ORDER BY host DESC",
    )
}

/// The failures that `recidive` has counted.
fn counted(host: &Host) -> Vec<String> {
    host.ask(
        "SELECT host, count(*) FROM failures WHERE jail = 'recidive' GROUP BY host ORDER BY host DESC",
    )
}

#[test]
fn who_is_banned_twice_is_banned_for_long() {
    let host = host();
    let daemon = start(&host);
    offend(&host, V4, 1);
    eventually("it counts", || counted(&host) == [format!("{V4} 1")]);
    assert!(banned(&host).is_empty());
    offend(&host, V6, 1);
    offend(&host, V4, 2);
    eventually("he is banned", || banned(&host) == [format!("{V4} 1")]);
    assert_eq!(counted(&host), [format!("{V4} 2"), format!("{V6} 1")]);
    daemon.stop();
    let lines = host.ask("SELECT log, text FROM failures WHERE jail = 'recidive'");
    assert!(lines.iter().all(|line| line.contains("NOTICE  [j] Ban ")), "{lines:?}");
}

#[test]
fn other_lines_of_the_log_do_not_count_and_a_rotated_log_counts_on() {
    let host = host();
    let daemon = start(&host);
    offend(&host, V4, 1);
    eventually("it counts", || counted(&host) == [format!("{V4} 1")]);
    let said = |line: &str| {
        let mut log = append(&host.log("fail2ban.log"));
        let now = f2b::model::Time::to_string(&crate::harness::now());
        let now = now.trim_end_matches('Z').replace('T', " ").replace('.', ",");
        std::io::Write::write_all(
            &mut log,
            format!("{now} fail2ban.actions        [7]: NOTICE  {line}\n").as_bytes(),
        )
        .unwrap();
    };
    for what in ["Unban", "Restore Ban", "Increase Ban", "Reban"] {
        said(&format!("[j] {what} {V4}"));
    }
    said(&format!("[j] {V4} already banned"));
    said(&format!("[recidive] Ban {V4}"));
    said(&format!("[j] Ban {OTHER}"));
    eventually("the last is read", || counted(&host).contains(&format!("{OTHER} 1")));
    assert_eq!(counted(&host), [format!("{OTHER} 1"), format!("{V4} 1")]);
    fs::rename(host.log("fail2ban.log"), host.log("fail2ban.log.1")).unwrap();
    daemon.signal(rustix::process::Signal::USR1);
    eventually("there is a new one", || host.log("fail2ban.log").exists());
    offend(&host, V4, 2);
    eventually("he is banned", || banned(&host) == [format!("{V4} 1")]);
    daemon.stop();
}

#[test]
fn who_is_banned_for_longer_or_imported_has_not_offended_again() {
    let host = host();
    let daemon = start(&host);
    host.does(&format!("ban -j j -t 1h {V4}"));
    host.does(&format!("ban -j j -t 2h {V4}"));
    fs::write(host.path("list"), format!("{V6}\n")).unwrap();
    host.does(&format!("import ip.deny -j j {}", host.path("list").display()));
    host.does(&format!("ban -j j {OTHER}"));
    eventually("the last counts", || counted(&host).contains(&format!("{OTHER} 1")));
    assert_eq!(counted(&host), [format!("{OTHER} 1"), format!("{V4} 1")]);
    daemon.stop();
    // Nor does the next process think so.
    start(&host).stop();
    batch(&host);
    assert_eq!(counted(&host), [format!("{OTHER} 1"), format!("{V4} 1")]);
}

/// A service whose log is somewhere else.
fn start_elsewhere(host: &Host) -> Daemon {
    host.start_with(|command| {
        command.args(["--logtarget", "STDOUT"]).env("F2B_NO_ENFORCE", "1").stdout(Stdio::null());
    })
}

fn batch(host: &Host) {
    let mut command = host.command();
    command.arg("batch").env("F2B_NO_ENFORCE", "1");
    let output = host.host().output(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_counts_from_the_store_where_the_log_is_elsewhere() {
    let host = host();
    let daemon = start_elsewhere(&host);
    offend(&host, V4, 1);
    eventually("it counts", || counted(&host) == [format!("{V4} 1")]);
    offend(&host, V6, 1);
    // Also who is banned by hand, of which the service is told.
    host.does(&format!("ban -j j -t 1 {V4}"));
    eventually("he is banned", || banned(&host) == [format!("{V4} 1")]);
    assert_eq!(counted(&host), [format!("{V4} 2"), format!("{V6} 1")]);
    let status = host.f2b("status --json").exits(0).out;
    assert!(status.contains("\"path\": \"f2b:bans\""), "{status}");
    daemon.stop();
    assert!(!host.log("fail2ban.log").exists());
    let logs = "SELECT DISTINCT log FROM failures WHERE jail = 'recidive'";
    assert_eq!(host.ask(logs), ["f2b:bans"]);
}

#[test]
fn each_ban_counts_once_whoever_takes_turns() {
    let host = host();
    host.configure(&JAILS.replace("maxretry = 2\nbantime = 1w", "maxretry = 100\nbantime = 1w"));
    let counts = |nth: usize| {
        eventually("it counts", || counted(&host) == [format!("{V4} {nth}")]);
    };
    let mut nth = 0;
    for _ in 0..2 {
        let daemon = start(&host);
        nth += 1;
        offend(&host, V4, nth);
        counts(nth);
        daemon.stop();
        batch(&host);
        counts(nth);
        // Nobody but batch sees this one.
        nth += 1;
        next_second();
        host.fail("a.log", &[V4, V4]);
        batch(&host);
        counts(nth);
        let daemon = start(&host);
        nth += 1;
        offend(&host, V4, nth);
        counts(nth);
        daemon.kill();
        let daemon = start_elsewhere(&host);
        nth += 1;
        offend(&host, V4, nth);
        counts(nth);
        daemon.kill();
    }
    batch(&host);
    counts(nth);
    let in_file = fs::read_to_string(host.log("fail2ban.log")).unwrap();
    assert_eq!(in_file.matches("NOTICE  [j] Ban ").count(), 4);
}

/// Jails that ban at the first failure, and count that.
fn configure_quick(host: &Host) {
    let jails = JAILS.replace("maxretry = 2\nbantime = 1s", "maxretry = 1\nbantime = 1h");
    host.configure(&jails.replace("maxretry = 2\nbantime = 1w", "maxretry = 100\nbantime = 1w"));
}

/// Each of fifty hosts of its own that a round has.
fn fail_in(host: &Host, round: u64) {
    let hosts: Vec<_> = (1..=50).map(|nth| format!("2001:db8::{round:x}:{nth:x}")).collect();
    host.fail("a.log", &hosts.iter().map(String::as_str).collect::<Vec<_>>());
}

/// So many hosts were banned, each once, and each ban counts once.
#[track_caller]
fn assert_counted_once(host: &Host, bans: u64) {
    assert_eq!(host.ask("SELECT count(*) FROM bans WHERE jail = 'j'"), [bans.to_string()]);
    let counts = "SELECT count(*), count(DISTINCT host) FROM failures WHERE jail = 'recidive'";
    assert_eq!(host.ask(counts), [format!("{bans} {bans}")]);
}

#[test]
fn another_configuration_in_between_counts_each_ban_once() {
    let host = host();
    configure_quick(&host);
    let daemon = start(&host);
    for round in 0..10 {
        fail_in(&host, round);
        let bans = ((round + 1) * 50).to_string();
        eventually("they are banned", || {
            host.ask("SELECT count(*) FROM bans WHERE jail = 'j'") == [&*bans]
        });
        daemon.reload();
    }
    let read = "SELECT count(*) FROM failures WHERE jail = 'recidive'";
    eventually("all count", || host.ask(read) == ["500"]);
    daemon.stop();
    batch(&host);
    assert_counted_once(&host, 500);
}

#[test]
fn who_is_killed_counts_each_ban_once() {
    let host = host();
    configure_quick(&host);
    let (kills, mut random) =
        (number("F2B_DAEMON_KILLS", 12), Random::new(number("F2B_DAEMON_SEED", 7)));
    // Of how many it hears before it is killed is a matter of luck, and may be of none: each has some of its own.
    for (round, daemon) in (kills..).zip([start, start_elsewhere]) {
        let daemon = daemon(&host);
        fail_in(&host, round);
        let all = ((round - kills + 1) * 50).to_string();
        eventually("all count", || {
            host.ask("SELECT count(*) FROM failures WHERE jail = 'recidive'") == [&*all]
        });
        daemon.kill();
    }
    for round in 0..kills {
        let daemon = if round % 3 == 2 { start_elsewhere(&host) } else { start(&host) };
        fail_in(&host, round);
        let until = Instant::now() + Duration::from_micros(random.below(100_000));
        eventually("time passes", || Instant::now() >= until);
        daemon.kill();
    }
    batch(&host);
    assert_counted_once(&host, (kills + 2) * 50);
    let logs = "SELECT count(DISTINCT log) FROM failures WHERE jail = 'recidive'";
    assert_eq!(host.ask(logs), ["2"], "the file has some, the store the others");
}
