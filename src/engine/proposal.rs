//! A date pattern for a line that has no date as its jail reads it.
//!
//! What is proposed was tried: the pattern finds a date in this very line, one that is not in the future.

use std::cmp::Reverse;
use std::ops::Range;

use super::jail::Jail;
use crate::date::{Proposal, Resolver, Templates, YearWindow, proposals};
use crate::filter::{Matcher, Mode, Verdict};
use crate::model::{Time, Zone};

/// What stands for the forms that are known.
const BUILTIN: &str = "{DEFAULT}";

/// A pattern that dates a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// As `datepattern` has it.
    pub pattern: String,
    /// Whether the jail's filter matches the line without that date.
    pub is_match: bool,
}

/// The pattern that dates a line best, as of `now`, where dates that name no zone are of `zone`.
pub fn datepattern(jail: &Jail, line: &[u8], zone: Zone, now: Time) -> Option<Proposed> {
    let known = Proposal { pattern: BUILTIN.to_owned(), span: 0..line.len() };
    let known = Some(known).filter(|_| !jail.datepatterns.is_empty());
    let tried = known.into_iter().chain(proposals(line)).filter_map(|proposal| {
        let (time, is_match) = trial(jail, line, &proposal, zone, now)?;
        Some((proposal, time, is_match))
    });
    let (Proposal { pattern, .. }, _, is_match) =
        tried.min_by_key(|(proposal, time, is_match)| {
            let Range { start, end } = proposal.span;
            // Of two orders of day and month the more recent date: logs are read when they are written.
            (!is_match, start, Reverse(end), Reverse(*time))
        })?;
    Some(Proposed { pattern, is_match })
}

/// The time that a pattern finds in the line, and whether the filter matches what is left.
fn trial(
    jail: &Jail,
    line: &[u8],
    proposal: &Proposal,
    zone: Zone,
    now: Time,
) -> Option<(Time, bool)> {
    const DAY_SECS: i64 = 86_400;
    let is_known = proposal.pattern == BUILTIN;
    let window = YearWindow::archive();
    let templates = if is_known {
        Templates::builtin(window)
    } else {
        Templates::from_patterns(&[&proposal.pattern], window).ok()?
    };
    let found = templates.detector().find(line).filter(|found| !found.stamp.is_undated())?;
    let is_meant = proposal.span.start <= found.cut.start && found.cut.end == proposal.span.end;
    if !is_known && !is_meant {
        return None;
    }
    let time = Resolver::new(zone, jail.log_zone, now).resolve(&found.stamp, None)?;
    if time > now.plus_secs(DAY_SECS) {
        return None;
    }
    let rest = [&line[..found.cut.start], &line[found.cut.end..], b"\n"].concat();
    // Of several lines that make up a match this is one.
    let is_match = jail.is_serial()
        || matches!(Matcher::new(&jail.filter).examine(&rest, Mode::First), Verdict::Matched);
    Some((time, is_match))
}
