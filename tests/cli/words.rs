//! What a newcomer types wrong, and what is said of it.

use crate::harness::{Ran, World, ran};

fn usage(ran: &Ran) -> &str {
    ran.err.split("\n\n").find(|part| part.starts_with("Usage: ")).unwrap_or_default()
}

#[test]
fn a_usage_line_demands_nothing_that_can_be_left_out() {
    let world = World::with_a_door();
    for (line, wanted) in [
        ("ban", "Usage: f2b ban [OPTIONS] --jail <NAME> <HOST>..."),
        ("history --now 2026-11-20", "Usage: f2b history [OPTIONS] <HOST>"),
        ("unban --all 192.0.2.1", "Usage: f2b unban [OPTIONS] [HOST]..."),
        ("--db x status a b", "Usage: f2b status [OPTIONS] [JAIL]"),
        (
            "scan --dryrun",
            "Usage: f2b scan [OPTIONS] LOG... FILTER\n       f2b scan [OPTIONS] --jail NAME [LOG]...",
        ),
        (
            "scan --output ip --format csv",
            "Usage: f2b scan [OPTIONS] LOG... FILTER\n       f2b scan [OPTIONS] --jail NAME [LOG]...",
        ),
        ("import a b c", "Usage: f2b import [OPTIONS] [FORMAT] FILE"),
        ("--jail x", "Usage: f2b [OPTIONS] <COMMAND>"),
    ] {
        let ran = world.f2b(line).exits(2);
        assert_eq!(usage(&ran), wanted, "{}", ran.err);
    }
}

#[test]
fn a_variable_that_is_set_to_nothing_says_nothing() {
    let world = World::with_a_door();
    let said = |name: &str, line: &str| {
        let mut command = world.command();
        ran(command.env(name, "").args(line.split_whitespace()))
    };
    let status = said("F2B_DB", "history 192.0.2.1 --db none.sqlite3");
    assert_eq!(
        status.err,
        "f2b: no store at none.sqlite3; run f2b scan, batch or daemon first, or name it with --db\n"
    );
    let check = said("F2B_CONFIG", "check --config nowhere");
    assert!(check.err.starts_with("f2b: configuration folder 'nowhere'"), "{}", check.err);
    world.f2b("scan --quiet door.log door").exits(0);
    let purge = said("F2B_KEEP", "purge");
    assert!(purge.out.starts_with("nothing was before "), "{}{}", purge.out, purge.err);
}

#[test]
fn help_is_asked_for_in_each_of_the_usual_ways() {
    let world = World::with_a_door();
    let scan = world.f2b("scan --help").exits(0).out;
    assert_eq!(world.f2b("help scan").exits(0).out, scan);
    let help = world.f2b("--help").exits(0).out;
    assert_eq!(world.f2b("help").exits(0).out, help);
    assert_eq!(world.f2b("").exits(0).out, help);
    assert_eq!(world.f2b("help --help").exits(0).out, help);
    assert_eq!(world.f2b("help scan -h").exits(0).out, scan);
    let unknown = world.f2b("help scna").exits(2);
    assert!(unknown.err.contains("unrecognized subcommand 'scna'"), "{}", unknown.err);
}

#[test]
fn help_that_cannot_be_written_is_told() {
    let ran = ran(&mut World::with_a_door().shell("f2b help >/dev/full")).exits(2);
    assert_eq!(ran.err, "f2b: standard output: No space left on device (os error 28)\n");
}

/// The table at the end of `f2b --help`, held to.
#[test]
fn each_exit_status_means_what_help_says() {
    let world = World::with_a_door();
    world.write("list", "192.0.2.9\n");
    world.write("empty.log", "");
    for (status, line) in [
        (2, "status"),
        (2, "bans"),
        (1, "unban 192.0.2.9"),
        (1, "status"),
        (1, "scan empty.log door"),
        (0, "scan door.log door"),
        (0, "scan --jail door"),
        (0, "history 192.0.2.1"),
        (1, "history 192.0.2.8"),
        (0, "status"),
        (0, "status door"),
        (2, "status dor"),
        (1, "bans"),
        (0, "export"),
        (0, "import ip.deny list --jail door"),
        (0, "import ip.deny list --jail door"),
        (0, "bans"),
        (0, "export"),
        (0, "ban 192.0.2.9 --jail door"),
        (0, "unban 192.0.2.9"),
        (1, "unban 192.0.2.9"),
        (2, "ban 192.0.2.9 --jail dor"),
        (0, "check"),
        (1, "check --all"),
        (2, "check --config nowhere"),
        (0, "help"),
        (2, "hlep"),
    ] {
        world.f2b(line).exits(status);
    }
}
