//! Jails and hosts in numbers.

use super::bans::{ban, host};
use super::{Fixture, at, failure};
use crate::model::{Ban, EndReason};
use crate::store::{Batch, JailSummary, Scanned, Totals};

#[test]
fn jails_and_hosts_are_summed_up() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    f.store.jail("idle").unwrap();
    let records = [
        failure(0, 1, "192.0.2.1", "a"),
        failure(100, 2, "192.0.2.2", "b"),
        failure(200, 3, "192.0.2.2", "c"),
    ];
    f.store.write(jailed, &records).unwrap();
    f.store.add_ban(&ban("192.0.2.1", "sshd", 1, Some(5))).unwrap();
    f.store.add_ban(&ban("192.0.2.2", "sshd", 1, Some(50))).unwrap();
    let reader = f.store.reader();
    let idle = JailSummary { name: "idle".to_owned(), ..JailSummary::default() };
    let sshd = JailSummary {
        name: "sshd".to_owned(),
        failures: 3,
        last_failure: Some(at(3)),
        bans_active: 1,
        bans: 2,
    };
    assert_eq!(reader.jails(at(10)).unwrap(), [idle, sshd]);
    assert_eq!(
        reader.failures_between("sshd", at(2), at(9), &[]).unwrap(),
        [(at(2), host("192.0.2.2")), (at(3), host("192.0.2.2"))]
    );
    let totals = Totals { logs: 1, lines: 3, matches: 3, failures: 3, hosts: 2, bans: 2 };
    assert_eq!(reader.totals().unwrap(), totals);
}

#[test]
fn hosts_whose_failures_led_to_nothing_yet_are_counted() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    f.store.jail("other").unwrap();
    // In two blocks.
    let far = 5 << 20;
    let records = [
        failure(0, 1, "198.51.100.1", "a"),
        failure(100, 2, "198.51.100.2", "b"),
        failure(200, 2, "198.51.100.3", "c"),
        failure(far, 3, "198.51.100.1", "d"),
        failure(far + 100, 4, "198.51.100.2", "e"),
        failure(far + 200, 5, "198.51.100.3", "f"),
        failure(far + 300, 6, "198.51.100.4", "g"),
    ];
    f.store.write(jailed, &records).unwrap();
    let failing = |f: &Fixture, from, to| {
        f.store.reader().count_failing("sshd", at(from), at(to), 3).unwrap()
    };
    assert_eq!((failing(&f, 1, 7), failing(&f, 2, 4), failing(&f, 7, 9)), (4, 3, 0));
    // One for all of it, one for its beginning, one elsewhere.
    let led =
        |host: &str, failures, jail: &str, secs| Ban { failures, ..ban(host, jail, secs, None) };
    f.store.add_ban(&led("198.51.100.2", 2, "sshd", 4)).unwrap();
    f.store.add_ban(&led("198.51.100.3", 1, "sshd", 2)).unwrap();
    f.store.add_ban(&led("198.51.100.4", 1, "other", 6)).unwrap();
    assert_eq!((failing(&f, 1, 7), failing(&f, 1, 5)), (3, 1));
    // More of the same instant; three more, for which he would have been banned if he weren't.
    let more = |offset, secs, host| failure(far + offset, secs, host, "more");
    f.store.write(jailed, &[more(400, 4, "198.51.100.2")]).unwrap();
    assert_eq!(failing(&f, 1, 7), 4);
    let two = [more(500, 5, "198.51.100.2"), more(600, 5, "198.51.100.2")];
    f.store.write(jailed, &two).unwrap();
    assert_eq!(failing(&f, 1, 7), 3);
}

#[test]
fn a_jail_by_itself_has_the_numbers_that_it_has_among_all() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    f.store.write(jailed, &[failure(0, 1, "192.0.2.1", "one")]).unwrap();
    let all = |f: &Fixture, now| f.store.reader().jails(at(now)).unwrap();
    let one = |f: &Fixture, name: &str, now| f.store.reader().jail(name, at(now)).unwrap();
    // Nothing is known of a jail without a name.
    assert_eq!((all(&f, 5).len(), one(&f, "", 5)), (1, None));
    for (jail, from, until) in [("", 0, None), ("sshd", 0, Some(10)), ("sshd", 20, None)] {
        f.store.add_ban(&ban("192.0.2.1", jail, from, until)).unwrap();
    }
    let web = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map(|host| ban(host, "web", 5, Some(30)));
    f.store.add_bans(&web).unwrap();
    let lift = |batch: &mut Batch<'_>| {
        batch.end_bans(&web[0].host, Some("web"), at(15), EndReason::Unbanned)
    };
    f.store.transact(lift).unwrap();
    for now in [0, 4, 5, 9, 10, 14, 15, 20, 29, 30, 99] {
        let all = all(&f, now);
        assert_eq!(all.len(), 3, "{all:?}");
        for jail in all {
            assert_eq!(one(&f, &jail.name, now), Some(jail), "{now}");
        }
    }
    assert_eq!(one(&f, "no such jail", 5), None);
}
