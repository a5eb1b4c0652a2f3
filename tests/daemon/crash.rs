//! The service when it is killed, and when the power fails.

#![expect(clippy::print_stderr, reason = "it says how much it did")]

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::harness::Host;
use crate::net::eventually;
use crate::traffic::{Author, How, jail, number};

/// Kills the service at moments that look random, `F2B_DAEMON_KILLS` times, while a log is written and rotated.
#[test]
fn who_is_killed_at_any_moment_loses_nothing_and_counts_nothing_twice() {
    let kills = number("F2B_DAEMON_KILLS", 20);
    let host = Host::new(&jail());
    let mut author = Author::new(&host, 8);
    // Of a log that nobody has read nothing is known when it is rotated.
    let daemon = host.start();
    author.write(1);
    eventually("the log is known", || host.failures() == 1);
    daemon.kill();
    for kill in 0..kills {
        let daemon = host.spawn(|_| ());
        write_for_a_while(&mut author);
        if kill % 8 == 7 {
            // Else it is always killed in the first thing that it reads, which grows.
            author.all_is_stored_in(&host.path("f2b.db"));
            write_for_a_while(&mut author);
        }
        daemon.kill();
        if author.random.below(2) == 0 {
            write_for_a_while(&mut author);
        }
    }
    let daemon = host.start();
    author.all_is_known();
    daemon.stop();
    eprintln!("kills: {kills}, {} lines, each counted once", author.lines());
}

/// Up to half a second, or none; with a rotation in it or none.
fn write_for_a_while(author: &mut Author<'_>) {
    for _ in 0..2 {
        let lines = author.random.below(1000);
        author.write(usize::try_from(lines).unwrap());
        if author.random.below(3) == 0 {
            author.rotate(How::Rename);
        }
    }
}

/// Copies of the store as it is at some moment, with and without what SQLite keeps in shared memory, are read on from.
#[test]
fn a_store_that_the_power_left_behind_is_read_on_from() {
    let host = Host::new(&jail());
    let mut author = Author::new(&host, 7);
    let daemon = host.start();
    author.write(40);
    eventually("the log is known", || host.failures() > 0);
    let mut copies = Vec::new();
    for number in 0..4 {
        write_for_a_while(&mut author);
        // Nothing happens while it is copied.
        daemon.signal(Signal::STOP);
        is_stopped(daemon.pid());
        copies.push(copy(&host, number));
        daemon.signal(Signal::CONT);
    }
    author.write(100);
    author.all_is_known();
    daemon.stop();
    for copy in copies {
        host.does("flush");
        let daemon = host.start_with(|command| {
            command.env("F2B_DB", &copy);
        });
        author.all_is_known_in(&copy);
        daemon.stop();
    }
}

fn is_stopped(pid: u32) {
    eventually("it stands still", || {
        let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        threads
            .map(|thread| thread.unwrap().path().join("stat"))
            .all(|stat| fs::read_to_string(stat).is_ok_and(|stat| stat.contains(") T ")))
    });
}

/// A folder with the files of the store; every other one without the index that is in shared memory.
fn copy(host: &Host, number: usize) -> PathBuf {
    let copy = host.path(&format!("copy-{number}.db"));
    for ending in ["", "-wal", "-shm"] {
        let with = |path: &Path| PathBuf::from(format!("{}{ending}", path.display()));
        let from = with(&host.path("f2b.db"));
        if from.exists() && (ending != "-shm" || number.is_multiple_of(2)) {
            fs::copy(from, with(&copy)).unwrap();
        }
    }
    copy
}
