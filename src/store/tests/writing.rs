//! Lines, matches and failures.

use super::{Fixture, at, failure, written};
use crate::model::{Head, Host};
use crate::store::{Event, JailId, Record, Scanned, StoreError, Written};

#[test]
fn writing_twice_adds_nothing() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let records = [failure(0, 1, "192.0.2.1", "a"), failure(100, 2, "192.0.2.2", "b")];
    assert_eq!(f.store.write(source, &records).unwrap(), written(2, 2));
    assert_eq!(f.store.write(source, &records).unwrap(), written(0, 0));
    f.assert_whole();
}

#[test]
fn many_records_are_all_stored_and_only_once() {
    // Neither less nor more than a statement of many rows takes, and what doesn't fill one.
    for len in [31, 32, 33, 100] {
        let mut f = Fixture::new();
        let source = f.scanned("head");
        let hosts: Vec<String> = (0..len).map(|n| format!("192.0.2.{}", n % 7)).collect();
        let records: Vec<_> = (0..)
            .zip(&hosts)
            .map(|(n, host)| failure(n * 100, n.cast_signed(), host, "text"))
            .collect();
        // Some are known before, in the middle of what is written.
        let known = f.store.write(source, &records[10..20]).unwrap();
        assert_eq!(known, written(10, 10));
        let new = written(len - 10, len - 10);
        assert_eq!(f.store.write(source, &records).unwrap(), new);
        assert_eq!(f.store.write(source, &records).unwrap(), Written::default());
        assert_eq!(f.store.reader().totals().unwrap().lines, len);
        assert_eq!(f.number("SELECT sum(time_us) FROM match WHERE failure"), {
            records
                .iter()
                .filter_map(|record| record.time)
                .map(crate::model::Time::micros)
                .sum::<i64>()
        });
        f.assert_whole();
    }
}

#[test]
fn what_is_counted_is_what_is_there() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    let far = |n: u64| n * 300_000;
    let hosts: Vec<String> = (0..40).map(|n| format!("192.0.2.{}", n * n % 11)).collect();
    let records: Vec<_> = (0..)
        .zip(&hosts)
        .map(|(n, host)| {
            let mut record = failure(far(n), (n * 7 % 13).cast_signed(), host, "text");
            record.nofail = n % 5 == 0;
            record.failure = !record.nofail;
            if n % 9 == 0 {
                record.time = None;
            }
            if n % 8 == 3 {
                record.host = None;
            }
            record
        })
        .collect();
    // In parts that cut blocks, twice, out of order, in two jails, and some that are lines for two hosts.
    for (source, part) in [(source, 5..17), (jailed, 0..40), (source, 0..40), (source, 30..40)] {
        f.store.write(source, &records[part]).unwrap();
        f.assert_whole();
    }
    let mut other: Vec<_> = records.iter().rev().cloned().collect();
    for record in &mut other {
        record.host = Some(Host::parse("2001:db8::1"));
    }
    let written = f.store.write(source, &other).unwrap();
    assert_eq!((written.matches, written.failures), (0, 32));
    f.assert_whole();
    f.store.forget_line(source.log, far(9)).unwrap();
    f.assert_whole();
    f.store.transact(|batch| batch.purge(at(6), u64::MAX)).unwrap();
    f.assert_whole();
}

#[test]
fn a_host_that_was_ignored_and_is_not_any_more_fails_after_all() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let ignored = Record { failure: false, ..failure(0, 1, "192.0.2.1", "a") };
    let found = [ignored, failure(100, 2, "192.0.2.1", "b")];
    assert_eq!(f.store.write(source, &found).unwrap(), written(2, 1));
    let now = [failure(0, 1, "192.0.2.1", "a"), found[1].clone()];
    assert_eq!(f.store.write(source, &now).unwrap(), written(0, 1));
    // And stays one.
    assert_eq!(f.store.write(source, &found).unwrap(), Written::default());
    assert_eq!(f.store.reader().totals().unwrap().failures, 2);
    f.assert_whole();
}

#[test]
fn a_name_with_several_addresses_is_a_failure_of_each() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let of = |host| failure(0, 1, host, "a");
    let records = [of("192.0.2.1"), of("192.0.2.2"), of("192.0.2.1")];
    assert_eq!(f.store.write(source, &records).unwrap(), written(1, 2));
    f.assert_whole();
}

#[test]
fn a_line_in_whose_place_another_one_is_stored_is_left_out_and_told() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store
        .write(source, &[failure(0, 1, "192.0.2.1", "a"), failure(100, 2, "192.0.2.2", "b")])
        .unwrap();
    let other = Scanned { filter: f.store.filter("other", "^y").unwrap(), ..source };
    for source in [source, other, other] {
        for host in ["192.0.2.9", "192.0.2.2"] {
            let records = [failure(0, 1, "192.0.2.1", "a"), failure(100, 2, host, "z")];
            assert_eq!(f.store.write(source, &records).unwrap().displaced, 1);
            f.assert_whole();
        }
    }
    assert_eq!(f.number("SELECT count(*) FROM match JOIN line USING (place) WHERE text = 'z'"), 0);
    assert_eq!(f.store.reader().history(&Host::parse("192.0.2.9"), 9).unwrap(), []);
    assert_eq!(f.store.reader().history(&Host::parse("192.0.2.2"), 9).unwrap().len(), 1);
}

#[test]
fn another_idea_about_the_year_adds_nothing() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store.write(source, &[failure(0, 1, "192.0.2.1", "a")]).unwrap();
    let later = f.store.write(source, &[failure(0, 31_536_001, "192.0.2.1", "a")]).unwrap();
    assert_eq!(later, Written::default());
    assert_eq!(f.number("SELECT time_us FROM match WHERE failure"), at(1).micros());
}

#[test]
fn a_line_that_two_filters_match_is_stored_once() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let other = Scanned { filter: f.store.filter("sshd", "^y").unwrap(), ..source };
    let records = [failure(0, 1, "192.0.2.1", "a")];
    f.store.write(source, &records).unwrap();
    assert_eq!(f.store.write(other, &records).unwrap(), written(1, 1));
    assert_eq!(f.number("SELECT count(*) FROM line"), 1);
}

#[test]
fn a_match_counts_once_in_each_jail() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    let records = [failure(0, 1, "192.0.2.1", "a")];
    f.store.write(source, &records).unwrap();
    assert_eq!(f.store.write(jailed, &records).unwrap(), written(0, 1));
}

#[test]
fn the_empty_name_is_no_jail() {
    let mut f = Fixture::new();
    assert_eq!(f.store.jail("").unwrap(), JailId::NONE);
    assert_ne!(f.store.jail("sshd").unwrap(), JailId::NONE);
}

#[test]
fn texts_that_are_not_utf8_come_back_byte_for_byte() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let mut records = [failure(0, 1, "192.0.2.1", "é"), failure(100, 2, "192.0.2.1", "")];
    records[1].text = b"\xff\x00x";
    f.store.write(source, &records).unwrap();
    let history = f.store.reader().history(&Host::parse("192.0.2.1"), 10).unwrap();
    let texts: Vec<_> = history
        .iter()
        .filter_map(|event| match event {
            Event::Match(line) => Some(line.text.as_slice()),
            Event::Ban(_) | Event::Prolongation(_) | Event::Told(_) => None,
        })
        .collect();
    assert_eq!(texts, ["é".as_bytes(), b"\xff\x00x"]);
    assert_eq!(f.number("SELECT count(*) FROM line WHERE typeof(text) = 'text'"), 1);
}

#[test]
fn a_match_without_a_host_is_no_failure() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let record = Record { host: None, time: None, ..failure(0, 1, "192.0.2.1", "a") };
    assert_eq!(f.store.write(source, &[record]).unwrap(), written(1, 0));
}

#[test]
fn a_batch_that_is_dropped_leaves_nothing_behind() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let records = [failure(0, 1, "192.0.2.1", "a")];
    let mut batch = f.store.begin().unwrap();
    batch.write(source, &records).unwrap();
    drop(batch);
    assert_eq!(f.number("SELECT count(*) FROM host"), 0);
    assert_eq!(f.store.write(source, &records).unwrap(), written(1, 1));
    f.assert_whole();
}

#[test]
fn hosts_that_another_process_purged_are_added_again() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store.write(source, &[failure(0, 1, "192.0.2.1", "a")]).unwrap();
    let mut other = crate::store::Store::open(&f.path()).unwrap();
    other.log(&Head::from_bytes(b"head"), "/var/log/auth.log", at(100)).unwrap();
    assert_eq!(other.transact(|batch| batch.purge(at(50), u64::MAX)).unwrap().hosts, 1);
    f.store.write(source, &[failure(100, 200, "192.0.2.1", "b")]).unwrap();
    f.assert_whole();
}

#[test]
fn err_places_beyond_a_tebibyte() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let error = f.store.write(source, &[failure(1 << 40, 1, "192.0.2.1", "a")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a line at byte 1099511627776 of a log; f2b can't store places beyond byte 1099511627775"
    );
    f.store.write(source, &[failure((1 << 40) - 1, 1, "192.0.2.1", "a")]).unwrap();
}

#[test]
fn err_a_log_that_was_purged_meanwhile() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store.transact(|batch| batch.purge(at(1), u64::MAX)).unwrap();
    let error = f.store.write(source, &[failure(0, 1, "192.0.2.1", "a")]).unwrap_err();
    assert!(matches!(error, StoreError::UnknownLog { .. }), "{error}");
}
