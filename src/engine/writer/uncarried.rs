//! Which bans have changed since somebody last carried that out.

use std::collections::BTreeMap;

use crate::engine::projection::{Changed, FOLLOW_MAX_HOSTS};
use crate::model::Host;

/// How many changes of each jail are not carried out.
pub(super) type Pending = BTreeMap<String, u64>;

/// What orders have changed.
#[derive(Clone, Debug, Default)]
pub struct Uncarried {
    /// The hosts whose bans were made, are over or last longer; no more than are looked at one by one.
    pub changed: Vec<Changed>,
    /// The jails that were not pending before, and how many changes of theirs there were.
    pub clean: BTreeMap<String, u64>,
}

impl Uncarried {
    /// Adds the jails and hosts of bans that were made, are over or last longer, before and after which these changes
    /// were pending.
    pub(super) fn add<'b>(
        &mut self,
        bans: impl Iterator<Item = (&'b String, &'b Host)>,
        [before, after]: [Pending; 2],
    ) {
        let mut changed = after;
        changed.retain(|jail, count| before.get(jail) != Some(count));
        for (jail, count) in changed {
            if before.get(&jail) == self.clean.get(&jail) {
                self.clean.insert(jail, count);
            } else {
                self.clean.remove(&jail);
            }
        }
        let room = (FOLLOW_MAX_HOSTS + 1).saturating_sub(self.changed.len());
        let changed = bans.map(|(jail, host)| Changed { jail: jail.clone(), host: host.clone() });
        self.changed.extend(changed.take(room));
    }
}
