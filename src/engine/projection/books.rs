//! What the store says of what was put into the packet filter.

use std::collections::BTreeMap;

use super::Front;
use crate::enforce::Gate;
use crate::model::Time;
use crate::store::{Batch, Installation, Reader, StoreError};

/// The gates that were put in, by jail and action.
#[derive(Debug)]
pub(super) struct Books {
    rows: BTreeMap<(String, String), Vec<Gate>>,
}

impl Books {
    /// As they are in the store. What another version of f2b wrote and this one can't read was nothing.
    pub(super) fn read(reader: &Reader) -> Result<Self, StoreError> {
        let row = |row: Installation| {
            let gates = serde_json::from_str(&row.recipe).unwrap_or_default();
            ((row.jail, row.action), gates)
        };
        Ok(Self { rows: reader.installations()?.into_iter().map(row).collect() })
    }

    /// The gates of the actions of a jail, or of all.
    pub(super) fn of<'b>(
        &'b self,
        jail: Option<&'b str>,
    ) -> impl Iterator<Item = (&'b (String, String), &'b [Gate])> {
        let is_wanted = move |name: &str| jail.is_none_or(|jail| jail == name);
        let rows = self.rows.iter().filter(move |((name, _), _)| is_wanted(name));
        rows.map(|(key, gates)| (key, &gates[..]))
    }

    /// Whether another action than those of `jail` has a gate in the same place.
    pub(super) fn is_shared(&self, gate: &Gate, jail: Option<&str>) -> bool {
        let others =
            self.rows.iter().filter(|((name, _), _)| jail.is_some_and(|jail| jail != name));
        others.flat_map(|(_, gates)| gates).any(|other| other.is_same_place(gate))
    }

    /// Remembers the gates of an action; none is nothing.
    pub(super) fn set(
        &mut self,
        batch: &mut Batch<'_>,
        (jail, action): (&str, &str),
        gates: Vec<Gate>,
        now: Time,
    ) -> Result<(), StoreError> {
        let key = (jail.to_owned(), action.to_owned());
        if self.rows.get(&key).is_some_and(|known| *known == gates) {
            return Ok(());
        }
        if gates.is_empty() {
            self.rows.remove(&key);
            return batch.forget_installation(jail, action);
        }
        // Texts and numbers only.
        let recipe = serde_json::to_string(&gates).unwrap_or_default();
        let (jail, action) = key.clone();
        batch.set_installation(&Installation { jail, action, recipe, since: now })?;
        self.rows.insert(key, gates);
        Ok(())
    }

    /// The gates of one action.
    pub(super) fn gates(&self, front: &Front) -> &[Gate] {
        let key = (front.jail.clone(), front.action.clone());
        self.rows.get(&key).map_or(&[], |gates| &gates[..])
    }
}
