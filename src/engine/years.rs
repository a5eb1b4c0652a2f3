//! A first pass that dates and does not match, to learn which years a log's lines are of.
//!
//! What is handed on can't be taken back, so the years have to be known before; see [`timeline`](super::timeline).

use std::sync::Arc;

use memchr::memchr;

use super::dating::{self, Dating};
use super::drive::{self, Happened, Pass};
use super::line::looked_at;
use super::opened::Opened;
use super::reading::Reads;
use super::timeline::Trail;
use super::wanted::Wanted;

/// The dates of one log's lines, and nothing else.
pub(super) struct Dates<'s> {
    datings: Vec<Dating<'s>>,
}

/// The trails of a block, one for each way of dating.
pub(super) struct Trails {
    pub(super) base: u64,
    pub(super) trails: Vec<Trail>,
}

impl<'s> Dates<'s> {
    pub(super) fn new(datings: Vec<Dating<'s>>) -> Self {
        Self { datings }
    }
}

impl Reads for Dates<'_> {
    type Made = Trails;

    /// The trail of a block is that of its own stamps.
    fn look_back(&mut self, _before: &[u8]) {}

    fn block(&mut self, bytes: &[u8], base: u64) -> Trails {
        let trail = |dating: &mut Dating<'_>| trail_of(dating, bytes, base);
        Trails { base, trails: self.datings.iter_mut().map(trail).collect() }
    }

    fn end(&self, _made: &mut Trails, _bytes: &[u8]) {}
}

fn trail_of(dating: &mut Dating<'_>, bytes: &[u8], base: u64) -> Trail {
    let mut trail = Trail::default();
    let mut start = 0;
    while start < bytes.len() {
        let end = memchr(b'\n', &bytes[start..]).map_or(bytes.len(), |at| start + at);
        // Lines of one second teach nothing after the first.
        if trail.is_empty() || !dating.repeats(&bytes[start..]) {
            let (line, _) = looked_at(&bytes[start..end]);
            if !matches!(line, [] | [b'#', ..]) {
                dating.find(line, base + start as u64, &mut trail);
            }
        }
        start = end + 1;
    }
    trail
}

/// The first pass over a log: dates alone.
#[derive(Clone, Copy)]
struct DatesOnly {
    wanted: Wanted,
}

impl Pass for DatesOnly {
    type Made = Trails;
    type Reader<'o> = Dates<'o>;

    fn reader<'o>(&self, opened: &'o Opened<'_>, is_later: bool) -> Dates<'o>
    where
        Self: 'o,
    {
        Dates::new(dating::all(opened.set, self.wanted, |nth| &opened.learnt[nth], is_later))
    }
}

/// Dates a whole log without matching, to learn its years.
pub(super) fn trails(opened: Opened<'_>, wanted: Wanted) -> Vec<Trail> {
    let mut trails = vec![Trail::default(); opened.learnt.len()];
    let ahead = rayon::current_num_threads() * 2 + 2;
    let logs = std::iter::once(Ok(opened));
    let pass = DatesOnly { wanted };
    let result: Result<(), std::convert::Infallible> =
        drive::each_aside(pass, logs, ahead, &Arc::default(), &mut |_, happened| {
            if let Happened::Piece(piece) = happened {
                for (whole, part) in trails.iter_mut().zip(piece.trails) {
                    whole.append(part, piece.base);
                }
            }
            Ok(())
        });
    match result {
        Ok(()) => trails,
        Err(never) => match never {},
    }
}
