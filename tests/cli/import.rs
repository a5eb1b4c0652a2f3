//! Lists that others wrote, or that are none: read as streams, within bounds, and nothing of them is lost unsaid.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

/// What is said of a list that is refused, whole.
#[track_caller]
fn refused(format: &str, text: &str, why: &str) {
    let world = World::empty();
    world.write("list", text);
    world
        .f2b(&format!("import {format} list --now {NOW}"))
        .fails_with(&format!("list:{why}; nothing was imported"));
    assert!(!world.db().exists());
}

#[test]
fn err_what_never_ends_is_no_list() {
    let world = World::empty();
    for (format, why) in [
        ("ip.deny", "1: longer than 64 KiB; this is no list"),
        ("hosts.deny", "1: longer than 64 KiB; this is no list"),
        ("csv", "1: longer than 64 KiB; this is no list"),
        ("json", " not a JSON list of bans: expected value at line 1 column 1"),
    ] {
        let refused = format!("/dev/zero:{why}; nothing was imported");
        world.f2b(&format!("import {format} /dev/zero")).fails_with(&refused);
        let refused = refused.replace("/dev/zero", "-");
        ran(&mut world.shell(&format!("f2b import {format} - </dev/zero"))).fails_with(&refused);
    }
}

#[test]
fn err_no_piece_of_a_list_is_endless() {
    let long = "x".repeat(80_000);
    let why = |nth: u32| format!("{nth}: longer than 64 KiB; this is no list");
    refused("ip.deny", &format!("192.0.2.1\n{long}\n"), &why(2));
    refused("hosts.deny", &format!("ALL: 192.0.2.1\nALL: {long}\n"), &why(2));
    // A quote that is never closed makes one cell of the rest.
    refused("csv", &format!("host\n192.0.2.1\n\"{}", "192.0.2.2\n".repeat(20_000)), &why(3));
    refused("json", &format!(r#"{{"bans": [{{"host": "192.0.2.1"}}, {{"host": "{long}"#), &why(2));
    refused("json", &format!(r#"{{"bans": [{}"#, " ".repeat(80_000)), &why(1));
}

#[test]
fn err_the_whole_of_a_stream_has_a_bound() {
    let world = World::empty();
    ran(&mut world.shell("yes '# nobody' | f2b import ip.deny -"))
        .fails_with("-: longer than 256 MB; import it in parts; nothing was imported");
}

#[test]
fn a_pipe_is_read_to_its_end_before_anything_is_imported() {
    let world = World::empty();
    let lines = (0..=255).map(|n| format!("192.0.2.{n}\n")).collect::<Vec<_>>().concat();
    let mut command = world.command();
    command.args(["import", "ip.deny", "-"]).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    stdin.write_all(b"nobody\n").unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "f2b: -:257: 'nobody' is not an IP address or network; nothing was imported\n"
    );
    assert!(!world.db().exists());
    // The same through a named pipe, which can be read only once.
    ran(Command::new("mkfifo").arg(world.path("pipe"))).exits(0);
    world.write("list", lines);
    let ran =
        ran(&mut world.shell("cat list >pipe & f2b import ip.deny pipe --force; wait")).exits(0);
    assert_eq!(ran.out, "imported 256 bans\n");
}

#[test]
fn err_a_column_that_nobody_knows_loses_no_time() {
    refused(
        "csv",
        "host,jail,banned_untill\n192.0.2.1,smtp,2026-11-21\n",
        "1: unknown column 'banned_untill'; did you mean 'banned_until'?",
    );
    refused(
        "csv",
        "host,seconds\n192.0.2.1,600\n",
        "1: unknown column 'seconds'; known are host, jail, banned_at, banned_until, origin, failures",
    );
    refused(
        "csv",
        "host,jail,host\n192.0.2.1,smtp,192.0.2.2\n",
        "1: column 'host' stands there twice",
    );
    refused("csv", "host,failures\n192.0.2.1,many\n", "2: 'many' is not a number of failures");
}

#[test]
fn err_a_member_that_nobody_knows_loses_no_time() {
    let known = "`host`, `jail`, `banned_at`, `banned_until`, `origin`, `failures`";
    refused(
        "json",
        r#"{"bans": [{"host": "192.0.2.1", "un\u001btil": "2026-11-21"}]}"#,
        &format!(
            " not a JSON list of bans: unknown field `un\\x1btil`, expected one of {known} at line 1 column 46"
        ),
    );
    refused(
        "json",
        r#"{"bans": [], "more": [{"host": "192.0.2.1"}]}"#,
        " not a JSON list of bans: unknown field `more`, expected `bans` at line 1 column 20",
    );
    refused(
        "json",
        r#"{"bans": [], "bans": []}"#,
        " not a JSON list of bans: duplicate field `bans` at line 1 column 20",
    );
}
