//! The same for programs.

use serde::Serialize;

use crate::control::socket::Hello;
use crate::control::{Following, Overview};
use crate::model::Time;

/// All jails at a glance, and what the daemon does.
#[derive(Serialize)]
pub(super) struct Document {
    store: String,
    lines: u64,
    logs: u64,
    bans: u64,
    jails: Vec<Jail>,
    /// Jails whose last changes are in the store only.
    pending: Vec<String>,
    /// Null if there is none.
    daemon: Option<Daemon>,
}

#[derive(Serialize)]
struct Jail {
    /// Null for scans with a filter alone.
    name: Option<String>,
    failures: u64,
    last_failure: Option<String>,
    banned: u64,
    bans: u64,
    /// Actions that are not as they ought to be.
    troubles: Vec<Trouble>,
}

#[derive(Serialize)]
struct Trouble {
    action: String,
    since: String,
    why: String,
}

#[derive(Serialize)]
struct Daemon {
    pid: u32,
    version: String,
    since: String,
    jails: Vec<Running>,
    /// Jails that are enabled and can't be used.
    unusable: Vec<Unusable>,
    logs: Vec<Log>,
}

#[derive(Serialize)]
struct Unusable {
    name: String,
    why: String,
}

#[derive(Serialize)]
struct Running {
    name: String,
    lines: u64,
    matched: u64,
    ignored: u64,
    failures: u64,
    /// By how many seconds lines that were just written were of another time; negative if of the past.
    off_secs: Option<i64>,
}

#[derive(Serialize)]
struct Log {
    path: String,
    unread_bytes: u64,
    trouble: Option<String>,
}

impl Document {
    pub(super) fn new(all: &Overview, daemon: Option<(Hello, Following)>) -> Self {
        let troubles = |name: &str| {
            let own = all.troubles.iter().filter(|trouble| trouble.jail == name);
            own.map(|trouble| Trouble {
                action: trouble.action.clone(),
                since: trouble.since.to_string(),
                why: trouble.why.clone(),
            })
            .collect()
        };
        let jails = all.jails.iter().map(|jail| Jail {
            name: Some(jail.name.clone()).filter(|name| !name.is_empty()),
            failures: jail.failures,
            last_failure: jail.last_failure.as_ref().map(Time::to_string),
            banned: jail.bans_active,
            bans: jail.bans,
            troubles: troubles(&jail.name),
        });
        Self {
            store: all.store.to_string_lossy().into_owned(),
            lines: all.totals.lines,
            logs: all.totals.logs,
            bans: all.totals.bans,
            jails: jails.collect(),
            pending: all.pending.clone(),
            daemon: daemon.map(|(hello, following)| Daemon::new(hello, following)),
        }
    }
}

impl Daemon {
    fn new(hello: Hello, following: Following) -> Self {
        let Following { since, jails, unusable, logs } = following;
        let jails = jails.into_iter().map(|jail| Running {
            name: jail.name,
            lines: jail.lines,
            matched: jail.matched,
            ignored: jail.ignored,
            failures: jail.failures,
            off_secs: jail.off_us.map(|off_us| off_us / 1_000_000),
        });
        let logs = logs.into_iter().map(|log| Log {
            path: log.path,
            unread_bytes: log.unread_bytes,
            trouble: log.trouble,
        });
        Self {
            pid: hello.pid,
            version: hello.f2b,
            since: since.to_string(),
            jails: jails.collect(),
            unusable: unusable
                .into_iter()
                .map(|jail| Unusable { name: jail.name, why: jail.why })
                .collect(),
            logs: logs.collect(),
        }
    }
}
