//! Reading logs once, in parallel, with the results in input order.
//!
//! [`Scan::run`] gives every log to the jails that read it, all of them in one pass. The tasks of that pass
//! ([`drive`](super::drive)) find, on as many threads as there are; the calling thread puts in order
//! ([`Fold`]): it adds up the totals and hands the matches to the sink, so that writing to the store overlaps
//! with scanning.
//!
//! Two kinds of filters need lines in order: those that track connections get their hits found in
//! parallel and merged in the fold; those that look at several lines at once run over a log in one task.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::drive::{self, Pass};
use super::fold::Fold;
use super::jail::Jail;
use super::judge::Judging;
use super::lookup::Names;
use super::opened::Opened;
use super::piece::Piece;
use super::set::JailSet;
use super::stream::{Stream, Wanted};
use super::totals::Totals;
use crate::model::Matches;
use crate::source::{Head, Log, SourceError};

/// Tasks that may run ahead while the calling thread writes a batch: about as much dense log as a batch
/// holds matches, so that nobody waits for the other.
const TASKS_WHILE_WRITING: usize = 44;

/// Everything that says how to scan.
#[derive(Clone, Copy)]
pub struct Scan<'s> {
    /// What to look for.
    pub jails: &'s [Arc<Jail>],
    /// What is known of host names.
    pub names: &'s Names,
    /// What is wanted of it; [`run`](Scan::run) sets whether matches are.
    pub wanted: Wanted,
}

/// A log and the jails that read it, as places in [`Scan::jails`].
#[derive(Clone, Debug)]
pub struct Reading {
    /// The log.
    pub log: Log,
    /// Who reads it; at least one.
    pub jails: Vec<usize>,
}

/// A log as the sinks see it.
#[derive(Clone, Debug)]
pub struct LogInfo {
    /// The path, or `-`.
    pub name: String,
    /// Whether its bytes can be read at its name as they were scanned: a plain file in UTF-8.
    pub is_plain: bool,
    /// What identifies it for good; `None` if it holds nothing, or is a literal line.
    pub head: Option<Head>,
}

/// Where matches go, one log after the other, those of each jail in line order.
pub trait Sink {
    /// What may go wrong.
    type Error;

    /// Takes the matches that a jail, by its place in [`Scan::jails`], has in a piece; never empty.
    fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), Self::Error>;
}

/// A log that could not be read to its end; the others were.
#[derive(Debug)]
pub struct Unread {
    /// Which log.
    pub log: String,
    /// Why.
    pub error: SourceError,
}

/// What a scan came to for one jail.
#[derive(Debug, Default)]
pub struct Counted {
    /// What was counted.
    pub totals: Totals,
    /// Logs with lines that an expression took too long for, and how many.
    pub undecided: Vec<(String, u64)>,
}

/// What a scan came to.
#[derive(Debug, Default)]
pub struct Outcome {
    /// For each of [`Scan::jails`].
    pub jails: Vec<Counted>,
    /// Logs that could not be read, or not to their end.
    pub unread: Vec<Unread>,
    /// Whether it was stopped.
    pub interrupted: bool,
}

/// The pass that finds.
#[derive(Clone, Copy)]
pub(super) struct Finding<'s> {
    names: &'s Names,
    wanted: Wanted,
}

impl Pass for Finding<'_> {
    type Made = Piece;
    type Reader<'o>
        = Stream<'o>
    where
        Self: 'o;

    fn reader<'o>(&self, opened: &'o Opened<'_>, is_later: bool) -> Stream<'o>
    where
        Self: 'o,
    {
        Stream::of_log(opened.set, self.names, self.wanted, &opened.learnt, is_later)
    }
}

impl<'s> Scan<'s> {
    /// Scans logs in their order; matches go to `sink`, everything else is in the outcome.
    ///
    /// # Errors
    ///
    /// Only the sink's: a log that can't be read is part of the outcome.
    pub fn run<S: Sink>(
        &self,
        readings: &[Reading],
        sink: Option<&mut S>,
        control: &Arc<Control>,
    ) -> Result<Outcome, S::Error> {
        for reading in readings {
            let bytes = reading.log.size_bytes().unwrap_or(0);
            control.total_bytes.fetch_add(bytes, Ordering::Relaxed);
        }
        let wanted = Wanted { matches: sink.is_some(), ..self.wanted };
        let scan = Self { wanted, ..*self };
        let parts = scan.parts(readings);
        let ahead =
            rayon::current_num_threads() * 2 + if wanted.matches { TASKS_WHILE_WRITING } else { 2 };
        let mut fold = Fold::new(scan, sink, control);
        let opened = parts.iter().map_while(|(log, set)| {
            (!control.is_stopped()).then(|| Opened::new(log, set, wanted, control))
        });
        drive::each(scan.finding(), opened, ahead, control, &mut |opened, happened| {
            fold.take(opened, happened)
        })?;
        fold.finish()
    }

    pub(super) fn judging<'j>(&'j self, jail: &'j Jail) -> Judging<'j> {
        Judging { jail, names: self.names, wanted: self.wanted }
    }

    pub(super) fn finding(&self) -> Finding<'s> {
        Finding { names: self.names, wanted: self.wanted }
    }

    /// Each log with the jails that can read it together; one and the same set where that is so.
    fn parts<'r>(&self, readings: &'r [Reading]) -> Vec<(&'r Log, Arc<JailSet>)> {
        let mut sets: Vec<Arc<JailSet>> = Vec::new();
        let mut parts = Vec::new();
        for reading in readings {
            for places in JailSet::split(self.jails, &reading.jails) {
                let known = sets.iter().find(|set| set.places().eq(places.iter().copied()));
                let set = known.cloned().unwrap_or_else(|| {
                    sets.push(Arc::new(JailSet::new(self.jails, &places)));
                    Arc::clone(&sets[sets.len() - 1])
                });
                parts.push((&reading.log, set));
            }
        }
        parts
    }
}
