//! Connections: matches that an `<F-MLFID>` ties together into one failure.
//!
//! A server writes about one login in several lines: one has the user, another the address, a third says
//! that it failed. Each match is merged with what its connection is known to hold; the result may be a
//! failure, context held back for one, or pending because nobody is identified yet. Lines that match no
//! failregex never touch this state, so a scan matches in parallel and merges the few hits in line
//! order: the result is that of a serial scan.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::hit::{MLFFORGET, MLFGAINED, MLFID, NOFAIL, NameId, OwnedHit, USER, fields_of, host_of};
use crate::model::{Addr, Host};

/// Connections that a filter keeps at a time; the oldest goes first, as in fail2ban.
const CONNECTIONS_MAX: usize = 100;

/// The connections of one stream of lines.
#[derive(Debug, Default)]
pub struct Sessions {
    known: HashMap<String, Connection>,
    /// Keys by age; fail2ban neither moves nor renews a connection that goes on.
    order: VecDeque<String>,
}

/// What is known of a connection.
#[derive(Debug, Default)]
struct Connection {
    groups: BTreeMap<NameId, (String, String)>,
    users: BTreeSet<String>,
    is_pending: bool,
    /// Lines of context that wait for a failure.
    held: Vec<u64>,
    /// Lines of the failure reported last, or pending.
    lines: Vec<u64>,
}

/// What a match means together with its connection.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    /// Who is meant; `None` while pending.
    pub id: Option<Host>,
    /// Whether the id is a host name.
    pub is_dns: bool,
    /// The address that was captured, even where something else identifies the failure.
    pub addr: Option<Addr>,
    /// Whether it counts no failure by itself.
    pub nofail: bool,
    /// Whether nobody is identified yet.
    pub is_pending: bool,
    /// Everyone who tried on this connection, sorted.
    pub users: Vec<String>,
    /// Named captures of the connection.
    pub fields: Vec<(String, String)>,
    /// Offsets of the lines that make up the failure, this one included.
    pub lines: Vec<u64>,
}

impl Sessions {
    /// Merges a match, which stands at offset `line`, into its connection.
    pub fn merge(&mut self, hit: &OwnedHit, line: u64) -> Merged {
        let flags = Flags::of(hit);
        let Some(key) = hit.get(MLFID).map(str::to_owned) else {
            let mut alone = Connection::default();
            alone.overlay(hit, flags);
            return alone.result(flags.nofail, vec![line], hit.raw);
        };
        let is_known = self.known.contains_key(&key);
        let mut connection = self.known.remove(&key).unwrap_or_default();
        let merged = connection.take(hit, flags, is_known, line);
        if flags.forget {
            self.order.retain(|known| *known != key);
        } else {
            self.put(key, connection, is_known);
        }
        merged
    }

    fn put(&mut self, key: String, connection: Connection, is_known: bool) {
        if !is_known {
            if self.order.len() >= CONNECTIONS_MAX
                && let Some(oldest) = self.order.pop_front()
            {
                self.known.remove(&oldest);
            }
            self.order.push_back(key.clone());
        }
        self.known.insert(key, connection);
    }
}

/// What steers the merge, out of one match.
#[derive(Clone, Copy)]
struct Flags {
    gained: bool,
    nofail: bool,
    forget: bool,
}

impl Flags {
    fn of(hit: &OwnedHit) -> Self {
        let gained = hit.get(MLFGAINED).is_some() && hit.get(MLFID).is_some();
        Self {
            gained,
            nofail: gained || hit.get(NOFAIL).is_some(),
            forget: hit.get(MLFFORGET).is_some(),
        }
    }
}

impl Connection {
    fn take(&mut self, hit: &OwnedHit, flags: Flags, is_known: bool, line: u64) -> Merged {
        let had_flags =
            self.groups.remove(&NOFAIL).is_some() | self.groups.remove(&MLFGAINED).is_some();
        // One that ends with its only line was never one.
        if is_known || !flags.forget {
            self.users.extend(hit.get(USER).map(str::to_owned));
        }
        if flags.gained {
            self.is_pending = false;
        }
        if is_known && !had_flags && !self.is_pending {
            self.lines.clear();
        }
        self.overlay(hit, flags);
        let mut nofail = flags.nofail;
        if is_known && (self.is_pending || self.users.len() > 1) {
            nofail = false;
            self.groups.remove(&NOFAIL);
            self.groups.remove(&MLFGAINED);
        }
        if nofail {
            if !flags.forget {
                self.held.push(line);
            }
        } else {
            let mut lines = std::mem::take(&mut self.held);
            lines.append(&mut self.lines);
            lines.push(line);
            self.lines = lines;
        }
        let merged = self.result(nofail, self.lines.clone(), hit.raw);
        // Context that names nobody waits for nobody: only a failure does.
        self.is_pending = merged.is_pending && !nofail;
        merged
    }

    fn overlay(&mut self, hit: &OwnedHit, flags: Flags) {
        for (id, name, value) in hit.named() {
            if id != MLFFORGET && (id != NOFAIL || flags.nofail) {
                self.groups.insert(id, (name.to_owned(), value.to_owned()));
            }
        }
    }

    fn result(&self, nofail: bool, lines: Vec<u64>, raw: bool) -> Merged {
        let (id, is_dns, addr) = host_of(&self.groups, raw);
        let is_pending = id.is_none() && self.groups.contains_key(&MLFID);
        Merged {
            id,
            is_dns,
            addr,
            nofail,
            is_pending,
            users: self.users.iter().cloned().collect(),
            fields: fields_of(&self.groups, addr),
            lines,
        }
    }
}
