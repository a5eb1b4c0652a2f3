//! The bans that hosts have had, for a jail whose bans get longer.
//!
//! Counted are those that began before the failure at hand, so that a log that is read again, or late, is decided
//! as it was. A host that was unbanned by hand begins anew, as in fail2ban.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;

use super::jail::Jail;
use crate::decide::Increment;
use crate::model::{BanTime, EndReason, Host, Time};
use crate::store::{Counted, Reader, StoreError};

/// Who was banned when.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Of each host in this jail.
    own: HashMap<Host, Record>,
    /// Of each host in the other jails.
    others: HashMap<Host, Record>,
}

#[derive(Debug, Default)]
struct Record {
    begun: Vec<Time>,
    forgiven: Vec<Time>,
    /// Bans that nobody remembers, by the begin of the first that counts them; below zero: bans that don't count.
    more: Vec<(Time, i64)>,
}

impl Past {
    /// The past of the hosts that the store knows, in a jail or in all; nothing where nobody asks for it.
    pub(super) fn of(jail: &Jail, store: &Reader) -> Result<Self, StoreError> {
        let mut past = Self::default();
        let Some(increment) = &jail.increment else { return Ok(past) };
        let name = &jail.name;
        let only = Some(&**name).filter(|_| !increment.overalljails());
        for Counted { host, jail, at, more } in store.counted_otherwise(only)? {
            past.record(&jail == name, host).more.push((at, more));
        }
        store.each_ban(only, |ban| {
            let record = past.record(ban.jail == *name, ban.host);
            record.begun.push(ban.at);
            if let Some((at, EndReason::Unbanned)) = ban.ended {
                record.forgiven.push(at);
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(past)
    }

    fn record(&mut self, is_own: bool, host: Host) -> &mut Record {
        let records = if is_own { &mut self.own } else { &mut self.others };
        records.entry(host).or_default()
    }

    /// A ban was decided.
    pub(super) fn add(&mut self, host: &Host, at: Time) {
        self.own.entry(host.clone()).or_default().begun.push(at);
    }

    /// How often a failure counts of a host that has come back.
    pub(super) fn weight(&self, jail: &Jail, host: &Host, at: Time) -> u32 {
        match jail.increment {
            Some(_) => Increment::weight(count(self.own.get(host), at), jail.rule.maxretry),
            None => 1,
        }
    }

    /// How long a ban of a host lasts that begins at `at`.
    pub(super) fn length(&self, jail: &Jail, host: &Host, at: Time) -> BanTime {
        let Some(increment) = &jail.increment else { return jail.rule.bantime };
        let earlier = count(self.own.get(host), at) + count(self.others.get(host), at);
        length(jail, increment, host, at, earlier)
    }
}

/// How long a ban of a host lasts that begins at `at`, after so many earlier ones.
pub(super) fn length(
    jail: &Jail,
    increment: &Increment,
    host: &Host,
    at: Time,
    earlier: u32,
) -> BanTime {
    increment.length(jail.rule.bantime, earlier, random(&jail.name, host, at))
}

/// The bans that began before `at` and were not forgiven by then.
fn count(record: Option<&Record>, at: Time) -> u32 {
    let Some(record) = record else { return 0 };
    let forgiven = record.forgiven.iter().filter(|forgiven| **forgiven <= at).max();
    let counts = |begun: &&Time| **begun < at && forgiven.is_none_or(|forgiven| *begun > forgiven);
    let stored = i64::try_from(record.begun.iter().filter(counts).count()).unwrap_or(i64::MAX);
    let more = record.more.iter().filter(|(begun, _)| counts(&begun)).map(|(_, more)| more);
    let all = more.fold(stored, |all, more| all.saturating_add(*more));
    u32::try_from(all.max(0)).unwrap_or(u32::MAX)
}

/// A number from 0 to below 1 for `rndtime`: the same whenever the same ban is decided, and not to be foreseen by who
/// doesn't know this machine's id.
fn random(jail: &str, host: &Host, at: Time) -> f64 {
    static SALT: OnceLock<Vec<u8>> = OnceLock::new();
    let salt = SALT.get_or_init(|| std::fs::read("/etc/machine-id").unwrap_or_default());
    let mut hasher = DefaultHasher::new();
    (salt, jail, host, at).hash(&mut hasher);
    // The 53 bits that a number has.
    (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
}
