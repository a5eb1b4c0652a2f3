//! Reading logs once, in parallel, with the results in input order.
//!
//! [`Scan::run`] gives every log to the jails that read it, all of them in one pass. The tasks of that pass
//! ([`drive`](super::drive)) find, on as many threads as there are; the calling thread puts in order
//! ([`Fold`]): it adds up the totals and hands the matches to the sink.
//!
//! Two kinds of filters need lines in order: those that track connections get their hits found in
//! parallel and merged in the fold; those that look at several lines at once run over a log in one task.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::Control;
use super::drive;
use super::finding::Finding;
use super::fold::Fold;
use super::jail::Jail;
use super::lookup::Names;
use super::opened::Opened;
use super::outcome::{Outcome, Sink, Unread};
use super::set::JailSet;
use super::wanted::{Manner, Wanted};
use super::years;
use crate::source::Log;

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

impl Scan<'_> {
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
        let finding = Finding { jails: self.jails, names: self.names, wanted };
        let parts = self.parts(readings);
        let ahead = rayon::current_num_threads() * 2 + 2;
        let mut fold = Fold::new(finding, sink, control);
        let opened = parts.iter().map_while(|(log, set)| {
            (!control.is_stopped()).then(|| open(log, set, wanted, control))
        });
        drive::each(finding, opened, ahead, control, &mut |opened, happened| {
            fold.take(opened, happened)
        })?;
        fold.finish()
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

/// Opens a log for a set of jails and, where they want its matches, learns its years.
fn open<'l>(
    log: &'l Log,
    set: &'l JailSet,
    wanted: Wanted,
    control: &Arc<Control>,
) -> Result<Opened<'l>, Unread> {
    let unread = |error| Unread { log: log.name(), error };
    let mut opened = Opened::open(log, set, wanted, control).map_err(unread)?;
    // What is handed on can't be taken back: the years have to be known before. What can be read only
    // once has no past to be placed in.
    let has_years = wanted.manner == Manner::F2b && log.kind.can_be_reread();
    if wanted.matches && opened.is_yearless() && has_years {
        let counted = Wanted { matches: false, ..wanted };
        let again = Opened::open(log, set, counted, &Arc::default()).map_err(unread)?;
        let timelines = opened.conclude(&years::trails(again, wanted), wanted);
        opened.place(timelines);
    }
    Ok(opened)
}
