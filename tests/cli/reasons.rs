//! Why a host that failed isn't banned, and why a matched line is no failure.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Ran, World};

const FILTER: &str = r"[Definition]
failregex = ^ ?(?:<F-NOFAIL>ok</F-NOFAIL>|bad) <HOST>$
";

const NOW: &str = "2026-11-20T12:00";

/// The last cell of a host's row in the table of offenders.
fn banned(ran: &Ran, host: &str) -> String {
    let row = ran.out.lines().find(|line| line.trim_start().starts_with(&format!("{host} ")));
    let row = row.unwrap_or_else(|| unreachable!("{host}\n{}", ran.out));
    row.rsplit_once("   ").unwrap().1.trim().to_owned()
}

/// What a JSON document says of a host besides its failures.
fn standing(document: &Value, host: &str) -> Value {
    let hosts = document["hosts"].as_array().unwrap();
    let mut of_host = hosts.iter().find(|of| of["host"] == host).unwrap().clone();
    let members = of_host.as_object_mut().unwrap();
    members.retain(|name, _| !["host", "failures", "first", "last"].contains(&name.as_str()));
    of_host
}

fn world(jail: &str, lines: &[(&str, &str)]) -> World {
    let world = World::empty();
    world.write("filter.d/bad.conf", FILTER);
    let options = "filter = bad\nlogpath = log\nmaxretry = 2\nfindtime = 10m\nbantime = 1h\n";
    world.write("jail.conf", format!("[j]\n{options}{jail}\n"));
    let line = |(time, said): &(&str, &str)| match *time {
        "" => format!("{said}\n"),
        time => format!("2026-11-20 {time} {said}\n"),
    };
    world.write("log", lines.iter().map(line).collect::<String>());
    world
}

fn twice(host: &str) -> [(&'static str, String); 2] {
    ["11:30:00", "11:30:01"].map(|time| (time, format!("bad {host}")))
}

fn scan(world: &World, args: &str) -> Ran {
    world.f2b(&format!("scan --jail j --now {NOW} {args}")).exits(0)
}

#[test]
fn a_host_that_is_not_banned_says_why() {
    let own = Command::new("hostname").arg("-I").output().unwrap().stdout;
    let own = String::from_utf8(own).unwrap();
    let own = own.split_whitespace().next().unwrap_or("127.0.0.1");
    let mut lines = vec![
        ("09:00:00", "bad 198.51.100.1".to_owned()),
        ("09:00:01", "bad 198.51.100.1".to_owned()),
        ("11:00:00", "bad 198.51.100.2".to_owned()),
        ("11:30:00", "bad 198.51.100.2".to_owned()),
    ];
    lines.extend(["198.51.100.3", "203.0.113.9", own].into_iter().flat_map(twice));
    lines.sort_by_key(|(time, _)| *time);
    let lines: Vec<(&str, &str)> = lines.iter().map(|(time, said)| (*time, &**said)).collect();
    let world = world("ignoreip = 203.0.113.0/24", &lines);
    let found = scan(&world, "--ban");
    let json = scan(&world, "--dry-run --ban --format json").json();
    for (host, why) in [
        (
            "198.51.100.1",
            json!({"standing": "over", "ended_at": "2026-11-20T10:00:01Z", "end_reason": "expired"}),
        ),
        ("198.51.100.2", json!({"standing": "below", "maxretry": 2, "findtime_secs": 600.0})),
        ("198.51.100.3", json!({"standing": "banned", "banned_until": "2026-11-20T12:30:01Z"})),
        (
            "203.0.113.9",
            json!({"standing": "ignored", "ignored_by": "ignoreip", "rule": "203.0.113.0/24"}),
        ),
        (own, json!({"standing": "ignored", "ignored_by": "ignoreself", "rule": null})),
    ] {
        assert_eq!(standing(&json, host), why, "{host}");
    }
    for (host, why) in [
        ("198.51.100.1", "no: over since 2026-11-20 10:00:01"),
        ("198.51.100.2", "no: fewer than 2 in 10m"),
        ("198.51.100.3", "until 2026-11-20 12:30:01"),
        ("203.0.113.9", "no: ignoreip 203.0.113.0/24"),
        (own, "no: own address"),
    ] {
        assert_eq!(banned(&found, host), why, "{host}");
    }
    world.f2b(&format!("unban 198.51.100.3 --now {NOW}")).exits(0);
    let later = world.f2b("scan --jail j --now 2026-11-20T12:10").exits(0);
    assert_eq!(banned(&later, "198.51.100.3"), "no: lifted 2026-11-20 12:00:00");
    assert_eq!(banned(&later, "198.51.100.2"), "not decided");
}

#[test]
fn who_was_ignored_when_asked_for_says_by_what() {
    let lines = twice("127.0.0.1");
    let lines: Vec<(&str, &str)> = lines.iter().map(|(time, said)| (*time, &**said)).collect();
    let by_name = world("ignoreself = false\nignoreip = localhost", &lines);
    assert_eq!(banned(&scan(&by_name, "-n --ban"), "127.0.0.1"), "no: ignoreip localhost");
    for command in ["test <ip> = 127.0.0.1", "test <F-NONE><ip> = 127.0.0.1"] {
        let by_command = world(&format!("ignoreself = false\nignorecommand = {command}"), &lines);
        assert_eq!(banned(&scan(&by_command, "-n --ban"), "127.0.0.1"), "no: ignorecommand");
        let json = scan(&by_command, "-n --ban --format json").json();
        let wanted = json!({"standing": "ignored", "ignored_by": "ignorecommand", "rule": null});
        assert_eq!(standing(&json, "127.0.0.1"), wanted);
    }
}

#[test]
fn a_host_without_a_date_is_not_banned_for_that() {
    let world = world("", &[("", "bad 198.51.100.1"), ("", "bad 198.51.100.1")]);
    assert_eq!(banned(&scan(&world, "--ban"), "198.51.100.1"), "no: no date");
    assert_eq!(banned(&scan(&world, "-n"), "198.51.100.1"), "no: no date");
    let json = scan(&world, "-n --format json").json();
    assert_eq!(standing(&json, "198.51.100.1"), json!({"standing": "undated"}));
    assert_eq!(json["no_failures"], Value::Null);
}

#[test]
fn lines_that_are_no_failure_are_explained() {
    let world = world(
        "ignoreip = 203.0.113.0/24",
        &[
            ("11:30:00", "ok 198.51.100.1"),
            ("11:30:00", "ok 198.51.100.1"),
            ("11:30:01", "bad 203.0.113.1"),
            ("11:30:02", "bad 198.51.100.1"),
            ("11:30:03", "bad 999.1.2.3"),
            ("11:30:03", "bad nosuch.invalid"),
        ],
    );
    let stored = |ran: Ran| {
        let lines = ran.out.lines().skip_while(|line| !line.starts_with("Stored "));
        let lines = lines.take_while(|line| !line.is_empty());
        lines.map(|line| line.replace(&world.db().display().to_string(), "DB")).collect::<Vec<_>>()
    };
    let why = "5 lines are no failure: 2 context, 1 about nobody, \
        1 about a name without an address, 1 about a host that the jail ignores";
    let first = stored(scan(&world, "--usedns yes"));
    assert_eq!(first, ["Stored 6 new matched lines and 1 new failure in DB", why]);
    let json = scan(&world, "--usedns yes --format json").json();
    let counts = json!({"context": 2, "nobody": 1, "unresolved": 1, "ignored": 1});
    assert_eq!(json["no_failures"], counts);
    let again = stored(scan(&world, "--usedns yes"));
    let known = "Stored 0 new matched lines and 0 new failures in DB (all 6 lines were known)";
    assert_eq!(again, [known, why]);
    let mut log = std::fs::read_to_string(world.path("log")).unwrap();
    log += "2026-11-20 11:40:00 bad nosuch.invalid\n";
    world.write("log", log);
    let more = stored(scan(&world, "--usedns yes"));
    assert_eq!(more[0], "Stored 1 new matched line and 0 new failures in DB (6 lines were known)");
}

#[test]
fn a_scan_of_failures_only_explains_nothing() {
    let world = world("", &[("11:30:00", "bad 198.51.100.1")]);
    let found = scan(&world, "");
    assert!(!found.out.contains("no failure"), "{}", found.out);
}
