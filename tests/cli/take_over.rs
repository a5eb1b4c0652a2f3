//! Nothing is lost between fail2ban and f2b: the real fail2ban's database, taken over.

use std::fs;

use crate::fail2ban::{Fail2ban, knock, world};
use crate::harness::{World, ran};

/// All bans: host, jail, when they began, for how long, whether they are over.
const BANS: &str =
    "SELECT host.text, jail.name, at_us / 1000000, (until_us - at_us) / 1000000, end_reason
    FROM ban JOIN host ON host.id = host_id JOIN jail ON jail.id = jail_id ORDER BY 1, 2, 3";
const FAIL2BANS: &str =
    "SELECT ip, jail, timeofban, CAST(bantime AS INTEGER) FROM bans ORDER BY 1, 2, 3";

fn import(world: &World) -> String {
    let db = world.fail2ban_db();
    let before = fs::read(&db).unwrap();
    let said = world.f2b("import fail2ban.sqlite3").exits(0);
    assert!(before == fs::read(&db).unwrap(), "fail2ban's database was changed");
    assert!(!world.path("fail2ban.sqlite3-journal").exists());
    said.out
}

#[test]
fn all_that_a_stopped_fail2ban_knows_is_taken_over_once() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    fail2ban.bans("door", &["198.51.100.1", "2001:db8::1", "some-name"]);
    fail2ban.bans("gate", &["198.51.100.1"]);
    fail2ban.client(&["set", "gate", "banip", "198.51.100.64/26"]).unwrap();
    fail2ban
        .until("the network is banned", || world.fail2ban_sql("SELECT count(*) FROM bips") == "5");
    // Half of what it takes for a ban: read, and no more than that.
    knock(&world, "door", "198.51.100.9");
    fail2ban.until("it is read", || {
        fail2ban.client(&["status", "door"]).unwrap().contains("Currently failed:\t1")
    });
    fail2ban.stop();
    let said = import(&world);
    let expected = "took over from fail2ban (version 4 of its database), of 2 jails:\n  \
                    5 bans in force\n  0 bans that are over\n  8 lines that led to these\n  \
                    the place in 2 logs where reading goes on\n";
    assert_eq!(said, expected);
    let without_ends = |rows: String| rows.replace("|\n", "\n").trim_end_matches('|').to_owned();
    assert_eq!(without_ends(world.sql(BANS)), world.fail2ban_sql(FAIL2BANS));
    let history = world.f2b("history 198.51.100.1").exits(0).out;
    assert_eq!(history.matches("knock from 198.51.100.1 rööt").count(), 4, "{history}");
    // Once more: nothing is new.
    let whole = |world: &World| {
        let tables = ["ban", "evidence", "jail", "position", "pending"];
        tables.map(|table| world.sql(&format!("SELECT '{table}', * FROM {table}")))
    };
    let before = whole(&world);
    let said = import(&world);
    let nothing = "the place in 0 logs where reading goes on\nknown before: 5 bans\n";
    assert!(said.ends_with(nothing), "{said}");
    assert_eq!(before, whole(&world));
    // Each line is read by one of the two, and once.
    knock(&world, "door", "198.51.100.9");
    knock(&world, "door", "198.51.100.8");
    knock(&world, "gate", "198.51.100.8");
    for _ in 0..2 {
        let _ = world.f2b("batch");
    }
    assert_eq!(
        world.sql("SELECT jail, host, count(*) FROM failures GROUP BY 1, 2 ORDER BY 1, 2"),
        "door|198.51.100.8|1\ndoor|198.51.100.9|1\ngate|198.51.100.8|1"
    );
    // The whole log, read for its own sake: what led to the bans is shown with its place, and not twice.
    world.f2b("scan --jail door").exits(0);
    let history = world.f2b("history 198.51.100.1").exits(0).out;
    assert_eq!(history.matches("knock from 198.51.100.1 rööt").count(), 4, "{history}");
    assert_eq!(history.matches("led to").count(), 2, "{history}");
}

#[test]
fn bans_go_on_being_counted_from_where_fail2ban_was() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    let host = "198.51.100.1";
    fail2ban.bans("door", &[host]);
    fail2ban.stop();
    // What a purge leaves of a host that was banned four times, the last time some hours ago.
    world.fail2ban_sql(
        "UPDATE bips SET bancount = 4, timeofban = timeofban - 36000, bantime = 28800; DELETE FROM bans;",
    );
    import(&world);
    assert_eq!(world.sql("SELECT end_reason, more FROM ban"), "expired|3");
    // A known host is banned at its first failure, for sixteen hours: so does fail2ban.
    let f2b = |world: &World| {
        let _ = world.f2b("batch");
        world.sql("SELECT (until_us - at_us) / 1000000 FROM ban ORDER BY at_us DESC LIMIT 1")
    };
    knock(&world, "door", host);
    let lasts = f2b(&world);
    let fail2ban = Fail2ban::start(&world);
    fail2ban.until("it is banned", || world.fail2ban_sql("SELECT bancount FROM bips") == "5");
    assert_eq!(lasts, world.fail2ban_sql("SELECT bantime FROM bips"));
    assert_eq!(lasts, "57600");
}

#[test]
fn a_live_server_goes_on_and_what_it_does_later_is_taken_over_later() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    fail2ban.bans("gate", &["198.51.100.1"]);
    let said = world.f2b("import fail2ban.sqlite3").exits(0).out;
    assert!(said.contains("1 ban in force"), "{said}");
    fail2ban.bans("gate", &["198.51.100.2"]);
    fail2ban.stop();
    let said = import(&world);
    assert!(said.contains("1 ban in force") && said.contains("known before: 1 ban"), "{said}");
    let _ = world.f2b("batch");
    assert_eq!(world.sql("SELECT count(*) FROM failures"), "0");
    assert_eq!(world.sql("SELECT count(*) FROM ban"), "2");
}

/// Tables of versions 1 to 3, which nothing makes any more.
fn old(version: u8) -> String {
    let (columns, values) = match version {
        3 => (", bantime INTEGER NOT NULL, bancount INTEGER NOT NULL DEFAULT 1", ", 90000, 2"),
        _ => ("", ""),
    };
    let unique = if version == 1 { "" } else { ", UNIQUE (jail, path)" };
    format!(
        "CREATE TABLE fail2banDb (version INTEGER); INSERT INTO fail2banDb VALUES ({version});
         CREATE TABLE jails (name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
         INSERT INTO jails VALUES ('door', 1), ('gate', 0);
         CREATE TABLE logs (jail TEXT NOT NULL, path TEXT, firstlinemd5 TEXT, lastfilepos INTEGER DEFAULT 0,
         FOREIGN KEY (jail) REFERENCES jails (name) ON DELETE CASCADE, UNIQUE (jail, path, firstlinemd5){unique});
         CREATE TABLE bans (jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL{columns}, data JSON,
         FOREIGN KEY (jail) REFERENCES jails (name));
         INSERT INTO bans SELECT 'door', '198.51.100.' || (value % 2), unixepoch() - 100 * value{values},
         '{{\"matches\": [\"old line ' || value || '\"], \"failures\": 2}}' FROM json_each('[1, 2, 3]');"
    )
}

#[test]
fn an_old_database_is_what_fail2ban_makes_of_it() {
    for version in 1..=3 {
        let world = world();
        world.fail2ban_sql(&old(version));
        let said = import(&world);
        assert!(said.contains(&format!("version {version} of")), "{said}");
        let taken = world.sql(BANS);
        assert!(taken.lines().count() == 3 && taken.contains("replaced"), "{taken}");
        let count = world.sql("SELECT sum(more) FROM ban");
        // The same, after fail2ban has brought it to its version 4.
        Fail2ban::start(&world).stop();
        assert_eq!(world.fail2ban_sql("SELECT version FROM fail2banDb"), "4");
        fs::remove_dir_all(world.path("store")).unwrap();
        import(&world);
        assert_eq!(world.sql(BANS), taken, "version {version}");
        assert_eq!(world.sql("SELECT sum(more) FROM ban"), count, "version {version}");
    }
}

#[test]
fn err_what_is_no_database_of_fail2ban() {
    let world = world();
    world.f2b("import nowhere.sqlite3").fails_with("nowhere.sqlite3: no such file");
    world.write("list", "what?\n");
    world.f2b("import list").fails_with(
        "list: begins as no list does, and as no database of fail2ban; name its form: f2b import FORMAT FILE",
    );
    world.fail2ban_sql(&old(3).replace("VALUES (3)", "VALUES (5)"));
    world.f2b("import fail2ban.sqlite3").fails_with(
        "fail2ban.sqlite3: version 5 of fail2ban's database is not known, only 1 to 4; a newer f2b may \
         know it; nothing was imported",
    );
    assert!(!world.db().exists());
}

/// All rows of fail2ban's database but for those that tell whether jails run.
const FAIL2BAN_ROWS: &str = "SELECT jail, ip, timeofban, bantime, bancount, hex(data), typeof(data) FROM bans ORDER BY 1, 2, 3;
    SELECT jail, ip, timeofban, bantime, bancount, hex(data), typeof(bantime) FROM bips ORDER BY 1, 2;
    SELECT * FROM logs ORDER BY 1, 2; SELECT name FROM jails ORDER BY 1; SELECT * FROM fail2banDb";

#[test]
fn what_was_taken_over_is_given_back_as_it_was() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    fail2ban.bans("door", &["198.51.100.1", "2001:db8::1", "some-name"]);
    fail2ban.bans("gate", &["198.51.100.1"]);
    fail2ban.stop();
    world.fail2ban_sql(
        "UPDATE bips SET bancount = 4 WHERE jail = 'door'; UPDATE bans SET bancount = 4 WHERE jail = 'door';
         UPDATE bips SET bantime = 4000.25 WHERE ip = 'some-name'; UPDATE bans SET bantime = 4000.25 WHERE ip = 'some-name';
         UPDATE bips SET bantime = -1 WHERE jail = 'gate'; UPDATE bans SET bantime = -1 WHERE jail = 'gate'",
    );
    let rows = world.fail2ban_sql(FAIL2BAN_ROWS);
    import(&world);
    let schema = "SELECT type, name, tbl_name FROM sqlite_schema ORDER BY 1, 2";
    let tables = world.fail2ban_sql(schema);
    let said = world.f2b("export fail2ban -o fail2ban.sqlite3").exits(0).out;
    assert!(
        said.starts_with(
            "wrote 4 bans, 4 of them in force, and the place in 2 logs to fail2ban.sqlite3\n"
        ),
        "{said}"
    );
    assert_eq!(world.fail2ban_sql(FAIL2BAN_ROWS), rows);
    assert_eq!(world.fail2ban_sql(schema), tables);
    // What stood there is kept.
    let former = said.lines().last().unwrap().rsplit(' ').next().unwrap().to_owned();
    fs::rename(world.path(&former), world.fail2ban_db()).unwrap();
    assert_eq!(world.fail2ban_sql(FAIL2BAN_ROWS), rows);
    world.f2b("export fail2ban").fails_with(
        "a database can't be printed; write -o FILE, such as /var/lib/fail2ban/fail2ban.sqlite3",
    );
}

#[test]
fn fail2ban_goes_on_where_f2b_has_stopped() {
    let world = world();
    for host in ["198.51.100.1", "2001:db8::1", "198.51.100.7"] {
        knock(&world, "door", host);
        knock(&world, "door", host);
    }
    let _ = world.f2b("batch");
    world.f2b("unban 198.51.100.7").exits(0);
    world.f2b("ban 198.51.100.64/26 --jail gate --force").exits(0);
    world.f2b("export fail2ban -o fail2ban.sqlite3").exits(0);
    assert_eq!(
        world.fail2ban_sql("SELECT ip, bancount FROM bips ORDER BY 1"),
        "198.51.100.1|1\n198.51.100.64/26|1\n2001:db8::1|1"
    );
    let fail2ban = Fail2ban::start(&world);
    fail2ban.until("all are banned", || {
        fail2ban.banned("door") == ["198.51.100.1", "2001:db8::1"]
            && fail2ban.banned("gate") == ["198.51.100.64/26"]
    });
    // No line is read twice.
    knock(&world, "door", "198.51.100.9");
    fail2ban.until("it is read", || {
        fail2ban.client(&["status", "door"]).unwrap().contains("Total failed:\t1")
    });
    let log = fs::read_to_string(world.path("fail2ban.log")).unwrap();
    assert_eq!(log.matches("Found").count(), 1, "{log}");
    assert!(!log.contains("ERROR"), "{log}");
    // The lines that led to it.
    let data = world.fail2ban_sql("SELECT CAST(data AS TEXT) FROM bips WHERE ip = '198.51.100.1'");
    assert!(data.starts_with("{\"matches\": [\"20") && data.contains(" rööt\", \""), "{data}");
    assert!(data.ends_with("\"failures\": 2, \"ip4\": \"198.51.100.1\"}"), "{data}");
}

/// What a tool prints, whatever its form, brings the same bans.
#[test]
fn what_the_tools_print_is_known_by_how_it_begins() {
    let sets = "ipset create f2b-door hash:net timeout 600; ipset add f2b-door 198.51.100.1 timeout 0;
        ipset add f2b-door 198.51.100.64/26; ipset create f2b-door6 hash:ip family inet6; ipset add f2b-door6 2001:db8::1;
        nft add table inet f2b-table
        nft 'add set inet f2b-table addr-set-door { type ipv4_addr; flags interval, timeout; }'
        nft 'add set inet f2b-table addr6-set-door { type ipv6_addr; }'
        nft 'add element inet f2b-table addr-set-door { 198.51.100.1, 198.51.100.64/26 timeout 10m }'
        nft 'add element inet f2b-table addr6-set-door { 2001:db8::1 }'";
    for tool in ["ipset save", "nft list ruleset", "nft -j list ruleset"] {
        let world = world();
        let command = format!("unshare -n sh -ec \"{sets}; {tool}\" | f2b import - --force");
        let said = ran(&mut world.shell(&command)).exits(0);
        assert_eq!(said.out, "imported 3 bans\n", "{tool}");
        assert_eq!(
            world.sql("SELECT jail, host, until_us IS NULL FROM bans ORDER BY 2"),
            "door|198.51.100.1|1\ndoor|198.51.100.64/26|0\ndoor|2001:db8::1|1",
            "{tool}"
        );
        // And back: the tool takes it, and prints it again.
        let (export, takes) = match tool {
            "ipset save" => ("f2b export ipset", "ipset restore; ipset save"),
            _ => ("f2b export nft", "nft -f -; nft list ruleset"),
        };
        let back =
            format!("{export} | unshare -n sh -ec '{takes}' | f2b --db back import - --force");
        let said = ran(&mut world.shell(&back)).exits(0);
        assert_eq!(said.out, "imported 3 bans\n", "{tool}");
    }
}

#[test]
fn what_fail2ban_client_prints_is_known_by_how_it_begins() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    fail2ban.bans("door", &["198.51.100.1", "2001:db8::1"]);
    fail2ban.bans("gate", &["198.51.100.2"]);
    let imported = |args: &[&str], jail: &str| {
        let _ = fs::remove_dir_all(world.path("store"));
        world.write("list", fail2ban.client(args).unwrap());
        world.f2b(&format!("import list --jail {jail} --time 1h --force")).exits(0);
        world.sql("SELECT jail, host FROM bans ORDER BY 2")
    };
    let door = "door|198.51.100.1\ndoor|2001:db8::1";
    assert_eq!(
        imported(&["banned"], "x"),
        "door|198.51.100.1\ngate|198.51.100.2\ndoor|2001:db8::1"
    );
    assert_eq!(imported(&["get", "door", "banned"], "door"), door);
    assert_eq!(imported(&["get", "door", "banip"], "door"), door);
    assert_eq!(imported(&["get", "door", "banip", "--with-time"], "door"), door);
    assert_eq!(
        world.sql(
            "SELECT DISTINCT at_us / 1000000, (until_us - at_us) / 1000000 FROM ban ORDER BY 1"
        ),
        world.fail2ban_sql(
            "SELECT DISTINCT timeofban, bantime FROM bips WHERE jail = 'door' ORDER BY 1"
        )
    );
}

#[test]
fn a_log_that_was_rotated_while_nobody_read_it_is_read_on() {
    let world = world();
    let fail2ban = Fail2ban::start(&world);
    for jail in ["door", "gate"] {
        knock(&world, jail, "198.51.100.9");
        fail2ban.until("it is read", || {
            fail2ban.client(&["status", jail]).unwrap().contains("Total failed:\t1")
        });
    }
    fail2ban.stop();
    knock(&world, "door", "198.51.100.8");
    fs::rename(world.path("door.log"), world.path("door.log.1")).unwrap();
    world.write("door.log", "");
    knock(&world, "door", "198.51.100.7");
    // This one was emptied, and nobody knows what was in it.
    world.write("gate.log", "");
    knock(&world, "gate", "198.51.100.6");
    let said = world.f2b("import fail2ban.sqlite3").exits(0);
    assert!(said.out.ends_with("the place in 1 log where reading goes on\n"), "{}", said.out);
    let gate = world.path("gate.log").display().to_string();
    let why = "it begins with another line than what was read";
    assert_eq!(said.err, format!("f2b: jail gate: {gate} is not read on but anew: {why}\n"));
    for _ in 0..2 {
        let _ = world.f2b("batch");
    }
    assert_eq!(
        world.sql("SELECT jail, host, count(*) FROM failures GROUP BY 1, 2 ORDER BY 1, 2"),
        "door|198.51.100.7|1\ndoor|198.51.100.8|1\ngate|198.51.100.6|1"
    );
}

/// Entries of a journal, so many seconds ago: by the clock of who wrote them some milliseconds before they were received.
fn entries(world: &World, file: &str, entries: &[(i64, &str)]) {
    let now = f2b::model::Clock::now(&f2b::model::SystemClock).micros();
    let entry = |(ago, host): &(i64, &str)| {
        let received = now - ago * 1_000_000;
        format!(
            "__REALTIME_TIMESTAMP={received}\n__MONOTONIC_TIMESTAMP={}\n_BOOT_ID={:032}\n_HOSTNAME=h\n\
             _SOURCE_REALTIME_TIMESTAMP={}\nSYSLOG_IDENTIFIER=d\n_PID=1\nMESSAGE=knock from {host}\n\n",
            received - now + 1_000_000_000,
            1,
            received - 3_000
        )
    };
    let export = world.write("export", entries.iter().map(entry).collect::<String>());
    fs::create_dir_all(world.path("journal")).unwrap();
    let mut command = std::process::Command::new("/lib/systemd/systemd-journal-remote");
    command.arg("-o").arg(world.path("journal").join(file)).arg(export);
    ran(&mut command).exits(0);
}

#[test]
fn a_journal_is_read_on_behind_the_last_entry() {
    let world = world();
    let folder = world.path("journal").display().to_string();
    world.write("filter.d/unit.conf", "[Definition]\nfailregex = knock from <HOST>\n");
    world.write(
        "jail.local",
        format!("[door]\nfilter = unit\nbackend = systemd[journalpath={folder}]\nmaxretry = 9\n"),
    );
    entries(
        &world,
        "one.journal",
        &[(60, "198.51.100.1"), (59, "198.51.100.1"), (58, "198.51.100.9")],
    );
    let fail2ban = Fail2ban::start(&world);
    fail2ban.until("it is read", || {
        fail2ban.client(&["status", "door"]).unwrap().contains("Total failed:\t3")
    });
    fail2ban.stop();
    assert_eq!(
        world.fail2ban_sql("SELECT typeof(lastfilepos) FROM logs WHERE jail = 'door'"),
        "real"
    );
    entries(&world, "two.journal", &[(57, "198.51.100.8"), (56, "198.51.100.9")]);
    let said = import(&world);
    assert!(said.ends_with("the place in 1 log where reading goes on\n"), "{said}");
    for _ in 0..2 {
        let _ = world.f2b("batch");
    }
    let failures = "SELECT host, count(*) FROM failures WHERE jail = 'door' GROUP BY 1 ORDER BY 1";
    assert_eq!(world.sql(failures), "198.51.100.8|1\n198.51.100.9|1");
    // And back: what f2b has read fail2ban doesn't read again.
    world.f2b("export fail2ban -o fail2ban.sqlite3").exits(0);
    let row =
        world.fail2ban_sql("SELECT path, firstlinemd5, lastfilepos FROM logs WHERE jail = 'door'");
    assert!(row.starts_with("systemd-journal|20") && row.contains("+00:00 |1"), "{row}");
}
