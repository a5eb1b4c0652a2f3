//! What the hits of one line come to: whose failure it is, or none.
//!
//! The same for a line by itself and for one that its connection lends an address. Where several
//! failregexes were tried, the first that makes a failure counts; a line that one of them calls context
//! (`nofail`) is reported as ignored, as `fail2ban-regex` does.
//!
//! A line that names a host by its name stays open until the name is looked up: whoever finds the line
//! asks ([`Judging::take`]) and goes on; the answer is needed when lines are put in order
//! ([`Judging::settle`]).

use std::ops::Range;

use super::jail::Jail;
use super::lookup::{self, Names};
use super::piece::{Share, own_start};
use super::seen::{Open, Outcome, Seen};
use super::totals::HitNote;
use super::wanted::{Manner, Wanted};
use crate::config::UseDns;
use crate::filter::{Mode, Said, Sessions};
use crate::model::{Host, Match, Matches, NoFailure, Time};

/// What it takes to say what a line of a jail is.
#[derive(Clone, Copy)]
pub(super) struct Judging<'s> {
    pub(super) jail: &'s Jail,
    pub(super) names: &'s Names,
    pub(super) wanted: Wanted,
}

impl Judging<'_> {
    /// Takes a line with its hits (at least one), of which it leaves none, so that the next line's find room there;
    /// `text` are its bytes, those of earlier lines that belong to it before them. It is counted at once, unless there
    /// is a name to look up.
    pub(super) fn take(
        &self,
        mut line: Match,
        seen: &mut Vec<Seen>,
        text: &[u8],
        share: &mut Share,
    ) {
        for seen in seen.iter_mut() {
            seen.id = seen.id.take().map(|id| lookup::identified(self.jail.usedns, id));
        }
        if self.names_of(seen).count() == 0 {
            self.close(line, seen, text, share);
            return;
        }
        self.names_of(seen).for_each(|name| self.names.ask(name, self.wanted.now));
        if line.text.is_empty() {
            line.text = kept(share, text, line.before);
        }
        share.open.push(Open { line, seen: std::mem::take(seen) });
    }

    /// Merges the hits of a piece into their connections, in line order; nothing is left to do for a filter
    /// without connections.
    pub(super) fn merge(&self, share: &mut Share, sessions: &mut Sessions) {
        if !self.jail.filter.has_sessions() {
            return;
        }
        let hits = std::mem::take(&mut share.hits);
        let wants_sums_only = !self.wanted.matches && !self.wanted.hits;
        let pending = std::mem::take(&mut share.pending);
        let texts = std::mem::take(&mut share.matches.texts);
        let mut seen = Vec::new();
        for (line, mut hits) in pending.into_iter().zip(hits.lines()) {
            let text = &texts[line.text.0..line.text.1];
            let Some(first) = hits.next() else { continue };
            let merged = sessions.merge(first);
            let mut others = hits.peekable();
            let is_alone = wants_sums_only && others.peek().is_none() && !self.drops_context();
            if is_alone
                && let Some(outcome) =
                    count_alone(&merged.said, line.time, own(text, line.before), share)
            {
                share.count(outcome, own(text, line.before), line.place.offset, self.wanted.limits);
                continue;
            }
            seen.push(Seen::merged(first.regex(), &merged));
            seen.extend(others.map(|hit| Seen::merged(hit.regex(), &sessions.merge(hit))));
            self.take(line.line(), &mut seen, text, share);
        }
        share.matches.texts = texts;
    }

    /// Whether a question about the piece is still open. Asks the next ones, once those before are answered.
    pub(super) fn is_open(&self, share: &mut Share) -> bool {
        if share
            .open
            .iter()
            .any(|open| self.names_of(&open.seen).any(|name| self.names.is_open(name)))
        {
            return true;
        }
        self.close_all(share);
        let is_open = |(host, line, text): (&Host, &Match, &[u8])| {
            self.jail.ignore.is_failure_open(host, line, text)
        };
        self.asks_about_failures() && failures(&share.matches).any(is_open)
    }

    /// Closes what is open, all answers waited for, and leaves out the failures that the jail ignores.
    pub(super) fn settle(&self, share: &mut Share) {
        self.close_all(share);
        if self.asks_about_failures() {
            let Matches { lines, texts } = &mut share.matches;
            for line in lines {
                let failures = std::mem::take(&mut line.failures);
                let is_ignored = |host: &Host| {
                    let text = &texts[line.text.start - own_start(line.before)..line.text.end];
                    self.jail.ignore.ignores_failure(host, line, text, self.wanted.now)
                };
                let (ignored, failures): (Vec<_>, _) = failures.into_iter().partition(is_ignored);
                if failures.is_empty() {
                    line.no_failure = line.no_failure.or(Some(NoFailure::Ignored));
                }
                line.failures = failures;
                line.ignored.extend(ignored);
            }
        }
    }

    fn close_all(&self, share: &mut Share) {
        if !share.open.is_empty() {
            let texts = std::mem::take(&mut share.matches.texts);
            for Open { line, mut seen } in std::mem::take(&mut share.open) {
                let text = &texts[line.text.start - own_start(line.before)..line.text.end];
                self.close(line, &mut seen, text, share);
            }
            share.matches.texts = texts;
            share.matches.lines.sort_by_key(|line| line.place.offset);
            share.totals.hits.sort_by_key(|hit| hit.offset);
        }
        if self.asks_about_failures() && !share.is_asked {
            share.is_asked = true;
            for (host, line, text) in failures(&share.matches) {
                self.jail.ignore.ask_about_failure(host, line, text, self.wanted.now);
            }
        }
    }

    /// A command is asked about failures one by one only if someone may be banned for them.
    fn asks_about_failures(&self) -> bool {
        self.wanted.bans && self.jail.ignore.asks_about_failures()
    }

    /// Says what a line is, counts it and keeps it if it is wanted, without the failures that the jail ignores
    /// for what is written alone.
    fn close(&self, mut line: Match, seen: &mut Vec<Seen>, text: &[u8], share: &mut Share) {
        self.note(seen, &line, share);
        let outcome = self.judge(&mut line, seen);
        share.count(outcome, own(text, line.before), line.place.offset, self.wanted.limits);
        for host in &line.failures {
            share.totals.hosts.count(host, line.time);
        }
        if line.is_failure() {
            share.totals.undated.count(line.time, own(text, line.before));
        }
        if self.wanted.matches {
            if line.is_failure() {
                let is_ignored = |host: &mut Host| self.jail.ignore.lists(host);
                line.ignored = line.failures.extract_if(.., is_ignored).collect();
                line.no_failure = (!line.is_failure()).then_some(NoFailure::Ignored);
            }
            if line.text.is_empty() {
                line.text = kept(share, text, line.before);
            }
            share.matches.lines.push(line);
        }
    }

    fn judge(&self, line: &mut Match, seen: &mut Vec<Seen>) -> Outcome {
        let has_context = seen.iter().any(|seen| seen.nofail);
        let is_pending = seen.iter().any(|seen| seen.is_pending && !seen.nofail);
        line.regex = seen.first().map_or(0, |first| first.regex);
        let failures = seen.iter().map(|seen| self.failures_of(seen));
        let deciding = failures.enumerate().find(|(_, failures)| !failures.is_empty());
        line.nofail = deciding.is_none();
        line.no_failure = match seen.first() {
            Some(first) if deciding.is_none() => Some(self.why_not(first)),
            _ => None,
        };
        let is_failure = deciding.is_some();
        let (deciding, failures) = deciding.unwrap_or_default();
        line.failures = failures;
        if let Some(seen) = seen.drain(..).nth(deciding) {
            line.host = seen.addr.map(Host::Addr).or_else(|| seen.id.clone());
            line.id = seen.id;
            line.fields = seen.fields;
            line.users = seen.users;
            line.attempts = seen.attempts;
        }
        match (has_context, is_failure || is_pending) {
            (true, _) if self.drops_context() => Outcome::Missed,
            (true, _) => Outcome::Ignored,
            (false, true) => Outcome::Matched,
            (false, false) => Outcome::Missed,
        }
    }

    /// Whether context counts for nothing: fail2ban-regex doesn't hear of it where it ends at the first match.
    fn drops_context(&self) -> bool {
        self.wanted.manner == Manner::Fail2ban && self.wanted.mode == Mode::First
    }

    /// Who failed: the id itself, or every address of a name.
    fn failures_of(&self, seen: &Seen) -> Vec<Host> {
        match (&seen.id, self.jail.usedns) {
            (None, _) => Vec::new(),
            (Some(_), _) if seen.nofail => Vec::new(),
            (Some(Host::Name(_)), UseDns::No) if seen.is_dns => Vec::new(),
            (Some(Host::Name(name)), UseDns::Yes | UseDns::Warn) if seen.is_dns => {
                let found = self.names.wait(name, self.wanted.now);
                found.into_iter().map(Host::Addr).collect()
            }
            (Some(id), _) => vec![id.clone()],
        }
    }

    /// Why a hit by which nobody failed is no failure.
    fn why_not(&self, seen: &Seen) -> NoFailure {
        match (&seen.id, self.jail.usedns) {
            _ if seen.nofail => NoFailure::Context,
            (None, _) => NoFailure::Nobody,
            (Some(_), UseDns::No) => NoFailure::Name,
            (Some(_), _) => NoFailure::Unresolved,
        }
    }

    /// The names that have to be looked up before it can be said what a line is.
    fn names_of<'n>(&self, seen: &'n [Seen]) -> impl Iterator<Item = &'n str> {
        seen.iter().filter_map(|seen| self.name_of(seen))
    }

    /// The name that has to be looked up before it can be said whom a hit is about.
    fn name_of<'n>(&self, seen: &'n Seen) -> Option<&'n str> {
        let is_asked = matches!(self.jail.usedns, UseDns::Yes | UseDns::Warn);
        match &seen.id {
            Some(Host::Name(name)) if is_asked && seen.is_dns && !seen.nofail => Some(name),
            _ => None,
        }
    }

    /// Notes hits for the verbose report, and ids that are none.
    fn note(&self, seen: &[Seen], line: &Match, share: &mut Share) {
        let is_fail2bans = self.wanted.manner == Manner::Fail2ban;
        // Of this line, those that count.
        let mut earlier = 0;
        for hit in seen {
            if hit.nofail && self.drops_context() {
                let count = &mut share.totals.failregex[hit.regex];
                *count = count.wrapping_sub(1);
                continue;
            }
            share.totals.invalid_ids += u64::from(hit.is_invalid);
            if !hit.has_identity {
                continue;
            }
            let names = self.name_of(hit).filter(|_| is_fail2bans);
            let names = names.map(|name| self.names.wait(name, self.wanted.now));
            if let Some(names) = &names {
                // It was counted once, as all hits are.
                let count = &mut share.totals.failregex[hit.regex];
                *count = count.wrapping_add(names.len() as u64).wrapping_sub(1);
            }
            if !self.wanted.hits {
                continue;
            }
            let ids = match names {
                Some(names) => names.iter().map(ToString::to_string).collect(),
                None => vec![hit.id.as_ref().map(ToString::to_string).unwrap_or_default()],
            };
            for id in ids {
                let multiple = if is_fail2bans { earlier > 1 } else { seen.len() > 1 };
                let Match { place, time: at, .. } = *line;
                let hit = HitNote { offset: place.offset, regex: hit.regex, id, at, multiple };
                share.totals.hits.push(hit);
                earlier += 1;
            }
            earlier -= u32::from(hit.nofail);
        }
    }
}

/// Keeps the bytes of all lines of a match; where those of its last are.
fn kept(share: &mut Share, whole: &[u8], before: u32) -> Range<usize> {
    let Range { start, end } = share.matches.keep(whole);
    start + own_start(before)..end
}

/// The last line of a match.
fn own(whole: &[u8], before: u32) -> &[u8] {
    &whole[own_start(before)..]
}

/// Counts the failure of a line of one hit whose id is an address or nobody, as [`Judging::judge`] would, where nothing
/// but the sums is wanted: most lines of a log under attack are such. What it is counted as; `None` of others.
fn count_alone(said: &Said, at: Option<Time>, text: &[u8], share: &mut Share) -> Option<Outcome> {
    match (&said.id, said.nofail) {
        (Some(Host::Name(_)), _) => None,
        (_, true) => Some(Outcome::Ignored),
        (Some(Host::Addr(addr)), false) => {
            share.totals.hosts.count_addr(*addr, at);
            share.totals.undated.count(at, text);
            Some(Outcome::Matched)
        }
        (None, false) if said.is_pending => Some(Outcome::Matched),
        (None, false) => Some(Outcome::Missed),
    }
}

/// All failures with their lines.
fn failures(matches: &Matches) -> impl Iterator<Item = (&Host, &Match, &[u8])> {
    let lines = matches.lines.iter();
    lines.flat_map(move |line| {
        line.failures.iter().map(move |host| (host, line, matches.whole(line)))
    })
}
