//! Hits without a date, and what would date them.

use crate::harness::{Ran, World};

fn world(log: &str) -> World {
    let world = World::empty();
    world.write("log", log);
    let jail = "[j]\nfilter = bad\nlogpath = log\n[k]\nfilter = bad\nlogpath = log\n";
    world.write("jail.conf", jail);
    world.write("filter.d/bad.conf", "[Definition]\nfailregex = bad <HOST>$\n");
    world
}

fn scan(world: &World, args: &[&str]) -> Ran {
    world.run(["scan", "-n", "--now", "2026-11-26T12:00"].iter().chain(args))
}

/// The pattern that is proposed, and the time that f2b finds by it.
fn proposed(line: &str, regex: &str) -> (String, String) {
    let world = world(&format!("{line}\n"));
    let ran = scan(&world, &["log", regex]);
    let (_, pattern) =
        ran.err.split_once("--datepattern '").unwrap_or_else(|| unreachable!("{}", ran.err));
    let pattern = pattern.split_once("' dates it").unwrap().0.to_owned();
    let dated = scan(&world, &["-d", &pattern, "-o", "<time>", "log", regex]).exits(0);
    assert_eq!(dated.err, "", "{line}");
    (pattern, dated.out.trim_end().to_owned())
}

#[test]
fn what_is_proposed_dates_the_line() {
    // 2026-11-20 09:00:05 and 09:00:00 UTC.
    let (whole, minute) = ("1795165205", "1795165200");
    for (line, pattern, time) in [
        ("20.11.2026 09:00:05 bad", r"^%d\.%m\.%Y %H:%M:%S", whole),
        ("[20.11.26, 09:00] bad", r"%d\.%m\.%y, %H:%M", minute),
        ("2026-11-20 09:00 bad", "^%Y-%m-%d %H:%M", minute),
        ("2026-11-20_09.00.05 bad", r"^%Y-%m-%d_%H\.%M\.%S", whole),
        ("11/20/2026 9:00:05 AM bad", "^%m/%d/%Y %I:%M:%S %p", whole),
        ("Nov 20, 2026 09:00:05 bad", "^%b %d, %Y %H:%M:%S", whole),
        ("20 November 2026 09:00:05,123 bad", r"^%d %B %Y %H:%M:%S,\d+", whole),
        ("Fri, 20 Nov 2026 10:00:05 +0100 bad", "%d %b %Y %H:%M:%S %z", whole),
        ("20261120090005 bad", "^%ExY%Exm%Exd%ExH%ExM%ExS", whole),
        ("I1120 09:00:05.123456 bad", r"^[A-Z]%Exm%Exd %H:%M:%S\.\d+", whole),
        ("{\"ts\":1795165205000,\"m\":\"x\"} bad", "ts\":{LEPOCH}", whole),
        ("host x 1795165205 bad", "x {EPOCH}", whole),
        ("x 'a' 20.11.2026 09:00:05 bad", r"%d\.%m\.%Y %H:%M:%S", whole),
    ] {
        let found = proposed(&format!("{line} 192.0.2.1"), "bad <HOST>$");
        assert_eq!((&*found.0, found.1.trim_end_matches(".0")), (pattern, time), "{line}");
    }
}

/// Of two orders of day and month the one that isn't in the future.
#[test]
fn what_is_proposed_is_of_the_past() {
    for (line, pattern) in [
        ("12.11.2026 09:00 bad 192.0.2.1", r"^%d\.%m\.%Y %H:%M"),
        ("11.12.2026 09:00 bad 192.0.2.1", r"^%m\.%d\.%Y %H:%M"),
    ] {
        assert_eq!(proposed(line, "bad <HOST>$").0, pattern);
    }
}

#[test]
fn hits_without_a_date_are_told_with_a_line() {
    let log = "20.11.2026 09:00 bad 192.0.2.1\n20.11.2026 09:01 bad 192.0.2.1\n";
    let world = world(log);
    let said = "2 hits have no date and can ban nobody, such as '20.11.2026 09:00 bad 192.0.2.1'";
    let alone = scan(&world, &["log", "bad"]).exits(0);
    let help = r"--datepattern '^%d\.%m\.%Y %H:%M' dates it";
    assert_eq!(alone.err, format!("f2b: {said}; {help}\n"));
    let json = scan(&world, &["--format", "json", "log", "bad"]).exits(0);
    assert_eq!((&*json.err, &json.json()["undated"]), (&*alone.err, &2.into()));
    let jsonl = scan(&world, &["--format", "jsonl", "log", "bad"]).exits(0);
    assert_eq!(jsonl.err, alone.err);
    // In a file percent signs are doubled.
    let jail = scan(&world, &["--jail", "j", "--ban"]).exits(0);
    let help = r"in the jail, datepattern = ^%%d\.%%m\.%%Y %%H:%%M dates it";
    assert_eq!(jail.err, format!("f2b: {said}; {help}\n"));
    let both = scan(&world, &["--jail", "j", "--jail", "k"]).exits(0);
    assert_eq!(both.err, format!("f2b: j: {said}; {help}\nf2b: k: {said}; {help}\n"));
}

#[test]
fn a_pattern_that_does_not_fit_yields_to_the_known_forms() {
    let world = world("2026-11-20 09:00:00 bad 192.0.2.1\n");
    let ran = scan(&world, &["-d", "^%d %b %Y %H", "log", "bad"]).exits(0);
    let said = "1 hit has no date and can ban nobody: '2026-11-20 09:00:00 bad 192.0.2.1'";
    assert_eq!(ran.err, format!("f2b: {said}; --datepattern '{{DEFAULT}}' dates it\n"));
}

#[test]
fn a_line_that_has_no_date_gets_no_proposal() {
    let world = world("bad 192.0.2.1\n");
    let said = "f2b: 1 hit has no date and can ban nobody: 'bad 192.0.2.1'";
    let help = "how dates are written, or {NONE} if there are none\n";
    let ran = scan(&world, &["log", "bad"]).exits(0);
    assert_eq!(ran.err, format!("{said}; say with --datepattern {help}"));
    let ran = scan(&world, &["--jail", "j"]).exits(0);
    assert_eq!(ran.err, format!("{said}; say with datepattern {help}"));
    assert_eq!(scan(&world, &["-d", "{NONE}", "log", "bad"]).exits(0).err, "");
}

/// An expression that begins behind the date matches nothing as long as that is not cut out.
#[test]
fn dates_that_nothing_knows_may_be_why_nothing_matches() {
    let world = world("20.11.2026 09:00 bad 192.0.2.1\n");
    let said = "f2b: no line has a date that f2b knows, and none matched: '20.11.2026 09:00 bad 192.0.2.1'";
    let help = r"--datepattern '^%d\.%m\.%Y %H:%M' dates it";
    let ran = scan(&world, &["log", "^ bad <HOST>$"]).exits(1);
    assert_eq!(ran.err, format!("{said}; {help}\n"));
    let ran = scan(&world, &["log", "^ good <HOST>$"]).exits(1);
    let but = "but no expression matches what is left";
    assert_eq!(ran.err, format!("{said}; {help}, {but}\n"));
    // Where dates are known, it is something else.
    world.write("log", "2026-11-20 09:00:00 bad 192.0.2.1\n");
    assert_eq!(scan(&world, &["log", "^ good <HOST>$"]).exits(1).err, "");
}

#[test]
fn percent_signs_are_not_doubled_on_a_command_line() {
    let world = world("Nov 20 09:00:00 bad 192.0.2.1\n");
    let help = "percent signs are doubled in a configuration file only; write";
    let ran = scan(&world, &["-d", "^%%b %%d %%H:%%M:%%S", "log", "bad"]).exits(0);
    let said =
        "f2b: --datepattern: '%%' in the date pattern '^%%b %%d %%H:%%M:%%S' is a percent sign";
    let said = format!("{said}; {help} '^%b %d %H:%M:%S'\n");
    assert!(ran.err.starts_with(&said), "{}", ran.err);
    scan(&world, &["-d", "^%%B %d", "log", "bad"]).fails_with(&format!(
        "--datepattern: the date pattern '^%%B %d' has a day but no month; {help} '^%B %d'"
    ));
    world.write(
        "filter.d/bad.conf",
        "[Definition]\nfailregex = bad <HOST>$\ndatepattern = ^%%%%b %%d\n",
    );
    let ran = world.f2b("check --all");
    assert!(ran.out.contains(&format!("{help} '^%b %d'")), "{}", ran.out);
}
