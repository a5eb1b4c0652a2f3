//! What there is to say of failures that have no date, the commonest reason for which nobody is banned.

use crate::diag::{Diagnostic, Severity};
use crate::engine::proposal::{self, Proposed};
use crate::engine::{Jail, Totals};
use crate::model::{Time, Zone};
use crate::text::shown;

/// What came of the dates of a jail's lines.
pub(super) struct Undated<'u> {
    pub(super) jail: &'u Jail,
    pub(super) totals: &'u Totals,
    /// Whether a pattern was given as an option.
    pub(super) has_option: bool,
    /// Whether it has to be said whose lines they are.
    pub(super) is_one_of_several: bool,
}

impl Undated<'_> {
    /// How many hits have no date, one of them, and a pattern that was tried on it; or that no line has a date and
    /// none matched, if there is a pattern that may help.
    pub(super) fn finding(&self, zone: Zone, now: Time) -> Option<Diagnostic> {
        let line = self.line()?;
        let proposed = proposal::datepattern(self.jail, line, zone, now);
        let text = String::from_utf8_lossy(line);
        let text = shown(text.trim());
        let message = match (self.totals.undated.lines, &proposed) {
            (0, None) => return None,
            (0, Some(_)) => {
                format!("no line has a date that f2b knows, and none matched: '{text}'")
            }
            (1, _) => format!("1 hit has no date and can ban nobody: '{text}'"),
            (n, _) => {
                format!("{n} hits have no date and can ban nobody, such as '{text}'")
            }
        };
        let message =
            if self.is_one_of_several { format!("{}: {message}", self.jail.name) } else { message };
        let found = Diagnostic::new("no-date", Severity::Warning, message);
        Some(found.with_help(self.help(proposed)))
    }

    fn line(&self) -> Option<&Vec<u8>> {
        let Totals { lines, dates, undated, missed, .. } = self.totals;
        let is_unknown = lines.matched == 0 && dates.iter().all(|hits| *hits == 0);
        // Nothing can be said of what is left of a line that was cut.
        let mut missed = missed.lines.iter().filter(|line| !line.ends_with("…".as_bytes()));
        undated.line.as_ref().or_else(|| missed.next().filter(|_| is_unknown))
    }

    fn help(&self, proposed: Option<Proposed>) -> String {
        let is_option = self.has_option || self.jail.name.is_empty();
        let Some(Proposed { pattern, is_match }) = proposed else {
            let option = if is_option { "--datepattern" } else { "datepattern" };
            return format!(
                "say with {option} how dates are written, or {{NONE}} if there are none"
            );
        };
        let setting = if is_option {
            format!("--datepattern '{}'", pattern.replace('\'', "'\\''"))
        } else {
            format!("in the jail, datepattern = {}", pattern.replace('%', "%%"))
        };
        if is_match {
            format!("{setting} dates it")
        } else {
            format!("{setting} dates it, but no expression matches what is left")
        }
    }
}
