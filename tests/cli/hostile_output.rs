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

#[test]
fn what_hides_or_reorders_text_is_shown_in_every_format() {
    let world = World::empty();
    let user = "a\u{9b}\u{202e}\u{2066}\u{200e}\u{61c}\u{200d}\u{7f}\x1bz\u{e9}";
    let shown = "a\\x9b\\x202e\\x2066\\x200e\\x61c\\x200d\\x7f\\x1bz\u{e9}";
    world.write("log", format!("2026-11-20T09:00:00Z user {user} from 203.0.113.1\n"));
    let is_safe = |text: &str| {
        let hidden =
            user.chars().find(|c| !c.is_ascii_alphabetic() && *c != '\u{e9}' && text.contains(*c));
        assert_eq!(hidden, None, "{text}");
    };
    let run = |more: &[&str]| {
        let scan = ["scan", "--quiet", "--now", NOW].iter().chain(more);
        let ran = world.run(scan.chain(&["log", "user <F-USER>.*</F-USER> from <HOST>$"])).exits(0);
        is_safe(&ran.out);
        ran
    };
    let found = run(&["--format", "jsonl"]).json_lines();
    assert_eq!(found[0]["fields"]["user"], user);
    assert!(found[0]["text"].as_str().unwrap().contains(user));
    run(&["-n", "--format", "json"]).json();
    let csv = run(&["-n", "--format", "csv"]).out;
    assert!(csv.contains(&format!("user {shown} from")) && csv.contains("\\u202e"), "{csv}");
    for (what, wanted) in [("user", shown), ("<F-USER>", shown)] {
        assert_eq!(run(&["-n", "-o", what]).out, format!("{wanted}\n"));
    }
    assert!(run(&["-n", "-o", "msg"]).out.contains(shown));
    assert!(run(&["-n", "-o", "row"]).out.contains("a\\x9b\\u202e\\u2066"));
    for format in ["json", "jsonl", "csv", "text"] {
        let ran = world.run(["history", "203.0.113.1", "--format", format]).exits(0);
        is_safe(&ran.out);
        let is_json = format.starts_with("json");
        let wanted = if is_json { "a\\u009b\\u202e" } else { "a\\x9b\\x202e" };
        assert!(ran.out.contains(wanted), "{}", ran.out);
    }
}
