//! Reading logs once, in parallel, with the results in input order.
//!
//! Chunks of memory maps and whole archives are tasks of the rayon pool. The calling thread starts
//! them in input order, never more than a few ahead, takes their pieces in the same order, adds up the
//! totals and hands the matches to the sinks. So any number of threads gives the same bytes, memory
//! stays bounded, and writing to the store overlaps with scanning.
//!
//! ```text
//! task 0 ──pieces──▶ ┐
//! task 1 ──pieces──▶ ├─▶ calling thread: sessions, totals, sinks (store, output, decisions)
//! task 2 ──pieces──▶ ┘
//! ```
//!
//! Two kinds of filters need lines in order: those that track connections get their hits found in
//! parallel and merged here; those that look at several lines at once run over a log in one task.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use chrono::FixedOffset;
use rayon::{ScopeFifo, ThreadPool, ThreadPoolBuilder};

use super::fold::Fold;
use super::judge;
use super::lookup::Names;
use super::opened::{CHUNK_BYTES, Input, Opened, Task, map_piece};
use super::piece::{Piece, Scanner, Setup};
use super::timeline::{Timeline, Trail};
use super::totals::{SampleLimits, Totals};
use crate::date::{Resolver, TemplateId, Templates};
use crate::filter::{Filter, Mode, Sessions};
use crate::model::{Matches, Time, Zone};
use crate::source::{Head, Kind, Log, SourceError, chunk_count};

/// Pieces that a task may finish before the calling thread has taken the first.
const PIECES_AHEAD: usize = 4;

/// Tasks that may run ahead while the calling thread writes a batch: about as much dense log as a batch
/// holds matches, so that nobody waits for the other.
const TASKS_WHILE_WRITING: usize = 44;

/// Everything that says how to scan.
#[derive(Clone, Copy)]
pub struct Scan<'s> {
    /// What to look for.
    pub filter: &'s Filter,
    /// How lines are dated.
    pub templates: &'s Templates,
    /// What becomes of host names.
    pub names: &'s Names,
    /// Every expression on every line, or the first that matches.
    pub mode: Mode,
    /// The encoding of the logs.
    pub encoding: &'static encoding_rs::Encoding,
    /// Zone of stamps that name none.
    pub zone: Zone,
    /// The `logtimezone` of the jail, which beats `zone`.
    pub log_zone: Option<FixedOffset>,
    /// The time as of which the logs are read.
    pub now: Time,
    /// How many sample lines to keep.
    pub limits: SampleLimits,
    /// Whether the totals shall hold every hit.
    pub keep_hits: bool,
}

/// A log as the sinks see it.
#[derive(Clone, Debug)]
pub struct LogInfo {
    /// The path, or `-`.
    pub name: String,
    /// Whether its bytes can be read at its name as they were scanned: a plain file in UTF-8.
    pub is_plain: bool,
    /// What identifies it for good; `None` if it holds nothing, or is a literal line.
    pub head: Option<Head>,
}

/// Where matches go, one log after the other, in line order.
pub trait Sink {
    /// What may go wrong.
    type Error;

    /// Takes the matches of a piece; never empty.
    fn take(&mut self, log: &LogInfo, matches: Matches) -> Result<(), Self::Error>;
}

/// What is watched and may be asked from outside while a scan runs.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to stop after the pieces at hand; shared with signal handlers.
    pub stop: Arc<AtomicBool>,
    /// Bytes of the logs (as they are on disk) that have been dealt with.
    pub done_bytes: AtomicU64,
    /// Bytes of the logs in all, as far as known.
    pub total_bytes: AtomicU64,
    /// Lines that matched so far.
    pub matched: AtomicU64,
}

impl Control {
    /// Whether to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// A log that could not be read to its end; the others were.
#[derive(Debug)]
pub struct Unread {
    /// Which log.
    pub log: String,
    /// Why.
    pub error: SourceError,
}

/// What a scan came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What was counted.
    pub totals: Totals,
    /// Logs that could not be read, or not to their end.
    pub unread: Vec<Unread>,
    /// Logs with lines that an expression took too long for, and how many.
    pub undecided: Vec<(String, u64)>,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// What a task sends: pieces in order, then nothing; or an error after what could be read.
pub(super) type Message = Result<Piece, SourceError>;

/// The part of the setup that is decided by whoever takes the matches.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    pub(super) matches: bool,
    pub(super) trail_only: bool,
}

impl<'s> Scan<'s> {
    /// Scans `logs` in their order; matches go to `sink`, everything else is in the outcome.
    ///
    /// # Errors
    ///
    /// Only the sink's: a log that can't be read is part of the outcome.
    pub fn run<S: Sink>(
        &self,
        logs: &[Log],
        sink: Option<&mut S>,
        control: &Arc<Control>,
    ) -> Result<Outcome, S::Error> {
        for log in logs {
            control.total_bytes.fetch_add(log.size_bytes().unwrap_or(0), Ordering::Relaxed);
        }
        let wanted = Wanted { matches: sink.is_some(), trail_only: false };
        let mut fold = Fold::new(self, sink, control);
        let opened = logs.iter().map_while(|log| {
            if control.is_stopped() {
                return None;
            }
            Some(Opened::new(self, log, wanted, control))
        });
        self.each_piece(opened, wanted, control, &mut |opened, event| fold.event(opened, event))?;
        Ok(fold.finish())
    }

    /// Runs the tasks of all logs on the pool and hands their pieces to `take`, in input order.
    pub(super) fn each_piece<'l, E>(
        &self,
        mut logs: impl Iterator<Item = Result<Opened<'l>, Unread>>,
        wanted: Wanted,
        control: &Arc<Control>,
        take: &mut Take<'_, 'l, E>,
    ) -> Result<(), E>
    where
        's: 'l,
    {
        // A log's years are learnt while workers wait to hand over pieces of the logs before it, so by others.
        match wanted.trail_only.then(trail_pool).flatten() {
            None => rayon::in_place_scope_fifo(|scope| {
                self.drive(scope, &mut logs, wanted, control, take)
            }),
            Some(pool) => pool
                .in_place_scope_fifo(|scope| self.drive(scope, &mut logs, wanted, control, take)),
        }
    }

    /// Starts the tasks and takes what they send, until there are no more.
    fn drive<'l, 'scope, E>(
        &self,
        scope: &ScopeFifo<'scope>,
        logs: &mut dyn Iterator<Item = Result<Opened<'l>, Unread>>,
        wanted: Wanted,
        control: &Arc<Control>,
        take: &mut Take<'_, 'l, E>,
    ) -> Result<(), E>
    where
        's: 'l,
        'l: 'scope,
    {
        let ahead =
            rayon::current_num_threads() * 2 + if wanted.matches { TASKS_WHILE_WRITING } else { 2 };
        let mut tasks: VecDeque<Task<'l>> = VecDeque::new();
        let mut running: VecDeque<(Task<'l>, Receiver<Message>)> = VecDeque::new();
        loop {
            while running.len() < ahead && !control.is_stopped() {
                if tasks.is_empty() {
                    let Some(opened) = logs.next() else { break };
                    tasks.extend(self.tasks(opened));
                }
                let Some(task) = tasks.pop_front() else { continue };
                let (sender, receiver) = sync_channel(PIECES_AHEAD);
                if let Ok(opened) = &task.opened {
                    let (scan, opened, chunk) = (*self, Arc::clone(opened), task.chunk);
                    let control = Arc::clone(control);
                    scope.spawn_fifo(move |_| {
                        scan.work(&opened, chunk, wanted, &control, &sender);
                    });
                }
                running.push_back((task, receiver));
            }
            let Some((task, pieces)) = running.pop_front() else { return Ok(()) };
            hand_over(task, pieces, take)?;
        }
    }

    fn tasks<'l>(&self, opened: Result<Opened<'l>, Unread>) -> Vec<Task<'l>> {
        match opened {
            Ok(opened) => opened.tasks(self.filter.maxlines() > 1),
            // Reported where it stands among the others, once those before it are done.
            Err(unread) => vec![Task { opened: Err(unread), chunk: None, is_last: true }],
        }
    }

    /// Whether line ends of the logs are more than one byte, as in UTF-16.
    pub(super) fn is_wide(&self) -> bool {
        !self.encoding.is_ascii_compatible()
    }

    fn setup(&self, wanted: Wanted) -> Setup<'s> {
        Setup {
            filter: self.filter,
            templates: self.templates,
            names: self.names,
            mode: self.mode,
            // What is wide was decoded when it was read.
            encoding: if self.is_wide() { encoding_rs::UTF_8 } else { self.encoding },
            limits: self.limits,
            keep_matches: wanted.matches,
            keep_hits: self.keep_hits,
            trail_only: wanted.trail_only,
        }
    }

    fn scanner<'l>(
        &self,
        timeline: &'l Timeline,
        prime: Option<TemplateId>,
        wanted: Wanted,
    ) -> Scanner<'l>
    where
        's: 'l,
    {
        let resolver = Resolver::new(self.zone, self.log_zone, self.now);
        Scanner::new(self.setup(wanted), timeline, resolver, prime)
    }

    pub(super) fn merge(&self, piece: &mut Piece, sessions: &mut Sessions) {
        judge::merge(piece, sessions, self.names, self.limits, self.keep_hits);
    }

    /// Does one task and sends what comes of it; a receiver that hung up ends it.
    fn work(
        &self,
        opened: &Opened<'_>,
        chunk: Option<usize>,
        wanted: Wanted,
        control: &Arc<Control>,
        sender: &SyncSender<Message>,
    ) {
        // A stream has given its first block already, which is not thrown away.
        if control.is_stopped() && !matches!(opened.input, Input::Stream(_)) {
            return;
        }
        // The beginning of a log is read as the daemon would read it, with nothing learnt before.
        let prime = opened.prime.filter(|_| chunk.is_some_and(|index| index > 0));
        let mut scanner = self.scanner(&opened.timeline, prime, wanted);
        match (&opened.input, chunk) {
            (Input::Map(map), Some(index)) => {
                let _ = sender.send(map_piece(&mut scanner, map, index, control));
            }
            (Input::Map(map), None) => {
                for index in 0..chunk_count(map.len(), CHUNK_BYTES) {
                    let piece = map_piece(&mut scanner, map, index, control);
                    if sender.send(piece).is_err() || control.is_stopped() {
                        return;
                    }
                }
            }
            (Input::Stream(stream), _) => {
                let taken = stream.lock().ok().and_then(|mut stream| stream.take());
                for block in taken.into_iter().flatten() {
                    let message = block.map(|block| {
                        let mut piece = scanner.piece(&block, block.offset());
                        // An archive is never written to again.
                        if opened.log.kind == Kind::Plain {
                            piece.mark_unfinished(&block);
                        }
                        piece
                    });
                    if sender.send(message).is_err() || control.is_stopped() {
                        return;
                    }
                }
            }
            (Input::Text(text), _) => {
                let _ = sender.send(Ok(scanner.piece(text, 0)));
            }
        }
    }

    /// Dates a whole log without matching, to learn its years.
    pub(super) fn trail(&self, opened: Opened<'_>, control: &Arc<Control>) -> Trail {
        let mut trail = Trail::default();
        let wanted = Wanted { matches: false, trail_only: true };
        let result: Result<(), std::convert::Infallible> =
            self.each_piece(std::iter::once(Ok(opened)), wanted, control, &mut |_, event| {
                if let Event::Piece(piece) = event {
                    trail.append(piece.trail, piece.base);
                }
                Ok(())
            });
        match result {
            Ok(()) => trail,
            Err(never) => match never {},
        }
    }
}

/// The threads that learn the years of logs; without them it's done by the others.
fn trail_pool() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let build = || ThreadPoolBuilder::new().num_threads(rayon::current_num_threads()).build().ok();
    POOL.get_or_init(build).as_ref()
}

/// What happens to a log, in order.
pub(super) enum Event {
    Piece(Box<Piece>),
    Unread(Unread),
    End,
}

/// Whoever takes what the tasks send.
type Take<'t, 'l, E> = dyn FnMut(Option<&Opened<'l>>, Event) -> Result<(), E> + 't;

/// Hands over everything that a task sends, until it has hung up.
fn hand_over<'l, E>(
    task: Task<'l>,
    pieces: Receiver<Message>,
    take: &mut Take<'_, 'l, E>,
) -> Result<(), E> {
    let opened = match task.opened {
        Ok(opened) => opened,
        Err(unread) => return take(None, Event::Unread(unread)),
    };
    for message in pieces {
        let event = match message {
            Ok(piece) => Event::Piece(Box::new(piece)),
            Err(error) => Event::Unread(Unread { log: opened.info.name.clone(), error }),
        };
        take(Some(&opened), event)?;
    }
    if task.is_last { take(Some(&opened), Event::End) } else { Ok(()) }
}
