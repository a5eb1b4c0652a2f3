//! What is answered, part by part, as data.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::tuning::ServerSettings;
use crate::engine::follow::Resumed;
use crate::engine::projection::{Cause, GateFate, Unenforced};
use crate::engine::tuning::JailSettings;
use crate::engine::writer::{Exported, FileFate, Taken};
use crate::exchange::fail2ban::ReadTo;
use crate::model::{Ban, Host, Prolongation, Time};
use crate::store::{Event, HostTotals, JailSummary, Purged, Totals, Trouble, WithoutEffect};

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
