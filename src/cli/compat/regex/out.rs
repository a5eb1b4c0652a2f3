//! `-o`: one thing of every failure, and no report.

use std::io::{self, Write};

use super::ticket::{Pieces, Ticket, Value};
use crate::command::tag::{
    OF_BANS, Piece, name_of, own_full_name, own_name, pieces, reversed, seconds,
};
use crate::model::{Addr, Time};
use crate::text::quoted;

/// What is printed of each failure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Id,
    Ip,
    Message,
    Row,
    Field(String),
    Template(Vec<Part>),
}

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Tag(String),
}

impl Wish {
    /// Reads the option's argument.
    ///
    /// # Errors
    ///
    /// A tag that only a ban has.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "id" | "fid" => Self::Id,
            "ip" => Self::Ip,
            "msg" => Self::Message,
            "row" => Self::Row,
            _ if text.contains('<') => Self::Template(parts(text)?),
            _ => Self::Field(text.to_owned()),
        })
    }

    /// Prints it of one failure; an unknown time is `now`, where it has to be one.
    pub(super) fn write(&self, ticket: &Ticket, now: Time, out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Id => writeln!(out, "{}", ticket.id),
            Self::Ip => writeln!(out, "{}", ip(ticket)),
            Self::Message => {
                ticket.lines.iter().try_for_each(|line| writeln!(out, "{}", line.concat()))
            }
            Self::Row => writeln!(out, "{}", row(ticket)),
            Self::Field(name) if name == "matches" => writeln!(out, "{}", matches(&ticket.lines)),
            Self::Field(name) => {
                let value = ticket.data.get(name).unwrap_or(&Value::Nothing);
                writeln!(out, "{}", value.shown())
            }
            Self::Template(parts) => {
                // What has the line in it is printed for each of the lines.
                let is_of_line = parts.contains(&Part::Tag("msg".to_owned()));
                let lines = if is_of_line { &ticket.lines[..] } else { &ticket.lines[..1] };
                lines.iter().try_for_each(|line| {
                    let text = |part: &Part| match part {
                        Part::Text(text) => text.clone(),
                        Part::Tag(tag) => value(tag, ticket, line, now),
                    };
                    writeln!(out, "{}", parts.iter().map(text).collect::<String>())
                })
            }
        }
    }
}

/// DIFFERS: what a tag stands for is not searched for tags: who writes the log must not choose what is printed. For tags of
/// bans the original has no value and ends with a traceback.
fn parts(template: &str) -> Result<Vec<Part>, String> {
    let part = |piece| match piece {
        Piece::Tag(tag) if OF_BANS.contains(&tag) => {
            Err(format!("<{tag}> is known of a ban, not of a failure"))
        }
        Piece::Tag(tag) => Ok(Part::Tag(tag.to_owned())),
        Piece::Text(text) => Ok(Part::Text(text.to_owned())),
    };
    pieces(template).into_iter().map(part).collect()
}

fn value(tag: &str, ticket: &Ticket, line: &Pieces, now: Time) -> String {
    let addr = || Addr::of_id(&ip(ticket));
    match tag {
        "ip" => ip(ticket),
        "fid" => ticket.id.clone(),
        "msg" => line.concat(),
        "matches" => {
            let lines: Vec<String> = ticket.lines.iter().map(|line| line.concat()).collect();
            lines.join("\n")
        }
        "time" => time(ticket).unwrap_or_else(|| seconds(now)),
        "family" => match addr().map(Addr::ip) {
            Some(ip) if ip.is_ipv4() => "inet4",
            Some(_) => "inet6",
            None => "None",
        }
        .to_owned(),
        "ip-rev" => addr().map(reversed).unwrap_or_default(),
        "ip-host" => {
            addr().and_then(|addr| name_of(addr.ip())).unwrap_or_else(|| "None".to_owned())
        }
        "failures" | "restored" | "bancount" => "0".to_owned(),
        "br" => "\n".to_owned(),
        "sp" => " ".to_owned(),
        "sh-hostname" => own_name(),
        "fq-hostname" => own_full_name(),
        "raw-ticket" => format!(
            "BanTicket: ip={} time={} bantime=None bancount=0 #attempts=0 matches={}",
            ticket.id,
            time(ticket).unwrap_or_else(|| seconds(now)),
            matches(&ticket.lines)
        ),
        "F-*" => all(ticket),
        _ => match tag.strip_prefix("F-") {
            Some(name) if is_name(name) => match &*name.to_lowercase() {
                "matches" => matches(&ticket.lines),
                "failures" => "0".to_owned(),
                name => match ticket.data.get(name) {
                    Some(Value::Nothing) | None => String::new(),
                    Some(value) => value.shown(),
                },
            },
            _ => format!("<{tag}>"),
        },
    }
}

fn is_name(name: &str) -> bool {
    let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "_-".contains(c);
    !name.is_empty() && name.chars().all(is_capital)
}

/// The address or name that was captured, or else the id.
fn ip(ticket: &Ticket) -> String {
    match ticket.data.get("ip") {
        Some(Value::Text(ip)) => ip.clone(),
        _ => ticket.id.clone(),
    }
}

fn time(ticket: &Ticket) -> Option<String> {
    let time = ticket.time?;
    Some(if ticket.is_whole { time.secs().to_string() } else { seconds(time) })
}

/// `['192.0.2.1',⇥1782060468.0,⇥{'user': 'root', 'ip4': '192.0.2.1', 'ip6': None, 'dns': None}],`
fn row(ticket: &Ticket) -> String {
    let data =
        ticket.data.iter().map(|(name, value)| format!("{}: {}", quoted(name), value.repr()));
    let data: Vec<String> = data.collect();
    let time = time(ticket).unwrap_or_else(|| "None".to_owned());
    format!("[{},\t{time},\t{{{}}}],", quoted(&ticket.id), data.join(", "))
}

/// The lines as a list of their pieces.
fn matches(lines: &[Pieces]) -> String {
    let line = |pieces: &Pieces| {
        let pieces: Vec<String> = pieces.iter().map(|piece| quoted(piece)).collect();
        format!("({})", pieces.join(", "))
    };
    let lines: Vec<String> = lines.iter().map(line).collect();
    format!("[{}]", lines.join(", "))
}

/// `<F-*>`: all there is, without what took no part.
fn all(ticket: &Ticket) -> String {
    let mut items =
        vec![format!("'matches': {}", matches(&ticket.lines)), "'failures': 0".to_owned()];
    let data = ticket.data.iter().filter(|(_, value)| **value != Value::Nothing);
    items.extend(data.map(|(name, value)| format!("{}: {}", quoted(name), value.repr())));
    format!("{{{}}}", items.join(", "))
}
