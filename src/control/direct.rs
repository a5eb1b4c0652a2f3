//! Answers without a daemon: from the files themselves.

use std::path::Path;

use super::{Change, Failed, JailFolder, Jails, Request, Take, ask, change, follow};
use crate::engine::Writer;
use crate::error::Error;
use crate::model::Time;
use crate::store::Reader;

/// A configuration, a store and an instant, which is all that a request needs.
#[derive(Clone, Copy, Debug)]
pub struct Direct<'d> {
    /// The configuration folder.
    pub folder: &'d JailFolder,
    /// The store.
    pub store: &'d Path,
    /// What time it is.
    pub now: Time,
    /// Whether changes of bans take effect at once, or only in the store.
    pub enforces: bool,
    /// Whether all actions are done by running their commands.
    pub runs_commands: bool,
}

impl Direct<'_> {
    /// Answers a request; the store is opened for writing only if something is to be changed.
    pub fn answer(self, request: Request, take: &mut Take<'_>) -> Result<(), Failed> {
        let jails = Jails::new(self.folder).running_commands(self.runs_commands);
        match request {
            Request::Ask(question) => {
                ask(&question, jails, &Reader::open(self.store)?, self.now, take)
            }
            Request::Change(wanted) => {
                // Where nothing is stored, that is a slip of the pen; no store is made for it.
                if matches!(wanted, Change::Export { .. } | Change::Purge { .. }) {
                    drop(Reader::open(self.store)?);
                }
                let is_of_bans = matches!(
                    wanted,
                    Change::Ban { .. }
                        | Change::Unban { .. }
                        | Change::Import { .. }
                        | Change::TakeOver { .. }
                );
                let settled = wanted.settle(jails, self.now)?;
                let mut writer = Writer::open(self.store)?;
                change(settled, jails, &mut writer, self.now, take)?;
                if self.enforces && is_of_bans {
                    follow(jails, &mut writer, self.now, take)
                } else {
                    Ok(())
                }
            }
            Request::Daemon(_) => Err(Error::NoDaemon.into()),
        }
    }
}
