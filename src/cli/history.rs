//! `f2b history`: all that is known of one host.

use std::io::{self, Write};

use super::args::{Format, HistoryArgs};
use super::output::{civil, counted, jail_name, json, table, until_when};
use super::{Context, Error, Status};
use crate::control::{Question, Reply};
use crate::exchange::array::Array;
use crate::exchange::table::Table;
use crate::model::{Ban, Host, Origin, Prolongation, Time, duration};
use crate::store::{Event, HostTotals};

pub(super) fn run(
    context: &Context,
    args: &HistoryArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let host = Host::parse(&args.host);
    let mut asked = Asked { context, host: &host, limit: args.limit, lines: 0, last: None };
    let totals = match args.format {
        Format::Text => text(&mut asked, out)?,
        Format::Json => {
            let name = host.to_string();
            let (mut free, mut list) = (Some(&mut *out), None);
            let totals = asked.each(|totals, event| {
                if let Some(out) = free.take() {
                    list = Some(document(out, &name, totals));
                }
                match (&mut list, event) {
                    (Some(list), Some(event)) => {
                        list.element(&json::Event::new(&event, context.now))
                    }
                    _ => Ok(()),
                }
            })?;
            list.map_or(Ok(()), Array::end)?;
            totals
        }
        Format::Jsonl => asked.each(|_, event| {
            event.map_or(Ok(()), |event| json::line(&json::Event::new(&event, context.now), out))
        })?,
        Format::Csv => {
            let mut rows = Rows { rows: Table::new(out), host: &host };
            let totals = asked.each(|_, event| match event {
                None => rows.header(),
                Some(event) => rows.event(&event),
            })?;
            rows.rows.end()?;
            totals
        }
    };
    if matches!(args.format, Format::Jsonl | Format::Csv) && asked.lines < totals.lines {
        out.flush()?;
        super::warn(&format!("f2b: {}; --limit N gives more", cut(asked.lines, totals.lines)));
    }
    let is_known = totals.lines + totals.bans > 0;
    Ok(if is_known { Status::Found } else { Status::Nothing })
}

/// The JSON document: how much there is, and of it the list of events.
fn document<'o>(out: &'o mut dyn Write, host: &str, totals: HostTotals) -> Array<'o> {
    let head =
        [("host", host.into()), ("lines", totals.lines.into()), ("bans", totals.bans.into())];
    Array::new(out, &head, "events")
}

/// A question about a host, and how many lines were told.
struct Asked<'a> {
    context: &'a Context,
    host: &'a Host,
    limit: u32,
    lines: u64,
    /// The place of the last of them.
    last: Option<i64>,
}

impl Asked<'_> {
    /// Hands over how much is known, first with no event and then with each; gives it.
    fn each(
        &mut self,
        mut take: impl FnMut(HostTotals, Option<Event>) -> io::Result<()>,
    ) -> Result<HostTotals, Error> {
        let mut totals = HostTotals::default();
        let question = Question::History { host: self.host.clone(), limit: self.limit };
        self.context.ask(question, |reply| match reply {
            Reply::Totals(all) => {
                totals = all;
                take(totals, None)
            }
            Reply::Event(event) => {
                if let Event::Match(line) = &event
                    && self.last.replace(line.place) != Some(line.place)
                {
                    self.lines += 1;
                }
                take(totals, Some(event))
            }
            _ => Ok(()),
        })?;
        Ok(totals)
    }
}

/// `the last 50 of 12565 matched lines`.
fn cut(shown: u64, all: u64) -> String {
    format!("the last {shown} of {}", counted(all, "matched line"))
}

fn text(asked: &mut Asked<'_>, out: &mut dyn Write) -> Result<HostTotals, Error> {
    let mut events = Vec::new();
    let totals = asked.each(|_, event| {
        events.extend(event);
        Ok(())
    })?;
    let Asked { context, host, lines, .. } = *asked;
    let name = host.to_string();
    let name = crate::text::printable(&name);
    if events.is_empty() && totals.lines == 0 {
        writeln!(out, "nothing is known of {name}")?;
        return Ok(totals);
    }
    let lines = if lines < totals.lines {
        format!("{} (--limit {} shows all)", cut(lines, totals.lines), totals.lines)
    } else {
        counted(lines, "matched line")
    };
    writeln!(out, "{name}: {lines}, {}\n", counted(totals.bans, "ban"))?;
    let rows = merged(&events).iter().map(|told| row(context, host, told)).collect();
    let columns =
        [table::left("time"), table::left("what"), table::left("jail"), table::left("where")];
    write!(out, "{}", table::render_texts(&columns, "text", rows, context.columns))?;
    Ok(totals)
}

/// Something that happened, with all jails that it concerns; what was found by a filter alone as well as in a jail
/// concerns the jail.
struct Told<'e> {
    event: &'e Event,
    jails: Vec<&'e str>,
    is_failure: bool,
}

/// All that was found in a line is one event: it may be a failure in several jails, and a match in others.
fn merged(events: &[Event]) -> Vec<Told<'_>> {
    let mut told: Vec<Told<'_>> = Vec::new();
    for event in events {
        let jail = match event {
            Event::Match(line) => line.failure.as_ref().map(|(jail, _)| jail),
            Event::Told(line) => Some(&line.jail),
            Event::Ban(ban) => Some(&ban.jail),
            Event::Prolongation(longer) => Some(&longer.jail),
        };
        let same = told.last_mut().filter(|last| is_same_line(last.event, event));
        let last = match same {
            Some(last) => last,
            None => told.push_mut(Told { event, jails: Vec::new(), is_failure: false }),
        };
        if let Some(jail) = jail {
            last.is_failure = true;
            if !jail.is_empty() && !last.jails.contains(&jail.as_str()) {
                last.jails.push(jail);
            }
        }
    }
    told
}

fn is_same_line(one: &Event, other: &Event) -> bool {
    matches!((one, other), (Event::Match(one), Event::Match(other)) if one.place == other.place)
}

/// Its cells, and the text behind them.
fn row(context: &Context, host: &Host, told: &Told<'_>) -> (Vec<String>, String) {
    let Told { event, jails, is_failure } = told;
    let time = event.time().map_or_else(|| "-".to_owned(), |time| civil(time, context.zone));
    let jails = match jails.as_slice() {
        [] if *is_failure => jail_name("").to_owned(),
        [] => "-".to_owned(),
        jails => jails.join(", "),
    };
    match event {
        Event::Match(line) => {
            let place = format!("{}:{}", line.log, line.line);
            let text = String::from_utf8_lossy(&line.text).into_owned();
            (vec![time, what(*is_failure).to_owned(), jails, place], text)
        }
        Event::Told(line) => {
            (vec![time, TOLD.to_owned(), jails, "-".to_owned()], line.text.replace('\n', " "))
        }
        Event::Ban(ban) => {
            let network = if ban.host == *host { String::new() } else { format!("{}: ", ban.host) };
            let by = format!("by {}", ban.origin.name());
            (vec![time, "ban".to_owned(), jails, by], network + &fate(context, ban))
        }
        Event::Prolongation(longer) => {
            let Prolongation { host: of, until_before, until, origin, failures, .. } = longer;
            let network = if of == host { String::new() } else { format!("{of}: ") };
            let by = format!("by {}", origin.name());
            let (until, before) =
                (until_when(*until, context.zone), civil(*until_before, context.zone));
            let failures = match origin {
                Origin::Manual => String::new(),
                _ => format!("; {}", counted(u64::from(*failures), "failure")),
            };
            let text = format!("{network}{until} instead of {before}{failures}");
            (vec![time, PROLONGED.to_owned(), jails, by], text)
        }
    }
}

/// What happened to a ban that lasts longer since.
const PROLONGED: &str = "prolonged";

/// What a line is called that was told with a ban that was taken over.
const TOLD: &str = "led to";

/// A failure, or a match that is none.
fn what(is_failure: bool) -> &'static str {
    if is_failure { "failure" } else { "match" }
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

/// Rows of comma-separated values about a host.
struct Rows<'r> {
    rows: Table<'r>,
    host: &'r Host,
}

impl Rows<'_> {
    fn header(&mut self) -> io::Result<()> {
        self.rows.row(["time", "what", "jail", "log", "line", "text"])
    }

    fn event(&mut self, event: &Event) -> io::Result<()> {
        let time = event.time().map(|time| time.to_string()).unwrap_or_default();
        let row = match event {
            Event::Match(line) => {
                let jail = line.failure.as_ref().map_or("", |(jail, _)| jail.as_str());
                let text = String::from_utf8_lossy(&line.text);
                let number = line.line.to_string();
                let what = what(line.failure.is_some());
                [&*time, what, jail, &line.log, &number, &text].map(str::to_owned)
            }
            Event::Told(line) => [&*time, TOLD, &line.jail, "", "", &line.text].map(str::to_owned),
            Event::Ban(ban) => {
                let network =
                    if ban.host == *self.host { String::new() } else { ban.host.to_string() };
                [&*time, "ban", &ban.jail, "", "", &network].map(str::to_owned)
            }
            Event::Prolongation(longer) => {
                let until = longer.until.as_ref().map_or("for ever".to_owned(), Time::to_string);
                let text = format!("until {until} instead of {}", longer.until_before);
                [&*time, PROLONGED, &longer.jail, "", "", &text].map(str::to_owned)
            }
        };
        self.rows.row(row)
    }
}
