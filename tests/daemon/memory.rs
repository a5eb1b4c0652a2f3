//! What the service remembers that fail2ban forgets.

use std::fs;

use f2b::model::Time;

use crate::harness::{Host, now};
use crate::machines::{V4, V6};
use crate::net::eventually;

fn hours_ago(hours: i64) -> Time {
    now().plus_micros(-hours * 3_600_000_000)
}

#[test]
fn failures_that_were_pending_when_it_ended_count_on() {
    let host = Host::new("[j]\nlogpath = LOG/a.log\naction = nftables[port=22]\n");
    for is_killed in [false, true] {
        let daemon = host.start();
        let before = host.failures();
        host.fail("a.log", &[V4, V4]);
        eventually("they are counted", || host.failures() == before + 2);
        if is_killed {
            daemon.kill()
        } else {
            daemon.stop()
        }
        let daemon = host.start();
        assert!(host.banned().is_empty());
        host.fail("a.log", &[V4]);
        eventually("it is the third", || !host.lets_in(V4, 22));
        host.does(&format!("unban {V4}"));
        daemon.stop();
    }
}

#[test]
fn what_was_written_while_nobody_looked_is_kept_however_old_it_is() {
    let host = Host::new("[j]\nlogpath = LOG/a.log\naction = nftables[port=22]\n");
    let daemon = host.start();
    host.fail("a.log", &[V6]);
    eventually("the log is known", || host.failures() == 1);
    daemon.stop();
    host.fail_at("a.log", &[V4, V4, V4], hours_ago(3));
    host.fail("a.log", &[V4]);
    let daemon = host.start();
    eventually("all are stored", || host.failures() == 5);
    assert!(host.banned().is_empty() && host.lets_in(V4, 22));
    daemon.stop();
}

#[test]
fn an_action_is_told_how_long_a_ban_is_when_it_grows_and_an_unban_forgets_nothing() {
    let host = Host::new(
        "[j]\nlogpath = LOG/a.log\naction = tell\n  nftables[port=22]\nbantime.increment = true\n",
    );
    let told = host.path("told");
    host.action("tell", &format!("echo \"$@\" >> {}", told.display()));
    let told = || fs::read_to_string(&told).unwrap_or_default();
    let mut daemon = host.start();
    let mut all = String::new();
    for (failures, length) in [(3, 3600), (2, 7200), (1, 14400)] {
        host.fail("a.log", &vec![V4; failures]);
        all += &format!("{V4} {length}\n");
        eventually(&all, || told() == all);
        eventually("he is kept out", || !host.lets_in(V4, 22));
        let seconds = "SELECT (until_us - at_us) / 1000000 FROM bans ORDER BY at_us DESC LIMIT 1";
        assert_eq!(host.ask(seconds), [length.to_string()]);
        host.does(&format!("unban {V4}"));
        daemon.stop();
        daemon = host.start();
    }
    daemon.stop();
    let history = host.does(&format!("history {V4}"));
    for length in ["1h", "2h", "4h"] {
        assert!(history.out.contains(length), "{}", history.out);
    }
}
