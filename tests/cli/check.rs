//! `f2b check`: what is wrong with a configuration, all at once.

use std::fs;

use crate::harness::World;

#[test]
fn every_jail_has_its_say_and_a_bad_one_stops_no_other() {
    let world = World::new();
    let log = world.write("maillog", "");
    let jail = fs::read_to_string(world.path("jail.conf")).unwrap();
    let jail = jail
        .replace("/var/log/maillog", log.to_str().unwrap())
        .replace("sendmail-whois", "sendmailwhois")
        .replace("filter   = username-notfound", "filter   = username-notfund");
    world.write("jail.conf", jail);
    world.write(
        "filter.d/squirrelmail.conf",
        "[Definition]\nfailregex = ^a(<HOST>\n            b\n",
    );
    let ran = world.f2b("check").exits(2);
    ran.says(&[
        "error: unknown action 'sendmailwhois'",
        "did you mean 'sendmail-whois'?",
        "error: invalid regex '^a(<HOST>': a ( is never closed [invalid-regex, ",
        "filter.d/squirrelmail.conf:3:13: error: 'b' identifies nobody",
        "username-notfund",
        "did you mean 'username-notfound'?",
        "error: no log matches '/var/log/qmail/smtp/current' [no-log, dos-hosts]",
        "warning: '.*' before the host",
        "2 of 5 jails usable",
    ]);
    let json = world.f2b("check --format json").exits(2).json();
    let usable = json["jails"].as_array().unwrap().iter().filter(|jail| jail["usable"] == true);
    let names: Vec<_> = usable.map(|jail| jail["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["password-fail", "vpopmail"]);
    let ids =
        json["findings"].as_array().unwrap().iter().map(|found| found["id"].as_str().unwrap());
    assert!(ids.into_iter().any(|id| id == "no-host"));
}

#[test]
fn a_good_configuration_has_nothing_to_say() {
    let world = World::new();
    let log = world.write("maillog", "");
    let jail = format!(
        "[good]\nenabled = true\nfilter = good\nlogpath = {}\naction = iptables[name=x]\n",
        log.display()
    );
    world.write("jail.conf", jail);
    world.write("filter.d/good.conf", "[Definition]\nfailregex = ^login failed from <HOST>$\n");
    let ran = world.f2b("check").exits(0);
    assert_eq!(ran.out, "1 of 1 jail usable; 0 errors, 0 warnings, 0 notes\n");
}

/// A folder in which one of each kind of thing is wrong.
fn broken() -> World {
    let world = World::new();
    let log = world.write("maillog", "").display().to_string();
    let jail = format!(
        "[DEFAULT]\nfnidtime = 5m\nenabled = true\nlogpath = {log}\n\
         [form]\nfilter = good[mode=x\nlogpath = /none/log\n\
         [name]\nfilter = goood\nmaxretry = many\nfindtime = 5 parsecs\n\
         [quote]\nfilter = good\nbantime = %(bantme)s\nbackend = gopher\nignoreip = ::1 10.0.0.0/33\n\
         logencoding = klingon\nlogtimezone = Europe/Pariss\n\
         [tags]\nfilter = tags[kind=agressive]\n\
         [doubt]\nfilter = good\nenabled = maybe\n\
         [off]\nfilter = none\nenabled = false\n\
         [fine]\nfilter = good\nbamboozle = 1\n"
    );
    world.write("jail.conf", jail);
    world.write("jail.local", "");
    world.write("filter.d/good.conf", "[Definition]\nfailregex = ^bad <HOST>$\n");
    let tags = "[Definition]\nre-aggressive = a\nfailregex = <HOTS> <re-<kind>>\n  <F-USER>x</F-USR> <HOST>\n";
    world.write("filter.d/tags.conf", tags);
    world
}

#[test]
fn one_problem_hides_no_other_and_each_has_its_column() {
    let ran = broken().f2b("check").exits(2);
    ran.says(&[
        "jail.conf:2:1: warning: unknown option 'fnidtime' [unknown-option]\n",
        "jail.conf:6:10: error: 'good[mode=x' isn't of the form",
        "jail.conf:7:11: error: no log matches '/none/log' [no-log, form]\n",
        "jail.conf:9:10: error: unknown filter 'goood' [unknown-filter, name]\n     9 | filter = goood\n       |          ^^^^^\n   = help: did you mean 'good'?\n",
        "jail.conf:10:12: warning: maxretry is 'many' [bad-number, name]\n",
        "jail.conf:11:12: error: findtime is '5 parsecs', which is no duration [bad-duration, name]\n",
        "jail.conf:14:11: error: option 'bantime' needs 'bantme', which isn't set [missing-option, quote]\n",
        "jail.conf:15:11: error: unknown backend 'gopher' [unknown-backend, quote]\n",
        "jail.conf:16:16: warning: '10.0.0.0/33' in ignoreip is no address or network [bad-ignoreip, quote]\n",
        "jail.conf:17:15: error: unknown encoding 'klingon' [unknown-encoding, quote]\n",
        "jail.conf:18:15: error: unknown time zone 'Europe/Pariss' [unknown-zone, quote]\n",
        "tags.conf:3:13: warning: <HOTS> is no tag, but text [unknown-tag, tags]\n",
        "there is no option for <re-agressive>, so that it is text [unknown-tag, tags]\n",
        "help: did you mean <re-aggressive>?\n",
        "tags.conf:4:12: warning: </F-USR> closes nothing [unknown-tag, tags]\n",
        "jail.conf:23:11: warning: enabled is 'maybe', which counts as no [bad-boolean, doubt]\n",
        "jail.conf:29:1: note: nobody reads option 'bamboozle' [unread-option, fine]\n",
        "2 of 6 jails usable; ",
    ]);
    assert!(!ran.out.contains("'none'"), "{}", ran.out);
}

#[test]
fn warnings_alone_exit_with_one() {
    let world = broken();
    let log = world.path("maillog").display().to_string();
    let jail = format!("[fine]\nenabled = true\nfilter = good\nmaxretry = many\nlogpath = {log}\n");
    world.write("jail.conf", jail);
    let ran = world.f2b("check").exits(1);
    assert!(ran.out.ends_with("1 of 1 jail usable; 0 errors, 1 warning, 0 notes\n"), "{}", ran.out);
    world.write("jail.conf", "[empty]\n");
    world.f2b("check").exits(1);
}

#[test]
fn explain_speaks_json_and_explains_what_cannot_be_used() {
    let world = broken();
    let jail = world.f2b("check --explain quote --format json").exits(2);
    assert!(jail.err.contains("option 'bantime' needs 'bantme'"), "{}", jail.err);
    let jail = world.f2b("check --explain fine --format json").exits(0).json();
    let regex = &jail["filter"]["failregex"][0];
    assert_eq!((&regex["value"], &regex["line"]), (&"^bad <HOST>$".into(), &2.into()));
    let settings = jail["settings"].as_array().unwrap();
    assert!(settings.iter().any(|setting| setting["name"] == "filter" && setting["line"] == 28));
}

#[test]
fn explain_names_the_file_and_line_of_each_setting_and_whom_it_overrides() {
    let world = World::new();
    world.write("jail.local", "[password-fail]\nmaxretry = 7\n");
    let ran = world.f2b("check --explain password-fail").exits(0);
    let at = ran.out.find("maxretry = 7").unwrap();
    let rest: Vec<&str> = ran.out[at..].lines().take(3).collect();
    assert!(rest[1].ends_with("jail.local:2"), "{rest:?}");
    assert!(rest[2].contains("overrides") && rest[2].contains("jail.conf:"), "{rest:?}");
    assert!(ran.out.contains("failregex = vchkpw-smtp: password fail"), "{}", ran.out);
    assert!(
        ran.out.contains("actionban = <iptables> -I f2b-SMTP 1 -s <ip> -j REJECT"),
        "{}",
        ran.out
    );
    world.f2b("check --explain nope").exits(2);
}

#[test]
fn a_jail_without_logs_may_be_left_out_or_read_the_journal() {
    let world = broken();
    let check = |options: &str, status: i32, wanted: &str| {
        let jail = format!("[j]\nenabled = true\nfilter = good\nlogpath = /none/log\n{options}\n");
        world.write("jail.conf", jail);
        let ran = world.f2b("check").exits(status);
        assert!(ran.out.contains("no log matches '/none/log' [no-log, j]"), "{}", ran.out);
        assert!(ran.out.contains(wanted), "{options}: {wanted}\n{}", ran.out);
    };
    check("", 2, "error: no log");
    check("skip_if_nologs = yes", 1, "the jail is left out, as skip_if_nologs says");
    check("journalmatch = _COMM=x", 1, "the jail reads the journal, as systemd_if_nologs says");
    check("journalmatch = _COMM=x\nsystemd_if_nologs = no", 2, "error: no log");
    check("journalmatch = _COMM=x\nbackend = polling", 2, "error: no log");
    // As Debian's sshd, on a machine without rsyslog.
    let filter = "[Definition]\nfailregex = ^<HOST>$\njournalmatch = _COMM=sshd\n";
    world.write("filter.d/good.conf", filter);
    check("", 1, "the jail reads the journal, as systemd_if_nologs says");
    check("systemd_if_nologs = no", 2, "error: no log");
    check("systemd_if_nologs = no\nskip_if_nologs = yes", 1, "the jail is left out");
}

#[test]
fn a_logpath_that_is_a_folder_is_told() {
    let world = broken();
    let logs = world.path("logs").display().to_string();
    std::fs::create_dir(&logs).unwrap();
    let jail = format!("[j]\nenabled = true\nfilter = good\nlogpath = {logs}/\n");
    world.write("jail.conf", jail);
    world.f2b("check").exits(1).says(&[
        &format!("jail.conf:4:11: warning: '{logs}/' is a folder, in which no log is followed "),
        &format!("name the logs, for instance with {logs}/*.log"),
    ]);
}

#[test]
fn the_journal_needs_no_log() {
    let world = broken();
    let jail = |backend: &str| format!("[j]\nenabled = true\nfilter = good\nbackend = {backend}\n");
    world.write("jail.conf", jail("Systemd[journalflags=1]"));
    world.f2b("check").exits(0);
    world.write("jail.conf", jail("Systemd[jurnalflags=1]"));
    let wanted =
        "jail.conf:4:19: error: backend 'systemd' has no option 'jurnalflags' [bad-backend, j]\n";
    world.f2b("check").exits(2).says(&[wanted, "did you mean 'journalflags'?"]);
}

#[test]
fn what_is_wrong_with_longer_bans_and_the_journal_is_told_where_it_is_written() {
    let world = broken();
    let jail = "[j]\nenabled = true\nfilter = good\nbackend = systemd\n\
                journalmatch = _COMM=x\n  + sshd\nbantime.increment = true\nbantime.factor = two\n\
                bantime.multipliers = 1 2 four\nbantime.maxtime = -2\nbantime.rndtime = 5 parsecs\n";
    world.write("jail.conf", jail);
    world.f2b("check").exits(2).says(&[
        "jail.conf:6:5: error: 'sshd' in journalmatch is no FIELD=value [bad-journalmatch, j]\n",
        "jail.conf:8:18: error: bantime.factor is 'two' [bad-factor, j]\n",
        "jail.conf:9:27: error: 'four' in bantime.multipliers is no whole number [bad-multipliers, j]\n",
        "jail.conf:10:19: error: bantime.maxtime is '-2', which is no duration [bad-duration, j]\n",
        "jail.conf:11:19: error: bantime.rndtime is '5 parsecs', which is no duration [bad-duration, j]\n",
        "0 of 1 jail usable; 5 errors, 0 warnings, 0 notes\n",
    ]);
}

#[test]
fn a_bad_date_pattern_is_told_where_it_is_written() {
    let world = broken();
    let log = world.path("maillog").display().to_string();
    let jail = |patterns: &str| {
        let rest = format!("enabled = true\nfilter = good\nlogpath = {log}\n");
        format!("[j]\ndatepattern = {patterns}\n{rest}")
    };
    world.write("jail.conf", jail("^%%Y-%%m-%%d\n  ^%%Y (%%H\n  EPOCH"));
    let told = "jail.conf:3:3: error: the date pattern '^%Y (%H' is no regular expression: ";
    world.f2b("check").exits(2).says(&[told]);
    let refused = world.f2b("scan --jail j").exits(2);
    assert!(refused.err.contains("jail.conf:3: the date pattern '^%Y (%H'"), "{}", refused.err);
    world.write("jail.conf", jail("EPOCH\n  ^no date"));
    world.f2b("check").exits(1).says(&["jail.conf:3:3: warning: the date pattern '^no date' has"]);
}

#[test]
fn misspelt_names_in_filters_actions_and_brackets_are_found() {
    let world = broken();
    let log = world.path("maillog").display().to_string();
    let jail = format!(
        "[j]\nenabled = true\nfilter = slips[mod=x]\nlogpath = {log}\naction = act[prot=22, other=1]\n"
    );
    world.write("jail.conf", jail);
    let filter = "[INCLUDE]\nbefore = x\n[Definition]\nmode = a\ndatepatern = %%Y\n\
                  failregex = ^bad für <HOST> <mode> <typo>$\n";
    world.write("filter.d/slips.conf", filter);
    let action =
        "[Definition]\nactionbann = x <port>\nhelper = 1\nactionban = <helper>\n[Init]\nport = 1\n";
    world.write("action.d/act.conf", action);
    let ran = world.f2b("check").exits(1);
    ran.says(&[
        "slips.conf:1:2: warning: section [INCLUDE] means nothing [unknown-section, j]\n",
        "   = help: did you mean [INCLUDES]?\n",
        "slips.conf:5:1: warning: unknown option 'datepatern' [unknown-option, j]\n",
        "jail.conf:3:16: warning: unknown option 'mod' [unknown-option, j]\n",
        "jail.conf:5:14: warning: unknown option 'prot' [unknown-option, j]\n",
        "act.conf:2:1: warning: unknown option 'actionbann' [unknown-option, j]\n",
        "0 errors, 5 warnings, 0 notes\n",
    ]);
}

#[test]
fn what_never_ends_is_not_read() {
    let world = broken();
    let log = world.path("maillog").display().to_string();
    let jail =
        format!("[j]\nenabled = true\nfilter = good\nlogpath = {log}\nignoreip = file:/dev/zero\n");
    world.write("jail.conf", jail);
    let ran = world.f2b("check").exits(1);
    assert!(ran.out.contains("not a file of at most 16 MB"), "{}", ran.out);
}
