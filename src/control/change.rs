//! Changes, settled and given to the writer.

use std::collections::HashMap;

use super::guard::Spared;
use super::{Change, Failed, Guard, Jails, Mode, PART_BANS, Reply, Take, Whose, enforce, purge};
use crate::engine::writer::{Done, Effect, FileFate, Order};
use crate::engine::{Writer, follow};
use crate::error::Error;
use crate::exchange::fail2ban::ReadTo;
use crate::model::{Ban, BanTime, EarlierBan, Host, HostBans, Time};
use crate::store::{BanOrder, Reader, StoreError};

/// A change that needs no more asking of the configuration.
#[derive(Clone, Debug)]
pub enum Settled {
    /// One order.
    Order(Order),
    /// What happened before an instant is to be forgotten: as many orders as that takes.
    Purge {
        /// The instant.
        before: Time,
    },
    /// Bans of a list are taken over.
    Import {
        /// Which.
        bans: Vec<Ban>,
        /// Whose were left out, and why.
        spared: Vec<(Host, String)>,
    },
    /// Bans are taken over with all that is known of them.
    TakeOver {
        /// Which.
        bans: Vec<HostBans>,
        /// Whose bans in force were left out, and why.
        spared: Vec<(Host, String)>,
    },
    /// Reading goes on where fail2ban has stopped.
    Resume {
        /// How far it has read what.
        read: Vec<ReadTo>,
    },
    /// All bans are to be lifted, in one jail or in all: as many orders as that takes.
    UnbanEveryone {
        /// Which jail.
        jail: Option<String>,
    },
    /// What keeps hosts out is to be made equal to the store.
    Restore {
        /// For which jail.
        jail: Option<String>,
        /// Without the commands of actions.
        filters_only: bool,
        /// How far to go.
        mode: Mode,
    },
    /// What keeps hosts out is to be taken out.
    Flush {
        /// For which jail.
        jail: Option<String>,
        /// How far to go.
        mode: Mode,
    },
}

impl Change {
    /// Settles what is open in it, as of `now`, before anything is done.
    ///
    /// # Errors
    ///
    /// The jail to ban in is unknown, or its ban time is asked for and it can't be used; everyone would be
    /// banned, or somebody whom nobody bans on purpose.
    pub fn settle(self, jails: Jails<'_>, now: Time) -> Result<Settled, Error> {
        Ok(Settled::Order(match self {
            Self::Ban { jail, hosts, length, guard } => {
                hosts.iter().try_for_each(refuse_everyone)?;
                jails.configuring(&jail)?;
                if let Some(guard) = guard {
                    refuse_spared(&hosts, &Spared::new(guard, &jail, jails), now)?;
                }
                let length = match length {
                    Some(length) => length,
                    None => jails.bantime(&jail)?,
                };
                Order::Ban { jail, hosts, length }
            }
            Self::Unban { hosts: Whose::These(hosts), jail } => Order::Unban { hosts, jail },
            Self::Unban { hosts: Whose::Everyone, jail } => {
                return Ok(Settled::UnbanEveryone { jail });
            }
            Self::Import { bans, guard } => {
                bans.iter().try_for_each(|ban| refuse_everyone(&ban.host))?;
                return Ok(part(bans, guard, jails));
            }
            Self::TakeOver { bans, guard } => return Ok(taken_over(bans, guard, jails, now)),
            Self::Resume { read } => return Ok(Settled::Resume { read }),
            Self::Export { file, format, jail } => Order::Export { file, format, jail },
            Self::Purge { keep_us } => {
                return Ok(Settled::Purge { before: now.plus_micros(-keep_us) });
            }
            Self::Restore { jail, filters_only, mode } => {
                return Ok(Settled::Restore { jail, filters_only, mode });
            }
            Self::Flush { jail, mode } => return Ok(Settled::Flush { jail, mode }),
        }))
    }
}

/// Leaves out of a list whom nobody bans on purpose. No command is asked about so many.
fn part(bans: Vec<Ban>, guard: Option<Guard>, jails: Jails<'_>) -> Settled {
    let mut rules = Rules::new(guard, jails);
    let mut spared = Vec::new();
    let mut wanted = Vec::with_capacity(bans.len());
    for ban in bans {
        match rules.why(&ban.jail, &ban.host) {
            Some(why) => spared.push((ban.host, why)),
            None => wanted.push(ban),
        }
    }
    Settled::Import { bans: wanted, spared }
}

/// Says how long bans last of which fail2ban doesn't know it, and leaves out those in force of whom nobody bans on
/// purpose: what was before stays.
fn taken_over(
    mut bans: Vec<HostBans>,
    guard: Option<Guard>,
    jails: Jails<'_>,
    now: Time,
) -> Settled {
    let mut rules = Rules::new(guard, jails);
    let mut spared = Vec::new();
    for HostBans { jail, host, bans, count, newest } in &mut bans {
        for ban in bans.iter_mut().filter(|ban| ban.bantime.is_none()) {
            ban.bantime = Some(jails.bantime(jail).unwrap_or(DEFAULT_BANTIME));
        }
        let until = |ban: &EarlierBan| ban.bantime.and_then(|length| length.until(ban.at));
        let is_in_force =
            *newest && bans.last().is_some_and(|ban| until(ban).is_none_or(|end| end > now));
        if let Some(why) = is_in_force.then(|| rules.why(jail, host)).flatten() {
            bans.pop();
            *count = count.saturating_sub(1);
            *newest = false;
            spared.push((host.clone(), why));
        }
    }
    bans.retain(|host| !host.bans.is_empty());
    Settled::TakeOver { bans, spared }
}

/// fail2ban's own, for jails that are not configured any more.
const DEFAULT_BANTIME: BanTime = BanTime::Micros(600_000_000);

/// Whom nobody bans on purpose, by jail.
struct Rules<'c> {
    guard: Option<Guard>,
    jails: Jails<'c>,
    known: HashMap<String, Spared>,
}

impl<'c> Rules<'c> {
    fn new(guard: Option<Guard>, jails: Jails<'c>) -> Self {
        Self { guard, jails, known: HashMap::new() }
    }

    fn why(&mut self, jail: &str, host: &Host) -> Option<String> {
        let guard = self.guard?;
        if !self.known.contains_key(jail) {
            self.known.insert(jail.to_owned(), Spared::new(guard, jail, self.jails));
        }
        self.known.get(jail)?.why(host)
    }
}

fn refuse_spared(hosts: &[Host], spared: &Spared, now: Time) -> Result<(), Error> {
    let why = |host: &Host| Some((host.to_string(), spared.why_asked(host, now)?));
    match hosts.iter().find_map(why) {
        Some((host, why)) => Err(Error::Spared { host, why }),
        None => Ok(()),
    }
}

fn refuse_everyone(host: &Host) -> Result<(), Error> {
    match host.addr() {
        Some(addr) if addr.is_everyone() => Err(Error::Everyone(addr.to_string())),
        _ => Ok(()),
    }
}

/// Does what was settled, as of `now`.
pub fn change(
    settled: Settled,
    jails: Jails<'_>,
    writer: &mut Writer,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let order = match settled {
        Settled::Order(order) => order,
        Settled::Purge { before } => {
            return files(purge::purge(before, writer, now, take)?, take);
        }
        Settled::Import { bans, spared } => {
            for (host, why) in spared {
                take(Reply::Spared { host, why })?;
            }
            Order::Import { bans }
        }
        Settled::TakeOver { bans, spared } => {
            for (host, why) in spared {
                take(Reply::Spared { host, why })?;
            }
            let done = obey(writer, Order::TakeOver { bans }, now)?;
            take(Reply::TakenOver(done.taken))?;
            return files(done.files, take);
        }
        Settled::Resume { read } => {
            for read in read {
                let how = follow::resume(&read, writer, now)?;
                take(Reply::Resumed { jail: read.jail, path: read.path, how })?;
            }
            return Ok(());
        }
        Settled::UnbanEveryone { jail } => {
            jails.knowing(jail.as_deref(), writer.reader())?;
            return unban_everyone(jail.as_deref(), writer, now, PART_BANS, take);
        }
        Settled::Restore { jail, filters_only, mode } => {
            let jail = jail.as_deref();
            return enforce::restore(jail, filters_only, mode, jails, writer, now, take);
        }
        Settled::Flush { jail, mode } => {
            return enforce::flush(jail.as_deref(), mode, jails, writer, now, take);
        }
    };
    if let Order::Unban { jail, .. } = &order {
        jails.knowing(jail.as_deref(), writer.reader())?;
    }
    match order {
        Order::Import { .. } => {
            let done = obey(writer, order, now)?;
            take(Reply::Imported { new: done.effects.len() as u64 })?;
            files(done.files, take)
        }
        Order::Export { ref file, ref jail, .. } => {
            jails.knowing(jail.as_deref(), writer.reader())?;
            let file = file.clone();
            let exported = obey(writer, order, now)?.exported.unwrap_or_default();
            Ok(take(Reply::Exported { file, exported })?)
        }
        Order::Ban { .. }
        | Order::Unban { .. }
        | Order::TakeOver { .. }
        | Order::Purge { .. }
        | Order::Tick => {
            let mut done = obey(writer, order, now)?;
            effects(&mut done, writer.reader(), now, take)?;
            files(done.files, take)
        }
    }
}

fn obey(writer: &mut Writer, order: Order, now: Time) -> Result<Done, Failed> {
    Ok(writer.obey(order, now).map_err(Error::from)?)
}

fn files(files: Vec<FileFate>, take: &mut Take<'_>) -> Result<(), Failed> {
    files.into_iter().try_for_each(|file| Ok(take(Reply::File(file))?))
}

/// Tells what was done to bans; those of a host that were ended together as one.
fn effects(done: &mut Done, reader: &Reader, now: Time, take: &mut Take<'_>) -> Result<(), Failed> {
    let mut effects = std::mem::take(&mut done.effects).into_iter().peekable();
    while let Some(effect) = effects.next() {
        take(match effect {
            Effect::Made(ban) => Reply::Made(ban),
            Effect::Stood(ban) => Reply::Stood(ban),
            Effect::Prolonged(longer) => Reply::Prolonged(longer),
            Effect::Ended(Ban { host, jail, .. }) => {
                let mut jails = vec![jail];
                let is_his = |next: &Effect| matches!(next, Effect::Ended(ban) if ban.host == host);
                while let Some(Effect::Ended(ban)) = effects.next_if(is_his) {
                    jails.push(ban.jail);
                }
                Reply::Lifted { host, jails }
            }
            Effect::NotBanned(host) => {
                let networks = networks_of(&host, reader, now)?;
                Reply::NotBanned { host, networks }
            }
        })?;
    }
    Ok(())
}

/// The bans in force of networks that a host or network is in, by jail and network.
fn networks_of(host: &Host, reader: &Reader, now: Time) -> Result<Vec<Ban>, StoreError> {
    let mut found = reader.bans_of_networks(host)?;
    found.retain(|ban| ban.is_active(now));
    found.sort_by(|a, b| (&a.jail, &a.host, a.at).cmp(&(&b.jail, &b.host, b.at)));
    Ok(found)
}

/// Lifts the bans in force, some `part` of them in a transaction, in the order of hosts.
pub(super) fn unban_everyone(
    jail: Option<&str>,
    writer: &mut Writer,
    now: Time,
    part: usize,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let mut last = Done::default();
    loop {
        let hosts = some_banned(writer.reader(), jail, now, part)?;
        if hosts.is_empty() {
            return files(last.files, take);
        }
        let order = Order::Unban { hosts, jail: jail.map(str::to_owned) };
        last = obey(writer, order, now)?;
        effects(&mut last, writer.reader(), now, take)?;
    }
}

/// The first hosts that are banned: their bans are `part` at least, or all there are.
fn some_banned(
    reader: &Reader,
    jail: Option<&str>,
    now: Time,
    part: usize,
) -> Result<Vec<Host>, StoreError> {
    // Another connection than the writing one, which would sort them all in memory.
    let reader = Reader::open(reader.path())?;
    let mut hosts: Vec<Host> = Vec::new();
    let mut bans = 0;
    let taken = reader.each_active(now, jail, BanOrder::Host, |ban| {
        if hosts.last() != Some(&ban.host) {
            if bans >= part {
                return Err(Enough::Enough);
            }
            hosts.push(ban.host);
        }
        bans += 1;
        Ok(())
    });
    match taken {
        Ok(()) | Err(Enough::Enough) => Ok(hosts),
        Err(Enough::Failed(error)) => Err(error),
    }
}

/// Why a list was not read to its end.
enum Enough {
    Enough,
    Failed(StoreError),
}

impl From<StoreError> for Enough {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}
