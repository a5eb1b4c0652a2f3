//! What others have changed, mended.

use std::collections::BTreeSet;

use super::books::Books;
use super::groups::{self, Group};
use super::lock::Lock;
use super::restore::Work;
use super::{Carried, Mode, Projection, ProjectionError};
use crate::enforce::{Concern, Foreign, KernelError};
use crate::model::Time;
use crate::store::{Reader, Store};

impl Projection {
    /// Looks at what `what` may concern, and restores the jails of which something is not as it was left. If nothing is,
    /// nothing is written to the store; what has other names isn't even looked at.
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
        for jail in self.broken(store, now, what)? {
            carried.join(self.restore(store, Some(&jail), now, Mode::Do)?);
        }
        Ok(carried)
    }

    /// Whether there is anything of which nobody is told when others change it. Then [`Foreign::untold`] ought to be
    /// repaired from time to time.
    pub fn needs_polling(&mut self) -> bool {
        let Self { fronts, kernel, .. } = self;
        fronts.iter().flat_map(super::Front::gates).any(|gate| kernel.needs_polling(gate))
    }

    /// Jails that are to be restored; of those that have a gate in common, one.
    fn broken(
        &mut self,
        store: &Store,
        now: Time,
        what: &Foreign,
    ) -> Result<BTreeSet<String>, ProjectionError> {
        let mut concerned = groups::groups(&self.fronts, None);
        concerned.retain(|group| self.concern(group, what) > Concern::No);
        if concerned.is_empty() {
            return Ok(BTreeSet::new());
        }
        let _lock = Lock::take(store.path())?;
        let reader = store.reader();
        let books = Books::read(reader)?;
        let mut suspects = Vec::new();
        for group in concerned {
            if is_installed(&group, &books) && !self.is_well(&group, now, what)? {
                suspects.push(group);
            }
        }
        self.spoilt(suspects, reader, &books, now)
    }

    /// What it means to a group.
    fn concern(&mut self, group: &Group, what: &Foreign) -> Concern {
        match what.concern(&group.gate) {
            Concern::No if what.is_untold() && self.kernel.needs_polling(&group.gate) => {
                Concern::Hosts
            }
            concern => concern,
        }
    }

    /// Whether a first look says that nothing has to be done.
    fn is_well(
        &mut self,
        group: &Group,
        now: Time,
        what: &Foreign,
    ) -> Result<bool, ProjectionError> {
        // Where hosts are rules, one look is as good as another.
        if self.concern(group, what) == Concern::Hosts || !group.gate.has_timeouts() {
            return Ok(false);
        }
        match self.kernel.glance(&group.gate, now) {
            Ok(is_whole) => Ok(is_whole),
            Err(KernelError::NotPermitted) => Err(ProjectionError::NotPermitted),
            // Restoring the jail mends it or tells.
            Err(_) => Ok(false),
        }
    }

    /// The jails of groups that are not equal to the store.
    fn spoilt(
        &mut self,
        mut groups: Vec<Group>,
        reader: &Reader,
        books: &Books,
        now: Time,
    ) -> Result<BTreeSet<String>, ProjectionError> {
        if groups.is_empty() {
            return Ok(BTreeSet::new());
        }
        groups::fill(&mut groups, reader, now)?;
        let mut carried = Carried::default();
        let work = self.work(groups, books, now, &mut carried)?;
        let spoilt = work.iter().filter(|work| !work.is_nothing());
        let failed = carried.failed.into_iter().map(|failed| failed.jail);
        Ok(spoilt.filter_map(first_jail).chain(failed).collect())
    }
}

/// Restoring one of the jails of a gate restores the gate.
fn first_jail(work: &Work) -> Option<String> {
    work.group.jails().into_iter().next()
}

/// What was never put in nobody can have taken out.
fn is_installed(group: &Group, books: &Books) -> bool {
    group.fronts.iter().any(|front| books.is_current(front, &group.gate).is_some())
}
