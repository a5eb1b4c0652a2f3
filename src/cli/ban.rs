//! `f2b ban` and `f2b unban`: an administrator's own decisions.

use std::io::Write;

use super::args::{BanArgs, UnbanArgs};
use super::exchange::refresh;
use super::output::{counted, until_when};
use super::{Context, Status, parse_host};
use crate::error::Error;
use crate::model::{Ban, BanTime, EndReason, Host, Origin};
use crate::store::Store;
use crate::text::printable;

pub(super) fn ban(context: &Context, args: &BanArgs, out: &mut dyn Write) -> Result<Status, Error> {
    let hosts = args.hosts.iter().map(|text| parse_host(text)).collect::<Result<Vec<_>, _>>()?;
    if let Some(all) = hosts.iter().find(|host| matches!(host, Host::Addr(a) if a.is_everyone())) {
        return Err(Error::Everyone(all.to_string()));
    }
    let config = context.known_jail(&args.jail)?;
    let bantime = if let Some(text) = &args.time {
        BanTime::parse(text).map_err(|source| Error::Duration { option: "time", source })?
    } else {
        let jail = config.jail(&args.jail);
        jail.value.map(|jail| jail.bantime).ok_or(Error::Findings(jail.findings))?
    };
    let until = bantime.until(context.now);
    let mut store = Store::open(&context.db)?;
    store.transact(|batch| batch.expire(context.now))?;
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
            writeln!(out, "{} is already banned in {} {end}", shown(&new), new.jail)?;
            continue;
        }
        store.transact(|batch| batch.replace_ban(new.clone()))?;
        writeln!(
            out,
            "banned {} in {} {}",
            shown(&new),
            new.jail,
            until_when(until, context.zone)
        )?;
    }
    let kept = refresh(&mut store, context, out)?;
    Ok(kept.unwrap_or(Status::Found))
}

/// The ban that lasts at least as long as the new one would, in force or, to a clock that is behind, soon.
fn standing_ban(store: &Store, context: &Context, new: &Ban) -> Result<Option<Ban>, Error> {
    let bans = store.reader().bans_of(&new.host)?;
    let lasts = |ban: &Ban| ban.until.is_none_or(|end| new.until.is_some_and(|other| end >= other));
    let is_over = |ban: &Ban| {
        ban.ended.is_some_and(|(at, _)| at <= context.now)
            || ban.until.is_some_and(|end| end <= context.now)
    };
    let standing = |ban: &Ban| ban.jail == new.jail && !is_over(ban) && lasts(ban);
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
    store.transact(|batch| batch.expire(context.now))?;
    if args.all {
        if let Some(jail) = &args.jail
            && !store.reader().jails(context.now)?.iter().any(|known| known.name == *jail)
        {
            context.known_jail(jail)?;
        }
        let bans = store.reader().bans_active(context.now, args.jail.as_deref())?;
        hosts = bans.into_iter().map(|ban| ban.host).collect();
        hosts.sort();
        hosts.dedup();
    }
    let mut lifted = 0;
    for named in &hosts {
        let ended = store.transact(|batch| {
            batch.end_bans(named, args.jail.as_deref(), context.now, EndReason::Unbanned)
        })?;
        let host = printable(&named.to_string()).into_owned();
        if ended.is_empty() {
            writeln!(out, "{host} is not banned{}", within(args.jail.as_deref()))?;
            say_covering(&store, context, named, out)?;
        } else {
            let jails: Vec<&str> = ended.iter().map(|ban| ban.jail.as_str()).collect();
            writeln!(out, "unbanned {host} from {}", jails.join(", "))?;
        }
        lifted += ended.len();
    }
    if args.all && hosts.len() > 1 {
        writeln!(out, "{} lifted", counted(lifted as u64, "ban"))?;
    }
    if hosts.is_empty() {
        writeln!(out, "no host is banned{}", within(args.jail.as_deref()))?;
    }
    let kept = if lifted > 0 { refresh(&mut store, context, out)? } else { None };
    Ok(kept.unwrap_or(if lifted > 0 { Status::Found } else { Status::Nothing }))
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
            writeln!(out, "  but its network {} is banned in {}", shown(&ban), ban.jail)?;
        }
    }
    Ok(())
}

fn shown(ban: &Ban) -> String {
    printable(&ban.host.to_string()).into_owned()
}

fn within(jail: Option<&str>) -> String {
    jail.map(|jail| format!(" in {jail}")).unwrap_or_default()
}
