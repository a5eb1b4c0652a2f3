//! What is taken over from fail2ban.

use super::{Fixture, at, failure};
use crate::model::{Ban, EndReason, Host, Origin, Time};
use crate::store::{Event, ToldLine};

fn ban(begin: i64, ended: Option<(Time, EndReason)>) -> Ban {
    Ban {
        host: Host::parse("198.51.100.1"),
        jail: "sshd".into(),
        at: at(begin),
        until: None,
        origin: Origin::Import,
        failures: 3,
        ended,
    }
}

#[test]
fn a_ban_counts_as_it_is_told_however_many_are_stored() {
    for nth in [0_u64, 1, 2, 7] {
        let mut f = Fixture::new();
        let bans = [ban(1, Some((at(2), EndReason::Expired))), ban(3, None)];
        f.store.add_bans(&bans).unwrap();
        for _ in 0..2 {
            f.store.transact(|batch| batch.count_as(&bans[1], nth)).unwrap();
        }
        let reader = f.store.reader();
        let count = |before| reader.earlier_bans(&bans[0].host, Some("sshd"), at(before));
        assert_eq!(count(3).unwrap().count, 1);
        assert_eq!(count(4).unwrap().count, nth);
        let otherwise = reader.counted_otherwise(Some("sshd")).unwrap();
        assert_eq!(otherwise.len(), usize::from(nth != 2), "{otherwise:?}");
        assert_eq!(reader.counted_otherwise(Some("other")).unwrap(), []);
        f.assert_whole();
    }
}

#[test]
fn a_ban_that_is_lifted_takes_what_it_counted_with_it() {
    let mut f = Fixture::new();
    let ban = ban(1, None);
    f.store.add_ban(&ban).unwrap();
    f.store.transact(|batch| batch.count_as(&ban, 9)).unwrap();
    let lift = |f: &mut Fixture| {
        f.store.transact(|batch| batch.end_bans(&ban.host, None, at(2), EndReason::Unbanned))
    };
    lift(&mut f).unwrap();
    assert_eq!(f.store.reader().earlier_bans(&ban.host, None, at(3)).unwrap().count, 0);
}

#[test]
fn what_was_told_with_a_ban_goes_with_it_and_a_line_is_told_once() {
    let mut f = Fixture::new();
    let source = f.scanned("head");
    f.store.write(source, &[failure(0, 1, "198.51.100.1", "read")]).unwrap();
    let ban = ban(1, Some((at(2), EndReason::Expired)));
    f.store.add_ban(&ban).unwrap();
    let data = br#"{"matches": [["", "date", " told"], "read"], "failures": 2}"#;
    for data in [&data[..], b"{}"] {
        f.store.transact(|batch| batch.add_evidence(&ban, data)).unwrap();
    }
    let history = f.store.reader().history(&ban.host, 9).unwrap();
    let told = ToldLine { at: at(1), jail: "sshd".into(), text: "date told".into() };
    assert_eq!(history[1..], [Event::Told(told), Event::Ban(ban.clone())]);
    let kept = f.store.reader().evidence(&ban.host).unwrap();
    assert_eq!(kept, [("sshd".to_owned(), at(1), data.to_vec())]);
    f.store.transact(|batch| batch.purge(at(9), 100)).unwrap();
    assert_eq!(f.number("SELECT count(*) FROM evidence"), 0);
    f.assert_whole();
}
