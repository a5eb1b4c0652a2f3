//! Bans that last longer.

use super::{Fixture, at};
use crate::model::{Ban, EndReason, Host, Origin, Prolongation, Time};
use crate::store::{Event, InForce, StoreError};

/// A ban of the same host in the same jail.
fn ban(from: i64, until: Option<i64>) -> Ban {
    Ban {
        host: who(),
        jail: "sshd".to_owned(),
        at: at(from),
        until: until.map(at),
        origin: Origin::Scan,
        failures: 5,
        ended: None,
    }
}

/// The ban that began at `from` lasts until `until` as of `secs`; nobody knows until when before.
fn longer(from: i64, secs: i64, until: Option<i64>) -> Prolongation {
    Prolongation {
        host: who(),
        jail: "sshd".to_owned(),
        ban_at: at(from),
        at: at(secs),
        until_before: at(0),
        until: until.map(at),
        origin: Origin::Daemon,
        failures: 3,
    }
}

fn who() -> Host {
    Host::parse("198.51.100.1")
}

impl Fixture {
    /// Until when the bans lasted that this made longer.
    fn prolong(&mut self, longer: &[Prolongation]) -> Vec<Time> {
        let new = self.store.transact(|batch| batch.prolong(longer)).unwrap();
        self.assert_whole();
        new.into_iter().map(|longer| longer.until_before).collect()
    }

    fn ends(&self) -> Vec<Option<Time>> {
        self.store.reader().bans_all().unwrap().into_iter().map(|ban| ban.until).collect()
    }
}

#[test]
fn a_ban_lasts_longer_and_its_first_end_stays_known() {
    let mut f = Fixture::new();
    f.store.add_ban(&ban(0, Some(600))).unwrap();
    let all = [longer(0, 100, Some(700)), longer(0, 200, Some(800)), longer(0, 300, None)];
    assert_eq!(f.prolong(&all), [at(600), at(700), at(800)]);
    assert_eq!(f.ends(), [None]);
    let known = f.store.reader().prolongations_of(&who()).unwrap();
    let expected = all.into_iter().zip([600, 700, 800]);
    let expected =
        expected.map(|(longer, before)| Prolongation { until_before: at(before), ..longer });
    assert_eq!(known, expected.collect::<Vec<_>>());
    let events = f.store.reader().history(&who(), 0).unwrap();
    let kinds = events.iter().map(|event| matches!(event, Event::Prolongation(_)));
    assert_eq!(kinds.collect::<Vec<_>>(), [false, true, true, true]);
    let bans = f.store.reader().host_totals(&who()).unwrap().bans;
    assert_eq!((bans, f.store.reader().totals().unwrap().bans), (1, 1), "it is no new ban");
    let earlier = f.store.reader().earlier_bans(&who(), Some("sshd"), at(999)).unwrap();
    assert_eq!(earlier.count, 1, "nor does it make the next one longer");
}

#[test]
fn what_is_known_or_shorter_or_about_no_ban_changes_nothing() {
    let mut f = Fixture::new();
    f.store.add_bans(&[ban(0, Some(600)), ban(1000, None)]).unwrap();
    assert_eq!(f.prolong(&[longer(0, 100, Some(700))]).len(), 1);
    let idle = [
        longer(0, 100, Some(700)),
        longer(0, 100, Some(900)),
        longer(0, 50, Some(700)),
        longer(0, 60, Some(660)),
        longer(0, 0, Some(900)),
        longer(5, 10, Some(900)),
        longer(1000, 1010, Some(9000)),
        Prolongation { jail: "web".to_owned(), ..longer(0, 200, Some(900)) },
        Prolongation { host: Host::parse("198.51.100.2"), ..longer(0, 200, Some(900)) },
    ];
    assert_eq!(f.prolong(&idle), []);
    assert_eq!(f.ends(), [Some(at(700)), None]);
    assert_eq!(f.number("SELECT count(*) FROM prolongation"), 1);
}

#[test]
fn a_ban_that_was_found_over_is_in_force_again_and_one_that_was_lifted_is_not() {
    let mut f = Fixture::new();
    f.store.add_ban(&ban(0, Some(600))).unwrap();
    f.store.transact(|batch| batch.expire(at(650))).unwrap();
    assert_eq!(f.prolong(&[longer(0, 590, Some(1190))]), [at(600)]);
    assert_eq!(f.store.reader().bans_active(at(650), None).unwrap().len(), 1);
    f.store.transact(|batch| batch.end_bans(&who(), None, at(700), EndReason::Unbanned)).unwrap();
    assert_eq!(f.prolong(&[longer(0, 690, Some(1290))]), []);
    assert_eq!(f.store.reader().bans_active(at(700), None).unwrap(), []);
}

#[test]
fn a_change_of_its_end_is_carried_out_and_changes_nothing_twice() {
    let mut f = Fixture::new();
    f.store.add_ban(&ban(0, Some(600))).unwrap();
    let pending = |f: &Fixture| f.store.reader().pending().unwrap()["sshd"];
    let before = pending(&f);
    f.prolong(&[longer(0, 100, Some(700))]);
    assert_eq!(pending(&f), before + 1);
    f.prolong(&[longer(0, 100, Some(700))]);
    assert_eq!(pending(&f), before + 1);
}

#[test]
fn a_purge_takes_along_what_made_a_ban_longer() {
    let mut f = Fixture::new();
    f.store.add_bans(&[ban(0, Some(600)), ban(5000, Some(5600))]).unwrap();
    f.prolong(&[longer(0, 100, Some(700)), longer(5000, 5100, Some(5700))]);
    let purge = |f: &mut Fixture, secs| {
        f.store.transact(|batch| batch.purge(at(secs), 100)).unwrap();
        f.assert_whole();
        f.number("SELECT count(*) FROM prolongation")
    };
    assert_eq!(purge(&mut f, 650), 2, "it was in force then");
    assert_eq!(purge(&mut f, 701), 1);
}

#[test]
fn the_ban_in_force_is_the_last_to_end_and_may_grow_unless_one_was_ended_since() {
    let mut f = Fixture::new();
    let replaced = Ban { ended: Some((at(50), EndReason::Replaced)), ..ban(10, Some(90)) };
    f.store.add_bans(&[ban(0, Some(600)), ban(100, Some(500)), replaced]).unwrap();
    let asked = |f: &Fixture, secs| {
        let found = f.store.reader().last_to_end(&who(), "sshd", at(secs))?;
        Ok::<_, StoreError>(found.map(|InForce { at: from, until, may_grow }| {
            assert_eq!((from, until), (at(0), Some(at(600))));
            may_grow
        }))
    };
    let expected = [
        (-1, None),
        (0, Some(false)),
        (20, Some(false)),
        (50, Some(true)),
        (99, Some(true)),
        (100, Some(false)),
        (101, Some(true)),
        (599, Some(true)),
        (600, None),
    ];
    for (secs, may_grow) in expected {
        assert_eq!(asked(&f, secs).unwrap(), may_grow, "at {secs}");
    }
    f.store.add_ban(&ban(300, None)).unwrap();
    let found = f.store.reader().last_to_end(&who(), "sshd", at(301)).unwrap();
    assert_eq!(found, Some(InForce { at: at(300), until: None, may_grow: true }));
    assert_eq!(f.store.reader().last_to_end(&who(), "web", at(301)).unwrap(), None);
}
