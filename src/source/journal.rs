//! systemd's journal, as `journalctl --output=export` prints it: entries with their time and their place.
//!
//! A [`Journal`] is a journalctl that runs, for all jails that read the same [`JournalPlace`]; of each entry the caller
//! asks the jails' [`Match`]es. It is waited for with [`Journal::fd`] and read with [`Journal::read`], which never
//! waits.
//!
//! Found out with journalctl 252, and from systemd's issues where versions differ:
//! - `--follow` shows nothing of earlier starts of the machine, whatever `--boot` says, unless `--merge` is given
//!   (24565, 36102).
//! - A time of the future leads to no entry, ever (6213).
//! - Names of files that don't begin with `/` are read and not followed (38667), nor is a file that takes the place of
//!   one that was named (474). In a folder, new files are followed.
//! - Without any journal it waits for one, unless files are named.
//!
//! Reading libsystemd's files itself would be faster; linking to it would tie the program to its versions.

mod entry;
mod export;
mod place;
mod running;
#[cfg(test)]
mod tests;
mod wanted;

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::epoll;

pub use entry::Entry;
pub use place::JournalPlace;
pub use wanted::{InvalidMatch, Match};

use crate::model::{JournalTerm, Time};
use running::Running;

/// Behind an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    /// journald's name of the entry.
    pub cursor: String,
    /// When journald received it.
    pub received: Time,
}

/// Where reading begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// With what was received at this time or later.
    Since(Time),
    /// With what comes.
    Now,
}

/// Where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the last entry there is.
    Last,
    /// Never.
    Follow,
}

/// Why the journal can't be read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// There is no journalctl.
    #[error(
        "journalctl is not installed, which reads the journal; install systemd, or give the jail another backend"
    )]
    NotInstalled,
    /// The system refuses to start it.
    #[error("journalctl can't be started: {0}")]
    NotStarted(io::Error),
    /// It is over and should not be.
    #[error("journalctl ended with {how}{said}; to see why, run {command}")]
    Ended {
        /// Its status or the signal that ended it.
        how: String,
        /// The last line of its complaints, behind a colon, or nothing.
        said: String,
        /// What was run, as for a shell.
        command: String,
    },
    /// What it prints can't be read.
    #[error("what journalctl prints can't be read: {0}")]
    Io(#[from] io::Error),
    /// Both ways of naming files are used.
    #[error("journalpath and journalfiles exclude each other; keep one of them")]
    PathAndFiles,
    /// Flags that journalctl has no option for.
    #[error(
        "journalflags is {0}; write a sum of 1 (this machine), 2 (since its start), 4 (the system) and 8 (the user), \
         and other journals as namespace"
    )]
    Flags(u32),
    /// Entries of this machine are wanted, and it has no identity.
    #[error(
        "/etc/machine-id can't be read: {0}; run systemd-machine-id-setup, or take 1 out of journalflags"
    )]
    MachineId(io::Error),
}

const PROGRAM: &str = "journalctl";

/// Its argument for what comes.
const NOTHING_BEFORE: &str = "--lines=0";

/// A journalctl that runs.
pub struct Journal {
    place: JournalPlace,
    /// The files that `place` named when it was opened.
    inodes: Vec<(u64, u64)>,
    wanted: Match,
    end: End,
    /// Readable while there is something to read or it is over.
    ready: OwnedFd,
    running: Option<Running>,
    position: Option<Position>,
}

impl Journal {
    /// Starts to read. No time of a start is taken for later than `now`.
    pub fn open(
        place: JournalPlace,
        wanted: Match,
        start: Start,
        end: End,
        now: Time,
    ) -> Result<Self, JournalError> {
        let ready = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?;
        let inodes = place.inodes();
        let mut journal = Self { place, inodes, wanted, end, ready, running: None, position: None };
        match start {
            Start::Now => journal.start(NOTHING_BEFORE)?,
            Start::Since(time) => journal.start(&since(time.min(now)))?,
        }
        Ok(journal)
    }

    /// What to wait for: readable when [`read`](Self::read) has something to do.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }

    /// The entries that there are at this moment, in the journal's order; often none. It never waits, and if there
    /// is much it gives a part and [`fd`](Self::fd) stays readable.
    ///
    /// # Errors
    /// journalctl ended and should not have.
    pub fn read(&mut self) -> Result<Vec<Entry>, JournalError> {
        let Some(running) = &mut self.running else { return Ok(Vec::new()) };
        let read = running.read();
        let has_ended = running.has_ended;
        if read.is_err() {
            self.running = None;
        }
        let entries = read?;
        if let Some(last) = entries.last() {
            self.position = Some(last.position());
        } else if has_ended && let Some(running) = self.running.take() {
            running.finish(self.end == End::Last)?;
        }
        Ok(entries)
    }

    /// Behind the last entry that was read.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Whether nothing comes any more: all was read, or it failed.
    pub fn is_over(&self) -> bool {
        self.running.is_none()
    }

    /// Whether `journalfiles` names other files than when it was opened, as after journald finished one: journalctl
    /// doesn't see those, and another is to be opened. To be asked now and then.
    pub fn has_other_files(&self) -> bool {
        self.place.inodes() != self.inodes
    }

    fn start(&mut self, at: &str) -> Result<(), JournalError> {
        let (mut args, always) = self.place.args()?;
        args.extend(["--merge", "--boot=all", "--output=export"].map(OsString::from));
        args.push(format!("--output-fields={}", self.fields(always.as_ref()).join(",")).into());
        args.extend((self.end == End::Follow).then(|| "--follow".into()));
        // Who follows is otherwise shown the last ten.
        args.extend((at != NOTHING_BEFORE).then(|| "--no-tail".into()));
        args.push(at.into());
        args.push("--".into());
        args.extend(self.wanted.args(always.as_ref()).into_iter().map(OsString::from));
        self.run(args)
    }

    /// What is shown of an entry, and what it is asked for.
    fn fields(&self, always: Option<&JournalTerm>) -> Vec<String> {
        let terms = self.wanted.groups().iter().flatten().chain(always);
        let asked = terms.map(|term| term.field.clone());
        let mut fields: Vec<_> =
            entry::SHOWN_FIELDS.map(str::to_owned).into_iter().chain(asked).collect();
        fields.sort_unstable();
        fields.dedup();
        fields
    }

    fn run(&mut self, args: Vec<OsString>) -> Result<(), JournalError> {
        self.running = Some(Running::start(PROGRAM.as_ref(), args, &self.ready)?);
        Ok(())
    }
}

/// The argument of journalctl.
fn since(time: Time) -> String {
    let micros = time.micros().max(0);
    format!("--since=@{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
