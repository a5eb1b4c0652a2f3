//! What the hits of one line come to: whose failure it is, or none.
//!
//! The same for a line by itself and for one that its connection lends an address. Where several
//! failregexes were tried, the first that makes a failure counts; a line that one of them calls context
//! (`nofail`) is reported as ignored, as `fail2ban-regex` does.

use super::jail::Jail;
use super::lookup::{self, Names};
use super::piece::Share;
use super::stream::Wanted;
use super::totals::HitNote;
use crate::config::UseDns;
use crate::filter::{Filter, Hit, Id, Merged, Sessions};
use crate::model::{Addr, Host, Match, Time};

/// One hit, or what it became together with its connection.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a hit")]
pub(super) struct Seen {
    pub(super) regex: usize,
    id: Option<Host>,
    is_dns: bool,
    addr: Option<Addr>,
    nofail: bool,
    /// Nobody is identified yet.
    is_pending: bool,
    is_invalid: bool,
    users: Vec<String>,
    fields: Vec<(String, String)>,
}

impl Seen {
    /// A hit that stands for itself; `text` is what its ranges are of.
    pub(super) fn of(hit: &Hit, filter: &Filter, text: &[u8]) -> Self {
        let name = |range: &std::ops::Range<usize>| {
            Host::Name(String::from_utf8_lossy(&text[range.clone()]).into())
        };
        let fields = hit.fields(filter, text);
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
            users: Vec::new(),
            fields: fields.map(|(name, value)| (name.to_owned(), value.into_owned())).collect(),
        }
    }

    fn merged(regex: usize, merged: Merged) -> Self {
        Self {
            regex,
            id: merged.id,
            is_dns: merged.is_dns,
            addr: merged.addr,
            nofail: merged.nofail,
            is_pending: merged.is_pending,
            is_invalid: false,
            users: merged.users,
            fields: merged.fields,
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

/// Decides what a line is, whose hits are `seen` (at least one), and completes `line`.
pub(super) fn judge(
    line: &mut Match,
    mut seen: Vec<Seen>,
    usedns: UseDns,
    names: &Names,
) -> Outcome {
    for seen in &mut seen {
        seen.id = seen.id.take().map(|id| lookup::identified(usedns, id));
    }
    let has_context = seen.iter().any(|seen| seen.nofail);
    let is_pending = seen.iter().any(|seen| seen.is_pending && !seen.nofail);
    line.regex = seen.first().map_or(0, |first| first.regex);
    let failures: Vec<Vec<Host>> =
        seen.iter().map(|seen| failures_of(seen, usedns, names)).collect();
    let deciding = failures.iter().position(|failures| !failures.is_empty());
    line.nofail = deciding.is_none();
    if let Some(seen) = seen.into_iter().nth(deciding.unwrap_or(0)) {
        line.host = seen.addr.map(Host::Addr).or_else(|| seen.id.clone());
        line.id = seen.id;
        line.fields = seen.fields;
        line.users = seen.users;
    }
    line.failures = failures.into_iter().nth(deciding.unwrap_or(0)).unwrap_or_default();
    match (has_context, deciding.is_some() || is_pending) {
        (true, _) => Outcome::Ignored,
        (false, true) => Outcome::Matched,
        (false, false) => Outcome::Missed,
    }
}

fn failures_of(seen: &Seen, usedns: UseDns, names: &Names) -> Vec<Host> {
    match &seen.id {
        Some(id) if !seen.nofail => names.failures_of(usedns, id, seen.is_dns),
        _ => Vec::new(),
    }
}

/// Notes hits for the verbose report, and ids that are none.
pub(super) fn note(seen: &[Seen], at: Option<Time>, keep_hits: bool, share: &mut Share) {
    for hit in seen {
        share.totals.invalid_ids += u64::from(hit.is_invalid);
        if keep_hits {
            share.totals.hits.push(HitNote {
                regex: hit.regex,
                id: hit.id.as_ref().map(ToString::to_string).unwrap_or_default(),
                at,
                multiple: seen.len() > 1,
            });
        }
    }
}

/// Merges a jail's hits of a piece into its connections, in line order, and counts what they come to; nothing
/// is left to do for a filter without connections.
pub(super) fn merge(
    share: &mut Share,
    jail: &Jail,
    sessions: &mut Sessions,
    names: &Names,
    wanted: Wanted,
) {
    if share.hits.is_empty() {
        return;
    }
    let mut matches = std::mem::take(&mut share.matches);
    let hits = std::mem::take(&mut share.hits);
    for (line, hits) in matches.lines.iter_mut().zip(&hits) {
        let seen: Vec<Seen> = hits
            .iter()
            .map(|hit| Seen::merged(hit.regex(), sessions.merge(hit, line.place.offset)))
            .collect();
        note(&seen, line.time, wanted.hits, share);
        let outcome = judge(line, seen, jail.usedns, names);
        share.count(outcome, &matches.texts[line.text.clone()], line, wanted.limits);
    }
    share.matches = matches;
}
