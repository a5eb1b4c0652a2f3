//! `f2b history`: all that is known of one host.

use std::io::{self, Write};

use super::args::{Format, HistoryArgs};
use super::output::{civil, counted, json, table, until_when};
use super::{Context, Error, Status};
use crate::control::{Question, Reply};
use crate::exchange::array::Array;
use crate::model::{Ban, Host, duration};
use crate::store::{Event, MatchedLine};

pub(super) fn run(
    context: &Context,
    args: &HistoryArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let host = Host::parse(&args.host);
    let mut count = 0_u64;
    let mut each = |take: &mut dyn FnMut(Event) -> io::Result<()>| {
        let question = Question::History { host: host.clone(), limit: args.limit };
        context.ask(question, |reply| match reply {
            Reply::Event(event) => {
                count += 1;
                take(event)
            }
            _ => Ok(()),
        })
    };
    match args.format {
        Format::Text => {
            let mut events = Vec::new();
            each(&mut |event| {
                events.push(event);
                Ok(())
            })?;
            text(context, &host, &events, out)?;
        }
        Format::Json => {
            let name = host.to_string();
            let mut list = Array::new(out, Some(("host", &name)), "events");
            each(&mut |event| list.element(&json::Event::new(&event, context.now)))?;
            list.end()?;
        }
        Format::Jsonl => {
            each(&mut |event| json::line(&json::Event::new(&event, context.now), out))?;
        }
        Format::Csv => {
            let mut rows = Rows { rows: csv::Writer::from_writer(out), has_header: false };
            each(&mut |event| rows.event(&event))?;
            rows.header()?;
            rows.rows.flush()?;
        }
    }
    Ok(if count == 0 { Status::Nothing } else { Status::Found })
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
    let columns =
        [table::left("time"), table::left("what"), table::left("jail"), table::left("where")];
    write!(out, "{}", table::render_texts(&columns, "text", rows, context.columns))?;
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

/// Its cells, and the text behind them.
fn row(context: &Context, event: &Event, jails: &[&str]) -> (Vec<String>, String) {
    let time = event.time().map_or_else(|| "-".to_owned(), |time| civil(time, context.zone));
    match event {
        Event::Match(line) => {
            let jails = if jails.is_empty() { "-".to_owned() } else { jails.join(", ") };
            let place = format!("{}:{}", line.log, line.line);
            let text = String::from_utf8_lossy(&line.text).into_owned();
            (vec![time, what(line).to_owned(), jails, place], text)
        }
        Event::Ban(ban) => {
            let by = format!("by {}", ban.origin.name());
            (vec![time, "ban".to_owned(), ban.jail.clone(), by], fate(context, ban))
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

/// Rows of comma-separated values; the header is written with the first of them, or at the end.
struct Rows<'o> {
    rows: csv::Writer<&'o mut dyn Write>,
    has_header: bool,
}

impl Rows<'_> {
    fn header(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            self.rows.write_record(["time", "what", "jail", "log", "line", "text"])?;
        }
        Ok(())
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.header()?;
        let time = event.time().map(|time| time.to_string()).unwrap_or_default();
        let row = match event {
            Event::Match(line) => {
                let jail = line.failure.as_ref().map_or("", |(jail, _)| jail.as_str());
                let text = String::from_utf8_lossy(&line.text);
                let number = line.line.to_string();
                [&*time, what(line), jail, &line.log, &number, &text].map(str::to_owned)
            }
            Event::Ban(ban) => [&*time, "ban", &ban.jail, "", "", ""].map(str::to_owned),
        };
        Ok(self.rows.write_record(row)?)
    }
}
