//! Writing what waits: a thread for each target, so that one that hangs leaves the next alone.
//!
//! What couldn't be written is counted, and told as soon as something can.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::lines::{Lines, Unwritten};
use super::queue::{Next, Queue};
use super::socket::{self, Socket};
use super::{SharedClock, Sockets};
use crate::config::{Facility, Level, LogTarget, LogTo};
use crate::logline::{Pen, Record};

/// How long until it is tried again to tell what was lost, if nothing else is to be told.
const RETRY: Duration = Duration::from_secs(5);

/// Lines are written together up to this length of their records: a call of the kernel takes as long as many of them.
const TOGETHER_BYTES: usize = 64 * 1024;

/// How long a file's next writer lets its former one finish, so that lines stay in order; not the caller.
const FORMER_WAIT: Duration = Duration::from_secs(1);

/// Where lines go, opened.
#[derive(Debug)]
pub(super) enum Sink {
    Lines(Lines),
    Syslog(Socket, Facility),
    Journal(Socket),
}

impl Sink {
    pub(super) fn open(target: &LogTarget, sockets: &Sockets) -> io::Result<Self> {
        match &target.to {
            LogTo::File(path) => Lines::open(path).map(Self::Lines),
            LogTo::Stdout | LogTo::Sysout => Lines::stream(io::stdout()).map(Self::Lines),
            LogTo::Stderr => Lines::stream(io::stderr()).map(Self::Lines),
            LogTo::Syslog(facility) => {
                Socket::open(&sockets.syslog).map(|socket| Self::Syslog(socket, *facility))
            }
            LogTo::Journal => Socket::open(&sockets.journal).map(Self::Journal),
        }
    }

    /// How long records may be together to be written with one call; messages go one by one.
    fn together_bytes(&self) -> usize {
        if matches!(self, Self::Lines(_)) { TOGETHER_BYTES } else { 0 }
    }

    /// Writes the records, or the first of them: how many, and why not the others.
    fn write(&mut self, records: &[Record], pen: &Pen) -> (usize, io::Result<()>) {
        let send = |socket: &mut Socket, message: &dyn Fn(&Record, &str) -> Vec<u8>| {
            for (index, record) in records.iter().enumerate() {
                let line = pen.line(record);
                if let Err(cause) = socket.send(&message(record, &line)) {
                    return (index, Err(cause));
                }
            }
            (records.len(), Ok(()))
        };
        match self {
            Self::Lines(lines) => {
                let mut text = String::new();
                let mut ends = Vec::with_capacity(records.len());
                for record in records {
                    text.push_str(&pen.line(record));
                    text.push('\n');
                    ends.push(text.len());
                }
                match lines.write(&text) {
                    Ok(()) => (records.len(), Ok(())),
                    Err(Unwritten { written, cause }) => {
                        (ends.iter().filter(|end| **end <= written).count(), Err(cause))
                    }
                }
            }
            Self::Syslog(socket, facility) => {
                let facility = *facility;
                send(socket, &|record, line| socket::syslog(facility, record, line))
            }
            Self::Journal(socket) => send(socket, &socket::journal),
        }
    }
}

/// Records that no target got.
#[derive(Debug, Default)]
pub(super) struct Losses {
    /// Since the start.
    pub(super) all: AtomicU64,
    /// Of those, the ones of which no target was told.
    untold: AtomicU64,
    /// What the last of them failed at; nothing if they came faster than they could be written.
    cause: Mutex<Option<io::Error>>,
}

impl Losses {
    fn cause(&self) -> MutexGuard<'_, Option<io::Error>> {
        self.cause.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread at work on one target.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) queue: Arc<Queue>,
    thread: JoinHandle<()>,
}

/// What a thread needs to write.
pub(super) struct Work {
    /// What it writes.
    pub(super) queue: Arc<Queue>,
    /// What the former thread at the same file has left to write.
    pub(super) former: Option<Arc<Queue>>,
    /// Where to.
    pub(super) sink: Sink,
    /// How.
    pub(super) pen: Pen,
    /// What it couldn't.
    pub(super) losses: Arc<Losses>,
    /// Asked when losses are told.
    pub(super) clock: SharedClock,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(work: Work) -> io::Result<Self> {
        let queue = Arc::clone(&work.queue);
        let thread = thread::Builder::new().name("log".to_owned()).spawn(move || work.run())?;
        Ok(Self { queue, thread })
    }

    /// Takes nothing more; waits until all is written and the thread is gone, at most until then: whether it is so.
    pub(super) fn end(self, until: Instant) -> bool {
        self.queue.close();
        let is_done = self.queue.wait_done(until);
        if is_done {
            // It is at its last step. One that panicked has nothing to say.
            let _ = self.thread.join();
        }
        is_done
    }

    /// Whether the thread is gone.
    pub(super) fn is_done(&self) -> bool {
        self.thread.is_finished()
    }
}

impl Work {
    fn run(mut self) {
        if let Some(former) = self.former.take() {
            former.wait_done(Instant::now() + FORMER_WAIT);
        }
        let together_bytes = self.sink.together_bytes();
        loop {
            let is_owing = self.losses.untold.load(Ordering::Relaxed) > 0;
            match self.queue.next(together_bytes, is_owing.then_some(RETRY)) {
                Next::Records(records) => self.write(&records),
                Next::Lost(count) => {
                    self.losses.untold.fetch_add(count, Ordering::Relaxed);
                    self.tell();
                }
                Next::Nothing => {
                    self.tell();
                }
                Next::End => break,
            }
        }
        self.tell();
    }

    fn write(&mut self, records: &[Record]) {
        let written = if self.tell() { self.put(records) } else { 0 };
        let lost = (records.len() - written) as u64;
        self.losses.untold.fetch_add(lost, Ordering::Relaxed);
        self.losses.all.fetch_add(lost, Ordering::Relaxed);
    }

    /// Writes the records, or the first of them: how many.
    fn put(&mut self, records: &[Record]) -> usize {
        let (written, result) = self.sink.write(records, &self.pen);
        if let Err(cause) = result {
            *self.losses.cause() = Some(cause);
        }
        written
    }

    /// Tells what was lost: whether nothing is left to be told of.
    fn tell(&mut self) -> bool {
        // Taken first: the writers of two targets must not tell the same.
        let lost = self.losses.untold.swap(0, Ordering::Relaxed);
        if lost == 0 {
            return true;
        }
        let mut message = match lost {
            1 => "1 line of the log was lost".to_owned(),
            _ => format!("{lost} lines of the log were lost"),
        };
        let cause = self.losses.cause().take();
        if let Some(cause) = &cause {
            message.push_str(": ");
            message.push_str(&cause.to_string());
        }
        let record = Record::new(self.clock.now(), "server", Level::WARNING, &message);
        let is_told = self.put(&[record]) == 1;
        if !is_told {
            self.losses.untold.fetch_add(lost, Ordering::Relaxed);
        }
        is_told
    }
}

impl Drop for Work {
    /// Even if the thread panics nobody waits for it.
    fn drop(&mut self) {
        self.queue.done();
    }
}
