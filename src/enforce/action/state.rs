//! What an action has done, to be kept for whoever goes on with it: the next command is another process, and the
//! configuration may be another one by then.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::script::{Family, Scripts};

/// What an action has done so far. The default is: nothing.
///
/// It has the commands under which that was done. They, not what the configuration says by now, lift and stop what
/// they made: a jump to another port is found only by who knows the old one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// Families with something that may have to be stopped.
    families: BTreeMap<Family, Flags>,
    /// Families whose bans are gone from where they were enforced.
    #[serde(default)]
    lost: BTreeSet<Family>,
    /// With which commands all that was done.
    scripts: Option<Scripts>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Flags {
    pub(super) is_started: bool,
    pub(super) has_items: bool,
}

impl State {
    /// Whether nothing was done that could be stopped.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// Whether the family counts as started.
    pub fn is_started(&self, family: Family) -> bool {
        self.families.get(&family).is_some_and(|flags| flags.is_started)
    }

    /// Whether anything was banned in the family that may still be.
    pub fn has_items(&self, family: Family) -> bool {
        self.families.get(&family).is_some_and(|flags| flags.has_items)
    }

    /// Families all of whose bans must be applied anew, because what enforced them had to be made anew.
    pub fn lost(&self) -> impl Iterator<Item = Family> + '_ {
        self.lost.iter().copied()
    }

    /// All bans of the family were applied anew.
    pub fn set_reapplied(&mut self, family: Family) {
        self.lost.remove(&family);
    }

    /// The commands under which it was done; `None` if nothing was.
    pub fn scripts(&self) -> Option<&Scripts> {
        self.scripts.as_ref()
    }

    /// The families with something to stop, in the order in which that is done.
    pub(super) fn families(&self) -> Vec<Family> {
        self.families.keys().copied().collect()
    }

    /// Those that count as started.
    pub(super) fn started(&self) -> Vec<Family> {
        let started = self.families.iter().filter(|(_, flags)| flags.is_started);
        started.map(|(family, _)| *family).collect()
    }

    /// Sets what is so of a family, done under these commands if nothing was done before.
    pub(super) fn set(&mut self, family: Family, flags: Flags, scripts: &Scripts) {
        self.scripts.get_or_insert_with(|| scripts.clone());
        self.families.insert(family, flags);
    }

    /// Whatever was banned in the family no longer is, though it ought to be.
    pub(super) fn lose(&mut self, family: Family) {
        if let Some(flags) = self.families.get_mut(&family)
            && std::mem::take(&mut flags.has_items)
        {
            self.lost.insert(family);
        }
    }

    /// Nobody is banned in the family any more, nor ought to be.
    pub(super) fn clear(&mut self, family: Family) {
        self.lost.remove(&family);
        if let Some(flags) = self.families.get_mut(&family) {
            flags.has_items = false;
        }
    }

    /// Whatever was banned before is not any more, under the new commands, though it ought to be.
    pub(super) fn lose_all_of(&mut self, before: &Self) {
        let had = before.families.iter().filter(|(_, flags)| flags.has_items);
        self.lost = before.lost.iter().chain(had.map(|(family, _)| family)).copied().collect();
    }
}
