//! What the store says of what was put in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Front;
use crate::enforce::Gate;
use crate::enforce::action::State;
use crate::model::Time;
use crate::store::{Batch, Installation, Reader, StoreError};

/// What was put in for an action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Recipe {
    /// Gates of a packet filter.
    Gates(Vec<Gate>),
    /// Whatever its commands have done.
    Script {
        /// In the life of the machine with this name: after its end that may be undone.
        boot: String,
        /// What they have done.
        state: State,
    },
}

/// What was put in, by jail and action.
#[derive(Debug)]
pub(super) struct Books {
    rows: BTreeMap<(String, String), Recipe>,
}

impl Books {
    /// As they are in the store. What another version of f2b wrote and this one can't read was nothing.
    pub(super) fn read(reader: &Reader) -> Result<Self, StoreError> {
        let row = |row: Installation| {
            Some(((row.jail, row.action), serde_json::from_str(&row.recipe).ok()?))
        };
        Ok(Self { rows: reader.installations()?.into_iter().filter_map(row).collect() })
    }

    /// The gates of the actions of a jail, or of all.
    pub(super) fn gates_of<'b>(
        &'b self,
        jail: Option<&'b str>,
    ) -> impl Iterator<Item = (&'b (String, String), &'b [Gate])> {
        let is_wanted = move |name: &str| jail.is_none_or(|jail| jail == name);
        let rows = self.rows.iter().filter(move |((name, _), _)| is_wanted(name));
        rows.filter_map(|(key, recipe)| match recipe {
            Recipe::Gates(gates) => Some((key, &gates[..])),
            Recipe::Script { .. } => None,
        })
    }

    /// The actions of a jail, or of all, whose commands have done something.
    pub(super) fn scripts_of<'b>(
        &'b self,
        jail: Option<&'b str>,
    ) -> impl Iterator<Item = (&'b (String, String), &'b State)> {
        let is_wanted = move |name: &str| jail.is_none_or(|jail| jail == name);
        let rows = self.rows.iter().filter(move |((name, _), _)| is_wanted(name));
        rows.filter_map(|(key, recipe)| match recipe {
            Recipe::Gates(_) => None,
            Recipe::Script { state, .. } => Some((key, state)),
        })
    }

    /// Whether another action than those of `jail` has a gate in the same place.
    pub(super) fn is_shared(&self, gate: &Gate, jail: Option<&str>) -> bool {
        let others =
            self.gates_of(None).filter(|((name, _), _)| jail.is_some_and(|jail| jail != name));
        others.flat_map(|(_, gates)| gates).any(|other| other.is_same_place(gate))
    }

    /// Remembers what was put in for an action; `None` for nothing.
    pub(super) fn set(
        &mut self,
        batch: &mut Batch<'_>,
        front: &Front,
        recipe: Option<Recipe>,
        now: Time,
    ) -> Result<(), StoreError> {
        let key = (front.jail.clone(), front.action.clone());
        if self.rows.get(&key) == recipe.as_ref() {
            return Ok(());
        }
        let Some(recipe) = recipe else {
            self.rows.remove(&key);
            return batch.forget_installation(&front.jail, &front.action);
        };
        // Texts and numbers only.
        let text = serde_json::to_string(&recipe).unwrap_or_default();
        let (jail, action) = key.clone();
        batch.set_installation(&Installation { jail, action, recipe: text, since: now })?;
        self.rows.insert(key, recipe);
        Ok(())
    }

    /// Remembers the gates of an action; none is nothing.
    pub(super) fn set_gates(
        &mut self,
        batch: &mut Batch<'_>,
        front: &Front,
        gates: Vec<Gate>,
        now: Time,
    ) -> Result<(), StoreError> {
        self.set(batch, front, (!gates.is_empty()).then_some(Recipe::Gates(gates)), now)
    }

    /// Whether the gate of an action in the place of `gate` was put in as it is configured; `None` if it wasn't put in.
    pub(super) fn is_current(&self, front: &Front, gate: &Gate) -> Option<bool> {
        let own = front.gates().iter().find(|own| own.is_same_place(gate))?;
        let mut known =
            self.gates(front).iter().filter(|known| known.is_same_place(gate)).peekable();
        known.peek().is_some().then(|| known.all(|known| known == own))
    }

    /// The gates of one action.
    pub(super) fn gates(&self, front: &Front) -> &[Gate] {
        match self.of(front) {
            Some(Recipe::Gates(gates)) => gates,
            _ => &[],
        }
    }

    /// What was put in for one action.
    pub(super) fn of(&self, front: &Front) -> Option<&Recipe> {
        self.rows.get(&(front.jail.clone(), front.action.clone()))
    }
}
