//! Which of very many failregexes can match a text: those whose literals stand in it.
//!
//! A filter that was made out of a list has tens of thousands of failregexes, each for a text of its own. To ask each
//! whether its literal is there takes longer than all else; one automaton finds all literals in one go.

use std::collections::BTreeMap;

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};

use super::literal::Literals;

/// A choice among failregexes by what a text contains.
#[derive(Debug)]
pub(super) struct Choice {
    automaton: AhoCorasick,
    /// For each string the failregexes that need it or one of its alternatives.
    of_string: Vec<Box<[u32]>>,
    /// Those that need nothing.
    always: Box<[u32]>,
    most_alike: usize,
}

/// What was chosen, with room for the next time.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) list: Vec<usize>,
    /// For each string, the last text in which it was found.
    seen: Vec<u64>,
    texts: u64,
}

impl Chosen {
    /// Whether it was chosen.
    pub(super) fn is_made(&self) -> bool {
        self.texts > 0
    }
}

impl Choice {
    /// Among expressions that need these literals, in order; `None` if these are too many for an automaton.
    pub(super) fn among<'l>(all: impl Iterator<Item = &'l Literals>) -> Option<Self> {
        let mut always = Vec::new();
        let mut strings: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        for (index, literals) in (0..).zip(all) {
            match literals.best() {
                None => always.push(index),
                Some(set) => {
                    for string in set {
                        strings.entry(string).or_default().push(index);
                    }
                }
            }
        }
        let automaton = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(strings.keys())
            .ok()?;
        let alike = strings.values().map(Vec::len).max().unwrap_or(0);
        let most_alike = alike + always.len();
        let of_string = strings.into_values().map(Vec::into_boxed_slice).collect();
        Some(Self { automaton, of_string, always: always.into(), most_alike })
    }

    /// How many one string makes possible at most.
    pub(super) fn most_alike(&self) -> usize {
        self.most_alike
    }

    /// Leaves in `chosen` those that can match `text`, in order.
    pub(super) fn choose(&self, text: &str, chosen: &mut Chosen) {
        let Chosen { list, seen, texts } = chosen;
        *texts += 1;
        seen.resize(self.of_string.len(), 0);
        list.clear();
        let indexes = |some: &[u32]| -> Vec<usize> {
            some.iter().filter_map(|index| usize::try_from(*index).ok()).collect()
        };
        list.extend(indexes(&self.always));
        for found in self.automaton.find_overlapping_iter(text) {
            let string = found.pattern().as_usize();
            if std::mem::replace(&mut seen[string], *texts) != *texts {
                list.extend(indexes(&self.of_string[string]));
            }
        }
        list.sort_unstable();
        list.dedup();
    }
}
