//! Every statement of `sql/` is known, explained, and finds its rows by an index.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use rusqlite::StatementStatus;

use super::{Fixture, at};
use crate::model::{Ban, EndReason, Host, Origin};
use crate::store::sql;

/// The tables that grow with the logs.
const BIG: &[&str] = &[
    "line",
    "match",
    "block",
    "tally",
    "host",
    "ban",
    "prolongation",
    "log",
    "jail",
    "filter",
    "evidence",
];

/// The others that have rows without number.
const SMALL: &[&str] = &["export", "installation", "pending", "position", "told", "trouble"];

#[test]
fn every_file_of_sql_is_a_statement_and_the_other_way_round() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let mut files = BTreeSet::new();
    for table in fs::read_dir(&root).unwrap() {
        for file in fs::read_dir(table.unwrap().path()).unwrap() {
            let file = file.unwrap().path();
            files.insert(file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
        }
    }
    let known = sql::ALL.iter().map(|(file, _)| (*file).to_owned()).collect();
    assert_eq!(files, known);
}

#[test]
fn every_statement_begins_with_what_it_answers() {
    for (file, text) in sql::ALL {
        assert!(text.starts_with("-- "), "{file}");
        assert!(text.lines().all(|line| line.len() <= 110), "{file}: a long line");
        let parameters = (1..=9).take_while(|n| text.contains(&format!("?{n}"))).count();
        for n in 1..=parameters {
            assert!(head(text).contains(&format!("?{n}:")), "{file}: what is ?{n}");
        }
    }
}

#[test]
fn no_statement_scans_a_table_unless_it_says_so() {
    // With the writer's own settings: where SQLite checks foreign keys, plans have more steps.
    let fixture = Fixture::new();
    let conn = &fixture.store.reader().conn;
    for (file, text) in sql::ALL {
        let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {text}")).unwrap();
        let parameters = explain.parameter_count();
        let nulls = rusqlite::params_from_iter((0..parameters).map(|_| None::<i64>));
        let plan: Vec<String> =
            explain.query_map(nulls, |row| row.get(3)).unwrap().collect::<Result<_, _>>().unwrap();
        let scan = plan.iter().find(|step| is_scan_of_a_table(step));
        let says_so = head(text).to_lowercase().contains("scans");
        assert_eq!(scan.is_some(), says_so, "{file}: {plan:#?}");
    }
}

/// `SCAN x` reads all of x, also `USING INDEX`; but not when a partial index holds the few rows.
fn is_scan_of_a_table(step: &str) -> bool {
    let mut words = step.split(' ');
    words.next() == Some("SCAN")
        && words.next().is_some_and(|table| BIG.contains(&table) || SMALL.contains(&table))
        && !step.contains("ban_open")
}

#[test]
fn no_statement_is_prepared_anew_for_other_values() {
    let mut fixture = Fixture::new();
    let hosts = ["198.51.100.1", "198.51.100.2", "198.51.100.3"].map(Host::parse);
    for host in &hosts {
        let (host, jail) = (host.clone(), "sshd".to_owned());
        let (until, origin, ended) = (None, Origin::Daemon, None);
        let ban = Ban { host, jail, at: at(1), until, origin, failures: 1, ended };
        fixture.store.add_ban(&ban).unwrap();
    }
    let reader = fixture.store.reader();
    for host in &hosts {
        assert_eq!(reader.bans_of(host).unwrap().len(), 1);
        assert_eq!(reader.earlier_bans(host, Some("sshd"), at(2)).unwrap().count, 1);
        assert!(reader.is_banned(host, "sshd", at(2)).unwrap());
    }
    let mut ran = 0;
    for (file, text) in sql::ALL {
        let statement = reader.conn.prepare_cached(text).unwrap();
        ran += i32::from(statement.get_status(StatementStatus::Run) > 1);
        assert_eq!(statement.get_status(StatementStatus::RePrepare), 0, "{file}");
    }
    assert!(ran >= 3, "{ran}");
}

fn head(text: &str) -> String {
    text.lines().take_while(|line| line.starts_with("--")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_names_of_origins_and_reasons_are_those_of_the_model() {
    let fixture = Fixture::new();
    let conn = fixture.sqlite();
    let mut select = conn.prepare("SELECT name FROM origin ORDER BY id").unwrap();
    let names: Vec<String> = select.query_map([], |r| r.get(0)).unwrap().flatten().collect();
    assert_eq!(names, Origin::ALL.map(Origin::name));
    let schema: String = conn
        .query_row("SELECT sql FROM sqlite_schema WHERE name = 'ban'", [], |row| row.get(0))
        .unwrap();
    for reason in EndReason::ALL {
        assert!(schema.contains(&format!("'{}'", reason.name())), "{reason:?}");
    }
}
