//! Debian's fail2ban and the same filters here, on the same journal: the same hosts fail at the same time.
//!
//! The entries are the samples for sshd of Debian's fail2ban package, read where it installs them, and put into a
//! journal by systemd-journal-remote.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use f2b::config::{Config, JailDef, Spec, UseDns};
use f2b::date::YearWindow;
use f2b::engine::{Calendars, Jail, JailSet, Live, Manner, Overrides, SampleLimits, Wanted};
use f2b::filter::Mode;
use f2b::model::{Time, Zone};
use f2b::source::journal::{End, Journal, JournalPlace, Match, Start};
use rustix::event::{PollFd, PollFlags, poll};

const SAMPLES: &str = "/usr/lib/python3/dist-packages/fail2ban/tests/files/logs/sshd-journal";
const REMOTE: &str = "/lib/systemd/systemd-journal-remote";
/// 2026-11-26T02:25:00Z, when the first entry is received; each a second later.
const START: i64 = 1_795_659_900;

/// `HOST IDENT[PID]: MESSAGE` as an entry.
fn entry(number: i64, line: &str) -> Option<String> {
    let (host, rest) = line.split_once(' ')?;
    let (head, message) = rest.split_once(": ")?;
    let (ident, pid) = head.trim_end_matches(']').split_once('[')?;
    let mut entry = format!("__REALTIME_TIMESTAMP={}\n", (START + number) * 1_000_000 + number);
    write!(entry, "__MONOTONIC_TIMESTAMP={number}000000\n_BOOT_ID={:032}\n", 1).unwrap();
    write!(entry, "_HOSTNAME={host}\nSYSLOG_IDENTIFIER={ident}\n_PID={pid}\n").unwrap();
    // Every eleventh is another service's.
    let unit = if number % 11 == 0 { "other" } else { "ssh" };
    write!(entry, "_SYSTEMD_UNIT={unit}.service\nMESSAGE={message}\n\n").unwrap();
    Some(entry)
}

/// A journal of the samples, and how many there are.
fn journal(folder: &Path) -> usize {
    let samples = fs::read_to_string(SAMPLES).unwrap();
    let lines = samples.lines().filter(|line| !line.starts_with('#'));
    let entries: Vec<_> = (0..).zip(lines).filter_map(|(n, line)| entry(n, line)).collect();
    let export = folder.join("export");
    fs::write(&export, entries.concat()).unwrap();
    let out = Command::new(REMOTE).arg("-o").args([&file(folder), &export]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    entries.len()
}

fn file(folder: &Path) -> std::path::PathBuf {
    folder.join("samples.journal")
}

/// `HOST SECONDS` of each failure.
fn theirs(file: &Path, filter: &str, wanted: &str) -> Vec<String> {
    let place = format!("systemd-journal[journalfiles=\"{}\"]", file.display());
    let options = ["--raw", "--no-check-all", "-o", "<ip> <time>", "-m", wanted, &place, filter];
    let out = Command::new("fail2ban-regex").args(options).output().unwrap();
    assert!(out.status.success(), "{out:?}");
    let mut found: Vec<_> =
        String::from_utf8(out.stdout).unwrap().lines().map(str::to_owned).collect();
    found.sort();
    found
}

fn ours(file: &Path, filter: &str, wanted: &str) -> Vec<String> {
    let config = Config::open(Path::new("/etc/fail2ban")).unwrap();
    let def = config.filter(&Spec::parse(filter).unwrap()).value.unwrap();
    let overrides = Overrides {
        usedns: Some(UseDns::Raw),
        raw: true,
        ignores_nobody: true,
        ..Overrides::default()
    };
    let calendars = Calendars::new(YearWindow::archive());
    let jail = Jail::compile(&JailDef::of_filter(def), &overrides, &calendars).0.unwrap();
    let now = Time::from_secs(START + 3600);
    let wants = Wanted {
        mode: Mode::First,
        manner: Manner::F2b,
        zone: Zone::parse("UTC").unwrap(),
        now,
        limits: SampleLimits::default(),
        matches: true,
        hits: false,
        bans: false,
    };
    let (set, names) = (JailSet::new(&[jail], &[0]), Box::default());
    let mut live = Live::new(&set, &names, wants);
    let files = vec![file.to_str().unwrap().to_owned()];
    let place = JournalPlace { files, ..JournalPlace::default() };
    let words: Vec<_> = wanted.split_whitespace().collect();
    let wanted = Match::parse(&words).unwrap();
    let mut journal =
        Journal::open(place, wanted, Start::Since(Time::default()), End::Last, now).unwrap();
    let mut found = Vec::new();
    while !journal.is_over() {
        poll(&mut [PollFd::new(&journal.fd(), PollFlags::IN)], None).unwrap();
        for entry in journal.read().unwrap() {
            let (_, matches) = live.entry(&entry.line(), entry.time).into_iter().next().unwrap();
            for matched in matches.lines.iter().filter(|matched| !matched.nofail) {
                let time = matched.time.unwrap().as_secs_f64();
                found.extend(matched.failures.iter().map(|host| format!("{host} {time}")));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn the_same_hosts_fail_at_the_same_time() {
    let folder = tempfile::tempdir().unwrap();
    let entries = journal(folder.path());
    assert!(entries > 100, "{entries} samples");
    let file = file(folder.path());
    for filter in ["sshd[logtype=journal]", "sshd[mode=aggressive, logtype=journal]"] {
        for wanted in [
            "_SYSTEMD_UNIT=ssh.service + _SYSTEMD_UNIT=other.service",
            "_SYSTEMD_UNIT=ssh.service",
            "_SYSTEMD_UNIT=other.service SYSLOG_IDENTIFIER=sshd",
        ] {
            let theirs = theirs(&file, filter, wanted);
            assert!(!theirs.is_empty());
            assert_eq!(ours(&file, filter, wanted), theirs, "{filter} {wanted}");
        }
    }
}
