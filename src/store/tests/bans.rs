//! Bans, what is known of a host, numbers, and forgetting.

use super::{Fixture, at, failure};
use crate::model::{Ban, EndReason, Head, Host, Origin, Time};
use crate::store::{
    BanOrder, Batch, Event, Export, Installation, JailId, Purged, Record, Scanned, StoreError,
    Totals, Trouble,
};

pub(super) fn host(text: &str) -> Host {
    Host::parse(text)
}

/// A ban from `from` to `until` (seconds of the day).
pub(super) fn ban(text: &str, jail: &str, from: i64, until: Option<i64>) -> Ban {
    Ban {
        host: host(text),
        jail: jail.to_owned(),
        at: at(from),
        until: until.map(at),
        origin: Origin::Daemon,
        failures: 5,
        ended: None,
    }
}

#[test]
fn a_ban_is_added_once_and_comes_back_as_it_was() {
    let mut f = Fixture::new();
    let mut ended = ban("2001:db8::/64", "nginx", 5, Some(9));
    ended.ended = Some((at(7), EndReason::Replaced));
    let bans = [ban("192.0.2.1", "sshd", 0, Some(600)), ended, ban("name", "", 7, None)];
    assert_eq!(f.store.add_bans(&bans).unwrap(), 3);
    assert!(!f.store.add_ban(&bans[0]).unwrap());
    assert_eq!(f.store.reader().bans_all().unwrap(), bans);
    f.assert_whole();
}

#[test]
fn active_bans_are_those_that_the_model_calls_active_at_any_instant() {
    let mut f = Fixture::new();
    let mut lifted = ban("192.0.2.3", "sshd", 0, Some(600));
    lifted.ended = Some((at(300), EndReason::Unbanned));
    let mut lifted_permanent = ban("192.0.2.4", "sshd", 10, None);
    lifted_permanent.ended = Some((at(300), EndReason::Unbanned));
    let bans = [
        ban("192.0.2.1", "sshd", 0, Some(600)),
        ban("192.0.2.2", "sshd", 100, None),
        lifted,
        lifted_permanent,
        ban("192.0.2.5", "web", 100, Some(200)),
    ];
    f.store.add_bans(&bans).unwrap();
    for now in [-1, 0, 9, 10, 99, 100, 199, 200, 299, 300, 599, 600, 601] {
        let expected: Vec<_> = bans.iter().filter(|b| b.is_active(at(now))).cloned().collect();
        assert_eq!(f.store.reader().bans_active(at(now), None).unwrap(), expected, "{now}");
        for jail in ["sshd", "web", "no such jail"] {
            let expected: Vec<_> = expected.iter().filter(|b| b.jail == jail).cloned().collect();
            let found = f.store.reader().bans_active(at(now), Some(jail)).unwrap();
            assert_eq!(found, expected, "{now} {jail}");
        }
    }
}

#[test]
fn expired_bans_are_sealed_with_the_time_they_were_to_end() {
    let mut f = Fixture::new();
    f.store.add_ban(&ban("192.0.2.1", "sshd", 0, Some(600))).unwrap();
    f.store.add_ban(&ban("192.0.2.2", "sshd", 0, None)).unwrap();
    assert_eq!(f.store.transact(|batch| batch.expire(at(599))).unwrap(), 0);
    assert_eq!(f.store.transact(|batch| batch.expire(at(1000))).unwrap(), 1);
    let sealed = f.store.reader().bans_of(&host("192.0.2.1")).unwrap();
    assert_eq!(sealed[0].ended, Some((at(600), EndReason::Expired)));
}

#[test]
fn the_bans_that_reach_past_an_instant_are_those_that_later_decisions_must_know() {
    let mut f = Fixture::new();
    let lifted = |text, ended| Ban {
        ended: Some((at(ended), EndReason::Unbanned)),
        ..ban(text, "sshd", 0, Some(600))
    };
    let bans = [
        ban("192.0.2.1", "sshd", 0, Some(300)),
        lifted("192.0.2.2", 299),
        lifted("192.0.2.3", 301),
        ban("192.0.2.4", "sshd", 10, Some(301)),
        ban("192.0.2.5", "sshd", 10, None),
        ban("192.0.2.6", "sshd", 400, Some(500)),
        ban("192.0.2.7", "web", 10, None),
    ];
    f.store.add_bans(&bans).unwrap();
    let reaching = |f: &Fixture| {
        let mut found = Vec::new();
        let take = |ban: Ban| {
            found.push(ban.host.to_string());
            Ok::<_, StoreError>(())
        };
        f.store.reader().each_reaching("sshd", at(300), take).unwrap();
        found
    };
    let expected = ["192.0.2.3", "192.0.2.4", "192.0.2.5", "192.0.2.6"];
    assert_eq!(reaching(&f), expected);
    f.store.transact(|batch| batch.expire(at(9999))).unwrap();
    assert_eq!(reaching(&f), expected, "sealing changes nothing");
}

#[test]
fn earlier_bans_are_counted_until_an_administrator_forgives() {
    let mut f = Fixture::new();
    let sshd = |from| ban("192.0.2.1", "sshd", from, Some(from + 10));
    let bans = [sshd(0), sshd(100), ban("192.0.2.1", "web", 50, Some(60)), sshd(300)];
    f.store.add_bans(&bans).unwrap();
    let who = host("192.0.2.1");
    let earlier = |f: &Fixture, jail, before| {
        let found = f.store.reader().earlier_bans(&who, jail, at(before)).unwrap();
        (found.count, found.last)
    };
    assert_eq!(earlier(&f, Some("sshd"), 0), (0, None), "a ban is not before itself");
    assert_eq!(earlier(&f, Some("sshd"), 300), (2, Some(at(100))));
    assert_eq!(earlier(&f, None, 301), (4, Some(at(300))));
    assert_eq!(earlier(&f, Some("nosuch"), 301), (0, None));
    // Lifted at 305: the bans of that jail up to then are forgiven, from then on.
    let lift =
        |batch: &mut Batch<'_>| batch.end_bans(&who, Some("sshd"), at(305), EndReason::Unbanned);
    f.store.transact(lift).unwrap();
    f.store.add_ban(&sshd(400)).unwrap();
    assert_eq!(earlier(&f, Some("sshd"), 500), (1, Some(at(400))));
    assert_eq!(earlier(&f, None, 500), (2, Some(at(400))));
    assert_eq!(earlier(&f, Some("sshd"), 301), (3, Some(at(300))), "it was not lifted by then");
}

#[test]
fn a_transaction_sees_its_own_bans_and_leaves_nothing_when_it_fails() {
    let mut f = Fixture::new();
    let new = ban("192.0.2.1", "sshd", 0, None);
    let failed: Result<(), StoreError> = f.store.transact(|batch| {
        batch.add_bans(std::slice::from_ref(&new))?;
        assert!(batch.reader().is_banned(&new.host, "sshd", at(1))?);
        assert!(!batch.reader().is_banned(&new.host, "web", at(1))?);
        Err(StoreError::Offset { offset: 0 })
    });
    assert!(failed.is_err());
    assert_eq!(f.store.reader().bans_all().unwrap(), []);
    assert!(!f.store.reader().is_banned(&new.host, "sshd", at(1)).unwrap());
}

#[test]
fn a_list_of_bans_has_the_order_that_is_asked_for() {
    let mut f = Fixture::new();
    let hosts = ["10.0.0.9", "9.0.0.0/8", "2001:db8::1", "name", "9.1.2.3"];
    let begins = [7, 0, 8, 0, 8];
    let made: Vec<_> = hosts
        .iter()
        .zip(begins)
        .flat_map(|(host, from)| ["web", "sshd"].map(|jail| ban(host, jail, from, None)))
        .collect();
    assert_eq!(f.store.add_bans(&made).unwrap(), made.len() as u64);
    let list = |order, jail| {
        let mut found = Vec::new();
        let take = |ban: Ban| {
            found.push(ban);
            Ok::<_, StoreError>(())
        };
        f.store.reader().each_active(at(9), jail, order, take).unwrap();
        found
    };
    // Addresses sort as addresses do; a sort keeps those of an instant as they were made.
    let mut expected = made;
    expected.sort_by_key(|ban| ban.at);
    assert_eq!(list(BanOrder::Begin, None), expected);
    expected.sort_by_key(|ban| (ban.host.clone(), ban.jail.clone()));
    assert_eq!(list(BanOrder::Host, None), expected);
    expected.sort_by_key(|ban| (ban.jail.clone(), ban.host.clone()));
    assert_eq!(list(BanOrder::Jail, None), expected);
    expected.retain(|ban| ban.jail == "web");
    assert_eq!(list(BanOrder::Host, Some("web")), expected);
}

#[test]
fn lifting_ends_what_is_in_force_in_the_jail_that_is_named() {
    let mut f = Fixture::new();
    let bans = [
        ban("192.0.2.1", "sshd", 0, Some(10)),
        ban("192.0.2.1", "sshd", 100, None),
        ban("192.0.2.1", "web", 100, Some(900)),
        ban("192.0.2.2", "web", 100, Some(900)),
    ];
    f.store.add_bans(&bans).unwrap();
    let mut lift = |jail| {
        f.store.transact(|batch| batch.end_bans(&bans[0].host, jail, at(200), EndReason::Unbanned))
    };
    assert_eq!(lift(Some("no such jail")).unwrap(), []);
    let ended = Some((at(200), EndReason::Unbanned));
    assert_eq!(lift(Some("web")).unwrap(), [Ban { ended, ..bans[2].clone() }]);
    assert_eq!(lift(None).unwrap(), [Ban { ended, ..bans[1].clone() }]);
    assert_eq!(lift(None).unwrap(), []);
    assert_eq!(f.store.reader().bans_active(at(200), None).unwrap(), [bans[3].clone()]);
}

#[test]
fn the_history_of_a_host_is_in_time_order_with_its_lines() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let jailed = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    let nofail = Record { nofail: true, failure: false, ..failure(50, 5, "192.0.2.1", "hello") };
    let undated = Record { time: None, ..failure(300, 0, "192.0.2.1", "undated") };
    let records =
        [failure(0, 1, "192.0.2.1", "one"), nofail, failure(100, 9, "192.0.2.2", "x"), undated];
    f.store.write(jailed, &records).unwrap();
    f.store.add_ban(&ban("192.0.2.1", "sshd", 1, Some(600))).unwrap();
    let told: Vec<String> = f
        .store
        .reader()
        .history(&host("192.0.2.1"), 10)
        .unwrap()
        .iter()
        .map(|event| match event {
            Event::Ban(ban) => format!("ban {}", ban.jail),
            Event::Prolongation(longer) => format!("longer {}", longer.jail),
            Event::Told(line) => line.text.clone(),
            Event::Match(line) => format!(
                "{} {:?} {}:{}",
                String::from_utf8_lossy(&line.text),
                line.failure.as_ref().map(|(jail, origin)| (jail.as_str(), origin.name())),
                line.log,
                line.line
            ),
        })
        .collect();
    assert_eq!(
        told,
        [
            "undated Some((\"sshd\", \"scan\")) /var/log/auth.log:4",
            "one Some((\"sshd\", \"scan\")) /var/log/auth.log:1",
            "ban sshd",
            "hello None /var/log/auth.log:1",
        ]
    );
    let last = f.store.reader().history(&host("192.0.2.1"), 1).unwrap();
    assert_eq!(last.len(), 2, "the last match and the ban");
    assert_eq!(f.store.reader().history(&host("192.0.2.9"), 10).unwrap(), []);
}

#[test]
fn a_purge_keeps_what_is_later_and_bans_in_force() {
    let mut f = Fixture::new();
    let source = f.scanned("old and new");
    let gone = f.scanned("rotated away");
    let undated = |offset| Record { time: None, ..failure(offset, 0, "192.0.2.3", "undated") };
    f.store.write(source, &[failure(0, 1, "192.0.2.1", "old"), undated(50)]).unwrap();
    f.store.write(source, &[failure(100, 100, "192.0.2.2", "new")]).unwrap();
    f.store.write(gone, &[undated(0)]).unwrap();
    f.store.log(&Head::from_bytes(b"old and new"), "/var/log/auth.log", at(100)).unwrap();
    f.store.add_ban(&ban("192.0.2.8", "sshd", 1, Some(9))).unwrap();
    f.store.add_ban(&ban("192.0.2.9", "sshd", 1, None)).unwrap();
    let purged = f.store.transact(|batch| batch.purge(at(50), u64::MAX)).unwrap();
    let expected = Purged { lines: 2, matches: 2, failures: 2, bans: 1, hosts: 2, logs: 1 };
    assert_eq!(purged, expected);
    let totals = Totals { logs: 1, lines: 2, matches: 2, failures: 2, hosts: 3, bans: 1 };
    assert_eq!(f.store.reader().totals().unwrap(), totals);
    f.assert_whole();
}

#[test]
fn a_purge_gives_the_space_back() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let text = "x".repeat(1000);
    let records: Vec<_> = (0..2000).map(|n| failure(n * 1001, 1, "192.0.2.1", &text)).collect();
    f.store.write(source, &records).unwrap();
    let before = f.number("PRAGMA page_count");
    f.store.transact(|batch| batch.purge(at(50), u64::MAX)).unwrap();
    f.store.give_back(u32::MAX).unwrap();
    assert_eq!(f.number("PRAGMA freelist_count"), 0);
    assert!(f.number("PRAGMA page_count") < before / 4);
}

#[test]
fn exports_are_remembered_until_they_are_forgotten() {
    let mut f = Fixture::new();
    f.store.transact(|batch| batch.set_export("/etc/deny", "plain", at(0))).unwrap();
    f.store.transact(|batch| batch.set_export("/etc/deny", "nginx", at(1))).unwrap();
    let export =
        Export { path: "/etc/deny".to_owned(), format: "nginx".to_owned(), written: at(1) };
    assert_eq!(f.store.reader().exports().unwrap(), [export]);
    assert!(f.store.transact(|batch| batch.forget_export("/etc/deny")).unwrap());
    assert!(!f.store.transact(|batch| batch.forget_export("/etc/deny")).unwrap());
}

#[test]
fn a_purge_in_steps_deletes_the_oldest_first_and_all_in_the_end() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let records: Vec<_> =
        (0..6).map(|n| failure(n << 20, 9 - i64::try_from(n).unwrap(), "192.0.2.1", "x")).collect();
    f.store.write(source, &records).unwrap();
    f.store
        .write(source, &[Record { time: None, ..failure(9 << 20, 0, "192.0.2.2", "undated") }])
        .unwrap();
    f.store.add_bans(&[1, 2].map(|secs| ban("192.0.2.1", "sshd", secs, Some(9)))).unwrap();
    let mut step = || f.store.transact(|batch| batch.purge(at(50), 4)).unwrap();
    let first = Purged { lines: 4, matches: 4, failures: 4, bans: 2, hosts: 1, logs: 0 };
    assert_eq!(step(), first);
    let rest = Purged { lines: 3, matches: 3, failures: 3, bans: 0, hosts: 1, logs: 1 };
    assert_eq!(step(), rest);
    assert!(step().is_nothing());
    f.assert_whole();
}

#[test]
fn what_was_put_into_the_packet_filter_is_known_until_it_is_taken_out() {
    let mut f = Fixture::new();
    let put = |recipe: &str, seconds| Installation {
        jail: "sshd".into(),
        action: "nftables".into(),
        recipe: recipe.into(),
        since: at(seconds),
    };
    for put in [put("one", 1), put("other", 2)] {
        f.store.transact(|batch| batch.set_installation(&put)).unwrap();
    }
    assert_eq!(f.store.reader().installations().unwrap(), [put("other", 2)]);
    f.store.transact(|batch| batch.forget_installation("sshd", "iptables")).unwrap();
    assert_eq!(f.store.reader().installations().unwrap().len(), 1);
    f.store.transact(|batch| batch.forget_installation("sshd", "nftables")).unwrap();
    assert_eq!(f.store.reader().installations().unwrap(), []);
}

#[test]
fn trouble_has_begun_when_it_was_first_told() {
    let mut f = Fixture::new();
    for (why, seconds) in [("no nft", 1), ("no root", 2)] {
        let tell = |batch: &mut Batch<'_>| batch.set_trouble("sshd", "nftables", why, at(seconds));
        f.store.transact(tell).unwrap();
    }
    let trouble = &f.store.reader().troubles().unwrap()[..];
    let [Trouble { since, why, tries: 2, .. }] = trouble else { panic!("{trouble:?}") };
    assert_eq!((*since, why.as_str()), (at(1), "no root"));
    f.store.transact(|batch| batch.forget_trouble("sshd", "nftables")).unwrap();
    assert_eq!(f.store.reader().troubles().unwrap(), []);
}

#[test]
fn a_change_is_pending_until_it_was_carried_out() {
    let mut f = Fixture::new();
    let pending = |f: &Fixture| f.store.reader().pending().unwrap();
    f.store.add_ban(&ban("192.0.2.1", "sshd", 0, Some(10))).unwrap();
    f.store.add_ban(&ban("192.0.2.2", "smtp", 0, None)).unwrap();
    let seen = pending(&f);
    assert_eq!(seen, [("smtp".to_owned(), 1), ("sshd".to_owned(), 1)].into());
    f.store.transact(|batch| batch.expire(at(20))).unwrap();
    // Who knew of the ban only has not carried out its end.
    let carry_out = |batch: &mut Batch<'_>| {
        seen.iter().try_for_each(|(jail, changes)| batch.forget_pending(jail, *changes, at(30)))
    };
    f.store.transact(carry_out).unwrap();
    assert_eq!(pending(&f), [("sshd".to_owned(), 2)].into());
}

#[test]
fn that_a_ban_was_carried_out_is_no_change() {
    let mut f = Fixture::new();
    f.store
        .add_bans(&[ban("192.0.2.1", "sshd", 0, None), ban("192.0.2.2", "smtp", 0, None)])
        .unwrap();
    let mut carried_out = |jail, changes, secs| {
        f.store.transact(|batch| batch.forget_pending(jail, changes, at(secs))).unwrap();
        let enforced = "SELECT enforced_us FROM ban ORDER BY id";
        let conn = f.sqlite();
        let mut select = conn.prepare(enforced).unwrap();
        let rows = select.query_map([], |row| row.get::<_, Option<i64>>(0)).unwrap();
        let enforced: Vec<_> = rows.map(|at| at.unwrap().map(Time::from_micros)).collect();
        (enforced, f.store.reader().pending().unwrap().len())
    };
    // Somebody has changed more meanwhile.
    assert_eq!(carried_out("sshd", 0, 5), (vec![None, None], 2));
    assert_eq!(carried_out("sshd", 1, 6), (vec![Some(at(6)), None], 1));
    assert_eq!(carried_out("smtp", 1, 7), (vec![Some(at(6)), Some(at(7))], 0));
}

#[test]
fn a_ban_is_without_effect_if_its_host_goes_on_failing_after_it_was_carried_out() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    let source = Scanned { jail: f.store.jail("sshd").unwrap(), ..source };
    // Its log's time; it is carried out later, when the log is read.
    f.store
        .add_bans(&[ban("192.0.2.1", "sshd", 0, None), ban("192.0.2.2", "sshd", 0, None)])
        .unwrap();
    let mut nofail = failure(2_000_400, 90, "192.0.2.2", "d");
    (nofail.nofail, nofail.failure) = (true, false);
    let records = [
        failure(0, 40, "192.0.2.1", "before"),
        failure(100, 59, "192.0.2.1", "grace"),
        failure(2_000_000, 61, "192.0.2.1", "a"),
        failure(2_000_100, 80, "192.0.2.1", "b"),
        failure(2_000_200, 70, "192.0.2.3", "not banned"),
        nofail,
    ];
    f.store.write(source, &records).unwrap();
    f.store
        .write(Scanned { jail: JailId::NONE, ..source }, &[failure(300, 90, "192.0.2.2", "c")])
        .unwrap();
    let found = |f: &Fixture, secs| {
        let found = f.store.reader().bans_without_effect(at(secs), Some("sshd")).unwrap();
        let all = f.store.reader().bans_without_effect(at(secs), None).unwrap();
        assert_eq!(found, all);
        found.iter().map(|w| (w.ban.host.to_string(), w.failures, w.last)).collect::<Vec<_>>()
    };
    let put = Installation {
        jail: "sshd".into(),
        action: "nftables".into(),
        recipe: "{}".into(),
        since: at(0),
    };
    f.store.transact(|batch| batch.set_installation(&put)).unwrap();
    assert_eq!(found(&f, 100), []);
    f.store.transact(|batch| batch.forget_pending("sshd", 2, at(50))).unwrap();
    let one = |failures, last| vec![("192.0.2.1".to_owned(), failures, at(last))];
    assert_eq!(found(&f, 100), one(2, 80));
    assert_eq!(found(&f, 75), one(1, 61));
    assert_eq!(found(&f, 86_400 + 60), one(1, 80));
    assert_eq!(found(&f, 86_400 + 71), []);
    f.store.transact(|batch| batch.set_trouble("sshd", "nftables", "no nft", at(90))).unwrap();
    assert_eq!(found(&f, 100), []);
    f.store.transact(|batch| batch.forget_trouble("sshd", "nftables")).unwrap();
    // Somebody has mended it.
    f.store.transact(|batch| batch.renew_installations("sshd", at(69))).unwrap();
    assert_eq!(found(&f, 100), one(1, 80));
    f.store.transact(|batch| batch.renew_installations("sshd", at(71))).unwrap();
    assert_eq!(found(&f, 100), []);
}
