//! The pass that finds: for each log a stream, and what it takes to judge what that finds.

use std::sync::Arc;

use super::drive::Pass;
use super::jail::Jail;
use super::judge::Judging;
use super::lookup::Names;
use super::opened::Opened;
use super::piece::Piece;
use super::stream::Stream;
use super::wanted::Wanted;

/// What all tasks of a scan have in common.
#[derive(Clone, Copy)]
pub(super) struct Finding<'s> {
    pub(super) jails: &'s [Arc<Jail>],
    pub(super) names: &'s Names,
    pub(super) wanted: Wanted,
}

impl Finding<'_> {
    pub(super) fn judging<'j>(&'j self, jail: &'j Jail) -> Judging<'j> {
        Judging { jail, names: self.names, wanted: self.wanted }
    }
}

impl Pass for Finding<'_> {
    type Made = Piece;
    type Reader<'o>
        = Stream<'o>
    where
        Self: 'o;

    fn reader<'o>(&self, opened: &'o Opened<'_>, is_later: bool) -> Stream<'o>
    where
        Self: 'o,
    {
        Stream::of_log(opened.set, self.names, self.wanted, &opened.learnt, is_later)
    }
}
