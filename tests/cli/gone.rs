//! A reader that goes away, and a log that does, while a scan is under way.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::process::Stdio;

use crate::harness::{World, password_fails, ran};

const FILTER: &str = "filter.d/password-fail.conf";
const NOW: &str = "2026-11-20T12:00:00Z";

/// More than what fits into pipes and buffers.
fn many(count: usize) -> String {
    let stamps: Vec<String> =
        (0..count).map(|n| format!("Nov 20 10:{:02}:{:02}", n / 60 % 60, n % 60)).collect();
    let lines: Vec<(&str, &str)> =
        stamps.iter().map(|stamp| (stamp.as_str(), "203.0.113.1")).collect();
    password_fails(&lines)
}

#[test]
fn what_is_stored_does_not_depend_on_who_reads_the_output() {
    for format in ["--format jsonl", "--format csv", "-o <ip>_of_the_line_<matches>"] {
        let world = World::new();
        world.write("maillog", many(5000));
        let format = quoted(format);
        let scan = format!("f2b scan --ban --now {NOW} {format} maillog {FILTER}");
        let line = format!("{{ {scan}; echo $? >status; }} | head -1 >/dev/null");
        let run = ran(&mut world.shell(&line)).exits(0);
        assert_eq!(run.err, "", "{format}");
        assert_eq!(fs::read_to_string(world.path("status")).unwrap(), "0\n", "{format}");
        assert_eq!(world.sql("SELECT count(*) FROM failures"), "5000", "{format}");
        assert_ne!(world.sql("SELECT count(*) FROM bans"), "0", "{format}");
    }
}

/// The words of an option, each in quotes.
fn quoted(option: &str) -> String {
    option.split(' ').map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

#[test]
fn lists_end_quietly_with_their_reader() {
    let world = World::new();
    world.write("maillog", many(5000));
    let hosts: Vec<String> =
        (0..5000).map(|n| format!("198.51.{}.{}\n", n / 250, n % 250)).collect();
    world.write("list", hosts.concat());
    world.f2b(&format!("scan --now {NOW} maillog {FILTER}")).exits(0);
    world.f2b("import ip.deny list").exits(0);
    let history = "history 203.0.113.1 --limit 9999 --format";
    for list in ["bans --format", history, "export --format"] {
        for format in ["csv", "json", "jsonl"] {
            if list.starts_with("export") && format == "jsonl" {
                continue;
            }
            let line = format!("{{ f2b {list} {format}; echo $? >status; }} | head -1 >/dev/null");
            let run = ran(&mut world.shell(&line)).exits(0);
            assert_eq!(run.err, "", "{list} {format}");
            let status = fs::read_to_string(world.path("status")).unwrap();
            assert_eq!(status, "0\n", "{list} {format}");
            let full = ran(&mut world.shell(&format!("f2b {list} {format} >/dev/full"))).exits(2);
            let wanted = "f2b: standard output: No space left on device (os error 28)\n";
            assert_eq!(full.err, wanted, "{list} {format}");
        }
    }
}

#[test]
fn output_that_can_not_be_written_is_an_error_and_all_is_stored() {
    let world = World::new();
    world.write("maillog", many(5000));
    let scan = format!("f2b scan --now {NOW} --format jsonl maillog {FILTER} >/dev/full");
    let run = ran(&mut world.shell(&scan)).exits(2);
    assert_eq!(run.err, "f2b: standard output: No space left on device (os error 28)\n");
    assert_eq!(world.sql("SELECT count(*) FROM failures"), "5000");
}

#[test]
fn a_dry_run_ends_quietly_with_its_reader() {
    let world = World::new();
    // Nobody ends this log.
    let scan = "yes bad 203.0.113.1 | f2b scan -n --format jsonl - 'bad <HOST>' | head -1";
    let run = ran(&mut world.shell(scan)).exits(0);
    assert_eq!((run.out.lines().count(), run.err.as_str()), (1, ""));
}

#[test]
fn troubles_are_told_when_nobody_reads_the_output() {
    let world = World::new();
    world.write("maillog", many(10));
    world.write("odd.gz", b"\x01\x02\x03\x04");
    let run = ran(&mut world.shell(&format!("f2b scan -n maillog odd.gz {FILTER} >/dev/full")));
    let run = run.exits(2);
    assert!(run.err.contains("odd.gz: not a gzip archive"), "{}", run.err);
    assert!(run.err.contains("standard output: No space left"), "{}", run.err);
}

/// Scans `log` while it is cut to `left` bytes, after it was opened and before it is read.
fn scanned_while_cut(world: &World, args: &[&str], log: &str, left: u64) -> (i32, String, String) {
    assert!(world.shell("mkfifo pipe").status().unwrap().success());
    let mut command = world.command();
    command.args(["scan", "-n", "--quiet", "--threads", "1", "--format", "json", "--now", NOW]);
    command.args(args).args(["pipe", log, FILTER]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The one worker reads the pipe, and nobody else reads before it is done.
    let mut pipe = OpenOptions::new().write(true).open(world.path("pipe")).unwrap();
    pipe.write_all(&b"nothing\n".repeat(300_000)).unwrap();
    let held = format!("/proc/{}/fd", child.id());
    let path = world.path(log);
    let holds = |entry: fs::DirEntry| fs::read_link(entry.path()).is_ok_and(|held| held == path);
    while !fs::read_dir(&held).unwrap().any(|entry| holds(entry.unwrap())) {
        std::thread::yield_now();
    }
    OpenOptions::new().write(true).open(&path).unwrap().set_len(left).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
}

#[test]
fn a_log_that_shrinks_while_it_is_read_is_told() {
    let world = World::new();
    let text = many(40_000);
    world.write("maillog", &text);
    let left = text.split_inclusive('\n').take(12_345).map(str::len).sum::<usize>();
    let (status, out, err) = scanned_while_cut(&world, &[], "maillog", left as u64);
    let expected = format!(
        "f2b: maillog: shrank from {} to {left} bytes while it was read; what was cut off is missed\n",
        text.len()
    );
    assert_eq!((status, err), (2, expected));
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["lines"]["matched"], 12_345);
}

#[test]
fn a_log_in_another_encoding_that_shrinks_is_told() {
    let world = World::new();
    let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    let text = wide(&many(40_000));
    world.write("maillog", &text);
    let args = ["--encoding", "utf-16le"];
    let (status, _, err) = scanned_while_cut(&world, &args, "maillog", 3_000_000);
    let expected =
        format!("maillog: shrank from {} to 3000000 bytes while it was read", text.len());
    assert!(status == 2 && err.contains(&expected), "{status}: {err}");
}
