//! `f2b history`: all that is known of one host.

use std::io::Write;

use super::args::{Format, HistoryArgs};
use super::output::{civil, counted, json, table, until_when};
use super::{Context, Status};
use crate::error::Error;
use crate::model::{Ban, Host, duration};
use crate::store::Reader;
use crate::store::{Event, MatchedLine};

pub(super) fn run(
    context: &Context,
    args: &HistoryArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let reader = Reader::open(&context.db)?;
    let host = Host::parse(&args.host);
    let events = reader.history(&host, args.limit as usize)?;
    match args.format {
        Format::Text => text(context, &host, &events, out)?,
        Format::Json => json::document(&json::History::new(&host, &events, context.now), out)?,
        Format::Jsonl => {
            for event in &events {
                json::line(&json::Event::new(event, context.now), out)?;
            }
        }
        Format::Csv => csv(&events, out)?,
    }
    Ok(if events.is_empty() { Status::Nothing } else { Status::Found })
}

fn text(
    context: &Context,
    host: &Host,
    events: &[Event],
    out: &mut dyn Write,
) -> Result<(), Error> {
    if events.is_empty() {
        writeln!(out, "nothing is known of {}", crate::text::printable(&host.to_string()))?;
        return Ok(());
    }
    let shown = merged(events);
    let bans = events.iter().filter(|event| matches!(event, Event::Ban(_))).count() as u64;
    let lines = shown.len() as u64 - bans;
    writeln!(
        out,
        "{}: {}, {}\n",
        crate::text::printable(&host.to_string()),
        counted(lines, "matched line"),
        counted(bans, "ban")
    )?;
    let rows = shown.iter().map(|(event, jails)| row(context, event, jails)).collect();
    let columns = [
        table::left("time"),
        table::left("what"),
        table::left("jail"),
        table::left("where"),
        table::left("text"),
    ];
    write!(out, "{}", table::render(&columns, rows))?;
    Ok(())
}

/// Events with the jails that they concern: a line that counts in several jails is one event.
fn merged(events: &[Event]) -> Vec<(&Event, Vec<&str>)> {
    let mut shown: Vec<(&Event, Vec<&str>)> = Vec::new();
    for event in events {
        let jail = match event {
            Event::Match(line) => line.failure.as_ref().map_or("", |(jail, _)| jail.as_str()),
            Event::Ban(ban) => ban.jail.as_str(),
        };
        let same = shown.last_mut().filter(|(last, _)| is_same_line(last, event));
        let jails = match same {
            Some((_, jails)) => jails,
            None => &mut shown.push_mut((event, Vec::new())).1,
        };
        if !jail.is_empty() && !jails.contains(&jail) {
            jails.push(jail);
        }
    }
    shown
}

fn is_same_line(one: &Event, other: &Event) -> bool {
    let (Event::Match(one), Event::Match(other)) = (one, other) else { return false };
    (one.line, &one.log, one.failure.is_some()) == (other.line, &other.log, other.failure.is_some())
}

fn row(context: &Context, event: &Event, jails: &[&str]) -> Vec<String> {
    let time = event.time().map_or_else(|| "-".to_owned(), |time| civil(time, context.zone));
    match event {
        Event::Match(line) => vec![
            time,
            what(line).to_owned(),
            if jails.is_empty() { "-".to_owned() } else { jails.join(", ") },
            format!("{}:{}", line.log, line.line),
            String::from_utf8_lossy(&line.text).into_owned(),
        ],
        Event::Ban(ban) => {
            vec![
                time,
                "ban".to_owned(),
                ban.jail.clone(),
                format!("by {}", ban.origin.name()),
                fate(context, ban),
            ]
        }
    }
}

/// A failure, or a match that is none.
fn what(line: &MatchedLine) -> &'static str {
    if line.failure.is_some() { "failure" } else { "match" }
}

/// `1d, until 2026-11-02 12:00:00; unbanned at 2026-11-01 13:00:00`.
fn fate(context: &Context, ban: &Ban) -> String {
    let mut text = until_when(ban.until, context.zone);
    if let Some(until) = ban.until {
        text = format!("{} {text}", duration::spell(until.micros() - ban.at.micros()));
    }
    if let Some((at, reason)) = ban.ended {
        text = format!("{text}; {} {}", reason.name(), civil(at, context.zone));
    }
    text
}

fn csv(events: &[Event], out: &mut dyn Write) -> Result<(), Error> {
    let mut rows = csv::Writer::from_writer(out);
    let mut write = |row: [&str; 6]| rows.write_record(row).map_err(std::io::Error::from);
    write(["time", "what", "jail", "log", "line", "text"])?;
    for event in events {
        let time = event.time().map(|time| time.to_string()).unwrap_or_default();
        match event {
            Event::Match(line) => {
                let jail = line.failure.as_ref().map_or("", |(jail, _)| jail.as_str());
                let text = String::from_utf8_lossy(&line.text);
                write([&time, what(line), jail, &line.log, &line.line.to_string(), &text])?;
            }
            Event::Ban(ban) => write([&time, "ban", &ban.jail, "", "", ""])?,
        }
    }
    rows.flush()?;
    Ok(())
}
