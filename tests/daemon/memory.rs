//! What the service remembers that fail2ban forgets.

use std::fs;

use f2b::model::Time;

use crate::harness::{Host, next_second, now};
use crate::machines::{V4, V6};
use crate::net::{before_it_ends, eventually};

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
            daemon.kill();
        } else {
            daemon.stop();
        }
        let daemon = host.start();
        assert!(host.banned().is_empty());
        host.fail("a.log", &[V4]);
        eventually("it is the third", || !host.lets_in(V4, 22));
        host.does(&format!("unban {V4}"));
        next_second();
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
fn an_action_is_told_how_long_a_ban_is_when_it_grows() {
    before_it_ends(|secs| {
        let host = Host::new(&format!(
            "[j]\nlogpath = LOG/a.log\naction = tell\n  nftables[port=22]\nbantime = {secs}\nbantime.increment = true\n",
        ));
        let told = host.path("told");
        host.action("tell", &format!("echo \"$@\" >> {}", told.display()));
        let told = || fs::read_to_string(&told).unwrap_or_default();
        let daemon = host.start();
        let mut all = Vec::new();
        for (failures, length) in [(3, secs), (2, 2 * secs)] {
            host.fail("a.log", &vec![V4; failures]);
            all.push(format!("{V4} {length}"));
            let ended = || host.ask("SELECT count(ended_us) FROM bans") == [all.len().to_string()];
            // Of a ban that is over before its turn comes no action is told.
            eventually("the action is told", || told().lines().eq(&all) || ended());
            if !told().lines().eq(&all) {
                return None;
            }
            let seconds =
                "SELECT (until_us - at_us) / 1000000 FROM bans ORDER BY at_us DESC LIMIT 1";
            assert_eq!(host.ask(seconds), [length.to_string()]);
            eventually("his time is over", || host.lets_in(V4, 22) && host.banned().is_empty());
        }
        daemon.stop();
        Some(())
    });
}

#[test]
fn an_unban_forgets_nothing() {
    let host = Host::new("[j]\nlogpath = LOG/a.log\naction = nftables[port=22]\n");
    let daemon = host.start();
    for bans in 1..3 {
        host.fail("a.log", &[V4, V4, V4]);
        eventually("he is kept out", || !host.lets_in(V4, 22));
        host.does(&format!("unban {V4}"));
        next_second();
        let history = host.does(&format!("history {V4}")).out;
        assert_eq!(history.matches("unbanned").count(), bans, "{history}");
    }
    assert_eq!(host.failures(), 6);
    daemon.stop();
}
