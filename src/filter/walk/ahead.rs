//! What the next bytes of a text tell a walk: which branches and which ends of a run are worth trying.
//!
//! Only ever a bound: what is ruled out here can't match, what isn't is tried.

use regex_syntax::hir::Look;

use super::set::Set;
use super::steps::{Inner, Next, Step, Ways};

/// What has to follow the run at `at`, if that is plain to see.
pub(super) fn what_follows(steps: &[Step], at: usize, asked: &[usize], state: usize) -> Next {
    let anything = Next { first: Set::ALL, second: Set::ALL, only: None, is_outside: false };
    let Step::Run(run) = &steps[at] else { return anything };
    let (mut behind, mut state) = (at + 1, state);
    while let Step::Save(slot) = steps[behind] {
        state |= saved(slot, asked);
        behind += 1;
    }
    let begins = |from| begins(steps, from, asked, state);
    let (first, second) = match &steps[behind] {
        Step::Bytes(bytes) => match bytes[..] {
            [first] => (Set::only(first), begins(behind + 1)),
            [first, second, ..] => (Set::only(first), Set::only(second)),
            [] => return anything,
        },
        Step::One(set) => (*set, begins(behind + 1)),
        _ => (begins(behind), Set::ALL),
    };
    Next { first, second, only: first.single(), is_outside: run.set.is_disjoint(first) }
}

/// The bit of the group that ends in a slot.
fn saved(slot: usize, asked: &[usize]) -> usize {
    let is_end = slot % 2 == 1;
    let bit = asked.iter().position(|group| is_end && *group == slot / 2);
    bit.map_or(0, |bit| 1 << bit)
}

/// With which bytes the branches of a split may go on.
pub(super) fn ways(steps: &[Step], first: usize, second: usize) -> Ways {
    Ways { first: begins(steps, first, &[], 0), second: begins(steps, second, &[], 0) }
}

/// With which bytes a walk may go on from a step in a state of the groups that are `asked` for, of others in any;
/// more than there are where that is not plain to see.
pub(super) fn begins(steps: &[Step], from: usize, asked: &[usize], state: usize) -> Set {
    let mut set = Set::default();
    let (mut todo, mut done) = (vec![(from, state)], Vec::new());
    while let Some((at, state)) = todo.pop() {
        if done.contains(&(at, state)) {
            continue;
        }
        done.push((at, state));
        let mut go = |to| todo.push((to, state));
        match &steps[at] {
            Step::Bytes(bytes) => set.insert(bytes[0]),
            Step::One(one) => set.unite(*one),
            Step::Run(run) => {
                set.unite(run.set);
                if run.min == 0 {
                    go(at + 1);
                }
            }
            // Where it holds there is no other byte; at the end of the text there is none.
            Step::Look(Look::EndLF) => set.insert(b'\n'),
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
            Step::Done | Step::Same(_) | Step::Match => return Set::ALL,
        }
    }
    set
}
