//! Matches of several lines: all of them are kept and shown.

use crate::harness::World;

const BEGIN: &str = "Nov 20 09:00:00 h x: begin login bob";
const NOISE: &str = "Nov 20 09:00:01 h x: noise";
const FAILED: &str = "Nov 20 09:00:02 h x: failed from 192.0.2.1";

fn world() -> World {
    let world = World::new();
    let filter = "[Definition]\nmaxlines = 4\n\
        failregex = ^ h x: begin login \\w+<SKIPLINES>^ h x: failed from <HOST>$\n";
    world.write("filter.d/two.conf", filter);
    world.write("jail.local", "[two]\nenabled = true\nfilter = two\nlogpath = x.log\n");
    world.write("x.log", format!("{BEGIN}\n{NOISE}\n{FAILED}\n"));
    world
}

#[test]
fn all_lines_of_a_match_are_printed_without_those_between() {
    let world = world();
    let whole = format!("{BEGIN}\n{FAILED}");
    let found = world.f2b("scan --format jsonl x.log two").exits(0).json_lines();
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["text"], whole);
    assert_eq!((&found[0]["line"], &found[0]["offset"]), (&3.into(), &64.into()), "of its last");
    let report = world.f2b("scan --print-all-matched x.log two").exits(0);
    report.says(&[&format!("|- Matched line(s):\n|  {BEGIN}\n|  {FAILED}\n`-")]);
    report.says(&[&format!("|- Missed line(s):\n|  {NOISE}\n`-")]);
}

#[test]
fn all_lines_of_a_match_are_stored_once_and_the_place_keeps_its_own() {
    let world = world();
    for _ in 0..2 {
        world.run(["scan", "--quiet", "--jail", "two", "x.log"]).exits(0);
    }
    let stored = |what: &str| world.sql(&format!("select group_concat({what}, '|') from matches"));
    assert_eq!(stored("json_extract(fields, '$.matches')"), format!("{BEGIN}\n{FAILED}"));
    assert_eq!(stored("text"), FAILED);
}
