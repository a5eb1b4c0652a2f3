//! systemd's journal, as `journalctl --output=export` prints it: entries with their time and their place.
//!
//! A [`Journal`] is a journalctl that runs, for all jails that read the same [`JournalPlace`]; of each entry the caller
//! asks the jails' [`Match`]es. It is waited for with [`Journal::fd`] and read with [`Journal::read`], which never
//! waits. When it fails the caller opens another behind the last entry's [`Position`], and no entry comes twice.
//!
//! Found out with journalctl 252, and from systemd's issues where versions differ:
//! - `--follow` shows nothing of earlier starts of the machine, whatever `--boot` says, unless `--merge` is given
//!   (24565, 36102).
//! - `--after-cursor` loses an entry if that of the cursor isn't wanted (30288): read is from the cursor, and its
//!   entry passed over.
//! - A cursor whose entry is gone leads to the entry that comes next by the time in it, and one of the future to none,
//!   ever (6213); the same is true of `--since`. So a cursor is looked for first, and no time is later than now.
//! - `--lines=0`, for what comes, loses entries where none was wanted before; `--since` doesn't.
//! - Names of files that don't begin with `/` are read and not followed (38667), nor is a file that takes the place of
//!   one that was named (474). In a folder, new files are followed.
//! - Without any journal it waits for one, unless files are named.
//! - What journald cleans away before it is read is lost, and nobody says so: [`Journal::read`] must not be kept waiting.
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
use std::fmt;
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
    /// Behind this entry. If it is gone, at those that were received later.
    After(Position),
    /// With what was received at this time or later; with what comes, if it is now.
    Since(Time),
}

/// Where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With the last entry there is.
    Last,
    /// Never.
    Follow,
}

/// The entry behind which reading was to begin is not in the journal any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorGone {
    /// Reading goes on behind this time.
    pub received: Time,
}

impl fmt::Display for CursorGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let received = self.received;
        write!(
            f,
            "the last entry read is gone from the journal, as are unread ones that came before it was cleaned; \
             what was received after {received} is read; if that happens often, raise SystemMaxUse in journald.conf"
        )
    }
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

/// A journalctl that runs.
pub struct Journal {
    place: JournalPlace,
    /// The files that `place` named when it was opened.
    inodes: Vec<(u64, u64)>,
    wanted: Match,
    end: End,
    /// Readable while there is something to read or it is over; stays the same when another process takes over.
    ready: OwnedFd,
    running: Option<Running>,
    stage: Stage,
    position: Option<Position>,
    gone: Option<CursorGone>,
}

enum Stage {
    /// Is this entry still there?
    Looking(Position),
    /// This entry was read before and may come first.
    Passing(String),
    Reading,
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
        let mut journal = Self {
            place,
            inodes,
            wanted,
            end,
            ready,
            running: None,
            stage: Stage::Reading,
            position: None,
            gone: None,
        };
        match start {
            Start::Since(time) => journal.start(&since(time.min(now)))?,
            Start::After(position) => {
                let position = Position { received: position.received.min(now), ..position };
                journal.look_for(position)?;
            }
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
    /// journalctl ended, or complained and ended: another can be opened behind [`position`](Self::position).
    pub fn read(&mut self) -> Result<Vec<Entry>, JournalError> {
        let Some(running) = &mut self.running else { return Ok(Vec::new()) };
        let read = running.read();
        let has_ended = running.has_ended;
        if read.is_err() {
            self.running = None;
        }
        let mut entries = read?;
        if let Stage::Looking(position) = &self.stage {
            let position = position.clone();
            if let Some(first) = entries.first() {
                let is_there = first.cursor == position.cursor;
                self.go_on_after(position, is_there)?;
            } else if has_ended && let Some(running) = self.running.take() {
                // It fails at what was never a cursor, which is no reason to read nothing.
                running.finish_unless_killed()?;
                self.go_on_after(position, false)?;
            }
            return Ok(Vec::new());
        }
        if let (Stage::Passing(cursor), false) = (&self.stage, entries.is_empty()) {
            let is_passed = entries[0].cursor == *cursor;
            entries.drain(..usize::from(is_passed));
            self.stage = Stage::Reading;
        }
        if let Some(last) = entries.last() {
            self.position = Some(last.position());
        } else if has_ended && let Some(running) = self.running.take() {
            running.finish(self.end == End::Last)?;
        }
        Ok(entries)
    }

    /// Behind the last entry that was read, or where reading began; `None` if it began with a time and nothing was read.
    pub fn position(&self) -> Option<&Position> {
        self.position.as_ref()
    }

    /// Whether nothing comes any more: all was read, or it failed.
    pub fn is_over(&self) -> bool {
        self.running.is_none()
    }

    /// Says once that entries may have been missed, as the start that was asked for is gone.
    pub fn take_gone(&mut self) -> Option<CursorGone> {
        self.gone.take()
    }

    /// Whether `journalfiles` names other files than when it was opened, as after journald finished one: journalctl
    /// doesn't see those, and another is to be opened. To be asked now and then.
    pub fn has_other_files(&self) -> bool {
        self.place.inodes() != self.inodes
    }

    fn look_for(&mut self, position: Position) -> Result<(), JournalError> {
        let (mut args, _) = self.place.args()?;
        args.extend(["--merge", "--boot=all", "--output=export"].map(OsString::from));
        args.push("--output-fields=_BOOT_ID".into());
        args.push(format!("--cursor={}", position.cursor).into());
        self.position = Some(position.clone());
        self.stage = Stage::Looking(position);
        self.run(args)
    }

    fn go_on_after(&mut self, position: Position, is_there: bool) -> Result<(), JournalError> {
        let Position { cursor, received } = position;
        if is_there {
            self.start(&format!("--cursor={cursor}"))?;
            self.stage = Stage::Passing(cursor);
            return Ok(());
        }
        self.gone = Some(CursorGone { received });
        // Those of the same moment can't be told from what was read.
        self.start(&since(received.plus_micros(1)))
    }

    fn start(&mut self, at: &str) -> Result<(), JournalError> {
        self.stage = Stage::Reading;
        let (mut args, always) = self.place.args()?;
        // Who follows is otherwise shown the last ten.
        args.extend(["--merge", "--boot=all", "--no-tail", "--output=export"].map(OsString::from));
        args.push(format!("--output-fields={}", self.fields(always.as_ref()).join(",")).into());
        args.extend((self.end == End::Follow).then(|| "--follow".into()));
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
        // The one before is ended first.
        self.running = None;
        self.running = Some(Running::start(PROGRAM.as_ref(), args, &self.ready)?);
        Ok(())
    }
}

/// The argument of journalctl.
fn since(time: Time) -> String {
    let micros = time.micros().max(0);
    format!("--since=@{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}
