//! When each host of a jail was banned.

use std::collections::HashMap;
use std::hash::Hash;

use crate::model::Time;

/// The bans of each host, sorted by their beginning.
#[derive(Clone, Debug)]
pub(super) struct Bans<H>(HashMap<H, Vec<Span>, foldhash::fast::RandomState>);

#[derive(Clone, Copy, Debug)]
struct Span {
    at: Time,
    until: Time,
    /// The latest `until` up to here: bans may overlap, and a search must not walk.
    covered: Time,
}

/// The end of a ban for good.
const NEVER: Time = Time::from_micros(i64::MAX);

impl<H> Default for Bans<H> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<H: Hash + Eq> Bans<H> {
    pub(super) fn add(&mut self, host: H, at: Time, until: Option<Time>) {
        let until = until.unwrap_or(NEVER);
        let spans = self.0.entry(host).or_default();
        let index = spans.partition_point(|span| span.at <= at);
        spans.insert(index, Span { at, until, covered: until });
        cover(spans, index);
    }

    /// Whether a ban has begun at `at` and is not over.
    pub(super) fn is_banned(&self, host: &H, at: Time) -> bool {
        let Some(spans) = self.0.get(host) else { return false };
        let begun = spans.partition_point(|span| span.at <= at);
        begun.checked_sub(1).is_some_and(|last| spans[last].covered > at)
    }

    /// Forgets bans that end at `limit` or before.
    pub(super) fn forget(&mut self, limit: Time) {
        self.0.retain(|_, spans| {
            spans.retain(|span| span.until > limit);
            cover(spans, 0);
            !spans.is_empty()
        });
    }
}

/// Makes `covered` true from `index` on.
fn cover(spans: &mut [Span], index: usize) {
    let mut covered =
        index.checked_sub(1).map_or(Time::from_micros(i64::MIN), |before| spans[before].covered);
    for span in &mut spans[index..] {
        covered = covered.max(span.until);
        span.covered = covered;
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
            limit in prop::option::of(0i64..30),
        ) {
            let at = Time::from_secs;
            let mut all = Bans::default();
            for (start, len) in &bans {
                all.add((), at(*start), len.map(|len| at(start + len)));
            }
            if let Some(limit) = limit {
                all.forget(at(limit));
            }
            for t in limit.unwrap_or(0)..80 {
                let expected = bans
                    .iter()
                    .any(|(start, len)| *start <= t && len.is_none_or(|len| t < start + len));
                prop_assert_eq!(all.is_banned(&(), at(t)), expected, "at {}", t);
            }
        }
    }
}
