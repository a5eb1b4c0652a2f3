//! Ids of hosts.

use std::collections::HashMap;
use std::fmt::Write;

use foldhash::fast::RandomState;
use rusqlite::{Connection, OptionalExtension};

use crate::model::Host;
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
        // Sorts as their keys do.
        let mut unknown: Vec<(&Host, usize)> = unknown.zip(0..).collect();
        unknown.sort_unstable();
        unknown.dedup_by_key(|(host, _)| *host);
        let (mut key, mut text) = (Vec::new(), String::new());
        let mut select = conn.prepare_cached(sql::HOST_SELECT)?;
        let mut new = Vec::new();
        for (host, turn) in unknown {
            host.write_key(&mut key);
            match select.query_row([&key], |row| row.get(0)).optional()? {
                Some(id) => _ = self.ids.insert(host.clone(), id),
                None => new.push((host, turn)),
            }
        }
        if new.is_empty() {
            return Ok(());
        }
        let last: i64 =
            conn.prepare_cached(sql::HOST_SELECT_LAST_ID)?.query_row([], |row| row.get(0))?;
        let new = numbered(new, last);
        // One by one: a statement for many rows with ids of ours has a journal of its own, into which SQLite copies each
        // page that it touches, and each host is on another.
        let mut insert = conn.prepare_cached(sql::HOST_INSERT_WITH_ID)?;
        for (host, id) in &new {
            host.write_key(&mut key);
            text.clear();
            // A text takes whatever is written to it.
            let _ = write!(text, "{host}");
            insert.execute((id, &key, &text))?;
        }
        self.ids.extend(new.into_iter().map(|(host, id)| (host.clone(), id)));
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

/// Gives hosts the ids behind `last` in the order of their turns, and leaves them in their own.
fn numbered(hosts: Vec<(&Host, usize)>, last: i64) -> Vec<(&Host, i64)> {
    let mut by_turn: Vec<usize> = (0..hosts.len()).collect();
    by_turn.sort_unstable_by_key(|place| hosts[*place].1);
    let mut numbered: Vec<_> = hosts.into_iter().map(|(host, _)| (host, last)).collect();
    for (place, id) in by_turn.into_iter().zip(last + 1..) {
        numbered[place].1 = id;
    }
    numbered
}
