//! Jails that read the journal: what is said of logs that they don't read, and what to write instead.

use crate::harness::{World, ran};

const ENTRY: &str = "2026-11-20T10:00:00+0000 host good[12]: bad 192.0.2.1\n";

/// A jail `good` with these options; LOG stands for a log that exists.
fn world(options: &str, filter: &str) -> World {
    let world = World::empty();
    let log = world.write("good.log", "").display().to_string();
    let filter = format!("[Definition]\nfailregex = bad <HOST>$\n{filter}");
    world.write("filter.d/good.conf", filter);
    let jail = "[good]\nenabled = true\nfilter = good\nlogpath = /stock.log\n";
    world.write("jail.conf", format!("[DEFAULT]\njournal = systemd\n{jail}"));
    world.write("jail.local", format!("[good]\n{}\n", options.replace("LOG", &log)));
    world
}

const MATCH: &str = "journalmatch = _SYSTEMD_UNIT=good.service + _COMM='a b'\n";

#[test]
fn a_logpath_that_is_not_read_is_told() {
    let own = world("logpath = LOG\nbackend = %(journal)s", MATCH);
    let ran = own.f2b("check").exits(1);
    ran.says(&[
        "jail.local:2:11: warning: '",
        "good.log' is not read: backend is systemd (",
        "jail.conf:2), so the journal is [unread-logpath, good]\n",
        "   = help: write 'backend = auto' into the section, or take the logpath out of it\n",
    ]);
    // Every stock jail has a logpath.
    world("backend = systemd", MATCH).f2b("check").exits(0);
    world("backend = systemd", "").f2b("check").exits(1).says(&[
        "jail.conf:6:11: warning: '/stock.log' is not read: backend is systemd (",
        "jail.local:2), so the journal is [unread-logpath, good]\n",
        "note: every entry of the journal is searched, for there is no journalmatch [no-journalmatch, good]\n",
    ]);
    world("logpath =\nbackend = systemd", "").f2b("check").exits(0).says(&["0 warnings, 1 note\n"]);
}

#[test]
fn err_a_jail_of_the_journal_has_no_log_to_scan() {
    let world = world("backend = systemd[journalpath=/var/j]", MATCH);
    let dir = world.path("").display().to_string();
    let dir = dir.trim_end_matches('/');
    let scan = "journalctl -o short-iso -D /var/j _SYSTEMD_UNIT=good.service + '_COMM=a b' | f2b scan - --jail good";
    world.f2b("scan --jail good").fails_with(&format!(
        "{dir}/jail.local:2: jail 'good' reads the journal, as its backend says; write {scan}, \
         or 'backend = auto' to have its logpath '/stock.log' read ({dir}/jail.conf:6)"
    ));
    let piped = "f2b scan -n --format jsonl - --jail good <entry";
    world.write("entry", ENTRY);
    let found = ran(&mut world.shell(piped)).exits(0).json_lines();
    assert_eq!((found.len(), &found[0]["host"]), (1, &"192.0.2.1".into()));
}

#[test]
fn err_a_jail_without_a_log_may_have_a_journal() {
    let world = world("", MATCH);
    let dir = world.path("").display().to_string();
    let dir = dir.trim_end_matches('/');
    let ran = world.f2b("scan --jail good").exits(2);
    let said = format!(
        "f2b: /stock.log: no such file (logpath of jail 'good')\n\
         f2b: {dir}/jail.conf:6: jail 'good' has no log to scan; name logs, or give it a logpath that matches one; \
         for the journal write journalctl -o short-iso _SYSTEMD_UNIT=good.service + '_COMM=a b' \
         | f2b scan - --jail good\n"
    );
    assert_eq!(ran.err, said);
}

#[test]
fn err_the_journal_is_no_log() {
    let world = world("", MATCH);
    let message = "the journal is not read by f2b scan itself; write journalctl -o short-iso ";
    let wanted = "_SYSTEMD_UNIT=good.service + '_COMM=a b'";
    let scan = |args: &[&str], pipe: &str| {
        world.run([&["scan"], args].concat()).fails_with(&format!("{message}{pipe}"));
    };
    scan(&["systemd-journal", "good"], &format!("{wanted} | f2b scan - good"));
    scan(
        &["systemd-journal[journalflags=1]", "--jail", "good"],
        &format!("{wanted} | f2b scan - --jail good"),
    );
    scan(&["systemd-journal", "^bad <HOST>$"], "| f2b scan - '^bad <HOST>$'");
}

#[test]
fn err_jails_without_a_single_log_are_one_error() {
    let world = world("", "");
    world.write("jail.d/a.conf", "[other]\nenabled = true\nfilter = good\nlogpath = /none/*.log\n");
    world.f2b("scan --jails").fails_with(
        "none of the 2 jails has a log to scan; f2b check says which are missing, or name logs",
    );
    world.write("jail.d/a.conf", "[other]\nenabled = true\nfilter = good\nbackend = systemd\n");
    world.f2b("scan --jails").fails_with(
        "none of the 2 jails has a log to scan; \
         one reads the journal, and f2b scan --jail NAME says how it is scanned",
    );
}
