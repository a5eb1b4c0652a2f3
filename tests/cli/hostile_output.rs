//! What a stranger wrote into a log, in formats for programs.

use crate::harness::World;

const NOW: &str = "2026-11-20T12:00:00Z";

#[test]
fn no_cell_is_a_formula() {
    let world = World::new();
    world.write("log", "2026-11-20T09:00:00Z =cmd|' /C calc'!A0 user @x from 203.0.113.1\n-1 user y from 203.0.113.2\n");
    let csv = world
        .run(["scan", "-n", "--now", NOW, "--format", "csv", "log", "user .* from <HOST>$"])
        .exits(0)
        .out;
    assert!(!csv.contains(",=") && !csv.contains(",-") && !csv.contains(",@"), "{csv}");
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[2].ends_with(",'-1 user y from 203.0.113.2"), "{csv}");
    // As a spreadsheet sees the text of a line, and the jail of a ban.
    world.write("filter.d/plus.conf", "[Definition]\nfailregex = user .* from <HOST>$\n");
    world.write(
        "jail.conf",
        "[+plus]\nenabled = true\nfilter = plus\nlogpath = log\nmaxretry = 1\nbantime = -1\n",
    );
    world.f2b(&format!("scan --jail +plus --ban --now {NOW}")).exits(0);
    let history = world.f2b(&format!("history --now {NOW} --format csv 203.0.113.1")).exits(0).out;
    assert!(history.contains(",'+plus,"), "{history}");
    let list = world.f2b(&format!("export csv --now {NOW}")).exits(0).out;
    assert!(list.contains("203.0.113.1,'+plus,"), "{list}");
    world.write("list", &list);
    let other = world.path("other").display().to_string();
    world.f2b(&format!("--db {other} --now {NOW} import csv list")).exits(0);
    let again = world.f2b(&format!("--db {other} --now {NOW} bans --format json")).exits(0).json();
    assert_eq!(again["bans"][0]["jail"], "+plus");
}
