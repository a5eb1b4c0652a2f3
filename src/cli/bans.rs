//! `f2b bans`: who is banned, and until when.

use std::io::{self, Write};

use super::args::{BansArgs, Format};
use super::output::{civil, counted, jail_name, json, table};
use super::{Context, Error, Status, effect};
use crate::control::{Question, Reply, WhichBans};
use crate::exchange::{self, ListWriter, Packets};
use crate::model::{Ban, duration};
use crate::store::BanOrder;

pub(super) fn run(
    context: &Context,
    args: &BansArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let count = match args.format {
        Format::Text => text(context, args, out)?,
        Format::Json => list(context, args, exchange::Format::Json, out)?,
        Format::Csv => list(context, args, exchange::Format::Csv, out)?,
        Format::Jsonl => {
            let mut count = 0;
            each(context, args, |ban, packets| {
                count += 1;
                json::line(&json::Ban::new(&ban, context.now).counted(packets.known()), out)
            })?;
            count
        }
    };
    Ok(if count == 0 { Status::Nothing } else { Status::Found })
}

/// Hands over the bans that were asked for, with their packets where those are counted.
fn each(
    context: &Context,
    args: &BansArgs,
    mut take: impl FnMut(Ban, Packets) -> io::Result<()>,
) -> Result<(), Error> {
    let which = if args.all { WhichBans::Ever } else { WhichBans::InForce(BanOrder::Jail) };
    let question = Question::Bans { jail: args.jail.clone(), which, counted: true };
    context.ask(question, |reply| match reply {
        Reply::Ban(ban) => take(ban, Packets::Untold),
        Reply::Counted { ban, packets } => take(ban, Packets::Counted(packets)),
        _ => Ok(()),
    })
}

fn list(
    context: &Context,
    args: &BansArgs,
    format: exchange::Format,
    out: &mut dyn Write,
) -> Result<u64, Error> {
    let mut list = ListWriter::new(format, out);
    each(context, args, |ban, packets| list.counted(&ban, packets))?;
    Ok(list.end()?)
}

/// A table, which is as wide as its widest cells: all of them are held.
fn text(context: &Context, args: &BansArgs, out: &mut dyn Write) -> Result<u64, Error> {
    let mut rows = Vec::new();
    let mut counts = Vec::new();
    each(context, args, |ban, packets| {
        rows.push(row(context, &ban));
        counts.push(packets.known());
        Ok(())
    })?;
    let count = rows.len() as u64;
    if rows.is_empty() {
        writeln!(out, "no host is banned")?;
        return Ok(count);
    }
    let mut columns = vec![
        table::left("host"),
        table::left("jail"),
        table::right("failures"),
        table::left("banned at"),
        table::left("until"),
        table::right(if args.all { "state" } else { "left" }),
        table::left("by"),
    ];
    if counts.iter().any(Option::is_some) {
        columns.push(table::right("packets"));
        for (row, packets) in rows.iter_mut().zip(counts) {
            row.push(packets.map_or_else(|| "-".to_owned(), |packets| packets.to_string()));
        }
    }
    write!(out, "{}", table::render(&columns, rows, context.columns))?;
    writeln!(out, "\n{}", counted(count, "ban"))?;
    if !args.all {
        effect::tell(context, args.jail.as_deref(), out)?;
    }
    Ok(count)
}

fn row(context: &Context, ban: &Ban) -> Vec<String> {
    let until = ban.until.map_or_else(|| "for ever".to_owned(), |until| civil(until, context.zone));
    vec![
        ban.host.to_string(),
        jail_name(&ban.jail).to_owned(),
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
