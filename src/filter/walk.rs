//! Walking along an expression from a given place of an ASCII text, to find its groups.
//!
//! An expression that begins with a literal is found by that literal; what is left is to say where its
//! groups are. Automata that bound their time by the text's length need several passes and a table for
//! that. This walk needs one, because log expressions are mostly runs of a class ended by a character
//! that is not in it (`[^:]*:`), where nothing is ever tried twice. It backtracks where it must and
//! counts its steps: past a bound that a sane line stays far below, the automata take over, so that no
//! line can stall it. The result is the same: leftmost, the first alternative before the second.

use memchr::memrchr;
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::{Class, Hir, HirKind, Look, Repetition};

/// Longer programs gain nothing.
const STEPS_MAX: usize = 600;
/// Copies that a repetition of more than one character may be written out as.
const COPIES_MAX: u32 = 32;
/// Steps for a text of any length; see [`budget`].
const BUDGET_MAX: usize = 100_000;

/// Which bytes belong to a class.
type Set = [bool; 256];

/// An expression as steps.
#[derive(Debug)]
pub(super) struct Walk {
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Bytes(Box<[u8]>),
    One(Box<Set>),
    /// A run of bytes of a class.
    Run {
        set: Box<Set>,
        min: usize,
        max: usize,
        is_greedy: bool,
        after: After,
    },
    /// One way, then the other.
    Split(usize, usize),
    Jump(usize),
    Save(usize),
    Look(Look),
    Match,
}

/// What has to follow a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Anything,
    /// This byte, which is also of the class.
    Member(u8),
    /// Something that is not of the class: only the whole run will do.
    NoMember,
}

/// What is left to try.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Other {
        step: usize,
        at: usize,
    },
    /// A greedy run may end earlier, in `low..high`.
    Shorter {
        step: usize,
        low: usize,
        high: usize,
    },
    /// A lazy run may go on from `at`, to `high` at most.
    Longer {
        step: usize,
        at: usize,
        high: usize,
    },
    Restore {
        slot: usize,
        value: Option<NonMaxUsize>,
    },
}

/// Room for the choices of a walk.
#[derive(Debug, Default)]
pub(super) struct Trail(Vec<Choice>);

/// More steps than a walk may take.
#[derive(Debug)]
pub(super) struct TooLong;

impl Walk {
    /// The steps of an expression for ASCII texts; `None` for one that is not worth walking.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let mut steps = vec![Step::Save(0)];
        compile(hir, &mut steps)?;
        steps.extend([Step::Save(1), Step::Match]);
        for at in 0..steps.len() {
            let after = what_follows(&steps, at);
            if let Step::Run { after: known, .. } = &mut steps[at] {
                *known = after;
            }
        }
        Some(Self { steps })
    }

    /// Whether the expression matches at `start`; its groups are left in `slots`.
    pub(super) fn run(
        &self,
        text: &[u8],
        start: usize,
        slots: &mut [Option<NonMaxUsize>],
        trail: &mut Trail,
    ) -> Result<bool, TooLong> {
        slots.fill(None);
        trail.0.clear();
        let mut walker = Walker { text, slots, trail, left: budget(text.len() - start) };
        let (mut step, mut at) = (0, start);
        loop {
            walker.pay(1)?;
            let next = match &self.steps[step] {
                Step::Match => return Ok(true),
                Step::Jump(to) => Some((*to, at)),
                Step::Split(first, second) => {
                    walker.trail.0.push(Choice::Other { step: *second, at });
                    Some((*first, at))
                }
                Step::Save(slot) => {
                    walker.save(*slot, at);
                    Some((step + 1, at))
                }
                Step::Bytes(bytes) => {
                    text[at..].starts_with(bytes).then(|| (step + 1, at + bytes.len()))
                }
                Step::One(set) => {
                    text.get(at).filter(|byte| set[usize::from(**byte)]).map(|_| (step + 1, at + 1))
                }
                Step::Look(look) => holds(*look, text, at).then_some((step + 1, at)),
                Step::Run { .. } => {
                    walker.run(step, &self.steps[step], at)?.map(|at| (step + 1, at))
                }
            };
            let next = match next {
                Some(next) => Some(next),
                None => walker.back(&self.steps)?,
            };
            let Some(next) = next else { return Ok(false) };
            (step, at) = next;
        }
    }
}

/// Steps for what is left of a text: some hundreds are usual, polynomial expressions need more.
fn budget(len: usize) -> usize {
    (64 * (len + 64)).min(BUDGET_MAX)
}

struct Walker<'w> {
    text: &'w [u8],
    slots: &'w mut [Option<NonMaxUsize>],
    trail: &'w mut Trail,
    left: usize,
}

impl Walker<'_> {
    fn pay(&mut self, steps: usize) -> Result<(), TooLong> {
        self.left = self.left.checked_sub(steps).ok_or(TooLong)?;
        Ok(())
    }

    fn save(&mut self, slot: usize, at: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            self.trail.0.push(Choice::Restore { slot, value: *place });
            *place = NonMaxUsize::new(at);
        }
    }

    /// Takes a run as far as it goes, or as short as it may be; where it ends.
    fn run(&mut self, step: usize, run: &Step, at: usize) -> Result<Option<usize>, TooLong> {
        let Step::Run { set, min, max, is_greedy, after } = run else { return Ok(None) };
        let high = at.saturating_add(*max).min(self.text.len());
        let low = at + min;
        let wanted = if *is_greedy { high } else { low.min(high) };
        let len = self.text[at..wanted].iter().position(|byte| !set[usize::from(*byte)]);
        let end = len.map_or(wanted, |len| at + len);
        self.pay((end - at) / 16)?;
        if end < low {
            return Ok(None);
        }
        if !is_greedy {
            self.trail.0.push(Choice::Longer { step, at: end, high });
            return Ok(Some(end));
        }
        match after {
            After::NoMember => return Ok(Some(end)),
            After::Member(byte) if self.text.get(end) != Some(byte) => {
                self.trail.0.push(Choice::Shorter { step, low, high: end });
                return Ok(None);
            }
            _ => {}
        }
        if end > low {
            self.trail.0.push(Choice::Shorter { step, low, high: end });
        }
        Ok(Some(end))
    }

    /// The next choice that is left: which step, and where.
    fn back(&mut self, steps: &[Step]) -> Result<Option<(usize, usize)>, TooLong> {
        while let Some(choice) = self.trail.0.pop() {
            self.pay(1)?;
            match choice {
                Choice::Restore { slot, value } => self.slots[slot] = value,
                Choice::Other { step, at } => return Ok(Some((step, at))),
                Choice::Shorter { step, low, high } => {
                    let end = self.shorter(&steps[step], low, high)?;
                    let Some(end) = end else { continue };
                    if end > low {
                        self.trail.0.push(Choice::Shorter { step, low, high: end });
                    }
                    return Ok(Some((step + 1, end)));
                }
                Choice::Longer { step, at, high } => {
                    let Step::Run { set, .. } = &steps[step] else { continue };
                    let goes_on = at < high && set[usize::from(self.text[at])];
                    if goes_on {
                        self.trail.0.push(Choice::Longer { step, at: at + 1, high });
                        return Ok(Some((step + 1, at + 1)));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The last end of a run before `high` after which the walk may go on.
    fn shorter(&mut self, run: &Step, low: usize, high: usize) -> Result<Option<usize>, TooLong> {
        let Step::Run { after, .. } = run else { return Ok(None) };
        if low >= high {
            return Ok(None);
        }
        let After::Member(byte) = after else { return Ok(Some(high - 1)) };
        let found = memrchr(*byte, &self.text[low..high]).map(|at| low + at);
        self.pay((high - found.unwrap_or(low)) / 16)?;
        Ok(found)
    }
}

fn compile(hir: &Hir, steps: &mut Vec<Step>) -> Option<()> {
    if steps.len() > STEPS_MAX {
        return None;
    }
    match hir.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => steps.push(Step::Bytes(literal.0.clone())),
        HirKind::Class(class) => steps.push(Step::One(set_of(class)?)),
        HirKind::Look(look) => {
            let _ = known(*look)?;
            steps.push(Step::Look(*look));
        }
        HirKind::Repetition(repetition) => repeat(repetition, steps)?,
        HirKind::Capture(capture) => {
            let slot = usize::try_from(capture.index).ok()? * 2;
            steps.push(Step::Save(slot));
            compile(&capture.sub, steps)?;
            steps.push(Step::Save(slot + 1));
        }
        HirKind::Concat(parts) => {
            for part in parts {
                compile(part, steps)?;
            }
        }
        HirKind::Alternation(branches) => alternate(branches, steps)?,
    }
    Some(())
}

fn alternate(branches: &[Hir], steps: &mut Vec<Step>) -> Option<()> {
    let mut ends = Vec::new();
    for (nth, branch) in branches.iter().enumerate() {
        let is_last = nth + 1 == branches.len();
        let split = steps.len();
        if !is_last {
            steps.push(Step::Split(split + 1, 0));
        }
        compile(branch, steps)?;
        if !is_last {
            ends.push(steps.len());
            steps.push(Step::Jump(0));
            steps[split] = Step::Split(split + 1, steps.len());
        }
    }
    for end in ends {
        steps[end] = Step::Jump(steps.len());
    }
    Some(())
}

fn repeat(repetition: &Repetition, steps: &mut Vec<Step>) -> Option<()> {
    let Repetition { min, max, greedy: is_greedy, sub } = repetition;
    if let HirKind::Class(class) = sub.kind() {
        let bound = max.map_or(Some(usize::MAX), |max| usize::try_from(max).ok())?;
        steps.push(Step::Run {
            set: set_of(class)?,
            min: usize::try_from(*min).ok()?,
            max: bound,
            is_greedy: *is_greedy,
            after: After::Anything,
        });
        return Some(());
    }
    // A round that may be empty has rules of its own for when it ends.
    if sub.properties().minimum_len() == Some(0) && *max != Some(1) {
        return None;
    }
    if *min > COPIES_MAX || max.is_some_and(|max| max > COPIES_MAX) {
        return None;
    }
    for _ in 0..*min {
        compile(sub, steps)?;
    }
    match max {
        None => {
            let split = steps.len();
            steps.push(Step::Jump(0));
            compile(sub, steps)?;
            steps.push(Step::Jump(split));
            steps[split] = choice(*is_greedy, split + 1, steps.len());
        }
        Some(max) => {
            let mut splits = Vec::new();
            for _ in *min..*max {
                splits.push(steps.len());
                steps.push(Step::Jump(0));
                compile(sub, steps)?;
            }
            for split in splits {
                steps[split] = choice(*is_greedy, split + 1, steps.len());
            }
        }
    }
    Some(())
}

fn choice(is_greedy: bool, again: usize, out: usize) -> Step {
    if is_greedy { Step::Split(again, out) } else { Step::Split(out, again) }
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
fn what_follows(steps: &[Step], at: usize) -> After {
    let Step::Run { set, .. } = &steps[at] else { return After::Anything };
    let mut following = steps[at + 1..].iter().skip_while(|step| matches!(step, Step::Save(_)));
    match following.next() {
        Some(Step::Bytes(bytes)) => match bytes.first() {
            Some(byte) if set[usize::from(*byte)] => After::Member(*byte),
            Some(_) => After::NoMember,
            None => After::Anything,
        },
        Some(Step::One(other)) => disjoint(set, other),
        Some(Step::Run { set: other, min, .. }) if *min > 0 => disjoint(set, other),
        _ => After::Anything,
    }
}

fn disjoint(set: &Set, other: &Set) -> After {
    let overlaps = set.iter().zip(other).any(|(one, other)| *one && *other);
    if overlaps { After::Anything } else { After::NoMember }
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

fn holds(look: Look, text: &[u8], at: usize) -> bool {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let before = || at.checked_sub(1).and_then(|at| text.get(at));
    match look {
        Look::Start => at == 0,
        Look::End => at == text.len(),
        Look::StartLF => before().is_none_or(|byte| *byte == b'\n'),
        Look::EndLF => text.get(at).is_none_or(|byte| *byte == b'\n'),
        Look::WordAscii => is_word(before()) != is_word(text.get(at)),
        Look::WordAsciiNegate => is_word(before()) == is_word(text.get(at)),
        Look::WordStartHalfAscii => !is_word(before()),
        Look::WordEndHalfAscii => !is_word(text.get(at)),
        _ => false,
    }
}
