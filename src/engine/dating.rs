//! When the lines of one log were written: a detector, a resolver, and the date before.
//!
//! Jails whose lines are dated alike share one of these, so that a line is looked at once for all of
//! them.

use super::set::{Calendar, JailSet};
use super::timeline::{Timeline, Trail};
use super::wanted::{Manner, Wanted};
use crate::date::{Detector, Found, Ranked, Resolver, Stamp, TemplateId, Templates};
use crate::model::Time;

/// How far before a block its first date is looked for.
const LOOK_BACK_BYTES: usize = 16 << 10;

/// The moving state of dating one log, in line order.
#[derive(Debug)]
pub(super) struct Dating<'s> {
    templates: &'s Templates,
    timeline: &'s Timeline,
    detector: Detector,
    resolver: Resolver,
    /// The date of the last line that has one, and where that line is.
    last_date: Option<(Stamp, u64)>,
    /// Whether a line without a date has none, whatever is before it.
    is_apart: bool,
}

impl<'s> Dating<'s> {
    /// Dates by `templates`, with the years of `timeline`; `prime` is the template of the log's beginning,
    /// for a block that doesn't see it.
    pub(super) fn new(
        templates: &'s Templates,
        timeline: &'s Timeline,
        resolver: Resolver,
        prime: Option<TemplateId>,
    ) -> Self {
        let mut detector = templates.detector();
        if let Some(template) = prime {
            detector.prime(template);
        }
        Self { templates, timeline, detector, resolver, last_date: None, is_apart: false }
    }

    /// What it is from now on.
    pub(super) fn set_now(&mut self, now: Time) {
        self.resolver.now = now;
    }

    /// Learns the date that holds where a block begins, from the lines before it, the last of which has one
    /// in most logs.
    pub(super) fn look_back(&mut self, before: &[u8]) {
        // With a detector of its own: lines before the block are counted where they are scanned.
        let mut detector = self.templates.detector();
        if let Some(template) = self.detector.winner() {
            detector.prime(template);
        }
        let offset = before.len() as u64;
        let before = &before[before.len().saturating_sub(LOOK_BACK_BYTES)..];
        let lines = before.strip_suffix(b"\n").unwrap_or(before).rsplit(|byte| *byte == b'\n');
        let lines = lines.filter(|line| !matches!(line, [] | [b'#', ..]));
        let mut stamps = lines.filter_map(|line| detector.find(line)).map(|found| found.stamp);
        self.last_date = stamps.find(|stamp| !stamp.is_undated()).map(|stamp| (stamp, offset));
    }

    /// The date in the line at `offset`; a stamp that names no year is noted in `trail`.
    pub(super) fn find(&mut self, line: &[u8], offset: u64, trail: &mut Trail) -> Option<Found> {
        let found = self.detector.find(line);
        if let Some(found) = &found
            && !found.stamp.is_undated()
        {
            self.last_date = Some((found.stamp, offset));
            // The trail of a block begins with its first line, even if that repeats the one before.
            if (!found.is_repeat || trail.is_empty())
                && let Some(yearless) = found.stamp.yearless()
            {
                trail.note(yearless.secs(), offset);
            }
        }
        found
    }

    /// Whether `lines` begin with a line that has the date of the line before; see [`Detector::repeats`].
    #[inline]
    pub(super) fn repeats(&self, lines: &[u8]) -> bool {
        self.detector.repeats(lines)
    }

    /// Takes as found the dates of lines that repeat the last one.
    pub(super) fn count_repeats(&mut self, lines: u64) {
        self.detector.count_repeats(lines);
    }

    /// The templates as they are tried.
    pub(super) fn ranking(&self) -> Vec<Ranked> {
        self.detector.ranking()
    }

    /// Lines dated by each template so far.
    pub(super) fn hits(&self) -> &[u64] {
        self.detector.hits()
    }

    /// When a line was written: what its date says, or else the last date before it. A line without one
    /// continues what came before, as the second line of an event does (fail2ban does the same). Where
    /// lines have no dates, as their filter says, they are of now. In the manner of fail2ban-regex a line without a date
    /// has none.
    pub(super) fn time(&mut self, found: Option<Found>, offset: u64) -> Option<Time> {
        let mut resolve =
            |stamp: Stamp, at| self.resolver.resolve(&stamp, self.timeline.year_at(at));
        let own = found.map(|found| found.stamp);
        if let Some(time) = own.filter(|own| !own.is_undated()).and_then(|own| resolve(own, offset))
        {
            return Some(time);
        }
        match self.last_date.filter(|_| !self.is_apart) {
            Some((stamp, at)) => resolve(stamp, at),
            None => own.and_then(|own| resolve(own, offset)),
        }
    }
}

/// What the beginning of a log has taught of one way of dating.
#[derive(Clone, Debug, Default)]
pub(super) struct Learnt {
    /// Which years its lines are of.
    pub(super) timeline: Timeline,
    /// The template of its first lines.
    pub(super) prime: Option<TemplateId>,
}

/// One state for each way of dating in the set.
pub(super) fn all<'s>(
    set: &'s JailSet,
    wanted: Wanted,
    learnt: impl Fn(usize) -> &'s Learnt,
    is_later: bool,
) -> Vec<Dating<'s>> {
    let dating = |(nth, calendar): (usize, &'s Calendar)| {
        let resolver = Resolver::new(wanted.zone, calendar.log_zone, wanted.now);
        let Learnt { timeline, prime } = learnt(nth);
        // The beginning of a log is read as the daemon would read it, with nothing learnt before.
        let prime = prime.filter(|_| is_later);
        let is_apart = wanted.manner == Manner::Fail2ban;
        Dating { is_apart, ..Dating::new(&calendar.templates, timeline, resolver, prime) }
    };
    set.calendars().iter().enumerate().map(dating).collect()
}
