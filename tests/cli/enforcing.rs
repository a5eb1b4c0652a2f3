//! Actions that run commands, told of bans by a world that has no firewall.

use crate::harness::{Ran, World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

/// A jail with an action that writes down what it is told, and fails as long as there is a file `broken`.
fn world(commands: &str) -> World {
    let world = World::new();
    let folder = world.path("").display().to_string();
    world.write("action.d/told.conf", format!("[Definition]\n{commands}").replace("DIR/", &folder));
    world.write(
        "jail.local",
        "[told]\nenabled = true\nfilter = password-fail\nlogpath = log\naction = told\n",
    );
    world
}

const COMMANDS: &str = "\
actionstart = echo start >> DIR/told
actionstop = echo stop >> DIR/told
actionban = test ! -e DIR/broken && echo ban <ip> <bantime> <bancount> <restored> >> DIR/told
actionunban = echo unban <ip> >> DIR/told
";

fn f2b(world: &World, line: &str) -> Ran {
    let mut command = world.command();
    command.env_remove("F2B_NO_ENFORCE");
    ran(command.args(line.split(' ')).args(["--now", NOW]))
}

fn told(world: &World) -> String {
    std::fs::read_to_string(world.path("told")).unwrap_or_default()
}

#[test]
fn an_action_is_told_of_bans_and_of_their_ends() {
    let world = world(COMMANDS);
    f2b(&world, "ban 203.0.113.1 2001:db8::1 -j told -t 600").exits(0);
    f2b(&world, "ban 203.0.113.1 -j told -t 900").exits(0);
    f2b(&world, "unban 203.0.113.1").exits(0);
    let ran = f2b(&world, "flush").exits(0);
    assert_eq!(ran.out, "told: action told: taken out, 1 host removed\n");
    let all = "start\nban 203.0.113.1 600 1 0\nban 2001:db8::1 600 1 0\nunban 203.0.113.1\n\
               unban 2001:db8::1\nstop\n";
    assert_eq!(told(&world), all);
    // The store still bans: what was taken out comes back, as what it is.
    let ran = f2b(&world, "restore").exits(0);
    assert_eq!(ran.out, "told: action told: set up, 1 host added\n");
    f2b(&world, "restore --check").exits(0);
}

#[test]
fn what_an_action_could_not_do_is_told_and_done_later() {
    let world = world(COMMANDS);
    world.write("broken", "");
    let ran = f2b(&world, "ban 203.0.113.1 -j told -t 600").exits(2);
    assert_eq!(ran.out, "banned 203.0.113.1 in told until 2026-11-20 12:10:00\n");
    assert_eq!(
        ran.err,
        "f2b: jail 'told': its bans are not enforced by told: actionban of 203.0.113.1 failed: status 1\n"
    );
    let ran = f2b(&world, "status").exits(0);
    let line =
        "told is not enforced by told since 2026-11-20 12:00:00: actionban of 203.0.113.1 failed";
    assert!(ran.out.contains(line), "{}", ran.out);
    f2b(&world, "restore --check").exits(1);
    std::fs::remove_file(world.path("broken")).unwrap();
    f2b(&world, "ban 203.0.113.2 -j told -t 600").exits(0);
    assert_eq!(told(&world), "start\nban 203.0.113.1 600 1 0\nban 203.0.113.2 600 1 0\n");
    assert!(!f2b(&world, "status").exits(0).out.contains("not enforced"));
}

#[test]
fn what_changed_without_taking_effect_does_so_with_the_next_change() {
    let world = world(COMMANDS);
    f2b(&world, "ban 203.0.113.1 -j told -t 600 --no-enforce").exits(0);
    assert_eq!(told(&world), "");
    let ran = f2b(&world, "status").exits(0);
    let line = "in the store only: the last changes of told; f2b restore carries them out";
    assert!(ran.out.contains(line), "{}", ran.out);
    f2b(&world, "ban 203.0.113.2 -j told -t 600").exits(0);
    assert_eq!(told(&world), "start\nban 203.0.113.1 600 1 0\nban 203.0.113.2 600 1 0\n");
}

#[test]
fn after_a_kill_between_a_command_and_its_record_all_is_told_anew() {
    let world = world(&format!("{COMMANDS}actionflush = echo flush >> DIR/told\n"));
    f2b(&world, "ban 203.0.113.1 203.0.113.2 -j told -t 600").exits(0);
    // As it stands while the command runs.
    world.sql(
        "UPDATE told SET done = 0 WHERE host_id = (SELECT id FROM host WHERE text = '203.0.113.2')",
    );
    f2b(&world, "restore").exits(0);
    let all = "start\nban 203.0.113.1 600 1 0\nban 203.0.113.2 600 1 0\nflush\n\
               ban 203.0.113.1 600 1 1\nban 203.0.113.2 600 1 1\n";
    assert_eq!(told(&world), all);
}

#[test]
fn a_changed_command_stops_what_the_old_one_started() {
    let world = world(COMMANDS);
    f2b(&world, "ban 203.0.113.1 -j told -t 600").exits(0);
    let folder = world.path("").display().to_string();
    let changed = COMMANDS.replace("echo start", "echo begin").replace("echo stop", "echo end");
    world.write("action.d/told.conf", format!("[Definition]\n{changed}").replace("DIR/", &folder));
    f2b(&world, "restore").exits(0);
    let all = "start\nban 203.0.113.1 600 1 0\nunban 203.0.113.1\nstop\nbegin\n\
               ban 203.0.113.1 600 1 1\n";
    assert_eq!(told(&world), all);
}

#[test]
fn a_jail_that_is_not_configured_has_nobody_to_keep_its_hosts_out() {
    let world = world(COMMANDS);
    world.write("list", "203.0.113.1\n");
    let ran = f2b(&world, "import ip.deny list").exits(2);
    assert_eq!(ran.out, "imported 1 ban\n");
    let why = "it is not configured, so there is no action to keep its hosts out";
    assert!(ran.err.contains(why), "{}", ran.err);
}

#[test]
fn a_dry_run_prints_the_commands_and_runs_none() {
    let world = world(COMMANDS);
    f2b(&world, "ban 203.0.113.1 -j told -t 600 --no-enforce").exits(0);
    let ran = f2b(&world, "restore --dry-run").exits(0);
    assert!(
        ran.out.contains("# jail 'told', actionban of action 'told' for inet4\n"),
        "{}",
        ran.out
    );
    assert_eq!(told(&world), "");
}

#[test]
fn a_slip_in_a_file_lets_nobody_in() {
    let world = world(COMMANDS);
    f2b(&world, "ban 203.0.113.1 203.0.113.2 -j told -t 600").exits(0);
    let before = told(&world);
    for slip in ["action = tolt\n", "[told\n", "bantime = soon\n"] {
        let section =
            "[told]\nenabled = true\nfilter = password-fail\nlogpath = log\naction = told\n";
        world.write("jail.local", format!("{section}{slip}"));
        let ran = f2b(&world, "restore").exits(2);
        assert!(ran.err.contains("what was put in for it before stays"), "{slip}: {}", ran.err);
        assert_eq!(told(&world), before, "{slip}");
    }
    // Whose ban is over is let in all the same.
    f2b(&world, "unban 203.0.113.1");
    assert_eq!(told(&world), format!("{before}unban 203.0.113.1\n"));
    world.write("jail.local", "");
    f2b(&world, "restore").exits(2);
    assert_eq!(told(&world), format!("{before}unban 203.0.113.1\nunban 203.0.113.2\nstop\n"));
}

#[test]
fn a_slip_in_a_filter_keeps_no_ban_from_being_carried_out() {
    let world = world(COMMANDS);
    world.write("filter.d/password-fail.local", "[Definition]\nfailregex = %(no)s\n");
    f2b(&world, "ban 203.0.113.1 -j told -t 600").exits(0);
    assert_eq!(told(&world), "start\nban 203.0.113.1 600 1 0\n");
    world.write("jail.local", "[told]\nenabled = true\nfilter = nosuch\naction = told\n");
    f2b(&world, "unban 203.0.113.1").exits(0);
    assert_eq!(told(&world), "start\nban 203.0.113.1 600 1 0\nunban 203.0.113.1\n");
}

#[test]
fn a_jail_may_say_of_its_action_what_its_filter_says() {
    let world = world(&COMMANDS.replace("echo start", "echo start <of>"));
    world.write("filter.d/named.conf", "[Definition]\nfailregex = ^no <HOST>$\nwhat = doors\n");
    let jail = "[told]\nenabled = true\nfilter = named\nlogpath = log\n\
                action = told[of=\"%(known/what)s\"]\n";
    world.write("jail.local", jail);
    f2b(&world, "ban 203.0.113.1 -j told -t 600").exits(0);
    assert_eq!(told(&world), "start doors\nban 203.0.113.1 600 1 0\n");
}
