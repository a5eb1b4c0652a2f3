//! The server's own log beside that of Debian's fail2ban: the same lines, in which its filter `recidive` finds the
//! same hosts.
//!
//! Fails if fail2ban is missing; `make packages` installs it.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

#[path = "conformance/python.rs"]
mod python;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use f2b::config::Server;
use f2b::daemon::log::{Event, Level, Log, LogTarget, Setup, Sockets};
use f2b::model::{BanTime, SystemClock, Time};
use serde_json::{Value, json};

const LONG: Duration = Duration::from_mins(1);

/// What both are told; messages that are one line to both.
const RECORDS: [(&str, Level, &str); 7] = [
    ("server", Level::INFO, "Starting"),
    ("actions", Level::NOTICE, "[j] Ban 192.0.2.1"),
    ("filter", Level::INFO, "[j] Found 2001:db8::1 - 2026-11-26 02:16:50"),
    ("filterpyinotify", Level::ERROR, "a tab\tand é"),
    ("database", Level::WARNING, "New database created. Version '4'"),
    ("averyveryverylongloggername", Level::CRITICAL, "longer than its column"),
    ("filter", Level::DEBUG, "not told"),
];

/// Lines without what no two runs have in common.
fn same(line: &str, process: u64) -> String {
    let line = line.replace(&process.to_string(), "PID");
    let is_time = line.get(..23).is_some_and(|time| {
        time.starts_with("20") && time.as_bytes()[10] == b' ' && time.as_bytes()[19] == b','
    });
    if is_time { format!("TIME{}", &line[23..]) } else { line }
}

fn theirs(target: &str, place: &str, path: &Path) -> Vec<String> {
    let records: Vec<_> =
        RECORDS.iter().map(|(logger, level, text)| json!([logger, level.number(), text])).collect();
    let request = json!({ "target": target, place: path, "records": records });
    let answer = python::answers("log_lines.py", &[], request.to_string());
    let answer: Value = serde_json::from_str(&answer).unwrap();
    let process = answer["process"].as_u64().unwrap();
    let sent = answer["sent"].as_array().unwrap();
    sent.iter().map(|line| same(line.as_str().unwrap(), process)).collect()
}

fn start(target: &str, syslog: &Path) -> Log {
    let sockets = Sockets { syslog: syslog.to_owned(), ..Sockets::default() };
    let target = LogTarget::parse(target).unwrap();
    Log::start(Setup { target, sockets, ..Setup::from(&Server::default()) }, SystemClock).unwrap()
}

fn tell(log: &Log) {
    for (logger, level, message) in RECORDS {
        match message.strip_prefix("[j] Ban ") {
            Some(host) => log.event(&Event::Ban { jail: "j", host }),
            None => log.tell(level, logger, format_args!("{message}")),
        }
    }
    assert!(log.end(LONG));
}

#[test]
fn a_file_has_the_originals_lines() {
    let dir = tempfile::tempdir().unwrap();
    for (number, options) in [
        "",
        "[padding=off]",
        "[datetime=off]",
        "[datetime=off, padding=off]",
        "[format=\"%(levelname).1s|%(name)30s|%(name)-6.4s|%(process)010d|%(levelno)x|100%%|%(message)s\"]",
    ]
    .iter()
    .enumerate()
    {
        let path = |who| dir.path().join(format!("{who}{number}"));
        let target = |path: PathBuf| format!("{}{options}", path.display());
        let theirs = theirs(&target(path("theirs")), "file", &path("theirs"));
        tell(&start(&target(path("ours")), Path::new("")));
        let ours = fs::read_to_string(path("ours")).unwrap();
        let process = u64::from(std::process::id());
        let ours: Vec<_> = ours.lines().map(|line| same(line, process)).collect();
        assert_eq!(theirs.len(), RECORDS.len() - 1, "{options}: {theirs:?}");
        assert_eq!(ours, theirs, "{options}");
    }
}

#[test]
fn the_systems_log_gets_the_originals_datagrams() {
    for target in
        ["SYSLOG", "SYSLOG[facility=auth]", "syslog[padding=on]", "SYSLOG[format='x %(message)s']"]
    {
        let dir = tempfile::tempdir().unwrap();
        let theirs = theirs(target, "socket", &dir.path().join("theirs"));
        let reader = UnixDatagram::bind(dir.path().join("ours")).unwrap();
        tell(&start(target, &dir.path().join("ours")));
        reader.set_nonblocking(true).unwrap();
        let mut buffer = [0; 1000];
        let mut ours = Vec::new();
        while let Ok(len) = reader.recv(&mut buffer) {
            let line = std::str::from_utf8(&buffer[..len]).unwrap();
            ours.push(same(line, std::process::id().into()));
        }
        assert_eq!(theirs.len(), RECORDS.len() - 1, "{target}: {theirs:?}");
        assert_eq!(ours, theirs, "{target}");
    }
}

/// Events of which fail2ban's filter `recidive` counts the first two; the last is of somebody who wants another banned.
fn write_events(log: &Log) {
    let at = Time::from_secs(1_795_655_810);
    let time = BanTime::Micros(4_000_000);
    let host = "192.0.2.9";
    let jail = "sshd";
    for event in [
        Event::Ban { jail, host: "192.0.2.1" },
        Event::Ban { jail, host: "2001:db8::2" },
        Event::Ban { jail: "recidive", host },
        Event::RestoreBan { jail, host },
        Event::Reban { jail, host, action: None },
        Event::Unban { jail, host },
        Event::AlreadyBanned { jail, host, age_us: 4_000_000 },
        Event::Prolonged { jail, host, until: Some(at) },
        Event::Increased { jail, host, count: 2, time, until: Some(at) },
        Event::Found { jail, host, at },
        Event::Unban { jail, host: "a] Ban 192.0.2.9" },
    ] {
        log.event(&event);
    }
    log.notice("actions", format_args!("[sshd] Unban a\nNOTICE [sshd] Ban 192.0.2.9"));
}

fn printed(command: &mut Command) -> Vec<String> {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn the_originals_recidive_finds_the_bans() {
    let dir = tempfile::tempdir().unwrap();
    for (name, options) in [("padded", ""), ("plain", "[padding=off]")] {
        let path = dir.path().join(name);
        let log = start(&format!("{}{options}", path.display()), Path::new(""));
        write_events(&log);
        assert!(log.end(LONG));
        let theirs =
            printed(Command::new("fail2ban-regex").args(["-o", "ip"]).arg(&path).arg("recidive"));
        assert_eq!(theirs, ["192.0.2.1", "2001:db8::2"], "{options}");
        let ours = printed(
            Command::new(env!("CARGO_BIN_EXE_f2b"))
                .args(["scan", "--dry-run", "-c", "/etc/fail2ban", "-o", "ip"])
                .arg(&path)
                .arg("recidive"),
        );
        assert_eq!(ours, theirs, "{options}");
    }
}
