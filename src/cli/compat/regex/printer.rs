//! Who takes matches one by one and prints what is wanted of each failure.

use std::io::{self, Write};

use super::out::Wish;
use super::ticket::Tickets;
use crate::engine::{LogInfo, Sink};
use crate::model::{Matches, Time};

/// Prints what is wanted of each failure.
pub(super) struct Printer<'p> {
    pub(super) wish: Wish,
    pub(super) tickets: Tickets<'p>,
    pub(super) now: Time,
    pub(super) out: &'p mut dyn Write,
}

impl Printer<'_> {
    /// Prints the failures of matches, which are in the order of their lines.
    pub(super) fn print(&mut self, matches: &Matches) -> io::Result<()> {
        for found in &matches.lines {
            for ticket in self.tickets.of(found, matches.whole(found)) {
                self.wish.write(&ticket, self.now, self.out)?;
            }
        }
        Ok(())
    }
}

impl Sink for Printer<'_> {
    type Error = io::Error;

    fn take(&mut self, _log: &LogInfo, _jail: usize, matches: Matches) -> io::Result<()> {
        self.print(&matches)
    }
}
