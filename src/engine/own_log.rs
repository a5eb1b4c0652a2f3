//! f2b's own log, as jails read it that count bans: Debian's `recidive`, and its like.
//!
//! The file of `logtarget` has the bans of a daemon that writes there. `f2b batch` and `f2b ban` write no log, a daemon may
//! write elsewhere, and what f2b tells the journal is told by another unit than fail2ban's. So such a jail is shown, from
//! the store, the bans of which it can't read: see [`follow`](super::follow).

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::config::{Config, JailDef, Layout, LogTarget, LogTo, Server};
use crate::source::{self, FileId};

/// The units in whose part of the journal bans are looked for.
const UNITS: [&str; 2] = ["fail2ban.service", "f2b.service"];

/// Where f2b tells of bans.
#[derive(Clone, Debug)]
pub struct OwnLog {
    /// As the configuration says.
    target: LogTarget,
    /// The last ban that was made before this process did so, if it does.
    written_after: Option<u64>,
}

/// How a jail is shown bans.
#[derive(Clone, Debug)]
pub struct Shown {
    /// How a line of one looks.
    pub layout: Layout,
    /// Whether it is as one of the journal, which has its date beside it.
    pub is_entry: bool,
    /// The file in which the jail reads of others.
    pub file: Option<PathBuf>,
    /// If this process writes that: the number of the last ban that was made before it did.
    pub written_after: Option<u64>,
}

impl Default for OwnLog {
    /// Where it is if no file says anything.
    fn default() -> Self {
        Self { target: Server::default().logtarget, written_after: None }
    }
}

impl OwnLog {
    /// As `config` says.
    pub fn of(config: &Config) -> Self {
        let Server { logtarget: target, .. } = config.server().value.unwrap_or_default();
        Self { target, written_after: None }
    }

    /// This process tells of bans in `to`, of all after the one with this number.
    pub fn written_to(&mut self, to: &LogTo, after: u64) {
        let is_it = matches!(to, LogTo::File(file) if self.is_at(&file.to_string_lossy()));
        self.written_after = is_it.then_some(after);
    }

    /// How a jail is shown bans, if this is a log that it reads.
    pub fn shown_to(&self, jail: &JailDef) -> Option<Shown> {
        let is_entry = jail.backend.reads_journal();
        let is_named = self.is_named(jail);
        let is_it = is_named || names_own_unit(jail) && lacks_log(jail);
        if !is_it {
            return None;
        }
        let (file, layout) = match (&self.target.to, is_entry) {
            (_, true) => (None, Layout::columns(false, false)),
            (LogTo::File(file), false) => (Some(file.clone()), self.target.layout.clone()),
            // Other targets have no lines of their own: these are those that filters of files know.
            (_, false) => (None, Layout::columns(true, true)),
        };
        let written_after = self.written_after.filter(|_| is_named);
        Some(Shown { layout, is_entry, file, written_after })
    }

    /// Whether it takes a jail's filter to know if this is a log that it reads: what it wants of the journal often stands
    /// there.
    pub fn depends_on_filter(&self, jail: &JailDef) -> bool {
        !self.is_named(jail) && lacks_log(jail)
    }

    /// Whether it is among the logs that a jail names.
    fn is_named(&self, jail: &JailDef) -> bool {
        let mut logpaths = jail.logpaths.iter();
        !jail.backend.reads_journal() && logpaths.any(|named| self.is_at(&named.glob))
    }

    /// Whether the file is one that a `logpath` stands for.
    fn is_at(&self, logpath: &str) -> bool {
        let LogTo::File(file) = &self.target.to else { return false };
        let id = |path: &Path| FileId::of(path).ok();
        source::stands_for(OsStr::new(logpath), file)
            || id(file).is_some_and(|own| id(Path::new(logpath)) == Some(own))
    }
}

/// Whether there is no log that the jail names, or it reads none of them.
fn lacks_log(jail: &JailDef) -> bool {
    let is_there = |glob: &String| source::expand(std::slice::from_ref(glob)).is_ok();
    jail.backend.reads_journal() || !jail.logpaths.iter().any(|named| is_there(&named.glob))
}

/// Whether what the jail wants of the journal is what fail2ban or f2b says there. To expressions that ask for the word
/// NOTICE, as those of fail2ban 1.0 do, entries that either writes itself are nothing.
pub(super) fn names_own_unit(jail: &JailDef) -> bool {
    let terms = jail.filter.journalmatch.iter().flat_map(|wanted| &wanted.groups).flatten();
    let mut units = terms.filter(|term| term.field == "_SYSTEMD_UNIT");
    units.any(|term| UNITS.contains(&&*term.value))
}
