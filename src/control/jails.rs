//! What requests need to know of the configured jails.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use crate::config::{Config, Draft, JailDef};
use crate::diag::{Diagnostic, nearest};
use crate::error::Error;
use crate::model::BanTime;
use crate::store::Reader;

/// A configuration folder of which files and jails are read when they are asked for, and once: reading a jail of the
/// stock configuration takes longer than banning a host.
#[derive(Debug)]
pub struct JailFolder {
    path: PathBuf,
    config: OnceCell<Config>,
    drafts: RefCell<HashMap<String, Rc<Draft>>>,
    /// The jails of a running daemon, with their filters, which may be otherwise by now than the configuration has them.
    running: HashMap<String, Arc<JailDef>>,
    /// Jails that it has stopped.
    stopped: Vec<String>,
}

impl JailFolder {
    /// The folder at `path`.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            config: OnceCell::new(),
            drafts: RefCell::default(),
            running: HashMap::new(),
            stopped: Vec::new(),
        }
    }

    /// The same, where a daemon's jails are as it runs them by now, and some are stopped.
    #[must_use]
    pub fn running(self, jails: Vec<Arc<JailDef>>, stopped: Vec<String>) -> Self {
        let running = jails.into_iter().map(|jail| (jail.name.clone(), jail)).collect();
        Self { running, stopped, ..self }
    }

    /// What is in it.
    pub(super) fn config(&self) -> Result<&Config, Error> {
        if let Some(config) = self.config.get() {
            return Ok(config);
        }
        let config = Config::open(&self.path)?;
        Ok(self.config.get_or_init(|| config))
    }

    /// The same, for whoever asks for nothing else.
    pub fn into_config(self) -> Result<Config, Error> {
        match self.config.into_inner() {
            Some(config) => Ok(config),
            None => Ok(Config::open(&self.path)?),
        }
    }
}

/// The jails of a configuration folder.
#[derive(Clone, Copy, Debug)]
pub struct Jails<'c> {
    folder: &'c JailFolder,
    runs_commands: bool,
}

impl<'c> Jails<'c> {
    /// Those of `folder`.
    pub fn new(folder: &'c JailFolder) -> Self {
        Self { folder, runs_commands: false }
    }

    /// The same, all of whose actions are done by running their commands, also those that f2b does itself.
    #[must_use]
    pub fn running_commands(self, runs_commands: bool) -> Self {
        Self { runs_commands, ..self }
    }

    /// Whether all actions are done by running their commands.
    pub(super) fn runs_commands(self) -> bool {
        self.runs_commands
    }

    /// All that is configured.
    pub(super) fn config(self) -> Result<&'c Config, Error> {
        self.folder.config()
    }

    /// A jail that is configured, without its filter, even if it can't be used.
    ///
    /// # Errors
    ///
    /// The outer error: the folder can't be used. The inner one: findings that keep the jail from being read.
    pub(super) fn draft(self, name: &str) -> Result<Result<Rc<Draft>, Vec<Diagnostic>>, Error> {
        if let Some(known) = self.folder.drafts.borrow().get(name) {
            return Ok(Ok(Rc::clone(known)));
        }
        let running = self.folder.running.get(name).map(|jail| Draft {
            jail: JailDef::clone(jail),
            is_clear: true,
            is_usable: true,
            findings: Vec::new(),
        });
        let draft = match running {
            Some(draft) => Ok(draft),
            None => self.config()?.draft_without_filter(name),
        };
        Ok(draft.map(|draft| {
            let draft = Rc::new(draft);
            self.folder.drafts.borrow_mut().insert(name.to_owned(), Rc::clone(&draft));
            draft
        }))
    }

    /// Whether there is a jail `name`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJail`] with the nearest name, or all; the folder can't be used.
    pub fn configuring(self, name: &str) -> Result<(), Error> {
        if self.folder.running.contains_key(name) {
            return Ok(());
        }
        let config = self.config()?;
        let mut names = config.jail_names().value.unwrap_or_default();
        names.retain(|name| !self.is_stopped(name));
        if names.iter().any(|known| known == name) {
            return Ok(());
        }
        let nearest = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        let (name, config) = (name.to_owned(), self.folder.path.clone());
        Err(Error::UnknownJail { name, config, nearest, known: names })
    }

    /// Whether a daemon has stopped the jail: nobody is kept out for it until the configuration is read again.
    pub(super) fn is_stopped(self, name: &str) -> bool {
        self.folder.stopped.iter().any(|stopped| stopped == name)
    }

    /// Whether it is a jail of a running daemon.
    pub(super) fn is_running(self, name: &str) -> bool {
        self.folder.running.contains_key(name)
    }

    /// Whether there is such a jail, if one is named: configured, or known to the store from when it was.
    ///
    /// # Errors
    ///
    /// As [`configuring`](Self::configuring).
    pub(super) fn knowing(self, name: Option<&str>, reader: &Reader) -> Result<(), Error> {
        match name {
            Some(name) if !reader.has_jail(name)? => self.configuring(name),
            _ => Ok(()),
        }
    }

    /// How long the jail `name` bans.
    pub(super) fn bantime(self, name: &str) -> Result<BanTime, Error> {
        self.configuring(name)?;
        match self.draft(name)? {
            Ok(draft) if draft.is_usable => Ok(draft.jail.bantime),
            Ok(draft) => Err(Error::Findings(draft.findings.clone())),
            Err(findings) => Err(Error::Findings(findings)),
        }
    }

    /// The jail `name` without its filter, if it can be used.
    pub(super) fn definition(self, name: &str) -> Option<Rc<Draft>> {
        self.draft(name).ok()?.ok().filter(|draft| draft.is_usable)
    }
}
