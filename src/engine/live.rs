//! A log as it is written: the same per-line core, one block or one entry of a journal after the other.
//!
//! Nothing runs in parallel here and nothing is put in order. What comes in is judged before the call returns or, for who
//! must not stand still, as soon as the questions about it are answered.

use super::judge::Judging;
use super::lookup::Names;
use super::piece::Piece;
use super::set::{JailSet, Member};
use super::stream::Stream;
use super::totals::Totals;
use super::wanted::Wanted;
use crate::filter::Sessions;
use crate::model::{Matches, Time};

/// The state of one log and the jails that read it.
pub struct Live<'s> {
    set: &'s JailSet,
    names: &'s Names,
    wanted: Wanted,
    stream: Stream<'s>,
    /// The connections of each jail.
    sessions: Vec<Sessions>,
    /// Lines so far.
    lines: u64,
}

impl<'s> Live<'s> {
    /// At the beginning of a log.
    pub fn new(set: &'s JailSet, names: &'s Names, wanted: Wanted) -> Self {
        let sessions = set.members().iter().map(|member| Sessions::of(&member.jail.filter));
        let stream = Stream::new(set, names, wanted);
        Self { set, names, wanted, stream, sessions: sessions.collect(), lines: 0 }
    }

    /// What it is from now on: of this time are dates that name no year, and questions about hosts.
    pub fn set_now(&mut self, now: Time) {
        self.wanted.now = now;
        self.stream.set_now(now);
    }

    /// How many lines are before the next one.
    pub(super) fn set_lines(&mut self, lines: u64) {
        self.lines = lines;
    }

    /// How many lines were before it, and were read.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Reads the whole lines in `bytes`, which stand at `base`: for each jail of the set, what was counted and
    /// what matched. Of a line longer than [`LINE_MAX_BYTES`](crate::source::LINE_MAX_BYTES), more than a byte
    /// beyond that need not be there.
    pub fn block(&mut self, bytes: &[u8], base: u64) -> Vec<(Totals, Matches)> {
        let taken = self.take(bytes, base);
        self.settle(taken)
    }

    /// Reads an entry of a journal, which has its time beside it.
    pub fn entry(&mut self, text: &[u8], time: Time) -> Vec<(Totals, Matches)> {
        let taken = self.take_entry(text, time);
        self.settle(taken)
    }

    /// As [`block`](Self::block); what it comes to may wait for answers.
    pub(super) fn take(&mut self, bytes: &[u8], base: u64) -> Taken {
        let piece = self.stream.block(bytes, base);
        self.merged(piece)
    }

    /// As [`entry`](Self::entry); what it comes to may wait for answers.
    pub(super) fn take_entry(&mut self, text: &[u8], time: Time) -> Taken {
        let piece = self.stream.entry(text, time);
        self.merged(piece)
    }

    fn merged(&mut self, mut piece: Piece) -> Taken {
        for ((member, share), sessions) in
            self.set.members().iter().zip(&mut piece.jails).zip(&mut self.sessions)
        {
            let judging = Judging { jail: &member.jail, names: self.names, wanted: self.wanted };
            judging.merge(share, sessions);
        }
        let before = self.lines;
        self.lines += piece.line_ends;
        Taken { piece, before }
    }

    /// Whether a question about what was taken is still open; asks the next ones.
    pub(super) fn is_open(&self, taken: &mut Taken) -> bool {
        let mut all = self.set.members().iter().zip(&mut taken.piece.jails);
        all.any(|(member, share)| self.judging(member).is_open(share))
    }

    /// What was taken came to; waits for answers that are not there.
    pub(super) fn settle(&self, taken: Taken) -> Vec<(Totals, Matches)> {
        let Taken { piece, before } = taken;
        let mut judged = Vec::with_capacity(piece.jails.len());
        for (member, mut share) in self.set.members().iter().zip(piece.jails) {
            self.judging(member).settle(&mut share);
            for found in &mut share.matches.lines {
                found.place.line += before;
            }
            judged.push((share.totals, share.matches));
        }
        judged
    }

    fn judging<'j>(&'j self, member: &'j Member) -> Judging<'j> {
        Judging { jail: &member.jail, names: self.names, wanted: self.wanted }
    }
}

/// What a block came to, if there is no question open about it.
pub(super) struct Taken {
    piece: Piece,
    /// How many lines were before it.
    before: u64,
}
