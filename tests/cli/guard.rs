//! Whom nobody bans on purpose.

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

fn world() -> World {
    let world = World::new();
    world.write("jail.local", "[password-fail]\nignoreip = 198.51.100.0/24 localhost\n");
    world
}

fn refused(world: &World, host: &str, why: &str) {
    let line = format!("ban 2001:db8::1 {host} --jail password-fail --time 1d --now {NOW}");
    let mut command = world.command();
    command.env("SSH_CONNECTION", "203.0.113.9 50000 192.0.2.200 22");
    ran(command.args(line.split(' ')))
        .fails_with(&format!("{host} {why}; --force bans it all the same"));
    assert!(!world.db().exists(), "nobody is banned");
}

#[test]
fn err_whom_nobody_means_to_ban_is_not_banned() {
    let world = world();
    refused(&world, "127.0.0.1", "is an address of this machine");
    refused(&world, "127.0.0.0/8", "holds an address of this machine");
    let ignored = "ignored by the jail 'password-fail' (ignoreip: 198.51.100.0/24)";
    refused(&world, "198.51.100.7", &format!("is {ignored}"));
    let holds = "holds whom the jail 'password-fail' ignores (ignoreip: 198.51.100.0/24)";
    refused(&world, "198.51.0.0/16", holds);
    refused(&world, "203.0.113.9", "is where you are logged in from (203.0.113.9)");
    let holds = "holds the address from which you are logged in (203.0.113.9)";
    refused(&world, "203.0.113.0/24", holds);
    let forced = format!("ban 127.0.0.1 --force --jail password-fail --time 1d --now {NOW}");
    world.f2b(&forced).exits(0);
}

#[test]
fn a_list_is_imported_without_them_and_they_are_told() {
    let world = world();
    world.write("list", "2001:db8::1\n::1\n198.51.100.7\n");
    let import = format!("import ip.deny list --jail password-fail --now {NOW}");
    let ran = world.f2b(&import).exits(0);
    assert_eq!(ran.out, "imported 1 ban of 3 listed; the others were left out\n");
    assert_eq!(
        ran.err,
        "f2b: ::1 is an address of this machine; left out, --force imports it\n\
         f2b: 198.51.100.7 is ignored by the jail 'password-fail' (ignoreip: 198.51.100.0/24); \
         left out, --force imports it\n"
    );
    // Nobody is banned by it any more, and not all are banned.
    world.f2b(&import).exits(1);
    let ran = world.f2b(&format!("{import} --force")).exits(0);
    assert_eq!(ran.out, "imported 2 bans of 3 listed; the others are banned already or over\n");
}

#[test]
fn the_session_is_known_where_its_variable_was_dropped_on_the_way() {
    let world = world();
    // As sudo does it: the shell has the variable, whom it starts has not.
    let drop = "env -u SSH_CONNECTION -u SSH_CLIENT";
    let ban = format!("f2b ban 203.0.113.9 --jail password-fail --time 1d --now {NOW}");
    let script = format!("{drop} sh -c '{ban}; exit $?'; exit $?");
    let why = "203.0.113.9 is where you are logged in from (203.0.113.9)";
    for (name, value) in [
        ("SSH_CONNECTION", "203.0.113.9 50000 198.51.100.200 22"),
        ("SSH_CLIENT", "203.0.113.9 50000 22"),
    ] {
        let with = ran(world.shell(&script).env(name, value));
        with.fails_with(&format!("{why}; --force bans it all the same"));
    }
    // Only whole names count.
    let others = ("OLD_SSH_CONNECTION", "203.0.113.9 50000 198.51.100.200 22");
    ran(world.shell(&script).env(others.0, others.1)).exits(0);
    assert_eq!(world.sql("SELECT host FROM bans"), "203.0.113.9");
}
