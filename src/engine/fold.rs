//! What the calling thread does with the pieces, in input order: connections, answers, sums, sinks.
//!
//! A piece with a question that nobody has answered yet waits, and those behind it with it, while more are
//! read: one name server that doesn't answer costs one wait, not one a name.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::drive::{self, Happened};
use super::finding::Finding;
use super::opened::Opened;
use super::outcome::{Counted, Outcome, Sink};
use super::piece::Piece;
use super::set::Member;
use super::timeline::{Timeline, Trail};
use super::totals::Totals;
use super::wanted::Wanted;
use crate::filter::Sessions;

/// What may wait for an answer before it is waited for: some 200,000 matched lines, if they are of usual length.
const WAITING_MAX: usize = 200_000;

/// The calling thread's work.
pub(super) struct Fold<'f, 's, 'l, S> {
    finding: Finding<'s>,
    sink: Option<&'f mut S>,
    control: &'f Arc<Control>,
    /// What can't be handed on before the answer to a question is there, and what comes behind it.
    waiting: VecDeque<(Arc<Opened<'l>>, Option<Piece>)>,
    /// What it weighs.
    weight: usize,
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
    /// Lines of which only the beginning was looked at.
    cut_lines: u64,
}

impl<'f, 's, 'l, S: Sink> Fold<'f, 's, 'l, S> {
    pub(super) fn new(
        finding: Finding<'s>,
        sink: Option<&'f mut S>,
        control: &'f Arc<Control>,
    ) -> Self {
        let jails = finding.jails.iter().map(|_| Counted::default()).collect();
        Self {
            finding,
            sink,
            control,
            waiting: VecDeque::new(),
            weight: 0,
            at_hand: AtHand::default(),
            sessions: finding.jails.iter().map(|jail| Sessions::of(&jail.filter)).collect(),
            outcome: Outcome { jails, ..Outcome::default() },
        }
    }

    pub(super) fn take(
        &mut self,
        opened: Option<&Arc<Opened<'l>>>,
        happened: Happened<Piece>,
    ) -> Result<(), S::Error> {
        match (opened, happened) {
            (Some(opened), Happened::Piece(mut piece)) => {
                for (member, share) in opened.set.members().iter().zip(&mut piece.jails) {
                    let sessions = &mut self.sessions[member.index];
                    self.finding.judging(&member.jail).merge(share, sessions);
                    piece.weight += share.weight();
                }
                self.weight += piece.weight;
                self.waiting.push_back((Arc::clone(opened), Some(piece)));
            }
            (Some(opened), Happened::End) => self.waiting.push_back((Arc::clone(opened), None)),
            (_, Happened::Unread(unread)) => {
                // Jails that can't read it together can't read it apart either.
                if !self.outcome.unread.iter().any(|known| known.log == unread.log) {
                    self.outcome.unread.push(unread);
                }
            }
            (None, _) => {}
        }
        self.hand_on(WAITING_MAX)
    }

    /// What it all came to.
    pub(super) fn finish(mut self) -> Result<Outcome, S::Error> {
        self.hand_on(0)?;
        // The log that was being read when it was stopped.
        self.close();
        Ok(Outcome { interrupted: self.control.is_stopped(), ..self.outcome })
    }

    /// Hands on what waits for nothing, and as much of the rest as makes it weigh no more than `most`.
    fn hand_on(&mut self, most: usize) -> Result<(), S::Error> {
        while let Some((opened, piece)) = self.waiting.front_mut() {
            let Self { finding, .. } = self;
            let is_open = |piece: &mut Piece| {
                let mut all = opened.set.members().iter().zip(&mut piece.jails);
                all.any(|(member, share)| finding.judging(&member.jail).is_open(share))
            };
            if most > 0 && self.weight <= most && piece.as_mut().is_some_and(is_open) {
                return Ok(());
            }
            match self.waiting.pop_front() {
                Some((opened, Some(piece))) => self.piece(&opened, piece)?,
                Some((opened, None)) => self.end(&opened),
                None => {}
            }
        }
        Ok(())
    }

    fn piece(&mut self, opened: &Opened<'_>, mut piece: Piece) -> Result<(), S::Error> {
        let Self { finding, sink, control, at_hand, outcome, .. } = self;
        self.weight -= piece.weight;
        let members = opened.set.members();
        if at_hand.jails.is_empty() {
            let jails = members.iter().map(|member| (member.index, Totals::default())).collect();
            let trails = vec![Trail::default(); piece.trails.len()];
            let log = opened.info.name.clone();
            // Jails that can't read it together find it odd twice.
            if let Some(oddity) = opened.oddity
                && !outcome.odd.iter().any(|(known, _)| *known == log)
            {
                outcome.odd.push((log.clone(), oddity));
            }
            *at_hand = AtHand { log, jails, trails, ..AtHand::default() };
        }
        for (trail, next) in at_hand.trails.iter_mut().zip(std::mem::take(&mut piece.trails)) {
            trail.append(next, piece.base);
        }
        for ((member, mut share), (index, totals)) in
            members.iter().zip(piece.jails).zip(&mut at_hand.jails)
        {
            finding.judging(&member.jail).settle(&mut share);
            for found in &mut share.matches.lines {
                found.place.line += at_hand.lines;
            }
            control.matched.fetch_add(share.totals.lines.matched, Ordering::Relaxed);
            totals.add(share.totals, finding.wanted.limits);
            if let Some(sink) = sink
                && !share.matches.lines.is_empty()
            {
                sink.take(&opened.info, *index, share.matches)?;
            }
        }
        at_hand.lines += piece.line_ends;
        at_hand.cut_lines += piece.cut_lines;
        Ok(())
    }

    /// Closes a log; if its order contradicts the years that were assumed, it is counted once more.
    fn end(&mut self, opened: &Opened<'_>) {
        let timelines = opened.conclude(&self.at_hand.trails, self.finding.wanted);
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
        let AtHand { log, jails, cut_lines, .. } = std::mem::take(&mut self.at_hand);
        if cut_lines > 0 && !self.outcome.cut.iter().any(|(known, _)| *known == log) {
            self.outcome.cut.push((log.clone(), cut_lines));
        }
        for (index, totals) in jails {
            let jail = &mut self.outcome.jails[index];
            if totals.gave_up > 0 {
                jail.undecided.push((log.clone(), totals.gave_up));
            }
            jail.totals.add(totals, self.finding.wanted.limits);
        }
    }

    /// Counts a log with these years; `None` if it can't be opened any more.
    fn again(&self, opened: &Opened<'_>, timelines: Vec<Timeline>) -> Option<Vec<(usize, Totals)>> {
        let silent = Arc::default();
        let wanted = Wanted { matches: false, ..self.finding.wanted };
        let mut fresh = Opened::open(opened.log, opened.set, wanted, &silent).ok()?;
        fresh.place(timelines);
        let members = opened.set.members();
        let nothing = |member: &Member| (Sessions::of(&member.jail.filter), Totals::default());
        let mut sums: Vec<(Sessions, Totals)> = members.iter().map(nothing).collect();
        let finding = Finding { wanted, ..self.finding };
        let logs = std::iter::once(Ok(fresh));
        let ahead = rayon::current_num_threads() * 2 + 2;
        let counted: Result<(), std::convert::Infallible> =
            drive::each(finding, logs, ahead, &silent, &mut |_, happened| {
                let Happened::Piece(piece) = happened else { return Ok(()) };
                for ((member, mut share), (sessions, totals)) in
                    members.iter().zip(piece.jails).zip(&mut sums)
                {
                    let judging = finding.judging(&member.jail);
                    judging.merge(&mut share, sessions);
                    judging.settle(&mut share);
                    totals.add(share.totals, wanted.limits);
                }
                Ok(())
            });
        counted.ok()?;
        let indexes = members.iter().map(|member| member.index);
        Some(indexes.zip(sums).map(|(index, (_, totals))| (index, totals)).collect())
    }
}
