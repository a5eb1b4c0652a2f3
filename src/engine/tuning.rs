//! What can be asked of a jail and changed in it while it runs, as data: fail2ban's `get JAIL …` and `set JAIL …`.
//!
//! Texts are as a user wrote them; what can't be read is answered with a [`Refusal`]: the exception and the text of
//! fail2ban 1.0.2.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::BanTime;

/// What is to be changed in a jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tuning {
    /// Whether it reads nothing for now. Its bans go on.
    Idle(bool),
    /// Whether this machine's own addresses are ignored.
    Ignoreself(bool),
    /// Addresses, networks, names that are ignored, too.
    AddIgnoreip(Vec<String>),
    /// One that is ignored no more, as [`JailSettings::ignoreip`] has it.
    DelIgnoreip(String),
    /// The command that is asked whether to ignore a host; empty for none.
    Ignorecommand(String),
    /// How its answers are kept: `key="<ip>", max-count=100, max-time=5m`; empty for not at all.
    Ignorecache(String),
    /// A log that is followed, too: the path of a file that is there.
    AddLogpath {
        /// Its path.
        path: String,
        /// Whether only what is written from now on is read.
        tail: bool,
    },
    /// A log that is followed no more. What isn't followed is passed over.
    DelLogpath(String),
    /// The encoding of its logs, by Python's names; `auto` for the machine's.
    Logencoding(String),
    /// Entries of the journal that it reads, too: words as of a `journalmatch`.
    AddJournalmatch(Vec<String>),
    /// Those that it reads no more: the words that were added; none for all.
    DelJournalmatch(Vec<String>),
    /// What every line must match first; empty for nothing.
    Prefregex(String),
    /// What a failure looks like, too.
    AddFailregex(Vec<String>),
    /// The place of one that is no failure any more; from the end if below zero. What isn't there is passed over.
    DelFailregex(i64),
    /// What is no failure nonetheless.
    AddIgnoreregex(Vec<String>),
    /// As [`DelFailregex`](Self::DelFailregex).
    DelIgnoreregex(i64),
    /// `yes`, `warn`, `no` or `raw`; anything else is `no`.
    Usedns(String),
    /// Within which time failures count together: a duration.
    Findtime(String),
    /// How long a ban lasts from now on: a duration, -1 for good.
    Bantime(String),
    /// How dates look, a pattern a line; empty for those that are built in.
    Datepattern(String),
    /// The zone of times without one; empty for the machine's.
    Logtimezone(String),
    /// How many failures make a ban: a number.
    Maxretry(String),
    /// How many matched lines are kept: a number.
    Maxmatches(String),
    /// How many lines are matched together: a number from 1.
    Maxlines(String),
    /// How bans get longer: `bantime.OPTION`.
    Increment {
        /// The option behind `bantime.`.
        option: String,
        /// Its value; empty for its default.
        value: String,
    },
    /// An action that is told of all who are banned once it has a command for that; it has none yet.
    AddAction(String),
    /// One that is told of nobody any more, and whose bans are undone.
    DelAction(String),
    /// Other commands and parameters of an action, all at once. It is undone as it was before, and done anew.
    SetAction {
        /// Its name.
        action: String,
        /// Names and values.
        properties: Vec<(String, String)>,
    },
}

/// What an action can be told to do at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// All that its bans come to, made equal to the store.
    Start,
    /// Undo all that, until it is started again or the next host is banned.
    Stop,
    /// The same.
    Flush,
}

/// A jail as it is by now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailSettings {
    /// Its name.
    pub name: String,
    /// Whether it runs.
    pub state: JailState,
    /// Whether this machine's own addresses are ignored.
    pub ignoreself: bool,
    /// Who is ignored, in fail2ban's order: networks and names, then addresses, each in canonical form.
    pub ignoreip: Vec<String>,
    /// The command that is asked whether to ignore a host; `None` if nothing says so, which is `False` to fail2ban.
    pub ignorecommand: Option<String>,
    /// How its answers are kept.
    pub ignorecache: Option<CacheSettings>,
    /// How its logs are watched, as it is written.
    pub backend: String,
    /// Whether it reads the journal in the place of files.
    pub reads_journal: bool,
    /// The logs that it follows: files.
    pub logpaths: Vec<String>,
    /// Their encoding, as it is written, or the machine's.
    pub logencoding: String,
    /// The words of what it reads of the journal; none if it reads files.
    pub journalmatch: Vec<Vec<String>>,
    /// With tags replaced, as fail2ban 1.0.2 replaces them; empty for none.
    pub prefregex: String,
    /// The same.
    pub failregex: Vec<String>,
    /// The same.
    pub ignoreregex: Vec<String>,
    /// `yes`, `warn`, `no` or `raw`.
    pub usedns: String,
    /// In microseconds.
    pub findtime_us: i64,
    /// How long a ban lasts.
    pub bantime: BanTime,
    /// How dates look.
    pub datepattern: DateSettings,
    /// The zone of times without one, as it is written.
    pub logtimezone: Option<String>,
    /// How many failures make a ban.
    pub maxretry: u32,
    /// How many matched lines are kept.
    pub maxmatches: u32,
    /// How many lines are matched together.
    pub maxlines: u32,
    /// What is set of `bantime.OPTION`, by the option.
    pub increment: BTreeMap<String, IncrementValue>,
    /// Its actions, in their order.
    pub actions: Vec<ActionSettings>,
}

/// Whether a jail runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum JailState {
    /// Not yet: it was added and has to be started.
    Added,
    /// It does.
    Running,
    /// It does, but reads nothing for now.
    Idle,
}

/// How answers of an ignorecommand are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheSettings {
    /// Text with tags; failures for which it comes out the same have the same answer.
    pub key: String,
    /// How many answers are kept.
    pub max_count: u64,
    /// For how long, in microseconds.
    pub max_time_us: i64,
}

/// How dates look.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateSettings {
    /// The pattern, if it is one that somebody wrote and that has no name of its own.
    pub pattern: Option<String>,
    /// What fail2ban calls it: `Default Detectors`, `Year-Month-Day 24hour:Minute:Second`, `{^LN-BEG}Epoch`.
    pub name: String,
}

/// The value of a `bantime.OPTION`, of the kind that fail2ban has for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum IncrementValue {
    /// Of `increment`.
    Truth(bool),
    /// Of `maxtime` and `rndtime`: microseconds.
    Micros(i64),
    /// Of all others.
    Text(String),
}

/// An action of a jail.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActionSettings {
    /// What it is called within its jail.
    pub name: String,
    /// Its commands, empty where there is none, and everything else that is set for it, `actname` and `name` too; tags of a
    /// ban left in. `actionstart_on_demand`, `actionrepair_on_unban` and `norestored`, which are booleans to fail2ban, are
    /// `true` or `false`.
    pub properties: BTreeMap<String, String>,
    /// For how long a command may run, in microseconds.
    pub timeout_us: i64,
}

/// Why something can't be changed, or asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Refusal {
    /// What it is to fail2ban.
    pub kind: RefusalKind,
    /// What fail2ban prints.
    pub text: String,
}

/// fail2ban's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// `UnknownJailException`, with the jail's name as its text.
    UnknownJail,
    /// `DuplicateJailException`, with the jail's name as its text.
    DuplicateJail,
    /// `RegexException`.
    Regex,
    /// `ValueError`.
    Value,
    /// `NameError`: a word that is no number.
    Name,
    /// `SyntaxError`.
    Syntax,
    /// `TypeError`.
    Type,
    /// `KeyError`, whose text fail2ban prints in quotes.
    Key,
    /// `AttributeError`.
    Attribute,
    /// `LookupError`.
    Lookup,
    /// `RuntimeError`.
    Runtime,
    /// `FileNotFoundError`, with the path as its text: `[Errno 2] No such file or directory: 'PATH'`.
    FileNotFound,
    /// `IsADirectoryError`, with the path as its text.
    IsADirectory,
    /// `Exception`: what f2b doesn't do.
    Other,
}

impl Refusal {
    /// Of a kind, with its text.
    pub fn new(kind: RefusalKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }
}
