//! Questions to a store that may only be read: another user's, a backup, a medium that can't be written to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::harness::{Ran, World, password_fails, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

/// A store with a ban, in a folder where nobody may write.
fn read_only() -> World {
    let world = World::new();
    world.write("maillog", password_fails(&[("Nov 20 10:00:00", "203.0.113.7")]));
    let scan = format!("scan --jail password-fail --ban --maxretry 1 --now {NOW} maillog");
    world.f2b(&scan).exits(0);
    mode(&world.path(""), 0o755);
    mode(&world.db(), 0o444);
    mode(&world.path("store"), 0o555);
    world
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Runs f2b as a user who may not do everything.
fn as_nobody(world: &World, line: &str) -> Ran {
    let mut command = world.command();
    // Root writes where it likes; nobody else does.
    if fs::OpenOptions::new().append(true).open(world.db()).is_ok() {
        let binary = world.path("f2b");
        if !binary.exists() {
            fs::copy(env!("CARGO_BIN_EXE_f2b"), &binary).unwrap();
        }
        let mut dropped = Command::new("setpriv");
        dropped.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
        dropped.current_dir(world.path("")).env_clear();
        dropped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command = dropped;
    }
    command.args(line.split_whitespace()).args(["--now", NOW]);
    ran(&mut command)
}

#[test]
fn every_question_is_answered_without_a_right_to_write() {
    let world = read_only();
    let questions = [
        "status",
        "status password-fail",
        "bans",
        "bans --format json",
        "history 203.0.113.7",
        "export ip.deny",
    ];
    for line in questions {
        let told = as_nobody(&world, line).exits(0);
        let mine = world.run(line.split(' ').chain(["--now", NOW])).exits(0);
        assert_eq!((told.out, told.err), (mine.out, mine.err), "{line}");
    }
    mode(&world.path("store"), 0o755);
}

#[test]
fn err_a_change_needs_the_right_to_write() {
    let world = read_only();
    let said = as_nobody(&world, "unban 203.0.113.7");
    said.fails_with(&format!(
        "{}: read-only; change its permissions or run as the user who owns it",
        world.db().display()
    ));
    mode(&world.path("store"), 0o755);
}

#[test]
fn err_a_store_that_may_not_be_read_is_not_the_fault_of_its_folder() {
    let world = read_only();
    for rights in [0o000, 0o222] {
        mode(&world.db(), rights);
        as_nobody(&world, "status").fails_with(&format!(
            "{}: can't be read; change its permissions or run as the user who owns it",
            world.db().display()
        ));
    }
    mode(&world.path("store"), 0o755);
}
