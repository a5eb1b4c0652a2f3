//! The tasks of a pass over logs, and the order of what comes of them.
//!
//! Chunks of memory maps and whole archives are tasks of the rayon pool. The calling thread starts them in
//! input order, never more than a few ahead, and takes what they send in the same order. So any number of
//! threads gives the same bytes, and memory stays bounded.
//!
//! ```text
//! task 0 ──pieces──▶ ┐
//! task 1 ──pieces──▶ ├─▶ calling thread
//! task 2 ──pieces──▶ ┘
//! ```

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};

use rayon::{ScopeFifo, ThreadPool, ThreadPoolBuilder};

use super::control::Control;
use super::opened::{Input, Opened};
use super::outcome::Unread;
use super::reading::{self, Reads};
use crate::source::SourceError;

/// Pieces that a task may finish before the calling thread has taken the first.
const PIECES_AHEAD: usize = 4;

/// What is done with the logs: scanned, or only dated.
pub(super) trait Pass: Copy + Send {
    /// What comes of a block.
    type Made: Send;
    /// Who reads a log, or a chunk of it.
    type Reader<'o>: Reads<Made = Self::Made>
    where
        Self: 'o;

    /// A reader of `opened`, at its beginning or further on.
    fn reader<'o>(&self, opened: &'o Opened<'_>, is_later: bool) -> Self::Reader<'o>
    where
        Self: 'o;
}

/// What happens to a log, in order.
pub(super) enum Happened<M> {
    /// A piece was read.
    Piece(M),
    /// The log, or the rest of it, can't be read.
    Unread(Unread),
    /// That was all of it.
    End,
}

/// Whoever takes what the tasks send.
type Take<'t, 'l, M, E> = dyn FnMut(Option<&Arc<Opened<'l>>>, Happened<M>) -> Result<(), E> + 't;

/// What a task sends: pieces in order, then nothing; or an error after what could be read.
type Message<M> = Result<M, SourceError>;

struct Task<'l> {
    opened: Result<Arc<Opened<'l>>, Unread>,
    /// Which chunk of a map; `None` for a log that one task reads from beginning to end.
    chunk: Option<usize>,
    /// Whether it is the last of its log.
    is_last: bool,
}

/// Runs the tasks of all logs on the common pool and hands what they send to `take`, in input order; `ahead`
/// tasks may run before they are waited for.
pub(super) fn each<'l, P: Pass + 'l, E>(
    pass: P,
    mut logs: impl Iterator<Item = Result<Opened<'l>, Unread>>,
    ahead: usize,
    control: &Arc<Control>,
    take: &mut Take<'_, 'l, P::Made, E>,
) -> Result<(), E> {
    rayon::in_place_scope_fifo(|scope| drive(pass, scope, &mut logs, ahead, control, take))
}

/// The same on threads of its own, for what is learnt of one log while the workers wait to hand over pieces
/// of the logs before it.
pub(super) fn each_aside<'l, P: Pass + 'l, E>(
    pass: P,
    mut logs: impl Iterator<Item = Result<Opened<'l>, Unread>>,
    ahead: usize,
    control: &Arc<Control>,
    take: &mut Take<'_, 'l, P::Made, E>,
) -> Result<(), E> {
    match aside() {
        None => each(pass, logs, ahead, control, take),
        Some(pool) => {
            pool.in_place_scope_fifo(|scope| drive(pass, scope, &mut logs, ahead, control, take))
        }
    }
}

fn aside() -> Option<&'static ThreadPool> {
    static POOL: OnceLock<Option<ThreadPool>> = OnceLock::new();
    let build = || ThreadPoolBuilder::new().num_threads(rayon::current_num_threads()).build().ok();
    POOL.get_or_init(build).as_ref()
}

/// Starts the tasks and takes what they send, until there are no more.
fn drive<'l, 'scope, P: Pass + 'scope, E>(
    pass: P,
    scope: &ScopeFifo<'scope>,
    logs: &mut dyn Iterator<Item = Result<Opened<'l>, Unread>>,
    ahead: usize,
    control: &Arc<Control>,
    take: &mut Take<'_, 'l, P::Made, E>,
) -> Result<(), E>
where
    'l: 'scope,
{
    let mut tasks: VecDeque<Task<'l>> = VecDeque::new();
    let mut running: VecDeque<(Task<'l>, Receiver<Message<P::Made>>)> = VecDeque::new();
    loop {
        while running.len() < ahead && !control.is_stopped() {
            if tasks.is_empty() {
                let Some(opened) = logs.next() else { break };
                tasks.extend(tasks_of(opened));
            }
            let Some(task) = tasks.pop_front() else { continue };
            let (sender, receiver) = sync_channel(PIECES_AHEAD);
            if let Ok(opened) = &task.opened {
                let (opened, chunk) = (Arc::clone(opened), task.chunk);
                let control = Arc::clone(control);
                scope.spawn_fifo(move |_| work(pass, &opened, chunk, &control, &sender));
            }
            running.push_back((task, receiver));
        }
        let Some((task, pieces)) = running.pop_front() else { return Ok(()) };
        hand_over(task, pieces, take)?;
    }
}

fn tasks_of(opened: Result<Opened<'_>, Unread>) -> Vec<Task<'_>> {
    match opened {
        // Reported where it stands among the others, once those before it are done.
        Err(unread) => vec![Task { opened: Err(unread), chunk: None, is_last: true }],
        Ok(opened) => {
            let chunks = opened.chunks();
            let opened = Arc::new(opened);
            let task = |chunk, is_last| Task { opened: Ok(Arc::clone(&opened)), chunk, is_last };
            match chunks {
                0 => vec![task(None, true)],
                _ => (0..chunks).map(|index| task(Some(index), index + 1 == chunks)).collect(),
            }
        }
    }
}

/// Does one task and sends what comes of it; a receiver that hung up ends it.
fn work<P: Pass>(
    pass: P,
    opened: &Opened<'_>,
    chunk: Option<usize>,
    control: &Control,
    sender: &SyncSender<Message<P::Made>>,
) {
    // A stream has given its first block already, which is not thrown away.
    if control.is_stopped() && !matches!(opened.input, Input::Stream(_)) {
        return;
    }
    let mut reader = pass.reader(opened, chunk.is_some_and(|index| index > 0));
    reading::read(&mut reader, opened, chunk, control, |made| sender.send(made).is_ok());
}

/// Hands over everything that a task sends, until it has hung up.
fn hand_over<'l, M, E>(
    task: Task<'l>,
    pieces: Receiver<Message<M>>,
    take: &mut Take<'_, 'l, M, E>,
) -> Result<(), E> {
    let opened = match task.opened {
        Ok(opened) => opened,
        Err(unread) => return take(None, Happened::Unread(unread)),
    };
    for message in pieces {
        let happened = match message {
            Ok(piece) => Happened::Piece(piece),
            Err(error) => Happened::Unread(Unread { log: opened.info.name.clone(), error }),
        };
        take(Some(&opened), happened)?;
    }
    if task.is_last { take(Some(&opened), Happened::End) } else { Ok(()) }
}
