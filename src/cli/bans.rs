//! `f2b bans`: who is banned, and until when.

use std::io::Write;

use super::args::{BansArgs, Format};
use super::output::{civil, counted, json, table};
use super::{Context, Status};
use crate::error::Error;
use crate::exchange;
use crate::model::{Ban, duration};
use crate::store::Reader;

pub(super) fn run(
    context: &Context,
    args: &BansArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let reader = Reader::open(&context.db)?;
    let mut bans = if args.all {
        reader.bans_all()?
    } else {
        reader.bans_active(context.now, args.jail.as_deref())?
    };
    if let Some(jail) = &args.jail {
        bans.retain(|ban| ban.jail == *jail);
    }
    match args.format {
        Format::Text => text(context, args, &bans, out)?,
        Format::Json => exchange::write(exchange::Format::Json, &bans, out)?,
        Format::Csv => exchange::write(exchange::Format::Csv, &bans, out)?,
        Format::Jsonl => {
            for ban in &bans {
                json::line(&json::Ban::new(ban, context.now), out)?;
            }
        }
    }
    Ok(if bans.is_empty() { Status::Nothing } else { Status::Found })
}

fn text(
    context: &Context,
    args: &BansArgs,
    bans: &[Ban],
    out: &mut dyn Write,
) -> Result<(), Error> {
    if bans.is_empty() {
        writeln!(out, "no host is banned")?;
        return Ok(());
    }
    let rows = bans.iter().map(|ban| row(context, ban)).collect();
    let columns = [
        table::left("host"),
        table::left("jail"),
        table::right("failures"),
        table::left("banned at"),
        table::left("until"),
        table::right(if args.all { "state" } else { "left" }),
        table::left("by"),
    ];
    write!(out, "{}", table::render(&columns, rows))?;
    writeln!(out, "\n{}", counted(bans.len() as u64, "ban"))?;
    Ok(())
}

fn row(context: &Context, ban: &Ban) -> Vec<String> {
    let until = ban.until.map_or_else(|| "for ever".to_owned(), |until| civil(until, context.zone));
    vec![
        ban.host.to_string(),
        ban.jail.clone(),
        ban.failures.to_string(),
        civil(ban.at, context.zone),
        until,
        state(context, ban),
        ban.origin.name().to_owned(),
    ]
}

/// What is left of it, or why it is over.
fn state(context: &Context, ban: &Ban) -> String {
    match (ban.ended, ban.until) {
        (Some((at, reason)), _) if at <= context.now => reason.name().to_owned(),
        (_, Some(until)) if until <= context.now => "expired".to_owned(),
        (_, Some(until)) => duration::spell(until.micros() - context.now.micros()),
        (_, None) => "-".to_owned(),
    }
}
