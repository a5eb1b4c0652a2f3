//! `f2b ban` and `f2b unban`: an administrator's own decisions.

use std::io::{self, Write};

use super::args::{BanArgs, UnbanArgs};
use super::files::Files;
use super::output::{counted, jail_name, until_when};
use super::{Context, Error, Status, parse_host, session};
use crate::control::{Change, Guard, Reply, Whose};
use crate::model::{Ban, BanTime, Host, Prolongation};
use crate::text::printable;

pub(super) fn ban(context: &Context, args: &BanArgs, out: &mut dyn Write) -> Result<Status, Error> {
    let length = args.time.as_deref().map(BanTime::parse).transpose();
    let wanted = Change::Ban {
        jail: args.jail.clone(),
        hosts: parse_hosts(&args.hosts)?,
        length: length.map_err(|source| Error::Duration { option: "time", source })?,
        guard: guard(args.force),
    };
    let mut files = Files::default();
    let fate = |ban: &Ban| format!("in {} {}", ban.jail, until_when(ban.until, context.zone));
    context.change(wanted, |reply| match reply {
        Reply::Made(ban) => writeln!(out, "banned {} {}", shown(&ban.host), fate(&ban)),
        Reply::Stood(ban) => {
            writeln!(out, "{} is already banned {}", shown(&ban.host), fate(&ban))
        }
        Reply::Prolonged(Prolongation { host, jail, until, .. }) => {
            let until = until_when(until, context.zone);
            writeln!(out, "{} is banned for longer in {jail}, {until}", shown(&host))
        }
        reply => {
            files.take(reply);
            Ok(())
        }
    })?;
    Ok(files.show(out)?.unwrap_or(Status::Found))
}

pub(super) fn unban(
    context: &Context,
    args: &UnbanArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let hosts = if args.all { Whose::Everyone } else { Whose::These(parse_hosts(&args.hosts)?) };
    let jail = args.jail.as_deref();
    let mut files = Files::default();
    let mut lifted = Lifted::default();
    context.change(Change::Unban { hosts, jail: args.jail.clone() }, |reply| match reply {
        Reply::Lifted { host, jails } => lifted.take(&host, &jails, out),
        Reply::NotBanned { host, networks } => {
            lifted.hosts += 1;
            not_banned(&host, &networks, jail, out)
        }
        reply => {
            files.take(reply);
            Ok(())
        }
    })?;
    if args.all && lifted.hosts > 1 {
        writeln!(out, "{} lifted", counted(lifted.bans, "ban"))?;
    }
    if lifted.hosts == 0 {
        writeln!(out, "no host is banned{}", within(jail))?;
    }
    let is_done = if lifted.bans > 0 { Status::Found } else { Status::Nothing };
    Ok(files.show(out)?.unwrap_or(is_done))
}

/// What was lifted so far.
#[derive(Default)]
struct Lifted {
    hosts: u64,
    bans: u64,
}

impl Lifted {
    fn take(&mut self, host: &Host, jails: &[String], out: &mut dyn Write) -> io::Result<()> {
        self.hosts += 1;
        self.bans += jails.len() as u64;
        let jails: Vec<_> = jails.iter().map(|jail| jail_name(jail)).collect();
        writeln!(out, "unbanned {} from {}", shown(host), jails.join(", "))
    }
}

/// A host may still be covered by the ban of its network, which has to be lifted by its own name.
fn not_banned(
    host: &Host,
    networks: &[Ban],
    jail: Option<&str>,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{} is not banned{}", shown(host), within(jail))?;
    for Ban { host, jail, .. } in networks {
        writeln!(out, "  but its network {} is banned in {}", shown(host), jail_name(jail))?;
    }
    Ok(())
}

/// Who is not banned, unless it is insisted on.
pub(super) fn guard(is_forced: bool) -> Option<Guard> {
    (!is_forced).then(|| Guard { peer: session::peer() })
}

fn parse_hosts(texts: &[String]) -> Result<Vec<Host>, Error> {
    texts.iter().map(|text| parse_host(text)).collect()
}

fn shown(host: &Host) -> String {
    printable(&host.to_string()).into_owned()
}

fn within(jail: Option<&str>) -> String {
    jail.map(|jail| format!(" in {jail}")).unwrap_or_default()
}
