//! The same failures as they come, and all at once: the same bans, which last as long.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::config::{FilterDef, JailDef};
use crate::date::YearWindow;
use crate::decide::IncrementOptions;
use crate::engine::deciding::Deciding;
use crate::engine::{Calendars, Overrides};
use crate::model::{BanTime, EndReason};
use crate::store::Store;

/// Two failures in 100 seconds ban for 60.
fn jail(is_growing: bool) -> Arc<Jail> {
    let filter = FilterDef::literal("^ line \\d+ bad <HOST>$");
    let def = JailDef { name: "j".to_owned(), ..JailDef::of_filter(filter) };
    let overrides = Overrides {
        maxretry: Some(2),
        findtime_us: Some(100_000_000),
        bantime: Some(BanTime::Micros(60_000_000)),
        ..Overrides::default()
    };
    let (jail, findings) = Jail::compile(&def, &overrides, &Calendars::new(YearWindow::archive()));
    let mut jail = jail.unwrap_or_else(|| unreachable!("{findings:?}"));
    if is_growing {
        let increment = Increment::compile(IncrementOptions::default()).unwrap();
        Arc::get_mut(&mut jail).unwrap().increment = Some(increment);
    }
    jail
}

/// What happens, and so many seconds after what happened before.
#[derive(Clone, Copy, Debug)]
enum Step {
    Fails(i64, u8),
    IsUnbanned(i64, u8),
}

fn steps(unbans: u32) -> impl Strategy<Value = Vec<Step>> {
    let gap = prop_oneof![3 => 0_i64..4, 2 => 4_i64..40, 1 => 40_i64..200];
    let step = (gap, 0_u8..2, 0_u32..10).prop_map(move |(gap, host, kind)| {
        if kind < unbans { Step::IsUnbanned(gap, host) } else { Step::Fails(gap, host) }
    });
    prop::collection::vec(step, 1..60)
}

fn host(number: u8) -> Host {
    Host::parse(&format!("198.51.100.{number}"))
}

/// A store in a folder that goes with it.
fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    (folder, store)
}

/// Lets it happen, where whether hosts are ignored is known after so many steps: the failures, in their order.
fn watch(store: &mut Store, jail: &Jail, steps: &[Step], patience: usize) -> Vec<(Time, Host)> {
    let (mut watching, mut failures) = (Watching::new(jail), Vec::new());
    let mut now = Time::from_secs(1_795_694_400);
    for (number, step) in steps.iter().enumerate() {
        let (Step::Fails(gap, who) | Step::IsUnbanned(gap, who)) = *step;
        now = now.plus_micros(gap * 1_000_000);
        let done: Result<(), StoreError> = store.transact(|batch| {
            batch.end_expired(now)?;
            if let Step::IsUnbanned(..) = step {
                // By a clock that knows more than seconds: what a log says of that very instant was before or after it.
                let now = now.plus_micros(500_000);
                batch.end_bans(&host(who), None, now, EndReason::Unbanned)?;
                return Ok(());
            }
            failures.push((now, host(who)));
            let decided = watching.failure(jail, batch.reader(), host(who), now, Origin::Daemon)?;
            if let Verdict::Decided | Verdict::AlreadyBanned { is_longer: true, .. } = decided {
                assert!(watching.is_open());
            }
            Ok(())
        });
        done.unwrap();
        if number % patience == 0 || number + 1 == steps.len() {
            while watching.is_open() {
                let mut verdicts = watching.answered(jail, now);
                store.transact(|batch| verdicts.store(batch)).unwrap();
                std::thread::yield_now();
            }
        }
    }
    failures
}

/// Decides all of them at once, with what the store knows: how many bans and prolongations were new.
fn decide(store: &mut Store, jail: &Jail, failures: &[(Time, Host)]) -> (u64, usize) {
    let Some((first, _)) = failures.first() else { return (0, 0) };
    let mut deciding = Deciding::warm(jail, store.reader(), *first).unwrap();
    let decided = failures
        .iter()
        .filter_map(|(at, host)| deciding.failure(jail, host.clone(), *at, Origin::Daemon));
    let verdicts = Decided::verdicts(decided.collect(), jail, *first);
    let new = store.transact(|batch| {
        let bans = batch.add_bans(&verdicts.bans)?;
        Ok::<_, StoreError>((bans, batch.prolong(&verdicts.longer)?.len()))
    });
    new.unwrap()
}

fn bans(store: &Store) -> Vec<(Host, Time, Option<Time>, u32)> {
    let bans = store.reader().bans_all().unwrap().into_iter();
    let mut bans: Vec<_> = bans.map(|ban| (ban.host, ban.at, ban.until, ban.failures)).collect();
    bans.sort();
    bans
}

fn longer(store: &Store) -> Vec<Prolongation> {
    let reader = store.reader();
    (0..2).flat_map(|number| reader.prolongations_of(&host(number)).unwrap()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn as_they_come_and_all_at_once_bans_last_as_long(
        steps in steps(0), is_growing in any::<bool>(), patience in 1_usize..5,
    ) {
        // How long a ban lasts is decided with those that are stored.
        let patience = if is_growing { 1 } else { patience };
        let (jail, (_one, mut live), (_other, mut scan)) = (jail(is_growing), store(), store());
        let failures = watch(&mut live, &jail, &steps, patience);
        decide(&mut scan, &jail, &failures);
        prop_assert_eq!(bans(&live), bans(&scan));
        prop_assert_eq!(longer(&live), longer(&scan));
    }

    #[test]
    fn what_was_decided_is_not_decided_again(steps in steps(1), is_growing in any::<bool>()) {
        let (jail, (_folder, mut store)) = (jail(is_growing), store());
        let failures = watch(&mut store, &jail, &steps, 1);
        prop_assert_eq!(decide(&mut store, &jail, &failures), (0, 0));
    }
}
