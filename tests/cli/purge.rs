//! Forgetting what is old: in steps, beside others, killed, on a disk that is nearly full.

use std::fmt::Write;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Stdio};

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";
/// The option that makes all lines of `full` old.
const PURGE: &str = "purge --keep 1h --now 2026-11-20T12:00:00Z";

/// A store with so many failures within ten hours.
fn full(lines: u64) -> World {
    let world = World::new();
    let mut log = String::new();
    for n in 0..lines {
        let secs = n * 36_000 / lines;
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        writeln!(
            log,
            "Nov 20 {hour:02}:{minute:02}:{second:02} mail vpopmail[1]: vchkpw-smtp: password fail \
             (pass: 'x') a@b.org:198.{}.{}.{}",
            18 + n % 2,
            n % 251,
            n / 7 % 241,
        )
        .unwrap();
    }
    world.write("maillog", log);
    let scan = format!("scan --quiet --jail password-fail --now {NOW} maillog");
    world.f2b(&scan).exits(0);
    assert_eq!(matches(&world), lines);
    world
}

fn matches(world: &World) -> u64 {
    world.sql("select count(*) from match").parse().unwrap()
}

/// Begins a purge; it is running, and has deleted something, when this returns.
fn purging(world: &World, lines: u64) -> Child {
    let mut command = world.command();
    command.args(PURGE.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut purge = command.spawn().unwrap();
    while matches(world) == lines {
        assert!(purge.try_wait().unwrap().is_none(), "it ended and has deleted nothing");
    }
    purge
}

fn assert_whole(world: &World) {
    assert_eq!(world.sql("pragma integrity_check; pragma foreign_key_check"), "ok");
}

#[test]
fn nothing_to_do_is_well_done() {
    let world = full(3);
    let said = world.f2b(&format!("purge --keep 1d --now {NOW}")).exits(0);
    assert_eq!((&*said.out, &*said.err), ("nothing was before 2026-11-19 12:00:00\n", ""));
    world.f2b(PURGE).exits(0).says(&["3 lines, 3 failures, 0 bans, 3 hosts"]);
    assert_eq!(world.sql("select count(*) from log"), "1", "it was seen just now");
}

#[test]
fn others_write_while_a_purge_runs() {
    let lines = 100_000;
    let world = full(lines);
    let mut purge = purging(&world, lines);
    let ban = format!("ban 203.0.113.7 --jail password-fail --now {NOW}");
    world.f2b(&ban).exits(0);
    // Who waits for the whole of it bans when nothing is left.
    assert_ne!(matches(&world), 0);
    assert!(purge.wait().unwrap().success());
    assert_eq!(matches(&world), 0);
    assert_eq!(world.sql("select count(*) from host"), "1");
    world.f2b(&format!("bans --now {NOW}")).exits(0).says(&["203.0.113.7"]);
    assert_whole(&world);
}

#[test]
fn what_a_killed_purge_has_done_stays_done() {
    let lines = 100_000;
    let world = full(lines);
    let oldest = world.sql("select min(time_us) from match");
    let mut purge = purging(&world, lines);
    purge.kill().unwrap();
    assert_eq!(purge.wait().unwrap().signal(), Some(9));
    let left = matches(&world);
    assert!((1..lines).contains(&left), "{left}");
    assert!(world.sql("select min(time_us) from match") > oldest, "the oldest go first");
    assert_eq!(world.sql("select sum(failures) from block"), left.to_string());
    assert_eq!(world.sql("select sum(failures) from tally"), left.to_string());
    assert_eq!(world.sql("select count(*) from line"), left.to_string());
    assert_whole(&world);
    let pages: u64 = world.sql("pragma page_count").parse().unwrap();
    world.f2b(PURGE).exits(0).says(&[&format!("{left} lines")]);
    assert_eq!(world.sql("pragma freelist_count"), "0");
    assert!(world.sql("pragma page_count").parse::<u64>().unwrap() < pages / 4);
    assert_whole(&world);
}

#[test]
fn a_purge_needs_room_for_a_fraction_of_the_store() {
    let world = full(150_000);
    // In a mount of its own, which only root can make; gone with the process.
    let line = format!(
        "mkdir disk && mount -t tmpfs -o size=100m tmpfs disk && cp store/f2b.sqlite3 disk && \
         mount -o remount,size=$(( $(stat -c %s disk/f2b.sqlite3) / 1024 + 6400 ))k disk && \
         f2b --db disk/f2b.sqlite3 {PURGE} && stat -c 'then %s' disk/f2b.sqlite3"
    );
    let mut command =
        world.shell(&format!("unshare --mount sh -c \"{}\"", line.replace('$', "\\$")));
    let purged = ran(&mut command).exits(0);
    purged.says(&["150000 lines, 150000 failures"]);
    let bytes: u64 = purged.out.rsplit(' ').next().unwrap().trim().parse().unwrap();
    let before = world.db().metadata().unwrap().len();
    assert!(before > 25 << 20, "the room is no small part of it: {before}");
    assert!(bytes < before / 8, "{bytes} of {before}");
}

#[test]
fn a_store_that_can_not_give_back_says_so_and_how_to_mend_it() {
    let world = full(3000);
    world.sql("pragma journal_mode = delete; pragma auto_vacuum = none; vacuum");
    let said = world.f2b(PURGE).exits(0);
    said.says(&["3000 lines"]);
    let db = world.db();
    let db = db.display();
    let line = said.err.trim_end();
    let (bytes, mend) = line.split_once(" are free in it").unwrap();
    assert!(bytes.starts_with(&format!("f2b: {db}: ")), "{line}");
    let command = format!("sqlite3 {db} 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'");
    assert_eq!(
        mend,
        " and will be used again, but can't be given back, as it was made without auto_vacuum; \
         to do that, with room for a copy of it: "
            .to_owned()
            + &command
    );
    ran(&mut world.shell(&command)).exits(0);
    assert_eq!(world.sql("pragma auto_vacuum; pragma freelist_count"), "2\n0");
    assert_eq!(world.f2b(PURGE).exits(0).err, "");
}
