//! What a run knows from its beginning, and how it says a line of the header.

use std::io::Write;

use super::ended::Ended;
use super::options::Options;
use crate::model::{self, Time};

/// A run, as far as it has come.
pub(super) struct Trial<'r> {
    pub(super) options: &'r Options,
    pub(super) out: &'r mut dyn Write,
    pub(super) now: Time,
}

impl Trial<'_> {
    /// Says a line of the header.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Ended> {
        if self.options.out.as_ref().is_none_or(String::is_empty) {
            writeln!(self.out, "{line}")?;
        }
        Ok(())
    }

    /// The encoding as it was given.
    pub(super) fn encoding(&self) -> &str {
        self.options.encoding.as_deref().filter(|name| !name.is_empty()).unwrap_or("UTF-8")
    }

    pub(super) fn check_encoding(&self) -> Result<(), Ended> {
        let name = self.encoding();
        let is_known = model::encoding(name).is_some() && !name.eq_ignore_ascii_case("auto");
        if is_known { Ok(()) } else { Err(Ended::crashed(format!("unknown encoding: {name}"))) }
    }
}
