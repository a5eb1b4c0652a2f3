//! The progress bar on a terminal: bytes, rate, time left, matches.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::{counted, scaled, terminal};
use crate::engine::Control;
use crate::model::duration;

/// How often the bar is drawn anew.
const TICK: Duration = Duration::from_millis(100);

/// A bar has at most so many cells, and at least so many: a shorter one is none.
const BAR_CELLS: (usize, usize) = (30, 10);

/// What stands between two parts of the line.
const GAP: &str = "  ";

/// A bar that watches a scan until it is dropped; nothing where standard error is no terminal.
pub struct Progress {
    done: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Progress {
    /// Begins to watch.
    pub fn watch(control: &Arc<Control>, is_quiet: bool) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        if is_quiet || !io::stderr().is_terminal() {
            return Self { done, watcher: None };
        }
        let (control, ended) = (Arc::clone(control), Arc::clone(&done));
        let watcher = std::thread::Builder::new()
            .name("progress".into())
            .spawn(move || draw(&control, &ended))
            .ok();
        Self { done, watcher }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            watcher.thread().unpark();
            // A watcher that panicked has drawn its last bar; the scan's result is not its concern.
            let _ = watcher.join();
        }
    }
}

fn draw(control: &Control, ended: &AtomicBool) {
    let mut bar = Bar::new();
    while !ended.load(Ordering::Relaxed) {
        std::thread::park_timeout(TICK);
        let matches = control.matched.load(Ordering::Relaxed);
        let done = control.done_bytes.load(Ordering::Relaxed);
        bar.draw(done, control.total_bytes.load(Ordering::Relaxed), Unit::Bytes { matches });
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// Bytes of logs, and what was found in them so far.
    Bytes {
        /// Lines that matched.
        matches: u64,
    },
    /// Matches.
    Matches,
}

/// A line on the terminal that standard error is, gone when dropped; where it is none, nothing.
#[derive(Debug)]
pub struct Bar {
    started: Instant,
    /// The last line's length.
    drawn: usize,
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Bar {
    /// Nothing is drawn yet; the time that is left is reckoned from now.
    pub fn new() -> Self {
        Self { started: Instant::now(), drawn: 0 }
    }

    /// Draws how much is done of what there is, which is 0 if nobody knows.
    pub fn draw(&mut self, done: u64, total: u64, unit: Unit) {
        let Some(columns) = terminal::columns(&io::stderr()) else { return };
        let state = State { done, total, unit, elapsed: self.started.elapsed() };
        self.overwrite(&state.line(columns));
    }

    /// Where the line can't be drawn, nobody misses it.
    fn overwrite(&mut self, line: &str) {
        let len = line.chars().count();
        let rest = self.drawn.saturating_sub(len);
        let (blanks, back) = (" ".repeat(rest), "\u{8}".repeat(rest));
        let _ = write!(io::stderr().lock(), "\r{line}{blanks}{back}");
        self.drawn = len;
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if self.drawn > 0 {
            self.overwrite("");
        }
    }
}

/// How far something is.
#[derive(Clone, Copy, Debug)]
struct State {
    done: u64,
    /// 0 if nobody knows.
    total: u64,
    unit: Unit,
    elapsed: Duration,
}

impl State {
    /// The line that says it, one column shorter than the terminal: in the last one, the cursor may wrap.
    ///
    /// What doesn't fit is left out, the last first; the bar takes what the others leave.
    fn line(&self, columns: usize) -> String {
        let room = columns.saturating_sub(1);
        let mut parts = self.parts();
        let text = loop {
            let text = parts.join(GAP);
            if text.chars().count() <= room || parts.pop().is_none() {
                break text;
            }
        };
        let cells = room.saturating_sub(text.chars().count() + GAP.len()).min(BAR_CELLS.0);
        if self.total == 0 || cells < BAR_CELLS.1 {
            return text;
        }
        let full = self.share_of(cells);
        format!("{}{}{GAP}{text}", "█".repeat(full), "░".repeat(cells - full))
    }

    /// How many of `cells` are behind it. A log that grows while it is read doesn't make them more.
    fn share_of(&self, cells: usize) -> usize {
        let full = u128::from(self.done.min(self.total)) * cells as u128;
        usize::try_from(full / u128::from(self.total.max(1))).unwrap_or(cells)
    }

    /// At the rate of so far. Rounded up to seconds: nothing that goes on has no time left.
    fn left(&self) -> Option<String> {
        let rest = u128::from(self.total.checked_sub(self.done)?);
        let read = (self.done > 0).then_some(u128::from(self.done) * 1_000_000)?;
        let secs = (rest * self.elapsed.as_micros()).div_ceil(read);
        let secs = i64::try_from(secs).ok().filter(|secs| *secs > 0)?;
        Some(format!("{} left", duration::spell(secs.saturating_mul(1_000_000))))
    }

    fn parts(&self) -> Vec<String> {
        let amount = |n: u64| match self.unit {
            Unit::Bytes { .. } => scaled(n as f64, "B"),
            Unit::Matches => n.to_string(),
        };
        let mut so_far = amount(self.done);
        let mut parts = Vec::new();
        if self.total > 0 {
            parts.push(format!("{:>3} %", self.share_of(100)));
            so_far = format!("{} of {}", amount(self.done.min(self.total)), amount(self.total));
        }
        match self.unit {
            Unit::Bytes { matches } => {
                let rate = self.done as f64 / self.elapsed.as_secs_f64().max(1e-3);
                parts.extend([so_far, scaled(rate, "B/s")]);
                parts.extend(self.left());
                parts.push(counted(matches, "match").replace("matchs", "matches"));
            }
            Unit::Matches => {
                parts.push(format!("{so_far} matches"));
                parts.extend(self.left());
            }
        }
        parts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(done: u64, total: u64, millis: u64) -> State {
        let unit = Unit::Bytes { matches: 1_234_567 };
        State { done, total, unit, elapsed: Duration::from_millis(millis) }
    }

    #[test]
    fn a_line_says_how_far_it_is_in_the_units_of_the_report() {
        assert_eq!(
            state(430_000_000, 4_310_000_000, 1000).line(120),
            "██░░░░░░░░░░░░░░░░░░░░░░░░░░░░    9 %  430 MB of 4.31 GB  430 MB/s  10s left  1234567 matches"
        );
        assert_eq!(state(430_000, 0, 500).line(80), "430 kB  860 kB/s  1234567 matches");
        let purge = State { unit: Unit::Matches, ..state(250, 1000, 1000) };
        assert_eq!(purge.line(50), "███░░░░░░░░░   25 %  250 of 1000 matches  3s left");
    }

    #[test]
    fn nothing_is_left_before_it_began_or_when_it_is_done() {
        assert!(!state(0, 4_310_000_000, 100).line(120).contains("left"));
        assert!(!state(5_000, 5_000, 100).line(120).contains("left"));
        assert!(state(4_309_999_999, 4_310_000_000, 1000).line(120).contains("  1s left  "));
    }

    #[test]
    fn a_line_never_fills_its_terminal() {
        for columns in 0..140 {
            for state in [
                state(430_000_000, 4_310_000_000, 1000),
                state(1, u64::MAX, 86_400_000),
                state(430_000, 0, 500),
            ] {
                let line = state.line(columns);
                assert!(line.chars().count() < columns.max(1), "{columns}: {line}");
            }
        }
        let narrow = state(430_000_000, 4_310_000_000, 1000).line(80);
        assert_eq!(
            narrow,
            "█░░░░░░░░░░░░░░░    9 %  430 MB of 4.31 GB  430 MB/s  10s left  1234567 matches"
        );
    }
}
