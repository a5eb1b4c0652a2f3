//! What waits to be written: bounded in bytes, so that whoever logs never waits for whoever writes.
//!
//! A lock and not a channel: the place of what was lost is kept between what was not, and one waits
//! for the end of writing with a time limit.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::record::Record;

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

/// What the writer is to do.
#[derive(Debug)]
pub(super) enum Entry {
    /// Write it.
    Record(Box<Record>),
    /// Tell that so many records are missing here.
    Lost(u64),
    /// Nothing came in the time given.
    Nothing,
    /// Go: nothing will come.
    End,
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

    /// Takes the record in, if there is room: whether there was.
    pub(super) fn push(&self, record: Record) -> bool {
        let len_bytes = record.len_bytes();
        let mut state = self.state();
        if state.is_closed || state.len_bytes + len_bytes > self.limit_bytes {
            state.lost += 1;
            return false;
        }
        if state.lost > 0 {
            let lost = std::mem::take(&mut state.lost);
            state.waiting.push_back(Entry::Lost(lost));
        }
        state.len_bytes += len_bytes;
        state.waiting.push_back(Entry::Record(Box::new(record)));
        self.changed.notify_all();
        true
    }

    /// The next entry; waits for it, for ever if no limit is given.
    pub(super) fn next(&self, limit: Option<Duration>) -> Entry {
        let mut state = self.state();
        state.is_busy = false;
        self.changed.notify_all();
        loop {
            if let Some(entry) = state.waiting.pop_front() {
                if let Entry::Record(record) = &entry {
                    state.len_bytes -= record.len_bytes();
                }
                state.is_busy = true;
                return entry;
            }
            if state.lost > 0 {
                state.is_busy = true;
                return Entry::Lost(std::mem::take(&mut state.lost));
            }
            if state.is_closed {
                return Entry::End;
            }
            let Some(limit) = limit else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let waited = self.changed.wait_timeout(state, limit);
            let (after, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            state = after;
            if timeout.timed_out() {
                return Entry::Nothing;
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
    use crate::config::Level;
    use crate::model::Time;

    fn record(message: &str) -> Record {
        Record::new(Time::default(), "server", Level::INFO, message)
    }

    fn next(queue: &Queue) -> String {
        match queue.next(Some(Duration::ZERO)) {
            Entry::Record(record) => record.message,
            Entry::Lost(count) => format!("{count} lost"),
            Entry::Nothing => "nothing".to_owned(),
            Entry::End => "end".to_owned(),
        }
    }

    #[test]
    fn what_was_lost_has_its_place_between_what_was_not() {
        let queue = Queue::new(2 * record("a").len_bytes());
        assert!(queue.push(record("a")) && queue.push(record("b")));
        assert!(!queue.push(record("c")) && !queue.push(record("d")));
        assert_eq!(next(&queue), "a");
        assert!(queue.push(record("e")) && !queue.push(record("f")));
        let rest: Vec<_> = (0..5).map(|_| next(&queue)).collect();
        assert_eq!(rest, ["b", "2 lost", "e", "1 lost", "nothing"]);
    }

    #[test]
    fn what_waits_is_still_handed_over_after_the_end() {
        let queue = Queue::new(1 << 20);
        assert!(queue.push(record("a")));
        queue.close();
        assert!(!queue.push(record("b")));
        assert_eq!([next(&queue), next(&queue), next(&queue)], ["a", "1 lost", "end"]);
    }
}
