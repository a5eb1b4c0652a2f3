//! Logs as they come: rotated, grown, compressed, without a year, truncated while they are read.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{World, generate, password_fails, ran};

const FILTER: &str = "filter.d/password-fail.conf";
const NOW: &str = "2026-11-20T12:00:00Z";

fn stored(world: &World) -> String {
    world.sql("select (select count(*) from matches), (select count(*) from failures), (select count(*) from log)")
}

fn lines(from: u32, to: u32) -> String {
    let stamps: Vec<String> =
        (from..to).map(|n| format!("Nov 20 10:{:02}:{:02}", n / 60, n % 60)).collect();
    let lines: Vec<(&str, &str)> =
        stamps.iter().map(|stamp| (stamp.as_str(), "192.0.2.1")).collect();
    password_fails(&lines)
}

fn scan(world: &World, logs: &str) {
    world.f2b(&format!("scan --now {NOW} {logs} {FILTER}")).exits(0);
}

#[test]
fn the_same_log_again_adds_nothing() {
    let world = World::new();
    world.write("maillog", lines(0, 5));
    scan(&world, "maillog");
    scan(&world, "maillog");
    assert_eq!(stored(&world), "5|5|1");
}

#[test]
fn a_grown_log_adds_what_is_new() {
    let world = World::new();
    world.write("maillog", lines(0, 5));
    scan(&world, "maillog");
    let mut log = OpenOptions::new().append(true).open(world.path("maillog")).unwrap();
    log.write_all(lines(5, 8).as_bytes()).unwrap();
    scan(&world, "maillog");
    assert_eq!(stored(&world), "8|8|1");
}

#[test]
fn a_rotated_and_compressed_log_is_the_same_log() {
    let world = World::new();
    world.write("maillog", lines(0, 100));
    scan(&world, "maillog");
    fs::rename(world.path("maillog"), world.path("maillog.1")).unwrap();
    world.write("maillog", lines(100, 150));
    scan(&world, "maillog maillog.1");
    for tool in ["gzip", "bzip2", "xz", "zstd"] {
        assert!(
            Command::new(tool)
                .args(["-k", "-q"])
                .arg(world.path("maillog.1"))
                .status()
                .unwrap()
                .success()
        );
    }
    scan(&world, "maillog.1.gz maillog.1.bz2 maillog.1.xz maillog.1.zst maillog*");
    assert_eq!(stored(&world), "150|150|2");
}

#[test]
fn identical_lines_are_counted_each() {
    let world = World::new();
    world.write("maillog", lines(7, 8).repeat(3));
    scan(&world, "maillog");
    assert_eq!(stored(&world), "3|3|1");
}

#[test]
fn a_line_that_two_filters_match_is_stored_once() {
    let world = World::new();
    world.write("maillog", lines(0, 5));
    scan(&world, "maillog");
    world.run(["scan", "--now", NOW, "maillog", "password fail .*:<HOST>$"]).exits(0);
    assert_eq!(stored(&world), "10|10|1");
    assert_eq!(world.sql("select count(*) from line"), "5");
}

#[test]
fn threads_change_nothing_of_the_output() {
    let world = World::new();
    generate(&world, "log", &["--size", "5M", "--attack-ratio", "0.1"]);
    let output = |threads: &str| {
        let args =
            ["scan", "-n", "--threads", threads, "--format", "jsonl", "--now", NOW, "log", FILTER];
        world.run(args).exits(0).out
    };
    let one = output("1");
    assert!(one.lines().count() > 1000);
    assert!(one == output("4"));
}

#[test]
fn state_across_lines_is_the_same_at_any_number_of_threads() {
    let world = World::new();
    world.write(
        "filter.d/session.conf",
        "[Definition]\nfailregex = ^ <F-MLFID>s\\d+</F-MLFID>: <F-NOFAIL>from</F-NOFAIL> <HOST>$\n  \
         ^ <F-MLFID>s\\d+</F-MLFID>: bad <F-USER>\\w+</F-USER>$\n  \
         ^ <F-MLFID>s\\d+</F-MLFID>: <F-MLFFORGET>end</F-MLFFORGET>$\n",
    );
    world.write(
        "filter.d/window.conf",
        "[Definition]\nmaxlines = 4\nfailregex = ^ s\\d+: from <HOST><SKIPLINES>^ s\\d+: bad <F-USER>\\w+</F-USER>$\n",
    );
    // More than a chunk, with connections that interleave: 3 MB.
    let line = |n: u32| {
        let (second, connection) = (n / 40 % 60, n.wrapping_mul(2_654_435_761) % 90);
        let what = match n.wrapping_mul(40_503) / 8 % 5 {
            0 => format!("from 192.0.2.{}", n % 200),
            1 | 2 => format!("bad u{}", n % 7),
            3 => "end".to_owned(),
            _ => "nothing of interest".to_owned(),
        };
        format!("Nov 20 10:{:02}:{second:02} s{connection}: {what}\n", n / 2400 % 60)
    };
    world.write("log", (0..90_000).map(line).collect::<String>());
    for filter in ["session", "window"] {
        let output = |threads: &str| {
            let args = ["scan", "-n", "--threads", threads, "--format", "jsonl", "--now", NOW];
            world.run(args.into_iter().chain(["log", filter])).exits(0).out
        };
        let one = output("1");
        let failures = one.lines().filter(|line| line.contains("\"nofail\":false")).count();
        assert!(failures > 1000, "{filter}: {failures}");
        for threads in ["2", "7"] {
            assert!(one == output(threads), "{filter} at {threads} threads");
        }
    }
}

#[test]
fn jsonl_says_where_each_line_stands() {
    let world = World::new();
    let text = format!("# comment\n\n{}noise\n{}", lines(0, 1), lines(1, 2));
    world.write("maillog", &text);
    let found =
        world.run(["scan", "-n", "--format", "jsonl", "--now", NOW, "maillog", FILTER]).exits(0);
    let found = found.json_lines();
    assert_eq!(found.len(), 2);
    for (nth, line) in [(0, 3), (1, 5)] {
        let object = &found[nth];
        assert_eq!(object["source"], "maillog");
        assert_eq!(object["line"], line);
        let offset = usize::try_from(object["offset"].as_u64().unwrap()).unwrap();
        let shown = object["text"].as_str().unwrap();
        assert_eq!(&text[offset..offset + shown.len()], shown);
        assert_eq!(object["time"], 1_795_168_800.0 + nth as f64);
        assert_eq!(object["id"], "192.0.2.1");
        assert_eq!(object["host"], "192.0.2.1");
        assert_eq!(object["regex"], 1);
        assert_eq!(object["nofail"], false);
        assert_eq!(object["fields"], serde_json::json!({ "ip4": "192.0.2.1" }));
    }
}

#[test]
fn an_archive_of_several_years_without_years_is_placed_by_its_order() {
    let world = World::new();
    let stamps = [
        "Mar  1 00:00:00",
        "Sep  1 00:00:00",
        "Jan 10 00:00:00",
        "Aug  1 00:00:00",
        "Dec 31 23:59:59",
        "Jan  1 00:00:00",
        "Jun  1 00:00:00",
    ];
    let lines: Vec<(&str, &str)> = stamps.iter().map(|stamp| (*stamp, "192.0.2.1")).collect();
    world.write("maillog", password_fails(&lines));
    let touched = Command::new("touch")
        .args(["-d", "2025-06-02T00:00:00Z"])
        .arg(world.path("maillog"))
        .status();
    assert!(touched.unwrap().success());
    let expected = [
        "2023-03-01",
        "2023-09-01",
        "2024-01-10",
        "2024-08-01",
        "2024-12-31",
        "2025-01-01",
        "2025-06-01",
    ];
    scan(&world, "maillog");
    let days = world.sql("select substr(time, 1, 10) from matches order by place");
    assert_eq!(days.lines().collect::<Vec<_>>(), expected);
    // The report, which stores nothing, comes to the same.
    let report = world
        .run(["scan", "-n", "--format", "json", "--now", NOW, "maillog", FILTER])
        .exits(0)
        .json();
    assert_eq!(report["hosts"][0]["first"], "2023-03-01T00:00:00Z");
    assert_eq!(report["hosts"][0]["last"], "2025-06-01T00:00:00Z");
}

#[test]
fn an_archive_can_be_read_as_of_its_day() {
    let world = World::new();
    world.write(
        "maillog",
        password_fails(&[("Aug 14 11:00:00", "192.0.2.1"), ("Nov  2 11:00:00", "192.0.2.1")]),
    );
    let args = [
        "scan",
        "-n",
        "--format",
        "jsonl",
        "--now",
        "2005-08-14T12:00:00+02:00",
        "--timezone",
        "Europe/Zurich",
    ];
    let found = world.run(args.into_iter().chain(["maillog", FILTER])).exits(0).json_lines();
    assert_eq!(found[0]["time"], 1_124_010_000.0);
    assert_eq!(found[1]["time"], 1_099_389_600.0);
}

#[test]
fn standard_input_is_a_log() {
    let world = World::new();
    let (log, truth) = generate(&world, "log", &["--size", "5M", "--attack-ratio", "0.4"]);
    let expected = truth["filters"]["password-fail"]["matched_lines"].as_u64().unwrap();
    let mut command = world.command();
    command.args(["scan", "--format", "json", "--now", NOW, "-", FILTER]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let text = fs::read(log).unwrap();
    let writer = std::thread::spawn(move || pipe.write_all(&text).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["lines"]["matched"], expected);
    assert_eq!(world.sql("select count(*) from matches"), expected.to_string());
}

#[test]
fn a_log_line_can_be_given_in_place_of_a_file() {
    let world = World::new();
    let line = lines(0, 1);
    let ran = world.run(["scan", "--format", "json", line.trim_end(), FILTER]).exits(0);
    assert_eq!(ran.json()["lines"]["matched"], 1);
    assert_eq!(stored(&world), "0|0|0");
}

#[test]
fn a_log_truncated_while_it_is_read_ends_no_process() {
    let world = World::new();
    let (log, _) = generate(&world, "log", &["--size", "60M", "--attack-ratio", "0.02"]);
    let child = world
        .command()
        .args(["scan", "-n", "--threads", "1", "--format", "json", "log", FILTER])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let file = OpenOptions::new().write(true).open(log).unwrap();
    file.set_len(5000).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{:?}", output.status);
    let _: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
}

#[test]
fn killed_at_any_time_the_store_holds_whole_batches_and_a_rescan_completes_it() {
    let world = World::new();
    let (_, truth) = generate(&world, "log", &["--size", "20M", "--attack-ratio", "0.4"]);
    let expected = truth["filters"]["password-fail"]["matched_lines"].as_u64().unwrap();
    for round in 0..5 {
        let mut child = world
            .command()
            .args(["scan", "-q", "--now", NOW, "log", FILTER])
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Dies somewhere between its first step and its last.
        let _ = Command::new("sleep").arg(format!("0.{round}5")).status();
        let _ = child.kill();
        let _ = child.wait();
        if world.db().exists() {
            assert_eq!(world.sql("pragma integrity_check"), "ok");
            if world.sql("select count(*) from sqlite_schema where name = 'block'") == "0" {
                continue;
            }
            let miscounted =
                "select (select count(*) from match) - (select ifnull(sum(matches), 0) from block)";
            assert_eq!(world.sql(miscounted), "0");
        }
    }
    scan(&world, "log");
    assert_eq!(world.sql("select count(*) from failures"), expected.to_string());
}

#[test]
fn a_scan_that_is_interrupted_says_what_was_found_so_far() {
    let world = World::new();
    let mut child = world
        .command()
        .args(["scan", "--now", NOW, "-", FILTER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(lines(0, 3).as_bytes()).unwrap();
    // Read when the pipe is empty; then nobody writes any more, and nobody closes it.
    while rustix::io::ioctl_fionread(&pipe).unwrap() > 0 {
        assert!(child.try_wait().unwrap().is_none(), "it reads to the end");
        std::thread::yield_now();
    }
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    let output = child.wait_with_output().unwrap();
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("Lines: 3 lines, 0 ignored, 3 matched, 0 missed"), "{report}");
    assert!(report.contains("Interrupted"), "{report}");
    assert_eq!(world.sql("select count(*) from matches"), "3");
    drop(pipe);
}

#[test]
fn junk_bytes_are_data() {
    let world = World::new();
    let mut log = b"\xff\xfe\0\0\x1b[2J\r\n".to_vec();
    log.extend(vec![b'x'; 10_000_000]);
    log.push(b'\n');
    log.extend_from_slice(lines(0, 1).trim_end().as_bytes());
    log.extend_from_slice(b"\r\n");
    log.extend_from_slice(b"Nov 20 10:00:09 mail vpopmail[1]: vchkpw-smtp: password fail (pass: '\xc3\x28\0') a@b.org:192.0.2.9");
    world.write("maillog", log);
    let mut command = world.command();
    command.args(["scan", "--now", NOW, "--format", "json", "maillog", FILTER]);
    let report = ran(&mut command).exits(0).json();
    assert_eq!(report["lines"]["matched"], 2);
    assert_eq!(report["lines"]["missed"], 2);
    assert_eq!(stored(&world), "2|2|1");
}

#[test]
fn half_a_line_is_replaced_by_the_whole_one_and_bans_nobody() {
    let world = World::new();
    world.write(
        "jail.local",
        "[password-fail]\nlogpath = half.log\nmaxretry = 1\nbantime = -1\nenabled = true\n",
    );
    let line = |host: &str| {
        format!(
            "Nov 20 10:00:00 mail vpopmail[1]: vchkpw-smtp: password fail (pass: 'x') a@b:{host}"
        )
    };
    let scan = "scan --jail password-fail --ban half.log --now 2026-11-20T12:00:00Z";
    world.write("half.log", format!("{}\n{}", line("203.0.113.1"), line("198.51.100.1")));
    let ran = world.f2b(scan).exits(0);
    assert!(ran.out.contains("2 matched"), "{}", ran.out);
    assert_eq!(world.sql("SELECT host FROM bans"), "203.0.113.1");
    assert_eq!(world.sql("SELECT host FROM failures ORDER BY host"), "198.51.100.1\n203.0.113.1");
    world.write("half.log", format!("{}\n{}34\n", line("203.0.113.1"), line("198.51.100.1")));
    world.f2b(scan).exits(0);
    assert_eq!(world.sql("SELECT host FROM bans ORDER BY host"), "198.51.100.134\n203.0.113.1");
    assert_eq!(world.sql("SELECT host FROM failures ORDER BY host"), "198.51.100.134\n203.0.113.1");
    assert_eq!(world.sql("SELECT count(*) FROM matches"), "2");
}

#[test]
fn half_a_line_that_turns_out_to_be_none_of_ours_is_forgotten() {
    let world = World::new();
    world.write("half.log", "Nov 20 10:00:00 bad 192.0.2.1\nNov 20 10:00:01 bad 192.0.2.2");
    let scan = |world: &World| {
        world.run(["scan", "--now", "2026-11-20T12:00:00Z", "half.log", "bad <HOST>$"]).exits(0);
    };
    scan(&world);
    assert_eq!(world.sql("SELECT count(*) FROM failures"), "2");
    world.write(
        "half.log",
        "Nov 20 10:00:00 bad 192.0.2.1\nNov 20 10:00:01 bad 192.0.2.2 is good\n",
    );
    scan(&world);
    assert_eq!(world.sql("SELECT host FROM failures"), "192.0.2.1");
    assert_eq!(world.sql("SELECT count(*) FROM matches"), "1");
}

#[test]
fn several_archives_without_years_are_read_by_one_thread() {
    let world = World::new();
    let mut text = String::new();
    for nth in 0..100_000 {
        let (minute, second) = (nth / 60 % 60, nth % 60);
        writeln!(
            text,
            "Nov 20 {:02}:{minute:02}:{second:02} bad 192.0.2.{} and {:60}",
            nth / 3600 % 24,
            nth % 250,
            nth
        )
        .unwrap();
    }
    world.write("a.log", &text);
    let gzip = world
        .shell(
            "gzip -1 <a.log >a.log.1.gz; gzip -1 <a.log >a.log.2.gz; echo more | gzip >>a.log.2.gz",
        )
        .status();
    assert!(gzip.unwrap().success());
    // Each archive is larger than what the workers may have ready, so they wait for the one who takes it.
    let scan = "timeout 120 f2b scan --quiet --threads 1 a.log.1.gz a.log.2.gz a.log 'bad <HOST>'";
    let ran = ran(&mut world.shell(scan)).exits(0);
    assert!(ran.out.contains("300000 matched"), "{}", ran.out);
}

#[test]
fn an_hour_that_occurs_twice_is_the_earlier_one() {
    let world = World::new();
    world.write("log", "2005-10-30 02:30:00 bad 192.0.2.1\n");
    let args = ["scan", "--dry-run", "--format", "jsonl", "log", "bad <HOST>$"];
    let machines = ran(world.command().env("TZ", "Europe/Zurich").args(args)).exits(0);
    let named = world.run(["--timezone", "Europe/Zurich"].iter().chain(&args)).exits(0);
    for ran in [machines, named] {
        assert_eq!(ran.json_lines()[0]["time"], 1_130_632_200.0);
    }
    // Names of zones have no summer time.
    world.write("log", "2005-08-14 02:30:00 bad 192.0.2.1\n");
    for (zone, time) in
        [("CET", 1_123_983_000.0), ("-0330", 1_123_999_200.0), ("CEST", 1_123_979_400.0)]
    {
        let ran = world.run(["--timezone", zone].iter().chain(&args)).exits(0);
        assert_eq!(ran.json_lines()[0]["time"], time, "{zone}");
    }
}

#[test]
fn the_zone_of_a_jail_decides_when_its_bans_begin_and_an_unknown_one_bans_nobody() {
    let world = World::new();
    world.write("filter.d/j.conf", "[Definition]\nfailregex = bad <HOST>$\n");
    world.write("j.log", "2026-07-20 10:00:00 bad 203.0.113.1\n");
    let jail = |zone: &str| {
        format!(
            "[j]\nfilter = j\nlogpath = j.log\nmaxretry = 1\nbantime = 1d\nlogtimezone = {zone}\n"
        )
    };
    let scan = "scan --jail j --ban j.log --now 2026-07-20T12:00:00Z";
    world.write("jail.local", jail("Europe/Pariss"));
    let refused = world.f2b(scan).exits(2);
    assert!(
        refused.err.contains("jail.local:6: unknown time zone 'Europe/Pariss'"),
        "{}",
        refused.err
    );
    assert!(!world.db().exists());
    world.write("jail.local", jail("Europe/Paris"));
    world.f2b(scan).exits(0);
    assert_eq!(world.sql("SELECT at_us FROM ban"), "1784534400000000");
}
