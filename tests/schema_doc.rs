//! docs/schema.md: its queries run, and it names every column there is.

#![expect(clippy::unwrap_used, reason = "a test ends where its helper fails")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use f2b::model::{Ban, EndReason, Head, Host, Origin, Prolongation, Time};
use f2b::store::{Record, Scanned, Store};
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;

/// A store that holds something of everything, and a connection as `sqlite3 -readonly` makes it.
fn filled() -> (TempDir, Connection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f2b.sqlite");
    let mut store = Store::open(&path).unwrap();
    let hour_ago = Time::from_secs(Connection::open_in_memory().map(|c| now(&c)).unwrap() - 3600);
    let source = Scanned {
        log: store
            .log(&Head::from_bytes(b"Nov 23"), "/var/log/auth.log", Time::from_secs(0))
            .unwrap(),
        filter: store.filter("sshd", "^x").unwrap(),
        jail: store.jail("sshd").unwrap(),
        origin: Origin::Scan,
    };
    let fields = [("user", "admin"), ("ip4", "")].into_iter().collect();
    let record = Record {
        offset: 0,
        line: 1,
        text: b"Invalid user admin from 192.0.2.1",
        time: Some(hour_ago),
        regex: 1,
        nofail: false,
        host: Some(Host::parse("192.0.2.1")),
        fields: &fields,
        whole: None,
        failure: true,
    };
    let named = Record { offset: 100, line: 2, host: Some(Host::parse("mail")), ..record.clone() };
    store.write(source, &[record, named]).unwrap();
    let ban = |from, ended| Ban {
        host: Host::parse("192.0.2.1"),
        jail: "sshd".to_owned(),
        at: Time::from_micros(hour_ago.micros() + from),
        until: None,
        origin: Origin::Scan,
        failures: 1,
        ended,
    };
    store.add_bans(&[ban(0, Some((hour_ago, EndReason::Unbanned))), ban(1, None)]).unwrap();
    let finite = Ban { until: Some(hour_ago), ..ban(2, None) };
    store.add_ban(&finite).unwrap();
    let longer = Prolongation {
        host: finite.host,
        jail: finite.jail,
        ban_at: finite.at,
        at: hour_ago.plus_micros(3),
        until_before: hour_ago,
        until: Some(hour_ago.plus_micros(60_000_000)),
        origin: Origin::Scan,
        failures: 2,
    };
    assert_eq!(store.transact(|batch| batch.prolong(&[longer])).unwrap().len(), 1);
    (folder, Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
}

fn now(conn: &Connection) -> i64 {
    conn.query_row("SELECT unixepoch()", [], |row| row.get(0)).unwrap()
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema.md")).unwrap()
}

#[test]
fn every_query_of_the_page_runs_and_finds_something() {
    let (_folder, conn) = filled();
    let page = page();
    let queries: Vec<&str> =
        page.split("```sql\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(queries.len() >= 6, "{} queries", queries.len());
    for query in queries {
        let mut select = conn.prepare(query).unwrap_or_else(|e| panic!("{e}:\n{query}"));
        let mut rows = select.query([]).unwrap();
        let first = rows.next().unwrap_or_else(|e| panic!("{e}:\n{query}"));
        // The one query about a fixed time finds nothing in a log of today.
        assert!(first.is_some() || query.contains("2026-11-01"), "nothing found:\n{query}");
        while rows.next().unwrap_or_else(|e| panic!("{e}:\n{query}")).is_some() {}
    }
}

#[test]
fn the_page_names_every_table_view_and_column() {
    let (_folder, conn) = filled();
    let page = page();
    let sections: BTreeMap<&str, &str> =
        page.split("\n### ").skip(1).filter_map(|section| section.split_once('\n')).collect();
    let mut columns = conn
        .prepare(
            "SELECT s.name, c.name FROM sqlite_schema AS s, pragma_table_xinfo(s.name) AS c
             WHERE s.type IN ('table', 'view') AND s.name NOT LIKE 'sqlite_%'",
        )
        .unwrap();
    let columns = columns.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    for column in columns {
        let (table, column): (String, String) = column.unwrap();
        let section = sections.get(table.as_str()).unwrap_or_else(|| panic!("no ### {table}"));
        assert!(section.contains(&format!("`{column}`")), "{table}.{column} is not explained");
    }
}
