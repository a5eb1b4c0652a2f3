//! What `f2b check` says of a configuration that is well-formed and does something else than it seems to.

use crate::harness::World;

/// A world with filter `good` and these jails; LOG stands for a log that exists.
fn world(jails: &str) -> World {
    let world = World::empty();
    let log = world.write("maillog", "");
    world.write("filter.d/good.conf", "[Definition]\nfailregex = ^bad <HOST>$\n");
    world.write("jail.conf", "[DEFAULT]\nenabled = false\nfilter = %(__name__)s\n[good]\n");
    world.write("jail.local", jails.replace("LOG", &log.display().to_string()));
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
