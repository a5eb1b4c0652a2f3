//! Ids of hosts.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use crate::model::Host;
use crate::store::sql;

/// Ids of hosts that were written lately.
///
/// Right as long as nobody else purges: `data_version`, which SQLite changes when another connection
/// commits, is compared at the start of each transaction.
#[derive(Debug, Default)]
pub(in super::super) struct HostCache {
    ids: HashMap<Host, i64, foldhash::fast::RandomState>,
    data_version: i64,
}

/// Bounds the cache at some 64 MiB; past it, it starts afresh.
const HOSTS_MAX: usize = 1 << 20;

impl HostCache {
    /// Forgets everything if another connection has written since; inside a transaction.
    pub(super) fn refresh(&mut self, conn: &Connection) -> rusqlite::Result<()> {
        let version: i64 = conn.pragma_query_value(None, "data_version", |row| row.get(0))?;
        if version != self.data_version {
            self.ids.clear();
            self.data_version = version;
        }
        Ok(())
    }

    /// The id of `host`, which is added if it is not there.
    pub(in super::super) fn id(&mut self, conn: &Connection, host: &Host) -> rusqlite::Result<i64> {
        if let Some(id) = self.ids.get(host) {
            return Ok(*id);
        }
        let key = host.key();
        let found = conn.prepare_cached(sql::HOST_SELECT)?.query_row([&key], |row| row.get(0));
        let id = match found.optional()? {
            Some(id) => id,
            None => conn.prepare_cached(sql::HOST_INSERT)?.insert((&key, host.to_string()))?,
        };
        if self.ids.len() >= HOSTS_MAX {
            self.ids.clear();
        }
        self.ids.insert(host.clone(), id);
        Ok(id)
    }

    pub(in super::super) fn clear(&mut self) {
        self.ids.clear();
    }
}
