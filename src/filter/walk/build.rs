//! From an expression to the steps of a walk.
//!
//! What narrows an expression (look-ahead, conditionals, back-references, atomic groups) has no syntax that
//! our parser knows; the translator writes it as groups whose names begin with a word of their own and a
//! dot, which no name in Python has. Such a group is none for whoever asks for the groups of a match.

use regex_syntax::hir::{Capture, Class, Hir, HirKind, Look, Repetition};

use super::ahead::{ways, what_follows};
use super::set::Set;
use super::steps::{Inner, Run, Step, Steps, Ways};

/// Longer programs gain nothing.
const STEPS_MAX: usize = 600;
/// Copies that a repetition of more than one character may be written out as.
const COPIES_MAX: u32 = 32;
/// Groups that conditionals ask for whose states are told apart.
const ASKED_MAX: usize = 2;

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
pub(super) fn steps_of(hir: &Hir) -> Option<Steps> {
    let mut compiler = Compiler { steps: vec![Step::Save(0)], groups: Vec::new() };
    number(hir, &mut compiler.groups);
    compiler.add(hir)?;
    let mut steps = compiler.steps;
    steps.extend([Step::Save(1), Step::Match]);
    let mut asked: Vec<usize> = steps.iter().filter_map(asked_group).collect();
    asked.sort_unstable();
    asked.dedup();
    let is_few = asked.len() <= ASKED_MAX;
    if !is_few {
        asked.clear();
    }
    let is_memorable = is_few && !steps.iter().any(|step| matches!(step, Step::Same(_)));
    for at in 0..steps.len() {
        match steps[at] {
            Step::Run(_) => {
                let states = 0..1_usize << asked.len();
                let next = states.map(|state| what_follows(&steps, at, &asked, state)).collect();
                if let Step::Run(run) = &mut steps[at] {
                    run.next = next;
                }
            }
            Step::Split(first, second, _) => {
                let ways = Box::new(ways(&steps, first, second));
                steps[at] = Step::Split(first, second, ways);
            }
            _ => {}
        }
    }
    Some(Steps { list: steps.into(), asked: asked.into(), is_memorable })
}

fn asked_group(step: &Step) -> Option<usize> {
    if let Step::Unless(group, _, _) = step { Some(*group) } else { None }
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
            let set = set_of(class)?;
            self.steps.push(Step::Run(Box::new(Run {
                set,
                stop: set.others().single(),
                min: usize::try_from(*min).ok()?,
                max: bound,
                is_greedy: *is_greedy,
                next: Box::default(),
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
    Step::Split(first, second, Box::new(Ways { first: Set::ALL, second: Set::ALL }))
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

fn set_of(class: &Class) -> Option<Set> {
    let Class::Bytes(class) = class else { return None };
    let mut set = Set::default();
    for range in class.iter() {
        for byte in range.start()..=range.end() {
            set.insert(byte);
        }
    }
    Some(set)
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
