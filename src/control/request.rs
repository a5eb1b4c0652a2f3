//! What can be asked for, as data: questions, changes, and what concerns the daemon itself.
//!
//! Each says which replies answer it.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::tuning::ServerTuning;
#[cfg(doc)]
use super::{PART_BANS, reply::Reply};
use crate::engine::projection::Mode;
use crate::engine::tuning::{Deed, Tuning};
use crate::exchange::Format;
use crate::exchange::fail2ban::ReadTo;
use crate::model::{Addr, Ban, BanTime, Host, HostBans};
use crate::store::BanOrder;

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
