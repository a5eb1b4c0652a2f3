//! Jails that are changed while they run, and the server: what users ask of that, answered when it is in force.
//!
//! The roster is changed by the thread of whoever asks, so that nobody who compiles an expression holds up the logs; the
//! service then goes on with what is in it.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::wake::{Answer, Call, Caller};
use crate::config::JailDef;
use crate::control::{Failed, JailSettings, Refusal, Tuning};
use crate::engine::Roster;
use crate::engine::roster::Effect;
use crate::error::Error;
use crate::model::{Clock, Host, SystemClock};

/// The service reads a large configuration again, or begins anew with changed jails, in less than this.
const IN_FORCE_WITHIN: Duration = Duration::from_mins(1);

/// The jails as they are by now; those in force are those that the service has taken.
pub(super) type Jails = Arc<Mutex<Roster>>;

/// Changes jails.
pub(super) struct Tuner {
    roster: Jails,
    caller: Caller,
}

impl Tuner {
    pub(super) fn new(roster: Jails, caller: Caller) -> Self {
        Self { roster, caller }
    }

    pub(super) fn settings(&self, jail: &str) -> Result<JailSettings, Failed> {
        Ok(self.roster().settings(jail).map_err(Error::from)?)
    }

    pub(super) fn tune(&self, jail: &str, what: &Tuning) -> Result<(), Failed> {
        self.change(|roster| roster.tune(jail, what, SystemClock.now()))
    }

    pub(super) fn add(&self, name: &str, backend: Option<&str>) -> Result<(), Failed> {
        let now = SystemClock.now();
        self.change(|roster| roster.add(name, backend, now).map(|()| Effect::None))
    }

    pub(super) fn start(&self, name: &str) -> Result<(), Failed> {
        self.change(|roster| roster.start(name))
    }

    pub(super) fn stop(&self, name: Option<&str>) -> Result<(), Failed> {
        self.change(|roster| roster.stop(name))
    }

    /// The definitions of the jails, and the names of those that were stopped.
    pub(super) fn jails(&self) -> (Vec<Arc<JailDef>>, Vec<String>) {
        let roster = self.roster();
        (roster.definitions().cloned().collect(), roster.stopped().iter().cloned().collect())
    }

    /// Has the configuration read again, that of one jail or all of it.
    pub(super) fn reload(&self, jail: Option<&str>) -> Result<(), Failed> {
        self.wait(|answer| Call::Reload(jail.map(str::to_owned), Some(answer)))
    }

    /// Has failures counted that no log tells of.
    pub(super) fn attempt(&self, jail: &str, host: &Host, texts: &[String]) -> Result<(), Failed> {
        self.settings(jail)?;
        let (jail, host, texts) = (jail.to_owned(), host.clone(), texts.to_vec());
        self.wait(|answer| Call::Attempt { jail, host, texts, answer })
    }

    fn change(
        &self,
        change: impl FnOnce(&mut Roster) -> Result<Effect, Refusal>,
    ) -> Result<(), Failed> {
        let effect = change(&mut self.roster()).map_err(Error::from)?;
        if effect == Effect::None {
            return Ok(());
        }
        self.wait(|answer| Call::Tuned { actions: effect == Effect::Actions, answer })
    }

    fn wait(&self, call: impl FnOnce(Answer) -> Call) -> Result<(), Failed> {
        let (sender, receiver) = channel();
        self.caller.call(call(sender));
        match receiver.recv_timeout(IN_FORCE_WITHIN) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(Error::NotReloaded(why).into()),
            Err(_) => Err(Error::NotReloaded("it takes too long".to_owned()).into()),
        }
    }

    /// Whoever panicked has changed nothing, or all of it.
    fn roster(&self) -> MutexGuard<'_, Roster> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
