//! Files that are not what their name says, and what a folder's scan leaves out.

use crate::harness::{World, password_fails};

const FILTER: &str = "filter.d/password-fail.conf";
const NOW: &str = "2026-11-20T12:00:00Z";

fn a_line() -> String {
    password_fails(&[("Nov 20 10:00:00", "192.0.2.1")])
}

/// Bytes that mean nothing.
fn noise(len: u32) -> Vec<u8> {
    (1..=len).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0] ^ 0x80).collect()
}

fn scan(logs: &str) -> String {
    format!("scan --dry-run --now {NOW} {logs} {FILTER}")
}

fn shell(world: &World, line: &str) {
    assert!(world.shell(line).status().unwrap().success(), "{line}");
}

#[test]
fn err_a_file_named_like_an_archive_that_is_none() {
    let world = World::new();
    let cases = [
        ("log.gz", "a gzip archive", noise(5000), "it is not text either"),
        ("log.1.xz", "an xz archive", noise(5000), "it is not text either"),
        ("log.bz2", "a bzip2 archive", noise(5000), "it is not text either"),
        ("log.zst", "a Zstandard archive", Vec::new(), "it is empty"),
        ("log.2.gz", "a gzip archive", b"LZIP\x01\x0c\x00".repeat(9), "it is an lzip archive"),
    ];
    for (name, kind, bytes, what) in cases {
        world.write(name, bytes);
        let ran = world.f2b(&scan(name)).exits(2);
        let expected =
            format!("f2b: {name}: not {kind}, as its name says: {what}; nothing of it was read\n");
        assert_eq!(ran.err, expected);
    }
    // The others are read all the same.
    world.write("maillog", a_line());
    let ran = world.f2b(&scan("maillog log.gz")).exits(2);
    ran.says(&["1 matched"]);
}

#[test]
fn text_that_is_named_like_an_archive_is_read_and_told() {
    let world = World::new();
    world.write("maillog.1.gz", a_line());
    let ran = world.f2b(&scan("maillog.1.gz")).exits(0);
    assert_eq!(
        ran.err,
        "f2b: maillog.1.gz: not a gzip archive, as its name says, but text; it is read as such\n"
    );
    ran.says(&["1 matched"]);
}

#[test]
fn an_archive_is_known_whatever_its_name_and_however_often_it_was_packed() {
    let world = World::new();
    world.write("maillog", a_line());
    shell(
        &world,
        "gzip <maillog >old; xz <maillog >old.gz; gzip <old >maillog.1.gz.gz; xz <old >maillog.gz.xz",
    );
    for name in ["old", "old.gz", "maillog.1.gz.gz", "maillog.gz.xz"] {
        let ran = world.f2b(&scan(name)).exits(0);
        ran.says(&["1 matched"]);
        assert_eq!(ran.err, "", "{name}");
    }
    // All of them are one log.
    world
        .f2b(&format!("scan --now {NOW} old maillog.1.gz.gz maillog.gz.xz maillog {FILTER}"))
        .exits(0);
    assert_eq!(world.sql("SELECT count(*) FROM failures"), "1");
}

#[test]
fn archives_that_are_not_read_are_told_by_name() {
    let world = World::new();
    world.write("maillog", a_line());
    world.write("old.lz4", b"\x04\x22\x4d\x18\x64\x40\xa7\x00".repeat(9));
    let ran = world.f2b(&scan("old.lz4")).exits(2);
    assert_eq!(
        ran.err,
        "f2b: old.lz4: an lz4 archive, which f2b can't read: nothing of it was read; unpack it\n"
    );
    // A tar is read as if it were text, for most of it is.
    shell(&world, "tar -cf - maillog | gzip >logs.tar.gz");
    let ran = world.f2b(&scan("logs.tar.gz")).exits(0);
    assert_eq!(
        ran.err,
        "f2b: logs.tar.gz: a tar archive; it is read as if it were text, and the first line of each file may be missed; unpack it\n"
    );
    world.write("wtmp", b"\x07\0\0\0tty1\0\0\0\0".repeat(100));
    let ran = world.f2b(&scan("wtmp")).exits(1);
    assert_eq!(ran.err, "f2b: wtmp: not text; its lines are read as they are\n");
}

#[test]
fn a_truncated_archive_within_an_archive_is_told() {
    let world = World::new();
    world.write("maillog", a_line().repeat(1000));
    shell(&world, "gzip <maillog | head -c 60 | gzip >maillog.gz.gz");
    let ran = world.f2b(&scan("maillog.gz.gz")).exits(2);
    assert!(ran.err.starts_with("f2b: maillog.gz.gz: damaged gzip archive after "), "{}", ran.err);
}

#[test]
fn a_nul_hides_no_log_of_a_folder() {
    let world = World::new();
    let hostile = "Nov 20 09:00:00 h x\0y\n".to_owned() + &"\0".repeat(5000) + "\n";
    world.write("logs/maillog", hostile + &a_line());
    // Written on after it was emptied: a hole before the first line.
    let mut hole = vec![0; 100_000];
    hole.extend_from_slice(a_line().as_bytes());
    world.write("logs/mail.log", hole);
    let ran = world.f2b(&scan("logs")).exits(0);
    ran.says(&["2 matched"]);
    assert_eq!(ran.err, "");
}

#[test]
fn a_folder_says_what_it_leaves_out_and_why() {
    let world = World::new();
    world.write("logs/maillog", a_line());
    world.write("logs/.hidden", a_line());
    world.write("logs/apache2/access.log", a_line());
    world.write("logs/btmp", b"\x06\0\0\0\xf4\x08\0\0ssh:notty\0\0\0\0\0".repeat(30));
    world.write("logs/utf16.log", b"\xff\xfeN\0o\0v\0 \x002\x000\0\n\0".repeat(20));
    world.write("logs/x.journal", b"LPKSHHRH\0\0\0\0\x0a\0\0\0".repeat(30));
    world.write("logs/old.zip", b"PK\x03\x04\x14\0\0\0\x08\0".repeat(30));
    shell(
        &world,
        "sqlite3 logs/db 'create table a (b)'; ln -s nowhere logs/link; mkfifo logs/pipe",
    );
    let ran = world.f2b(&scan("logs")).exits(0);
    ran.says(&["1 matched"]);
    assert_eq!(
        ran.err,
        "f2b: logs: left out are .hidden (hidden), apache2 (a folder), btmp (not text), \
         db (an SQLite database), link (leads nowhere), old.zip (a zip archive), pipe (a pipe), \
         utf16.log (UTF-16), x.journal (a journal); name them to have them read\n"
    );
    // Named, it is read.
    let ran = world.f2b(&scan("logs/btmp")).exits(1);
    assert_eq!(ran.err, "f2b: logs/btmp: not text; its lines are read as they are\n");
}

#[test]
fn a_folder_of_nothing_but_others_says_so() {
    let world = World::new();
    for nth in 10..24 {
        world.write(&format!("logs/wtmp.{nth}"), b"\x07\0\0\0tty1\0\0\0\0".repeat(100));
    }
    world.f2b(&scan("logs")).fails_with(
        "logs: no logs in this folder, for left out are wtmp.10 (not text), wtmp.11 (not text), \
         wtmp.12 (not text), wtmp.13 (not text), wtmp.14 (not text), wtmp.15 (not text), \
         wtmp.16 (not text), wtmp.17 (not text) and 6 more; name the files, or a folder that directly holds them",
    );
}

#[test]
fn a_log_of_a_jail_is_read_whatever_it_begins_with() {
    let world = World::new();
    let log = world.write("odd.log", [&noise(3000)[..], b"\n", a_line().as_bytes()].concat());
    let logpath = log.display();
    world.write("jail.local", format!("[password-fail]\nenabled = true\nlogpath = {logpath}*\n"));
    let ran = world.f2b(&format!("scan --dry-run --now {NOW} --jail password-fail")).exits(0);
    ran.says(&["1 matched"]);
    assert_eq!(ran.err, format!("f2b: {logpath}: not text; its lines are read as they are\n"));
}

#[test]
fn utf_16_that_is_asked_for_is_worth_no_word() {
    let world = World::new();
    let utf16: Vec<u8> = a_line().encode_utf16().flat_map(u16::to_le_bytes).collect();
    world.write("wide.log", [b"\xff\xfe".to_vec(), utf16].concat());
    let args = ["scan", "--dry-run", "--now", NOW, "--encoding", "utf-16", "wide.log", FILTER];
    let ran = world.run(args).exits(0);
    assert_eq!(ran.err, "");
}
