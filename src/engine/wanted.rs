//! What is wanted of a run, whatever the log and the jail.

use super::totals::SampleLimits;
use crate::filter::Mode;
use crate::model::{Time, Zone};

/// Whose habits a scan has where f2b's are others than those of fail2ban-regex.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Manner {
    /// Its own.
    #[default]
    F2b,
    /// fail2ban-regex's: a line is dated by itself alone, in this year or the last, what has no line end is not read
    /// yet, and a name counts as often as it has addresses.
    Fail2ban,
}

/// What is wanted of a scan, whatever the log and the jail.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// Every expression on every line, or the first that matches.
    pub mode: Mode,
    /// Whose habits it has.
    pub manner: Manner,
    /// Zone of stamps that name none.
    pub zone: Zone,
    /// The time as of which the logs are read.
    pub now: Time,
    /// How many sample lines to keep.
    pub limits: SampleLimits,
    /// Whether matches are wanted one by one, not just counted.
    pub matches: bool,
    /// Whether the totals shall hold every hit, for the verbose report.
    pub hits: bool,
    /// Whether anyone may be banned for what is found.
    pub bans: bool,
}
