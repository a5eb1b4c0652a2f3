//! Arguments that aren't UTF-8: paths all the same.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::harness::{World, password_fails, ran};

const NOW: &str = "2026-11-20T12:00:00Z";

fn odd(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_owned())
}

/// The words of a line, then others.
fn words<'w>(line: &'w str, others: &'w [&'w [u8]]) -> impl Iterator<Item = &'w OsStr> {
    let others = others.iter().map(|bytes| OsStr::from_bytes(bytes));
    line.split(' ').map(OsStr::new).chain(others)
}

#[test]
fn a_log_or_filter_is_a_path_whatever_bytes_it_is() {
    let world = World::new();
    let fail = password_fails(&[("Nov 20 10:00:00", "203.0.113.1")]);
    fs::create_dir(world.path("").join(odd(b"d\xff"))).unwrap();
    for log in [b"log\xff".as_slice(), b"log\xff.1", b"d\xff/a.log"] {
        fs::write(world.path("").join(odd(log)), &fail).unwrap();
    }
    let filter = world.path("filter.d/password-fail.conf");
    fs::copy(filter, world.path("").join(odd(b"f\xff.conf"))).unwrap();
    let scan = format!("scan --dry-run --now {NOW} -o ip");
    for (operands, found) in [
        ([b"log\xff".as_slice(), b"password-fail"].as_slice(), 1),
        (&[b"log\xff*", b"password-fail"], 2),
        (&[b"d\xff/*.log", b"password-fail"], 1),
        (&[b"d\xff", b"password-fail"], 1),
        (&[b"log\xff", b"f\xff.conf"], 1),
        (&[b"f\xff.conf", b"log\xff"], 1),
        (&[b"Nov 20 10:00:00 caf\xe9 from 203.0.113.1", b"from <HOST>$"], 1),
    ] {
        let run = world.run(words(&scan, operands)).exits(0);
        assert_eq!(run.out, "203.0.113.1\n".repeat(found), "{}{}", run.command, run.err);
    }
    let jail = format!("{scan} --jail password-fail");
    let run = world.run(words(&jail, &[b"log\xff"])).exits(0);
    assert_eq!(run.out, "203.0.113.1\n");
    // The bytes of a line are kept as they are.
    let line = format!("scan --dry-run --now {NOW} -e latin-1 --format jsonl");
    let operands =
        [b"Nov 20 10:00:00 caf\xe9 from 203.0.113.1".as_slice(), b"^ (?P<name>\\S+) from <HOST>$"];
    let run = world.run(words(&line, &operands)).exits(0);
    assert_eq!(run.json_lines()[0]["fields"]["name"], "caf\u{e9}");
}

#[test]
fn lists_stores_and_configurations_have_names_of_any_bytes() {
    let world = World::new();
    let list = world.path("").join(odd(b"list\xff"));
    fs::write(&list, "203.0.113.1\n").unwrap();
    let said = world.run(words("import ip.deny", &[b"list\xff"])).exits(0);
    assert_eq!(said.out, "imported 1 ban\n");
    world.run(words("import --format ip.deny", &[b"list\xff"])).exits(0);
    world.run(words("export ip.deny -o", &[b"out\xff"])).exits(0);
    assert_eq!(fs::read_to_string(world.path("").join(odd(b"out\xff"))).unwrap(), "203.0.113.1\n");
    fs::rename(world.db(), world.path("").join(odd(b"db\xff"))).unwrap();
    let said = world.run(words("bans --format jsonl --db", &[b"db\xff"])).exits(0);
    assert_eq!(said.json_lines().len(), 1);
    let folder = odd(b"conf\xff");
    fs::create_dir(world.path("").join(&folder)).unwrap();
    for name in ["filter.d", "action.d", "jail.conf"] {
        fs::rename(world.path(name), world.path("").join(&folder).join(name)).unwrap();
    }
    let mut check = world.command();
    check.args(["check", "--explain", "password-fail", "-c"]).arg(&folder);
    ran(&mut check).exits(0).says(&["[password-fail]"]);
}

#[test]
fn what_can_only_be_text_is_named_where_it_is_none() {
    let world = World::new();
    for (line, bytes, wanted) in [
        ("history", b"host\xff".as_slice(), "'host\u{fffd}' for '<HOST>'"),
        ("status", b"jail\xff", "'jail\u{fffd}' for '[JAIL]'"),
        ("check", b"jail\xff", "'jail\u{fffd}' for '[JAIL]...'"),
        ("bans --jail", b"jail\xff", "'jail\u{fffd}' for '--jail <NAME>'"),
        ("scan x --datepattern", b"^\xff", "'^\u{fffd}' for '--datepattern <PATTERN>'"),
    ] {
        let said = world.run(words(line, &[bytes])).exits(2);
        let first = said.err.lines().next().unwrap_or_default();
        let wanted = format!("error: {wanted} is not UTF-8, as all but paths has to be");
        assert_eq!(first, wanted, "{}", said.err);
    }
    world.write("log", "x\n");
    world.run(words("scan log", &[b"from <HOST>\xff"])).fails_with(
        "FILTER: 'from <HOST>\u{fffd}' is no file, and not UTF-8, as anything else has to be",
    );
    world.run(words("import", &[b"csv\xff", b"list"])).fails_with(
        "'csv\u{fffd}' is not a list format; write ip.deny, hosts.deny, csv, json, fail2ban, ipset, nft, banned or banip",
    );
}
