//! Which log is this.

use proptest::prelude::*;

use super::{Fixture, at};
use crate::model::{HEAD_MAX_BYTES, Head};
use crate::store::{LogId, Store};

fn seen(store: &mut Store, head: &[u8], secs: i64) -> LogId {
    store.log(&Head::from_bytes(head), "/var/log/auth.log", at(secs)).unwrap()
}

#[test]
fn a_grown_log_is_the_same_and_so_is_a_shorter_copy() {
    let mut f = Fixture::new();
    let id = seen(&mut f.store, b"Nov 23 one\n", 0);
    assert_eq!(seen(&mut f.store, b"Nov 23 one\nNov 23 two\n", 1), id);
    assert_eq!(seen(&mut f.store, b"Nov 23 o", 2), id);
    assert_eq!(f.number("SELECT length(head) FROM log"), 22);
}

#[test]
fn a_log_that_begins_otherwise_is_another_one() {
    let mut f = Fixture::new();
    for differs_at in [4095, 4096, HEAD_MAX_BYTES - 1] {
        let id = seen(&mut f.store, &vec![b'a'; 70_000], 0);
        let mut other = vec![b'a'; 70_000];
        other[differs_at] = b'b';
        assert_ne!(seen(&mut f.store, &other, 0), id);
        assert_eq!(seen(&mut f.store, &vec![b'a'; 70_000], 0), id);
    }
    assert_eq!(f.number("SELECT max(length(head)) FROM log"), 4096);
    assert!(f.number("SELECT max(length(more)) FROM log") < 1000);
}

#[test]
fn a_hole_before_the_first_line_tells_logs_apart() {
    let mut f = Fixture::new();
    let id = seen(&mut f.store, b"\0\0Nov 23 one\n", 0);
    assert_ne!(seen(&mut f.store, b"\0\0\0Nov 23 one\n", 0), id);
    assert_ne!(seen(&mut f.store, b"Nov 23 one\n", 0), id);
    assert_eq!(seen(&mut f.store, b"\0\0Nov 23 one\nNov 23 two\n", 0), id);
    assert_eq!(f.number("SELECT starts FROM log ORDER BY id LIMIT 1"), 2);
}

#[test]
fn what_comes_after_the_longest_head_does_not_matter() {
    let mut f = Fixture::new();
    let id = seen(&mut f.store, &vec![b'a'; HEAD_MAX_BYTES], 0);
    let mut other = vec![b'a'; 70_000];
    other[HEAD_MAX_BYTES] = b'b';
    assert_eq!(seen(&mut f.store, &other, 0), id);
}

#[test]
fn a_line_behind_the_longest_head_tells_logs_apart() {
    let mut f = Fixture::new();
    let (head, path) = (Head::from_bytes(&vec![b'a'; 70_000]), "/var/log/auth.log");
    let log = |store: &mut Store, line: &[u8]| {
        store
            .log_at_hand(&head, path, at(0), &|_, len| line[..line.len().min(len)].to_vec())
            .unwrap()
    };
    let one = log(&mut f.store, b"one");
    let source = f.scanned_of(one);
    f.store.write(source, &[super::failure(66_000, 0, "192.0.2.1", "one")]).unwrap();
    let two = log(&mut f.store, b"two");
    assert_ne!(one, two);
    let source = f.scanned_of(two);
    f.store.write(source, &[super::failure(66_000, 0, "192.0.2.2", "two")]).unwrap();
    // Also the half of it, and what can't be looked at.
    for (line, expected) in [("one", one), ("two", two), ("on", one), ("", two)] {
        assert_eq!(log(&mut f.store, line.as_bytes()), expected, "{line}");
    }
}

#[test]
fn a_short_head_that_fits_several_is_the_one_last_seen() {
    let mut f = Fixture::new();
    let first = seen(&mut f.store, b"Nov 23 one\n", 0);
    let second = seen(&mut f.store, b"Nov 23 two\n", 1);
    assert_ne!(first, second);
    assert_eq!(seen(&mut f.store, b"Nov 23 ", 2), second);
    seen(&mut f.store, b"Nov 23 one\n", 3);
    assert_eq!(seen(&mut f.store, b"Nov 23 ", 4), first);
}

#[test]
fn a_log_is_shown_where_it_was_last_seen() {
    let mut f = Fixture::new();
    f.store.log(&Head::from_bytes(b"head"), "/var/log/auth.log", at(0)).unwrap();
    f.store.log(&Head::from_bytes(b"head"), "/var/log/auth.log.1", at(9)).unwrap();
    let path: String = f.sqlite().query_row("SELECT path FROM log", [], |row| row.get(0)).unwrap();
    assert_eq!(path, "/var/log/auth.log.1");
    assert_eq!(f.number("SELECT seen_us FROM log"), at(9).micros());
}

#[test]
fn an_empty_log_does_not_move_another_one() {
    let mut f = Fixture::new();
    let id = f.store.log(&Head::from_bytes(b"head"), "/var/log/auth.log", at(0)).unwrap();
    assert_eq!(f.store.log(&Head::from_bytes(b""), "/var/log/empty.log", at(1)).unwrap(), id);
    assert_eq!(f.number("SELECT path = '/var/log/auth.log' FROM log"), 1);
}

#[test]
fn err_more_logs_than_places_can_tell_apart() {
    let mut f = Fixture::new();
    seen(&mut f.store, b"first", 0);
    f.sqlite()
        .execute_batch("UPDATE sqlite_sequence SET seq = 8388606 WHERE name = 'log'")
        .unwrap();
    let last = seen(&mut f.store, b"last", 0);
    let source = f.scanned_of(last);
    f.store.write(source, &[super::failure((1 << 40) - 1, 0, "192.0.2.1", "a")]).unwrap();
    assert_eq!(f.number("SELECT place FROM match"), i64::MAX);
    let error = f.store.log(&Head::from_bytes(b"more"), "x", at(0)).unwrap_err().to_string();
    let path = f.path();
    assert_eq!(
        error,
        format!("{}: it knows 8388607 logs, no more fit in; start another store", path.display())
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn all_heads_of_one_content_are_one_log(
        content in proptest::collection::vec(prop_oneof![Just(b'a'), Just(0xff), 1_u8..], 1..300),
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 1..12),
        other in proptest::collection::vec(1_u8.., 1..100),
    ) {
        let mut f = Fixture::new();
        let first = cuts[0].index(content.len()) + 1;
        // A log that differs from it in the very first byte changes nothing.
        let mut stranger = other;
        stranger[0] = content[0].checked_add(1).unwrap_or(1);
        let stranger = seen(&mut f.store, &stranger, 0);
        let id = seen(&mut f.store, &content[..first], 0);
        prop_assert_ne!(id, stranger);
        let mut longest = first;
        for cut in &cuts {
            let len = cut.index(content.len()) + 1;
            longest = longest.max(len);
            prop_assert_eq!(seen(&mut f.store, &content[..len], 0), id);
        }
        prop_assert_eq!(f.number("SELECT count(*) FROM log"), 2);
        let kept = f.number("SELECT length(head) FROM log ORDER BY id DESC LIMIT 1");
        prop_assert_eq!(usize::try_from(kept).unwrap(), longest);
    }

    #[test]
    fn no_stored_head_is_a_prefix_of_another(
        heads in proptest::collection::vec(proptest::collection::vec(1_u8..3, 1..70), 1..20),
    ) {
        let mut f = Fixture::new();
        for head in &heads {
            let id = seen(&mut f.store, head, 0);
            prop_assert_eq!(seen(&mut f.store, head, 0), id);
        }
        let pairs = "SELECT count(*) FROM log AS a JOIN log AS b ON a.id <> b.id
            AND substr(b.head, 1, length(a.head)) = a.head";
        prop_assert_eq!(f.number(pairs), 0);
    }
}
