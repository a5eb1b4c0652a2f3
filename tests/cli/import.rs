//! Lists that others wrote, or that are none: read as streams, within bounds, and nothing of them is lost unsaid.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

fn import(world: &World, format: &str, text: &str) -> String {
    world.write("list", text);
    // Whoever runs the tests may have one of the addresses itself.
    world.f2b(&format!("import {format} list --force --now {NOW}")).exits(0);
    hosts(world)
}

fn hosts(world: &World) -> String {
    world.sql("SELECT host FROM bans ORDER BY host")
}

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
    // A line that goes on and on is as long as all of it.
    refused("hosts.deny", &format!("ALL: 192.0.2.1\n{}", "ALL: \\\n".repeat(20_000)), &why(2));
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
        "1: unknown column 'seconds'; known are host, jail, banned_at, banned_until, origin, failures, packets",
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
    let known = "`host`, `jail`, `banned_at`, `banned_until`, `origin`, `failures`, `packets`";
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

#[test]
fn lines_of_hosts_deny_are_read_as_others_write_them() {
    let world = World::empty();
    let list = "\
        # DenyHosts: Thu Nov 20 10:00:00 2026 | sshd: 192.0.2.1\n\
        sshd: 192.0.2.1\n\
        sshd, in.telnetd : 192.0.2.2, 192.0.2.3\t192.0.2.4 : deny\n\
        sshd:192.0.2.5:deny\n\
        sshd@[2001:db8::22]: [2001:db8::1] [2001:db8:1::]/48 : DENY\n\
        ALL: 2001:db8::2 # by hand\n\
        ALL: 2001:db8:2::/48: deny\n\
        ALL: 198.51.100. 203.0.113.0/255.255.255.0\n\
        ALL: 192.0.2.6, \\\n 192.0.2.7, # not 192.0.2.99 \\\n 192.0.2.8\n\
        # a comment goes on as well \\\nALL: 192.0.2.98\n\
        ALL: 192.0.2.9 \\\r\n\r\n\
        ALL: 192.0.2.10\\";
    assert_eq!(
        import(&world, "hosts.deny", list).replace('\n', " "),
        "192.0.2.1 192.0.2.10 192.0.2.2 192.0.2.3 192.0.2.4 192.0.2.5 192.0.2.6 192.0.2.7 192.0.2.8 \
         192.0.2.9 198.51.100.0/24 2001:db8:1::/48 2001:db8:2::/48 2001:db8::1 2001:db8::2 \
         203.0.113.0/24"
    );
}

#[test]
fn err_lines_of_hosts_deny_that_say_more_or_less_than_a_ban() {
    let unsaid = |word: &str| {
        format!("1: a ban can't say '{word}'; write 'DAEMON: ADDRESS', or take the line out")
    };
    refused("hosts.deny", "ALL: 192.0.2.1 : allow\n", &unsaid(": allow"));
    refused("hosts.deny", "sshd: 192.0.2.1: spawn (mail root) &\n", &unsaid(": spawn"));
    refused("hosts.deny", "sshd: 192.0.2.1 : deny : twist /bin/echo no\n", &unsaid(": twist"));
    refused("hosts.deny", "sshd: [2001:db8::1]:severity info\n", &unsaid(": severity"));
    refused("hosts.deny", "ALL: 192.0.2. EXCEPT 192.0.2.1\n", &unsaid("EXCEPT"));
    refused("hosts.deny", "ALL except sshd: 192.0.2.1\n", &unsaid("except"));
    refused("hosts.deny", "ALL: ALL\n", "1: 'ALL' is everyone; a ban of everyone is none");
    let other = |text: &str| format!("1: expected 'DAEMON: ADDRESS', found '{text}'");
    refused("hosts.deny", "192.0.2.1\n", &other("192.0.2.1"));
    refused("hosts.deny", "sshd:\n", &other("sshd:"));
    refused("hosts.deny", ": 192.0.2.1\n", &other(": 192.0.2.1"));
    refused("hosts.deny", "sshd: : deny\n", &other("sshd: : deny"));
    let none = |text: &str| format!("1: '{text}' is not an IP address or network");
    refused("hosts.deny", "ALL: .example.org\n", &none(".example.org"));
    refused("hosts.deny", "ALL: [2001:db8::1\n", &none("[2001:db8::1"));
    refused("hosts.deny", "ALL: 192.0.2.1]\n", &none("192.0.2.1]"));
    refused("hosts.deny", "ALL: 300.1.\n", &none("300.1."));
    // Which line it is where lines go on: where the entry begins.
    refused(
        "hosts.deny",
        "\nALL: 192.0.2.1, \\\n  nobody\n",
        "2: 'nobody' is not an IP address or network",
    );
}
