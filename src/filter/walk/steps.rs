//! What a walk is made of.

use regex_syntax::hir::Look;

use super::set::Set;

#[derive(Debug)]
pub(super) enum Step {
    Bytes(Box<[u8]>),
    One(Set),
    Run(Box<Run>),
    /// One way, then the other; and with which next bytes each can go on.
    Split(usize, usize, Box<Ways>),
    Jump(usize),
    Save(usize),
    Look(Look),
    /// What stands from here to `end`, which is taken, looked at, or must not be there.
    Inner(Inner, usize),
    /// The end of an inner expression.
    Done,
    /// On to `end`, unless a group took part (`true`) or took none.
    Unless(usize, bool, usize),
    /// The text of a group once more.
    Same(usize),
    Match,
}

/// How an inner expression is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inner {
    /// `(?=…)`
    Ahead,
    /// `(?!…)`
    Not,
    /// `(?>…)`
    Atomic,
}

/// A run of bytes of a class.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) set: Set,
    /// The only character of ASCII that is not of the class: it is found faster than each is looked up.
    pub(super) stop: Option<u8>,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) is_greedy: bool,
    /// One for each [state](Steps::asked) of the groups that conditionals ask for.
    pub(super) next: Box<[Next]>,
}

/// An expression as steps.
#[derive(Debug)]
pub(super) struct Steps {
    pub(super) list: Box<[Step]>,
    /// The groups that conditionals ask for, if they are few; a state of theirs has a bit for each, which says that
    /// it took part.
    pub(super) asked: Box<[usize]>,
    /// Whether nothing but the step, the place and that state decides how a walk goes on.
    pub(super) is_memorable: bool,
}

/// Which branches of a split are worth trying, by the next byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    pub(super) first: Set,
    pub(super) second: Set,
}

impl Ways {
    /// Whether the first and whether the second may go on with this byte.
    pub(super) fn with(&self, byte: u8) -> (bool, bool) {
        (self.first.has(byte), self.second.has(byte))
    }
}

/// What has to follow a run, as far as that is plain to see: most of its ends are not worth trying.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) first: Set,
    pub(super) second: Set,
    /// The only member of `first`.
    pub(super) only: Option<u8>,
    /// Nothing of the class may follow: only the whole run will do.
    pub(super) is_outside: bool,
}

impl Next {
    /// Whether a walk may go on at `at`.
    pub(super) fn fits(&self, text: &[u8], at: usize) -> bool {
        let is_member = |set: &Set, at| text.get(at).is_none_or(|byte| set.has(*byte));
        is_member(&self.first, at) && is_member(&self.second, at + 1)
    }
}
