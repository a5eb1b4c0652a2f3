//! Everything that was found, in an order to be read in: jail by jail, file by file, line by line.

use std::collections::HashMap;

use crate::diag::{Diagnostic, Severity};

/// What a look at the configuration came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Everything that was found; what several jails share is there once, with the first of them.
    pub findings: Vec<Finding>,
    /// The jails that were looked at.
    pub jails: Vec<Checked>,
}

/// Something that was found, and whom else it concerns.
#[derive(Debug)]
pub struct Finding {
    /// What was found, about the first that it concerns.
    pub diagnostic: Diagnostic,
    /// The other jails and filters of which it is true, in order.
    pub others: Vec<String>,
}

/// A jail that was looked at.
#[derive(Debug)]
pub struct Checked {
    /// Its name.
    pub name: String,
    /// Whether it is to be run.
    pub is_enabled: bool,
    /// Whether it could be run.
    pub is_usable: bool,
    /// Its expressions that need the backtracking engine, each with the constructs for which it does.
    pub backtracking: Vec<(String, Vec<&'static str>)>,
}

impl Report {
    /// How many findings are at least this bad.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|found| found.diagnostic.severity == severity).count()
    }

    /// How bad the worst is.
    pub fn worst(&self) -> Option<Severity> {
        self.findings.iter().map(|found| found.diagnostic.severity).max()
    }
}

/// The findings about one jail in the order of the lines that they are about, files in the order in which they come
/// up; what is about no line is last.
pub(super) fn in_order(mut findings: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut files = HashMap::new();
    for at in findings.iter().filter_map(|found| found.at.as_ref()) {
        let next = files.len();
        files.entry(at.file.clone()).or_insert(next);
    }
    findings.sort_by_key(|found| {
        found.at.as_ref().map_or((usize::MAX, 0), |at| (files[&at.file], at.line))
    });
    findings
}

/// Jails share filters and defaults: what is wrong there is wrong once, as badly as it is for one of them.
pub(super) fn merged(findings: Vec<Diagnostic>) -> Vec<Finding> {
    let mut places = HashMap::new();
    let mut merged: Vec<Finding> = Vec::new();
    for diagnostic in findings {
        let place = *places.entry(diagnostic.to_string()).or_insert(merged.len());
        let Some(known) = merged.get_mut(place) else {
            merged.push(Finding { diagnostic, others: Vec::new() });
            continue;
        };
        let severity = &mut known.diagnostic.severity;
        *severity = diagnostic.severity.max(*severity);
        let first = known.diagnostic.subject.as_ref();
        // What concerns nobody in particular concerns everyone.
        let other = diagnostic.subject.filter(|other| first.is_some_and(|first| first != other));
        known.others.extend(other.filter(|other| !known.others.contains(other)));
    }
    merged
}
