//! What the store says of a host, and how much that is.

use crate::harness::{World, password_fails};

const NOW: &str = "2026-11-20T12:00:00Z";
const HOST: &str = "203.0.113.7";

/// Sixteen failures of a host, found by the filter alone and by the jail.
fn found_twice() -> World {
    let world = World::new();
    let stamps: Vec<String> = (0..16).map(|minute| format!("Nov 20 10:{minute:02}:00")).collect();
    let lines: Vec<_> = stamps.iter().map(|stamp| (stamp.as_str(), HOST)).collect();
    world.write("maillog", password_fails(&lines));
    world.f2b(&format!("scan --quiet --now {NOW} maillog password-fail")).exits(0);
    world.f2b(&format!("scan --quiet --now {NOW} --jail password-fail maillog")).exits(0);
    world
}

#[test]
fn the_head_counts_all_lines_and_says_how_many_are_shown() {
    let world = found_twice();
    let all = world.f2b(&format!("history {HOST}")).exits(0);
    assert_eq!(all.out.lines().next(), Some("203.0.113.7: 16 matched lines, 0 bans"));
    assert_eq!(all.out.matches("maillog:").count(), 16);
    let cut = world.f2b(&format!("history {HOST} --limit 3")).exits(0);
    assert_eq!(
        cut.out.lines().next(),
        Some("203.0.113.7: the last 3 of 16 matched lines (--limit 16 shows all), 0 bans")
    );
    assert_eq!(cut.out.matches("maillog:").count(), 3);
    assert_eq!(cut.out.matches(" failure   password-fail ").count(), 3, "{}", cut.out);
    cut.says(&["10:13:00", "10:14:00", "10:15:00"]);
    // The line at the cut has all that was found in it.
    let one = world.f2b(&format!("history {HOST} --limit 1")).exits(0);
    one.says(&[" 10:15:00   failure   password-fail "]);
}

#[test]
fn programs_are_told_how_much_there_is_too() {
    let world = found_twice();
    let json = world.f2b(&format!("history {HOST} --limit 3 --format json")).exits(0).json();
    assert_eq!((&json["lines"], &json["bans"]), (&16.into(), &0.into()));
    assert_eq!(json["events"].as_array().unwrap().len(), 6);
    for format in ["jsonl", "csv"] {
        let cut = world.f2b(&format!("history {HOST} --limit 3 --format {format}")).exits(0);
        let said = "f2b: the last 3 of 16 matched lines; --limit N gives more\n";
        assert_eq!(cut.err, said, "{format}");
        assert_eq!(cut.out.matches("maillog").count(), 6, "{format}: {}", cut.out);
        let whole = world.f2b(&format!("history {HOST} --format {format}")).exits(0);
        assert_eq!(whole.err, "", "{format}");
    }
}

#[test]
fn a_host_in_a_banned_network_is_known() {
    let world = World::new();
    let ban = format!("ban 198.51.100.0/24 --jail password-fail --time 1d --now {NOW}");
    world.f2b(&ban).exits(0);
    let said = world.f2b(&format!("history 198.51.100.7 --now {NOW}")).exits(0);
    said.says(&[
        "198.51.100.7: 0 matched lines, 1 ban",
        "by manual   198.51.100.0/24: 1d until 2026-11-21 12:00:00",
    ]);
    let json = world.f2b("history 198.51.100.7 --format json").exits(0).json();
    assert_eq!(json["events"][0]["host"], "198.51.100.0/24");
    world
        .f2b("history 198.51.100.7 --format csv")
        .exits(0)
        .says(&["password-fail,,,198.51.100.0/24"]);
    world.f2b("history 198.51.101.7").exits(1).says(&["nothing is known of 198.51.101.7"]);
}

#[test]
fn a_ban_without_a_jail_leaves_no_blank() {
    let world = World::new();
    world.write("maillog", password_fails(&[("Nov 20 10:00:00", HOST)]));
    let scan = format!("scan --ban --maxretry 1 --bantime 1d --now {NOW} maillog password-fail");
    world.f2b(&scan).exits(0);
    for line in [format!("bans --now {NOW}"), format!("history {HOST} --now {NOW}")] {
        world.f2b(&line).exits(0).says(&["(no jail)"]);
    }
    let unban = world.f2b(&format!("unban {HOST} --now {NOW}")).exits(0);
    assert_eq!(unban.out, format!("unbanned {HOST} from (no jail)\n"));
}

#[test]
fn status_does_not_count_a_line_twice() {
    let world = found_twice();
    let said = world.f2b("status").exits(0);
    said.says(&[
        ": 16 matched lines from 1 log, 0 bans\n",
        " (no jail)             16",
        " password-fail         16",
    ]);
    assert!(
        said.out.ends_with("\na line counts in each jail that found a failure in it\n"),
        "{}",
        said.out
    );
}

#[test]
fn err_a_jail_that_nobody_knows() {
    let world = found_twice();
    let config = world.path("");
    let config = config.display().to_string();
    let config = config.trim_end_matches('/');
    for line in [
        "bans --jail pasword-fail",
        "bans --all --jail pasword-fail",
        "unban 203.0.113.7 --jail pasword-fail",
        "unban --all --jail pasword-fail",
    ] {
        world.f2b(line).fails_with(&format!(
            "there is no jail 'pasword-fail' in {config}; did you mean 'password-fail'?"
        ));
    }
    world.f2b("bans --jail vpopmail").exits(1).says(&["no host is banned"]);
}
