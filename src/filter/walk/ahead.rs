//! What the next bytes of a text tell a walk: which branches and which ends of a run are worth trying.
//!
//! Only ever a bound: what is ruled out here can't match, what isn't is tried.

use regex_syntax::hir::Look;

use super::steps::{Inner, Next, Set, Step, Ways};

const ALL: Set = [true; 256];

/// What has to follow the run at `at`, if that is plain to see.
pub(super) fn what_follows(steps: &[Step], at: usize, asked: &[usize], state: usize) -> Next {
    let anything = Next { first: ALL, second: ALL, only: None, is_outside: false };
    let Step::Run(run) = &steps[at] else { return anything };
    let (mut behind, mut state) = (at + 1, state);
    while let Step::Save(slot) = steps[behind] {
        state |= saved(slot, asked);
        behind += 1;
    }
    let begins = |from| begins(steps, from, asked, state);
    let (first, second) = match &steps[behind] {
        Step::Bytes(bytes) => match bytes[..] {
            [first] => (only(first), begins(behind + 1)),
            [first, second, ..] => (only(first), only(second)),
            [] => return anything,
        },
        Step::One(set) => (**set, begins(behind + 1)),
        _ => (begins(behind), ALL),
    };
    let mut members = (0..=u8::MAX).filter(|byte| first[usize::from(*byte)]);
    let single = members.next().filter(|_| members.next().is_none());
    let is_outside = !run.set.iter().zip(&first).any(|(one, other)| *one && *other);
    Next { first, second, only: single, is_outside }
}

/// The bit of the group that ends in a slot.
fn saved(slot: usize, asked: &[usize]) -> usize {
    let is_end = slot % 2 == 1;
    let bit = asked.iter().position(|group| is_end && *group == slot / 2);
    bit.map_or(0, |bit| 1 << bit)
}

fn only(byte: u8) -> Set {
    let mut set = [false; 256];
    set[usize::from(byte)] = true;
    set
}

/// For each byte, which branches of the split at `at` may go on with it.
pub(super) fn ways(steps: &[Step], at: usize) -> [Ways; 256] {
    let mut ways = [Ways::Both; 256];
    let Step::Split(first, second, _) = &steps[at] else { return ways };
    let (first, second) = (begins(steps, *first, &[], 0), begins(steps, *second, &[], 0));
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

/// With which bytes a walk may go on from a step in a state of the groups that are `asked` for, of others in any;
/// more than there are where that is not plain to see.
pub(super) fn begins(steps: &[Step], from: usize, asked: &[usize], state: usize) -> Set {
    let mut set = [false; 256];
    let (mut todo, mut done) = (vec![(from, state)], Vec::new());
    while let Some((at, state)) = todo.pop() {
        if done.contains(&(at, state)) {
            continue;
        }
        done.push((at, state));
        let mut go = |to| todo.push((to, state));
        match &steps[at] {
            Step::Bytes(bytes) => set[usize::from(bytes[0])] = true,
            Step::One(one) => unite(&mut set, one),
            Step::Run(run) => {
                unite(&mut set, &run.set);
                if run.min == 0 {
                    go(at + 1);
                }
            }
            // Where it holds there is no other byte; at the end of the text there is none.
            Step::Look(Look::EndLF) => set[usize::from(b'\n')] = true,
            Step::Look(Look::End) => {}
            Step::Split(first, second, _) => {
                go(*first);
                go(*second);
            }
            Step::Jump(to) => go(*to),
            Step::Save(slot) => todo.push((at + 1, state | saved(*slot, asked))),
            Step::Look(_) | Step::Inner(Inner::Atomic, _) => go(at + 1),
            Step::Inner(_, end) => go(*end),
            Step::Unless(group, is_set, end) => {
                let known = asked.iter().position(|asked| asked == group);
                let is_true = known.map(|bit| (state >> bit & 1 == 1) == *is_set);
                if is_true != Some(false) {
                    go(at + 1);
                }
                if is_true != Some(true) {
                    go(*end);
                }
            }
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
