//! Bans by their numbers.

use super::{Fixture, at};
use crate::model::{Ban, Head, Host, Origin, Time};
use crate::store::{LOG_OF_BANS, Position};

fn ban(host: &str, from: i64, origin: Origin) -> Ban {
    let (host, jail) = (Host::parse(host), "sshd".to_owned());
    Ban { host, jail, at: at(from), until: Some(at(from + 10)), origin, failures: 5, ended: None }
}

/// Which bans there are from a number on: number, host, whether it is new.
fn from(f: &Fixture, number: u64, since: Time) -> Vec<(u64, String, bool)> {
    let bans = f.store.reader().bans_from(number, since).unwrap().into_iter();
    bans.map(|found| (found.number, found.ban.host.to_string(), found.is_new)).collect()
}

#[test]
fn bans_have_the_order_in_which_they_were_made() {
    let mut f = Fixture::new();
    assert_eq!(f.store.reader().last_ban().unwrap(), 0);
    let [a, b, c] = ["198.51.100.1", "198.51.100.2", "198.51.100.3"];
    let bans = [ban(a, 9, Origin::Daemon), ban(b, 5, Origin::Scan), ban(c, 7, Origin::Import)];
    f.store.add_bans(&bans).unwrap();
    let longer = Ban { until: None, ..ban(a, 9, Origin::Manual) };
    f.store.transact(|batch| batch.replace_ban(longer).map(drop)).unwrap();
    let told = |number: u64, host: &str, is_new| (number, host.to_owned(), is_new);
    let all = [told(1, a, true), told(2, b, true), told(3, c, false), told(4, a, false)];
    assert_eq!(from(&f, 0, at(0)), all);
    assert_eq!(from(&f, 3, at(0)), all[2..]);
    assert_eq!(from(&f, 0, at(9)), [told(1, a, true), told(4, a, false)]);
    assert_eq!(f.store.reader().last_ban().unwrap(), 4);
}

#[test]
fn no_number_is_given_twice_where_bans_are_counted_by_them() {
    let mut f = Fixture::new();
    let counted = f.store.log(&Head::from_bytes(b"x\n"), LOG_OF_BANS, at(0)).unwrap();
    f.store.add_ban(&ban("198.51.100.1", 0, Origin::Daemon)).unwrap();
    f.store.add_ban(&ban("198.51.100.2", 0, Origin::Daemon)).unwrap();
    f.store
        .transact(|batch| {
            batch.set_position("recidive", counted, Position { offset: 3, lines: 2 }, at(99))
        })
        .unwrap();
    f.store.transact(|batch| batch.purge(at(50), 100).map(drop)).unwrap();
    f.store.add_ban(&ban("198.51.100.3", 60, Origin::Daemon)).unwrap();
    assert_eq!(from(&f, 3, at(0)), [(3, "198.51.100.3".to_owned(), true)]);
}
