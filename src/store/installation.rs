//! What was put outside of the store for its bans, and what could not be.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::read::{count, host_at, time_at};
use super::retain::execute;
use super::write::jail_id;
use super::{Batch, Reader, StoreError, sql};
use crate::model::{Host, Time};

/// What was put into the packet filter for an action of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The jail.
    pub jail: String,
    /// The action's name in it.
    pub action: String,
    /// What was put where, in the words of who put it there.
    pub recipe: String,
    /// Since when.
    pub since: Time,
}

/// An action that is not as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// The jail.
    pub jail: String,
    /// The action's name in it.
    pub action: String,
    /// Since when.
    pub since: Time,
    /// Why.
    pub why: String,
    /// How often it was tried to mend that.
    pub tries: u32,
}

/// What an action that runs commands was told of a ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Whose.
    pub host: Host,
    /// When it is over, as the action was told; `None` if it is permanent.
    pub until: Option<Time>,
    /// Whether its command was run and went well; if not, it failed or nobody knows.
    pub is_done: bool,
    /// How often it failed.
    pub tries: u32,
}

impl Reader {
    /// Everything that was put into the packet filter, by jail and action.
    pub fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        self.all(sql::INSTALLATION_SELECT_ALL, [], |row| {
            Ok(Installation {
                jail: row.get(0)?,
                action: row.get(1)?,
                recipe: row.get(2)?,
                since: Time::from_micros(row.get(3)?),
            })
        })
    }

    /// The actions that are not as they ought to be, by jail and name.
    pub fn troubles(&self) -> Result<Vec<Trouble>, StoreError> {
        self.all(sql::TROUBLE_SELECT_ALL, [], |row| {
            Ok(Trouble {
                jail: row.get(0)?,
                action: row.get(1)?,
                since: Time::from_micros(row.get(2)?),
                why: row.get(3)?,
                tries: row.get(4)?,
            })
        })
    }
}

impl Reader {
    /// The jails whose bans have changed since they were last carried out, and how many changes there were.
    pub fn pending(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let pending =
            self.all(sql::PENDING_SELECT_ALL, [], |row| Ok((row.get(0)?, count(row, 1)?)))?;
        Ok(pending.into_iter().collect())
    }
}

impl Reader {
    /// What an action of a jail was told of bans, by host.
    pub fn told(&self, jail: &str, action: &str) -> Result<Vec<Told>, StoreError> {
        self.all(sql::TOLD_SELECT, (jail, action), |row| {
            let (host, until) = (host_at(row, 0)?, time_at(row, 1)?);
            Ok(Told { host, until, is_done: row.get(2)?, tries: row.get(3)? })
        })
    }
}

impl Batch<'_> {
    /// Remembers what an action of a jail is told of a ban.
    pub fn set_told(&mut self, jail: &str, action: &str, told: &Told) -> Result<(), StoreError> {
        self.change(|conn, hosts| {
            let jail = jail_id(conn, jail)?;
            let host = hosts.id(conn, &told.host)?;
            let until = told.until.map(Time::micros);
            let params = (jail, action, host, until, told.is_done, told.tries);
            execute(conn, sql::TOLD_UPSERT, params).map(drop)
        })
    }

    /// Forgets what an action was told of a host, whose ban is over for it.
    pub fn forget_told(&mut self, jail: &str, action: &str, host: &Host) -> Result<(), StoreError> {
        let key = host.key();
        self.change(|conn, _| execute(conn, sql::TOLD_DELETE, (jail, action, key)).map(drop))
    }

    /// Forgets all that an action was told.
    pub fn forget_all_told(&mut self, jail: &str, action: &str) -> Result<(), StoreError> {
        self.change(|conn, _| execute(conn, sql::TOLD_DELETE_ALL, (jail, action)).map(drop))
    }

    /// Forgets that the bans of a jail have changed, if there were no more than so many changes: those were carried out
    /// by `now`.
    pub fn forget_pending(
        &mut self,
        jail: &str,
        changes: u64,
        now: Time,
    ) -> Result<(), StoreError> {
        let changes = changes.cast_signed();
        self.change(|conn, _| {
            if execute(conn, sql::PENDING_DELETE, (jail, changes))? > 0 {
                execute(conn, sql::BAN_ENFORCE, (jail, now.micros()))?;
            }
            Ok(())
        })
    }

    /// Remembers that what is put in for a jail was made anew at `now`.
    pub fn renew_installations(&mut self, jail: &str, now: Time) -> Result<(), StoreError> {
        let params = (jail, now.micros());
        self.change(|conn, _| execute(conn, sql::INSTALLATION_RENEW, params).map(drop))
    }

    /// Remembers what is put into the packet filter, in the place of what was for the same action.
    pub fn set_installation(&mut self, new: &Installation) -> Result<(), StoreError> {
        self.change(|conn, _| {
            let jail = jail_id(conn, &new.jail)?;
            let params = (jail, &new.action, &new.recipe, new.since.micros());
            execute(conn, sql::INSTALLATION_UPSERT, params).map(drop)
        })
    }

    /// Forgets what was taken out.
    pub fn forget_installation(&mut self, jail: &str, action: &str) -> Result<(), StoreError> {
        self.change(|conn, _| execute(conn, sql::INSTALLATION_DELETE, (jail, action)).map(drop))
    }

    /// Remembers that an action is not as it ought to be.
    pub fn set_trouble(
        &mut self,
        jail: &str,
        action: &str,
        why: &str,
        now: Time,
    ) -> Result<(), StoreError> {
        self.change(|conn, _| {
            let jail = jail_id(conn, jail)?;
            execute(conn, sql::TROUBLE_UPSERT, (jail, action, now.micros(), why)).map(drop)
        })
    }

    /// Forgets that, for it is.
    pub fn forget_trouble(&mut self, jail: &str, action: &str) -> Result<(), StoreError> {
        self.change(|conn, _| execute(conn, sql::TROUBLE_DELETE, (jail, action)).map(drop))
    }
}
