//! Connections: matches that an `<F-MLFID>` ties together into one failure.
//!
//! A server writes about one login in several lines: one has the user, another the address, a third says
//! that it failed. Each match is merged with what its connection is known to hold; the result may be a
//! failure, context held back for one, or pending because nobody is identified yet. Lines that match no
//! failregex never touch this state, so a scan matches in parallel and merges the few hits in line
//! order: the result is that of a serial scan.
//!
//! Who writes the log decides how many lines a connection has and what is in them, so it must not decide
//! what that costs: a connection holds its latest groups, a few users and two counters, however many lines
//! it goes on for. fail2ban keeps every line of it, to mail them with the ban; here they are in the store.

use std::hash::BuildHasher;
use std::sync::Arc;

use super::compile::Filter;
use super::groups::{Groups, GroupsBuf};
use super::hit::{Ids, fields_of, host_of};
use super::kept::KeptHit;
use super::names::{MLFFORGET, MLFGAINED, MLFID, NOFAIL, NameId, USER};
use crate::model::{Addr, Fields, Host};

/// Connections that a filter keeps at a time; the oldest goes first, as in fail2ban, which neither moves
/// nor renews one that goes on. Its other limit, five minutes of the wall clock, means nothing in an archive.
const CONNECTIONS_MAX: usize = 100;
/// Users that are told apart on one connection. That there are two is what makes context a failure
/// (`Connection::take`); the others are only reported.
///
/// DIFFERS: fail2ban keeps any number.
const USERS_MAX: usize = 32;
/// What is longer is not remembered for later lines of its connection, and of a user only the beginning.
///
/// DIFFERS: fail2ban keeps everything; each of many short lines would be reported with the longest one's text.
const REMEMBERED_MAX_BYTES: usize = 1024;

/// The connections of one stream of lines.
#[derive(Debug)]
pub struct Sessions {
    names: Arc<[String]>,
    ids: Ids,
    hasher: foldhash::fast::RandomState,
    /// The connections that go on, by age. As few as these are found by looking at each, the newest first: it is
    /// nearly always one of the last few.
    places: Vec<Place>,
    connections: Vec<Connection>,
    /// Connections of the list that are spare room.
    spare: Vec<usize>,
    /// A match that belongs to no connection that goes on.
    alone: Connection,
    /// Room for one connection's groups.
    scratch: GroupsBuf,
}

#[derive(Clone, Copy, Debug)]
struct Place {
    /// Of its key.
    hash: u64,
    /// Which of the connections it is.
    slot: usize,
}

/// What is known of a connection.
#[derive(Debug, Default)]
struct Connection {
    groups: GroupsBuf,
    /// Who tried, sorted.
    users: Vec<Box<str>>,
    is_pending: bool,
    /// How many lines of context wait for a failure.
    held: u64,
    /// Lines of the failure reported last, or pending.
    lines: u64,
}

/// What a match means together with its connection.
#[derive(Debug)]
pub struct Merged<'s> {
    /// The parts that decide.
    pub said: Said,
    connection: &'s Connection,
    names: &'s [String],
    ids: Ids,
}

/// Whom a match is about, and does it count, once its connection has lent it what it lacks.
#[derive(Clone, Debug)]
pub struct Said {
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
    /// How many lines make up the failure, this one included.
    pub lines: u64,
}

impl Merged<'_> {
    /// Everyone who tried on this connection, sorted.
    pub fn users(&self) -> Vec<String> {
        self.connection.users.iter().map(ToString::to_string).collect()
    }

    /// Named captures of the connection.
    pub fn fields(&self) -> Fields {
        fields_of(self.connection.groups.view(), self.names, self.ids)
    }
}

impl Sessions {
    /// No connections yet; for the matches of `filter`.
    pub fn of(filter: &Filter) -> Self {
        Self {
            names: filter.group_names(),
            ids: filter.ids,
            hasher: foldhash::fast::RandomState::default(),
            places: Vec::new(),
            connections: Vec::new(),
            alone: Connection::default(),
            scratch: GroupsBuf::default(),
            spare: Vec::new(),
        }
    }

    /// Merges a match into its connection.
    pub fn merge(&mut self, hit: KeptHit<'_>) -> Merged<'_> {
        let flags = Flags::of(hit.groups);
        let hash = hit.groups.get(MLFID).map(|key| (self.hasher.hash_one(key), key));
        let known = hash.and_then(|(hash, key)| self.find(hash, key));
        let slot = match (known, hash) {
            (Some(place), _) => Some(self.places[place].slot),
            // One that ends with its only line was never one: it takes nobody's place.
            (None, Some((hash, _))) if !flags.forget => Some(self.begin(hash)),
            (None, _) => None,
        };
        let connection = slot.map_or(&mut self.alone, |slot| &mut self.connections[slot]);
        if known.is_none() {
            connection.reset();
        }
        let said = connection.take(hit.groups, flags, known.is_some(), &mut self.scratch, self.ids);
        if let Some(place) = known.filter(|_| flags.forget) {
            // What it said last is read before anything takes the room.
            self.spare.push(self.places.remove(place).slot);
        }
        let connection = slot.map_or(&self.alone, |slot| &self.connections[slot]);
        Merged { said, connection, names: &self.names, ids: self.ids }
    }

    /// Where a connection that goes on is.
    fn find(&self, hash: u64, key: &str) -> Option<usize> {
        self.places.iter().rposition(|place| {
            place.hash == hash && self.connections[place.slot].groups.view().get(MLFID) == Some(key)
        })
    }

    /// Room for another connection, if need be that of the oldest.
    fn begin(&mut self, hash: u64) -> usize {
        if self.places.len() == CONNECTIONS_MAX {
            self.spare.push(self.places.remove(0).slot);
        }
        let slot = self.spare.pop().unwrap_or_else(|| {
            self.connections.push(Connection::default());
            self.connections.len() - 1
        });
        self.places.push(Place { hash, slot });
        slot
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
    fn of(hit: Groups<'_>) -> Self {
        let gained = hit.get(MLFGAINED).is_some() && hit.get(MLFID).is_some();
        Self {
            gained,
            nofail: gained || hit.get(NOFAIL).is_some(),
            forget: hit.get(MLFFORGET).is_some(),
        }
    }
}

impl Connection {
    /// Forgets everything but the room for it.
    fn reset(&mut self) {
        self.groups.clear();
        self.users.clear();
        (self.is_pending, self.held, self.lines) = (false, 0, 0);
    }

    /// Merges a match. The order of these steps is fail2ban's; each shows in what is counted.
    fn take(
        &mut self,
        hit: Groups<'_>,
        flags: Flags,
        is_known: bool,
        scratch: &mut GroupsBuf,
        ids: Ids,
    ) -> Said {
        let known = self.groups.view();
        let was_context = known.has(NOFAIL) || known.has(MLFGAINED);
        if let (Some(user), Some(_)) = (hit.get(USER), hit.get(MLFID))
            && (is_known || !flags.forget)
        {
            self.tried(user);
        }
        // Whoever got in has failed at nothing before.
        if flags.gained {
            self.is_pending = false;
        }
        // What was reported is not reported again.
        if is_known && !was_context && !self.is_pending {
            self.lines = 0;
        }
        self.overlay(hit, flags, scratch);
        let mut nofail = flags.nofail;
        // Context is the failure that waits for it, and it is one where somebody else has tried before:
        // changing the user within a connection would never be counted otherwise.
        if is_known && (self.is_pending || self.users.len() > 1) {
            nofail = false;
            self.groups.remove(NOFAIL);
            self.groups.remove(MLFGAINED);
        }
        if !nofail {
            self.lines += std::mem::take(&mut self.held) + 1;
        } else if !flags.forget {
            self.held += 1;
        }
        let (id, is_dns, addr) = host_of(self.groups.view(), ids);
        let is_pending = id.is_none() && self.groups.view().has(MLFID);
        // Context that names nobody waits for nobody: only a failure does.
        self.is_pending = is_pending && !nofail;
        Said { id, is_dns, addr, nofail, is_pending, lines: self.lines }
    }

    fn tried(&mut self, user: &str) {
        let user = &user[..user.floor_char_boundary(REMEMBERED_MAX_BYTES)];
        if let Err(at) = self.users.binary_search_by(|known| (**known).cmp(user))
            && self.users.len() < USERS_MAX
        {
            self.users.insert(at, user.into());
        }
    }

    /// Puts the groups of a match over those that are remembered.
    fn overlay(&mut self, hit: Groups<'_>, flags: Flags, scratch: &mut GroupsBuf) {
        let is_kept = |name: NameId, text: &str| {
            !matches!(name, NOFAIL | MLFGAINED) && text.len() <= REMEMBERED_MAX_BYTES
        };
        let own = self.groups.view().iter().filter(|(name, text)| is_kept(*name, text));
        let is_taken = |name| name != MLFFORGET && (name != NOFAIL || flags.nofail);
        scratch.join(own, hit.iter().filter(|(name, _)| is_taken(*name)));
        std::mem::swap(&mut self.groups, scratch);
    }
}

#[cfg(test)]
mod tests;
