//! The one room where the state changes.
//!
//! A [`Writer`] owns the store's writing connection and the exported files. It is given an [`Order`], does it
//! in one transaction, whose first step is to seal the bans whose time is over, writes the exported files anew
//! if who is banned has changed, and says what was [`Done`]. Nobody else seals bans or writes those files.
//! What a scan finds comes to it as a stream of matches ([`Storing`]), an [`Intake`] being what it knows of them
//! between one batch and the next.
//!
//! It does not ask what time it is, knows no configuration and prints nothing. Whoever has a long list hands
//! it over in parts: an order and what was done are held in memory.

mod files;
mod found;
mod intake;
mod pursuit;
mod record;
mod replace;
mod storing;
mod taking;
#[cfg(test)]
mod tests;
mod uncarried;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub use self::files::FileFate;
pub use self::intake::{Decides, Intake, Settled};
pub use self::pursuit::{Pursued, Pursuit, Reached, Stretch};
pub use self::storing::Storing;
pub(super) use self::taking::JOURNAL_TAKEN_OVER;
pub use self::taking::Taken;
pub use self::uncarried::Uncarried;
use super::outcome::LogInfo;
use super::projection::{Carried, Mode, Projection, ProjectionError};
use crate::enforce::Foreign;
use crate::exchange::{FileError, Format};
use crate::model::{
    Ban, BanTime, EndReason, Head, Host, HostBans, Matches, Origin, Prolongation, Time,
};
use crate::store::{Batch, LogId, Look, Purged, Reader, Store, StoreError};

/// The owner of the state.
#[derive(Debug)]
pub struct Writer {
    store: Store,
    uncarried: Uncarried,
}

/// A change of the state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Ban hosts by hand; who is banned for at least as long stays as he is.
    Ban {
        /// In which jail.
        jail: String,
        /// Whom.
        hosts: Vec<Host>,
        /// For how long.
        length: BanTime,
    },
    /// Lift bans by hand.
    Unban {
        /// Whose; a network's ban is lifted by the network's name only.
        hosts: Vec<Host>,
        /// In which jail; `None` for all.
        jail: Option<String>,
    },
    /// Take over bans of another program's list: those in force of hosts that the same jail doesn't ban.
    Import {
        /// What the list says.
        bans: Vec<Ban>,
    },
    /// Take over all that another program knows of bans, also of those that are over. What is known stays as it is.
    TakeOver {
        /// By host and jail; that of which nobody knows how long it lasts is over at once.
        bans: Vec<HostBans>,
    },
    /// Write a list of the bans in force, and from then on keep it true, if it is a file and of all jails.
    Export {
        /// Where: an absolute path.
        file: PathBuf,
        /// In which form.
        format: Format,
        /// Of which jail; `None` for all.
        jail: Option<String>,
    },
    /// Forget the oldest of what happened before an instant; bans in force stay. A part of it, so that nobody
    /// waits for long: it is to be repeated until nothing is left.
    Purge {
        /// The instant.
        before: Time,
        /// At most so many matches, and as many bans.
        most: u64,
    },
    /// Time has passed.
    Tick,
}

/// What an order has changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The bans that were found over and sealed.
    pub expired: Vec<Ban>,
    /// What was done to bans, in the order of what was asked.
    pub effects: Vec<Effect>,
    /// What a part of a purge deleted.
    pub purged: Option<Purged>,
    /// What an export wrote.
    pub exported: Option<Exported>,
    /// What was taken over.
    pub taken: Taken,
    /// What became of the exported files.
    pub files: Vec<FileFate>,
}

/// What stands in an exported file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exported {
    /// How many bans it repeats.
    pub bans: u64,
    /// How many lines of others it has besides.
    pub kept: u64,
}

/// What was done to a ban.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It was made.
    Made(Ban),
    /// Another was asked for, but this one lasts as long.
    Stood(Ban),
    /// It lasts longer.
    Prolonged(Prolongation),
    /// It was ended.
    Ended(Ban),
    /// There was none to end.
    NotBanned(Host),
}

/// Why an order was not carried out. The state is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum WriterError {
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The list that was asked for can't be written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Writer {
    /// Opens the store at `path`; makes it if it isn't there.
    ///
    /// # Errors
    ///
    /// As [`Store::open`].
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Ok(Self { store: Store::open(path)?, uncarried: Uncarried::default() })
    }

    /// Questions, answered with everything that was done.
    pub fn reader(&self) -> &Reader {
        self.store.reader()
    }

    /// Takes matches that a jail of `intake`, by its place, has in a part of a log: stored in batches, with the
    /// bans that they lead to.
    fn take(
        &mut self,
        intake: &mut Intake,
        log: &LogInfo,
        jail: usize,
        matches: Matches,
    ) -> Result<(), StoreError> {
        intake.take(&mut self.store, log, jail, matches)
    }

    /// Stores and decides the rest of what was taken: what became of each jail's matches, and of the exported
    /// files.
    fn settle(
        &mut self,
        intake: Intake,
        now: Time,
    ) -> Result<(Vec<Settled>, Vec<FileFate>), StoreError> {
        let (settled, expired) = intake.finish(&mut self.store)?;
        let has_new = |of: &Settled| !of.bans.is_empty() || !of.longer.is_empty();
        let has_changed = expired > 0 || settled.iter().any(has_new);
        let files = if has_changed { files::refresh(&mut self.store, now)? } else { Vec::new() };
        Ok((settled, files))
    }

    /// Which log begins with `head`, is seen at `path` at the instant `seen`, and can be looked at.
    pub fn identify(
        &mut self,
        head: &Head,
        path: &str,
        seen: Time,
        look: &Look<'_>,
    ) -> Result<LogId, StoreError> {
        self.store.log_at_hand(head, path, seen, look)
    }

    /// Stores what was read of logs that are followed, as of `now`, with how far that is, and decides.
    pub fn pursue(
        &mut self,
        pursuit: &mut Pursuit,
        stretches: &[Stretch],
        now: Time,
    ) -> Result<(Pursued, Vec<FileFate>), StoreError> {
        let (pursued, pending) = pursuit.take(&mut self.store, stretches, now)?;
        if pursued.is_of_no_ban() {
            return Ok((pursued, Vec::new()));
        }
        let bans = pursued.made.iter().chain(&pursued.ended).map(|ban| (&ban.jail, &ban.host));
        let longer = pursued.longer.iter().map(|longer| (&longer.jail, &longer.host));
        self.uncarried.add(bans.chain(longer), pending);
        let files = files::refresh(&mut self.store, now)?;
        Ok((pursued, files))
    }

    /// Seals the bans whose time is over at `now`: these, and what became of exported files.
    pub fn tick(&mut self, now: Time) -> Result<(Vec<Ban>, Vec<FileFate>), WriterError> {
        let done = self.obey(Order::Tick, now)?;
        Ok((done.expired, done.files))
    }

    /// Does what it is told, as of `now`.
    pub fn obey(&mut self, order: Order, now: Time) -> Result<Done, WriterError> {
        if let Order::Export { file, format, jail } = &order {
            let exported = files::export(&mut self.store, file, *format, jail.as_deref(), now)?;
            let files = vec![FileFate::Written(file.clone())];
            return Ok(Done { exported: Some(exported), files, ..Done::default() });
        }
        // An administrator who repeats an order may do so because a file could not be written.
        let is_by_hand =
            matches!(order, Order::Ban { .. } | Order::Import { .. } | Order::TakeOver { .. });
        let mut pending = [BTreeMap::new(), BTreeMap::new()];
        let mut done = self.store.transact(|batch| {
            pending[0] = batch.reader().pending()?;
            let expired = batch.end_expired(now)?;
            let mut done = do_in(batch, order, now)?;
            done.expired = expired;
            pending[1] = batch.reader().pending()?;
            Ok::<_, StoreError>(done)
        })?;
        self.uncarried.add(done.changed(), pending);
        if is_by_hand || done.changed().next().is_some() {
            done.files = files::refresh(&mut self.store, now)?;
        }
        Ok(done)
    }

    /// Makes what keeps hosts out follow what was changed, and what others have left undone.
    pub fn carry_out(
        &mut self,
        projection: &mut Projection,
        now: Time,
    ) -> Result<Carried, ProjectionError> {
        let Uncarried { changed, clean } = self.take_uncarried();
        projection.follow(&mut self.store, &changed, &clean, now)
    }

    /// What was changed and is not carried out, for who does that elsewhere.
    pub fn take_uncarried(&mut self) -> Uncarried {
        std::mem::take(&mut self.uncarried)
    }

    /// As [`Projection::restore`].
    pub fn restore(
        &mut self,
        projection: &mut Projection,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        projection.restore(&mut self.store, jail, now, mode)
    }

    /// As [`Projection::restore_filters`].
    pub fn restore_filters(
        &mut self,
        projection: &mut Projection,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        projection.restore_filters(&mut self.store, jail, now, mode)
    }

    /// As [`Projection::repair`].
    pub fn repair(
        &mut self,
        projection: &mut Projection,
        now: Time,
        what: &Foreign,
    ) -> Result<Carried, ProjectionError> {
        projection.repair(&mut self.store, now, what)
    }

    /// As [`Projection::flush`].
    pub fn flush(
        &mut self,
        projection: &mut Projection,
        jail: Option<&str>,
        now: Time,
        mode: Mode,
    ) -> Result<Carried, ProjectionError> {
        projection.flush(&mut self.store, jail, now, mode)
    }

    /// Gives `pages` that are free in the store's file back to the file system; how many are left.
    pub fn give_back(&mut self, pages: u32) -> Result<u64, WriterError> {
        Ok(self.store.give_back(pages)?)
    }

    /// Ends the giving back: cuts it off the file. How many bytes are free in it but can't be given back.
    pub fn cut_off(&mut self) -> Result<u64, StoreError> {
        self.store.merge()?;
        self.store.stuck_bytes()
    }

    /// Makes do with the least room on the disk from then on.
    pub fn make_room(&mut self) -> Result<(), StoreError> {
        self.store.make_room()
    }
}

impl Done {
    /// The bans that were made or are over.
    fn changed(&self) -> impl Iterator<Item = (&String, &Host)> {
        let by_order = self.effects.iter().filter_map(|effect| match effect {
            Effect::Made(ban) | Effect::Ended(ban) => Some((&ban.jail, &ban.host)),
            Effect::Prolonged(longer) => Some((&longer.jail, &longer.host)),
            Effect::Stood(_) | Effect::NotBanned(_) => None,
        });
        self.expired.iter().map(|ban| (&ban.jail, &ban.host)).chain(by_order)
    }
}

fn do_in(batch: &mut Batch<'_>, order: Order, now: Time) -> Result<Done, StoreError> {
    let mut done = Done::default();
    match order {
        Order::Ban { jail, hosts, length } => {
            for host in hosts {
                let new = by_hand(host, &jail, length, now);
                done.effects.push(ban(batch, new, now)?);
            }
        }
        Order::Unban { hosts, jail } => {
            for host in hosts {
                let ended = batch.end_bans(&host, jail.as_deref(), now, EndReason::Unbanned)?;
                if ended.is_empty() {
                    done.effects.push(Effect::NotBanned(host));
                }
                done.effects.extend(ended.into_iter().map(Effect::Ended));
            }
        }
        Order::Import { bans } => {
            let active = bans.iter().filter(|ban| ban.is_active(now));
            batch.add_hosts(active.map(|ban| &ban.host))?;
            for ban in bans {
                let ban = Ban { origin: Origin::Import, ended: None, ..ban };
                let is_wanted =
                    ban.is_active(now) && !batch.reader().is_banned(&ban.host, &ban.jail, now)?;
                if !is_wanted {
                    continue;
                }
                if batch.add_bans(std::slice::from_ref(&ban))? > 0 {
                    done.effects.push(Effect::Made(ban));
                    continue;
                }
                // The same ban was lifted since: that stays in the books, and the host is banned anew.
                let anew = Ban { at: now, ..ban };
                if batch.add_bans(std::slice::from_ref(&anew))? > 0 {
                    done.effects.push(Effect::Made(anew));
                }
            }
        }
        Order::TakeOver { bans } => taking::take_over(batch, bans, now, &mut done)?,
        Order::Purge { before, most } => done.purged = Some(batch.purge(before, most)?),
        Order::Export { .. } | Order::Tick => {}
    }
    Ok(done)
}

fn by_hand(host: Host, jail: &str, length: BanTime, now: Time) -> Ban {
    Ban {
        host,
        jail: jail.to_owned(),
        at: now,
        until: length.until(now),
        origin: Origin::Manual,
        failures: 0,
        ended: None,
    }
}

/// Who is banned already is banned for longer, as by fail2ban: from when he was.
fn ban(batch: &mut Batch<'_>, new: Ban, now: Time) -> Result<Effect, StoreError> {
    if let Some(ban) = standing(batch.reader(), &new, now)? {
        return Ok(Effect::Stood(ban));
    }
    if let Some(longer) = longer(batch.reader(), &new, now)?
        && let Some(longer) = batch.prolong(&[longer])?.pop()
    {
        return Ok(Effect::Prolonged(longer));
    }
    Ok(Effect::Made(batch.replace_ban(new)?))
}

/// What the ban in force would come to.
fn longer(reader: &Reader, new: &Ban, now: Time) -> Result<Option<Prolongation>, StoreError> {
    let known = reader.last_to_end(&new.host, &new.jail, now)?;
    Ok(known.and_then(|known| {
        Some(Prolongation {
            host: new.host.clone(),
            jail: new.jail.clone(),
            ban_at: known.at,
            at: new.at,
            until_before: known.until?,
            until: new.until,
            origin: new.origin,
            failures: new.failures,
        })
    }))
}

/// The ban that lasts at least as long as the new one would, in force or, to a clock that is behind, soon.
fn standing(reader: &Reader, new: &Ban, now: Time) -> Result<Option<Ban>, StoreError> {
    let lasts = |ban: &Ban| ban.until.is_none_or(|end| new.until.is_some_and(|other| end >= other));
    let is_over = |ban: &Ban| {
        ban.ended.is_some_and(|(at, _)| at <= now) || ban.until.is_some_and(|end| end <= now)
    };
    let stands = |ban: &Ban| ban.jail == new.jail && !is_over(ban) && lasts(ban);
    Ok(reader.bans_of(&new.host)?.into_iter().find(stands))
}
