//! What can go wrong is one line that says what, where and what to do; nothing is half-written.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use crate::harness::{World, password_fails, ran};

const FILTER: &str = "filter.d/password-fail.conf";

fn with_log() -> World {
    let world = World::new();
    world.write("maillog", password_fails(&[("Nov 20 10:00:00", "192.0.2.1")]));
    world
}

#[test]
fn err_a_misspelt_log_names_the_nearest() {
    let world = with_log();
    world
        .f2b(&format!("scan mailog {FILTER}"))
        .fails_with("mailog: no such file; did you mean 'maillog'?");
    assert!(!world.db().exists());
}

#[test]
fn err_a_pattern_without_files() {
    let world = with_log();
    world
        .run(["scan", "nothing*.log", FILTER])
        .fails_with("nothing*.log: no file matches this pattern");
}

#[test]
fn err_no_log_at_all() {
    let world = with_log();
    world.f2b("scan").fails_with("nothing to scan: write LOG... FILTER, or --jail NAME");
    world
        .f2b(&format!("scan {FILTER}"))
        .fails_with(&format!("no log to scan before the filter '{FILTER}'; write LOG... FILTER"));
}

#[test]
fn err_a_misspelt_filter_names_the_nearest() {
    let world = with_log();
    let config = world.path("").display().to_string();
    let config = config.trim_end_matches('/');
    world.f2b("scan maillog password-fial").fails_with(&format!(
        "no filter 'password-fial' in {config}; did you mean 'password-fail'?"
    ));
}

#[test]
fn err_a_filter_without_failregex() {
    let world = with_log();
    let filter = world.write("filter.d/empty.conf", "[Definition]\nfailregex =\n");
    let ran = world.f2b("scan maillog filter.d/empty.conf").exits(2);
    assert!(
        ran.err.contains(&filter.file_name().unwrap().to_string_lossy().into_owned()),
        "{}",
        ran.err
    );
    assert!(ran.err.contains("failregex"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn err_an_invalid_regex_is_located() {
    let world = with_log();
    world.write(
        "filter.d/bad.conf",
        "[Definition]\nfailregex = ok <HOST>\n            broken (<HOST>\n",
    );
    let ran = world.f2b("scan maillog filter.d/bad.conf").exits(2);
    assert!(ran.err.contains("bad.conf:3"), "{}", ran.err);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn err_a_regex_without_a_host() {
    let world = with_log();
    world.write("filter.d/nohost.conf", "[Definition]\nfailregex = password fail .*\n");
    let ran = world.f2b("scan maillog filter.d/nohost.conf").exits(2);
    assert!(ran.err.contains("nohost.conf:2"), "{}", ran.err);
    assert!(ran.err.contains("<HOST>"), "{}", ran.err);
    let ran = world.run(["scan", "maillog", "password .*"]).exits(2);
    assert!(ran.err.contains("<HOST>"), "{}", ran.err);
}

#[test]
fn err_an_unknown_jail_names_the_nearest() {
    let world = with_log();
    let config = world.path("").display().to_string();
    let config = config.trim_end_matches('/');
    let message =
        format!("there is no jail 'pasword-fail' in {config}; did you mean 'password-fail'?");
    for command in ["scan --jail pasword-fail", "ban 192.0.2.1 --jail pasword-fail"] {
        world.f2b(command).fails_with(&message);
    }
    assert!(!world.db().exists());
}

#[test]
fn err_a_jail_whose_logs_do_not_exist() {
    let world = with_log();
    let jail = fs::read_to_string(world.path("jail.conf")).unwrap();
    fs::write(world.path("jail.conf"), jail.replace("/var/log/", "/nonexistent/")).unwrap();
    let ran = world.f2b("scan --jail password-fail").exits(2);
    assert!(ran.err.contains("jail.conf:"), "{}", ran.err);
    assert!(ran.err.contains("has no log to scan"), "{}", ran.err);
}

#[test]
fn err_a_misspelt_action_is_a_finding_and_the_scan_goes_on() {
    let world = with_log();
    let jail = fs::read_to_string(world.path("jail.conf")).unwrap();
    fs::write(world.path("jail.conf"), jail.replace("sendmail-whois", "sendmailwhois")).unwrap();
    let ran = world.f2b("scan --jail vpopmail maillog").exits(1);
    assert!(ran.err.contains("jail.conf:"), "{}", ran.err);
    assert!(ran.err.contains("'sendmailwhois'; did you mean 'sendmail-whois'?"), "{}", ran.err);
}

#[test]
fn err_a_non_address_is_not_banned() {
    let world = with_log();
    world
        .f2b("ban example.org --jail vpopmail")
        .fails_with("'example.org' is not an IP address or network; write one like 192.0.2.1, 2001:db8::1 or 192.0.2.0/24");
    world.f2b("unban 192.0.2.0/40").fails_with(
        "'192.0.2.0/40' is not an IP address or network; \
         a network is written ADDRESS/LENGTH, the length at most 32, with IPv6 128",
    );
}

#[test]
fn err_a_broken_archive_is_reported_and_what_came_before_it_counts() {
    let world = World::new();
    let lines: Vec<String> = (0..60_000)
        .map(|n| format!("Nov 20 {:02}:{:02}:{:02}", n / 3600, n / 60 % 60, n % 60))
        .collect();
    let lines: Vec<(&str, &str)> =
        lines.iter().map(|stamp| (stamp.as_str(), "192.0.2.1")).collect();
    world.write("log", password_fails(&lines));
    assert!(Command::new("gzip").arg(world.path("log")).status().unwrap().success());
    let whole = fs::read(world.path("log.gz")).unwrap();
    fs::write(world.path("log.gz"), &whole[..whole.len() / 2]).unwrap();
    let ran = world.f2b(&format!("scan --now 2026-11-21 --format json log.gz {FILTER}")).exits(2);
    assert!(ran.err.starts_with("f2b: log.gz: damaged gzip archive after "), "{}", ran.err);
    let matched = ran.json()["lines"]["matched"].as_u64().unwrap();
    assert!((1000..60_000).contains(&matched), "{matched}");
    assert_eq!(world.sql("select count(*) from matches"), matched.to_string());
}

#[test]
fn err_stores_that_can_not_be_used() {
    let world = with_log();
    let scan = format!("scan maillog {FILTER}");
    let db = world.db().display().to_string();
    world.f2b("bans").fails_with(&format!(
        "no store at {db}; run f2b scan, batch or daemon first, or name it with --db"
    ));

    world.write("store/f2b.sqlite3", "this is no database, however long it may be. ".repeat(100));
    world.f2b(&scan).fails_with(&format!(
        "{db}: not a database; move it away or choose another path, f2b won't overwrite it"
    ));

    fs::remove_dir_all(world.path("store")).unwrap();
    world.f2b(&scan).exits(0);
    world.sql("pragma user_version = 99");
    let ran = world.f2b(&scan).exits(2);
    assert!(ran.err.contains("its schema is version 99"), "{}", ran.err);
}

#[test]
fn err_a_log_that_may_not_be_read() {
    let world = with_log();
    let log = world.path("maillog");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads what it likes; nobody else does.
    let folder = world.path("");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = world.command();
    if fs::File::open(&log).is_ok() {
        let binary = world.path("f2b");
        fs::copy(env!("CARGO_BIN_EXE_f2b"), &binary).unwrap();
        let mut as_nobody = Command::new("setpriv");
        as_nobody.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
        as_nobody.current_dir(&folder).env("F2B_CONFIG", &folder);
        command = as_nobody;
    }
    command.args(["scan", "-n", "maillog", FILTER]);
    let ran = ran(&mut command).exits(2);
    assert_eq!(ran.err.trim_end(), "f2b: maillog: can't be read: Permission denied (os error 13)");
}

#[test]
fn err_options_that_are_no_times_or_zones() {
    let world = with_log();
    world.f2b(&format!("scan --now soon maillog {FILTER}")).fails_with(
        "--now: 'soon' is not a time; write 2026-11-01T12:00:00+01:00, 2026-11-01 or @SECONDS",
    );
    world
        .f2b(&format!("scan --timezone Atlantis maillog {FILTER}"))
        .fails_with("--timezone: 'Atlantis' is not a time zone; write Europe/Rome, +01:00 or UTC");
    world.f2b("purge --keep never").fails_with(
        "--keep: 'never' is no duration; write seconds or units such as 600, 10m, 1d12h, 1w",
    );
}

#[test]
fn err_a_list_with_a_wrong_line_imports_nothing() {
    let world = with_log();
    world.write("ip.deny", "192.0.2.1\nnot-an-address\n");
    world.f2b("import ip.deny ip.deny").fails_with(
        "ip.deny:2: 'not-an-address' is not an IP address or network; nothing was imported",
    );
    assert!(!world.db().exists());
}

#[test]
fn nothing_found_is_status_one() {
    let world = World::new();
    world.write("empty", "");
    world.f2b(&format!("scan empty {FILTER}")).exits(1);
    world.write("quiet", "Nov 20 10:00:00 mail nothing\n");
    world.f2b(&format!("scan quiet {FILTER}")).exits(1);
}

#[test]
fn err_a_store_that_lost_its_version() {
    let world = World::new();
    world.f2b("ban 198.51.100.1 --jail password-fail").exits(0);
    world.sql("PRAGMA user_version = 0");
    let ran = world.f2b("ban 198.51.100.2 --jail password-fail").exits(2);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
    assert!(ran.err.contains("its user_version is 0"), "{}", ran.err);
}

#[test]
fn err_tags_that_double_without_end() {
    let world = World::new();
    let mut filter = "[Definition]\nfailregex = <t0> <HOST>\n".to_owned();
    for n in 0..40 {
        writeln!(filter, "t{n} = <t{}><t{}>", n + 1, n + 1).unwrap();
    }
    world.write("filter.d/double.conf", filter + "t40 = z\n");
    let ran = world.f2b("scan --dry-run --config . /dev/null double").exits(2);
    assert_eq!(ran.err.lines().count(), 1, "{}", ran.err);
}

#[test]
fn a_tape_padded_archive_is_whole() {
    let world = World::new();
    world.write("a.log", "Nov 20 10:00:00 bad 192.0.2.1\n");
    let pad = "(gzip -c a.log; head -c 512 /dev/zero) >a.gz; f2b scan --dry-run --quiet a.gz 'bad <HOST>'";
    let ran = ran(&mut world.shell(pad)).exits(0);
    assert!(ran.out.contains("1 matched"), "{}", ran.out);
}

#[test]
fn err_help_that_can_not_be_written() {
    let world = World::new();
    assert_eq!(ran(&mut world.shell("f2b scan --help >/dev/full")).status, 2);
    world.f2b("scan --help").exits(0);
}

#[test]
fn err_a_log_without_a_name() {
    World::new().run(["scan", "-n", "", "bad <HOST>"]).fails_with("'': no such file");
}

#[test]
fn a_line_that_takes_too_long_is_told_with_its_log() {
    let world = World::new();
    let filter =
        "[Definition]\nfailregex = ^ (?:(a+)|a)+(?=\\1c)b <HOST>\n            ^ aab <HOST>\n";
    world.write("filter.d/slow.conf", filter);
    let a = "a".repeat(60);
    let lines = format!("Nov 20 10:00:00 {a}b 192.0.2.1\nNov 20 10:00:00 aab 192.0.2.2\n");
    world.write("slow.log", lines);
    let ran = world.f2b("scan -n slow.log slow").exits(0);
    assert!(ran.out.contains("1 matched, 1 missed"), "{}", ran.out);
    let wanted = "f2b: slow.log: 1 line missed because an expression took too long to decide; \
                  f2b check -v says which expressions can take long\n";
    assert_eq!(ran.err, wanted);
}
