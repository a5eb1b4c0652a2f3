//! Ids of hosts.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension};

use crate::model::Host;
use crate::store::bulk::Bulk;
use crate::store::sql;

/// Ids of hosts that were written lately.
///
/// Right as long as nobody else purges: `data_version`, which SQLite changes when another connection
/// commits, is compared at the start of each transaction.
#[derive(Debug, Default)]
pub(in super::super) struct HostCache {
    ids: HashMap<Host, i64, RandomState>,
    data_version: i64,
}

/// Bounds the cache at some 40 MB and the hosts of one batch; past it, it starts afresh.
const HOSTS_MAX: usize = 1 << 19;

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

    /// Looks for the ids of many hosts and adds those that are not there, in the order of their keys: an attack by
    /// millions of addresses would else touch pages of the index at random, one for each. Their ids are in the order
    /// in which they come, so that what comes together stays together in the tables.
    pub(in super::super) fn learn<'h>(
        &mut self,
        conn: &Connection,
        hosts: impl Iterator<Item = &'h Host>,
    ) -> rusqlite::Result<()> {
        if self.ids.len() >= HOSTS_MAX {
            self.ids.clear();
        }
        let unknown = hosts.filter(|host| !self.ids.contains_key(*host));
        let mut unknown: Vec<(Vec<u8>, usize, &Host)> =
            unknown.enumerate().map(|(turn, host)| (host.key(), turn, host)).collect();
        unknown.sort_unstable();
        unknown.dedup_by(|next, kept| next.0 == kept.0);
        let mut select = conn.prepare_cached(sql::HOST_SELECT)?;
        let mut new = Vec::new();
        for (key, turn, host) in unknown {
            match select.query_row([&key], |row| row.get(0)).optional()? {
                Some(id) => _ = self.ids.insert(host.clone(), id),
                None => new.push((turn, key, host)),
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let mut turns: Vec<usize> = new.iter().map(|(turn, ..)| *turn).collect();
        turns.sort_unstable();
        let last: i64 =
            conn.prepare_cached(sql::HOST_SELECT_LAST_ID)?.query_row([], |row| row.get(0))?;
        let ids: HashMap<usize, i64, RandomState> = turns.into_iter().zip(last + 1..).collect();
        let bulk =
            Bulk { conn, shared: &[], one: sql::HOST_INSERT_WITH_ID, many: sql::HOST_INSERT_MANY };
        bulk.insert(&new, |values, (turn, key, host)| {
            values.bind(ids[turn])?;
            values.bind(key)?;
            values.bind(host.to_string())
        })?;
        self.ids.extend(new.into_iter().map(|(turn, _, host)| (host.clone(), ids[&turn])));
        Ok(())
    }

    /// The id of `host`, which is added if it is not there; who asks for many has them [learnt](Self::learn) before.
    pub(in super::super) fn id(&mut self, conn: &Connection, host: &Host) -> rusqlite::Result<i64> {
        if let Some(id) = self.ids.get(host) {
            return Ok(*id);
        }
        self.learn(conn, std::iter::once(host))?;
        Ok(self.ids[host])
    }

    pub(in super::super) fn clear(&mut self) {
        self.ids.clear();
    }
}
