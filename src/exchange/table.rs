//! Comma-separated values (RFC 4180), as all lists and reports of f2b write them.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::text::printable_lines;

/// Rows that are written one by one.
pub struct Table<'o> {
    rows: Box<csv::Writer<&'o mut dyn Write>>,
}

impl<'o> Table<'o> {
    /// Nothing is written before the first row.
    pub fn new(out: &'o mut dyn Write) -> Self {
        Self { rows: Box::new(csv::Writer::from_writer(out)) }
    }

    /// Writes the next row; a cell that a spreadsheet would run is guarded, and controls are shown.
    ///
    /// # Errors
    ///
    /// The writer's own, of its own kind: that a reader went away is to be seen.
    pub fn row<C: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = C>) -> io::Result<()> {
        for cell in cells {
            let cell = printable_lines(cell.as_ref());
            self.rows.write_field(&*guarded(&cell)).map_err(io_error)?;
        }
        self.rows.write_record(None::<&[u8]>).map_err(io_error)
    }

    /// Writes what is still held back.
    ///
    /// # Errors
    ///
    /// The writer's own.
    pub fn end(mut self) -> io::Result<()> {
        self.rows.flush()
    }
}

/// The error beneath, whose kind says whether the reader went away.
fn io_error(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        kind => io::Error::other(format!("{kind:?}")),
    }
}

/// A cell that a spreadsheet would take for a formula, behind an apostrophe; so is one that looks like such a
/// cell, for [`unguarded`] to be its reverse. A number is none (OWASP, "CSV Injection").
fn guarded(cell: &str) -> Cow<'_, str> {
    if is_formula(cell.trim_start_matches('\'')) && !is_number(cell) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

/// What a cell was before it was written.
pub(super) fn unguarded(cell: &str) -> &str {
    let guarded = cell.strip_prefix('\'');
    guarded.filter(|rest| is_formula(rest.trim_start_matches('\''))).unwrap_or(cell)
}

fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '+', '-', '@', '\t', '\r'])
}

fn is_number(cell: &str) -> bool {
    cell.parse::<f64>().is_ok() && cell.chars().all(|c| c.is_ascii_digit() || "+-.eE".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_and_each_can_be_had_back() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("+1 2", "'+1 2"),
            ("-x", "'-x"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t=1"),
            ("\r=1", "'\r=1"),
            ("-inf", "'-inf"),
            ("'=1", "''=1"),
            ("-1.5", "-1.5"),
            ("+3e9", "+3e9"),
            ("it's", "it's"),
            ("'quoted'", "'quoted'"),
            ("", ""),
        ] {
            assert_eq!(guarded(cell), written);
            assert_eq!(unguarded(written), cell);
        }
    }
}
