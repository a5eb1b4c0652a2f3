//! A journald of its own, in a mount namespace: it finishes files and cleans them away while it is written to and read.

#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

#[path = "netlink/rerun.rs"]
mod rerun;

use std::collections::BTreeSet;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use f2b::model::{Clock as _, SystemClock, Time};
use f2b::source::journal::{End, Entry, Journal, JournalPlace, Match, Start};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use self::rerun::rerun;

/// Set in the namespace.
const INSIDE: &str = "F2B_TEST_JOURNALD";
const SOCKET: &str = "/run/systemd/journal/socket";
/// Entries of a round, behind each of which files are finished and cleaned away.
const ROUND: usize = 1500;

/// Runs the test `body` with an empty /run of its own.
fn in_namespace<F: FnOnce()>(body: F) {
    let empty = "mount -t tmpfs tmpfs /run && exec \"$@\"";
    rerun(INSIDE, &["unshare", "--mount", "--", "sh", "-c", empty, "sh"], body);
}

struct Journald(Child, UnixDatagram);

impl Journald {
    fn start() -> Self {
        std::fs::create_dir_all("/run/log/journal").unwrap();
        std::fs::create_dir_all("/run/systemd/journal").unwrap();
        let child = Command::new("/lib/systemd/systemd-journald").spawn().unwrap();
        let socket = UnixDatagram::unbound().unwrap();
        let end = deadline();
        while socket.connect(SOCKET).is_err() {
            assert!(Instant::now() < end, "journald doesn't listen");
            std::thread::yield_now();
        }
        Self(child, socket)
    }

    fn write(&self, number: usize) {
        let entry = format!("SYSLOG_IDENTIFIER=f2b-test\nMESSAGE={number}\n");
        self.1.send(entry.as_bytes()).unwrap();
    }
}

impl Drop for Journald {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits until journald has stored what was sent, finishes its files and deletes the oldest.
fn rotate() {
    let out = Command::new("journalctl").args(["--rotate", "--vacuum-files=2"]).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_mins(1)
}

fn open(start: Start) -> Journal {
    let wanted = Match::parse(&["SYSLOG_IDENTIFIER=f2b-test"]).unwrap();
    Journal::open(JournalPlace::default(), wanted, start, End::Follow, SystemClock.now()).unwrap()
}

/// Reads until this message comes.
fn read_to(journal: &mut Journal, last: usize, found: &mut Vec<usize>) {
    let end = deadline();
    while found.last() != Some(&last) {
        let left = end.saturating_duration_since(Instant::now()).as_secs();
        let left = Timespec { tv_sec: left.try_into().unwrap(), tv_nsec: 0 };
        let ready = poll(&mut [PollFd::new(&journal.fd(), PollFlags::IN)], Some(&left)).unwrap();
        assert_eq!(ready, 1, "after {:?} nothing comes", found.last());
        found.extend(journal.read().unwrap().iter().map(number));
    }
}

fn number(entry: &Entry) -> usize {
    let message = entry.values("MESSAGE").next().unwrap();
    std::str::from_utf8(message).unwrap().parse().unwrap()
}

#[test]
fn entries_come_once_while_journald_finishes_and_deletes_its_files() {
    in_namespace(|| {
        let journald = Journald::start();
        let mut journal = open(Start::Since(SystemClock.now()));
        let mut found = Vec::new();
        for round in 0..5 {
            let numbers = round * ROUND..(round + 1) * ROUND;
            numbers.clone().for_each(|number| journald.write(number));
            rotate();
            // What is deleted before journalctl reads it is lost, so it is read before that; then another takes over.
            read_to(&mut journal, numbers.end - 1, &mut found);
            if round % 2 == 1 {
                journal = open(Start::After(journal.position().unwrap().clone()));
            }
        }
        let wrong = (0..5 * ROUND).zip(&found).find(|(wanted, found)| wanted != *found);
        assert_eq!((wrong, found.len()), (None, 5 * ROUND));
        assert_eq!(journal.take_gone(), None);
        let files: BTreeSet<_> = walk(Path::new("/run/log/journal"));
        assert!(files.len() <= 3, "none was deleted: {files:?}");
        // Whoever comes later finds the place gone, and what is left.
        let first = Start::After(f2b::source::journal::Position {
            cursor: "s=0123456789abcdef0123456789abcdef;i=1;b=0123456789abcdef0123456789abcdef;m=1;t=1;x=1".into(),
            received: Time::from_secs(1),
        });
        let (mut journal, mut left) = (open(first), Vec::new());
        read_to(&mut journal, 5 * ROUND - 1, &mut left);
        assert!(journal.take_gone().is_some());
        assert!(found.ends_with(&left) && left.len() < found.len(), "{} left", left.len());
    });
}

fn walk(folder: &Path) -> BTreeSet<std::path::PathBuf> {
    let machines = std::fs::read_dir(folder).unwrap().map(|machine| machine.unwrap().path());
    machines
        .flat_map(|machine| std::fs::read_dir(machine).unwrap().map(|file| file.unwrap().path()))
        .collect()
}
