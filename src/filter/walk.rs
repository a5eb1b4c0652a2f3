//! Walking along an expression from a given place of an ASCII text, to find its groups.
//!
//! An expression that begins with a literal is found by that literal; what is left is to say where its
//! groups are. Automata that bound their time by the text's length need several passes and a table for
//! that. This walk needs one, because log expressions are mostly runs of a class ended by a character
//! that is not in it (`[^:]*:`), where nothing is ever tried twice. It backtracks where it must and
//! counts its steps: past a bound that a sane line stays far below, the automata take over, so that no
//! line can stall it. The result is the same: leftmost, the first alternative before the second.

mod ahead;
mod build;
mod set;
mod steps;

use memchr::{memchr, memrchr};
use regex_automata::util::primitives::NonMaxUsize;
use regex_syntax::hir::{Hir, Look};

use self::ahead::begins;
use self::build::steps_of;
use self::set::Set;
use self::steps::{Inner, Next, Run, Step, Steps};

/// Steps for a text of any length; see [`budget`].
const BUDGET_MAX: usize = 100_000;

/// An expression as steps.
#[derive(Debug)]
pub(super) struct Walk {
    steps: Steps,
    /// With which bytes a match may begin.
    begins: Set,
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
pub(super) struct Trail {
    choices: Vec<Choice>,
    /// Where walks went on in vain: which walk, and at which place and step, in which state. Room for it is made
    /// by the first walk that needs it.
    vain: Vec<(u64, usize)>,
    /// How many walks there were.
    walks: u64,
}

/// Places that are remembered to be in vain; newer ones overwrite older ones.
const VAIN_MAX: usize = 128;
/// More than there are steps, or states.
const MANY: usize = 1 << 12;

/// More steps than a walk may take.
#[derive(Debug)]
pub(super) struct TooLong;

impl Walk {
    /// The steps of an expression for ASCII texts; `None` for one that is not worth walking.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let steps = steps_of(hir)?;
        let begins = begins(&steps.list, 0, &[], 0);
        Some(Self { steps, begins })
    }

    /// Whether it may match where this byte of ASCII is.
    pub(super) fn may_begin_with(&self, byte: u8) -> bool {
        self.begins.has(byte)
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
        trail.choices.clear();
        trail.walks += 1;
        let left = budget(text.len() - start);
        let mut walker = Walker { steps: &self.steps, is_inner: false, text, slots, trail, left };
        Ok(walker.walk(0, start)?.is_some())
    }
}

/// Steps for what is left of a text: some hundreds are usual, polynomial expressions need more.
fn budget(len: usize) -> usize {
    (64 * (len + 64)).min(BUDGET_MAX)
}

struct Walker<'w> {
    steps: &'w Steps,
    /// Whether it is within an inner expression.
    is_inner: bool,
    text: &'w [u8],
    slots: &'w mut [Option<NonMaxUsize>],
    trail: &'w mut Trail,
    left: usize,
}

impl Walker<'_> {
    /// Walks from a step to the end of the expression, or of the inner one that it is in; where that is.
    fn walk(&mut self, step: usize, at: usize) -> Result<Option<usize>, TooLong> {
        let (mut step, mut at) = (step, at);
        let base = self.trail.choices.len();
        let steps = self.steps;
        loop {
            self.pay(1)?;
            let next = match &steps.list[step] {
                Step::Match | Step::Done => return Ok(Some(at)),
                Step::Jump(to) => Some((*to, at)),
                Step::Split(first, second, ways) => {
                    let ways = self.text.get(at).map_or((true, true), |byte| ways.with(*byte));
                    match ways {
                        (false, false) => None,
                        (true, false) => Some((*first, at)),
                        (false, true) => Some((*second, at)),
                        (true, true) if self.is_vain(step, at) => None,
                        (true, true) => {
                            self.trail.choices.push(Choice::Other { step: *second, at });
                            Some((*first, at))
                        }
                    }
                }
                Step::Save(slot) => {
                    self.save(*slot, at);
                    Some((step + 1, at))
                }
                Step::Bytes(bytes) => {
                    let is_there =
                        self.text.get(at) == bytes.first() && self.text[at..].starts_with(bytes);
                    is_there.then(|| (step + 1, at + bytes.len()))
                }
                Step::One(set) => {
                    let byte = self.text.get(at).filter(|byte| set.has(**byte));
                    byte.map(|_| (step + 1, at + 1))
                }
                Step::Look(look) => holds(*look, self.text, at).then_some((step + 1, at)),
                Step::Run(run) => self.run(step, run, at)?.map(|at| (step + 1, at)),
                Step::Inner(inner, end) => self.inner(*inner, step + 1, at)?.map(|at| (*end, at)),
                Step::Unless(group, is_set, end) => {
                    let is_true = self.group(*group).is_some() == *is_set;
                    Some((if is_true { step + 1 } else { *end }, at))
                }
                Step::Same(group) => self.again(*group, at)?.map(|at| (step + 1, at)),
            };
            let next = match next {
                Some(next) => Some(next),
                None => self.back(base)?,
            };
            let Some(next) = next else { return Ok(None) };
            (step, at) = next;
        }
    }

    /// Where the walk goes on behind an inner expression, none of whose choices is ever made anew.
    fn inner(&mut self, inner: Inner, step: usize, at: usize) -> Result<Option<usize>, TooLong> {
        let base = self.trail.choices.len();
        let is_inner = std::mem::replace(&mut self.is_inner, true);
        let end = self.walk(step, at)?;
        self.is_inner = is_inner;
        if inner == Inner::Not {
            self.forget(base);
            return Ok(end.is_none().then_some(at));
        }
        // Its groups stay, and are undone if the walk goes back to what is before it.
        let mut kept = base;
        for place in base..self.trail.choices.len() {
            if matches!(self.trail.choices[place], Choice::Restore { .. }) {
                self.trail.choices.swap(kept, place);
                kept += 1;
            }
        }
        self.trail.choices.truncate(kept);
        Ok(if inner == Inner::Ahead { end.map(|_| at) } else { end })
    }

    /// Takes back everything that was done since the trail had this length.
    fn forget(&mut self, base: usize) {
        for choice in self.trail.choices.drain(base..).rev() {
            if let Choice::Restore { slot, value } = choice {
                self.slots[slot] = value;
            }
        }
    }

    /// Whether the walk was here before, in the same state; else notes that it is now. Whatever it goes back to is
    /// older than what it tried from here, so if it comes here once more all of that was in vain. An inner
    /// expression may have ended well instead.
    fn is_vain(&mut self, step: usize, at: usize) -> bool {
        if !self.steps.is_memorable || self.is_inner {
            return false;
        }
        self.trail.vain.resize(VAIN_MAX, (0, 0));
        let here = (self.trail.walks, (at * MANY + step) * MANY + self.state());
        let place = &mut self.trail.vain[(step * 31 + at) % VAIN_MAX];
        std::mem::replace(place, here) == here
    }

    /// Which of the groups that conditionals ask for took part, a bit for each.
    fn state(&self) -> usize {
        let asked = self.steps.asked.iter().enumerate();
        asked
            .fold(0, |state, (bit, group)| state | usize::from(self.group(*group).is_some()) << bit)
    }

    fn group(&self, group: usize) -> Option<(usize, usize)> {
        let slot = |slot: usize| self.slots.get(slot).copied().flatten().map(NonMaxUsize::get);
        Some((slot(group * 2)?, slot(group * 2 + 1)?))
    }

    /// Where the text of a group ends that stands here once more.
    fn again(&mut self, group: usize, at: usize) -> Result<Option<usize>, TooLong> {
        let Some((start, end)) = self.group(group) else { return Ok(None) };
        self.pay(end.saturating_sub(start) / 16)?;
        let text = self.text.get(start..end).unwrap_or_default();
        Ok(self.text[at..].starts_with(text).then_some(at + text.len()))
    }

    fn pay(&mut self, steps: usize) -> Result<(), TooLong> {
        self.left = self.left.checked_sub(steps).ok_or(TooLong)?;
        Ok(())
    }

    fn save(&mut self, slot: usize, at: usize) {
        if let Some(place) = self.slots.get_mut(slot) {
            self.trail.choices.push(Choice::Restore { slot, value: *place });
            *place = NonMaxUsize::new(at);
        }
    }

    fn next<'r>(&self, run: &'r Run) -> &'r Next {
        &run.next[self.state()]
    }

    /// Takes a run as far as it goes, or as short as it may be, of those that the next bytes let go on; where it
    /// ends. If there may be one further on, that is left as a choice.
    fn run(&mut self, step: usize, run: &Run, at: usize) -> Result<Option<usize>, TooLong> {
        let high = at.saturating_add(run.max).min(self.text.len());
        let low = at + run.min;
        let wanted = if run.is_greedy { high } else { low.min(high) };
        let rest = &self.text[at..wanted];
        let len = match run.stop {
            Some(byte) => memchr(byte, rest),
            None => rest.iter().position(|byte| !run.set.has(*byte)),
        };
        let end = len.map_or(wanted, |len| at + len);
        self.pay((end - at) / 16)?;
        if end < low {
            return Ok(None);
        }
        let next = self.next(run);
        let fits = next.fits(self.text, end);
        if !run.is_greedy {
            self.trail.choices.push(Choice::Longer { step, at: end, high });
        } else if end > low && !next.is_outside {
            self.trail.choices.push(Choice::Shorter { step, low, high: end });
        }
        Ok(fits.then_some(end))
    }

    /// The next choice that is left: which step, and where.
    fn back(&mut self, base: usize) -> Result<Option<(usize, usize)>, TooLong> {
        let steps = self.steps;
        while self.trail.choices.len() > base
            && let Some(choice) = self.trail.choices.pop()
        {
            self.pay(1)?;
            match choice {
                Choice::Restore { slot, value } => self.slots[slot] = value,
                Choice::Other { step, at } => return Ok(Some((step, at))),
                Choice::Shorter { step, low, high } => {
                    let end = self.shorter(&steps.list[step], low, high)?;
                    let Some(end) = end else { continue };
                    if end > low {
                        self.trail.choices.push(Choice::Shorter { step, low, high: end });
                    }
                    return Ok(Some((step + 1, end)));
                }
                Choice::Longer { step, at, high } => {
                    let Some(end) = self.longer(&steps.list[step], at, high)? else { continue };
                    self.trail.choices.push(Choice::Longer { step, at: end, high });
                    return Ok(Some((step + 1, end)));
                }
            }
        }
        Ok(None)
    }

    /// The last end of a run before `high` after which the walk may go on.
    fn shorter(&mut self, step: &Step, low: usize, high: usize) -> Result<Option<usize>, TooLong> {
        let Step::Run(run) = step else { return Ok(None) };
        let next = self.next(run);
        let mut end = high;
        while end > low {
            end = match next.only {
                Some(byte) => match memrchr(byte, &self.text[low..end]) {
                    Some(len) => low + len,
                    None => break,
                },
                None => end - 1,
            };
            if next.fits(self.text, end) {
                self.pay((high - end) / 16)?;
                return Ok(Some(end));
            }
        }
        self.pay((high - low) / 16)?;
        Ok(None)
    }

    /// The first end of a run behind `at` after which the walk may go on.
    fn longer(&mut self, step: &Step, at: usize, high: usize) -> Result<Option<usize>, TooLong> {
        let Step::Run(run) = step else { return Ok(None) };
        let next = self.next(run);
        let mut end = at;
        while end < high && run.set.has(self.text[end]) {
            end += 1;
            if next.fits(self.text, end) {
                self.pay((end - at) / 16)?;
                return Ok(Some(end));
            }
        }
        self.pay((end - at) / 16)?;
        Ok(None)
    }
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
