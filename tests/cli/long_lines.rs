//! Lines without an end: only their beginning is looked at, whatever way they come, in constant memory.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";
const MIB: usize = 1 << 20;
const TOLD: &str = "1 line is longer than 1.05 MB; only the beginning of it was looked at";

fn bad(second: u32) -> String {
    format!("Nov 20 10:00:{second:02} bad 192.0.2.{second}\n")
}

/// Two failures around a line of three MiB, and where the second one stands.
fn long() -> (String, usize) {
    let mut text = bad(1);
    text.push_str("Nov 20 10:00:02 long");
    text.push_str(&" bad 192.0.2.99 no".repeat(3 * MIB / 18));
    text.push('\n');
    let second = text.len();
    (text + &bad(3), second)
}

fn offsets(world: &World, args: &[&str]) -> Vec<u64> {
    let run = world.run(["scan", "-n", "--format", "jsonl", "--now", NOW].iter().chain(args));
    let name = args[args.len() - 2];
    assert_eq!(run.err, format!("f2b: {name}: {TOLD}\n"));
    run.exits(0).json_lines().iter().map(|line| line["offset"].as_u64().unwrap()).collect()
}

#[test]
fn the_lines_behind_a_long_one_are_found_at_their_place() {
    let world = World::new();
    let (text, second) = long();
    world.write("log", &text);
    let packed = world.shell("gzip -k log; xz -k log; zstd -q log").status().unwrap();
    assert!(packed.success());
    let filter = r"bad <HOST>$";
    let expected = [0, second as u64];
    for name in ["log", "log.gz", "log.xz", "log.zst"] {
        assert_eq!(offsets(&world, &[name, filter]), expected, "{name}");
    }
    // Line by line, and in another encoding.
    assert_eq!(offsets(&world, &["--maxlines", "2", "log", filter]), expected);
    assert_eq!(offsets(&world, &["--encoding", "latin-1", "log", filter]), expected);
    let stdin = ran(&mut world.shell("f2b scan -n --format jsonl - 'bad <HOST>$' <log"));
    assert_eq!(stdin.err, format!("f2b: -: {TOLD}\n"));
    assert_eq!(stdin.exits(0).json_lines().len(), 2);
    let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
    world.write("wide", utf16);
    assert_eq!(offsets(&world, &["--encoding", "utf-16le", "wide", filter]), expected);
    // It is counted as one line that was missed.
    let report = world.run(["scan", "-n", "--format", "json", "log", filter]).exits(0).json();
    assert_eq!(report["lines"]["matched"], 2);
    assert_eq!(report["lines"]["missed"], 1);
}

#[test]
fn what_is_cut_off_is_not_the_end_of_a_line() {
    let world = World::new();
    let filter = "bad .*from <HOST>$";
    for shift in 0..24 {
        let beginning = "Nov 20 10:00:00 bad ";
        let address = " from 192.0.2.12";
        let fill = MIB - beginning.len() - address.len() - 8 + shift;
        world.write("log", format!("{beginning}{}{address}3 and more\n", "x".repeat(fill)));
        let args = ["scan", "-n", "--quiet", "log", filter];
        world.run(args).exits(1).says(&["0 matched"]);
        // The last word that is seen may be half an address.
        let found = world.run(["scan", "-n", "--format", "jsonl", "log", r"bad .*from <HOST>"]);
        let hosts: Vec<_> = found.json_lines().iter().map(|line| line["host"].clone()).collect();
        let expected: &[&str] = if shift <= 6 { &["192.0.2.123"] } else { &[] };
        assert_eq!(hosts, expected, "{shift}");
    }
}

#[test]
fn a_long_line_is_stored_by_its_beginning_and_once() {
    let world = World::new();
    let mut line = String::from("Nov 20 10:00:00 bad 203.0.113.1 ");
    line.push_str(&"é".repeat(MIB));
    world.write("log", &line);
    let scan = ["scan", "--now", NOW, "log", r"bad <HOST>\s"];
    world.run(scan).exits(0).says(&["Stored 1 new matched line and 1 new failure"]);
    world.run(scan).exits(0).says(&["Stored 0 new matched lines and 0 new failures"]);
    world.write("log", line.clone() + "more\n");
    world.run(scan).exits(0).says(&["Stored 0 new matched lines and 0 new failures"]);
    assert_eq!(
        world.sql("SELECT typeof(text), length(CAST(text AS BLOB)) FROM line"),
        "text|1048576"
    );
    // A line whose beginning counts is no half one.
    world.run(["scan", "--now", NOW, "--ban", "--maxretry", "1", "log", r"bad <HOST>\s"]).exits(0);
    assert_eq!(world.sql("SELECT count(*) FROM bans"), "1");
}

#[test]
fn an_endless_line_takes_no_more_memory_than_a_short_one() {
    let world = World::new();
    let scans = [
        "head -c 250M /dev/zero | tr '\\0' x | f2b scan -n --quiet - 'bad <HOST>'",
        "head -c 250M /dev/zero | tr '\\0' x | gzip -1 >x.gz; f2b scan -n --quiet --print-all-missed x.gz 'bad <HOST>'",
        "head -c 250M /dev/zero | f2b scan -n --quiet --print-all-missed - 'bad <HOST>'",
    ];
    for scan in scans {
        let mut limited = world.shell(&format!("ulimit -v 500000; {scan}"));
        let run = ran(&mut limited).exits(1);
        assert!(run.out.len() < 10_000, "{} bytes", run.out.len());
    }
}

#[test]
fn a_signal_is_heeded_within_a_line() {
    let world = World::new();
    let mut command = world.command();
    command.args(["scan", "-n", "-", "bad <HOST>"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.stderr(Stdio::null()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let part = vec![b'x'; MIB];
    for _ in 0..16 {
        stdin.write_all(&part).unwrap();
    }
    let killed = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    // Nobody ends the line: either the scan ends or the test doesn't.
    while stdin.write_all(&part).is_ok() {}
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn lines_are_printed_by_their_beginning() {
    let world = World::new();
    world.write("log", format!("Nov 20 10:00:00 {}\n", "é".repeat(5000)));
    let run = world.run(["scan", "-n", "log", "bad <HOST>"]).exits(1);
    let line = run.out.lines().find(|line| line.starts_with("|  Nov")).unwrap();
    assert_eq!(line, format!("|  Nov 20 10:00:00 {}…", "é".repeat((1000 - 16) / 2)));
}
