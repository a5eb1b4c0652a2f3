//! The log as the server has it: real files, pipes, devices and sockets, some of which take nothing.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::*;
use crate::model::Time;
use crate::model::time::FixedClock;

/// More than enough for anything that doesn't hang.
const LONG: Duration = Duration::from_mins(1);

fn setup(target: &str, dir: &Path) -> Setup {
    Setup {
        target: LogTarget::parse(target).unwrap(),
        level: Level::INFO,
        sockets: Sockets { syslog: dir.join("syslog"), journal: dir.join("journal") },
        zone: Zone::utc(),
        queue_bytes: 1 << 20,
    }
}

fn start(setup: Setup) -> Log {
    Log::start(setup, FixedClock(Time::from_secs(1_795_655_911))).unwrap()
}

/// Lines without what comes before the level.
fn lines(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| line.split_once(": ").map_or(line, |(_, rest)| rest).to_owned())
        .collect()
}

/// How many lines were lost, as the log says.
fn told(lines: &[String]) -> u64 {
    let counts = lines.iter().filter(|line| line.contains("of the log w"));
    counts.map(|line| line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap()).sum()
}

fn pipe(path: &Path) {
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[test]
fn what_matters_enough_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    log.debug("filter", format_args!("a"));
    log.info("filter", format_args!("b\nc"));
    log.set_level(Level::NOTICE);
    log.info("filter", format_args!("d"));
    let (jail, host) = ("j", "192.0.2.1");
    log.event(&Event::Found { jail, host, at: Time::default() });
    log.event(&Event::Ban { jail, host });
    log.set_level(Level::DEBUG);
    log.clone().debug("jail", format_args!("e"));
    drop(log);
    let text = fs::read_to_string(&path).unwrap().replace(&std::process::id().to_string(), "PID");
    assert_eq!(
        text,
        "2026-11-26 01:18:31,000 fail2ban.filter         [PID]: INFO    b\\x0ac\n\
         2026-11-26 01:18:31,000 fail2ban.actions        [PID]: NOTICE  [j] Ban 192.0.2.1\n\
         2026-11-26 01:18:31,000 fail2ban.jail           [PID]: DEBUG   e\n"
    );
}

#[test]
fn what_is_not_told_is_not_even_formatted() {
    struct Unseen;
    impl fmt::Display for Unseen {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            panic!("formatted")
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let log = start(setup(dir.path().join("log").to_str().unwrap(), dir.path()));
    log.debug("filter", format_args!("{Unseen}"));
}

#[test]
fn a_file_is_opened_again_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (path, old) = (dir.path().join("log"), dir.path().join("log.1"));
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    log.info("server", format_args!("a"));
    fs::rename(&path, &old).unwrap();
    assert_eq!(log.reopen().unwrap(), Reopened::RolledOver);
    log.info("server", format_args!("b"));
    assert!(log.end(LONG));
    assert_eq!(lines(&old), ["INFO    a"]);
    let rollover = format!("INFO    rollover performed on {}", path.display());
    assert_eq!(lines(&path), [rollover.as_str(), "INFO    b"]);
}

#[test]
fn a_file_that_was_not_moved_keeps_its_order() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    for _ in 0..1000 {
        log.info("server", format_args!("a"));
    }
    log.reopen().unwrap();
    log.info("server", format_args!("b"));
    assert!(log.end(LONG));
    let lines = lines(&path);
    assert_eq!(lines.iter().position(|line| line.contains("rollover")), Some(1000));
    assert_eq!(lines[1001..], ["INFO    b"]);
}

#[test]
fn a_target_that_cannot_be_opened_leaves_the_old_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    for (target, expected) in [
        (
            "/nonexist/x.log",
            "can't log to /nonexist/x.log: No such file or directory (os error 2); ",
        ),
        ("/", "can't log to /: Is a directory (os error 21); "),
        (
            "SYSLOG",
            "can't log to SYSLOG (SOCKETS/syslog): No such file or directory (os error 2); ",
        ),
        (
            "SYSTEMD-JOURNAL",
            "can't log to SYSTEMD-JOURNAL (SOCKETS/journal): No such file or directory (os error 2); ",
        ),
    ] {
        let error = log.set_target(LogTarget::parse(target).unwrap()).unwrap_err().to_string();
        let error = error.replace(dir.path().to_str().unwrap(), "SOCKETS");
        assert_eq!(
            error,
            format!("{expected}check the path and its permissions, or set another logtarget")
        );
    }
    assert_eq!(log.target().to.to_string(), path.to_str().unwrap());
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert!(log.reopen().is_err());
    fs::remove_dir(&path).unwrap();
    log.info("server", format_args!("a"));
    assert!(log.end(LONG));
    assert_eq!(lines(&path), ["INFO    a"]);
}

#[test]
fn another_target_begins_with_who_writes() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one"), dir.path().join("other"));
    let log = start(setup(one.to_str().unwrap(), dir.path()));
    let target =
        LogTarget::parse(&format!("{}[padding=off, datetime=off]", other.display())).unwrap();
    log.info("server", format_args!("a"));
    log.set_target(target.clone()).unwrap();
    log.set_target(target).unwrap();
    log.info("server", format_args!("b"));
    assert!(log.end(LONG));
    assert_eq!(lines(&one), ["INFO    a"]);
    let name = concat!("f2b v", env!("CARGO_PKG_VERSION"));
    let changed = format!("INFO Changed logging target to {} for {name}", other.display());
    assert_eq!(lines(&other), [format!("INFO Start {name}"), changed, "INFO b".to_owned()]);
}

/// Makes the socket take nothing more until somebody reads.
fn fill_socket(path: &Path) {
    let filler = UnixDatagram::unbound().unwrap();
    filler.set_nonblocking(true).unwrap();
    while filler.send_to(b"x: fill\0", path).is_ok() {}
}

/// The same for a pipe, which is so for as long as what is returned is there.
fn fill_pipe(path: &Path) -> fs::File {
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = fs::OpenOptions::new();
    let mut filler = options.read(true).write(true).custom_flags(flags).open(path).unwrap();
    while filler.write(&[b'\n'; 4096]).is_ok() {}
    filler
}

/// All that comes from the log until it says that this is the end.
fn receive(reader: &UnixDatagram) -> Vec<String> {
    let mut buffer = [0; 1000];
    let mut received = Vec::new();
    loop {
        let len = reader.recv(&mut buffer).unwrap();
        let line = String::from_utf8(buffer[..len].to_vec()).unwrap();
        let line = line.strip_suffix('\0').unwrap().split_once(": ").unwrap().1.to_owned();
        if line == "INFO end" {
            return received;
        }
        if line != "fill" {
            received.push(line);
        }
    }
}

#[test]
fn a_socket_that_nobody_reads_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let reader = UnixDatagram::bind(dir.path().join("syslog")).unwrap();
    fill_socket(&dir.path().join("syslog"));
    let log = start(Setup { queue_bytes: 4000, ..setup("SYSLOG", dir.path()) });
    for number in 0..100 {
        log.info("filter", format_args!("line {number}"));
    }
    let lost = log.lost();
    assert!((50..100).contains(&lost), "{lost}");
    assert!(!log.flush(Duration::ZERO));
    // Whoever reads again gets what waited, and the count of what didn't.
    reader.set_read_timeout(Some(LONG)).unwrap();
    let reading = std::thread::spawn(move || receive(&reader));
    assert!(log.flush(LONG));
    log.info("filter", format_args!("end"));
    let received = reading.join().unwrap();
    assert_eq!(told(&received), lost);
    assert_eq!(received.iter().filter(|line| line.contains(" line ")).count() as u64, 100 - lost);
    // What is told of is told where it is missing.
    let first = received.iter().position(|line| line.contains("lost")).unwrap();
    let number = |line: &str| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    assert_eq!(number(&received[first - 1]), first as u64 - 1);
}

#[test]
fn a_pipe_without_a_reader_holds_nobody_up() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    pipe(&path);
    let full = fill_pipe(&path);
    let log = start(Setup { queue_bytes: 4000, ..setup(path.to_str().unwrap(), dir.path()) });
    for number in 0..100 {
        log.info("filter", format_args!("line {number}"));
    }
    assert!((50..100).contains(&log.lost()), "{}", log.lost());
    // Nor does it hold up whoever turns to another target, or the end.
    let other = dir.path().join("other");
    log.set_target(LogTarget::parse(other.to_str().unwrap()).unwrap()).unwrap();
    assert!(log.flush(LONG));
    assert_eq!(lines(&other).len(), 2);
    assert!(!log.end(Duration::from_millis(1)));
    drop(full);
}

#[test]
fn a_pipe_is_read_by_who_comes_late() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("pipe");
    pipe(&path);
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    log.info("filter", format_args!("a"));
    let reader = fs::File::open(&path).unwrap();
    drop(log);
    let read = std::io::read_to_string(reader).unwrap();
    assert!(read.ends_with("INFO    a\n"), "{read}");
}

#[test]
fn lines_for_a_full_disk_are_counted_and_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    symlink("/dev/full", &path).unwrap();
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    for _ in 0..3 {
        log.info("filter", format_args!("a"));
    }
    assert!(log.flush(LONG));
    assert_eq!(log.lost(), 3);
    fs::remove_file(&path).unwrap();
    log.reopen().unwrap();
    log.info("filter", format_args!("b"));
    assert!(log.end(LONG));
    let rollover = format!("INFO    rollover performed on {}", path.display());
    let full = "WARNING 3 lines of the log were lost: No space left on device (os error 28)";
    assert_eq!(lines(&path), [full, &rollover, "INFO    b"]);
}

#[test]
fn a_folder_that_vanished_and_is_back_has_the_log_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder");
    fs::create_dir(&folder).unwrap();
    let path = folder.join("log");
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    log.info("filter", format_args!("a"));
    assert!(log.flush(LONG));
    fs::remove_dir_all(&folder).unwrap();
    log.info("filter", format_args!("b"));
    assert!(log.flush(LONG));
    assert_eq!(log.lost(), 1);
    fs::create_dir(&folder).unwrap();
    log.info("filter", format_args!("c"));
    assert!(log.flush(LONG));
    let lost = "WARNING 1 line of the log was lost: No such file or directory (os error 2)";
    assert_eq!(lines(&path), [lost, "INFO    c"]);
}

#[test]
fn what_is_told_after_the_end_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let log = start(setup(path.to_str().unwrap(), dir.path()));
    log.info("server", format_args!("a"));
    assert!(log.end(LONG));
    log.info("server", format_args!("b"));
    assert!(log.flush(LONG));
    assert_eq!((lines(&path), log.lost()), (vec!["INFO    a".to_owned()], 1));
}

#[test]
fn the_journal_gets_fields() {
    let dir = tempfile::tempdir().unwrap();
    let reader = UnixDatagram::bind(dir.path().join("journal")).unwrap();
    reader.set_read_timeout(Some(LONG)).unwrap();
    let log = start(setup("SYSTEMD-JOURNAL", dir.path()));
    log.event(&Event::Ban { jail: "j", host: "192.0.2.1" });
    let mut buffer = [0; 1000];
    let len = reader.recv(&mut buffer).unwrap();
    let sent = String::from_utf8(buffer[..len].to_vec()).unwrap();
    assert!(sent.starts_with("MESSAGE=[j] Ban 192.0.2.1\nPRIORITY=5\n"), "{sent}");
}
