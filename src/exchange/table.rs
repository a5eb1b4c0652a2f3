//! Comma-separated values (RFC 4180), as all lists and reports of f2b write them.

use std::io::{self, Write};

/// Rows that are written one by one.
pub struct Table<'o> {
    rows: Box<csv::Writer<&'o mut dyn Write>>,
}

impl<'o> Table<'o> {
    /// Nothing is written before the first row.
    pub fn new(out: &'o mut dyn Write) -> Self {
        Self { rows: Box::new(csv::Writer::from_writer(out)) }
    }

    /// Writes the next row.
    ///
    /// # Errors
    ///
    /// The writer's own, of its own kind: that a reader went away is to be seen.
    pub fn row<C: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = C>) -> io::Result<()> {
        self.rows.write_record(cells).map_err(|error| match error.into_kind() {
            csv::ErrorKind::Io(error) => error,
            kind => io::Error::other(format!("{kind:?}")),
        })
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
