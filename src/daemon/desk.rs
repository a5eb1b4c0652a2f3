//! Where users are answered: by threads of the socket, from the store and by the same code as without a daemon.
//!
//! What concerns the service itself it is called for; of what changes bans it is told.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::audience::Audience;
use super::log::{Event as Line, Log};
use super::server::Tuned;
use super::settings::Settings;
use super::tuner::Tuner;
use super::wake::{Call, Caller};
use crate::config::{Config, JailDef};
use crate::control::{
    Change, Command, Deed, Direct, Failed, Following, Happening, JailFolder, Jails, Mode, Refusal,
    RefusalKind, Reply, Request, Take, UnusableJail, Whose,
};
use crate::error::Error;
use crate::model::{Clock, Origin, SystemClock};
use crate::text::shown;

/// The service is in the midst of a step for so long at most, nearly always.
const LOGS_WITHIN: Duration = Duration::from_secs(2);

/// So often it is found out whether who watches is still there.
const STILL_THERE: Duration = Duration::from_secs(10);

/// Answers.
pub(super) struct Desk {
    settings: Settings,
    caller: Caller,
    log: Log,
    following: Shared,
    audience: Audience,
    tuner: Tuner,
    server: Tuned,
}

/// What the service does, which it keeps true.
pub(super) type Shared = Arc<Mutex<Following>>;

impl Desk {
    pub(super) fn new(
        settings: &Settings,
        caller: Caller,
        log: Log,
        following: Shared,
        audience: Audience,
        tuner: Tuner,
    ) -> Self {
        // Without its files, which the service could read, it is as fail2ban is without them.
        let config = Config::open(&settings.config).ok();
        let server = config.and_then(|config| config.server().value).unwrap_or_default();
        let server = Tuned::new(log.clone(), &server);
        Self { settings: settings.clone(), caller, log, following, audience, tuner, server }
    }

    /// Answers a request.
    pub(super) fn answer(&self, request: Request, take: &mut Take<'_>) -> Result<(), Failed> {
        let request = match request {
            Request::Daemon(command) => return self.obey(&command, take),
            request => request,
        };
        let (jails, stopped) = self.tuner.jails();
        self.carry_out(request, jails, stopped, take)
    }

    /// Answers a request with these jails.
    fn carry_out(
        &self,
        request: Request,
        jails: Vec<Arc<JailDef>>,
        stopped: Vec<String>,
        take: &mut Take<'_>,
    ) -> Result<(), Failed> {
        let Settings { config, store, enforces, runs_commands, .. } = &self.settings;
        let (enforces, runs_commands) = (*enforces, *runs_commands);
        let now = SystemClock.now();
        let folder = JailFolder::new(config).running(jails, stopped);
        let direct = Direct { folder: &folder, store, now, enforces, runs_commands };
        let is_change = matches!(request, Request::Change(_));
        let answered = direct.answer(request, &mut |reply| {
            self.tell(&reply);
            take(reply)
        });
        if is_change {
            // Even if it failed: some of it may have been done.
            self.caller.call(Call::Changed);
        }
        answered
    }

    /// Tells of bans that are made or lifted by hand.
    fn tell(&self, reply: &Reply) {
        match reply {
            Reply::Made(ban) => {
                let (jail, host) = (&*ban.jail, &*ban.host.to_string());
                self.log.event(&match ban.origin {
                    // It was another program's, which had its reasons: no new offence to who counts those.
                    Origin::Import => Line::RestoreBan { jail, host },
                    _ => Line::Ban { jail, host },
                });
                self.audience.tell(&Happening::Banned(ban.clone()));
            }
            Reply::Prolonged(longer) => {
                let (jail, host) = (&*longer.jail, &*longer.host.to_string());
                self.log.event(&Line::Prolonged { jail, host, until: longer.until });
                self.audience.tell(&Happening::Prolonged(longer.clone()));
            }
            Reply::Lifted { host, jails } => {
                let at = SystemClock.now();
                for jail in jails {
                    self.log.event(&Line::Unban { jail, host: &host.to_string() });
                    let (jail, host) = (jail.clone(), host.clone());
                    self.audience.tell(&Happening::Over { jail, host, at });
                }
            }
            _ => {}
        }
    }

    fn settings(&self, jail: &str, take: &mut Take<'_>) -> Result<(), Failed> {
        Ok(take(Reply::Settings(Box::new(self.tuner.settings(jail)?)))?)
    }

    /// Has the configuration read again, and done what else is asked for of its jails once that is in force.
    fn reload(&self, jail: Option<&str>, restart: bool, unban: bool) -> Result<(), Failed> {
        if let Some(name) = jail {
            let folder = JailFolder::new(&self.settings.config);
            Jails::new(&folder).configuring(name)?;
        }
        self.tuner.reload(jail)?;
        let jail = || jail.map(str::to_owned);
        let mode = Mode::Do;
        let unban = unban.then(|| Change::Unban { hosts: Whose::Everyone, jail: jail() });
        let restore = Change::Restore { jail: jail(), filters_only: false, mode };
        let again = [Change::Flush { jail: jail(), mode }, restore];
        let again = again.into_iter().filter(|_| restart && self.settings.enforces);
        for change in unban.into_iter().chain(again) {
            self.answer(Request::Change(change), &mut |_| Ok(()))?;
        }
        Ok(())
    }

    /// Has an action do something. One that is stopped is put back by whatever looks at its whole jail: a ban that is new,
    /// or a start.
    fn call(&self, jail: &str, action: &str, deed: Deed) -> Result<(), Failed> {
        let settings = self.tuner.settings(jail)?;
        if !settings.actions.iter().any(|known| known.name == action) {
            let text = format!("Invalid Action name: {action}");
            return Err(Error::from(Refusal::new(RefusalKind::Key, text)).into());
        }
        let (mut jails, stopped) = self.tuner.jails();
        if matches!(deed, Deed::Stop | Deed::Flush) {
            for def in jails.iter_mut().filter(|def| def.name == jail) {
                Arc::make_mut(def).actions.retain(|known| known.name != action);
            }
        }
        if !self.settings.enforces {
            return Ok(());
        }
        let restore =
            Change::Restore { jail: Some(jail.to_owned()), filters_only: false, mode: Mode::Do };
        self.carry_out(Request::Change(restore), jails, stopped, &mut |_| Ok(()))
    }

    /// Who watches says nothing; that he has gone is found out by speaking to him.
    fn watch(&self, take: &mut Take<'_>) -> Result<(), Failed> {
        let happens = self.audience.join();
        loop {
            let what = match happens.recv_timeout(STILL_THERE) {
                Ok(what) => what,
                Err(RecvTimeoutError::Timeout) => Happening::Nothing,
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            };
            take(Reply::Happened(what))?;
        }
    }

    fn obey(&self, command: &Command, take: &mut Take<'_>) -> Result<(), Failed> {
        let following = || self.following.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let names =
            |following: Following| following.jails.into_iter().map(|jail| jail.name).collect();
        match command {
            Command::Ping => {
                let version = env!("CARGO_PKG_VERSION").to_owned();
                let (pid, following) = (std::process::id(), following());
                let since = following.since;
                Ok(take(Reply::Pong { version, pid, since, jails: names(following) })?)
            }
            Command::Reload { jail, restart, unban } => {
                self.reload(jail.as_deref(), *restart, *unban)?;
                let following = following();
                let unusable = following.unusable.iter();
                let findings = unusable
                    .map(|UnusableJail { name, why }| {
                        format!("jail '{}' can't be used: {why}", shown(name))
                    })
                    .collect();
                Ok(take(Reply::Reloaded { jails: names(following), findings })?)
            }
            Command::Stop => {
                take(Reply::Stopping)?;
                self.caller.call(Call::Stop);
                Ok(())
            }
            Command::Watch => self.watch(take),
            Command::Status => {
                let (said, receiver) = channel::<()>();
                self.caller.call(Call::Logs(said));
                // If it has much to do, it is told how far it was when that was last asked.
                let _ = receiver.recv_timeout(LOGS_WITHIN);
                Ok(take(Reply::Following(following()))?)
            }
            Command::Reopen => {
                let reopened = self.log.reopen().map_err(|error| {
                    Error::from(Refusal::new(RefusalKind::Other, error.to_string()))
                })?;
                Ok(take(Reply::Reopened(reopened.to_string()))?)
            }
            Command::Settings { jail } => self.settings(jail, take),
            Command::Tune { jail, what } => {
                self.tuner.tune(jail, what)?;
                self.settings(jail, take)
            }
            Command::AddJail { name, backend } => {
                self.tuner.add(name, backend.as_deref())?;
                self.log.event(&Line::JailCreated { jail: name });
                self.settings(name, take)
            }
            Command::StartJail { name } => {
                self.tuner.start(name)?;
                self.settings(name, take)
            }
            Command::StopJail { name } => {
                self.tuner.stop(name.as_deref())?;
                Ok(take(Reply::Done)?)
            }
            Command::Attempt { jail, host, texts } => {
                self.tuner.attempt(jail, host, texts)?;
                Ok(take(Reply::Done)?)
            }
            Command::CallAction { jail, action, deed } => {
                self.call(jail, action, *deed)?;
                Ok(take(Reply::Done)?)
            }
            Command::Server => Ok(take(Reply::Server(self.server.settings()))?),
            Command::TuneServer(what) => {
                let (jails, _) = self.tuner.jails();
                self.server.tune(what, !jails.is_empty()).map_err(Error::from)?;
                Ok(take(Reply::Server(self.server.settings()))?)
            }
        }
    }
}
