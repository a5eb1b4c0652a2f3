//! `f2b ban` and `f2b unban`: an administrator's own decisions.

use std::io::Write;

use super::args::{BanArgs, UnbanArgs};
use super::exchange::refresh;
use super::output::{counted, until_when};
use super::{Context, Status, parse_host};
use crate::error::Error;
use crate::model::{Ban, BanTime, EndReason, Host, Origin};
use crate::store::Store;

pub(super) fn ban(context: &Context, args: &BanArgs, out: &mut dyn Write) -> Result<Status, Error> {
    let hosts = args.hosts.iter().map(|text| parse_host(text)).collect::<Result<Vec<_>, _>>()?;
    let config = context.known_jail(&args.jail)?;
    let bantime = if let Some(text) = &args.time {
        BanTime::parse(text).map_err(|source| Error::Duration { option: "time", source })?
    } else {
        let jail = config.jail(&args.jail);
        jail.value.map(|jail| jail.bantime).ok_or(Error::Findings(jail.findings))?
    };
    let until = bantime.until(context.now);
    let mut store = Store::open(&context.db)?;
    store.expire(context.now)?;
    for host in hosts {
        let new = Ban {
            host,
            jail: args.jail.clone(),
            at: context.now,
            until,
            origin: Origin::Manual,
            failures: 0,
            ended: None,
        };
        if let Some(standing) = standing_ban(&store, context, &new)? {
            let end = until_when(standing.until, context.zone);
            writeln!(out, "{} is already banned in {} {end}", new.host, new.jail)?;
            continue;
        }
        store.replace_ban(&new)?;
        writeln!(out, "banned {} in {} {}", new.host, new.jail, until_when(until, context.zone))?;
    }
    refresh(&mut store, context, out)?;
    Ok(Status::Found)
}

/// The ban in force that lasts at least as long as the new one would.
fn standing_ban(store: &Store, context: &Context, new: &Ban) -> Result<Option<Ban>, Error> {
    let bans = store.reader().bans_of(&new.host)?;
    let lasts = |ban: &Ban| ban.until.is_none_or(|end| new.until.is_some_and(|other| end >= other));
    let standing = |ban: &Ban| ban.jail == new.jail && ban.is_active(context.now) && lasts(ban);
    Ok(bans.into_iter().find(standing))
}

pub(super) fn unban(
    context: &Context,
    args: &UnbanArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let mut hosts =
        args.hosts.iter().map(|text| parse_host(text)).collect::<Result<Vec<Host>, _>>()?;
    let mut store = Store::open(&context.db)?;
    store.expire(context.now)?;
    if args.all {
        let bans = store.reader().bans_active(context.now, args.jail.as_deref())?;
        hosts = bans.into_iter().map(|ban| ban.host).collect();
        hosts.sort();
        hosts.dedup();
    }
    let mut lifted = 0;
    for host in &hosts {
        let ended = store.end_bans(host, args.jail.as_deref(), context.now, EndReason::Unbanned)?;
        if ended.is_empty() {
            writeln!(out, "{host} is not banned{}", within(args.jail.as_deref()))?;
            say_covering(&store, context, host, out)?;
        } else {
            let jails: Vec<&str> = ended.iter().map(|ban| ban.jail.as_str()).collect();
            writeln!(out, "unbanned {host} from {}", jails.join(", "))?;
        }
        lifted += ended.len();
    }
    if args.all && hosts.len() > 1 {
        writeln!(out, "{} lifted", counted(lifted as u64, "ban"))?;
    }
    refresh(&mut store, context, out)?;
    Ok(if lifted > 0 { Status::Found } else { Status::Nothing })
}

/// A host may still be covered by the ban of its network, which has to be lifted by its own name.
fn say_covering(
    store: &Store,
    context: &Context,
    host: &Host,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let Some(addr) = host.addr() else { return Ok(()) };
    for ban in store.reader().bans_active(context.now, None)? {
        if ban.host.addr().is_some_and(|net| net != addr && net.contains(addr)) {
            writeln!(out, "  but its network {} is banned in {}", ban.host, ban.jail)?;
        }
    }
    Ok(())
}

fn within(jail: Option<&str>) -> String {
    jail.map(|jail| format!(" in {jail}")).unwrap_or_default()
}
