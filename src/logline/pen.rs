//! A record as a line.

use std::fmt::Write as _;

use super::record::{Facts, Record};
use crate::config::Layout;
use crate::config::layout::{Cell, Field, Piece};
use crate::model::{Time, Zone};

/// How lines are written.
#[derive(Clone, Debug)]
pub struct Pen {
    /// How they look.
    pub layout: Layout,
    /// Where times are told.
    pub zone: Zone,
    /// The number of this process.
    pub process: u32,
}

/// A record for programs.
#[derive(serde::Serialize)]
struct Object<'r> {
    time: String,
    logger: &'r str,
    process: u32,
    level: &'static str,
    message: &'r str,
    #[serde(flatten)]
    facts: Option<&'r Facts>,
}

impl Pen {
    /// The line of a record, without an end.
    pub fn line(&self, record: &Record) -> String {
        match &self.layout {
            Layout::Pieces(pieces) => {
                let mut line = String::with_capacity(record.message.len() + 80);
                for piece in pieces {
                    match piece {
                        Piece::Text(text) => line.push_str(text),
                        Piece::Cell(cell) => put(&mut line, *cell, &self.value(*cell, record)),
                    }
                }
                line
            }
            Layout::Json => self.object(record),
        }
    }

    fn object(&self, record: &Record) -> String {
        let object = Object {
            time: record.time.to_string(),
            logger: &logger(record),
            process: self.process,
            level: record.level.column(),
            message: &record.message,
            facts: record.facts.as_ref(),
        };
        serde_json::to_string(&object).unwrap_or_default()
    }

    /// A field as text, not yet as wide as it is to be.
    fn value(&self, cell: Cell, record: &Record) -> String {
        match cell.field {
            Field::Asctime => civil(record.time, self.zone, "%Y-%m-%d %H:%M:%S,%3f"),
            Field::Name => logger(record),
            Field::Module => record.logger.to_owned(),
            Field::ProcessName => env!("CARGO_PKG_NAME").to_owned(),
            Field::LevelName => record.level.column().to_owned(),
            Field::Message => record.message.clone(),
            Field::ThreadName => record.thread.name().unwrap_or_default().to_owned(),
            Field::Process => whole(cell, self.process.into()),
            Field::LevelNumber => whole(cell, record.level.number().into()),
            Field::Thread => whole(cell, record.thread_number.into()),
            Field::Created => fraction(cell, record.time.as_secs_f64()),
            Field::Msecs => {
                let millis = record.time.micros().rem_euclid(1_000_000) / 1000;
                fraction(cell, millis as f64)
            }
        }
    }
}

/// The logger's whole name, by which fail2ban's filters and other programs know the log.
pub fn logger(record: &Record) -> String {
    format!("fail2ban.{}", record.logger)
}

/// A civil time.
pub(super) fn civil(time: Time, zone: Zone, format: &str) -> String {
    time.in_zone(zone).format(format).to_string()
}

fn whole(cell: Cell, number: i64) -> String {
    match cell.conversion {
        'x' => format!("{number:x}"),
        'X' => format!("{number:X}"),
        'f' | 'F' => fraction(cell, number as f64),
        _ => number.to_string(),
    }
}

fn fraction(cell: Cell, number: f64) -> String {
    match cell.conversion {
        'd' | 'i' | 'u' => format!("{:.0}", number.trunc()),
        'f' | 'F' => format!("{number:.*}", cell.precision.unwrap_or(6)),
        // As Python shows one: with a fraction even if that is nothing.
        _ => format!("{number:?}"),
    }
}

fn put(line: &mut String, cell: Cell, value: &str) {
    let limit = cell.precision.filter(|_| cell.conversion == 's');
    let end = limit.and_then(|limit| value.char_indices().nth(limit)).map(|(end, _)| end);
    let text = &value[..end.unwrap_or(value.len())];
    let width = cell.width;
    // A string takes any format without an error.
    let _ = match (cell.is_left, cell.has_zeros) {
        (true, _) => write!(line, "{text:<width$}"),
        (false, true) => write!(line, "{text:0>width$}"),
        (false, false) => write!(line, "{text:>width$}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Level;

    fn pen(layout: Layout) -> Pen {
        Pen { layout, zone: Zone::parse("Europe/Berlin").unwrap(), process: 4711 }
    }

    fn record(logger: &'static str, level: Level, message: &str) -> Record {
        // 2026-11-26 01:18:31.091999 UTC
        let time = Time::from_secs(1_795_655_911).plus_micros(91_999);
        Record::new(time, logger, level, message)
    }

    #[test]
    fn columns_are_fail2bans() {
        let ban = record("actions", Level::NOTICE, "[j] Ban 192.0.2.1");
        for (padding, datetime, expected) in [
            (
                true,
                true,
                "2026-11-26 02:18:31,091 fail2ban.actions        [4711]: NOTICE  [j] Ban 192.0.2.1",
            ),
            (
                false,
                true,
                "2026-11-26 02:18:31,091 fail2ban.actions[4711]: NOTICE [j] Ban 192.0.2.1",
            ),
            (true, false, "fail2ban.actions        [4711]: NOTICE  [j] Ban 192.0.2.1"),
            (false, false, "fail2ban.actions[4711]: NOTICE [j] Ban 192.0.2.1"),
        ] {
            assert_eq!(pen(Layout::columns(padding, datetime)).line(&ban), expected);
        }
    }

    #[test]
    fn what_is_longer_than_its_column_is_not_cut() {
        let long = record("filterpyinotifyandmore", Level::CRITICAL, "x");
        let line = pen(Layout::columns(true, false)).line(&long);
        assert_eq!(line, "fail2ban.filterpyinotifyandmore[4711]: CRITICAL x");
    }

    #[test]
    fn a_format_is_written_as_python_does() {
        let found = record("filter", Level::INFO, "m");
        for (format, expected) in [
            ("%(levelname).1s %(module)s %(levelno)s", "I filter 20"),
            ("%(process)08d|%(process)6d|%(process)-6d|%(process)x", "00004711|  4711|4711  |1267"),
            ("%(created)f %(created).1f %(created)d", "1795655911.091999 1795655911.1 1795655911"),
            ("%(msecs)03d %(msecs)s", "091 91.0"),
            ("100%% %(message)5s|", "100%     m|"),
        ] {
            assert_eq!(pen(Layout::parse(format).unwrap()).line(&found), expected, "{format}");
        }
        let thread = pen(Layout::parse("%(threadName)s").unwrap()).line(&found);
        assert_eq!(thread, std::thread::current().name().unwrap());
    }

    #[test]
    fn json_has_the_facts() {
        let facts =
            Facts { event: "ban", jail: "j".to_owned(), host: Some("192.0.2.1".to_owned()) };
        let mut ban = record("actions", Level::NOTICE, "[j] Ban \"192.0.2.1\"");
        assert_eq!(
            pen(Layout::Json).line(&ban),
            r#"{"time":"2026-11-26T01:18:31.091999Z","logger":"fail2ban.actions","process":4711,"level":"NOTICE","message":"[j] Ban \"192.0.2.1\""}"#
        );
        ban.facts = Some(facts);
        assert!(
            pen(Layout::Json)
                .line(&ban)
                .ends_with(r#","event":"ban","jail":"j","host":"192.0.2.1"}"#)
        );
    }
}
