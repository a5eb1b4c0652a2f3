//! The gates of all actions, those in the same place together, and who is to be kept out by each.

use super::{Front, GateFate};
use crate::enforce::{Changes, Gate, Held, Key, hold};
use crate::model::Time;
use crate::store::{BanOrder, Reader, StoreError};

/// Gates in one place: actions of several jails that have the same names, as fail2ban allows.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// With the rules of all of them.
    pub(super) gate: Gate,
    /// The actions that it belongs to.
    pub(super) fronts: Vec<Front>,
    /// Who is to be kept out, and until when.
    pub(super) held: Held,
}

impl Group {
    pub(super) fn has(&self, jail: &str) -> bool {
        self.fronts.iter().any(|front| front.jail == jail)
    }

    pub(super) fn jails(&self) -> Vec<String> {
        jails(&self.fronts)
    }

    /// What becomes of it by `changes`.
    pub(super) fn fate(&self, changes: &Changes) -> GateFate {
        GateFate {
            place: self.gate.place.to_string(),
            jails: self.jails(),
            is_made: false,
            is_gone: false,
            added: changes.add.len() as u64,
            removed: changes.remove.len() as u64,
        }
    }
}

/// The jails of actions, each once.
pub(super) fn jails(fronts: &[Front]) -> Vec<String> {
    let mut jails: Vec<_> = fronts.iter().map(|front| front.jail.clone()).collect();
    jails.dedup();
    jails
}

/// The groups that an action of `jail`, or of any jail, is in; nobody is kept out yet.
pub(super) fn groups(fronts: &[Front], jail: Option<&str>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for front in fronts {
        for gate in front.gates() {
            match groups.iter_mut().find(|group| group.gate.is_same_place(gate)) {
                Some(group) => {
                    group.gate.join(gate);
                    group.fronts.push(front.clone());
                }
                None => groups.push(Group {
                    gate: gate.clone(),
                    fronts: vec![front.clone()],
                    held: Held::new(),
                }),
            }
        }
    }
    groups.retain(|group| jail.is_none_or(|jail| group.has(jail)));
    groups
}

/// Fills in who is to be kept out at `now`.
pub(super) fn fill(groups: &mut [Group], reader: &Reader, now: Time) -> Result<(), StoreError> {
    reader.each_active(now, None, BanOrder::Jail, |ban| {
        // What is no address a packet filter can't keep out.
        let Some(addr) = ban.host.addr() else { return Ok(()) };
        for group in groups.iter_mut() {
            if group.gate.is_for(addr) && group.has(&ban.jail) {
                hold(&mut group.held, Key::Addr(addr), ban.until);
            }
        }
        Ok(())
    })
}
