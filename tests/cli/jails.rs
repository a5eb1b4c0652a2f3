//! Several jails in one pass, and jails that are none.

use serde_json::Value;

use crate::harness::{World, sample};

const NOW: &str = "2026-11-20T12:00:00Z";

/// A log that three jails read, with something for each.
fn mixed() -> String {
    let line = |nth: u32, text: &str| format!("Nov 20 10:{nth:02}:00 mail vpopmail[7]: {text}\n");
    let lines = (0..40).flat_map(|nth| {
        let guess = format!("vchkpw-smtp: password fail (pass: 'x') joe@b.org:198.18.0.{nth}");
        [
            line(nth, &guess),
            line(nth, "vchkpw-smtp: vpopmail user not found ann@b.org:198.51.100.1"),
            line(nth, "vchkpw-pop3: vpopmail user not found bob@:203.0.113.7"),
            line(nth, "a line of no interest"),
        ]
    });
    lines.collect()
}

const JAILS: [&str; 3] = ["password-fail", "username-notfound", "vpopmail"];

/// What a jail found by itself: the same object that it has among others, but for its name.
fn alone(world: &World, jail: &str) -> Value {
    let ran = world.f2b(&format!("scan -n --jail {jail} --ban --format json --now {NOW} maillog"));
    let mut found = ran.exits(0).json();
    found["elapsed_secs"] = Value::Null;
    found["jail"] = jail.into();
    found
}

#[test]
fn jails_that_read_a_log_together_find_what_each_finds_alone() {
    let world = World::new();
    world.write("maillog", mixed());
    let jails = JAILS.map(|jail| format!("--jail {jail}")).join(" ");
    let ran = world.f2b(&format!("scan {jails} --ban --format json --now {NOW} maillog"));
    let mut together = ran.exits(0).json();
    for (found, jail) in together.as_array_mut().unwrap().iter_mut().zip(JAILS) {
        found["elapsed_secs"] = Value::Null;
        found["stored"] = Value::Null;
        assert_eq!(*found, alone(&world, jail));
        assert!(found["lines"]["matched"].as_u64().unwrap() >= 40, "{jail}: {found}");
    }
    // A line stands once in the store, whoever matched it, and each failure with its jail.
    assert_eq!(world.sql("select count(*) from line"), "120");
    assert_eq!(
        world.sql("select jail, count(*) from failures group by jail order by jail"),
        "password-fail|40\nusername-notfound|40\nvpopmail|40"
    );
    assert_eq!(
        world.sql("select jail, host from bans order by jail"),
        "username-notfound|198.51.100.1\nvpopmail|203.0.113.7"
    );
}

#[test]
fn all_enabled_jails_read_their_own_logs() {
    let world = World::new();
    let log = world.write("maillog", mixed());
    let jails = std::fs::read_to_string(sample("jail.conf")).unwrap();
    world.write("jail.conf", jails.replace("/var/log/maillog", log.to_str().unwrap()));
    let ran = world.f2b(&format!("scan --jails --now {NOW} --print-no-missed")).exits(0);
    for jail in JAILS {
        assert!(ran.out.contains(&format!("jail : {jail}, basedir")), "{}", ran.out);
    }
    // The two jails whose logs don't exist are said, and don't stop the others.
    assert!(ran.err.contains("jail 'dos-hosts' has no log to scan"), "{}", ran.err);
    assert_eq!(world.sql("select count(*) from failures"), "120");
}

#[test]
fn lines_of_several_jails_say_whose_they_are() {
    let world = World::new();
    world.write("maillog", mixed());
    let jails = "--jail vpopmail --jail password-fail";
    let ran = world.f2b(&format!("scan -n {jails} --format jsonl --now {NOW} maillog")).exits(0);
    let first: Vec<Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let of = |jail| first.iter().filter(|line| line["jail"] == jail).count();
    assert_eq!((of("vpopmail"), of("password-fail"), first.len()), (40, 40, 80));
    let ran = world.f2b(&format!("scan -n {jails} --format csv --now {NOW} maillog")).exits(0);
    assert!(ran.out.starts_with("jail,source,line,"), "{}", ran.out);
}

#[test]
fn a_filter_alone_may_ban_with_the_defaults_of_fail2ban() {
    let world = World::new();
    world.write("maillog", mixed());
    let scan = "scan maillog username-notfound --ban --now 2026-11-20T10:40:00Z";
    let ran = world.f2b(scan).exits(0);
    // He fails every minute: each time that he would be banned if he weren't, he is for ten minutes from then on.
    let decided = "Decided 1 new ban, still in force, and 12 prolongations";
    assert!(ran.out.contains(decided), "{}", ran.out);
    let ran = world.f2b("bans --now 2026-11-20T10:40:00Z").exits(0);
    assert!(ran.out.contains("198.51.100.1"), "{}", ran.out);
    // Decided once: the store knows.
    let ran = world.f2b(scan).exits(0);
    assert!(ran.out.contains("Decided no new ban\n"), "{}", ran.out);
    let ran = world.f2b("scan -n maillog username-notfound --ban --maxretry 41").exits(0);
    assert!(ran.out.contains("Decided no new ban"), "{}", ran.out);
}

#[test]
fn a_filter_alone_counts_no_failures_of_another() {
    let world = World::new();
    world.write("maillog", mixed());
    world.f2b(&format!("scan maillog vpopmail --now {NOW}")).exits(0);
    let guess = "Nov 20 10:10:30 mail vpopmail[7]: vchkpw-smtp: password fail (pass: 'x') a@b.org:";
    world.write("other", format!("{guess}203.0.113.7\n{guess}192.0.2.77\n"));
    let ran = world.f2b(&format!("scan other password-fail --ban --now {NOW}")).exits(0);
    assert!(ran.out.contains("Decided no new ban"), "{}", ran.out);
}

#[test]
fn err_a_zone_that_cannot_be_read_stops_the_jail_with_its_place() {
    let world = World::new();
    world.write("maillog", mixed());
    let jails = std::fs::read_to_string(sample("jail.conf")).unwrap();
    for (option, value, what) in [
        ("logtimezone", "Nowhere/Atlantis", "unknown time zone 'Nowhere/Atlantis'"),
        ("logencoding", "klingon", "unknown encoding 'klingon'"),
        ("datepattern", "%%Y-%%Q", "the date pattern '%Y-%Q' has an unknown directive '%Q'"),
    ] {
        let jails = jails.replace("[vpopmail]\n", &format!("[vpopmail]\n{option} = {value}\n"));
        world.write("jail.conf", jails);
        let ran = world.f2b(&format!("scan --jail vpopmail --now {NOW} maillog")).exits(2);
        assert!(ran.err.contains(what), "{}", ran.err);
        let line = format!("jail.conf:{}", 1 + line_of(&world, option));
        assert!(ran.err.contains(&line), "{line}: {}", ran.err);
    }
    assert!(!world.db().exists());
}

/// The lines before the one that sets an option.
fn line_of(world: &World, option: &str) -> usize {
    let text = std::fs::read_to_string(world.path("jail.conf")).unwrap();
    text.lines().position(|line| line.starts_with(option)).unwrap()
}
