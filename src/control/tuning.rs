//! What can be asked of a running daemon's server and changed in it, as data: fail2ban's `get OPTION` and `set OPTION`.
//!
//! The same of its jails is [`Tuning`](super::Tuning) and [`JailSettings`](super::JailSettings).

use serde::{Deserialize, Serialize};

/// The server as it is by now.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerSettings {
    /// How much its log tells, in capitals.
    pub loglevel: String,
    /// Where its log goes, without options.
    pub logtarget: String,
    /// The socket of the system's log, as it is written.
    pub syslogsocket: String,
    /// fail2ban's database, `None` for none. f2b keeps it in mind and has its own store.
    pub dbfile: Option<String>,
    /// For how long fail2ban keeps bans in it, in microseconds.
    pub dbpurgeage_us: i64,
    /// How many lines fail2ban keeps of a ban in it.
    pub dbmaxmatches: u32,
    /// `auto` or a boolean, as it is written.
    pub allowipv6: String,
}

/// What is to be changed in the server; texts as a user wrote them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ServerTuning {
    /// The name of a level in any case, or a number.
    Loglevel(String),
    /// Where its log goes, with options in brackets.
    Logtarget(String),
    /// The socket of the system's log; `auto` for the machine's.
    Syslogsocket(String),
    /// fail2ban's database; only while there is no jail.
    Dbfile(String),
    /// For how long fail2ban keeps bans: a duration.
    Dbpurgeage(String),
    /// How many lines fail2ban keeps of a ban: a number.
    Dbmaxmatches(String),
    /// Whether there is IPv6: `auto` or a boolean.
    Allowipv6(String),
}
