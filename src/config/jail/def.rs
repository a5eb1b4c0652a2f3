//! What a jail is, once everything it says is read.

use encoding_rs::Encoding;

use super::super::action::ActionDef;
use super::super::backend::Backend;
use super::super::filter::{FilterDef, UseDns};
use super::super::traced::Text;
use crate::diag::{Diagnostic, Location};
use crate::model::{BanTime, Zone};

/// A log of a jail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPath {
    /// A path, perhaps with `*`, `?` and `[...]`.
    pub glob: String,
    /// Whether only what is written from now on is read.
    pub tail: bool,
    /// Where it is written.
    pub at: Location,
}

/// What becomes of a jail none of whose logs exists (fail2ban 1.1; 1.0 knows only the first).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutLogs {
    /// It can't start.
    Fails,
    /// It is left out, without that being an error.
    IsSkipped,
    /// It reads the journal.
    ReadsJournal,
}

/// How bans of a host that comes back get longer.
#[derive(Clone, Debug, PartialEq)]
pub struct Increment {
    /// What lengths are multiplied by, at least 0 (`bantime.factor`).
    pub factor: f64,
    /// An expression for the length, not yet read; `None` for twice as long each time (`bantime.formula`).
    pub formula: Option<Text>,
    /// By what the first length is multiplied after so many earlier bans, each at least 0; the last holds for
    /// all that come. If there are any, there is no need of a formula (`bantime.multipliers`).
    pub multipliers: Vec<i64>,
    /// The longest ban, in microseconds (`bantime.maxtime`); -1 second makes all but the first last for good.
    pub maxtime_us: Option<i64>,
    /// The largest random time on top of it, in microseconds (`bantime.rndtime`).
    pub rndtime_us: Option<i64>,
    /// Whether bans in other jails count (`bantime.overalljails`).
    pub overalljails: bool,
}

/// How answers of the ignorecommand are kept.
#[derive(Clone, Debug)]
pub struct IgnoreCache {
    /// Text with tags; failures for which it comes out the same have the same answer.
    pub key: Text,
    /// How many answers are kept.
    pub max_count: usize,
    /// For how long, in microseconds.
    pub max_time_us: i64,
}

/// An option of a jail as it came about.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The option.
    pub name: String,
    /// Its value with everything resolved.
    pub text: Text,
    /// Where values stand that this one overrides, the nearest first.
    pub overridden: Vec<Location>,
}

/// A jail, ready for use.
#[derive(Clone, Debug)]
pub struct JailDef {
    /// Its section.
    pub name: String,
    /// Whether it is to be used.
    pub enabled: bool,
    /// What is looked for; the jail's own values are applied.
    pub filter: FilterDef,
    /// How many lines are matched together.
    pub maxlines: u32,
    /// How logs are watched.
    pub backend: Backend,
    /// Where that is written, if it is.
    pub backend_at: Option<Location>,
    /// The first of its logs, and where they are set, if they are not read because the journal is.
    pub unread_logpath: Option<Text>,
    /// The logs.
    pub logpaths: Vec<LogPath>,
    /// What if none of them exists; without the filter it isn't known that the journal is read then.
    pub without_logs: WithoutLogs,
    /// How many failures make a ban.
    pub maxretry: u32,
    /// How many matched lines are kept.
    pub maxmatches: u32,
    /// Within which time failures count together, in microseconds.
    pub findtime_us: i64,
    /// How long a ban lasts.
    pub bantime: BanTime,
    /// What is never banned, line by line.
    pub ignoreip: Vec<Text>,
    /// Whether own addresses are never banned.
    pub ignoreself: bool,
    /// A command that is asked whether to ignore a host.
    pub ignorecommand: Option<Text>,
    /// How its answers are kept, if they are.
    pub ignorecache: Option<IgnoreCache>,
    /// Whether names are looked up.
    pub usedns: UseDns,
    /// The encoding of the logs.
    pub logencoding: &'static Encoding,
    /// The zone of times without one; `None` for the machine's.
    pub logtimezone: Option<Zone>,
    /// How bans get longer, if they do.
    pub increment: Option<Increment>,
    /// What a ban does.
    pub actions: Vec<ActionDef>,
    /// Whether a ban cuts the connections that its host has; fail2ban has no such option.
    pub kill_connections: bool,
    /// All options that are set, for showing.
    pub settings: Vec<Setting>,
}

/// A jail, whether it can be used or not, with everything that was found on the way.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What could be read; options that couldn't have their defaults, and a filter that couldn't is empty.
    pub jail: JailDef,
    /// Whether what it says of being enabled can be read.
    pub is_clear: bool,
    /// Whether nothing keeps it from being used.
    pub is_usable: bool,
    /// In the order of finding.
    pub findings: Vec<Diagnostic>,
}
