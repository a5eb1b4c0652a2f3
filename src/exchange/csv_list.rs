//! The list as comma-separated values (RFC 4180): one ban a row, columns by their header's names.

use std::io::{self, Read, Write};

use super::stream::{Bounded, Bounds};
use super::table::{Table, unguarded};
use super::{Defaults, ListError, Packets, parse_addr, parse_time};
use crate::model::Ban;

const COLUMNS: [&str; 7] =
    ["host", "jail", "banned_at", "banned_until", "origin", "failures", PACKETS];
/// The last column, of lists that tell it; nobody takes it over.
const PACKETS: &str = "packets";

/// The rows of a list; the header is written with the first of them, or at the end.
pub(super) struct Rows<'o> {
    rows: Table<'o>,
    has_header: bool,
}

impl<'o> Rows<'o> {
    pub(super) fn new(out: &'o mut dyn Write) -> Self {
        Self { rows: Table::new(out), has_header: false }
    }

    /// A permanent ban has an empty `banned_until`.
    pub(super) fn ban(&mut self, ban: &Ban, packets: Packets) -> io::Result<()> {
        self.header(packets != Packets::Untold)?;
        let cells = [
            ban.host.to_string(),
            ban.jail.clone(),
            ban.at.to_string(),
            ban.until.map(|until| until.to_string()).unwrap_or_default(),
            ban.origin.name().to_owned(),
            ban.failures.to_string(),
        ];
        let packets = match packets {
            Packets::Untold => None,
            Packets::Counted(count) => Some(count.map_or_else(String::new, |n| n.to_string())),
        };
        self.rows.row(cells.into_iter().chain(packets))
    }

    pub(super) fn end(mut self) -> io::Result<()> {
        self.header(false)?;
        self.rows.end()
    }

    fn header(&mut self, has_packets: bool) -> io::Result<()> {
        if !std::mem::replace(&mut self.has_header, true) {
            let told = |column: &&str| has_packets || *column != PACKETS;
            self.rows.row(COLUMNS.into_iter().filter(told))?;
        }
        Ok(())
    }
}

/// Only `host` must be there; what is missing comes from the defaults.
pub(super) fn read<E: From<ListError>>(
    from: Bounded<'_, impl Read>,
    bounds: &Bounds,
    defaults: &Defaults,
    mut take: impl FnMut(Ban) -> Result<(), E>,
) -> Result<(), E> {
    let mut rows = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(from);
    let header = rows.headers().map_err(|error| bounds.trouble_or(error))?.clone();
    bounds.piece();
    known_once(&header)?;
    let column = |name: &str| header.iter().position(|title| title == name);
    let host = column("host").ok_or(ListError::NoHostColumn)?;
    let [jail, at, until, failures] = ["jail", "banned_at", "banned_until", "failures"].map(column);
    for row in rows.records() {
        let row = row.map_err(|error| bounds.trouble_or(error))?;
        bounds.piece();
        let line = row.position().map_or(0, csv::Position::line);
        let cell =
            |column: Option<usize>| column.and_then(|i| row.get(i)).filter(|c| !c.is_empty());
        let mut ban = defaults.ban(parse_addr(row.get(host).unwrap_or_default(), line)?);
        if let Some(name) = cell(jail) {
            unguarded(name).clone_into(&mut ban.jail);
        }
        if let Some(text) = cell(at) {
            ban.at = parse_time(text, line)?;
            ban.until = defaults.bantime.until(ban.at);
        }
        if until.is_some() {
            ban.until = cell(until).map(|text| parse_time(text, line)).transpose()?;
        }
        if let Some(text) = cell(failures) {
            let wrong = |_| ListError::NotANumber { line, text: text.to_owned() };
            ban.failures = text.parse().map_err(wrong)?;
        }
        take(ban)?;
    }
    Ok(())
}

/// A misspelt `banned_until` would make each ban one for ever.
fn known_once(header: &csv::StringRecord) -> Result<(), ListError> {
    if let Some(name) = header.iter().find(|title| !COLUMNS.contains(title)) {
        let help = match crate::diag::nearest(name, COLUMNS) {
            Some(known) => format!("did you mean '{known}'?"),
            None => format!("known are {}", COLUMNS.join(", ")),
        };
        return Err(ListError::UnknownColumn { name: name.to_owned(), help });
    }
    let is_twice = |name: &&str| header.iter().filter(|title| title == name).count() > 1;
    COLUMNS.into_iter().find(is_twice).map_or(Ok(()), |name| Err(ListError::ColumnTwice(name)))
}
