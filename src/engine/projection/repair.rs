//! What others have changed, mended.

use std::collections::BTreeSet;

use super::books::Books;
use super::follow::wanted;
use super::groups::{self, Group};
use super::lock::Lock;
use super::restore::{Work, is_over, take};
use super::{Carried, Front, Mode, Pass, Projection, ProjectionError};
use crate::enforce::{Added, Changes, Concern, Foreign, IpsetHead, KernelError, Steps};
use crate::model::{Addr, Time};
use crate::store::{Batch, Reader, Store, StoreError};

/// A group that may not be as it was left.
struct Suspect {
    group: Group,
    /// What it looks like from outside, where it does.
    outside: Option<IpsetHead>,
}

impl Projection {
    /// Looks at what `what` may concern in packet filters, and restores the gates of jails of which something is not as
    /// it was left; no command of an action is run. If all is well, nothing is written to the store; what has other names
    /// isn't even looked at.
    pub fn repair(
        &mut self,
        store: &mut Store,
        now: Time,
        what: &Foreign,
    ) -> Result<Carried, ProjectionError> {
        let mut carried = Carried::default();
        if what.is_nothing() {
            return Ok(carried);
        }
        self.keep_installed(store.reader())?;
        for jail in self.broken(store, now, what, &mut carried)? {
            let pass = Pass { jail: Some(&jail), now, mode: Mode::Do };
            let mended = self.restore_gates(store, pass)?;
            store.transact(|batch| self.tell_gates(batch, &mended, pass))?;
            carried.join(mended);
        }
        Ok(carried)
    }

    /// Whether there is anything of which nobody is told when others change it. Then [`Foreign::untold`] ought to be
    /// repaired from time to time.
    pub fn needs_polling(&mut self) -> bool {
        let Self { fronts, kernel, .. } = self;
        fronts.iter().flat_map(Front::gates).any(|gate| kernel.needs_polling(gate))
    }

    /// Remembers which of a jail's actions that are gates are as they ought to be, and which aren't. Of others nothing
    /// was done.
    fn tell_gates(
        &self,
        batch: &mut Batch<'_>,
        mended: &Carried,
        pass: Pass<'_>,
    ) -> Result<(), StoreError> {
        let is_gate = |front: &&Front| pass.is_for(&front.jail) && !front.gates().is_empty();
        for front in self.fronts.iter().filter(is_gate) {
            if !mended.have_failed(std::slice::from_ref(front)) {
                batch.forget_trouble(&front.jail, &front.action)?;
            }
        }
        mended.failed.iter().try_for_each(|failed| {
            batch.set_trouble(&failed.jail, &failed.action, &failed.why, pass.now)
        })
    }

    /// Jails that are to be restored; of those that have a gate in common, one.
    fn broken(
        &mut self,
        store: &Store,
        now: Time,
        what: &Foreign,
        carried: &mut Carried,
    ) -> Result<BTreeSet<String>, ProjectionError> {
        let mut concerned = Vec::new();
        for group in groups::groups(&self.fronts, None) {
            let concern = what.concern(&group.gate);
            let is_untold = what.is_untold() && self.kernel.needs_polling(&group.gate);
            if concern > Concern::No || is_untold {
                concerned.push((group, concern));
            }
        }
        if concerned.is_empty() {
            return Ok(BTreeSet::new());
        }
        let _lock = Lock::take(store.path())?;
        let books = Books::read(store.reader())?;
        let mut suspects = Vec::new();
        for (group, concern) in concerned {
            let is_done = !is_installed(&group, &books)
                || concern == Concern::Some
                    && self.put_back(
                        store.reader(),
                        &group,
                        &what.hosts(&group.gate),
                        now,
                        carried,
                    )?;
            if !is_done {
                suspects.extend(self.suspect(group, concern, now)?);
            }
        }
        self.spoilt(suspects, store, &books, now)
    }

    /// Puts hosts back that others have taken out; `false` if that is not all there is to do.
    fn put_back(
        &mut self,
        reader: &Reader,
        group: &Group,
        hosts: &[Addr],
        now: Time,
        carried: &mut Carried,
    ) -> Result<bool, ProjectionError> {
        if !matches!(self.kernel.glance(&group.gate, now), Ok(true)) {
            return Ok(false);
        }
        let Ok(missing) = self.kernel.missing(&group.gate, hosts) else { return Ok(false) };
        let wanted = group.gate.elements(wanted(reader, group, &missing, now)?, now);
        let added = |(&key, &until)| Added { key, until, is_new: false };
        let add = wanted.iter().map(added).filter(|added| !is_over(added.until, now)).collect();
        let changes = Changes { add, remove: Vec::new() };
        let fate = group.fate(&changes);
        let mut steps = Steps::default();
        steps.change(&group.gate, changes, now);
        let steps = steps.all();
        if take(&mut self.kernel, &steps).is_err() {
            return Ok(false);
        }
        carried.steps.extend(steps.iter().map(ToString::to_string));
        carried.gates.extend(Some(fate).filter(|fate| !fate.is_nothing()));
        Ok(true)
    }

    /// The group, if a first look doesn't say that nothing has to be done.
    fn suspect(
        &mut self,
        group: Group,
        concern: Concern,
        now: Time,
    ) -> Result<Option<Suspect>, ProjectionError> {
        let outside = self.kernel.outside(&group.gate);
        let is_well = match concern {
            Concern::No => {
                outside.is_some() && outside == self.outsides.get(&place(&group)).copied()
            }
            // Where hosts are rules, one look is as good as another.
            Concern::Rules if group.gate.has_timeouts() => {
                match self.kernel.glance(&group.gate, now) {
                    Ok(is_whole) => is_whole,
                    Err(KernelError::NotPermitted) => return Err(ProjectionError::NotPermitted),
                    // Restoring the jail mends it or tells.
                    Err(_) => false,
                }
            }
            Concern::Rules | Concern::Some | Concern::Hosts => false,
        };
        Ok((!is_well).then_some(Suspect { group, outside }))
    }

    /// The jails of groups that are not equal to the store.
    fn spoilt(
        &mut self,
        suspects: Vec<Suspect>,
        store: &Store,
        books: &Books,
        now: Time,
    ) -> Result<BTreeSet<String>, ProjectionError> {
        if suspects.is_empty() {
            return Ok(BTreeSet::new());
        }
        let outsides: Vec<_> =
            suspects.iter().map(|suspect| (place(&suspect.group), suspect.outside)).collect();
        let mut groups: Vec<_> = suspects.into_iter().map(|suspect| suspect.group).collect();
        groups::fill(&mut groups, store.reader(), now)?;
        let mut carried = Carried::default();
        let work = self.work(groups, books, now, &mut carried)?;
        for (place, outside) in outsides {
            let own = work.iter().find(|work| self::place(&work.group) == place);
            let outside = outside.filter(|_| own.is_some_and(|work| work.is_as_left(now)));
            match outside {
                Some(outside) => drop(self.outsides.insert(place, outside)),
                None => drop(self.outsides.remove(&place)),
            }
        }
        let spoilt = work.iter().filter(|work| !work.is_as_left(now));
        let failed = carried.failed.into_iter().map(|failed| failed.jail);
        Ok(spoilt.filter_map(first_jail).chain(failed).collect())
    }
}

/// Where a group is, for one in another place has another.
fn place(group: &Group) -> String {
    group.gate.place.to_string()
}

/// Restoring one of the jails of a gate restores the gate.
fn first_jail(work: &Work) -> Option<String> {
    work.group.jails().into_iter().next()
}

/// What was never put in nobody can have taken out.
fn is_installed(group: &Group, books: &Books) -> bool {
    group.fronts.iter().any(|front| books.is_current(front, &group.gate).is_some())
}
