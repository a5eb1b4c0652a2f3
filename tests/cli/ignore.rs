//! Whom a jail ignores: names that are looked up, and the command that is asked.

use std::fs;

use crate::harness::{Ran, World};

const OWNER: &str = "127.0.0.1";

/// A jail `j` with these options, and a log with a bad login of each user from each host.
fn world(options: &str, logins: &[(&str, &str)]) -> World {
    let world = World::new();
    let filter = "[Definition]\nfailregex = ^ bad <F-USER>.+</F-USER> from <HOST>$\n";
    world.write("filter.d/j.conf", filter);
    let jail = format!(
        "[DEFAULT]\nignoreip =\n[j]\nenabled = true\nfilter = j\nlogpath = j.log\nmaxretry = 2\nusedns = no\n\
         ignoreself = false\n{options}\n"
    );
    world.write("jail.local", jail.replace("DIR", &world.path("").display().to_string()));
    let lines = logins
        .iter()
        .enumerate()
        .map(|(second, (user, host))| format!("Nov 20 10:00:{second:02} bad {user} from {host}\n"));
    world.write("j.log", lines.collect::<String>());
    world
}

fn scan(world: &World) -> Ran {
    world.f2b("scan --quiet --jail j --ban j.log --now 2026-11-20T10:05:00Z").exits(0)
}

fn banned(world: &World) -> String {
    world.sql("select group_concat(host, ' ') from (select host from bans order by host)")
}

fn asked(world: &World) -> String {
    fs::read_to_string(world.path("asked")).unwrap_or_default()
}

const TWO_EACH: [(&str, &str); 5] = [
    ("ann", OWNER),
    ("bob", "192.0.2.9"),
    ("ann", OWNER),
    ("bob", "192.0.2.9"),
    ("ann", "192.0.2.8"),
];

#[test]
fn who_is_ignored_by_name_is_not_banned() {
    let world = world("ignoreip = localhost", &TWO_EACH);
    scan(&world);
    assert_eq!(banned(&world), "192.0.2.9");
}

#[test]
fn a_command_is_asked_about_those_who_would_be_banned() {
    let world = world(
        "ignorecommand = echo <ip> <fid> <family> <ip-rev> <failures> <bantime> >> DIR/asked; test <ip> = 127.0.0.1",
        &TWO_EACH,
    );
    scan(&world);
    assert_eq!(banned(&world), "192.0.2.9");
    assert_eq!(
        asked(&world),
        "127.0.0.1 127.0.0.1 inet4 1.0.0.127. 0 600\n192.0.2.9 192.0.2.9 inet4 9.2.0.192. 0 600\n"
    );
    world.f2b("scan --quiet --jail j j.log").exits(0);
    assert_eq!(asked(&world).lines().count(), 2, "nobody is going to be banned");
}

#[test]
fn a_command_that_wants_to_know_more_is_asked_at_each_failure() {
    let command = "ignorecommand = echo <ip> <time> \"<F-USER>\" <F-NONE>. >> DIR/asked; [ \"<F-USER>\" = bob ]";
    let jail = world(command, &TWO_EACH);
    scan(&jail);
    assert_eq!(banned(&jail), OWNER);
    assert_eq!(
        asked(&jail).lines().collect::<Vec<_>>(),
        [
            "127.0.0.1 1795168800.0 ann .",
            "192.0.2.9 1795168801.0 bob .",
            "127.0.0.1 1795168802.0 ann .",
            "192.0.2.9 1795168803.0 bob .",
            "192.0.2.8 1795168804.0 ann .",
        ]
    );
    // Failures that are ignored are not the jail's.
    assert_eq!(jail.sql("select count(*) from failures where host = '192.0.2.9'"), "0");
    let cache = "ignorecache = key=\"<F-USER>\", max-count=100, max-time=5m";
    let jail = world(&format!("{command}\n{cache}"), &TWO_EACH);
    scan(&jail);
    assert_eq!(asked(&jail).lines().count(), 2, "one answer a user");
    let cache = cache.replace("100", "1");
    let jail = world(&format!("{command}\n{cache}"), &TWO_EACH);
    scan(&jail);
    // How often depends on who is asked about first: what is forgotten is asked again.
    assert!(asked(&jail).lines().count() > 2, "one answer is kept, and users take turns");
}

#[test]
fn no_line_runs_a_command() {
    let hostile = "x\"; touch pwned; $(touch pwned) `touch pwned` '&& touch pwned' \\";
    let world = world(
        "ignorecommand = printf '%%s\\n' \"<F-USER>\" >> DIR/asked; echo '<F-USER>' <F-USER> >/dev/null; false",
        &[(hostile, "192.0.2.1"), (hostile, "192.0.2.1")],
    );
    let ran = scan(&world);
    assert_eq!(ran.err, "");
    assert_eq!(asked(&world), format!("{hostile}\n"));
    assert!(!world.path("pwned").exists());
    assert_eq!(banned(&world), "192.0.2.1");
}

#[test]
fn err_a_command_that_gives_no_answer_ignores_nobody_and_is_told() {
    let world = world("ignorecommand = : <ip>; exit 7", &TWO_EACH);
    let ran = scan(&world);
    let at = world.path("jail.local").display().to_string();
    assert_eq!(
        ran.err,
        format!(
            "f2b: {at}:10: ignorecommand gave no answer: status 7 (2 times); \
             its exit status must be 0 to ignore a host and 1 not to; those hosts were not ignored\n"
        )
    );
    assert_eq!(banned(&world), "127.0.0.1 192.0.2.9");
}

#[test]
fn err_a_bad_ignorecache_is_told_and_the_command_is_asked_all_the_same() {
    let world = world("ignorecommand = true\nignorecache = key=<ip>, max-count=many", &TWO_EACH);
    let ran = scan(&world);
    assert!(ran.err.contains("max-count of ignorecache is 'many'"), "{}", ran.err);
    assert_eq!(banned(&world), "");
}
