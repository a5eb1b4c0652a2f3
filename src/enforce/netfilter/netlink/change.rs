//! A change of sets as one transaction.
//!
//! Kernels before 6.12 keep the timeout of an element that is added once more, and say nothing; all refuse to delete
//! one that is missing, and a refusal undoes the whole transaction. Hence an element is added, deleted and added again
//! unless it is known to be new, and added before it is deleted.
//!
//! A set of ranges is a tree in which the kernel doesn't find the second of two equal elements of one transaction, when
//! it is to be deleted. There it has to be known which are there: what is, is deleted once, and what is not isn't. Nor does
//! it see all ranges that overlap: not one that ends where another does and begins before it, nor one up to the last
//! address there is.

use std::collections::{BTreeMap, BTreeSet};

use super::LOOKED_AT_ONE_BY_ONE;
use super::element;
use super::error::{Failed, NetlinkError, fitting};
use super::message::{Writer, flag, kind};
use super::set::{Key, SetInfo, SetName};
use super::socket::Batch;

/// Kinds of attributes of a list of elements.
pub(super) mod attribute {
    pub(in super::super) const TABLE: u16 = 1;
    pub(in super::super) const SET: u16 = 2;
    pub(in super::super) const ELEMENTS: u16 = 3;
}

/// So many keys go into one message: their attribute ends before 64 KiB.
const KEYS_IN_MESSAGE: usize = 640;
const _: () = assert!(KEYS_IN_MESSAGE * element::WRITTEN_MAX_BYTES < u16::MAX as usize);

/// What is to change in a set: first all goes if it is flushed, then what is removed, then what is added comes.
#[derive(Debug, Clone)]
pub struct SetChange<'a> {
    /// The set.
    pub set: SetName<'a>,
    /// What comes, with its timeout in milliseconds; for good without one. What is there already gets the new timeout,
    /// and counts from zero. Of two equal keys the last one holds.
    pub add: Vec<(Key, Option<u64>)>,
    /// None of what is added is in the set, which is believed of a set of hosts: it costs a third then. Of what is there
    /// all the same, older kernels keep the timeout.
    pub is_new: bool,
    /// What goes; if it is not there, it isn't missed.
    pub remove: Vec<Key>,
    /// All goes.
    pub flush: bool,
}

/// The messages of a change.
pub(super) struct Changes<'a> {
    batch: Batch,
    about: About<'a>,
}

/// Which set the messages of a change are about: the number of the first one about each.
pub(super) struct About<'a>(Vec<(u32, SetName<'a>)>);

impl About<'_> {
    /// The error to tell when the batch failed.
    pub(super) fn error(&self, failed: Failed) -> NetlinkError {
        let Failed::Refused { sequence, .. } = failed else {
            return failed.about(&"a change of sets");
        };
        let upper = self.0.partition_point(|(first, _)| *first <= sequence);
        match upper.checked_sub(1).and_then(|at| self.0.get(at)) {
            Some((_, set)) => failed.about(set),
            None => failed.about(&"a change of sets"),
        }
    }
}

/// What is done to a set, of keys that it can have, each once.
pub(super) struct Plan<'a> {
    set: SetName<'a>,
    info: SetInfo,
    flush: bool,
    /// Deleted whether it is there or not.
    clear: Vec<Key>,
    /// Deleted, which fails if it isn't there.
    remove: Vec<Key>,
    add: Vec<(Key, Option<u64>)>,
    /// None of what is added is there.
    is_new: bool,
}

impl<'a> Plan<'a> {
    pub(super) fn new(change: &SetChange<'a>, info: SetInfo) -> Result<Self, NetlinkError> {
        let set = change.set;
        let checked = |key: &Key| fitting(key, &set, info);
        let add = change.add.iter().map(|(key, timeout)| Ok((checked(key)?, *timeout)));
        let add: BTreeMap<_, _> = add.collect::<Result<_, NetlinkError>>()?;
        let remove = change.remove.iter().map(checked).collect::<Result<BTreeSet<_>, _>>()?;
        let is_new = change.flush || change.is_new;
        // What is added and may be there goes before it comes, anyway.
        let goes = |key: &Key| !change.flush && (is_new || !add.contains_key(key));
        let clear = remove.into_iter().filter(goes).collect();
        let add = add.into_iter().collect();
        Ok(Self { set, info, flush: change.flush, clear, remove: vec![], add, is_new })
    }

    /// The keys of which it has to be known what is in the set at their ends, or is cheaper to know.
    pub(super) fn to_look_for(&self) -> Option<BTreeSet<Key>> {
        let added = self.add.iter().map(|(key, _)| *key).filter(|_| !self.flush);
        let keys: BTreeSet<_> = self.clear.iter().copied().chain(added).collect();
        // Whoever has deleted an element waits for all processors when the socket is closed, some 10 ms.
        let are_few = !self.flush && !self.is_new && keys.len() <= LOOKED_AT_ONE_BY_ONE;
        (self.info.is_interval || are_few).then_some(keys)
    }

    /// Plans with what is in the set.
    pub(super) fn found(&mut self, present: BTreeSet<Key>) -> Result<(), NetlinkError> {
        let mut keys: BTreeSet<_> = self.add.iter().map(|(key, _)| *key).collect();
        let goes: BTreeSet<_> = keys.iter().copied().chain(self.clear.drain(..)).collect();
        let (remove, stay): (Vec<_>, Vec<_>) =
            present.into_iter().partition(|key| goes.contains(key));
        if !keys.is_empty() {
            keys.extend(stay);
        }
        let mut bounds: Vec<_> = keys.iter().map(Key::bounds).collect();
        bounds.sort_unstable();
        if bounds.windows(2).any(|two| two[0].1 >= two[1].0) {
            return Err(NetlinkError::Overlap { what: self.set.to_string() });
        }
        self.remove = remove;
        self.is_new = true;
        Ok(())
    }
}

impl<'a> Changes<'a> {
    pub(super) fn new(batch: Batch) -> Self {
        Self { batch, about: About(Vec::new()) }
    }

    pub(super) fn put(&mut self, plan: &Plan<'a>) {
        if plan.flush {
            self.message(kind::DELETE_SET_ELEMENT, &plan.set, |_| ());
        }
        for chunk in plan.clear.chunks(KEYS_IN_MESSAGE) {
            self.elements(kind::NEW_SET_ELEMENT, plan, for_good(chunk));
            self.elements(kind::DELETE_SET_ELEMENT, plan, for_good(chunk));
        }
        for chunk in plan.remove.chunks(KEYS_IN_MESSAGE) {
            self.elements(kind::DELETE_SET_ELEMENT, plan, for_good(chunk));
        }
        for chunk in plan.add.chunks(KEYS_IN_MESSAGE) {
            if !plan.is_new {
                self.elements(kind::NEW_SET_ELEMENT, plan, chunk.iter().copied());
                self.elements(kind::DELETE_SET_ELEMENT, plan, chunk.iter().copied());
            }
            self.elements(kind::NEW_SET_ELEMENT, plan, chunk.iter().copied());
        }
    }

    /// The batch, and what its messages are about; none if there is nothing to change.
    pub(super) fn end(self) -> Option<(Batch, About<'a>)> {
        (!self.about.0.is_empty()).then_some((self.batch, self.about))
    }

    fn elements(
        &mut self,
        kind: u16,
        plan: &Plan<'a>,
        keys: impl Iterator<Item = (Key, Option<u64>)>,
    ) {
        self.message(kind, &plan.set, |writer| {
            writer.nested(attribute::ELEMENTS, |writer| {
                for (key, timeout) in keys {
                    element::write(writer, key, timeout, plan.info.is_interval);
                }
            });
        });
    }

    fn message(&mut self, kind: u16, set: &SetName<'a>, body: impl FnOnce(&mut Writer)) {
        let flags = if kind == kind::NEW_SET_ELEMENT { flag::CREATE } else { 0 };
        let number = self.batch.message(kind, flags, set.table_family, |writer| {
            writer.text(attribute::TABLE, set.table);
            writer.text(attribute::SET, set.set);
            body(writer);
        });
        if self.about.0.last().is_none_or(|(_, last)| last != set) {
            self.about.0.push((number, *set));
        }
    }
}

/// Keys as they are written to be deleted.
fn for_good(keys: &[Key]) -> impl Iterator<Item = (Key, Option<u64>)> {
    keys.iter().map(|key| (*key, None))
}
