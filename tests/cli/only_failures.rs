//! Who failed, for programs: lines that are no failure have a host, too.

use crate::harness::World;

/// An accepted login on a connection that failed before, and a failure.
const LOG: &str =
    "Nov 20 09:00:00 srv sshd[1]: Connection from 192.0.2.3 port 22 on 192.0.2.99 port 22
Nov 20 09:00:01 srv sshd[1]: Accepted password for kb from 192.0.2.3 port 22 ssh2
Nov 20 09:00:02 srv sshd[2]: Failed password for root from 192.0.2.4 port 22 ssh2
";

fn scan(world: &World, args: &str) -> crate::harness::Ran {
    world.write("log", LOG);
    world.f2b(&format!("scan -n -c /etc/fail2ban --now 2026-11-20T12:00 {args} log sshd"))
}

#[test]
fn a_line_says_whether_it_is_a_failure() {
    let world = World::empty();
    let lines = scan(&world, "--format jsonl").exits(0).json_lines();
    let of = |line: &serde_json::Value| {
        (line["host"].as_str().unwrap().to_owned(), line["failure"].as_bool().unwrap())
    };
    let said: Vec<_> = lines.iter().map(of).collect();
    assert!(said.contains(&("192.0.2.3".to_owned(), false)), "{said:?}");
    assert!(said.contains(&("192.0.2.4".to_owned(), true)), "{said:?}");
    let csv = scan(&world, "--format csv").exits(0).out;
    let mut rows = csv.lines();
    assert!(rows.next().unwrap().contains(",nofail,failure,"), "{csv}");
    assert!(rows.any(|row| row.contains(",192.0.2.4,") && row.contains(",false,true,")), "{csv}");
}

#[test]
fn only_failures_are_printed_if_asked_for() {
    let world = World::empty();
    let lines = scan(&world, "--format jsonl --failures").exits(0).json_lines();
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0]["host"], "192.0.2.4");
    let csv = scan(&world, "--format csv --failures").exits(0).out;
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(!csv.contains("192.0.2.3"), "{csv}");
    // What is stored does not depend on what is printed.
    world.f2b("scan -c /etc/fail2ban --format jsonl --failures log sshd").exits(0);
    let all: u64 = world.sql("SELECT count(*) FROM matches").parse().unwrap();
    assert!(all > 1, "{all}");
}

#[test]
fn whom_the_jail_ignores_has_not_failed() {
    let world = World::empty();
    world.write("filter.d/bad.conf", "[Definition]\nfailregex = bad <HOST>$\n");
    world.write("jail.conf", "[j]\nfilter = bad\nignoreip = 203.0.113.1\nlogpath = log\n");
    world.write("log", "Nov 20 09:00:00 bad 203.0.113.1\nNov 20 09:00:00 bad 203.0.113.2\n");
    let ran = world.f2b("scan -n --format jsonl --failures --jail j log").exits(0);
    assert_eq!(ran.json_lines().len(), 1, "{}", ran.out);
    assert_eq!(ran.json_lines()[0]["host"], "203.0.113.2");
}

#[test]
fn the_report_has_no_lines_to_choose_from() {
    let world = World::empty();
    for format in ["", "--format json", "--format text"] {
        scan(&world, &format!("--failures {format}"))
            .fails_with("--failures chooses among printed lines; add --format jsonl or csv");
    }
}
