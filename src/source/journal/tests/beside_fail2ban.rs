//! Debian's fail2ban reads the same journal.

use std::path::Path;
use std::process::Stdio;

use super::*;

/// Entries with everything that a line is made of, and without.
fn samples() -> Vec<Fields> {
    let of = |fields: &[&[(&'static str, &[u8])]]| -> Vec<Fields> {
        (0..).zip(fields).map(|(second, fields)| sample(second, fields)).collect()
    };
    let (host, a) = (("_HOSTNAME", &b"host"[..]), ("SYSLOG_IDENTIFIER", &b"a"[..]));
    let kernel = ("SYSLOG_IDENTIFIER", &b"kernel"[..]);
    let message = ("MESSAGE", &b"bad 192.0.2.1"[..]);
    of(&[
        &[host, a, ("_COMM", b"b"), ("SYSLOG_PID", b"11"), ("_PID", b"12"), message],
        &[host, ("_COMM", b"b"), ("_PID", b"12"), message],
        &[a, message],
        &[host, message],
        &[host, ("_PID", b"12"), message],
        &[("_PID", b"12"), message],
        &[kernel, message],
        &[host, kernel, ("_SOURCE_MONOTONIC_TIMESTAMP", b"123456"), message],
        &[host, kernel, ("_SOURCE_MONOTONIC_TIMESTAMP", b"98765432101234"), message],
        &[host, kernel, ("_PID", b"7"), message],
        &[host, kernel, ("_PID", b"0"), message],
        &[host, ("_COMM", b"kernel"), message],
        &[host, a, ("SYSLOG_PID", b"0"), ("_PID", b"5"), message],
        &[host, a, ("MESSAGE", b"one\ntwo\r\nbad 192.0.2.7\n")],
        &[host, a, ("MESSAGE", b"one\nx"), ("MESSAGE", b"\xfftwo"), ("MESSAGE", b"")],
        &[host, a, ("MESSAGE", b"bin \xff\xfe bad\0x")],
        &[("_HOSTNAME", "höst".as_bytes()), a, ("MESSAGE", "grüß \x1b[31m tab\t".as_bytes())],
        &[host, ("SYSLOG_IDENTIFIER", b"a\xff\nb"), message],
        &[host, ("SYSLOG_IDENTIFIER", b"a b[3]"), ("MESSAGE", b"  blanks  ")],
        &[host, a, ("_PID", b"1"), ("_SOURCE_REALTIME_TIMESTAMP", b"1795659894999999"), message],
        &[host, a],
        &[host],
        &[kernel],
        &[],
        &[("_HOSTNAME", b""), ("SYSLOG_IDENTIFIER", b""), ("_PID", b""), ("MESSAGE", b"")],
        &[host, a, ("SYSLOG_PID", b""), ("_PID", b"9"), message],
        &[host, ("SYSLOG_IDENTIFIER", b""), ("_COMM", b"c"), ("_PID", b"9"), message],
    ])
}

/// What fail2ban sees of the entries that it doesn't fail at.
fn theirs(file: &Path, wanted: &str) -> Vec<(String, i64)> {
    let mut python = Command::new("/usr/bin/python3");
    python.args(["-c", include_str!("lines.py")]).arg(file).args(wanted.split_whitespace());
    let out = python.stderr(Stdio::inherit()).output().unwrap();
    assert!(out.status.success());
    let lines = std::str::from_utf8(&out.stdout).unwrap().lines();
    let seen = lines.map(|line| serde_json::from_str::<(String, f64)>(line).unwrap());
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of this age fit")]
    seen.map(|(line, time)| (line, (time * 1e6).round() as i64)).collect()
}

fn ours(place: JournalPlace, wanted: &str) -> Vec<(String, i64)> {
    let journal = Journal::open(place, matching(wanted), everything(), End::Last, NOW);
    let entries = rest(&mut journal.unwrap()).unwrap();
    entries.iter().map(|entry| (text(entry), entry.time.micros())).collect()
}

#[test]
fn the_lines_and_times_are_the_same() {
    let world = World::new(&samples());
    let theirs = theirs(&world.file("one"), "");
    assert_eq!(theirs.len(), samples().len());
    assert_eq!(ours(world.place(), ""), theirs);
}

#[test]
fn the_same_entries_are_wanted() {
    let world = World::new(&numbered(0..12));
    let all = read(&mut world.open("_SYSTEMD_UNIT=x + MESSAGE=x", everything(), End::Last), 0);
    assert!(all.is_empty());
    for wanted in [
        "_SYSTEMD_UNIT=u0.service",
        "_SYSTEMD_UNIT=u0.service _SYSTEMD_UNIT=u1.service",
        "_SYSTEMD_UNIT=u0.service MESSAGE=3 MESSAGE=4",
        "_SYSTEMD_UNIT=u0.service MESSAGE=4",
        "_SYSTEMD_UNIT=u1.service MESSAGE=4 + _SYSTEMD_UNIT=u2.service + MESSAGE=0",
    ] {
        let theirs = theirs(&world.file("one"), wanted);
        assert_eq!(ours(world.place(), wanted), theirs, "{wanted}");
        // And by asking each entry.
        let mut everyone = Journal::open(
            world.place(),
            Match::union([
                &matching(wanted),
                &matching("MESSAGE=11 + _SYSTEMD_UNIT=u0.service + MESSAGE=5"),
            ]),
            everything(),
            End::Last,
            NOW,
        );
        let entries = rest(everyone.as_mut().unwrap()).unwrap();
        let met = entries.iter().filter(|entry| matching(wanted).is_met_by(entry));
        let met: Vec<_> = met.map(|entry| (text(entry), entry.time.micros())).collect();
        assert_eq!(met, theirs, "{wanted}");
    }
}

#[test]
fn several_values_where_fail2ban_fails_are_the_first() {
    let (host, a) = (("_HOSTNAME", &b"h"[..]), ("SYSLOG_IDENTIFIER", &b"a"[..]));
    let world = World::new(&[
        sample(0, &[host, ("_HOSTNAME", b"i"), a, ("_PID", b"1"), ("MESSAGE", b"hosts")]),
        sample(1, &[host, a, ("SYSLOG_IDENTIFIER", b"b"), ("_PID", b"1"), ("MESSAGE", b"idents")]),
        sample(2, &[host, a, ("_PID", b"1"), ("_PID", b"2"), ("MESSAGE", b"pids")]),
        sample(3, &[host, a, ("_SOURCE_REALTIME_TIMESTAMP", b"junk"), ("MESSAGE", b"time")]),
    ]);
    let wanted = ["h a[1]: hosts", "h a[1]: idents", "h a[1]: pids", "h a: time"];
    let wanted = (START..).zip(wanted).map(|(second, line)| (line.to_owned(), second * 1_000_000));
    assert_eq!(ours(world.place(), ""), wanted.collect::<Vec<_>>());
}
