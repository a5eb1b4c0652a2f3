//! What requests need to know of the configured jails.

use std::path::Path;

use crate::config::{Config, JailDef};
use crate::diag::nearest;
use crate::error::Error;
use crate::model::BanTime;
use crate::store::Reader;

/// The jails of a configuration folder, read when they are asked for.
#[derive(Clone, Copy, Debug)]
pub struct Jails<'c> {
    folder: &'c Path,
    runs_commands: bool,
}

impl<'c> Jails<'c> {
    /// Those of `folder`.
    pub fn new(folder: &'c Path) -> Self {
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

    /// The folder.
    pub(super) fn folder(self) -> &'c Path {
        self.folder
    }

    /// The configuration, if it knows the jail `name`.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownJail`] with the nearest name; the folder can't be used.
    pub fn configuring(self, name: &str) -> Result<Config, Error> {
        let config = Config::open(self.folder)?;
        let names = config.jail_names().value.unwrap_or_default();
        if names.iter().any(|known| known == name) {
            return Ok(config);
        }
        let nearest = nearest(name, names.iter().map(String::as_str)).map(str::to_owned);
        Err(Error::UnknownJail { name: name.to_owned(), config: self.folder.to_owned(), nearest })
    }

    /// Whether there is such a jail, if one is named: configured, or known to the store from when it was.
    ///
    /// # Errors
    ///
    /// As [`configuring`](Self::configuring).
    pub(super) fn knowing(self, name: Option<&str>, reader: &Reader) -> Result<(), Error> {
        match name {
            Some(name) if !reader.has_jail(name)? => self.configuring(name).map(drop),
            _ => Ok(()),
        }
    }

    /// How long the jail `name` bans.
    pub(super) fn bantime(self, name: &str) -> Result<BanTime, Error> {
        let jail = self.configuring(name)?.jail(name);
        jail.value.map(|jail| jail.bantime).ok_or(Error::Findings(jail.findings))
    }

    /// The jail `name`, if it can be used.
    pub(super) fn definition(self, name: &str) -> Option<JailDef> {
        self.configuring(name).ok().and_then(|config| config.jail(name).value)
    }
}
