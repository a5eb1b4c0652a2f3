//! The jails of a daemon as they are by now: those of the configuration, with what was changed since.
//!
//! A change is made to the definition of one jail, which is compiled as any other. What can't be read or compiled changes
//! nothing. What is in force is a [`Muster`], with which the service goes on as after a reload: how far logs were read,
//! which failures count and who is banned is in the store. A reload takes the configuration as it says.

mod change;
mod read;
mod settings;

use std::collections::BTreeSet;
use std::sync::Arc;

use self::read::refused;
pub use self::read::{duration, number};
use super::jail::{Calendars, Jail, Overrides};
use super::muster::{Muster, Mustered, Unusable};
use super::own_log::OwnLog;
use super::tuning::{JailSettings, JailState, Refusal, RefusalKind, Tuning};
use crate::config::{FilterDef, JailDef, Text};
use crate::date::YearWindow;
use crate::diag::Diagnostic;
use crate::model::Time;

/// In no line: what a jail looks for that has no expression yet.
const NEVER: &str = r"[^\s\S]<F-ID/>";

/// The jails of a daemon.
#[derive(Debug, Default)]
pub struct Roster {
    entries: Vec<Entry>,
    /// Jails that were stopped since the configuration was read.
    stopped: BTreeSet<String>,
    /// What is wrong with the configuration.
    unusable: Vec<Unusable>,
    findings: Vec<Diagnostic>,
    own_log: OwnLog,
}

/// A jail.
#[derive(Clone, Debug)]
struct Entry {
    def: Arc<JailDef>,
    jail: Arc<Jail>,
    state: JailState,
}

/// What has to be done for a change to be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Nothing.
    None,
    /// Lines are read, and hosts banned, by other rules.
    Rules,
    /// The same, and what keeps hosts out is other actions.
    Actions,
}

impl Roster {
    /// The jails of a configuration.
    pub fn of(muster: &Muster) -> Self {
        let mut roster = Self::default();
        roster.reload(muster, None);
        roster
    }

    /// Takes what the configuration says by now in the place of all that was changed; of one jail, if it is `only` read for
    /// that.
    pub fn reload(&mut self, new: &Muster, only: Option<&str>) {
        let entry = |member: &Mustered| Entry {
            def: Arc::clone(&member.def),
            jail: Arc::clone(&member.jail),
            state: JailState::Running,
        };
        let Some(only) = only else {
            self.unusable.clone_from(&new.unusable);
            self.findings.clone_from(&new.findings);
            self.own_log.clone_from(&new.own_log);
            self.entries = new.members.iter().map(entry).collect();
            self.stopped.clear();
            return;
        };
        self.stopped.remove(only);
        let read = new.members.iter().find(|member| member.jail.name == only).map(entry);
        let known = self.entries.iter().position(|entry| entry.jail.name == only);
        match (known, read) {
            (Some(at), Some(read)) => self.entries[at] = read,
            (Some(at), None) => drop(self.entries.remove(at)),
            (None, read) => self.entries.extend(read),
        }
    }

    /// The jails that run.
    pub fn muster(&self) -> Muster {
        let started = self.entries.iter().filter(|entry| entry.state != JailState::Added);
        let members = started.map(|entry| Mustered {
            def: Arc::clone(&entry.def),
            jail: Arc::clone(&entry.jail),
            is_idle: entry.state == JailState::Idle,
        });
        Muster {
            members: members.collect(),
            unusable: self.unusable.clone(),
            findings: self.findings.clone(),
            own_log: self.own_log.clone(),
        }
    }

    /// The definitions of all jails.
    pub fn definitions(&self) -> impl Iterator<Item = &Arc<JailDef>> {
        self.entries.iter().map(|entry| &entry.def)
    }

    /// The jails that were stopped since the configuration was read.
    pub fn stopped(&self) -> &BTreeSet<String> {
        &self.stopped
    }

    /// What a jail is set to.
    ///
    /// # Errors
    /// There is no such jail.
    pub fn settings(&self, name: &str) -> Result<JailSettings, Refusal> {
        let Entry { def, state, .. } = &self.entries[self.place(name)?];
        Ok(settings::of(def, *state))
    }

    /// Changes something in a jail.
    ///
    /// # Errors
    /// It can't be changed; all is as it was then.
    pub fn tune(&mut self, name: &str, what: &Tuning, now: Time) -> Result<Effect, Refusal> {
        let place = self.place(name)?;
        let entry = &self.entries[place];
        let is_running = entry.state != JailState::Added;
        if let Tuning::Idle(is_idle) = what {
            if is_running {
                let state = if *is_idle { JailState::Idle } else { JailState::Running };
                self.entries[place].state = state;
            }
            return Ok(if is_running { Effect::Rules } else { Effect::None });
        }
        let mut def = JailDef::clone(&entry.def);
        let effect = change::change(&mut def, what)?;
        if effect == Effect::None {
            return Ok(effect);
        }
        self.entries[place].jail = compiled(&def, now)?;
        self.entries[place].def = Arc::new(def);
        Ok(if is_running { effect } else { Effect::None })
    }

    /// Adds a jail, which is to be started.
    ///
    /// # Errors
    /// The name or the backend can't be used.
    pub fn add(&mut self, name: &str, backend: Option<&str>, now: Time) -> Result<(), Refusal> {
        const BACKENDS: &str =
            "Must be among ['pyinotify', 'gamin', 'polling', 'systemd'] or 'auto'";
        if name == "--all" {
            return Err(Refusal::new(RefusalKind::Other, "Reserved name '--all'"));
        }
        if self.place(name).is_ok() {
            return Err(Refusal::new(RefusalKind::DuplicateJail, name));
        }
        let backend = backend.unwrap_or("auto");
        let def = JailDef::bare(name, backend).map_err(|_| {
            Refusal::new(RefusalKind::Value, format!("Unknown backend {backend}. {BACKENDS}"))
        })?;
        let jail = compiled(&def, now)?;
        self.stopped.remove(name);
        self.entries.push(Entry { def: Arc::new(def), jail, state: JailState::Added });
        Ok(())
    }

    /// Starts a jail that was added.
    ///
    /// # Errors
    /// There is no such jail.
    pub fn start(&mut self, name: &str) -> Result<Effect, Refusal> {
        let place = self.place(name)?;
        let state = &mut self.entries[place].state;
        if *state != JailState::Added {
            return Ok(Effect::None);
        }
        *state = JailState::Running;
        Ok(Effect::Actions)
    }

    /// Stops a jail, or all, and forgets it until the configuration is read again.
    ///
    /// # Errors
    /// There is no such jail.
    pub fn stop(&mut self, name: Option<&str>) -> Result<Effect, Refusal> {
        let gone = match name {
            Some(name) => vec![self.entries.remove(self.place(name)?)],
            None => std::mem::take(&mut self.entries),
        };
        let started = gone.iter().any(|entry| entry.state != JailState::Added);
        self.stopped.extend(gone.into_iter().map(|entry| entry.def.name.clone()));
        Ok(if started { Effect::Actions } else { Effect::None })
    }

    fn place(&self, name: &str) -> Result<usize, Refusal> {
        let place = self.entries.iter().position(|entry| entry.def.name == name);
        place.ok_or_else(|| Refusal::new(RefusalKind::UnknownJail, name))
    }
}

/// The jail, compiled. One without an expression finds nobody, as in fail2ban: others may still be banned by hand.
fn compiled(def: &JailDef, now: Time) -> Result<Arc<Jail>, Refusal> {
    let calendars = Calendars::new(YearWindow::around(now));
    let compile = |def: &JailDef| Jail::compile(def, &Overrides::default(), &calendars);
    let (jail, findings) = if def.filter.failregex.is_empty() {
        let failregex = vec![Text::at_run_time(NEVER)];
        let filter = FilterDef { failregex, ..def.filter.clone() };
        compile(&JailDef { filter, ..def.clone() })
    } else {
        compile(def)
    };
    jail.ok_or_else(|| refused(def, &findings))
}

#[cfg(test)]
mod tests;
