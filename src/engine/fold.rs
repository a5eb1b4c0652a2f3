//! What the calling thread does with the pieces, in input order: connections, sums, sinks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::opened::Opened;
use super::piece::Piece;
use super::scan::{Control, Event, Outcome, Scan, Sink, Wanted};
use super::timeline::{Timeline, Trail};
use super::totals::Totals;
use crate::filter::Sessions;

/// The calling thread's work: sessions, sums, sinks.
pub(super) struct Fold<'f, 's, S> {
    scan: &'f Scan<'s>,
    sink: Option<&'f mut S>,
    control: &'f Arc<Control>,
    /// The log at hand, until it is known that its years were right.
    totals: Totals,
    trail: Trail,
    lines: u64,
    /// Connections, which go on from log to log.
    sessions: Sessions,
    outcome: Outcome,
}

impl<'f, 's, S: Sink> Fold<'f, 's, S> {
    pub(super) fn new(
        scan: &'f Scan<'s>,
        sink: Option<&'f mut S>,
        control: &'f Arc<Control>,
    ) -> Self {
        let (totals, trail) = (Totals::default(), Trail::default());
        Self {
            scan,
            sink,
            control,
            totals,
            trail,
            lines: 0,
            sessions: Sessions::default(),
            outcome: Outcome::default(),
        }
    }

    pub(super) fn event(
        &mut self,
        opened: Option<&Opened<'_>>,
        event: Event,
    ) -> Result<(), S::Error> {
        match (opened, event) {
            (Some(opened), Event::Piece(piece)) => self.piece(opened, *piece),
            (Some(opened), Event::End) => {
                self.end(opened);
                Ok(())
            }
            (_, Event::Unread(unread)) => {
                self.outcome.unread.push(unread);
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// What it all came to.
    pub(super) fn finish(mut self) -> Outcome {
        // Of the log that was being read when it was stopped.
        self.outcome.totals.add(self.totals, self.scan.limits);
        Outcome { interrupted: self.control.is_stopped(), ..self.outcome }
    }

    fn piece(&mut self, opened: &Opened<'_>, mut piece: Piece) -> Result<(), S::Error> {
        if self.scan.filter.has_sessions() {
            self.scan.merge(&mut piece, &mut self.sessions);
        }
        for found in &mut piece.matches.lines {
            found.place.line += self.lines;
        }
        self.lines += piece.line_ends;
        self.trail.append(piece.trail, piece.base);
        if let Some(sink) = &mut self.sink
            && !piece.matches.lines.is_empty()
        {
            sink.take(&opened.info, piece.matches)?;
        }
        self.control.matched.fetch_add(piece.totals.lines.matched, Ordering::Relaxed);
        self.totals.add(piece.totals, self.scan.limits);
        Ok(())
    }

    /// Closes a log; if its order contradicts the years that were assumed, it is counted once more.
    fn end(&mut self, opened: &Opened<'_>) {
        let trail = std::mem::take(&mut self.trail);
        self.lines = 0;
        let timeline = opened.conclude(self.scan, &trail);
        let mut totals = std::mem::take(&mut self.totals);
        let is_wrong = timeline != opened.timeline;
        if is_wrong && self.sink.is_none() && !self.control.is_stopped() {
            totals = self.again(opened, timeline).unwrap_or(totals);
        }
        if totals.gave_up > 0 {
            self.outcome.undecided.push((opened.info.name.clone(), totals.gave_up));
        }
        self.outcome.totals.add(totals, self.scan.limits);
    }

    /// Counts a log with these years; `None` if it can't be opened any more.
    fn again(&self, opened: &Opened<'_>, timeline: Timeline) -> Option<Totals> {
        let silent = Arc::default();
        let mut fresh = Opened::open(self.scan, opened.log, &silent).ok()?;
        fresh.timeline = timeline;
        let mut totals = Totals::default();
        let wanted = Wanted { matches: false, trail_only: false };
        let mut sessions = Sessions::default();
        let counted: Result<(), std::convert::Infallible> =
            self.scan.each_piece(std::iter::once(Ok(fresh)), wanted, &silent, &mut |_, event| {
                if let Event::Piece(mut piece) = event {
                    if self.scan.filter.has_sessions() {
                        self.scan.merge(&mut piece, &mut sessions);
                    }
                    totals.add(piece.totals, self.scan.limits);
                }
                Ok(())
            });
        counted.is_ok().then_some(totals)
    }
}
