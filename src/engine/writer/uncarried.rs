//! Which bans have changed since somebody last carried that out.

use std::collections::BTreeMap;

use super::{Done, Effect};
use crate::engine::projection::{Changed, FOLLOW_MAX_HOSTS};
use crate::model::Ban;

/// What orders have changed.
#[derive(Debug, Default)]
pub(super) struct Uncarried {
    /// The hosts whose bans were made or ended by hand; no more than are looked at one by one.
    pub(super) changed: Vec<Changed>,
    /// The jails that were not pending before, and how many changes of theirs there were.
    pub(super) clean: BTreeMap<String, u64>,
}

impl Uncarried {
    /// Adds what an order has done, before which and after which so many changes of jails were pending.
    pub(super) fn add(
        &mut self,
        done: &Done,
        before: &BTreeMap<String, u64>,
        after: BTreeMap<String, u64>,
    ) {
        let mut changed = after;
        changed.retain(|jail, count| before.get(jail) != Some(count));
        for (jail, count) in changed {
            // Bans whose time is over are not told one by one; where the kernel doesn't end them, all are looked at.
            let is_ours = before.get(&jail) == self.clean.get(&jail) && done.expired == 0;
            if is_ours {
                self.clean.insert(jail, count);
            } else {
                self.clean.remove(&jail);
            }
        }
        let room = (FOLLOW_MAX_HOSTS + 1).saturating_sub(self.changed.len());
        let changed = done.effects.iter().filter_map(|effect| match effect {
            Effect::Made(Ban { jail, host, .. }) | Effect::Ended(Ban { jail, host, .. }) => {
                Some(Changed { jail: jail.clone(), host: host.clone() })
            }
            Effect::Stood(_) | Effect::NotBanned(_) => None,
        });
        self.changed.extend(changed.take(room));
    }
}
