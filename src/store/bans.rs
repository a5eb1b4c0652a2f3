//! Questions about bans.

use rusqlite::Row;
use rusqlite::types::Type;
use serde::{Deserialize, Serialize};

use super::read::{count, host_at, origin_at, strange, time_at};
use super::{Reader, StoreError, sql};
use crate::model::{Addr, Ban, EndReason, Host, Time};

/// The order of a list of bans.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BanOrder {
    /// By jail, then host, then begin.
    #[default]
    Jail,
    /// By host, as addresses sort, then jail, then begin.
    Host,
    /// As they began, those of an instant as they were asked for.
    Begin,
}

impl BanOrder {
    /// Its name in the statement.
    fn name(self) -> &'static str {
        match self {
            Self::Jail => "jail",
            Self::Host => "host",
            Self::Begin => "begin",
        }
    }
}

/// What a host was banned for so far, as `bantime.increment` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EarlierBans {
    /// How many bans, less those that were forgiven.
    pub count: u64,
    /// When the last of them began.
    pub last: Option<Time>,
}

/// A ban in force whose host goes on failing in the same jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithoutEffect {
    /// The ban.
    pub ban: Ban,
    /// How many failures there were since it was carried out, within the last day.
    pub failures: u64,
    /// When the last of them was.
    pub last: Time,
}

/// A ban with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Bans have them in the order in which they were made, whenever they began; none is given twice.
    pub number: u64,
    /// The ban.
    pub ban: Ban,
    /// Whether f2b has shut out somebody who was not: it isn't another program's, and lengthens no other.
    pub is_new: bool,
}

/// The log that stands for the bans, one a line, where jails read those of the store: offsets in it are their numbers.
pub const LOG_OF_BANS: &str = "f2b:bans";

/// So much later than the ban a failure is none of what led to it: a log's times are whole seconds, and a line may be
/// written some seconds after the packet that it is about has come.
const EFFECT_GRACE_US: i64 = 10_000_000;
/// Failures count for a day: whoever has mended what was wrong is not told for ever.
const EFFECT_SINCE_US: i64 = 86_400_000_000;

impl Reader {
    /// Hands over the bans in force at `now`, in one jail or in all. `now` may be past.
    pub fn each_active<E: From<StoreError>>(
        &self,
        now: Time,
        jail: Option<&str>,
        order: BanOrder,
        take: impl FnMut(Ban) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(sql::BAN_SELECT_ACTIVE, (now.micros(), jail, order.name()), ban, take)
    }

    /// The bans in force at `now`, in one jail or in all, ordered by jail and host. `now` may be past.
    pub fn bans_active(&self, now: Time, jail: Option<&str>) -> Result<Vec<Ban>, StoreError> {
        self.all(sql::BAN_SELECT_ACTIVE, (now.micros(), jail, BanOrder::Jail.name()), ban)
    }

    /// The hosts of the bans of a jail in force at `now` that are yet to be carried out.
    pub fn hosts_unenforced(&self, jail: &str, now: Time) -> Result<Vec<Host>, StoreError> {
        self.all(sql::BAN_SELECT_UNENFORCED, (jail, now.micros()), |row| host_at(row, 0))
    }

    /// The bans in force at `now`, in one jail or in all, whose hosts have gone on failing there since they were carried
    /// out: the last of them that did first.
    pub fn bans_without_effect(
        &self,
        now: Time,
        jail: Option<&str>,
    ) -> Result<Vec<WithoutEffect>, StoreError> {
        let since = now.plus_micros(-EFFECT_SINCE_US).micros();
        let params = (now.micros(), EFFECT_GRACE_US, since, jail);
        self.all(sql::BAN_SELECT_WITHOUT_EFFECT, params, |row| {
            let last = time_at(row, 9)?.ok_or_else(|| strange(9, Type::Null))?;
            Ok(WithoutEffect { ban: ban(row)?, failures: count(row, 8)?, last })
        })
    }

    /// Hands over every ban there ever was, in one jail or in all, in the order in which they began.
    pub fn each_ban<E: From<StoreError>>(
        &self,
        jail: Option<&str>,
        take: impl FnMut(Ban) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(sql::BAN_SELECT_ALL, [jail], ban, take)
    }

    /// Every ban, in the order in which they began.
    pub fn bans_all(&self) -> Result<Vec<Ban>, StoreError> {
        self.all(sql::BAN_SELECT_ALL, [None::<&str>], ban)
    }

    /// The bans from a number on that began at `since` or later, in the order of their numbers.
    pub fn bans_from(&self, number: u64, since: Time) -> Result<Vec<Numbered>, StoreError> {
        self.all(sql::BAN_SELECT_FROM, (number.cast_signed(), since.micros()), |row| {
            Ok(Numbered { number: count(row, 8)?, ban: ban(row)?, is_new: row.get(9)? })
        })
    }

    /// The number of the ban that was made last; 0 if there is none.
    pub fn last_ban(&self) -> Result<u64, StoreError> {
        self.one(sql::BAN_SELECT_LAST_ID, [], |row| count(row, 0))
    }

    /// Every ban of a jail, in the order in which they began.
    pub fn bans_in(&self, jail: &str) -> Result<Vec<Ban>, StoreError> {
        self.all(sql::BAN_SELECT_ALL, [jail], ban)
    }

    /// Hands over the bans of a jail that reach past `since`, in the order in which they began: those of
    /// which decisions about later failures must know. What was over by then is not even read.
    pub fn each_reaching<E: From<StoreError>>(
        &self,
        jail: &str,
        since: Time,
        take: impl FnMut(Ban) -> Result<(), E>,
    ) -> Result<(), E> {
        self.each(sql::BAN_SELECT_REACHING, (jail, since.micros()), ban, take)
    }

    /// The bans of `host`, in the order in which they began.
    pub fn bans_of(&self, host: &Host) -> Result<Vec<Ban>, StoreError> {
        match self.id(host)? {
            Some(id) => self.all(sql::BAN_SELECT_BY_HOST, [id], ban),
            None => Ok(Vec::new()),
        }
    }

    /// The bans of networks that `host`, an address or a network, is in: the widest network's first.
    pub fn bans_of_networks(&self, host: &Host) -> Result<Vec<Ban>, StoreError> {
        let Some(addr) = host.addr() else { return Ok(Vec::new()) };
        let networks = (0..addr.prefix()).filter_map(|prefix| Addr::network(addr.ip(), prefix));
        let mut bans = Vec::new();
        for network in networks {
            bans.append(&mut self.bans_of(&Host::Addr(network))?);
        }
        Ok(bans)
    }

    /// When the time of the next ban is over that nobody has ended.
    pub fn next_end(&self) -> Result<Option<Time>, StoreError> {
        self.one(sql::BAN_NEXT_END, [], |row| time_at(row, 0))
    }

    /// Whether `jail` bans `host` itself, not only a network of it, at `now`.
    pub fn is_banned(&self, host: &Host, jail: &str, now: Time) -> Result<bool, StoreError> {
        let Some(id) = self.id(host)? else { return Ok(false) };
        self.one(sql::BAN_IS_ACTIVE, (id, jail, now.micros()), |row| row.get(0))
    }

    /// The bans of `host` that began before `before`, in one jail or in all, as a growing ban time counts
    /// them: real bans, and none that an administrator lifted by then, nor those of that jail before it.
    ///
    /// As in fail2ban (1.0.2), where lifting a ban starts the count anew in its jail and expiry does not.
    /// DIFFERS: over all jails it is the sum of bans, not of the counts that each of them once had.
    pub fn earlier_bans(
        &self,
        host: &Host,
        jail: Option<&str>,
        before: Time,
    ) -> Result<EarlierBans, StoreError> {
        let Some(id) = self.id(host)? else { return Ok(EarlierBans::default()) };
        self.one(sql::BAN_COUNT_BEFORE, (id, before.micros(), jail), |row| {
            Ok(EarlierBans { count: count(row, 0)?, last: time_at(row, 1)? })
        })
    }
}

/// A row of one of the `sql/ban/select_*` statements.
pub(super) fn ban(row: &Row<'_>) -> rusqlite::Result<Ban> {
    let ended = match (time_at(row, 6)?, row.get::<_, Option<String>>(7)?) {
        (Some(at), Some(reason)) => {
            let reason = EndReason::from_name(&reason).ok_or_else(|| strange(7, Type::Text))?;
            Some((at, reason))
        }
        _ => None,
    };
    Ok(Ban {
        host: host_at(row, 0)?,
        jail: row.get(1)?,
        at: Time::from_micros(row.get(2)?),
        until: time_at(row, 3)?,
        origin: origin_at(row, 4)?.ok_or_else(|| strange(4, Type::Integer))?,
        failures: row.get(5)?,
        ended,
    })
}
