//! Logs and filter in another order than f2b asks for.

use crate::harness::World;

#[test]
fn log_and_filter_may_change_places_where_their_names_leave_no_doubt() {
    let world = World::with_a_door();
    world.write("door.log.1", "2026-11-19T09:00:00Z knock from 192.0.2.2\n");
    let told = |filter: &str| {
        format!("f2b: '{filter}' is taken for the filter, though it comes before a log\n")
    };
    let scan = "scan --dry-run --output ip".split(' ');
    for (operands, found, filter) in [
        (["door", "door.log"].as_slice(), "192.0.2.1\n", "door"),
        (&["filter.d/door.conf", "door.log"], "192.0.2.1\n", "filter.d/door.conf"),
        (&["door[mode=x]", "door.log*"], "192.0.2.2\n192.0.2.1\n", "door[mode=x]"),
        (&["knock from <HOST>$", "door.log"], "192.0.2.1\n", "knock from <HOST>$"),
        (&["door.log", "door", "door.log.1"], "192.0.2.2\n192.0.2.1\n", "door"),
    ] {
        let ran = world.run(scan.clone().chain(operands.iter().copied())).exits(0);
        assert_eq!((ran.out.as_str(), ran.err), (found, told(filter)), "{operands:?}");
    }
}

#[test]
fn an_order_that_leaves_doubt_is_not_guessed() {
    let world = World::with_a_door();
    // A log and a filter of the same name: the last is the filter, as ever.
    world.write("door", "2026-11-20T09:00:00Z knock from 192.0.2.3\n");
    let ran = world.f2b("scan --dry-run --output ip door door").exits(0);
    assert_eq!((ran.out.as_str(), ran.err.as_str()), ("192.0.2.3\n", ""));
    let advice = "is a log, and no filter is named behind it; write LOG... FILTER, or --jail NAME";
    world.f2b("scan door.log").fails_with(&format!("'door.log' {advice}"));
    world.f2b("scan dor door.log").fails_with(&format!("'door.log' {advice}"));
    world.f2b("scan door.log door.log").fails_with(&format!("'door.log' {advice}"));
    world
        .f2b("scan door")
        .fails_with("no log to scan before the filter 'door'; write LOG... FILTER");
}

#[test]
fn a_filter_beside_a_jail_is_told() {
    let world = World::with_a_door();
    let wanted = "'filter.d/door.conf' is a filter, but with --jail all operands are logs: the jail has its filter";
    world.f2b("scan --jail door door.log filter.d/door.conf").fails_with(wanted);
}

#[test]
fn an_option_that_only_a_file_fills_in_is_told() {
    let world = World::with_a_door();
    let told = |quoted: &str, regex: &str| {
        format!(
            "f2b: '{quoted}' in the expression '{regex}' is searched for as it stands: it is filled in only in a file; \
             write '.*' in its place, or put the expression into a filter file and name that\n"
        )
    };
    let scan = |regex: &str, ignoreregex: &str| {
        let scan = ["scan", "-n", "--output", "ip", "--ignoreregex", ignoreregex];
        world.run(scan.iter().chain(&["door.log", regex]))
    };
    let regex = "^%(__prefix_line)sknock from <HOST>";
    assert_eq!(scan(regex, "100% sure").exits(1).err, told("%(__prefix_line)s", regex));
    let ran = scan("^.*knock from <HOST>", "%%(x)s").exits(0);
    assert_eq!((ran.out.as_str(), ran.err), ("192.0.2.1\n", told("%(x)s", "%%(x)s")));
    assert_eq!(scan("^.*knock from <HOST>", "%(x)d").exits(0).err, "");
}

#[test]
fn an_expression_that_takes_most_of_the_host_is_told() {
    let world = World::with_a_door();
    let scan =
        |regex: &str| world.run(["scan", "-n", "--output", "ip", "door.log", regex]).exits(0);
    let greedy = scan("knock.*<HOST>");
    assert_eq!(greedy.out, "1\n");
    assert_eq!(
        greedy.err,
        "f2b: command line: '.*' right before the host takes all of it but its end; \
         write what stands between them, if only a blank\n"
    );
    let clear = scan("knock.* <HOST>");
    assert_eq!((clear.out.as_str(), clear.err.as_str()), ("192.0.2.1\n", ""));
}
