//! The jail `recidive` counts bans where nobody writes a log of them: `f2b batch` does not.

use std::fs;
use std::path::Path;

use crate::harness::World;

const FILTERS: &str = "/etc/fail2ban/filter.d";
const WHO: &str = "198.51.100.1";

/// A door whose bans last for two minutes, and Debian's `recidive` for who is banned there three times a day.
fn world() -> World {
    let world = World::with_a_door();
    for name in ["recidive.conf", "common.conf"] {
        let filter = fs::read(Path::new(FILTERS).join(name)).unwrap();
        world.write(&format!("filter.d/{name}"), filter);
    }
    world.write("fail2ban.conf", "[DEFAULT]\nlogtarget = fail2ban.log\n");
    world.write(
        "jail.local",
        "[door]\nmaxretry = 2\nbantime = 2m\n[recidive]\nenabled = true\nfilter = recidive\nlogpath = fail2ban.log\n\
         maxretry = 3\nfindtime = 1d\nbantime = 1w\n",
    );
    world.write("door.log", "");
    world
}

/// A minute of the ninth hour.
fn at(minute: u32) -> String {
    format!("2026-11-20T09:{minute:02}:00Z")
}

/// Has a host knock twice.
fn knock(world: &World, minute: u32, host: &str) {
    let mut log = fs::read_to_string(world.path("door.log")).unwrap();
    log.push_str(&format!("{} knock from {host}\n", at(minute)).repeat(2));
    world.write("door.log", log);
}

fn batch(world: &World, minute: u32) -> String {
    world.f2b(&format!("batch --now {}", at(minute))).exits(0).out
}

/// What `recidive` has counted: the place in the log of bans, and the line.
fn counted(world: &World) -> String {
    world.sql("SELECT log, line, time, text FROM failures WHERE jail = 'recidive' ORDER BY place")
}

fn banned(world: &World) -> String {
    world.sql("SELECT host FROM bans WHERE jail = 'recidive'")
}

#[test]
fn who_comes_back_after_each_ban_is_banned_for_long() {
    let world = world();
    for (round, minute) in [0, 5, 10].into_iter().enumerate() {
        knock(&world, minute, WHO);
        let said = batch(&world, minute + 1);
        assert!(said.contains("recidive: 1 new failure"), "{said}");
        assert_eq!(batch(&world, minute + 1), "");
        assert_eq!(banned(&world), if round < 2 { "" } else { WHO });
    }
    let line = |number: u32, minute: u32| {
        format!(
            "f2b:bans|{number}|2026-11-20T09:{minute:02}:00Z|2026-11-20 09:{minute:02}:00,000 \
             fail2ban.actions        [PID]: NOTICE  [door] Ban {WHO}"
        )
    };
    let lines: Vec<String> = counted(&world).lines().map(without_pid).collect();
    assert_eq!(lines, [line(1, 0), line(2, 5), line(3, 10)]);
    // His own long ban is none that counts, nor is its end.
    assert_eq!(batch(&world, 30), "door: 1 ban over\n");
    assert_eq!(counted(&world).lines().count(), 3);
}

fn without_pid(line: &str) -> String {
    let (start, end) = (line.find('[').unwrap() + 1, line.find("]:").unwrap());
    format!("{}PID{}", &line[..start], &line[end..])
}

#[test]
fn bans_by_hand_and_of_a_scan_count_and_no_others() {
    let world = world();
    knock(&world, 0, WHO);
    world.f2b(&format!("scan --jail door --ban --now {}", at(1))).exits(0);
    world.f2b(&format!("ban --jail door 198.51.100.2 --now {}", at(1))).exits(0);
    // This one lasts longer, and isn't another.
    world.f2b(&format!("ban --jail door -t 1h 198.51.100.2 --now {}", at(1))).exits(0);
    world.write("others.txt", "198.51.100.3\n");
    world.f2b(&format!("import ip.deny --jail door others.txt --now {}", at(1))).exits(0);
    world.f2b(&format!("unban 198.51.100.2 --now {}", at(1))).exits(0);
    batch(&world, 2);
    let hosts = world.sql("SELECT host FROM failures WHERE jail = 'recidive' ORDER BY place");
    assert_eq!(hosts, format!("{WHO}\n198.51.100.2"));
    assert!(world.sql("SELECT host FROM bans").contains("198.51.100.3"));
}

#[test]
fn what_is_in_the_store_counts_as_far_back_as_findtime() {
    let world = world();
    let jails = fs::read_to_string(world.path("jail.local")).unwrap();
    world.write("jail.local", jails.replace("[recidive]\nenabled = true", "[recidive]"));
    for minute in [0, 5, 10] {
        knock(&world, minute, WHO);
        batch(&world, minute + 1);
    }
    world.write("jail.local", jails.replace("findtime = 1d", "findtime = 10m"));
    // The first is too long ago by now.
    batch(&world, 12);
    assert_eq!(counted(&world).lines().count(), 2);
    assert_eq!(banned(&world), "");
    // From here on whatever was made counts, as of its own time.
    batch(&world, 59);
    assert_eq!(counted(&world).lines().count(), 2);
}

#[test]
fn a_name_that_looks_like_a_ban_bans_nobody() {
    let world = world();
    world.write("filter.d/door.conf", "[Definition]\nfailregex = ^ knock from <F-ID>.+</F-ID>$\n");
    for minute in [0, 5, 10] {
        knock(&world, minute, "a] Ban 198.51.100.1");
        knock(&world, minute, "x\u{2028}[door] Ban 198.51.100.1");
        batch(&world, minute + 1);
    }
    assert_eq!(world.sql("SELECT count(*) FROM bans"), "6");
    assert_eq!((counted(&world), banned(&world)), (String::new(), String::new()));
}

#[test]
fn a_jail_of_the_journal_counts_too() {
    let world = world();
    let jails = fs::read_to_string(world.path("jail.local")).unwrap();
    for recidive in [
        jails.replace("logpath = fail2ban.log", "backend = systemd"),
        jails.replace("logpath = fail2ban.log", "logpath = not-there.log"),
    ] {
        fs::remove_dir_all(world.path("store")).unwrap_or_default();
        world.write("door.log", "");
        world.write("jail.local", recidive);
        knock(&world, 0, WHO);
        batch(&world, 1);
        let failures = "SELECT log, host FROM failures WHERE jail = 'recidive'";
        assert_eq!(world.sql(failures), format!("f2b:bans|{WHO}"));
        // What it wants of the journal stands in its filter.
        let said = world.f2b("status recidive").exits(0).out;
        assert!(said.contains("f2b:bans\n"), "{said}");
    }
}

#[test]
fn a_log_of_fail2ban_counts_beside_the_store() {
    let world = world();
    let line = |minute: u32, jail: &str| {
        format!(
            "2026-11-20 09:{minute:02}:00,123 fail2ban.actions        [7]: NOTICE  [{jail}] Ban {WHO}\n"
        )
    };
    world.write("fail2ban.log", line(0, "door") + &line(1, "gate"));
    knock(&world, 2, WHO);
    batch(&world, 3);
    assert_eq!(counted(&world).lines().count(), 3);
    assert_eq!(banned(&world), WHO);
}

#[test]
fn check_and_status_say_where_it_counts_from() {
    let world = world();
    let said = world.f2b("check recidive");
    assert!(said.out.contains("it counts the bans of f2b's store"), "{}", said.out);
    assert!(said.out.contains("1 of 1 jail usable; 0 errors, 0 warnings"), "{}", said.out);
    batch(&world, 0);
    let said = world.f2b("status recidive").exits(0);
    said.says(&["File list:\tfail2ban.log f2b:bans\n"]);
}
