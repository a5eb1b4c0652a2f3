//! `f2b batch`, as cron runs it.

use crate::harness::World;

const BATCH: &str = "batch --now 2026-11-20T09:01:00Z";

#[test]
fn it_says_what_is_new_and_nothing_else() {
    let world = World::with_a_door();
    world.write("door.log", "2026-11-20T09:00:00Z knock from 192.0.2.1\n".repeat(5));
    let ran = world.f2b(BATCH).exits(0);
    assert_eq!(ran.out, "door: 5 new failures, 1 new ban\n  192.0.2.1 is banned in door\n");
    let ran = world.f2b(BATCH).exits(0);
    assert_eq!(ran.out, "");
    let ran = world.f2b("batch --now 2026-11-20T10:00:00Z").exits(0);
    assert_eq!(ran.out, "door: 1 ban over\n");
}

#[test]
fn a_ban_of_the_past_is_told_as_past() {
    let world = World::with_a_door();
    world.write("door.log", "2026-11-20T09:00:00Z knock from 192.0.2.1\n".repeat(5));
    let ran = world.f2b("batch --all --now 2026-11-22T09:00:00Z").exits(0);
    let told = "door: 5 new failures, 1 new ban, 1 ban over\n  192.0.2.1 was banned in door\n";
    assert_eq!(ran.out, told);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is() {
    let world = World::with_a_door();
    world.write("door.log", "2026-11-20T09:00:00Z knock from 192.0.2.1\n".repeat(5));
    std::fs::create_dir(world.path("gate.log")).unwrap();
    world.write(
        "jail.local",
        "[gate]\nenabled = true\nfilter = door\nlogpath = gate.log\n  door.log\n",
    );
    let ran = world.f2b(BATCH).exits(2);
    let both = "door: 5 new failures, 1 new ban\ngate: 5 new failures, 1 new ban\n";
    let banned = ["door", "gate"].map(|jail| format!("  192.0.2.1 is banned in {jail}\n"));
    assert_eq!(ran.out, format!("{both}{}", banned.concat()));
    let why = "it is a folder; write gate.log/*.log or the like for the logs in it";
    assert_eq!(ran.err, format!("f2b: gate.log can't be read: {why}\n"));
}
