//! The server's own log, in fail2ban's format: other programs, its filter `recidive` among them, read it.
//!
//! ```text
//! log.event(…), log.info(…) ─▶ queue ─▶ thread ─▶ pen ─▶ file, stream, syslog, journal
//!      filtered by level      bounded   one a target
//! ```
//!
//! Whoever logs never waits: not for a disk that is full, a pipe or socket that nobody reads, a
//! file system that is gone. What can't be written is counted, and told when something can. Threads
//! don't survive a fork: start the log after it.

mod lines;
mod queue;
mod socket;
mod writer;

use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Server;
pub use crate::config::{Level, LogTarget, LogTo};
pub use crate::logline::{Event, Facts, Record};
use crate::logline::{Pen, without_bans};
use crate::model::{Clock, Zone};
use crate::text;
use queue::Queue;
use writer::{Losses, Sink, Work, Writer};

/// How long the last handle waits for what is to be written.
const LAST_WAIT: Duration = Duration::from_secs(2);

type SharedClock = Arc<dyn Clock + Send + Sync>;

/// Where the system's logs listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sockets {
    /// `syslogsocket`.
    pub syslog: PathBuf,
    /// The journal's.
    pub journal: PathBuf,
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            syslog: PathBuf::from("/dev/log"),
            journal: PathBuf::from("/run/systemd/journal/socket"),
        }
    }
}

/// What a log begins with.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where it goes.
    pub target: LogTarget,
    /// What matters less isn't told.
    pub level: Level,
    /// Where the system's logs listen.
    pub sockets: Sockets,
    /// Where its times are told; fail2ban's are local.
    pub zone: Zone,
    /// How much may wait to be written; the last quarter is for what is a NOTICE or more.
    pub queue_bytes: usize,
}

impl From<&Server> for Setup {
    /// As the configuration says, with 16 mebibytes that may wait: some eighty thousand lines.
    fn from(server: &Server) -> Self {
        let default = Sockets::default();
        let syslog = server.syslogsocket.clone().unwrap_or(default.syslog);
        Self {
            target: server.logtarget.clone(),
            level: server.loglevel,
            sockets: Sockets { syslog, ..default },
            zone: Zone::Local,
            queue_bytes: 16 << 20,
        }
    }
}

/// Why there is no log, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The target can't be opened.
    #[error(
        "can't log to {target}: {source}; check the path and its permissions, or set another logtarget"
    )]
    Open {
        /// The target, for the system's logs with their socket.
        target: String,
        /// Why not.
        source: io::Error,
    },
    /// There is no thread to be had.
    #[error("can't start the thread that writes the log: {0}")]
    Thread(io::Error),
}

/// What came of opening the target again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reopened {
    /// The file of that name.
    RolledOver,
    /// What has no name to be opened by.
    Flushed,
}

impl fmt::Display for Reopened {
    /// fail2ban's answer to `flushlogs`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RolledOver => "rolled over",
            Self::Flushed => "flushed",
        })
    }
}

/// A handle to the log, which all its copies share. The last one waits for what is to be written, up to two seconds.
#[derive(Clone)]
pub struct Log(Arc<Shared>);

struct Shared {
    level: AtomicU8,
    zone: Zone,
    queue_bytes: usize,
    clock: SharedClock,
    losses: Arc<Losses>,
    /// Held while a record is put into the queue, and not longer: no record goes to a target that was left.
    current: Mutex<Current>,
    /// Held while a target is opened: one after the other.
    changing: Mutex<()>,
}

struct Current {
    /// `None` if nothing is told, or at the end.
    writer: Option<Writer>,
    /// Those of former targets that have not yet written all.
    ending: Vec<Writer>,
    target: LogTarget,
    sockets: Sockets,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is behind these is never half changed.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Opens the target and starts the thread that writes to it.
    pub fn start(
        setup: Setup,
        clock: impl Clock + Send + Sync + 'static,
    ) -> Result<Self, LogError> {
        let Setup { target, level, sockets, zone, queue_bytes } = setup;
        let shared = Shared {
            level: AtomicU8::new(level.number()),
            zone,
            queue_bytes,
            clock: Arc::new(clock),
            losses: Arc::default(),
            current: Mutex::new(Current { writer: None, ending: Vec::new(), target, sockets }),
            changing: Mutex::new(()),
        };
        let mut current = lock(&shared.current);
        current.writer = Some(shared.open(&current.target, &current.sockets, None)?);
        drop(current);
        Ok(Self(Arc::new(shared)))
    }

    /// Whether something that matters so much is told.
    pub fn tells(&self, level: Level) -> bool {
        level.number() >= self.0.level.load(Ordering::Relaxed)
    }

    /// Tells of an event.
    pub fn event(&self, event: &Event<'_>) {
        let level = event.level();
        if self.tells(level) {
            let message = event.message(self.0.zone);
            let record = Record::new(self.0.clock.now(), event.logger(), level, &message);
            self.0.push(Record { facts: event.facts(), ..record });
        }
    }

    /// Tells anything else; `logger` is a part of the server as fail2ban names its own. What
    /// looks like a ban is no longer one: bans are [`Event`]s.
    pub fn tell(&self, level: Level, logger: &'static str, message: fmt::Arguments<'_>) {
        if self.tells(level) {
            let message = message.to_string();
            let message = without_bans(&message);
            self.0.push(Record::new(self.0.clock.now(), logger, level, &message));
        }
    }

    /// Tells that the server can't go on.
    pub fn critical(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::CRITICAL, logger, message);
    }

    /// Tells of something that was not done.
    pub fn error(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::ERROR, logger, message);
    }

    /// Tells of something that is not as it ought to be.
    pub fn warning(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::WARNING, logger, message);
    }

    /// Tells of something that an administrator wants to know.
    pub fn notice(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::NOTICE, logger, message);
    }

    /// Tells what goes on.
    pub fn info(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::INFO, logger, message);
    }

    /// Tells what a developer wants to know.
    pub fn debug(&self, logger: &'static str, message: fmt::Arguments<'_>) {
        self.tell(Level::DEBUG, logger, message);
    }

    /// What matters less isn't told.
    pub fn level(&self) -> Level {
        Level::from_number(self.0.level.load(Ordering::Relaxed))
    }

    /// Sets what matters too little to be told.
    pub fn set_level(&self, level: Level) {
        self.0.level.store(level.number(), Ordering::Relaxed);
    }

    /// Where it goes.
    pub fn target(&self) -> LogTarget {
        lock(&self.0.current).target.clone()
    }

    /// Where the system's logs listen.
    pub fn sockets(&self) -> Sockets {
        lock(&self.0.current).sockets.clone()
    }

    /// Goes elsewhere from here on; nothing changes if that can't be opened, or is where it goes already.
    pub fn set_target(&self, target: LogTarget) -> Result<(), LogError> {
        let sockets = self.sockets();
        self.0.change(target, sockets)
    }

    /// Names other sockets, with which it connects at once if that is where it goes.
    pub fn set_sockets(&self, sockets: Sockets) -> Result<(), LogError> {
        let target = self.target();
        self.0.change(target, sockets)
    }

    /// Closes a file and opens the one that has its name by now, which begins with a line that says so; if that
    /// can't be opened, the old one is written on.
    pub fn reopen(&self) -> Result<Reopened, LogError> {
        let _changing = lock(&self.0.changing);
        let (target, sockets) = (self.target(), self.sockets());
        if matches!(target.to, LogTo::File(_)) {
            let former = self.0.queue();
            let writer = self.0.open(&target, &sockets, former)?;
            self.0
                .switch(writer, target, sockets, |to| vec![format!("rollover performed on {to}")]);
            Ok(Reopened::RolledOver)
        } else {
            self.info("server", format_args!("flush performed on {}", target.to));
            Ok(Reopened::Flushed)
        }
    }

    /// How many lines no target got since the start.
    pub fn lost(&self) -> u64 {
        self.0.losses.all.load(Ordering::Relaxed)
    }

    /// Waits until all that was told is written or lost, up to `limit`: whether it is.
    pub fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        self.0.queue().is_none_or(|queue| queue.wait_idle(until))
    }

    /// Ends the log: waits for what is to be written, up to `limit`, and says whether all is. A thread that
    /// still hangs is left to the end of the process; what is told later is lost.
    pub fn end(&self, limit: Duration) -> bool {
        self.0.end(limit)
    }
}

impl fmt::Debug for Log {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log").field("target", &self.target()).finish_non_exhaustive()
    }
}

impl Shared {
    fn open(
        &self,
        target: &LogTarget,
        sockets: &Sockets,
        former: Option<Arc<Queue>>,
    ) -> Result<Writer, LogError> {
        let sink = Sink::open(target, sockets).map_err(|source| LogError::Open {
            target: with_socket(&target.to, sockets),
            source,
        })?;
        let layout = target.layout.clone();
        let work = Work {
            queue: Arc::new(Queue::new(self.queue_bytes)),
            former,
            sink,
            pen: Pen { layout, zone: self.zone, process: std::process::id() },
            losses: Arc::clone(&self.losses),
            clock: Arc::clone(&self.clock),
        };
        Writer::start(work).map_err(LogError::Thread)
    }

    /// What waits for the present target.
    fn queue(&self) -> Option<Arc<Queue>> {
        lock(&self.current).writer.as_ref().map(|writer| Arc::clone(&writer.queue))
    }

    fn change(&self, target: LogTarget, sockets: Sockets) -> Result<(), LogError> {
        let _changing = lock(&self.changing);
        {
            let mut current = lock(&self.current);
            let uses = |sockets: &Sockets| match target.to {
                LogTo::Syslog(_) => Some(sockets.syslog.clone()),
                LogTo::Journal => Some(sockets.journal.clone()),
                _ => None,
            };
            if current.target == target && uses(&current.sockets) == uses(&sockets) {
                current.sockets = sockets;
                return Ok(());
            }
        }
        let writer = self.open(&target, &sockets, None)?;
        self.switch(writer, target, sockets, |to| {
            let name = concat!("f2b v", env!("CARGO_PKG_VERSION"));
            vec![format!("Start {name}"), format!("Changed logging target to {to} for {name}")]
        });
        Ok(())
    }

    /// Goes to a new writer, which begins with these lines; the old one ends when it has written what it has.
    fn switch(
        &self,
        writer: Writer,
        target: LogTarget,
        sockets: Sockets,
        first: impl FnOnce(&str) -> Vec<String>,
    ) {
        if Level::INFO.number() >= self.level.load(Ordering::Relaxed) {
            for message in first(&with_socket(&target.to, &sockets)) {
                let now = self.clock.now();
                writer.queue.push(Record::new(now, "server", Level::INFO, &message));
            }
        }
        let mut current = lock(&self.current);
        let old = current.writer.replace(writer);
        current.ending.retain(|writer| !writer.is_done());
        if let Some(old) = old {
            old.queue.close();
            current.ending.push(old);
        }
        (current.target, current.sockets) = (target, sockets);
    }

    fn push(&self, record: Record) {
        let current = lock(&self.current);
        let is_taken = current.writer.as_ref().is_some_and(|writer| writer.queue.push(record));
        drop(current);
        if !is_taken {
            self.losses.all.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn end(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let (ending, writer) = {
            let mut current = lock(&self.current);
            (std::mem::take(&mut current.ending), current.writer.take())
        };
        // The present target goes last: it is the one that can tell what the others lost.
        let ended =
            ending.into_iter().map(|writer| writer.end(until)).fold(true, |all, one| all & one);
        writer.is_none_or(|writer| writer.end(until)) && ended
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.end(LAST_WAIT);
    }
}

/// A target as it is told to whoever looks for the lines.
fn with_socket(to: &LogTo, sockets: &Sockets) -> String {
    let socket = match to {
        LogTo::Syslog(_) => &sockets.syslog,
        LogTo::Journal => &sockets.journal,
        _ => return to.to_string(),
    };
    format!("{to} ({})", text::printable_bytes(socket.as_os_str().as_bytes()))
}

#[cfg(test)]
mod tests;
