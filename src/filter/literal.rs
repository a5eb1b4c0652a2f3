//! Candidate lines in a whole buffer: those with a text that no match can do without.
//!
//! A failregex such as `password fail .* from <HOST>` can only match where `password fail ` stands. The
//! literals that an expression needs are taken from its syntax tree; a buffer of many lines is searched
//! for them at once, by vector instructions, and lines without one never meet a regular expression.
//! Sound because every string found here is part of *every* match; where that can't be said in a few
//! strings, or only in strings too short to tell lines apart, there are no candidates and every line is
//! examined.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind, packed};
use memchr::memmem::Finder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// More strings than this for one place of an expression tell too little.
const SET_MAX: usize = 32;
/// Shorter strings stand in too many lines.
const LEN_MIN_BYTES: usize = 3;
/// More strings than this in all slow down the search for them.
const TOTAL_MAX: usize = 256;

/// Strings of which every matching line contains one.
#[derive(Debug)]
pub struct Candidates {
    search: Search,
    max_len: usize,
    /// What is searched for, sorted.
    strings: Vec<Vec<u8>>,
}

/// A search that goes ahead of who reads the lines of a buffer, but not far: what was searched is still in the
/// processor's own memory when its lines are looked at.
#[derive(Debug)]
pub struct Lookout<'c> {
    candidates: &'c Candidates,
    haystack: &'c [u8],
    clear: usize,
    is_found: bool,
}

/// How far it goes: half of what a core's nearest memory holds, for there are filters in it, too.
const AHEAD_BYTES: usize = 16 << 10;

#[derive(Debug)]
enum Search {
    One(Box<Finder<'static>>),
    /// Vector instructions look for all of them at once.
    Few(Box<packed::Searcher>),
    Many(Box<AhoCorasick>),
}

/// Strings up to which vector instructions beat an automaton; beyond, they find too much that isn't one.
const PACKED_MAX: usize = 24;

impl Candidates {
    /// What lines must contain for one of `expressions` to match; `None` if that can't be told, or there
    /// are no expressions.
    pub(super) fn of<'e>(expressions: impl IntoIterator<Item = &'e Literals>) -> Option<Self> {
        let mut strings = Vec::new();
        for literals in expressions {
            strings.extend_from_slice(literals.best()?);
        }
        strings.sort();
        strings.dedup();
        if strings.len() > TOTAL_MAX {
            return None;
        }
        Self::searching(strings)
    }

    /// What lines must contain for an expression to match, at each of two places of it: the rarer may be either.
    pub(super) fn both_of(literals: &Literals) -> [Option<Self>; 2] {
        literals.0.each_ref().map(|set| Self::searching(set.clone()?))
    }

    fn searching(mut strings: Vec<Vec<u8>>) -> Option<Self> {
        strings.sort();
        strings.dedup();
        let max_len = strings.iter().map(Vec::len).max()?;
        let search = match &strings[..] {
            [one] => Search::One(Box::new(Finder::new(one).into_owned())),
            few if few.len() <= PACKED_MAX
                && let Some(searcher) = packed::Searcher::new(few) =>
            {
                Search::Few(Box::new(searcher))
            }
            many => Search::Many(Box::new(
                AhoCorasickBuilder::new()
                    .match_kind(MatchKind::LeftmostFirst)
                    .kind(Some(AhoCorasickKind::DFA))
                    .build(many)
                    .ok()?,
            )),
        };
        Some(Self { search, max_len, strings })
    }

    /// What lines must contain to be candidates of any of several; `None` if there are none. However many
    /// strings that makes, one search for all is quicker than several.
    pub fn union<'c>(several: impl IntoIterator<Item = &'c Self>) -> Option<Self> {
        Self::searching(several.into_iter().flat_map(|one| one.strings.iter().cloned()).collect())
    }

    /// Where the next of the strings begins, at `from` or after it.
    pub fn find(&self, haystack: &[u8], from: usize) -> Option<usize> {
        let rest = haystack.get(from..)?;
        let at = match &self.search {
            Search::One(finder) => finder.find(rest)?,
            Search::Few(strings) => strings.find(rest)?.start(),
            Search::Many(strings) => strings.find(rest)?.start(),
        };
        Some(from + at)
    }

    /// A search of `haystack` that goes just ahead of who reads its lines.
    pub fn lookout<'c>(&'c self, haystack: &'c [u8]) -> Lookout<'c> {
        let mut lookout = Lookout { candidates: self, haystack, clear: 0, is_found: false };
        lookout.look_on(0);
        lookout
    }

    /// Whether one of the strings stands in `text`.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.find(text, 0).is_some()
    }

    /// Bytes of the longest string.
    pub fn max_len(&self) -> usize {
        self.max_len
    }
}

impl Lookout<'_> {
    /// No string begins before this that was not [passed](Self::passes).
    pub fn clear(&self) -> usize {
        self.clear
    }

    /// Goes on to `end`: whether a string begins between the end before and this one.
    pub fn passes(&mut self, end: usize) -> bool {
        while !self.is_found && self.clear < end {
            self.look_on(self.clear);
        }
        let is_found = self.clear < end;
        if is_found {
            self.look_on(end);
        }
        is_found
    }

    fn look_on(&mut self, from: usize) {
        let len = self.haystack.len();
        let end = len.min(from + AHEAD_BYTES);
        // What begins before the end may end behind it.
        let reach = len.min(end + self.candidates.max_len() - 1);
        let found = self.candidates.find(&self.haystack[..reach], from);
        self.is_found = found.is_some();
        self.clear = found.unwrap_or(end);
    }
}

/// What every match of an expression contains one of, at each of two places of it, if that can be told.
#[derive(Debug)]
pub(super) struct Literals([Option<Vec<Vec<u8>>>; 2]);

impl Literals {
    pub(super) fn of(expression: &Hir) -> Self {
        let needs = Needs::of(expression);
        Self([needs.best, needs.second].map(|set| set.map(|set| set.0)))
    }

    /// Those that tell lines apart best.
    pub(super) fn best(&self) -> Option<&[Vec<u8>]> {
        self.0[0].as_deref()
    }
}

/// Alternatives for one place of a match.
#[derive(Clone, Debug)]
struct Set(Vec<Vec<u8>>);

impl Set {
    /// How well it tells lines apart: by its shortest string, then by how few they are.
    fn rank(&self) -> (usize, usize) {
        let shortest = self.0.iter().map(Vec::len).min().unwrap_or(0);
        (shortest.min(16), usize::MAX - self.0.len())
    }

    fn is_useful(&self) -> bool {
        self.0.iter().all(|string| string.len() >= LEN_MIN_BYTES)
            // A newline ends the line that is looked at; a lossily decoded byte isn't in the log.
            && !self.0.iter().any(|s| s.contains(&b'\n') || s.windows(3).any(|w| w == "\u{fffd}".as_bytes()))
    }

    /// Every string of `self` followed by every one of `other`, if those are few.
    fn followed_by(&self, other: &Self) -> Option<Self> {
        if self.0.len() * other.0.len() > SET_MAX {
            return None;
        }
        let pairs =
            self.0.iter().flat_map(|a| other.0.iter().map(move |b| [&a[..], &b[..]].concat()));
        Some(Self(pairs.collect()))
    }
}

/// What a piece of an expression tells.
struct Needs {
    /// All texts it can match, if they are few.
    exact: Option<Set>,
    /// The best set of strings of which each of its matches contains one.
    best: Option<Set>,
    /// The best of another place.
    second: Option<Set>,
}

impl Needs {
    fn nothing() -> Self {
        Self { exact: None, best: None, second: None }
    }

    fn exactly(set: Set) -> Self {
        let best = set.is_useful().then(|| set.clone());
        Self { exact: Some(set), best, second: None }
    }

    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::exactly(Set(vec![Vec::new()])),
            HirKind::Literal(literal) => Self::exactly(Set(vec![literal.0.to_vec()])),
            HirKind::Class(class) => members(class).map_or_else(Self::nothing, Self::exactly),
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Repetition(repetition) => match (repetition.min, repetition.max) {
                (0, Some(1)) => Self::optional(Self::of(&repetition.sub)),
                (0, _) => Self::nothing(),
                (1, Some(1)) => Self::of(&repetition.sub),
                _ => Self { exact: None, ..Self::of(&repetition.sub) },
            },
            HirKind::Concat(parts) => Self::sequence(parts),
            HirKind::Alternation(branches) => Self::either(branches),
        }
    }

    fn optional(inner: Self) -> Self {
        let exact = inner.exact.filter(|set| set.0.len() < SET_MAX).map(|mut set| {
            set.0.push(Vec::new());
            set
        });
        Self { exact, best: None, second: None }
    }

    fn sequence(parts: &[Hir]) -> Self {
        // Each with a number of its place: a run of texts and what that is made of are of the same.
        let mut offers: Vec<(usize, Set)> = Vec::new();
        let (mut run, mut place) = (Set(vec![Vec::new()]), 0);
        let mut is_whole = true;
        for part in parts {
            let needs = Self::of(part);
            let longer = needs.exact.as_ref().and_then(|set| run.followed_by(set));
            let mut own = place;
            if let Some(longer) = longer {
                run = longer;
            } else {
                is_whole = false;
                offers.push((place, run));
                own += 2;
                place = own + if needs.exact.is_some() { 0 } else { 2 };
                run = needs.exact.unwrap_or_else(|| Set(vec![Vec::new()]));
            }
            offers.extend(needs.best.map(|set| (own, set)));
            offers.extend(needs.second.map(|set| (own + 1, set)));
        }
        offers.push((place, run.clone()));
        offers.retain(|(_, set)| set.is_useful());
        // Of equals the first.
        let best = offers.iter().rev().max_by_key(|(_, set)| set.rank()).cloned();
        let others = offers.into_iter().rev();
        let others = others.filter(|(place, _)| best.as_ref().is_some_and(|best| best.0 != *place));
        let second = others.max_by_key(|(_, set)| set.rank());
        let exact = is_whole.then_some(run);
        Self { exact, best: best.map(|(_, set)| set), second: second.map(|(_, set)| set) }
    }

    fn either(branches: &[Hir]) -> Self {
        let needs: Vec<Self> = branches.iter().map(Self::of).collect();
        let union = |sets: Option<Vec<&Set>>| {
            let strings: Vec<_> = sets?.into_iter().flat_map(|set| set.0.iter().cloned()).collect();
            (strings.len() <= SET_MAX).then_some(Set(strings))
        };
        let exact = union(needs.iter().map(|n| n.exact.as_ref()).collect());
        let best = union(needs.iter().map(|n| n.best.as_ref()).collect());
        let second = union(needs.iter().map(|n| n.second.as_ref()).collect());
        Self { exact, best, second }
    }
}

/// The characters of a small class.
fn members(class: &Class) -> Option<Set> {
    let Class::Unicode(class) = class else { return None };
    let len: usize = class.iter().map(regex_syntax::hir::ClassUnicodeRange::len).sum();
    if len > 4 {
        return None;
    }
    let chars = class.iter().flat_map(|range| range.start()..=range.end());
    Some(Set(chars.map(|c| c.to_string().into_bytes()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hir(expression: &str) -> Literals {
        Literals::of(&regex_syntax::parse(expression).expect("parses"))
    }

    fn strings(expression: &str) -> Option<Vec<String>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        hir(expression).best().map(|set| set.iter().cloned().map(text).collect())
    }

    #[test]
    fn the_longest_run_of_literals_is_needed() {
        assert_eq!(strings("^.*foo: barbaz x*? from (.*)$"), Some(vec!["foo: barbaz ".into()]));
        assert_eq!(strings(r"^(?:a b)?\d+\.c$"), None);
    }

    #[test]
    fn alternatives_are_all_needed() {
        assert_eq!(
            strings("user (?:un)?known .*"),
            Some(vec!["user unknown ".into(), "user known ".into()])
        );
        assert_eq!(strings("foo.*|bar.*"), Some(vec!["foo".into(), "bar".into()]));
        assert_eq!(strings("foo.*|.*"), None);
    }

    #[test]
    fn another_place_may_tell_lines_apart_too() {
        let [best, second] =
            Candidates::both_of(&hir(r#"^\S+ - \[\] "(?:GET|POST) /(?:horde|pma)[^,]* 404 .+$"#));
        let (best, second) = (best.expect("a run"), second.expect("another"));
        assert!(best.is_match(b"x - [] \"GET /pma") && !best.is_match(b"x - [] \"PUT /pma"));
        assert!(second.is_match(b"y 404 z") && !second.is_match(b"y 4041 z"));
        assert!(Candidates::both_of(&hir("user (?:un)?known .*"))[1].is_none());
        assert!(Candidates::both_of(&hir("(?:foo.*barr|x)y"))[0].is_none());
    }

    #[test]
    fn letters_of_either_case_are_spelt_out() {
        let found = strings("(?i)ab1").expect("few spellings");
        assert_eq!(found.len(), 4);
        assert!(found.contains(&"aB1".to_owned()));
    }

    #[test]
    fn a_set_finds_its_strings_in_a_buffer() {
        let one = Candidates::of([&hir("fail .*")]).expect("a literal");
        assert_eq!(one.find(b"xx fail fail ", 4), Some(8));
        let two = Candidates::of([&hir("fail .*"), &hir("miss .*")]).expect("literals");
        assert_eq!(two.find(b"xx miss fail ", 0), Some(3));
        assert_eq!(two.find(b"xx", 0), None);
        assert_eq!(two.max_len(), 5);
    }
    #[test]
    fn a_lookout_sees_what_a_search_of_the_whole_sees() {
        let fail = Candidates::of([&hir("fail .*")]).expect("a literal");
        let mut text = vec![b'.'; 5 * AHEAD_BYTES];
        // One at the beginning, two across the ends of looks, two close together, one at the end.
        let places = [0, AHEAD_BYTES - 2, 2 * AHEAD_BYTES - 1, 50_000, 50_005, text.len() - 5];
        for at in places {
            text[at..at + 5].copy_from_slice(b"fail ");
        }
        for line in [5, 7, 100, 1000, 3 * AHEAD_BYTES] {
            let mut lookout = fail.lookout(&text);
            let ends = (0..text.len()).step_by(line).map(|start| text.len().min(start + line));
            for (start, end) in (0..).step_by(line).zip(ends) {
                let holds = places.iter().any(|at| (start..end).contains(at));
                assert!(!(start..lookout.clear().min(end)).any(|at| places.contains(&at)));
                assert_eq!(lookout.passes(end), holds, "{start} to {end}");
            }
        }
    }
}
