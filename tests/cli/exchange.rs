//! Files that somebody else wrote, or wrote into: an export never takes them for its own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::harness::{World, ran};

const NOW: &str = "2026-11-20T12:00:00Z";
const BEGIN: &str = "# f2b: begin; what stands before 'f2b: end' is rewritten when bans change\n";
const END: &str = "# f2b: end\n";

fn f2b(world: &World, line: &str) -> String {
    world.f2b(&format!("{line} --now {NOW}")).exits(0).out
}

fn ban(world: &World, host: &str) {
    f2b(world, &format!("ban {host} --jail password-fail --time 1d"));
}

fn read(world: &World, name: &str) -> String {
    String::from_utf8_lossy(&fs::read(world.path(name)).unwrap()).into_owned()
}

#[test]
fn lines_that_f2b_did_not_write_are_kept_whenever_the_list_is_written() {
    let world = World::new();
    let theirs = "# by hand\nsshd: .example.org EXCEPT good.example.org\nALL: 198.51.100.1\n\
                  ALL: 203.0.113.1 # why\n";
    world.write("hosts.deny", theirs);
    ban(&world, "198.51.100.1");
    ban(&world, "198.51.100.2");
    let said = f2b(&world, "export hosts.deny -o hosts.deny");
    let path = world.path("hosts.deny").display().to_string();
    assert_eq!(said, format!("wrote 2 bans to {path}, beside 4 lines that f2b did not write\n"));
    let mine = |lines: &str| format!("{BEGIN}{lines}{END}");
    // Who stands in it already stands in it once, and stays when the ban is over.
    assert_eq!(read(&world, "hosts.deny"), format!("{theirs}{}", mine("ALL: 198.51.100.2\n")));
    let behind = "ALL: 203.0.113.9\n\nALL: LOCAL";
    world.write("hosts.deny", format!("{}{behind}", read(&world, "hosts.deny")));
    f2b(&world, "unban 198.51.100.1 198.51.100.2");
    assert_eq!(read(&world, "hosts.deny"), format!("{theirs}{}{behind}", mine("")));
    ban(&world, "2001:db8::1");
    let now = format!("{theirs}{}{behind}", mine("ALL: [2001:db8::1]\n"));
    assert_eq!(read(&world, "hosts.deny"), now);
    // Without the store that wrote it, it is as clear what is whose.
    fs::remove_dir_all(world.path("store")).unwrap();
    ban(&world, "198.51.100.7");
    f2b(&world, "export hosts.deny -o hosts.deny");
    let now = format!("{theirs}{}{behind}", mine("ALL: 198.51.100.7\n"));
    assert_eq!(read(&world, "hosts.deny"), now);
}

#[test]
fn a_list_of_its_own_is_nothing_but_hosts_until_somebody_adds_a_line() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    ban(&world, "198.51.100.2");
    f2b(&world, "export -o ip.deny");
    assert_eq!(read(&world, "ip.deny"), "198.51.100.1\n198.51.100.2\n");
    world.write("ip.deny", "198.51.100.1\n198.51.100.2\n203.0.113.0/24\n# neighbours\n");
    f2b(&world, "unban 198.51.100.1");
    let theirs = "203.0.113.0/24\n# neighbours\n";
    assert_eq!(read(&world, "ip.deny"), format!("{theirs}{BEGIN}198.51.100.2\n{END}"));
    world.write("ip.deny", format!("{BEGIN}198.51.100.2\n{END}"));
    ban(&world, "198.51.100.3");
    assert_eq!(read(&world, "ip.deny"), "198.51.100.2\n198.51.100.3\n", "all of it is f2b's");
}

#[test]
fn a_list_that_only_f2b_wrote_stays_its_own_when_its_bans_are_forgotten() {
    let world = World::new();
    f2b(&world, "ban 198.51.100.1 --jail password-fail --time 1h");
    f2b(&world, "export -o ip.deny");
    world.f2b("purge --keep 1d --now 2027-11-20").exits(0);
    assert_eq!(read(&world, "ip.deny"), "");
}

#[test]
fn a_list_of_one_jail_is_known_again_as_its_own() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    f2b(&world, "ban 198.51.100.5 --jail vpopmail --time 1d");
    for host in ["198.51.100.1\n", "198.51.100.2\n"] {
        f2b(&world, "export --jail password-fail -o ip.deny");
        assert_eq!(read(&world, "ip.deny"), host);
        world.f2b(&format!("unban 198.51.100.1 --now {NOW}"));
        ban(&world, "198.51.100.2");
        assert_eq!(read(&world, "ip.deny"), host, "it is written once");
    }
}

#[test]
fn err_a_format_that_can_not_hold_the_lines_of_others_leaves_their_file_alone() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    for (format, host) in [("csv", "198.51.100.2"), ("json", "198.51.100.3")] {
        world.write("list", "host\n203.0.113.7\n");
        let list = world.path("list").display().to_string();
        let refused = format!(
            "{list}: holds what f2b did not write, and {format} has no place for it; \
             remove the file or name another"
        );
        world.f2b(&format!("export {format} -o list --now {NOW}")).fails_with(&refused);
        assert_eq!(read(&world, "list"), "host\n203.0.113.7\n");
        fs::remove_file(world.path("list")).unwrap();
        f2b(&world, &format!("export {format} -o list"));
        let mine = read(&world, "list");
        ban(&world, host);
        assert_ne!(read(&world, "list"), mine, "{format} is kept up to date");
        let theirs = read(&world, "list").replace(host, "203.0.113.8");
        world.write("list", &theirs);
        let ran = world.f2b(&format!("unban {host} --now {NOW}")).exits(2);
        assert!(
            ran.err.starts_with(&format!("f2b: {list}: holds what f2b did not")),
            "{}",
            ran.err
        );
        assert_eq!(read(&world, "list"), theirs);
        fs::remove_file(world.path("list")).unwrap();
    }
}

#[test]
fn a_list_may_get_another_form() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    for (format, list) in [
        ("ip.deny", "198.51.100.1\n"),
        ("hosts.deny", "ALL: 198.51.100.1\n"),
        ("csv", "host,jail,banned_at,banned_until,origin,failures\n198.51.100.1,"),
        ("ip.deny", "198.51.100.1\n"),
        ("json", "{\n  \"bans\""),
    ] {
        f2b(&world, &format!("export {format} -o list"));
        assert!(read(&world, "list").starts_with(list), "{format}: {}", read(&world, "list"));
    }
}

#[test]
fn err_a_jail_that_does_not_exist_is_no_empty_list() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    f2b(&world, "export -o ip.deny");
    let config = world.path("").display().to_string();
    let config = config.trim_end_matches('/');
    let refused =
        format!("there is no jail 'password-fial' in {config}; did you mean 'password-fail'?");
    let export = format!("export --jail password-fial --now {NOW}");
    world.f2b(&format!("{export} -o ip.deny")).fails_with(&refused);
    world.f2b(&export).fails_with(&refused);
    assert_eq!(read(&world, "ip.deny"), "198.51.100.1\n");
    // One that is configured and bans nobody has an empty list; so has one of old that did.
    world.f2b(&format!("export --jail vpopmail --now {NOW}")).exits(0);
}

#[test]
fn owner_group_mode_and_attributes_stay() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    let list = world.write("ip.deny", "203.0.113.1\n");
    fs::set_permissions(&list, fs::Permissions::from_mode(0o640)).unwrap();
    // Only the superuser gives files away; what others may do is in the next test.
    let is_root = fs::metadata(&list).unwrap().uid() == 0;
    if is_root {
        std::os::unix::fs::chown(&list, Some(12), Some(34)).unwrap();
    }
    let before = fs::metadata(&list).unwrap();
    f2b(&world, "export -o ip.deny");
    ban(&world, "198.51.100.2");
    let after = fs::metadata(&list).unwrap();
    assert!(read(&world, "ip.deny").contains("198.51.100.2"));
    assert_eq!(
        (before.uid(), before.gid(), before.mode()),
        (after.uid(), after.gid(), after.mode())
    );
    assert_ne!(before.ino(), after.ino(), "it is another file in the place of the old one");
}

#[test]
fn err_a_file_whose_owner_can_not_be_kept_is_left_alone() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    let list = world.write("ip.deny", "203.0.113.1\n");
    if fs::metadata(&list).unwrap().uid() != 0 {
        return; // Nobody but the superuser can make such a file.
    }
    for path in ["", "store", "store/f2b.sqlite3"] {
        std::os::unix::fs::chown(world.path(path), Some(65534), Some(65534)).unwrap();
    }
    let binary = world.path("f2b");
    fs::copy(env!("CARGO_BIN_EXE_f2b"), &binary).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(binary);
    command.current_dir(world.path("")).env("F2B_CONFIG", world.path("")).env("F2B_DB", world.db());
    ran(command.args(["export", "-o", "ip.deny", "--now", NOW])).fails_with(&format!(
        "{}: is another user's and would become yours; run f2b as its owner or as root",
        list.display()
    ));
    assert_eq!(fs::metadata(&list).unwrap().uid(), 0);
    assert_eq!(read(&world, "ip.deny"), "203.0.113.1\n");
    let names = fs::read_dir(world.path("")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!names.into_iter().any(|name| name.to_string_lossy().starts_with(".f2b")));
}

#[test]
fn a_link_to_a_file_that_is_not_there_yet_is_followed() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    fs::create_dir(world.path("lists")).unwrap();
    std::os::unix::fs::symlink("lists/real.deny", world.path("link.deny")).unwrap();
    f2b(&world, "export -o link.deny");
    assert!(world.path("link.deny").is_symlink());
    assert_eq!(read(&world, "lists/real.deny"), "198.51.100.1\n");
}

#[test]
fn a_dash_is_standard_output() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    for output in ["-", "/dev/stdout"] {
        assert_eq!(f2b(&world, &format!("export -o {output}")), "198.51.100.1\n");
    }
    assert!(!world.path("-").exists());
    assert_eq!(world.sql("SELECT count(*) FROM export"), "0");
}

#[test]
fn err_what_is_no_file_holds_nobody_up_and_is_not_replaced() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    fs::create_dir(world.path("folder")).unwrap();
    f2b(&world, "export -o ip.deny");
    fs::remove_file(world.path("ip.deny")).unwrap();
    ran(&mut world.shell("mkfifo pipe ip.deny")).exits(0);
    let said = |name: &str, what: &str| {
        let line = format!("export -o {name} --now {NOW}");
        world.f2b(&line).fails_with(&format!("{}: {what}", world.path(name).display()));
    };
    said("pipe", "is a pipe that nobody reads; start its reader first");
    said("folder", "is a folder; name a file");
    // A list that was a file when it was first written is not waited for either.
    let ran = world.f2b(&format!("ban 198.51.100.2 --jail password-fail --time 1d --now {NOW}"));
    let ran = ran.exits(2);
    let path = world.path("ip.deny").display().to_string();
    assert_eq!(
        ran.err,
        format!("f2b: {path}: is a pipe; name a file; it still lists the bans of before\n")
    );
    f2b(&world, "export -o /dev/null");
}

#[test]
fn a_file_whose_name_is_not_utf_8_is_kept_up_to_date() {
    let world = World::new();
    ban(&world, "198.51.100.1");
    let name = OsStr::from_bytes(b"d%e\xfany");
    world
        .run([OsStr::new("export"), OsStr::new("-o"), name, OsStr::new("--now"), OsStr::new(NOW)])
        .exits(0);
    ban(&world, "198.51.100.2");
    let list = fs::read(world.path("").join(name)).unwrap();
    assert_eq!(String::from_utf8(list).unwrap(), "198.51.100.1\n198.51.100.2\n");
}
