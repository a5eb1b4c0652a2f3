//! What `f2b check` says of a configuration that is well-formed and does something else than it seems to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::harness::{World, ran};

/// A world with filter `good` and these jails; LOG stands for a log that exists, DIR for the folder.
fn world(jails: &str) -> World {
    let world = World::empty();
    let log = world.write("maillog", "");
    world.write("filter.d/good.conf", "[Definition]\nfailregex = ^bad <HOST>$\n");
    world.write("jail.conf", "[DEFAULT]\nenabled = false\nfilter = %(__name__)s\n[good]\n");
    let jails = jails.replace("LOG", &log.display().to_string());
    let dir = world.path("").display().to_string();
    world.write("jail.local", jails.replace("DIR", dir.trim_end_matches('/')));
    world
}

#[test]
fn a_configuration_without_an_enabled_jail_does_nothing() {
    let ran = world("").f2b("check").exits(1);
    ran.says(&[
        "warning: no jail is enabled, so that nobody is ever banned [none-enabled]\n",
        "write 'enabled = true' into the sections of those to run",
        "0 of 0 jails usable; 0 errors, 1 warning, 0 notes\n",
    ]);
}

#[test]
fn what_a_jail_is_off_for_is_told() {
    let check = |jails: &str, wanted: &str| world(jails).f2b("check").exits(1).says(&[wanted]);
    check(
        "[good]\nenable = true\nlogpath = LOG\n",
        "jail.local:2:1: warning: unknown option 'enable' [unknown-option, good]\n",
    );
    check("[good]\nenable = true\n", "   = help: did you mean 'enabled'?\n");
    check(
        "[good]\nlogpath = LOG\n  enabled = true\n",
        "jail.local:3:3: warning: 'enabled' is indented, and so a part of the 'logpath' above it",
    );
    check(
        "[goood]\nmaxretry = 2\n",
        "jail.local:1:2: warning: jail 'goood' has no filter, and isn't enabled [no-filter, goood]\n",
    );
    check("[goood]\nmaxretry = 2\n", "   = help: did you mean [good]?\n");
    check(
        "[Default]\nbantime = 1\n",
        "jail.local:1:2: warning: section [Default] is a jail of that name [unknown-section]\n",
    );
    check("[DEFUALT]\nbantime = 1\n", "   = help: did you mean [DEFAULT]?\n");
}

#[test]
fn an_option_that_is_indented_is_told_instead_of_what_it_spoils() {
    let told = |jails: &str, status: i32, line: u32, rest: &str| {
        let ran = world(jails).f2b("check").exits(status);
        let wanted = format!("jail.local:{line}:3: {rest}");
        ran.says(&[&wanted, "   = help: begin its line without blanks\n"]);
        assert!(!ran.out.contains(r"\x0a"), "{}", ran.out);
    };
    let good = "[good]\nlogpath = LOG\n";
    told(
        &format!("{good}enabled = true\n  port = 2222\n"),
        1,
        4,
        "warning: 'port' is indented, and so a part of the 'enabled' above it [indented-option, good]\n",
    );
    told(
        &format!("{good}enabled = true\nbantime = 10m\n  findtime = 22\n"),
        2,
        5,
        "error: 'findtime' is indented, and so a part of the 'bantime' above it [indented-option, good]\n",
    );
    told(
        &format!("[DEFAULT]\nbantime = 10m\n  findtime = 22\n{good}enabled = true\n"),
        2,
        3,
        "error: 'findtime' is indented, and so a part of the 'bantime' above it [indented-option",
    );
    told(
        &format!("{good}enabled = true\nignoreip = ::1\n  maxretry = 3\n"),
        1,
        5,
        "warning: 'maxretry' is indented, and so a part of the 'ignoreip' above it",
    );
    told(
        &format!("{good}enabled = true\nmaxretry = 5\n  [other]\nfindtime = 1m\n"),
        1,
        5,
        "warning: 'other' is indented, and so a part of the 'maxretry' above it",
    );
}

#[test]
fn a_filter_in_which_an_option_is_indented_is_told() {
    let world = world("[good]\nenabled = true\nlogpath = LOG\naction = act\n");
    let filter = "[Definition]\nfailregex = ^bad <HOST>$\n  ignoreregex = x\n";
    world.write("filter.d/good.conf", filter);
    world.write("action.d/act.conf", "[Definition]\nactionban = a\n  actionunban = b\n");
    world.f2b("check").exits(2).says(&[
        "good.conf:3:3: error: 'ignoreregex' is indented, and so a part of the 'failregex' above it",
        "act.conf:3:3: warning: 'actionunban' is indented, and so a part of the 'actionban' above",
    ]);
}

#[test]
fn an_expression_that_is_a_comment_is_told() {
    let world = world("[good]\nenabled = true\nlogpath = LOG\n");
    let filter =
        "[Definition]\nfailregex = ^bad <HOST>$\n   ; worse <HOST>$\n   ^odd <HOST> ; \\S+$\n";
    world.write("filter.d/good.conf", filter);
    world.f2b("check").exits(1).says(&[
        "good.conf:3:4: note: a line of this failregex begins with ';': it is a comment [regex-in-comment, good]\n",
        "good.conf:4:16: warning: what is behind ' ;' in this failregex is a comment [regex-in-comment, good]\n",
        "   = help: write '\\;' where it is a part of the expression\n",
    ]);
}

#[test]
fn what_ignores_nobody_is_told_where_it_is_written() {
    let good = "[good]\nenabled = true\nlogpath = LOG\n";
    let ran = world(&format!("{good}ignoreip = 127.0.0.1/8 192.0.2.* and ::1 host.example.org\n"));
    ran.f2b("check").exits(1).says(&[
        "jail.local:4:24: warning: '192.0.2.*' in ignoreip is no address, network or name [bad-ignoreip, good]\n",
        "   = help: write it as a network: 192.0.2.0/24\n",
        "jail.local:4:34: warning: 'and' in ignoreip is no address, network or name [bad-ignoreip, good]\n",
        "0 errors, 2 warnings, 0 notes\n",
    ]);
    world(&format!("{good}ignoreregex = 192.0.2.0/24\n")).f2b("check").exits(1).says(&[
        "jail.local:4:15: warning: '192.0.2.0/24' is a text in an ignoreregex, no network [address-in-regex, good]\n",
        "   = help: write networks to be ignored into ignoreip\n",
    ]);
}

#[test]
fn an_ignorecommand_that_can_not_be_run_is_told() {
    let check = |command: &str, mode: u32, status: i32, wanted: &str| {
        let jail = "[good]\nenabled = true\nlogpath = LOG\nignorecommand =";
        let world = world(&format!("{jail} {command} <ip>\n"));
        let script = world.write("mine", "#!/none/python -u\n");
        fs::set_permissions(script, fs::Permissions::from_mode(mode)).unwrap();
        world.f2b("check").exits(status).says(&[wanted]);
    };
    let command = |command: &str, wanted: &str| check(command, 0o644, 1, wanted);
    command("/none/ask", "jail.local:4:17: warning: '/none/ask' of ignorecommand doesn't exist [");
    command("no-such-program", "'no-such-program' of ignorecommand isn't in any folder of PATH [");
    command("DIR/mine", "mine' of ignorecommand isn't executable (chmod +x makes it so) [");
    check(
        "DIR/mine",
        0o755,
        1,
        "mine' of ignorecommand is run by '/none/python', which isn't there [",
    );
    command("/tmp", "'/tmp' of ignorecommand is a folder [");
    for good in ["A=1 sh -c true", "test 1 =", "/bin/sh", "[ 1 ] #", "true;"] {
        check(good, 0o644, 0, "1 of 1 jail usable; 0 errors, 0 warnings, 0 notes\n");
    }
}

#[test]
fn what_jails_have_in_common_is_told_once_with_all_of_them_in_order_of_lines() {
    let jails = "[DEFAULT]\nenabled = true\nlogpath = LOG\nfilter = odd\n[good]\nfilter = odd\nmaxretry = x\n\
                 [b]\n[c]\n[d]\nbantime.increment = on\nbantime.rndtime = x\nfindtime = y\nmaxretry = z\n";
    let world = world(jails);
    world.write("filter.d/odd.conf", "[Definition]\nfailregex = ^bad <HOTS> <HOST>$\n");
    let ran = world.f2b("check").exits(2);
    ran.says(&["<HOTS> is no tag, but text [unknown-tag, good, b, c and 1 more]\n"]);
    let lines = ran.out.lines().filter_map(|line| line.split_once("jail.local:"));
    let lines: Vec<_> = lines.filter_map(|(_, rest)| rest.split(':').next()).collect();
    assert_eq!(lines, ["7", "12", "13", "14"]);
    let json = world.f2b("check --format json").exits(2).json();
    let tag = json["findings"].as_array().unwrap().iter().find(|f| f["id"] == "unknown-tag");
    let tag = tag.unwrap();
    assert_eq!(
        (&tag["subject"], &tag["others"]),
        (&"good".into(), &serde_json::json!(["b", "c", "d"]))
    );
}

#[test]
fn a_log_that_can_not_be_read_is_there() {
    let world = world("[good]\nenabled = true\nlogpath = LOG\n");
    let log = world.path("maillog");
    fs::set_permissions(&log, fs::Permissions::from_mode(0o000)).unwrap();
    fs::set_permissions(world.path(""), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = world.as_nobody();
    command.arg("check");
    ran(&mut command).exits(1).says(&[
        "jail.local:3:11: warning: log ",
        "maillog: can't be read: Permission denied (os error 13) [unreadable-log, good]\n",
        "   = help: let whoever runs f2b read it\n",
        "1 of 1 jail usable",
    ]);
}

#[test]
fn the_files_of_the_server_are_looked_at() {
    let world = world("[good]\nenabled = true\nlogpath = LOG\n");
    let stock = "[DEFAULT]\nloglevel = INFO\ndbpurgeage = 1d\n[Definition]\n[Thread]\n";
    world.write("fail2ban.conf", stock);
    world.f2b("check").exits(0);
    world.write(
        "fail2ban.local",
        "[Definition]\nloglevel = FOO\ndbpurgage = 2d\ndbpurgeage = 5 parsecs\nallowipv6 = maybe\n\
         dbfile = %(nope)s\nnonsense\n[Definitions]\n",
    );
    world.f2b("check").exits(1).says(&[
        "fail2ban.local:2:12: warning: loglevel is 'FOO' [bad-server-option]\n",
        "fail2ban.local:3:1: warning: unknown option 'dbpurgage' [unknown-option]\n",
        "fail2ban.local:4:14: warning: dbpurgeage is '5 parsecs' [bad-server-option]\n",
        "fail2ban.local:5:13: warning: allowipv6 is 'maybe' [bad-server-option]\n",
        "fail2ban.local:6:10: warning: option 'dbfile' needs 'nope', which isn't set [missing-option]\n",
        "fail2ban.local:7:1: warning: 'nonsense' is no option [no-delimiter]\n",
        "fail2ban.local:8:2: warning: section [Definitions] means nothing [unknown-section]\n",
        "1 of 1 jail usable; 0 errors, 7 warnings, 0 notes\n",
    ]);
}

#[test]
fn a_comment_that_is_none_is_told() {
    let jail = "[good]\nenabled = true # yes\nlogpath = LOG\nmaxretry = 3 # times\n\
                [b]\nenabled = true\nfilter = good # ours\nlogpath = LOG\naction = act # ours\n";
    let ran = world(jail).f2b("check").exits(2);
    ran.says(&["enabled is 'true # yes', which counts as no", "maxretry is '3 # times'"]);
    let help = "   = help: begin a comment behind a value with ';' instead of '#'\n";
    // Of the action, the mark alone.
    assert_eq!(ran.out.matches(help).count(), 4, "{}", ran.out);
}
