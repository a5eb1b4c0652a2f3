//! Whole jails: looked at, compared with the store, and made equal.

use super::books::Books;
use super::groups::{self, Group};
use super::lock::Lock;
use super::{Carried, Front, GateFate, Mode, Pass, Projection, ProjectionError};
use crate::enforce::{Added, Changes, Found, Gate, Kernel, KernelError, Steps, plan};
use crate::model::Time;
use crate::store::{Batch, Store, StoreError};

/// So far off may the end of a ban be in the kernel without anybody having changed it.
const SLACK_US: i64 = 10_000_000;

/// A group, what there is of it, and what has to change.
pub(super) struct Work {
    pub(super) group: Group,
    found: Found,
    is_made: bool,
    changes: Changes,
}

/// A gate that was put in and is not wanted any more, or the part of it that isn't.
struct Stale {
    gate: Gate,
    found: Found,
    /// The actions that it was put in for.
    fronts: Vec<Front>,
    /// Another gate is in the same place: only what leads to it goes.
    is_shared: bool,
}

impl Projection {
    /// Makes all that the actions of `jail`, or of all jails, come to equal to the bans in force, and tells what was
    /// done for that. What an action that is not configured any more has put in is taken out.
    pub fn restore(
        &mut self,
        store: &mut Store,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        let pass = Pass { jail, now, mode };
        self.keep_installed(store.reader())?;
        let pending = store.reader().pending()?;
        let mut carried = self.restore_gates(store, pass)?;
        carried.join(self.stop_actions(store, pass, false)?);
        carried.join(self.tell_actions(store, pass, true)?);
        let done: Vec<(&String, &u64)> = pending
            .iter()
            .filter(|(name, _)| pass.is_for(name) && !carried.has_failed(name))
            .collect();
        if mode == Mode::Show {
            for (name, _) in done {
                carried.steps.extend(self.cutting(store.reader(), name, pass)?);
            }
            return Ok(carried);
        }
        self.conclude(store, &carried, &done, pass)?;
        Ok(carried)
    }

    /// The same for packet filters alone, which waits for no command of an action.
    pub fn restore_filters(
        &mut self,
        store: &mut Store,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        let pass = Pass { jail, now, mode };
        self.keep_installed(store.reader())?;
        let pending = store.reader().pending()?;
        let carried = self.restore_gates(store, pass)?;
        if mode == Mode::Show {
            return Ok(carried);
        }
        let scripted = self.scripted();
        let is_done =
            |jail: &str| pass.is_for(jail) && !scripted.contains(jail) && !carried.has_failed(jail);
        let done: Vec<_> = pending.iter().filter(|(jail, _)| is_done(jail)).collect();
        self.conclude(store, &carried, &done, pass)?;
        Ok(carried)
    }

    /// Writes down what was carried out, and that so many changes of some jails are `done`.
    fn conclude(
        &self,
        store: &mut Store,
        carried: &Carried,
        done: &[(&String, &u64)],
        pass: Pass<'_>,
    ) -> Result<(), ProjectionError> {
        let cuts = done.iter().map(|(name, _)| self.cut(store.reader(), name, pass));
        let cuts = cuts.collect::<Result<Vec<_>, _>>()?;
        store.transact(|batch| {
            self.tell(batch, carried, pass)?;
            cuts.iter().try_for_each(|cut| cut.tell(batch, pass))?;
            done.iter().try_for_each(|(name, count)| batch.forget_pending(name, **count, pass.now))
        })?;
        Ok(())
    }

    /// The same for packet filters.
    pub(super) fn restore_gates(
        &mut self,
        store: &mut Store,
        pass: Pass<'_>,
    ) -> Result<Carried, ProjectionError> {
        let Pass { jail, now, mode } = pass;
        let _lock = Lock::take(store.path())?;
        let mut books = Books::read(store.reader())?;
        let mut carried = Carried::default();
        let mut groups = groups::groups(&self.fronts, jail);
        groups::fill(&mut groups, store.reader(), now)?;
        let stale = self.stale(&groups, &books, pass, &mut carried)?;
        let work = self.work(groups, &books, now, &mut carried)?;
        if mode == Mode::Do {
            store.transact(|batch| remember(batch, &mut books, &work, None, now))?;
        }
        self.carry_out(&work, &stale, pass, &mut carried)?;
        if mode == Mode::Do {
            store.transact(|batch| {
                let made = work.iter().filter(|work| work.is_made);
                for jail in made.flat_map(|work| work.group.jails()) {
                    batch.renew_installations(&jail, now)?;
                }
                remember(batch, &mut books, &work, Some(&carried), now)?;
                forget(batch, &mut books, &stale, &carried, now)?;
                self.forget_gone(batch, &mut books, &carried, pass)
            })?;
        }
        Ok(carried)
    }

    /// Takes out all that was put in for `jail`, or for all jails. The store stays as it is.
    pub fn flush(
        &mut self,
        store: &mut Store,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        let pass = Pass { jail, now, mode };
        let lock = Lock::take(store.path())?;
        let mut books = Books::read(store.reader())?;
        let mut carried = Carried::default();
        let mut groups = self.shared(jail, &books);
        groups::fill(&mut groups, store.reader(), now)?;
        let stale = self.stale(&groups, &books, pass, &mut carried)?;
        let work = self.work(groups, &books, now, &mut carried)?;
        self.carry_out(&work, &stale, pass, &mut carried)?;
        if mode == Mode::Do {
            store.transact(|batch| forget_jails(batch, &mut books, &carried, pass))?;
        }
        drop(lock);
        carried.join(self.stop_actions(store, pass, true)?);
        Ok(carried)
    }

    /// Strikes out actions that are configured no more, whose gates others have as well.
    fn forget_gone(
        &self,
        batch: &mut Batch<'_>,
        books: &mut Books,
        carried: &Carried,
        pass: Pass<'_>,
    ) -> Result<(), StoreError> {
        let gone: Vec<Front> = books
            .gates_of(pass.jail)
            .map(|((jail, action), _)| Front::unknown(jail, action))
            .filter(|front| !self.fronts.iter().any(|known| known.is_same(front)))
            .filter(|front| !carried.has_failed(&front.jail))
            .collect();
        gone.iter().try_for_each(|front| books.set_gates(batch, front, Vec::new(), pass.now))
    }

    /// What was put in for other jails in places where something was put in for `jail`, too.
    fn shared(&self, jail: Option<&str>, books: &Books) -> Vec<Group> {
        if jail.is_none() {
            return Vec::new();
        }
        let is_other = |front: &&Front| {
            jail.is_some_and(|jail| jail != front.jail) && !books.gates(front).is_empty()
        };
        let others: Vec<Front> = self.fronts.iter().filter(is_other).cloned().collect();
        let own: Vec<&Gate> = books.gates_of(jail).flat_map(|(_, gates)| gates).collect();
        let mut groups = groups::groups(&others, None);
        groups.retain(|group| own.iter().any(|gate| gate.is_same_place(&group.gate)));
        groups
    }

    /// What was put in and is in no group.
    fn stale(
        &mut self,
        groups: &[Group],
        books: &Books,
        pass: Pass<'_>,
        carried: &mut Carried,
    ) -> Result<Vec<Stale>, ProjectionError> {
        let mut parts: Vec<(Gate, Vec<Front>, bool)> = Vec::new();
        for ((jail, action), gates) in books.gates_of(pass.jail) {
            let front = Front::unknown(jail, action);
            for gate in gates {
                let wanted = groups.iter().find(|group| group.gate.is_same_place(gate));
                let is_shared = wanted.is_some() || books.is_shared(gate, pass.jail);
                let part = match wanted {
                    Some(group) => gate.clone().less(&group.gate),
                    None => Some(gate.clone()),
                };
                let Some(part) = part else { continue };
                match parts.iter_mut().find(|(known, ..)| known.is_same_place(&part)) {
                    Some((known, fronts, _)) => {
                        known.join(&part);
                        fronts.push(front.clone());
                    }
                    None => parts.push((part, vec![front.clone()], is_shared)),
                }
            }
        }
        let mut stale = Vec::new();
        for (gate, fronts, is_shared) in parts {
            match self.kernel.look(&gate, pass.now) {
                Ok(found) => stale.push(Stale { gate, found, fronts, is_shared }),
                Err(error) => carried.fail(&fronts, &error)?,
            }
        }
        Ok(stale)
    }

    /// What has to change for each group.
    pub(super) fn work(
        &mut self,
        groups: Vec<Group>,
        books: &Books,
        now: Time,
        carried: &mut Carried,
    ) -> Result<Vec<Work>, ProjectionError> {
        let mut work = Vec::new();
        for group in groups {
            let mut found = match self.kernel.look(&group.gate, now) {
                Ok(found) => found,
                // Where nobody is to be kept out, nothing need be there, not even a tool.
                Err(KernelError::Tool(_)) if group.held.is_empty() => continue,
                Err(error) => {
                    carried.fail(&group.fronts, &error)?;
                    continue;
                }
            };
            let is_other = |front| books.is_current(front, &group.gate) == Some(false);
            if found.is_there() && group.fronts.iter().any(is_other) {
                found.outdate();
            }
            work.push(Work::new(group, found, now));
        }
        Ok(work)
    }

    /// Does what has to be done: all at once and, if that fails, one after the other, so that no jail has to do
    /// without because another's parameters make no sense.
    fn carry_out(
        &mut self,
        work: &[Work],
        stale: &[Stale],
        pass: Pass<'_>,
        carried: &mut Carried,
    ) -> Result<(), ProjectionError> {
        let Pass { now, mode, .. } = pass;
        let mut steps = Steps::default();
        for work in work {
            work.add_to(&mut steps, now);
        }
        for stale in stale {
            stale.add_to(&mut steps);
        }
        let steps = steps.all();
        if mode == Mode::Do && take(&mut self.kernel, &steps).is_err() {
            for work in work {
                if let Err(error) = self.redo(work, now) {
                    carried.fail(&work.group.fronts, &error)?;
                }
            }
            for stale in stale {
                if let Err(error) = self.undo(stale, now) {
                    carried.fail(&stale.fronts, &error)?;
                }
            }
        }
        if mode == Mode::Do {
            for stale in stale {
                if let Err(error) = self.kernel.tidy(&stale.gate) {
                    carried.fail(&stale.fronts, &error)?;
                }
            }
        }
        carried.steps.extend(steps.iter().map(ToString::to_string));
        let done = work.iter().filter(|work| !carried.have_failed(&work.group.fronts));
        let gone = stale.iter().filter(|stale| !carried.have_failed(&stale.fronts));
        let fates: Vec<_> = done.map(Work::fate).chain(gone.map(Stale::fate)).collect();
        carried.gates.extend(fates.into_iter().filter(|fate| !fate.is_nothing()));
        Ok(())
    }

    /// Does the work for one group, of which some may have been done.
    fn redo(&mut self, work: &Work, now: Time) -> Result<(), KernelError> {
        let mut found = self.kernel.look(&work.group.gate, now)?;
        if work.found.is_outdated() {
            found.outdate();
        }
        let work = Work::new(work.group.clone(), found, now);
        let mut steps = Steps::default();
        work.add_to(&mut steps, now);
        take(&mut self.kernel, &steps.all())
    }

    /// Takes out one gate, of which some may be gone.
    fn undo(&mut self, stale: &Stale, now: Time) -> Result<(), KernelError> {
        let Stale { gate, fronts, is_shared, .. } = stale;
        let found = self.kernel.look(gate, now)?;
        let stale =
            Stale { gate: gate.clone(), found, fronts: fronts.clone(), is_shared: *is_shared };
        let mut steps = Steps::default();
        stale.add_to(&mut steps);
        take(&mut self.kernel, &steps.all())
    }

    /// Remembers which actions are as they ought to be, and which aren't.
    pub(super) fn tell(
        &self,
        batch: &mut Batch<'_>,
        carried: &Carried,
        pass: Pass<'_>,
    ) -> Result<(), StoreError> {
        let fronts = self.fronts.iter().filter(|front| {
            pass.is_for(&front.jail)
                && !carried.failed.iter().any(|failed| front.is(&failed.jail, &failed.action))
        });
        for front in fronts {
            batch.forget_trouble(&front.jail, &front.action)?;
        }
        carried.failed.iter().try_for_each(|failed| {
            batch.set_trouble(&failed.jail, &failed.action, &failed.why, pass.now)
        })
    }
}

impl Work {
    /// Whether nobody else has changed it. What the kernel has ended already, or not quite yet, nobody has, and how long
    /// it was from the instant it ought to be as of until a change was done shows in the ends of bans.
    pub(super) fn is_as_left(&self, now: Time) -> bool {
        let held = self.found.held();
        let is_left = |added: &Added| match (held.get(&added.key), added.until) {
            (Some(Some(end)), Some(until)) => {
                end.micros().abs_diff(until.micros()) <= SLACK_US.unsigned_abs()
            }
            (Some(_), _) => false,
            (None, until) => is_over(until, now),
        };
        let is_gone = |key| held.get(key).is_some_and(|until| is_over(*until, now));
        let Changes { add, remove } = &self.changes;
        !self.is_made && add.iter().all(is_left) && remove.iter().all(is_gone)
    }

    fn new(group: Group, found: Found, now: Time) -> Self {
        let wanted = group.gate.elements(group.held.clone(), now);
        let changes = plan(&wanted, found.held());
        // Like fail2ban's, an action puts nothing in before there is a ban.
        let is_made = !found.is_whole() && !group.held.is_empty();
        Self { group, found, is_made, changes }
    }

    fn add_to(&self, steps: &mut Steps, now: Time) {
        if self.is_made {
            steps.install(&self.group.gate, &self.found, now);
        }
        steps.change(&self.group.gate, self.changes.clone(), now);
    }

    fn fate(&self) -> GateFate {
        GateFate { is_made: self.is_made, ..self.group.fate(&self.changes) }
    }
}

impl Stale {
    fn add_to(&self, steps: &mut Steps) {
        if self.is_shared {
            steps.close(&self.gate, &self.found);
        } else {
            steps.uninstall(&self.gate, &self.found);
        }
    }

    fn fate(&self) -> GateFate {
        GateFate {
            place: self.gate.place.to_string(),
            jails: groups::jails(&self.fronts),
            is_made: false,
            is_gone: self.found.is_there(),
            added: 0,
            removed: self.found.held().len() as u64,
        }
    }
}

/// Whether a ban is as good as over.
pub(super) fn is_over(until: Option<Time>, now: Time) -> bool {
    until.is_some_and(|end| end <= now.plus_micros(SLACK_US))
}

/// Does steps in their order, up to the first that fails.
pub(super) fn take(kernel: &mut Kernel, steps: &[crate::enforce::Step]) -> Result<(), KernelError> {
    steps.iter().try_for_each(|step| kernel.take(step))
}

/// Writes down the gates that are there or, if nothing is `carried` out yet, will be; those that are replaced with them.
fn remember(
    batch: &mut Batch<'_>,
    books: &mut Books,
    work: &[Work],
    carried: Option<&Carried>,
    now: Time,
) -> Result<(), StoreError> {
    for work in work.iter().filter(|work| work.is_made || work.found.is_whole()) {
        for front in &work.group.fronts {
            let mut gates = books.gates(front).to_vec();
            let own = front.gates().iter().find(|gate| gate.is_same_place(&work.group.gate));
            let Some(own) = own else { continue };
            // Of what failed nobody knows which of them is there.
            if carried.is_some_and(|carried| !carried.has_failed(&front.jail)) {
                gates.retain(|gate| !gate.is_same_place(own));
            }
            if !gates.contains(own) {
                gates.push(own.clone());
            }
            books.set_gates(batch, front, gates, now)?;
        }
    }
    Ok(())
}

/// Strikes out the gates that were taken out.
fn forget(
    batch: &mut Batch<'_>,
    books: &mut Books,
    stale: &[Stale],
    carried: &Carried,
    now: Time,
) -> Result<(), StoreError> {
    for gone in stale.iter().filter(|gone| !gone.is_shared) {
        for front in gone.fronts.iter().filter(|front| !carried.has_failed(&front.jail)) {
            let gates = books.gates(front).iter();
            let left = gates.filter(|gate| !gate.is_same_place(&gone.gate)).cloned().collect();
            books.set_gates(batch, front, left, now)?;
        }
    }
    Ok(())
}

/// Strikes out what was put in for jails that are flushed.
fn forget_jails(
    batch: &mut Batch<'_>,
    books: &mut Books,
    carried: &Carried,
    pass: Pass<'_>,
) -> Result<(), StoreError> {
    let keys: Vec<_> = books.gates_of(pass.jail).map(|(key, _)| key.clone()).collect();
    let mut gone = keys.iter().filter(|(jail, _)| !carried.has_failed(jail));
    gone.try_for_each(|(jail, action)| {
        books.set_gates(batch, &Front::unknown(jail, action), Vec::new(), pass.now)
    })
}
