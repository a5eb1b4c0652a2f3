//! A change of a few bans, carried out without looking at all the others.

use std::collections::{BTreeMap, BTreeSet};

use super::books::Books;
use super::groups::{self, Group};
use super::lock::Lock;
use super::restore::take;
use super::{Carried, Changed, Mode, Pass, Projection, ProjectionError};
use crate::enforce::{Added, Changes, Found, Held, KernelError, Key, Steps, hold, plan};
use crate::model::{Addr, Time};
use crate::store::{Reader, Store, StoreError};

/// Of more hosts than this whole jails are compared.
pub const FOLLOW_MAX_HOSTS: usize = 1000;

impl Projection {
    /// Carries out a change of bans that has just been committed.
    ///
    /// `clean` are the jails that were not pending before it, and how many changes of theirs it was: of these, only the
    /// `changed` hosts are looked at. What was left undone of the others nobody knows: they are restored.
    pub fn follow(
        &mut self,
        store: &mut Store,
        changed: &[Changed],
        clean: &BTreeMap<String, u64>,
        now: Time,
    ) -> Result<Carried, ProjectionError> {
        self.follow_some(store, changed, clean, now, |_| true)
    }

    /// The same for those jails alone of which `is_ours` holds.
    pub fn follow_some(
        &mut self,
        store: &mut Store,
        changed: &[Changed],
        clean: &BTreeMap<String, u64>,
        now: Time,
        is_ours: impl Fn(&str) -> bool,
    ) -> Result<Carried, ProjectionError> {
        self.keep_installed(store.reader())?;
        let mut carried = Carried::default();
        let mut done = BTreeSet::new();
        let clean = clean.iter().filter(|(jail, _)| is_ours(jail));
        for (jail, count) in clean.filter(|_| changed.len() <= FOLLOW_MAX_HOSTS) {
            let hosts = changed.iter().filter(|changed| changed.jail == *jail);
            let addrs: Vec<Addr> = hosts.filter_map(|changed| changed.host.addr()).collect();
            let lock = Lock::take(store.path())?;
            if !self.adjust(store.reader(), jail, &addrs, now, &mut carried)? {
                continue;
            }
            drop(lock);
            let pass = Pass { jail: Some(jail), now, mode: Mode::Do };
            let told = self.tell_actions(store, pass, false)?;
            let has_failed = told.has_failed(jail);
            let cut = if has_failed { None } else { Some(self.cut(store.reader(), jail, pass)?) };
            store.transact(|batch| {
                self.tell(batch, &told, pass)?;
                let Some(cut) = cut else { return Ok(()) };
                cut.tell(batch, pass)?;
                batch.forget_pending(jail, *count, now)
            })?;
            carried.join(told);
            done.insert(jail.clone());
        }
        let pending = store.reader().pending()?;
        for jail in pending.keys().filter(|jail| is_ours(jail) && !done.contains(*jail)) {
            carried.join(self.restore(store, Some(jail), now, Mode::Do)?);
        }
        Ok(carried)
    }

    /// Carries out what has changed for some addresses in a jail; `false` if that is not all there is to do.
    fn adjust(
        &mut self,
        reader: &Reader,
        jail: &str,
        addrs: &[Addr],
        now: Time,
        carried: &mut Carried,
    ) -> Result<bool, ProjectionError> {
        let books = Books::read(reader)?;
        let mut steps = Steps::default();
        let mut fates = Vec::new();
        for group in groups::groups(&self.fronts, Some(jail)) {
            let own: Vec<Addr> =
                addrs.iter().copied().filter(|addr| group.gate.is_for(*addr)).collect();
            if own.is_empty() {
                continue;
            }
            // What is not written down others wouldn't know of.
            let mut fronts = group.fronts.iter().filter(|front| front.jail == jail);
            if !fronts.all(|front| books.is_current(front, &group.gate) == Some(true)) {
                return Ok(false);
            }
            let Some(changes) = self.changes(reader, &group, &own, now)? else { return Ok(false) };
            fates.push(group.fate(&changes));
            steps.change(&group.gate, changes, now);
        }
        let steps = steps.all();
        match take(&mut self.kernel, &steps) {
            Ok(()) => {
                carried.steps.extend(steps.iter().map(ToString::to_string));
                carried.gates.extend(fates.into_iter().filter(|fate| !fate.is_nothing()));
                Ok(true)
            }
            Err(KernelError::NotPermitted) => Err(ProjectionError::NotPermitted),
            // Whatever it was, restoring the jail mends it or tells.
            Err(_) => Ok(false),
        }
    }

    /// What has to change in a gate; `None` if the gate itself has to be made.
    fn changes(
        &mut self,
        reader: &Reader,
        group: &Group,
        addrs: &[Addr],
        now: Time,
    ) -> Result<Option<Changes>, ProjectionError> {
        if !group.gate.holds_addrs() {
            // Ranges depend on all networks that are banned.
            return Ok(None);
        }
        let wanted = wanted(reader, group, addrs, now)?;
        let wanted = group.gate.elements(wanted, now);
        if !group.gate.has_timeouts() {
            // What there is can't be changed without knowing it: a rule twice is not the same as once.
            let found = self.kernel.look(&group.gate, now).ok().filter(Found::is_whole);
            let Some(found) = found else { return Ok(None) };
            let keys = addrs.iter().map(|addr| Key::Addr(*addr));
            let known = keys.filter_map(|key| Some((key, *found.held().get(&key)?)));
            return Ok(Some(plan(&wanted, &known.collect())));
        }
        if !matches!(self.kernel.glance(&group.gate, now), Ok(true)) {
            return Ok(None);
        }
        let added = |(&key, &until)| Added { key, until, is_new: false };
        let add = wanted.iter().map(added).collect();
        let keys = addrs.iter().map(|addr| Key::Addr(*addr));
        let remove = keys.filter(|key| !wanted.contains_key(key)).collect();
        Ok(Some(Changes { add, remove }))
    }
}

/// Who of these is to be kept out, and until when.
pub(super) fn wanted(
    reader: &Reader,
    group: &Group,
    addrs: &[Addr],
    now: Time,
) -> Result<Held, StoreError> {
    let mut wanted = Held::new();
    for addr in addrs {
        for ban in reader.bans_of(&(*addr).into())? {
            if group.has(&ban.jail) && ban.is_active(now) {
                hold(&mut wanted, Key::Addr(*addr), ban.until);
            }
        }
    }
    Ok(wanted)
}
