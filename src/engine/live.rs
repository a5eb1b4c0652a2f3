//! A log as it is written: the same per-line core, one block or one entry of a journal after the other.
//!
//! Nothing runs in parallel here and nothing is put in order: what comes in is judged before the call returns.

use super::judge::Judging;
use super::lookup::Names;
use super::piece::Piece;
use super::set::JailSet;
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

    /// Reads the whole lines in `bytes`, which stand at `base`: for each jail of the set, what was counted and
    /// what matched. Of a line longer than [`LINE_MAX_BYTES`](crate::source::LINE_MAX_BYTES), more than a byte
    /// beyond that need not be there.
    pub fn block(&mut self, bytes: &[u8], base: u64) -> Vec<(Totals, Matches)> {
        let piece = self.stream.block(bytes, base);
        self.judge(piece)
    }

    /// Reads an entry of a journal, which has its time beside it.
    pub fn entry(&mut self, text: &[u8], time: Time) -> Vec<(Totals, Matches)> {
        let piece = self.stream.entry(text, time);
        self.judge(piece)
    }

    fn judge(&mut self, piece: Piece) -> Vec<(Totals, Matches)> {
        let mut judged = Vec::with_capacity(piece.jails.len());
        for ((member, mut share), sessions) in
            self.set.members().iter().zip(piece.jails).zip(&mut self.sessions)
        {
            let judging = Judging { jail: &member.jail, names: self.names, wanted: self.wanted };
            judging.merge(&mut share, sessions);
            judging.settle(&mut share);
            for found in &mut share.matches.lines {
                found.place.line += self.lines;
            }
            judged.push((share.totals, share.matches));
        }
        self.lines += piece.line_ends;
        judged
    }
}
