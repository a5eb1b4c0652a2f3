//! Bans: decided from logs, made and lifted by hand, exported and imported.

use std::fs;

use crate::harness::{World, password_fails, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

fn ban(world: &World, host: &str) {
    world.run(["ban", host, "--jail", "password-fail", "--time", "1d"]).exits(0);
}

/// Three failures within the hour: one ban; the jail bans for a day.
fn one_offender() -> String {
    password_fails(&[
        ("Nov 20 10:00:00", "203.0.113.7"),
        ("Nov 20 10:10:00", "203.0.113.7"),
        ("Nov 20 10:15:00", "198.51.100.9"),
        ("Nov 20 10:20:00", "203.0.113.7"),
    ])
}

fn scan_ban(world: &World, now: &str) {
    let line = format!("scan --jail password-fail --ban --now {now} maillog");
    world.f2b(&line).exits(0);
}

#[test]
fn three_failures_within_findtime_ban_from_the_last() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    let bans = world.f2b(&format!("bans --format json --now {NOW}")).exits(0).json();
    let bans = bans["bans"].as_array().unwrap();
    assert_eq!(bans.len(), 1);
    assert_eq!(bans[0]["host"], "203.0.113.7");
    assert_eq!(bans[0]["jail"], "password-fail");
    assert_eq!(bans[0]["banned_at"], "2026-11-20T10:20:00Z");
    assert_eq!(bans[0]["banned_until"], "2026-11-21T10:20:00Z");
    assert_eq!(bans[0]["origin"], "scan");
    assert_eq!(bans[0]["failures"], 3);
}

#[test]
fn a_ban_whose_time_is_over_is_history() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, "2026-11-22T00:00:00Z");
    world.f2b("bans --now 2026-11-22T00:00:00Z").exits(1);
    assert_eq!(
        world.sql("select host, until, ended, end_reason from bans"),
        "203.0.113.7|2026-11-21T10:20:00Z|2026-11-21T10:20:00Z|expired"
    );
}

#[test]
fn scanning_again_bans_no_one_twice_and_not_who_was_pardoned() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    world.f2b(&format!("unban 203.0.113.7 --now {NOW}")).exits(0);
    scan_ban(&world, "2026-11-20T13:00:00Z");
    world.f2b("bans --now 2026-11-20T13:00:00Z").exits(1);
    assert_eq!(world.sql("select count(*) from ban"), "1");
}

#[test]
fn failures_of_several_logs_are_decided_in_the_order_of_time() {
    let world = World::new();
    // Three within an hour, but only across both logs.
    world.write(
        "a.log",
        password_fails(&[("Nov 20 10:00:00", "203.0.113.1"), ("Nov 20 10:40:00", "203.0.113.1")]),
    );
    world.write("b.log", password_fails(&[("Nov 20 10:20:00", "203.0.113.1")]));
    world.f2b(&format!("scan --jail password-fail --ban --now {NOW} b.log a.log")).exits(0);
    assert_eq!(world.sql("select host, at from bans"), "203.0.113.1|2026-11-20T10:40:00Z");
}

#[test]
fn a_log_whose_dates_go_back_is_decided_in_the_order_of_time() {
    let world = World::new();
    let (early, late) = ("Nov 20 08:00:00", "Nov 20 11:00:00");
    let log = [(late, "203.0.113.1"), (early, "203.0.113.1"), ("Nov 20 08:10:00", "203.0.113.1")];
    world.write("maillog", password_fails(&log));
    scan_ban(&world, NOW);
    assert_eq!(world.sql("select count(*) from bans"), "0", "no three within the hour");
}

#[test]
fn logs_are_decided_as_together_in_whatever_order_they_are_scanned() {
    let world = World::new();
    world.write("late", password_fails(&[("Nov 20 10:20:00", "203.0.113.1")]));
    let early = [("Nov 20 10:00:00", "203.0.113.1"), ("Nov 20 10:10:00", "203.0.113.1")];
    world.write("early", password_fails(&early));
    for log in ["late", "early", "late"] {
        world.f2b(&format!("scan --jail password-fail --ban --now {NOW} {log}")).exits(0);
    }
    assert_eq!(world.sql("select host, at from bans"), "203.0.113.1|2026-11-20T10:20:00Z");
}

#[test]
fn failures_before_a_rotation_count_after_it() {
    let world = World::new();
    world.write(
        "maillog",
        password_fails(&[("Nov 20 10:00:00", "203.0.113.1"), ("Nov 20 10:10:00", "203.0.113.1")]),
    );
    world.f2b(&format!("scan --jail password-fail --ban --now {NOW} maillog")).exits(0);
    fs::remove_file(world.path("maillog")).unwrap();
    world.write("maillog", password_fails(&[("Nov 20 10:20:00", "203.0.113.1")]));
    world.f2b(&format!("scan --jail password-fail --ban --now {NOW} maillog")).exits(0);
    assert_eq!(world.sql("select host, at from bans"), "203.0.113.1|2026-11-20T10:20:00Z");
}

#[test]
fn an_ignored_host_is_matched_but_never_banned() {
    let world = World::new();
    world.write("maillog", one_offender().replace("203.0.113.7", "127.0.0.5"));
    let report = world
        .f2b(&format!("scan --jail password-fail --ban --format json --now {NOW} maillog"))
        .exits(0)
        .json();
    assert_eq!(report["lines"]["matched"], 4);
    assert_eq!(report["bans"].as_array().unwrap().len(), 0);
    assert_eq!(world.sql("select count(*) from matches"), "4");
    assert_eq!(world.sql("select count(*) from failures"), "1");
}

#[test]
fn thresholds_on_the_command_line_beat_the_jails() {
    let world = World::new();
    world.write("maillog", one_offender());
    world
        .f2b(&format!(
            "scan --jail password-fail --ban --maxretry 1 --bantime -1 --now {NOW} maillog"
        ))
        .exits(0);
    assert_eq!(
        world.sql("select host, ifnull(until, 'ever'), failures from bans order by host"),
        "198.51.100.9|ever|1\n203.0.113.7|ever|1"
    );
}

#[test]
fn a_host_that_comes_back_is_banned_sooner_and_for_longer() {
    let world = World::new();
    let jail = fs::read_to_string(world.path("jail.conf")).unwrap();
    let options = "bantime.increment = true\nbantime.formula = ban.Time * (ban.Count + 1)";
    let jail = jail.replace("[password-fail]\n", &format!("[password-fail]\n{options}\n"));
    let jail = jail.replace("bantime  = 86400\n", "bantime  = 60\n");
    world.write("jail.conf", jail);
    let lines = |minutes: &[u32]| {
        let stamps: Vec<String> =
            minutes.iter().map(|minute| format!("Nov 20 10:{minute:02}:00")).collect();
        let lines: Vec<_> = stamps.iter().map(|stamp| (&**stamp, "203.0.113.7")).collect();
        password_fails(&lines)
    };
    // Three failures for the first ban, two that count twice for the second, one for the third.
    world.write("maillog", lines(&[0, 1, 2, 10, 11]));
    scan_ban(&world, NOW);
    // What is stored counts as what was decided in the same pass; reading it again adds nothing.
    world.write("maillog", lines(&[0, 1, 2, 10, 11, 20]));
    scan_ban(&world, NOW);
    scan_ban(&world, NOW);
    assert_eq!(
        world.sql("select at, until from bans order by at"),
        "2026-11-20T10:02:00Z|2026-11-20T10:03:00Z\n\
         2026-11-20T10:11:00Z|2026-11-20T10:13:00Z\n\
         2026-11-20T10:20:00Z|2026-11-20T10:23:00Z"
    );
}

#[test]
fn a_dry_run_decides_and_writes_nothing() {
    let world = World::new();
    world.write("maillog", one_offender());
    let report = world
        .f2b(&format!("scan -n --jail password-fail --ban --format json --now {NOW} maillog"))
        .exits(0)
        .json();
    assert_eq!(report["bans"][0]["host"], "203.0.113.7");
    assert!(!world.db().exists());
}

#[test]
fn a_manual_ban_lasts_as_long_as_the_jail_says() {
    let world = World::new();
    let ran = world.f2b(&format!("ban 203.0.113.7 --jail password-fail --now {NOW}")).exits(0);
    assert_eq!(ran.out, "banned 203.0.113.7 in password-fail until 2026-11-21 12:00:00\n");
    let again =
        world.f2b(&format!("ban 203.0.113.7 --jail password-fail --time 1h --now {NOW}")).exits(0);
    assert_eq!(
        again.out,
        "203.0.113.7 is already banned in password-fail until 2026-11-21 12:00:00\n"
    );
    let longer =
        world.f2b(&format!("ban 203.0.113.7 --jail password-fail --time -1 --now {NOW}")).exits(0);
    assert_eq!(longer.out, "banned 203.0.113.7 in password-fail for ever\n");
    assert_eq!(
        world.sql("select ifnull(end_reason, '-') from bans order by at_us"),
        "replaced\n-",
        "who extends a ban loses neither the old one nor the new one"
    );
}

#[test]
fn unban_lifts_a_host_from_every_jail_and_every_exported_file() {
    let world = World::new();
    for jail in ["password-fail", "vpopmail"] {
        world.f2b(&format!("ban 203.0.113.7 203.0.113.8 --jail {jail} --now {NOW}")).exits(0);
    }
    world.f2b(&format!("export ip.deny --output ip.deny --now {NOW}")).exits(0);
    assert_eq!(fs::read_to_string(world.path("ip.deny")).unwrap(), "203.0.113.7\n203.0.113.8\n");
    let ran = world.f2b(&format!("unban 203.0.113.7 --now {NOW}")).exits(0);
    assert!(
        ran.out.starts_with("unbanned 203.0.113.7 from password-fail, vpopmail\n"),
        "{}",
        ran.out
    );
    assert_eq!(fs::read_to_string(world.path("ip.deny")).unwrap(), "203.0.113.8\n");
    world.f2b(&format!("unban 203.0.113.7 --now {NOW}")).exits(1);
}

#[test]
fn a_host_in_a_banned_network_is_told_so() {
    let world = World::new();
    world.f2b(&format!("ban 198.51.100.0/24 --jail vpopmail --now {NOW}")).exits(0);
    let ran = world.f2b(&format!("unban 198.51.100.7 --now {NOW}")).exits(1);
    assert_eq!(
        ran.out,
        "198.51.100.7 is not banned\n  but its network 198.51.100.0/24 is banned in vpopmail\n"
    );
}

#[test]
fn every_list_carries_the_bans_into_an_empty_store() {
    for format in ["ip.deny", "hosts.deny", "csv", "json"] {
        let world = World::new();
        world.write("maillog", one_offender());
        scan_ban(&world, NOW);
        world.f2b(&format!("export {format} --output list --now {NOW}")).exits(0);
        fs::remove_dir_all(world.path("store")).unwrap();
        world.f2b(&format!("import {format} list --now {NOW}")).exits(0);
        assert_eq!(world.sql("select host, origin from bans"), "203.0.113.7|import", "{format}");
        let again = world.f2b(&format!("import --format {format} list --now {NOW}")).exits(0);
        assert!(again.out.starts_with("imported 0 bans of 1 listed"), "{}", again.out);
    }
}

#[test]
fn history_shows_lines_failures_and_bans_of_a_host() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    let events =
        world.f2b(&format!("history 203.0.113.7 --format jsonl --now {NOW}")).exits(0).json_lines();
    let kinds: Vec<&str> = events.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["match", "match", "match", "ban"]);
    assert_eq!(events[1]["line"], 2);
    world.f2b("history 198.51.100.200").exits(1);
}

#[test]
fn status_is_a_document_for_programs() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    let ran = world.f2b(&format!("status --json --now {NOW}")).exits(0);
    let status: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    let jails = status["jails"].as_array().unwrap();
    let jail = jails.iter().find(|jail| jail["name"] == "password-fail").unwrap();
    assert!(
        jail["failures"].as_u64().unwrap() > 0 && jail["banned"].as_u64().unwrap() > 0,
        "{jail}"
    );
    assert!(jail["last_failure"].as_str().unwrap().ends_with('Z'), "{jail}");
    assert_eq!(status["daemon"], serde_json::Value::Null);
}

#[test]
fn status_of_a_jail_is_the_tree_that_scripts_know() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    let ran = world.f2b(&format!("status password-fail --now {NOW}")).exits(0);
    assert_eq!(
        ran.out,
        "Status for the jail: password-fail\n\
         |- Filter\n\
         |  |- Currently failed:\t0\n\
         |  |- Total failed:\t4\n\
         |  `- File list:\t/var/log/maillog\n\
         `- Actions\n   \
            |- Currently banned:\t1\n   \
            |- Total banned:\t1\n   \
            `- Banned IP list:\t203.0.113.7\n"
    );
}

#[test]
fn purge_forgets_what_is_old_and_keeps_who_is_banned() {
    let world = World::new();
    world.write("maillog", one_offender());
    scan_ban(&world, NOW);
    world.f2b("purge --keep 1d --now 2026-11-20T13:00:00Z").exits(0);
    world.f2b("purge --keep 1h --now 2026-11-20T13:00:00Z").exits(0);
    assert_eq!(world.sql("select count(*) from failures"), "0");
    assert_eq!(world.sql("select count(*) from bans"), "1");
}

#[test]
fn an_exported_link_stays_a_link_and_a_pipe_a_pipe() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    world.write("real.deny", "");
    std::os::unix::fs::symlink("real.deny", world.path("link.deny")).unwrap();
    world.f2b("export ip.deny --output link.deny").exits(0);
    ban(&world, "198.51.100.2");
    assert!(world.path("link.deny").is_symlink());
    assert_eq!(
        fs::read_to_string(world.path("real.deny")).unwrap(),
        "198.51.100.1\n198.51.100.2\n"
    );
    let ran = ran(&mut world.shell("mkfifo p && (cat p & f2b export ip.deny --output p; wait)"));
    assert!(ran.exits(0).out.contains("198.51.100.1\n198.51.100.2\n"));
    assert!(!fs::metadata(world.path("p")).unwrap().is_file());
    assert_eq!(world.sql("SELECT count(*) FROM export"), "1");
}

#[test]
fn a_list_whose_folder_is_missing_for_a_while_is_not_forgotten() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    world.write("lists/ip.deny", "");
    world.f2b("export ip.deny --output lists/ip.deny").exits(0);
    fs::rename(world.path("lists"), world.path("away")).unwrap();
    let ran = world.f2b("ban 198.51.100.2 --jail password-fail --time 1d").exits(2);
    assert!(ran.err.contains("still lists the bans of before"), "{}", ran.err);
    fs::rename(world.path("away"), world.path("lists")).unwrap();
    ban(&world, "198.51.100.3");
    let list = fs::read_to_string(world.path("lists/ip.deny")).unwrap();
    assert_eq!(list, "198.51.100.1\n198.51.100.2\n198.51.100.3\n");
    fs::remove_file(world.path("lists/ip.deny")).unwrap();
    let ran = world.f2b("ban 198.51.100.4 --jail password-fail --time 1d").exits(0);
    assert!(ran.err.contains("is gone and is no longer kept up to date"), "{}", ran.err);
    assert_eq!(world.sql("SELECT count(*) FROM export"), "0");
}

#[test]
fn a_permanent_ban_is_not_shortened_by_a_clock_that_is_behind() {
    let world = World::new();
    let ban = |now: &str, time: &str| {
        let args = ["ban", "203.0.113.1", "--jail", "password-fail", "--now", now, "--time", time];
        world.run(args).exits(0).out
    };
    ban("2026-11-20T10:00:00Z", "-1");
    assert!(ban("2026-11-20T09:00:00Z", "10").contains("is already banned"));
    assert_eq!(world.sql("SELECT count(*) FROM bans WHERE until IS NULL AND ended IS NULL"), "1");
}

#[test]
fn a_ban_beyond_all_calendars_can_be_exported_and_imported() {
    let world = World::new();
    world.f2b("ban 203.0.113.1 --jail password-fail --time 90000y").exits(0);
    for format in ["csv", "json"] {
        let list = world.run(["export", format]).exits(0).out;
        world.write("list", list);
        let ran = world.run(["import", format, "list", "--db", &format!("{format}.db")]).exits(0);
        assert!(ran.out.contains("imported 1 ban"), "{}", ran.out);
    }
}

#[test]
fn a_host_can_not_steer_the_terminal() {
    let world = World::new();
    let log = "Nov 20 10:00:00 bad \x1b]0;pwned\x07x";
    world.write("filter.d/any.conf", "[Definition]\nfailregex = bad <F-ID>.+</F-ID>$\n");
    world.write(
        "jail.local",
        "[any]\nenabled = true\nfilter = any\nlogpath = any.log\nmaxretry = 1\n",
    );
    world.write("any.log", format!("{log}\n"));
    let now = "--now 2026-11-20T10:01:00Z";
    world.f2b(&format!("scan --quiet --jail any --ban any.log {now}")).exits(0);
    for command in ["status any", "bans", "unban --all"] {
        let ran = world.f2b(&format!("{command} {now}")).exits(0);
        assert!(ran.out.contains("\\x1b]0;pwned"), "{command}: {}", ran.out);
        assert!(!ran.out.contains('\x1b'), "{command}: {}", ran.out);
    }
}
