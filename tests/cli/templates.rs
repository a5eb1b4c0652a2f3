//! `scan --output` beside `fail2ban-regex -o`.

use std::process::Command;

use crate::harness::{Ran, World, ran};

const FILTER: &str = r"[Definition]
failregex = ^ ?(?:user=<F-USER>\S*</F-USER> )?(?:id=<F-ID>[^;]+</F-ID>; )?(?:alt=<F-ALT_USER>\w+</F-ALT_USER> )?(?:port <F-PORT/> )?(?:z=<F-Z>.*</F-Z> )?fail from <HOST>
";

const LOG: &str = r"2026-11-20 09:00:00 user= fail from 192.0.2.1
2026-11-20 09:00:01 user=<ip>&<x>\ fail from 2001:DB8::A
2026-11-20 09:00:02Z id=a'b; alt=zed port 22 fail from some.HOST.example.org
2026-11-20 09:00:03 id=198.51.100.7; z=<br>é fail from 192.0.2.4
2026-11-20T09:00:05+01:00 id=192.0.2.6; fail from 192.0.2.6
20/Nov/2026:09:00:05 +0100 id=abc; fail from ::ffff:192.0.2.6
1795165206.250 user=o'x port ssh fail from 192.0.2.7
1795165207 fail from 192.0.2.7
@4000000050d506482dbdf024 fail from 192.0.2.8
Nov 20 09:00:08 fail from only.name.example.org
";

/// What both print.
const BOTH: [&str; 38] = [
    "row",
    "id",
    "fid",
    "ip",
    "msg",
    "user",
    "fport",
    "ip4",
    "ip6",
    "dns",
    "alt_user",
    "z",
    "<ip>",
    "<fid>",
    "<family>",
    "<ip-rev>",
    "<time>",
    "<time> <ip>: <F-USER>",
    "<matches>",
    "<msg>",
    "<restored><bancount>",
    "<F-USER>|<F-ALT_USER>|<F-Z>",
    "<F-PORT>",
    "<F-FPORT>",
    "<F-ID>",
    "<F-FID>",
    "<F-IP>",
    "<F-IP4>",
    "<F-IP6>",
    "<F-DNS>",
    "<F-HOST>",
    "<F-ANY>",
    "<br><sp>|<ip><br>",
    "<sh-hostname> <fq-hostname>",
    "<F-user> <F-> <f-user> <F-Weird>",
    "<nosuch> <row> <id> <HOST> <IP>",
    "< ip> <ip > <<ip>> < <ip> > <",
    "a\\nb %s {ip} <ip><ip>",
];

fn theirs(world: &World, what: &str, log: &str, filter: &str) -> Ran {
    let mut command = Command::new("fail2ban-regex");
    command.current_dir(world.path("")).env("TZ", "UTC").env("PYTHONIOENCODING", "UTF-8");
    ran(command.args(["--usedns", "raw", "-o", what, log, filter])).exits(0)
}

fn ours(world: &World, what: &str, log: &str, filter: &str) -> Ran {
    let mut command = world.command();
    command.args(["scan", "--dry-run", "-c", "/etc/fail2ban", "-o", what, log, filter]);
    ran(&mut command)
}

fn world() -> (World, String) {
    let world = World::empty();
    world.write("log", LOG);
    let filter = world.write("f.conf", FILTER).display().to_string();
    (world, filter)
}

#[test]
fn every_output_is_the_originals() {
    let (world, filter) = world();
    for what in BOTH {
        let theirs = theirs(&world, what, "log", &filter);
        let ours = ours(&world, what, "log", &filter).exits(0);
        assert_eq!(theirs.out.lines().count() % 10, 0, "{what}\n{}", theirs.out);
        assert_eq!(ours.out, theirs.out, "{what}\n{}", ours.err);
    }
}

/// Rows with the same data, but for groups without a value, whose order a connection mixes up.
#[test]
fn the_rows_of_connections_have_the_originals_users() {
    let world = World::empty();
    let lines = [
        "Failed password for root from 192.0.2.1 port 22 ssh2",
        "Failed password for invalid user bob from 192.0.2.1 port 22 ssh2",
        "Failed password for bob from 192.0.2.1 port 22 ssh2",
        "Invalid user x'y\"z from 2001:db8::7",
    ];
    let log: String = (0..).zip(lines).fold(String::new(), |log, (second, line)| {
        log + &format!("Nov 20 09:00:0{second} srv sshd[1]: {line}\n")
    });
    world.write("log", log);
    let read = "import ast, sys\n\
        for line in sys.stdin:\n    \
            [id, time, data], = ast.literal_eval('(' + line + ')')\n    \
            data = {k: sorted(v) if k == 'users' else v for k, v in data.items() if v is not None}\n    \
            print(id, time, sorted(data.items()))\n";
    world.write("read.py", read);
    let rows = |ran: Ran| {
        world.write("rows", ran.out);
        let read = Command::new("sh")
            .arg("-c")
            .arg("python3 read.py < rows")
            .current_dir(world.path(""))
            .output();
        let read = read.unwrap();
        assert!(read.status.success(), "{}", String::from_utf8_lossy(&read.stderr));
        String::from_utf8(read.stdout).unwrap()
    };
    let theirs = rows(theirs(&world, "row", "log", "sshd"));
    assert_eq!(theirs.lines().count(), 4, "{theirs}");
    assert!(theirs.contains("('users', ['bob', 'root'])"), "{theirs}");
    assert_eq!(rows(ours(&world, "row", "log", "sshd")), theirs);
    let users = ours(&world, "<F-USERS>", "log", "sshd").exits(0).out;
    assert!(users.starts_with("{'root'}\n{'bob', 'root'}\n"), "{users}");
    assert_eq!(ours(&world, "users", "log", "sshd").exits(0).out, users);
}

#[test]
fn all_data_of_a_failure_is_a_dict() {
    let (world, filter) = world();
    let out = ours(&world, "<F-*>", "log", &filter).exits(0).out;
    let first = "{'matches': ['2026-11-20 09:00:00 user= fail from 192.0.2.1'], \
        'failures': 1, 'user': '', 'ip4': '192.0.2.1'}";
    assert_eq!(out.lines().next(), Some(first));
}

/// fail2ban replaces tags in what a log says, too.
#[test]
fn what_a_log_says_is_no_template() {
    let (world, filter) = world();
    let line = "2026-11-20 09:00:01 user=<F-PORT><br><ip> fail from 192.0.2.1\n";
    world.write("log", line);
    assert_eq!(ours(&world, "<matches>", "log", &filter).exits(0).out, line);
    let theirs = theirs(&world, "<matches>", "log", &filter).out;
    assert!(!theirs.contains("<F-PORT>"), "{theirs}");
}

#[test]
fn a_failure_without_a_date_has_no_time() {
    let (world, filter) = world();
    world.write("log", "fail from 192.0.2.1\n");
    assert_eq!(ours(&world, "<time>|<ip>", "log", &filter).exits(0).out, "|192.0.2.1\n");
    let row = ours(&world, "row", "log", &filter).exits(0).out;
    assert!(row.starts_with("['192.0.2.1',\tNone,\t{"), "{row}");
}

#[test]
fn a_name_that_nothing_has_is_an_error() {
    let (world, filter) = world();
    let there = "there are id, ip, host, msg, row, ip4, ip6, dns, users, user, fid, alt_user, fport, z, \
        or write a template such as '<time> <ip>'";
    for (name, near) in [
        ("usr", ", did you mean 'user'?"),
        ("time", ", did you mean '<time>'?"),
        ("nosuch", ""),
        ("", ""),
    ] {
        ours(&world, name, "log", &filter)
            .fails_with(&format!("--output: no filter captures '{name}'{near}; {there}"));
    }
    ours(&world, "<ip> <bantime>", "log", &filter)
        .fails_with("--output: <bantime> is known of a ban, not of a failure; f2b bans lists bans");
    let host = ours(&world, "host", "log", &filter).exits(0);
    assert_eq!(host.out, ours(&world, "ip", "log", &filter).exits(0).out);
}

#[test]
fn a_tag_that_nothing_fills_is_told() {
    let (world, filter) = world();
    for (template, warning) in [
        ("<F-USR>", "<F-USR> stands for nothing: no filter captures it; did you mean <F-USER>?"),
        ("<F-ANY>", "<F-ANY> stands for nothing: no filter captures it"),
        ("<F-HOST>", "<F-HOST> stands for nothing: no filter captures it; did you mean <ip>?"),
        ("<HOST>", "<HOST> is no tag, but text; did you mean <ip>?"),
        ("<user>", "<user> is no tag, but text; did you mean <F-USER>?"),
        ("<TIME>", "<TIME> is no tag, but text; did you mean <time>?"),
    ] {
        let ran = ours(&world, template, "log", &filter).exits(0);
        assert_eq!(ran.err.trim_end(), format!("f2b: --output: {warning}"));
    }
    let html = ours(&world, "<li><ip></li> <F-IP6> <F-ID>", "log", &filter).exits(0);
    assert_eq!(html.err, "");
}
