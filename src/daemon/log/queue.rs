//! What waits to be written: bounded in bytes, so that whoever logs never waits for whoever writes.
//!
//! A lock and not a channel: the place of what was lost is kept between what was not, and one waits
//! for the end of writing with a time limit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::config::Level;
use crate::logline::Record;

/// Records on their way to one target.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    limit_bytes: usize,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Entry>,
    len_bytes: usize,
    /// Refused since the last entry.
    lost: u64,
    /// Whether the writer is at work on what it took.
    is_busy: bool,
    is_closed: bool,
    /// Whether the writer is gone.
    is_done: bool,
}

#[derive(Debug)]
enum Entry {
    Record(Record),
    Lost(u64),
}

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Next {
    /// Write them.
    Records(Vec<Record>),
    /// Tell that so many records are missing here.
    Lost(u64),
    /// Nothing came in the time given.
    Nothing,
    /// Go: nothing will come.
    End,
}

impl State {
    fn next(&mut self, len_bytes: usize) -> Option<Next> {
        let mut taken = Vec::new();
        let mut taken_bytes = 0;
        while let Some(entry) = self.waiting.pop_front() {
            match entry {
                Entry::Record(record) => {
                    self.len_bytes -= record.len_bytes();
                    taken_bytes += record.len_bytes();
                    taken.push(record);
                }
                Entry::Lost(count) if taken.is_empty() => return Some(Next::Lost(count)),
                lost @ Entry::Lost(_) => {
                    self.waiting.push_front(lost);
                    break;
                }
            }
            if taken_bytes >= len_bytes {
                break;
            }
        }
        if !taken.is_empty() {
            return Some(Next::Records(taken));
        }
        (self.lost > 0).then(|| Next::Lost(std::mem::take(&mut self.lost)))
    }
}

impl Queue {
    /// An empty one that holds so many bytes.
    pub(super) fn new(limit_bytes: usize) -> Self {
        Self { state: Mutex::default(), changed: Condvar::new(), limit_bytes }
    }

    /// A state is never half changed, so one that a panicking thread left is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the record in, if there is room: whether there was. The last quarter is for what matters: a flood of
    /// failures leaves room for bans.
    pub(super) fn push(&self, record: Record) -> bool {
        let len_bytes = record.len_bytes();
        let reserved = if record.level < Level::NOTICE { self.limit_bytes / 4 } else { 0 };
        let mut state = self.state();
        if state.is_closed || state.len_bytes + len_bytes > self.limit_bytes - reserved {
            state.lost += 1;
            return false;
        }
        if state.lost > 0 {
            let lost = std::mem::take(&mut state.lost);
            state.waiting.push_back(Entry::Lost(lost));
        }
        state.len_bytes += len_bytes;
        state.waiting.push_back(Entry::Record(record));
        self.changed.notify_all();
        true
    }

    /// What comes next, of records as many as are so long together, at least one. Waits for it, for ever if no
    /// limit is given.
    pub(super) fn next(&self, len_bytes: usize, limit: Option<Duration>) -> Next {
        let mut state = self.state();
        state.is_busy = false;
        self.changed.notify_all();
        loop {
            if let Some(next) = state.next(len_bytes) {
                state.is_busy = true;
                return next;
            }
            if state.is_closed {
                return Next::End;
            }
            let Some(limit) = limit else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.changed.wait_timeout(state, limit);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            if timeout.timed_out() {
                return Next::Nothing;
            }
        }
    }

    /// Nothing is taken in from here on; what waits is still written.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.changed.notify_all();
    }

    /// The writer is gone.
    pub(super) fn done(&self) {
        self.state().is_done = true;
        self.changed.notify_all();
    }

    /// Waits until everything is written or lost, at most until then: whether it is.
    pub(super) fn wait_idle(&self, until: Instant) -> bool {
        self.wait(until, |state| {
            state.is_done || (state.waiting.is_empty() && state.lost == 0 && !state.is_busy)
        })
    }

    /// Waits until the writer is gone, at most until then: whether it is.
    pub(super) fn wait_done(&self, until: Instant) -> bool {
        self.wait(until, |state| state.is_done)
    }

    fn wait(&self, until: Instant, is_so: impl Fn(&State) -> bool) -> bool {
        let mut state = self.state();
        while !is_so(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;

    fn record(level: Level, message: &str) -> Record {
        Record::new(Time::default(), "server", level, message)
    }

    fn ban(message: &str) -> Record {
        record(Level::NOTICE, message)
    }

    fn next(queue: &Queue, len_bytes: usize) -> String {
        match queue.next(len_bytes, Some(Duration::ZERO)) {
            Next::Records(records) => {
                records.iter().map(|record| record.message.as_str()).collect::<Vec<_>>().join(" ")
            }
            Next::Lost(count) => format!("{count} lost"),
            Next::Nothing => "nothing".to_owned(),
            Next::End => "end".to_owned(),
        }
    }

    #[test]
    fn what_was_lost_has_its_place_between_what_was_not() {
        let queue = Queue::new(2 * ban("a").len_bytes());
        assert!(queue.push(ban("a")) && queue.push(ban("b")));
        assert!(!queue.push(ban("c")) && !queue.push(ban("d")));
        assert_eq!(next(&queue, 0), "a");
        assert!(queue.push(ban("e")) && !queue.push(ban("f")));
        let rest: Vec<_> = (0..5).map(|_| next(&queue, usize::MAX)).collect();
        assert_eq!(rest, ["b", "2 lost", "e", "1 lost", "nothing"]);
    }

    #[test]
    fn records_are_taken_together_up_to_a_length() {
        let queue = Queue::new(1 << 20);
        assert!(["a", "b", "c"].iter().all(|message| queue.push(ban(message))));
        assert_eq!(next(&queue, ban("a").len_bytes() + 1), "a b");
        assert_eq!(next(&queue, usize::MAX), "c");
    }

    #[test]
    fn a_flood_of_what_matters_little_leaves_room() {
        let queue = Queue::new(4 * ban("a").len_bytes());
        let pushed: Vec<_> = (0..5).map(|_| queue.push(record(Level::INFO, "a"))).collect();
        assert_eq!(pushed, [true, true, true, false, false]);
        assert!(queue.push(ban("b")) && !queue.push(ban("c")));
    }

    #[test]
    fn what_waits_is_still_handed_over_after_the_end() {
        let queue = Queue::new(1 << 20);
        assert!(queue.push(ban("a")));
        queue.close();
        assert!(!queue.push(ban("b")));
        assert_eq!([next(&queue, 0), next(&queue, 0), next(&queue, 0)], ["a", "1 lost", "end"]);
    }
}
