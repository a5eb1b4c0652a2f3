//! How a line of the server's own log looks: fail2ban's columns, a format as Python's `logging` has them, or JSON.
//!
//! `%(name)-24s`: flags, width, precision and conversion mean what they mean to Python's `%`. What
//! Python knows of its own source (`lineno`, `funcName`, `pathname`) has no counterpart.

use crate::diag::nearest;
use crate::text;

/// How a line looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Text and fields, one after the other.
    Pieces(Vec<Piece>),
    /// A JSON object a line (`format=json`), which is f2b's own.
    Json,
}

/// A part of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// As it is.
    Text(String),
    /// Something of the record.
    Cell(Cell),
}

/// A field and how it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which.
    pub field: Field,
    /// At least so many characters.
    pub width: usize,
    /// Filled up behind it instead of before it.
    pub is_left: bool,
    /// Filled up with zeros instead of blanks.
    pub has_zeros: bool,
    /// At most so many characters of a text; so many digits of a fraction.
    pub precision: Option<usize>,
    /// `d`, `s`, `x`, `X`, `f` …
    pub conversion: char,
}

/// What is known of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// `2026-11-26 02:18:31,091`, local time.
    Asctime,
    /// `fail2ban.actions`.
    Name,
    /// `actions`.
    Module,
    /// The number of the process.
    Process,
    /// The program.
    ProcessName,
    /// `NOTICE`.
    LevelName,
    /// `25`.
    LevelNumber,
    /// What is told.
    Message,
    /// The number of the thread, as the kernel counts.
    Thread,
    /// Its name.
    ThreadName,
    /// Seconds since 1970 with their fraction.
    Created,
    /// Their fraction in milliseconds.
    Msecs,
}

const FIELDS: [(&str, Field); 12] = [
    ("asctime", Field::Asctime),
    ("name", Field::Name),
    ("module", Field::Module),
    ("process", Field::Process),
    ("processName", Field::ProcessName),
    ("levelname", Field::LevelName),
    ("levelno", Field::LevelNumber),
    ("message", Field::Message),
    ("thread", Field::Thread),
    ("threadName", Field::ThreadName),
    ("created", Field::Created),
    ("msecs", Field::Msecs),
];

/// No field is as wide: a typing error must not fill the disk.
const WIDTH_MAX: usize = 1000;

/// What is wrong with a format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// `%(nope)s`.
    #[error("the log's format has no '{}'; {}", text::shown(field), near.map_or_else(|| "write %(message)s, %(asctime)s, %(levelname)s, %(name)s or %(process)d".to_owned(), |near| format!("did you mean '{near}'?")))]
    Unknown {
        /// The name.
        field: String,
        /// The known one that it looks like.
        near: Option<&'static str>,
    },
    /// A `%` that begins neither `%(name)s` nor `%%`.
    #[error("the log's format has a lone '%' at '{}'; write %(message)s, or %% for a percent sign", text::shown(.0))]
    Lone(String),
    /// A text for which there are only numbers, or a conversion that there isn't.
    #[error("the log's format can't write '{field}' as '{conversion}'; write %({field})s")]
    Conversion {
        /// The name.
        field: &'static str,
        /// The conversion.
        conversion: char,
    },
}

impl Layout {
    /// fail2ban's columns, filled up to their width or not, with the time or without.
    pub fn columns(padding: bool, datetime: bool) -> Self {
        let column = |field, width| {
            let width = if padding { width } else { 0 };
            Piece::Cell(Cell { is_left: true, ..Cell::plain(field, width) })
        };
        let text = |text: &str| Piece::Text(text.to_owned());
        let time = [column(Field::Asctime, 0), text(" ")];
        let rest = [
            column(Field::Name, 24),
            text("["),
            column(Field::Process, 0),
            text("]: "),
            column(Field::LevelName, 7),
            text(" "),
            column(Field::Message, 0),
        ];
        Self::Pieces(time.into_iter().filter(|_| datetime).chain(rest).collect())
    }

    /// The message alone.
    pub fn message() -> Self {
        Self::Pieces(vec![Piece::Cell(Cell::plain(Field::Message, 0))])
    }

    /// Reads a format of Python's `logging`, or `json`.
    pub fn parse(format: &str) -> Result<Self, LayoutError> {
        if format.eq_ignore_ascii_case("json") {
            return Ok(Self::Json);
        }
        let mut pieces = Vec::new();
        let mut rest = format;
        while !rest.is_empty() {
            let percent = rest.find('%').unwrap_or(rest.len());
            let (plain, at) = rest.split_at(percent);
            if !plain.is_empty() {
                pieces.push(Piece::Text(plain.to_owned()));
            }
            rest = if let Some(behind) = at.strip_prefix("%%") {
                pieces.push(Piece::Text("%".to_owned()));
                behind
            } else if at.is_empty() {
                at
            } else {
                let (cell, behind) = Cell::parse(at)?;
                pieces.push(Piece::Cell(cell));
                behind
            };
        }
        Ok(Self::Pieces(pieces))
    }
}

impl Cell {
    fn plain(field: Field, width: usize) -> Self {
        let (is_left, has_zeros) = (false, false);
        Self { field, width, is_left, has_zeros, precision: None, conversion: 's' }
    }

    /// The `%(name)-24s` at the beginning, and what follows.
    fn parse(at: &str) -> Result<(Self, &str), LayoutError> {
        let lone = || LayoutError::Lone(at.to_owned());
        let (name, behind) =
            at.strip_prefix("%(").and_then(|rest| rest.split_once(')')).ok_or_else(lone)?;
        let Some((known, field)) = FIELDS.into_iter().find(|(known, _)| *known == name) else {
            let near = nearest(name, FIELDS.map(|(known, _)| known));
            return Err(LayoutError::Unknown { field: name.to_owned(), near });
        };
        let (flags, behind) = cut(behind, |c| "-+ #0".contains(c));
        let (width, behind) = cut(behind, |c| c.is_ascii_digit());
        let (precision, behind) = match behind.strip_prefix('.') {
            Some(behind) => {
                let (digits, behind) = cut(behind, |c| c.is_ascii_digit());
                (Some(number(digits)), behind)
            }
            None => (None, behind),
        };
        let mut chars = behind.chars();
        let conversion = chars.next().ok_or_else(lone)?;
        if !field.takes(conversion) {
            return Err(LayoutError::Conversion { field: known, conversion });
        }
        let cell = Self {
            field,
            width: number(width),
            is_left: flags.contains('-'),
            has_zeros: flags.contains('0') && conversion != 's',
            precision,
            conversion,
        };
        Ok((cell, chars.as_str()))
    }
}

impl Field {
    /// Whether it is a number.
    pub fn is_number(self) -> bool {
        matches!(
            self,
            Self::Process | Self::LevelNumber | Self::Thread | Self::Created | Self::Msecs
        )
    }

    fn takes(self, conversion: char) -> bool {
        match conversion {
            's' | 'r' | 'a' => true,
            'd' | 'i' | 'u' | 'f' | 'F' => self.is_number(),
            // Python has no hexadecimal fractions.
            'x' | 'X' => self.is_number() && !matches!(self, Self::Created | Self::Msecs),
            _ => false,
        }
    }
}

fn cut(text: &str, is_in: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_in(c)).unwrap_or(text.len()))
}

fn number(digits: &str) -> usize {
    if digits.is_empty() { 0 } else { digits.parse().unwrap_or(WIDTH_MAX).min(WIDTH_MAX) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_parse_reads_what_python_reads() {
        let Layout::Pieces(pieces) = Layout::parse("%(levelname)-7.1s 100%% %(thread)04X").unwrap()
        else {
            panic!("no pieces");
        };
        let level = Cell { is_left: true, precision: Some(1), ..Cell::plain(Field::LevelName, 7) };
        let thread = Cell { has_zeros: true, conversion: 'X', ..Cell::plain(Field::Thread, 4) };
        let text = |text: &str| Piece::Text(text.to_owned());
        assert_eq!(
            pieces,
            [Piece::Cell(level), text(" 100"), text("%"), text(" "), Piece::Cell(thread)]
        );
        assert_eq!(Layout::parse("JSON"), Ok(Layout::Json));
        assert_eq!(Layout::parse("%(message)s"), Ok(Layout::message()));
    }

    #[test]
    fn err_parse_says_where_it_is() {
        for (format, expected) in [
            ("%(mesage)s", "the log's format has no 'mesage'; did you mean 'message'?"),
            (
                "%(tb)s",
                "the log's format has no 'tb'; write %(message)s, %(asctime)s, %(levelname)s, %(name)s or %(process)d",
            ),
            (
                "100% %(message)s",
                "the log's format has a lone '%' at '% %(message)s'; write %(message)s, or %% for a percent sign",
            ),
            (
                "%(thread)",
                "the log's format has a lone '%' at '%(thread)'; write %(message)s, or %% for a percent sign",
            ),
            ("%(name)d", "the log's format can't write 'name' as 'd'; write %(name)s"),
            ("%(created)x", "the log's format can't write 'created' as 'x'; write %(created)s"),
        ] {
            assert_eq!(Layout::parse(format).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn no_field_is_wider_than_a_line() {
        let cell = Cell::parse("%(message)999999999999999999999s").unwrap().0;
        assert_eq!(cell.width, WIDTH_MAX);
    }
}
