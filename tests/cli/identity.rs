//! Which log is this: logs that begin alike are told apart, and what is stored stays what it was.

use std::fs;

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

fn bad(hosts: std::ops::Range<u32>) -> String {
    let line = |n| format!("Nov 20 10:00:{:02} bad 192.0.2.{n:03}\n", n % 60);
    hosts.map(line).collect::<Vec<_>>().concat()
}

fn scan(world: &World, logs: &str) -> String {
    let mut args = vec!["scan", "--now", NOW, "--quiet"];
    args.extend(logs.split(' '));
    args.push("bad <HOST>$");
    let run = world.run(args).exits(0);
    let stored = run.out.lines().find(|line| line.starts_with("Stored ")).unwrap();
    stored.split(" in ").next().unwrap().to_owned()
}

fn stored(lines: u32) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    format!("Stored {lines} new matched line{plural} and {lines} new failure{plural}")
}

/// Each host's failures are in its own line.
#[track_caller]
fn assert_true(world: &World, failures: u32, logs: u32) {
    assert_eq!(world.sql("SELECT count(*) FROM failures"), failures.to_string());
    assert_eq!(world.sql("SELECT count(*) FROM log"), logs.to_string());
    assert_eq!(world.sql("SELECT text, host FROM failures WHERE instr(text, printf('192.0.2.%03d', substr(host, 9))) = 0"), "");
}

#[test]
fn logs_that_begin_with_nuls_are_told_apart() {
    let world = World::new();
    let log = |hosts| [&[0; 8192][..], b"\n", bad(hosts).as_bytes()].concat();
    world.write("a", log(101..106));
    world.write("b", log(111..116));
    assert_eq!(scan(&world, "a"), stored(5));
    assert_eq!(scan(&world, "b"), stored(5));
    assert_true(&world, 10, 2);
    assert!(world.shell("gzip -k a b").status().unwrap().success());
    for logs in ["b a", "a.gz", "b.gz", "a b.gz"] {
        assert_eq!(scan(&world, logs), stored(0), "{logs}");
    }
    world.write("a", log(101..108));
    assert_eq!(scan(&world, "a"), stored(2));
    assert_true(&world, 12, 2);
}

#[test]
fn a_log_behind_a_hole_is_the_same_however_it_is_read() {
    let world = World::new();
    let mut log = vec![0; 3_000_000];
    log.extend_from_slice(bad(101..106).as_bytes());
    world.write("a", &log);
    assert_eq!(scan(&world, "a"), stored(5));
    // The first line is behind the hole, not part of it.
    assert_eq!(world.sql("SELECT min(place & 0xffffffffff) FROM line"), "3000000");
    assert_eq!(world.sql("SELECT text FROM line ORDER BY place LIMIT 1"), bad(101..102).trim_end());
    assert!(world.shell("gzip -k a; cp --sparse=always a sparse").status().unwrap().success());
    for logs in ["a.gz", "sparse"] {
        assert_eq!(scan(&world, logs), stored(0), "{logs}");
    }
    let stdin = ran(&mut world.shell(&format!("f2b scan --now {NOW} - 'bad <HOST>$' <a"))).exits(0);
    stdin.says(&[&stored(0)]);
    // A hole of another size is that of another generation.
    world.write("b", &log[1..]);
    assert_eq!(scan(&world, "b"), stored(5));
}

#[test]
fn logs_with_the_same_long_banner_are_told_apart() {
    let world = World::new();
    let banner = "Version 1.2 of a service that has much to say\n".repeat(200);
    let log = |hosts| banner.clone() + &bad(hosts);
    world.write("a", log(101..106));
    world.write("b", log(111..115));
    assert_eq!(scan(&world, "a"), stored(5));
    assert_eq!(scan(&world, "b"), stored(4));
    assert_true(&world, 9, 2);
    // Shorter, compressed, grown.
    world.write("a.1", log(101..103));
    assert!(world.shell("xz -k a; bzip2 -k b").status().unwrap().success());
    assert_eq!(scan(&world, "a.1 a.xz b.bz2"), stored(0));
    world.write("b", log(111..118));
    assert_eq!(scan(&world, "b"), stored(3));
    assert_true(&world, 12, 2);
}

#[test]
fn logs_with_a_banner_longer_than_any_head_are_told_apart_by_their_lines() {
    let world = World::new();
    let banner = "Version 1.2 of a service that has much to say\n".repeat(2000);
    world.write("a", banner.clone() + &bad(101..106));
    world.write("b", banner.clone() + &bad(111..116));
    assert_eq!(scan(&world, "a"), stored(5));
    assert_eq!(scan(&world, "b"), stored(5));
    for logs in ["a", "b", "a b", "b a"] {
        assert_eq!(scan(&world, logs), stored(0), "{logs}");
    }
    assert_true(&world, 10, 2);
}

#[test]
fn a_log_that_an_older_f2b_has_stored_is_known() {
    let world = World::new();
    let banner = "Version 1.2 of a service that has much to say\n".repeat(200);
    world.write("a", banner.clone() + &bad(101..106));
    assert_eq!(scan(&world, "a"), stored(5));
    world.sql("UPDATE log SET more = NULL");
    assert_eq!(scan(&world, "a"), stored(0));
    world.write("b", banner + &bad(111..116));
    assert_eq!(scan(&world, "b"), stored(5));
    assert_true(&world, 10, 2);
}

#[test]
fn a_line_that_was_stored_is_replaced_by_nothing_but_its_own_continuation() {
    let world = World::new();
    let long = bad(101..106) + &"nothing of interest\n".repeat(5000);
    world.write("a", long.clone() + &bad(111..112));
    assert_eq!(scan(&world, "a"), stored(6));
    // Somebody edits the log far behind its head.
    world.write("a", long + &bad(113..115));
    scan(&world, "a");
    let texts =
        world.sql("SELECT text FROM line WHERE place & 0xffffffffff > 100000 ORDER BY place");
    assert!(texts.contains(bad(111..112).trim_end()), "{texts}");
    assert!(texts.contains(bad(114..115).trim_end()), "{texts}");
    fs::remove_file(world.path("a")).unwrap();
}
