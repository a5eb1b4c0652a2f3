//! `f2b status`: the jails at a glance, or one jail as fail2ban-client shows it.

use std::io::Write;

use super::args::StatusArgs;
use super::output::{civil, counted, grouped, table};
use super::{Context, Status};
use crate::config::Config;
use crate::error::Error;
use crate::model::Host;
use crate::store::Reader;
use crate::store::read::JailSummary;
use crate::text::printable;

pub(super) fn run(
    context: &Context,
    args: &StatusArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let reader = Reader::open(&context.db)?;
    let jails = reader.jails(context.now)?;
    match &args.jail {
        None => overview(context, &reader, &jails, out),
        Some(name) => {
            let summary = jails.into_iter().find(|jail| jail.name == *name);
            one(context, &reader, name, summary, out)
        }
    }
}

fn overview(
    context: &Context,
    reader: &Reader,
    jails: &[JailSummary],
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let totals = reader.totals()?;
    let shown = |name: &str| if name.is_empty() { "(no jail)".to_owned() } else { name.to_owned() };
    writeln!(
        out,
        "{}: {} and {} from {}, {}\n",
        reader.path().display(),
        counted(totals.matches, "matched line"),
        counted(totals.failures, "failure"),
        counted(totals.logs, "log"),
        counted(totals.bans, "ban"),
    )?;
    let known: Vec<&JailSummary> =
        jails.iter().filter(|jail| !jail.name.is_empty() || jail.failures > 0).collect();
    if known.is_empty() {
        writeln!(out, "no jail has failures or bans yet")?;
        return Ok(Status::Nothing);
    }
    let rows = known
        .iter()
        .map(|jail| {
            vec![
                shown(&jail.name),
                grouped(jail.failures),
                jail.last_failure.map_or_else(|| "-".to_owned(), |at| civil(at, context.zone)),
                grouped(jail.bans_active),
                grouped(jail.bans),
            ]
        })
        .collect();
    let columns = [
        table::left("jail"),
        table::right("failures"),
        table::left("last failure"),
        table::right("banned"),
        table::right("bans in all"),
    ];
    write!(out, "{}", table::render(&columns, rows))?;
    Ok(Status::Found)
}

/// The tree that scripts around fail2ban-client know how to read.
fn one(
    context: &Context,
    reader: &Reader,
    name: &str,
    summary: Option<JailSummary>,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let jail = Config::open(&context.config).ok().and_then(|config| {
        let is_known =
            config.jail_names().value.unwrap_or_default().iter().any(|known| known == name);
        is_known.then(|| config.jail(name).value).flatten()
    });
    if jail.is_none() && summary.is_none() {
        context.known_jail(name)?;
    }
    let summary = summary.unwrap_or_default();
    let window = jail.as_ref().map_or(0, |jail| jail.findtime_us);
    let recent = reader.count_failures(
        name,
        context.now.plus_micros(-window),
        context.now.plus_micros(1),
    )?;
    let bans = reader.bans_active(context.now, Some(name))?;
    let mut hosts: Vec<&Host> = bans.iter().map(|ban| &ban.host).collect();
    hosts.sort();
    let hosts: Vec<String> = hosts.into_iter().map(ToString::to_string).collect();
    let logs: Vec<String> = jail
        .map(|jail| jail.logpaths.into_iter().map(|log| log.glob).collect())
        .unwrap_or_default();
    writeln!(out, "Status for the jail: {name}")?;
    writeln!(out, "|- Filter")?;
    writeln!(out, "|  |- Currently failed:\t{recent}")?;
    writeln!(out, "|  |- Total failed:\t{}", summary.failures)?;
    writeln!(out, "|  `- File list:\t{}", printable(&logs.join(" ")))?;
    writeln!(out, "`- Actions")?;
    writeln!(out, "   |- Currently banned:\t{}", summary.bans_active)?;
    writeln!(out, "   |- Total banned:\t{}", summary.bans)?;
    writeln!(out, "   `- Banned IP list:\t{}", printable(&hosts.join(" ")))?;
    Ok(Status::Found)
}
