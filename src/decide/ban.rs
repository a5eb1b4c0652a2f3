//! When each host of a jail was banned.

use std::collections::HashMap;
use std::hash::Hash;

use super::Prolonged;
use crate::model::Time;

/// The bans of each host.
#[derive(Clone, Debug)]
pub(super) struct Bans<H>(HashMap<H, Banned, foldhash::fast::RandomState>);

/// The bans of one host.
#[derive(Clone, Debug)]
struct Banned {
    /// Sorted by their beginning.
    spans: Vec<Span>,
    /// When one of them was last ended by somebody.
    lifted: Time,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    at: Time,
    until: Time,
    /// The place of the one up to here that is over last: bans may overlap, and a search must not walk.
    last: usize,
}

/// A ban in force: of several the one that is over last.
pub(super) struct InForce {
    pub(super) at: Time,
    pub(super) until: Option<Time>,
    /// Whether failures up to that instant may make it longer.
    pub(super) may_grow: bool,
}

/// The end of a ban for good.
const NEVER: Time = Time::from_micros(i64::MAX);

impl<H> Default for Bans<H> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl Default for Banned {
    fn default() -> Self {
        Self { spans: Vec::new(), lifted: Time::from_micros(i64::MIN) }
    }
}

impl<H: Hash + Eq> Bans<H> {
    pub(super) fn add(&mut self, host: H, at: Time, until: Option<Time>) {
        let until = until.unwrap_or(NEVER);
        let spans = &mut self.0.entry(host).or_default().spans;
        let index = spans.partition_point(|span| span.at <= at);
        spans.insert(index, Span { at, until, last: index });
        cover(spans, index);
    }

    /// A ban of the host was ended by somebody.
    pub(super) fn lifted(&mut self, host: H, at: Time) {
        let banned = self.0.entry(host).or_default();
        banned.lifted = banned.lifted.max(at);
    }

    /// The ban that has begun at `at` and is not over.
    pub(super) fn last_to_end(&self, host: &H, at: Time) -> Option<InForce> {
        let Banned { spans, lifted } = self.0.get(host)?;
        let begun = spans.partition_point(|span| span.at <= at).checked_sub(1)?;
        let span = spans[spans[begun].last];
        let until = (span.until < NEVER).then_some(span.until);
        // Failures of the instant at which a ban began led to it.
        let may_grow = spans[begun].at < at && *lifted <= at;
        (span.until > at).then_some(InForce { at: span.at, until, may_grow })
    }

    /// Makes the ban last until then that began at `at`: what it was before.
    pub(super) fn prolong(&mut self, host: &H, at: Time, until: Option<Time>) -> Option<Prolonged> {
        let spans = &mut self.0.get_mut(host)?.spans;
        // Of several that began then, the one that was over last; the first of them if they are over at once.
        let begun = spans.partition_point(|span| span.at <= at).checked_sub(1)?;
        let index = spans[begun].last;
        let span = spans.get_mut(index).filter(|span| span.at == at)?;
        let before = std::mem::replace(&mut span.until, until.unwrap_or(NEVER));
        cover(spans, index);
        Some(Prolonged { at, until: before })
    }

    /// Forgets bans that end at `limit` or before.
    pub(super) fn forget(&mut self, limit: Time) {
        self.0.retain(|_, Banned { spans, .. }| {
            spans.retain(|span| span.until > limit);
            cover(spans, 0);
            !spans.is_empty()
        });
    }
}

/// Makes `last` true from `index` on.
fn cover(spans: &mut [Span], index: usize) {
    let mut last = index.checked_sub(1).map_or(index, |before| spans[before].last);
    for place in index..spans.len() {
        if spans[place].until > spans[last].until {
            last = place;
        }
        spans[place].last = last;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_host_is_banned_when_one_of_its_bans_says_so(
            bans in prop::collection::vec((0i64..50, prop::option::of(0i64..20)), 0..8),
            longer in prop::option::of((0usize..8, 0i64..30)),
            limit in prop::option::of(0i64..30),
        ) {
            let at = Time::from_secs;
            let mut all = Bans::default();
            // A jail has one ban of a host that began at the same time.
            let mut bans: std::collections::BTreeMap<i64, Option<i64>> =
                bans.into_iter().map(|(start, len)| (start, len.map(|len| start + len))).collect();
            for (start, until) in &bans {
                all.add((), at(*start), until.map(at));
            }
            if let Some((index, more)) = longer
                && let Some(start) = bans.keys().nth(index).copied()
                && let Some(ban) = all.last_to_end(&(), at(start))
                && let Some(until) = ban.until
            {
                let before = all.prolong(&(), ban.at, Some(until.plus_micros(more * 1_000_000)));
                prop_assert_eq!(before, Some(Prolonged { at: ban.at, until }));
                bans.insert(ban.at.secs(), Some(until.secs() + more));
            }
            if let Some(limit) = limit {
                all.forget(at(limit));
            }
            for t in limit.unwrap_or(0)..110 {
                let begun = bans.iter().filter(|(start, _)| **start <= t);
                let ends = begun.map(|(_, until)| until.unwrap_or(i64::MAX));
                let expected = ends.max().filter(|end| *end > t);
                let found = all.last_to_end(&(), at(t));
                let found = found.map(|ban| ban.until.map_or(i64::MAX, Time::secs));
                prop_assert_eq!(found, expected, "at {}", t);
            }
        }
    }
}
