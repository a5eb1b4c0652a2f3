//! What the calling thread does with the pieces, in input order: connections, sums, sinks.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::drive::{self, Happened};
use super::judge;
use super::opened::Opened;
use super::piece::Piece;
use super::scan::{Counted, Outcome, Scan, Sink};
use super::stream::Wanted;
use super::timeline::{Timeline, Trail};
use super::totals::Totals;
use crate::filter::Sessions;

/// The calling thread's work.
pub(super) struct Fold<'f, 's, S> {
    scan: Scan<'s>,
    sink: Option<&'f mut S>,
    control: &'f Arc<Control>,
    /// The log at hand, until it is known that its years were right.
    at_hand: AtHand,
    /// The connections of each jail, which go on from log to log.
    sessions: Vec<Sessions>,
    outcome: Outcome,
}

/// What is known of a log that is being read.
#[derive(Default)]
struct AtHand {
    /// Its name.
    log: String,
    /// Who reads it, and what that came to.
    jails: Vec<(usize, Totals)>,
    trails: Vec<Trail>,
    lines: u64,
}

impl<'f, 's, S: Sink> Fold<'f, 's, S> {
    pub(super) fn new(scan: Scan<'s>, sink: Option<&'f mut S>, control: &'f Arc<Control>) -> Self {
        let jails = scan.jails.iter().map(|_| Counted::default()).collect();
        Self {
            scan,
            sink,
            control,
            at_hand: AtHand::default(),
            sessions: scan.jails.iter().map(|_| Sessions::default()).collect(),
            outcome: Outcome { jails, ..Outcome::default() },
        }
    }

    pub(super) fn take(
        &mut self,
        opened: Option<&Opened<'_>>,
        happened: Happened<Piece>,
    ) -> Result<(), S::Error> {
        match (opened, happened) {
            (Some(opened), Happened::Piece(piece)) => self.piece(opened, piece),
            (Some(opened), Happened::End) => {
                self.end(opened);
                Ok(())
            }
            (_, Happened::Unread(unread)) => {
                // Jails that can't read it together can't read it apart either.
                if !self.outcome.unread.iter().any(|known| known.log == unread.log) {
                    self.outcome.unread.push(unread);
                }
                Ok(())
            }
            (None, _) => Ok(()),
        }
    }

    /// What it all came to.
    pub(super) fn finish(mut self) -> Outcome {
        // The log that was being read when it was stopped.
        self.close();
        Outcome { interrupted: self.control.is_stopped(), ..self.outcome }
    }

    fn piece(&mut self, opened: &Opened<'_>, mut piece: Piece) -> Result<(), S::Error> {
        let Self { scan, sink, control, at_hand, sessions, .. } = self;
        let members = opened.set.members();
        if at_hand.jails.is_empty() {
            let jails = members.iter().map(|member| (member.index, Totals::default())).collect();
            let trails = vec![Trail::default(); piece.trails.len()];
            *at_hand = AtHand { log: opened.info.name.clone(), jails, trails, lines: 0 };
        }
        for (trail, next) in at_hand.trails.iter_mut().zip(std::mem::take(&mut piece.trails)) {
            trail.append(next, piece.base);
        }
        for ((member, mut share), (index, totals)) in
            members.iter().zip(piece.jails).zip(&mut at_hand.jails)
        {
            judge::merge(&mut share, &member.jail, &mut sessions[*index], scan.names, scan.wanted);
            for found in &mut share.matches.lines {
                found.place.line += at_hand.lines;
            }
            control.matched.fetch_add(share.totals.lines.matched, Ordering::Relaxed);
            totals.add(share.totals, scan.wanted.limits);
            if let Some(sink) = sink
                && !share.matches.lines.is_empty()
            {
                sink.take(&opened.info, *index, share.matches)?;
            }
        }
        at_hand.lines += piece.line_ends;
        Ok(())
    }

    /// Closes a log; if its order contradicts the years that were assumed, it is counted once more.
    fn end(&mut self, opened: &Opened<'_>) {
        let timelines = opened.conclude(&self.at_hand.trails, self.scan.wanted);
        let is_wrong = !timelines.is_empty() && !opened.is_placed(&timelines);
        if is_wrong
            && self.sink.is_none()
            && !self.control.is_stopped()
            && let Some(jails) = self.again(opened, timelines)
        {
            self.at_hand.jails = jails;
        }
        self.close();
    }

    /// Adds what was counted in the log at hand to its jails.
    fn close(&mut self) {
        let AtHand { log, jails, .. } = std::mem::take(&mut self.at_hand);
        for (index, totals) in jails {
            let jail = &mut self.outcome.jails[index];
            if totals.gave_up > 0 {
                jail.undecided.push((log.clone(), totals.gave_up));
            }
            jail.totals.add(totals, self.scan.wanted.limits);
        }
    }

    /// Counts a log with these years; `None` if it can't be opened any more.
    fn again(&self, opened: &Opened<'_>, timelines: Vec<Timeline>) -> Option<Vec<(usize, Totals)>> {
        let silent = Arc::default();
        let mut fresh = Opened::open(opened.log, opened.set, &silent).ok()?;
        fresh.place(timelines);
        let members = opened.set.members();
        let mut sums: Vec<(Sessions, Totals)> = members.iter().map(|_| <_>::default()).collect();
        let wanted = Wanted { matches: false, ..self.scan.wanted };
        let logs = std::iter::once(Ok(fresh));
        let ahead = rayon::current_num_threads() * 2 + 2;
        let counted: Result<(), std::convert::Infallible> =
            drive::each(self.scan.finding(), logs, ahead, &silent, &mut |_, happened| {
                let Happened::Piece(piece) = happened else { return Ok(()) };
                for ((member, mut share), (sessions, totals)) in
                    members.iter().zip(piece.jails).zip(&mut sums)
                {
                    judge::merge(&mut share, &member.jail, sessions, self.scan.names, wanted);
                    totals.add(share.totals, wanted.limits);
                }
                Ok(())
            });
        counted.ok()?;
        let indexes = members.iter().map(|member| member.index);
        Some(indexes.zip(sums).map(|(index, (_, totals))| (index, totals)).collect())
    }
}
