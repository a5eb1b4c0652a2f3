//! Why there are fewer failures than matched lines, or more.

use std::collections::BTreeMap;

use super::super::output::counted;
use crate::model::{Matches, NoFailure};
use crate::store::Written;

/// The matched lines of a jail, by what they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    lines: u64,
    /// Lines by which several hosts failed: a name with several addresses.
    of_several: u64,
    /// Lines by which nobody failed.
    no_failures: BTreeMap<NoFailure, u64>,
}

impl Sums {
    pub(super) fn add(&mut self, matches: &Matches) {
        self.lines += matches.lines.len() as u64;
        for line in &matches.lines {
            self.of_several += u64::from(line.failures.len() > 1);
            if !line.is_failure() {
                let why = line.no_failure.unwrap_or(NoFailure::Nobody);
                *self.no_failures.entry(why).or_default() += 1;
            }
        }
    }

    /// The lines by which nobody failed, by why.
    pub(super) fn no_failures(&self) -> BTreeMap<&'static str, u64> {
        self.no_failures.iter().map(|(why, lines)| (why.name(), *lines)).collect()
    }

    /// What became of them in the store, a sentence a line.
    pub(super) fn stored(&self, written: Written, store: &str) -> Vec<String> {
        let known = match self.lines.saturating_sub(written.matches) {
            0 => String::new(),
            all if written.matches == 0 => format!(" (all {all} lines were known)"),
            1 => " (1 line was known)".to_owned(),
            some => format!(" ({some} lines were known)"),
        };
        let new = counted(written.matches, "new matched line");
        let failures = counted(written.failures, "new failure");
        let mut lines = vec![format!("Stored {new} and {failures} in {store}{known}")];
        let others: u64 = self.no_failures.values().sum();
        if others > 0 {
            let are = if others == 1 { "is" } else { "are" };
            let reasons = match self.no_failures.iter().next() {
                Some((why, all)) if *all == others => reason(*why, *all).to_owned(),
                _ => {
                    let each = self.no_failures.iter();
                    let each: Vec<String> =
                        each.map(|(why, n)| format!("{n} {}", reason(*why, *n))).collect();
                    each.join(", ")
                }
            };
            lines.push(format!("{} {are} no failure: {reasons}", counted(others, "line")));
        }
        if self.of_several > 0 {
            let named = counted(self.of_several, "line");
            lines.push(format!("{named} of names with several addresses: a failure of each"));
        }
        lines
    }
}

/// What so many lines are instead.
fn reason(why: NoFailure, lines: u64) -> &'static str {
    match (why, lines) {
        (NoFailure::Context, _) => "context",
        (NoFailure::Nobody, _) => "about nobody",
        (NoFailure::Name, 1) => "about a name, which usedns passes over",
        (NoFailure::Name, _) => "about names, which usedns passes over",
        (NoFailure::Unresolved, 1) => "about a name without an address",
        (NoFailure::Unresolved, _) => "about names without an address",
        (NoFailure::Ignored, 1) => "about a host that the jail ignores",
        (NoFailure::Ignored, _) => "about hosts that the jail ignores",
    }
}
