//! An expression as steps of a walk.
//!
//! What narrows an expression (look-ahead, conditionals, back-references, atomic groups) has no syntax that
//! our parser knows; the translator writes it as groups whose names begin with a word of [`MARKS`] and a
//! dot, which no name in Python has. Such a group is none for whoever asks for the groups of a match.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};

/// Longer programs gain nothing.
const STEPS_MAX: usize = 600;
/// Copies that a repetition of more than one character may be written out as.
const COPIES_MAX: u32 = 32;

/// Which bytes belong to a class.
pub(super) type Set = [bool; 256];
const ALL: Set = [true; 256];

#[derive(Debug)]
pub(super) enum Step {
    Bytes(Box<[u8]>),
    One(Box<Set>),
    Run(Box<Run>),
    /// One way, then the other; and for each next byte, which of both it can be the beginning of.
    Split(usize, usize, Box<[Ways; 256]>),
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

/// Which branches of a split are worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ways {
    Neither,
    First,
    Second,
    Both,
}

/// A run of bytes of a class.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) set: Set,
    pub(super) min: usize,
    pub(super) max: usize,
    pub(super) is_greedy: bool,
    pub(super) next: Next,
}

/// What has to follow a run, as far as that is plain to see: most of its ends are not worth trying.
#[derive(Debug)]
pub(super) struct Next {
    first: Set,
    second: Set,
    /// The only member of `first`.
    pub(super) only: Option<u8>,
    /// Nothing of the class may follow: only the whole run will do.
    pub(super) is_outside: bool,
}

impl Next {
    /// Whether a walk may go on at `at`.
    pub(super) fn fits(&self, text: &[u8], at: usize) -> bool {
        let is_member = |set: &Set, at| text.get(at).is_none_or(|byte| set[usize::from(*byte)]);
        is_member(&self.first, at) && is_member(&self.second, at + 1)
    }
}

/// What a marked group means. Its name is the word, a number that makes it the only one of that name, and for
/// the last three the group that is meant, by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark<'n> {
    Inner(Inner),
    If(&'n str),
    Else(&'n str),
    Same(&'n str),
}

impl<'n> Mark<'n> {
    fn of(capture: &'n Capture) -> Option<Self> {
        let mut parts = capture.name.as_deref()?.splitn(3, '.');
        let (word, _) = (parts.next()?, parts.next()?);
        let group = parts.next();
        Some(match word {
            "ahead" => Self::Inner(Inner::Ahead),
            "not" => Self::Inner(Inner::Not),
            "atomic" => Self::Inner(Inner::Atomic),
            "if" => Self::If(group?),
            "else" => Self::Else(group?),
            "same" => Self::Same(group?),
            _ => return None,
        })
    }
}

/// The steps of an expression for ASCII texts; `None` for one that is not worth walking.
pub(super) fn steps_of(hir: &Hir) -> Option<Vec<Step>> {
    let mut compiler = Compiler { steps: vec![Step::Save(0)], groups: Vec::new() };
    number(hir, &mut compiler.groups);
    compiler.add(hir)?;
    let mut steps = compiler.steps;
    steps.extend([Step::Save(1), Step::Match]);
    for at in 0..steps.len() {
        let next = what_follows(&steps, at);
        let ways = ways(&steps, at);
        match &mut steps[at] {
            Step::Run(run) => run.next = next,
            Step::Split(_, _, known) => **known = ways,
            _ => {}
        }
    }
    Some(steps)
}

/// The groups of an expression by their numbers in it; `None` is a marked one, which the others don't count.
fn number<'h>(hir: &'h Hir, groups: &mut Vec<Option<&'h str>>) {
    if let HirKind::Capture(capture) = hir.kind() {
        let at = usize::try_from(capture.index).unwrap_or(usize::MAX);
        if groups.len() <= at && at < STEPS_MAX {
            groups.resize(at + 1, Some(""));
        }
        if let Some(place) = groups.get_mut(at) {
            let name = capture.name.as_deref().unwrap_or("");
            *place = Mark::of(capture).is_none().then_some(name);
        }
    }
    for sub in hir.kind().subs() {
        number(sub, groups);
    }
}

struct Compiler<'h> {
    steps: Vec<Step>,
    groups: Vec<Option<&'h str>>,
}

impl Compiler<'_> {
    fn add(&mut self, hir: &Hir) -> Option<()> {
        if self.steps.len() > STEPS_MAX {
            return None;
        }
        match hir.kind() {
            HirKind::Empty => {}
            HirKind::Literal(literal) => self.steps.push(Step::Bytes(literal.0.clone())),
            HirKind::Class(class) => self.steps.push(Step::One(set_of(class)?)),
            HirKind::Look(look) => {
                let _ = known(*look)?;
                self.steps.push(Step::Look(*look));
            }
            HirKind::Repetition(repetition) => self.repeat(repetition)?,
            HirKind::Capture(capture) => self.capture(capture)?,
            HirKind::Concat(parts) => {
                for part in parts {
                    self.add(part)?;
                }
            }
            HirKind::Alternation(branches) => self.alternate(branches)?,
        }
        Some(())
    }

    fn capture(&mut self, capture: &Capture) -> Option<()> {
        if let Some(mark) = Mark::of(capture) {
            return self.marked(mark, &capture.sub);
        }
        let slot = self.real(usize::try_from(capture.index).ok()?) * 2;
        self.steps.push(Step::Save(slot));
        self.add(&capture.sub)?;
        self.steps.push(Step::Save(slot + 1));
        Some(())
    }

    /// The number of a group among those that are not marked.
    fn real(&self, index: usize) -> usize {
        index - self.groups[..index.min(self.groups.len())].iter().filter(|g| g.is_none()).count()
    }

    /// The number of a group that is meant by its name or number.
    fn meant(&self, group: &str) -> Option<usize> {
        match group.parse() {
            Ok(number) => Some(number),
            Err(_) => Some(self.real(self.groups.iter().position(|name| *name == Some(group))?)),
        }
    }

    fn marked(&mut self, mark: Mark<'_>, sub: &Hir) -> Option<()> {
        let start = self.steps.len();
        let (group, is_set) = match mark {
            Mark::Inner(inner) => {
                self.steps.push(Step::Inner(inner, 0));
                self.add(sub)?;
                self.steps.push(Step::Done);
                self.steps[start] = Step::Inner(inner, self.steps.len());
                return Some(());
            }
            Mark::Same(group) => {
                let group = self.meant(group)?;
                self.steps.push(Step::Same(group));
                return Some(());
            }
            Mark::If(group) => (group, true),
            Mark::Else(group) => (group, false),
        };
        let group = self.meant(group)?;
        // A branch that sets the group would make the other one true behind it.
        let mut inside = Vec::new();
        number(sub, &mut inside);
        if inside.iter().any(|name| {
            name.is_some_and(|name| !name.is_empty())
                && self.meant(name.unwrap_or("")) == Some(group)
        }) {
            return None;
        }
        self.steps.push(Step::Jump(0));
        self.add(sub)?;
        self.steps[start] = Step::Unless(group, is_set, self.steps.len());
        Some(())
    }

    fn alternate(&mut self, branches: &[Hir]) -> Option<()> {
        let mut ends = Vec::new();
        for (nth, branch) in branches.iter().enumerate() {
            let is_last = nth + 1 == branches.len();
            let split = self.steps.len();
            if !is_last {
                self.steps.push(split_of(split + 1, 0));
            }
            self.add(branch)?;
            if !is_last {
                ends.push(self.steps.len());
                self.steps.push(Step::Jump(0));
                self.steps[split] = split_of(split + 1, self.steps.len());
            }
        }
        for end in ends {
            self.steps[end] = Step::Jump(self.steps.len());
        }
        Some(())
    }

    fn repeat(&mut self, repetition: &Repetition) -> Option<()> {
        let Repetition { min, max, greedy: is_greedy, sub } = repetition;
        if let HirKind::Class(class) = sub.kind() {
            let bound = max.map_or(Some(usize::MAX), |max| usize::try_from(max).ok())?;
            self.steps.push(Step::Run(Box::new(Run {
                set: *set_of(class)?,
                min: usize::try_from(*min).ok()?,
                max: bound,
                is_greedy: *is_greedy,
                next: Next { first: ALL, second: ALL, only: None, is_outside: false },
            })));
            return Some(());
        }
        // A round that may be empty has rules of its own for when it ends.
        if may_be_empty(sub) && *max != Some(1) {
            return None;
        }
        if *min > COPIES_MAX || max.is_some_and(|max| max > COPIES_MAX) {
            return None;
        }
        for _ in 0..*min {
            self.add(sub)?;
        }
        match max {
            None => {
                let split = self.steps.len();
                self.steps.push(Step::Jump(0));
                self.add(sub)?;
                self.steps.push(Step::Jump(split));
                self.steps[split] = choice(*is_greedy, split + 1, self.steps.len());
            }
            Some(max) => {
                let mut splits = Vec::new();
                for _ in *min..*max {
                    splits.push(self.steps.len());
                    self.steps.push(Step::Jump(0));
                    self.add(sub)?;
                }
                for split in splits {
                    self.steps[split] = choice(*is_greedy, split + 1, self.steps.len());
                }
            }
        }
        Some(())
    }
}

fn choice(is_greedy: bool, again: usize, out: usize) -> Step {
    if is_greedy { split_of(again, out) } else { split_of(out, again) }
}

fn split_of(first: usize, second: usize) -> Step {
    Step::Split(first, second, Box::new([Ways::Both; 256]))
}

/// Whether it may match without taking a character.
fn may_be_empty(hir: &Hir) -> bool {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => true,
        HirKind::Literal(_) | HirKind::Class(_) => false,
        HirKind::Repetition(repetition) => repetition.min == 0 || may_be_empty(&repetition.sub),
        HirKind::Capture(capture) => match Mark::of(capture) {
            None | Some(Mark::Inner(Inner::Atomic)) => may_be_empty(&capture.sub),
            Some(_) => true,
        },
        HirKind::Concat(parts) => parts.iter().all(may_be_empty),
        HirKind::Alternation(branches) => branches.iter().any(may_be_empty),
    }
}

fn set_of(class: &Class) -> Option<Box<Set>> {
    let Class::Bytes(class) = class else { return None };
    let mut set = Box::new([false; 256]);
    for range in class.iter() {
        for byte in range.start()..=range.end() {
            set[usize::from(byte)] = true;
        }
    }
    Some(set)
}

/// What has to follow the run at `at`, if that is plain to see.
fn what_follows(steps: &[Step], at: usize) -> Next {
    let anything = Next { first: ALL, second: ALL, only: None, is_outside: false };
    let Step::Run(run) = &steps[at] else { return anything };
    let mut behind = at + 1;
    while matches!(steps[behind], Step::Save(_)) {
        behind += 1;
    }
    let (first, second) = match &steps[behind] {
        Step::Bytes(bytes) => match bytes[..] {
            [first] => (only(first), begins(steps, behind + 1)),
            [first, second, ..] => (only(first), only(second)),
            [] => return anything,
        },
        Step::One(set) => (**set, begins(steps, behind + 1)),
        _ => (begins(steps, behind), ALL),
    };
    let mut members = (0..=u8::MAX).filter(|byte| first[usize::from(*byte)]);
    let single = members.next().filter(|_| members.next().is_none());
    let is_outside = !run.set.iter().zip(&first).any(|(one, other)| *one && *other);
    Next { first, second, only: single, is_outside }
}

fn only(byte: u8) -> Set {
    let mut set = [false; 256];
    set[usize::from(byte)] = true;
    set
}

/// For each byte, which branches of the split at `at` may go on with it.
fn ways(steps: &[Step], at: usize) -> [Ways; 256] {
    let mut ways = [Ways::Both; 256];
    let Step::Split(first, second, _) = &steps[at] else { return ways };
    let (first, second) = (begins(steps, *first), begins(steps, *second));
    for ((way, first), second) in ways.iter_mut().zip(first).zip(second) {
        *way = match (first, second) {
            (true, true) => Ways::Both,
            (true, false) => Ways::First,
            (false, true) => Ways::Second,
            (false, false) => Ways::Neither,
        };
    }
    ways
}

/// With which bytes a walk may go on from a step; more than there are where that is not plain to see.
pub(super) fn begins(steps: &[Step], from: usize) -> Set {
    let mut set = [false; 256];
    let (mut todo, mut done) = (vec![from], vec![false; steps.len()]);
    while let Some(at) = todo.pop() {
        if std::mem::replace(&mut done[at], true) {
            continue;
        }
        match &steps[at] {
            Step::Bytes(bytes) => set[usize::from(bytes[0])] = true,
            Step::One(one) => unite(&mut set, one),
            Step::Run(run) => {
                unite(&mut set, &run.set);
                if run.min == 0 {
                    todo.push(at + 1);
                }
            }
            // Where it holds there is no other byte; at the end of the text there is none.
            Step::Look(Look::EndLF) => set[usize::from(b'\n')] = true,
            Step::Look(Look::End) => {}
            Step::Split(first, second, _) => todo.extend([*first, *second]),
            Step::Jump(to) => todo.push(*to),
            Step::Save(_) | Step::Look(_) | Step::Inner(Inner::Atomic, _) => todo.push(at + 1),
            Step::Inner(_, end) => todo.push(*end),
            Step::Unless(_, _, end) => todo.extend([at + 1, *end]),
            Step::Done | Step::Same(_) | Step::Match => return ALL,
        }
    }
    set
}

fn unite(set: &mut Set, other: &Set) {
    for (one, other) in set.iter_mut().zip(other) {
        *one |= other;
    }
}

/// The assertions that a walk understands.
fn known(look: Look) -> Option<Look> {
    let is_known = matches!(
        look,
        Look::Start
            | Look::End
            | Look::StartLF
            | Look::EndLF
            | Look::WordAscii
            | Look::WordAsciiNegate
            | Look::WordStartHalfAscii
            | Look::WordEndHalfAscii
    );
    is_known.then_some(look)
}
