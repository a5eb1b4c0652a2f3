//! How far jails have read.

use super::{Fixture, at};
use crate::model::Head;
use crate::store::{LogPosition, Position};

#[test]
fn a_jail_has_read_each_log_so_far() {
    let mut f = Fixture::new();
    let mut log = |head: &[u8]| f.store.log(&Head::from_bytes(head), "/l", at(0)).unwrap();
    let (first, second) = (log(b"one\n"), log(b"two\n"));
    let so_far = |offset| Position { offset, lines: offset / 4 };
    f.store
        .transact(|batch| {
            batch.set_position("sshd", first, so_far(4), at(1))?;
            batch.set_position("sshd", second, so_far(8), at(1))?;
            batch.set_position("sshd", first, so_far(12), at(2))?;
            batch.set_position("other", first, so_far(4), at(2))
        })
        .unwrap();
    let read = f.store.reader().positions("sshd").unwrap();
    let expected = [(first, 12, 2), (second, 8, 1)].map(|(log, to, when)| LogPosition {
        log,
        path: "/l".to_owned(),
        position: so_far(to),
        at: at(when),
    });
    assert_eq!(read, expected);
    assert_eq!(f.store.reader().positions("nosuch").unwrap(), []);
    f.assert_whole();
}

#[test]
fn a_log_that_is_followed_is_not_forgotten() {
    let mut f = Fixture::new();
    let log = f.store.log(&Head::from_bytes(b"one\n"), "/l", at(0)).unwrap();
    let read = |f: &mut Fixture, when| {
        f.store.transact(|b| b.set_position("sshd", log, Position::default(), at(when))).unwrap();
    };
    let purged = |f: &mut Fixture| f.store.transact(|batch| batch.purge(at(100), 10)).unwrap().logs;
    read(&mut f, 100);
    assert_eq!(purged(&mut f), 0);
    read(&mut f, 99);
    assert_eq!(purged(&mut f), 1);
    f.assert_whole();
}

#[test]
fn a_jail_has_read_a_journal_up_to_an_entry() {
    let mut f = Fixture::new();
    let cursor = |f: &Fixture, jail| f.store.reader().cursor(jail, "").unwrap();
    assert_eq!(cursor(&f, "sshd"), None);
    f.store.transact(|batch| batch.set_cursor("sshd", "", "s=1", at(1))).unwrap();
    f.store.transact(|batch| batch.set_cursor("sshd", "", "s=2", at(2))).unwrap();
    assert_eq!(cursor(&f, "sshd"), Some(("s=2".to_owned(), at(2))));
    assert_eq!(cursor(&f, "other"), None);
}
