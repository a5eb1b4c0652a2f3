//! What can be asked of f2b and what it can be told to do, as data.
//!
//! A face (the command line; later fail2ban's protocol) turns what it is told into a [`Request`] and shows each
//! [`Reply`] that is handed to it. Answers are given here: a [`Question`] is answered from a
//! [`Reader`](crate::store::Reader), a [`Change`] is settled and given to the
//! [`Writer`](crate::engine::Writer) as orders. [`Direct`] does both without a daemon; [`socket`] takes
//! both to one.
//!
//! An answer is a sequence of replies, documented at each request. Long ones are handed over as they are read,
//! so that a list of a million bans is never held; a request that is long itself (the bans of a list) is made
//! in parts of [`PART_BANS`]. Nothing here prints, parses what a user typed, or asks what time it is.

mod change;
mod direct;
mod enforce;
mod guard;
mod jails;
mod keep;
mod purge;
mod question;
pub mod socket;
#[cfg(test)]
mod tests;
mod tuning;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use self::change::{Settled, change};
pub use self::direct::Direct;
pub use self::enforce::follow;
pub use self::jails::{JailFolder, Jails};
pub use self::question::ask;
pub use self::tuning::{ServerSettings, ServerTuning};
pub use crate::engine::follow::Resumed;
pub use crate::engine::projection::{Cause, GateFate, KILL_CONNECTIONS, Mode, Unenforced};
pub use crate::engine::tuning::{
    ActionSettings, CacheSettings, DateSettings, Deed, IncrementValue, JailSettings, JailState,
    Refusal, RefusalKind, Tuning,
};
pub use crate::engine::writer::{Exported, FileFate, Taken};
use crate::error::Error;
use crate::exchange::Format;
use crate::exchange::fail2ban::ReadTo;
use crate::model::{Addr, Ban, BanTime, Host, HostBans, Prolongation, Time};
use crate::store::{
    BanOrder, Event, HostTotals, JailSummary, Purged, StoreError, Totals, Trouble, WithoutEffect,
};

/// As many bans are changed in one transaction, and held in memory, at most (some 20 MB).
pub const PART_BANS: usize = 100_000;

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Request {
    /// Something is to be told; the state stays as it is.
    Ask(Question),
    /// Something is to be done.
    Change(Change),
    /// It is about the daemon itself.
    Daemon(Command),
}

/// What a daemon can be told about itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Command {
    /// Say that it is there: one [`Reply::Pong`].
    Ping,
    /// Read the configuration again: one [`Reply::Reloaded`], when it is in force. Jails are as it says then, whatever was
    /// changed in them since: those that were added are gone, those that were stopped are back.
    Reload {
        /// Those of one jail; `None`: all of it.
        jail: Option<String>,
        /// Begin anew: what its actions have done is undone, and done again.
        #[serde(default)]
        restart: bool,
        /// Lift all bans, of the jail or of all, for good.
        #[serde(default)]
        unban: bool,
    },
    /// End: one [`Reply::Stopping`].
    Stop,
    /// Open its own log again, after it was renamed: one [`Reply::Reopened`].
    Reopen,
    /// Say what it does: one [`Reply::Following`].
    Status,
    /// Say what a jail is set to: one [`Reply::Settings`].
    Settings {
        /// Which.
        jail: String,
    },
    /// Change something in a jail: one [`Reply::Settings`], when that is in force.
    Tune {
        /// In which.
        jail: String,
        /// What.
        what: Tuning,
    },
    /// Add a jail that isn't configured: one [`Reply::Settings`]. It has to be started.
    AddJail {
        /// Its name.
        name: String,
        /// How its logs are watched, as `backend` has it; `None`: `auto`.
        backend: Option<String>,
    },
    /// Start a jail that was added; one that runs goes on. One [`Reply::Settings`], when it runs.
    StartJail {
        /// Which.
        name: String,
    },
    /// Stop a jail and forget it until the configuration is read again: one [`Reply::Done`]. Its bans are lifted where
    /// they were carried out, and stay in the store.
    StopJail {
        /// Which; `None`: all of them.
        name: Option<String>,
    },
    /// Count failures of a host in a jail, as if its log told of them: one [`Reply::Done`], when they are stored and
    /// decided.
    Attempt {
        /// In which jail.
        jail: String,
        /// Whose.
        host: Host,
        /// What tells of each; none for one failure of which nothing does.
        texts: Vec<String>,
    },
    /// Have an action do something: one [`Reply::Done`].
    CallAction {
        /// The jail.
        jail: String,
        /// The action's name in it.
        action: String,
        /// What.
        deed: Deed,
    },
    /// Say what the server is set to: one [`Reply::Server`].
    Server,
    /// Change something in the server: one [`Reply::Server`].
    TuneServer(ServerTuning),
    /// Say what happens from now on, until it ends: a [`Reply::Happened`] for each thing.
    Watch,
}

/// What can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Question {
    /// All jails at a glance: one [`Reply::Overview`].
    Overview,
    /// One jail: a [`Reply::Jail`], then a [`Reply::Ban`] for each ban in force in it, by host.
    Jail {
        /// Its name.
        name: String,
    },
    /// A [`Reply::Ban`] for each ban.
    Bans {
        /// Of which jail; `None` for all.
        jail: Option<String>,
        /// Which of them.
        which: WhichBans,
        /// Whether packet filters are asked what they have kept out: then it is a [`Reply::Counted`] for each, if
        /// anything was put in for bans.
        counted: bool,
    },
    /// A [`Reply::Ban`] for each ban in force of these hosts, host by host.
    BansOf {
        /// Whose.
        hosts: Vec<Host>,
    },
    /// A [`Reply::WithoutEffect`] for each ban in force whose host goes on failing, the one that failed last first; in
    /// the place of those beyond `most` a [`Reply::More`].
    WithoutEffect {
        /// In which jail; `None` for all.
        jail: Option<String>,
        /// So many.
        most: u32,
    },
    /// What fail2ban would know in f2b's place: a [`Reply::Kept`] for each ban, in the order in which they began, and a
    /// [`Reply::Reached`] for each log and journal.
    Kept {
        /// In which jail; `None` for all.
        jail: Option<String>,
    },
    /// What is known of a host: a [`Reply::Totals`], then a [`Reply::Event`] for each event, in time order.
    History {
        /// Who.
        host: Host,
        /// What was found in at most so many lines, the last ones; bans don't count.
        limit: u32,
    },
}

/// Bans to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhichBans {
    /// Those in force, in this order.
    InForce(BanOrder),
    /// All there ever were, in the order in which they began.
    Ever,
}

/// What can be done. A [`Reply::File`] for each exported file that was written anew ends each answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Ban hosts by hand: for each, in their order, [`Reply::Made`], [`Reply::Stood`] or [`Reply::Prolonged`].
    Ban {
        /// In which jail.
        jail: String,
        /// Whom.
        hosts: Vec<Host>,
        /// For how long; `None`: as long as the jail bans.
        length: Option<BanTime>,
        /// Who is refused; `None`: nobody, it is insisted on.
        guard: Option<Guard>,
    },
    /// Lift bans by hand: for each host, in their order, [`Reply::Lifted`] or [`Reply::NotBanned`].
    Unban {
        /// Whose.
        hosts: Whose,
        /// In which jail; `None` for all.
        jail: Option<String>,
    },
    /// Take over bans of a list, at most [`PART_BANS`]: a [`Reply::Spared`] for each that is left out, one
    /// [`Reply::Imported`].
    Import {
        /// Those of the list.
        bans: Vec<Ban>,
        /// Who is left out; `None`: nobody.
        guard: Option<Guard>,
    },
    /// Write a list of bans into a file: one [`Reply::Exported`].
    Export {
        /// Where: an absolute path.
        #[serde(with = "crate::text::text_or_bytes")]
        file: PathBuf,
        /// In which form.
        format: Format,
        /// Of which jail; `None` for all, and then the file is kept true.
        jail: Option<String>,
    },
    /// Take over all that fail2ban knows of bans, also of those that are over: a [`Reply::Spared`] for each that would be
    /// in force and is left out, one [`Reply::TakenOver`].
    TakeOver {
        /// By host and jail; so many that the request isn't too long.
        bans: Vec<HostBans>,
        /// Whose bans in force are left out; `None`: nobody's.
        guard: Option<Guard>,
    },
    /// Go on reading logs and journals where fail2ban has stopped: a [`Reply::Resumed`] for each.
    Resume {
        /// How far it has read them.
        read: Vec<ReadTo>,
    },
    /// Forget what is old, in steps: a [`Reply::Purging`] after each, at the end one [`Reply::Purged`]. What a step
    /// has done is done, whatever becomes of the next.
    Purge {
        /// What happened within so many microseconds is kept.
        keep_us: i64,
    },
    /// Make what keeps hosts out equal to the store: a [`Reply::Gate`] for each place where something was to be done, a
    /// [`Reply::Unenforced`] for each action that is not as it ought to be.
    Restore {
        /// For which jail; `None` for all.
        jail: Option<String>,
        /// Packet filters alone: no command of an action is run.
        filters_only: bool,
        /// Whether it is done, or only told, each step as a [`Reply::Step`] first.
        mode: Mode,
    },
    /// Take out all that was put in to keep hosts out. The store stays as it is. Answers as [`Change::Restore`].
    Flush {
        /// For which jail; `None` for all.
        jail: Option<String>,
        /// Whether it is done, or only told.
        mode: Mode,
    },
}

/// Whom nobody bans unless he insists: this machine, whom the jail ignores, and himself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// From where he is logged in.
    pub peer: Option<Addr>,
}

/// Whose bans are to be lifted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    /// Everyone's who is banned.
    Everyone,
    /// Theirs.
    These(Vec<Host>),
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reply {
    /// All jails at a glance.
    Overview(Overview),
    /// One jail at a glance.
    Jail(JailStatus),
    /// A ban.
    Ban(Ban),
    /// A ban, and how many packets of its host were kept out by it; `None` where nobody knows.
    Counted {
        /// The ban.
        ban: Ban,
        /// Since it was put into the packet filter.
        packets: Option<u64>,
    },
    /// A ban that does nothing.
    WithoutEffect {
        /// Which, and what shows it.
        without: WithoutEffect,
        /// What is most likely the cause; `None` if the packet filter may not be looked at.
        cause: Option<Cause>,
    },
    /// There is more than was to be told: so much.
    More(u64),
    /// How much is known of a host.
    Totals(HostTotals),
    /// Something that happened to a host.
    Event(Event),
    /// A ban was made.
    Made(Ban),
    /// Another ban was asked for, but this one lasts as long.
    Stood(Ban),
    /// A host that is banned is banned for longer.
    Prolonged(Prolongation),
    /// Bans of a host were lifted.
    Lifted {
        /// Whose.
        host: Host,
        /// In which jails.
        jails: Vec<String>,
    },
    /// A host had no ban that could be lifted.
    NotBanned {
        /// Who.
        host: Host,
        /// The bans in force of networks that it is in: those are lifted by the network's own name.
        networks: Vec<Ban>,
    },
    /// A ban of a list was left out.
    Spared {
        /// Whose.
        host: Host,
        /// Why, beginning with a verb.
        why: String,
    },
    /// A ban as fail2ban would keep it.
    Kept {
        /// The ban.
        ban: Ban,
        /// The how many-th it is of its host in its jail.
        count: u64,
        /// The lines that led to it, in fail2ban's JSON.
        #[serde(with = "crate::text::text_or_bytes")]
        data: Vec<u8>,
    },
    /// How far a jail has read a log or its journals.
    Reached(ReadTo),
    /// Bans were taken over from a list.
    Imported {
        /// How many; the others are banned already, or their time is over.
        new: u64,
    },
    /// Bans were taken over with all that is known of them.
    TakenOver(Taken),
    /// A jail goes on where another program has stopped, or doesn't.
    Resumed {
        /// Which jail.
        jail: String,
        /// The log, or `systemd-journal`.
        path: String,
        /// What came of it.
        how: Resumed,
    },
    /// A list was written.
    Exported {
        /// Where.
        #[serde(with = "crate::text::text_or_bytes")]
        file: PathBuf,
        /// What stands in it now.
        exported: Exported,
    },
    /// Something of what is old was forgotten.
    Purging {
        /// So many matches by now.
        matches: u64,
        /// Of so many with a date.
        of: u64,
    },
    /// What is old was forgotten.
    Purged {
        /// What happened before.
        before: Time,
        /// How much that was.
        purged: Purged,
        /// Bytes that are free in the store's file but could not be given back to the file system.
        stuck_bytes: u64,
    },
    /// What became of an exported file.
    File(FileFate),
    /// What became of a place where hosts are kept out.
    Gate(GateFate),
    /// An action is not as it ought to be: its bans are in the store and not, or not all, in force.
    Unenforced(Unenforced),
    /// What would be done, as a shell would be told.
    Step(String),
    /// The daemon is there.
    Pong {
        /// Its version.
        version: String,
        /// Its process.
        pid: u32,
        /// When it was started.
        since: Time,
        /// The jails that it runs, by name.
        jails: Vec<String>,
    },
    /// The daemon goes by the configuration as it is now.
    Reloaded {
        /// The jails that it runs, by name.
        jails: Vec<String>,
        /// What keeps it from going by all of the configuration, a line each as it is to be printed.
        findings: Vec<String>,
    },
    /// The daemon ends; it may go on for a moment.
    Stopping,
    /// The daemon's log was opened again, in fail2ban's words: `rolled over`, or `flushed` if it has no name to be opened
    /// by.
    Reopened(String),
    /// What a jail is set to.
    Settings(Box<JailSettings>),
    /// What the server is set to.
    Server(ServerSettings),
    /// It is done.
    Done,
    /// What the daemon does.
    Following(Following),
    /// Something happened.
    Happened(Happening),
}

/// Something that happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happening {
    /// A host failed.
    Failed {
        /// In which jail.
        jail: String,
        /// Who.
        host: Host,
        /// When.
        at: Time,
    },
    /// A host was banned.
    Banned(Ban),
    /// A host goes on failing, and is banned for longer.
    Prolonged(Prolongation),
    /// A host's ban is over, or was lifted.
    Over {
        /// In which jail.
        jail: String,
        /// Whose.
        host: Host,
        /// When.
        at: Time,
    },
    /// Nothing: it is only found out whether somebody still watches.
    Nothing,
}

/// What a daemon does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Following {
    /// When it was started.
    pub since: Time,
    /// The jails that it runs, in the order of the configuration.
    pub jails: Vec<JailFollowing>,
    /// Those that are enabled and that it can't run.
    pub unusable: Vec<UnusableJail>,
    /// The logs and journals that they follow.
    pub logs: Vec<LogFollowing>,
}

/// A jail that is enabled and can't be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnusableJail {
    /// Its name.
    pub name: String,
    /// Why, in one line: the first thing that is wrong with it.
    pub why: String,
}

/// What a jail has read since the daemon was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailFollowing {
    /// Its name.
    pub name: String,
    /// Lines that were tested, and entries of journals that it wants.
    pub lines: u64,
    /// Lines that matched.
    pub matched: u64,
    /// Lines that were ignored.
    pub ignored: u64,
    /// Failures.
    pub failures: u64,
    /// By how much, in microseconds, the last line that was just written and was not of now was of another time:
    /// negative if it was of the past.
    pub off_us: Option<i64>,
}

/// A log that is followed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogFollowing {
    /// Its name.
    pub path: String,
    /// How much of it is not read yet, in bytes.
    pub unread_bytes: u64,
    /// Why it can't be read, if it can't.
    pub trouble: Option<String>,
}

/// All jails at a glance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// Where the store is.
    #[serde(with = "crate::text::text_or_bytes")]
    pub store: PathBuf,
    /// How much is in it.
    pub totals: Totals,
    /// The jails that it knows, by name; the nameless one is of scans with a filter alone.
    pub jails: Vec<JailSummary>,
    /// The actions that are not as they ought to be, by jail and name.
    pub troubles: Vec<Trouble>,
    /// The jails whose bans have changed and are, as far as is known, not in force as they are in the store.
    pub pending: Vec<String>,
}

/// One jail at a glance, as fail2ban-client shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JailStatus {
    /// Its name.
    pub name: String,
    /// Hosts that have failed within its findtime and were not banned for it; none if it is not configured.
    pub failed_lately: u64,
    /// Its logs, as they are configured.
    pub logs: Vec<String>,
    /// What the store knows of it.
    pub summary: JailSummary,
}

/// Who is handed an answer, part by part; an error ends the answer.
pub type Take<'t> = dyn FnMut(Reply) -> io::Result<()> + 't;

/// Why an answer ended before it was through.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    /// The request can't be fulfilled.
    #[error(transparent)]
    Refused(#[from] Error),
    /// Who was handed the answer did not take it.
    #[error(transparent)]
    Untaken(#[from] io::Error),
    /// The daemon that should have answered didn't.
    #[error(transparent)]
    Unanswered(#[from] socket::SocketError),
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}
