//! What is known of a matched line before it can be said whose failure it is.

use crate::filter::{Filter, Hit, Id, Merged};
use crate::model::{Addr, Fields, Host, Match};

/// One hit, or what it became together with its connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a hit")]
pub(super) struct Seen {
    pub(super) regex: usize,
    pub(super) id: Option<Host>,
    pub(super) is_dns: bool,
    pub(super) addr: Option<Addr>,
    pub(super) nofail: bool,
    /// Nobody is identified yet.
    pub(super) is_pending: bool,
    pub(super) is_invalid: bool,
    /// Whether the expression caught who is meant, or would be.
    pub(super) has_identity: bool,
    /// How many lines make up the failure.
    pub(super) attempts: u64,
    pub(super) users: Vec<String>,
    pub(super) fields: Fields,
}

impl Seen {
    /// A hit that stands for itself; `text` is what its ranges are of.
    pub(super) fn of(hit: &Hit, filter: &Filter, text: &[u8]) -> Self {
        let name = |range: &std::ops::Range<usize>| {
            Host::Name(String::from_utf8_lossy(&text[range.clone()]).into())
        };
        Self {
            regex: hit.regex,
            id: hit.id.as_ref().map(|id| match id {
                Id::Addr(addr) => Host::Addr(*addr),
                Id::Dns(range) | Id::Other(range) => name(range),
                Id::Tuple(text) => Host::Name(text.as_str().into()),
            }),
            is_dns: hit.is_dns(),
            addr: hit.addr(),
            nofail: hit.nofail,
            is_pending: false,
            is_invalid: hit.has_invalid_id(),
            has_identity: hit.has_identity(),
            attempts: 1,
            users: Vec::new(),
            fields: filter.fields(hit, text).collect(),
        }
    }

    pub(super) fn merged(regex: usize, merged: &Merged<'_>) -> Self {
        let said = merged.said.clone();
        Self {
            regex,
            id: said.id,
            is_dns: said.is_dns,
            addr: said.addr,
            nofail: said.nofail,
            is_pending: said.is_pending,
            is_invalid: false,
            has_identity: true,
            attempts: said.lines,
            users: merged.users(),
            fields: merged.fields(),
        }
    }
}

/// What a line is counted as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Matched,
    Ignored,
    Missed,
}

/// A line of which it can't be said yet whose failure it is.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) line: Match,
    pub(super) seen: Vec<Seen>,
}
