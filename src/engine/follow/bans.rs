//! The bans of the store, as a log that a jail follows: for jails that count bans, as `recidive` does.
//!
//! **A ban counts by its line in f2b's own log; one that has none there, from the store.** Which have none is known when
//! the log is read to its end: all that `f2b batch`, `f2b scan` and `f2b ban` made, and of a daemon's those that it was
//! killed before telling, couldn't tell, or tells elsewhere. Such a ban is shown to the jail as the line that the daemon
//! would have written, and what comes of it is stored like what comes of any line: in a log called `f2b:bans`, at the
//! offset that is the ban's number. How far that was read is in the transaction that counts it, and so is that a line in
//! the file stood for a ban: whoever is killed, and whoever takes turns, counts each ban once.
//!
//! A daemon that tells of its bans in that very file waits for their lines. A ban whose line has not come when that of a
//! later one has is not told, and counts from the store; if its line does come, late, that one doesn't.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::super::jail::Jail;
use super::super::live::{Live, Taken};
use super::super::own_log::Shown;
use super::super::set::{JailSet, Member};
use super::super::writer::Reached;
use super::{Counts, Ground, Standing, Step, Stretch, Writer};
use crate::logline::{Event, Pen, Record};
use crate::model::{Ban, Head, Matches, Origin, Time};
use crate::store::{LOG_OF_BANS, LogId, Numbered, Position, Reader, StoreError};

/// So many bans whose lines may come late are remembered.
const LATE_MAX: usize = 1000;

/// The bans, as one jail reads them.
pub(super) struct Bans<'g> {
    /// The jail's.
    place: usize,
    jail: Arc<Jail>,
    live: Live<'g>,
    shown: Shown,
    pen: Pen,
    /// The number of the next ban that isn't known here.
    next: u64,
    /// Bans with lower numbers have counted, as the store knows.
    stored: Option<u64>,
    waiting: VecDeque<Waiting>,
    /// What lines may yet say of bans that count already.
    late: VecDeque<String>,
}

/// A ban that is yet to be counted.
struct Waiting {
    number: u64,
    at: Time,
    /// What a line of it says.
    message: String,
    taken: Taken,
    /// Whether its line is going to be written by this process.
    is_coming: bool,
    /// Whether its line was read.
    has_come: bool,
}

impl<'g> Bans<'g> {
    pub(super) fn new(ground: &'g Ground, set: &'g JailSet, shown: Shown, now: Time) -> Self {
        let Member { index, jail, .. } = &set.members()[0];
        // The zone in which the jail is going to read it.
        let zone = jail.log_zone.unwrap_or(ground.zone);
        let pen = Pen { layout: shown.layout.clone(), zone, process: std::process::id() };
        Self {
            place: *index,
            jail: Arc::clone(jail),
            live: Live::new(set, &ground.names, ground.wanted(now)),
            shown,
            pen,
            next: 0,
            stored: None,
            waiting: VecDeque::new(),
            late: VecDeque::new(),
        }
    }

    /// Looks up how far they were read. A jail that has never read any begins its findtime ago, as with any log; with the
    /// bans to come, if it has followed the file before there was this log.
    pub(super) fn begin(&mut self, store: &Reader, now: Time) -> Result<(), StoreError> {
        let positions = store.positions(&self.jail.name)?;
        let read = |path: &str| positions.iter().find(|read| read.path == path);
        let has_read_file = || {
            let file = self.shown.file.as_ref()?.to_string_lossy();
            read(&file).map(|_| ())
        };
        let last = store.last_ban()?;
        self.stored = read(LOG_OF_BANS).map(|read| read.position.offset);
        self.next = self.stored.unwrap_or(last + 1);
        if self.stored.is_none() && has_read_file().is_none() {
            let since = now.plus_micros(-self.jail.rule.findtime_us);
            let bans = store.bans_from(0, since)?.into_iter();
            bans.take_while(|ban| ban.number <= last).for_each(|ban| self.add(ban, now));
        }
        Ok(())
    }

    /// Hands on the bans that have no line, now that all that was read of logs is in `stretches`.
    pub(super) fn read(
        &mut self,
        writer: &mut Writer,
        now: Time,
        step: &mut Step,
        stretches: &mut Vec<Stretch>,
    ) -> Result<(), StoreError> {
        self.live.set_now(now);
        // Whatever was read of a ban was written after that was stored.
        for ban in writer.reader().bans_from(self.next, Time::from_micros(i64::MIN))? {
            self.next = ban.number + 1;
            self.add(ban, now);
        }
        self.find_lines(stretches);
        let mut found = Vec::new();
        for Waiting { number, at, taken, has_come, .. } in self.known(step) {
            if has_come {
                continue;
            }
            for (totals, matches) in self.live.settle(taken) {
                step.count(self.place, Counts::of(&totals));
                found.push((self.place, placed(matches, number, at)));
            }
        }
        let reached = self.waiting.front().map_or(self.next, |first| first.number);
        if self.stored != Some(reached) {
            self.stored = Some(reached);
            stretches.push(self.stretch(log(writer, now)?, found, reached));
        }
        Ok(())
    }

    /// Adds a ban that may have to be counted; of one that doesn't count a line doesn't, either. An imported one has none.
    fn add(&mut self, found: Numbered, now: Time) {
        let (is_new, is_imported) = (found.is_new, found.ban.origin == Origin::Import);
        let waiting = self.line_of(found, now);
        if is_new {
            self.waiting.push_back(waiting);
        } else if !is_imported {
            self.pass_over(waiting.message);
        }
    }

    /// A ban as the log tells it.
    fn line_of(&mut self, Numbered { number, ban, .. }: Numbered, now: Time) -> Waiting {
        let Ban { jail, host, at, until, origin, .. } = ban;
        let event = Event::Ban { jail: &jail, host: &host.to_string() };
        let message = event.message(self.pen.zone);
        let line = self.pen.line(&Record::new(at, event.logger(), event.level(), &message));
        let message = told_ban(&line).unwrap_or(&line).to_owned();
        let taken = if self.shown.is_entry {
            self.live.take_entry(line.as_bytes(), at)
        } else {
            self.live.take(format!("{line}\n").as_bytes(), number)
        };
        // Of a ban that is over before it can be carried out another line is written.
        let is_coming = self.shown.written_after.is_some_and(|after| number > after)
            && matches!(origin, Origin::Daemon | Origin::Manual)
            && until.is_none_or(|until| until > now);
        Waiting { number, at, message, taken, is_coming, has_come: false }
    }

    /// A line that says this, if one comes, is of a ban that has counted, or doesn't count.
    fn pass_over(&mut self, message: String) {
        self.late.push_back(message);
        self.late.drain(..self.late.len().saturating_sub(LATE_MAX));
    }

    /// Finds out which bans have a line among those that the jail has matched, and takes out lines of bans that have
    /// counted.
    fn find_lines(&mut self, stretches: &mut [Stretch]) {
        let mut awaited: HashMap<&str, VecDeque<&mut bool>> = HashMap::new();
        for Waiting { message, has_come, .. } in &mut self.waiting {
            awaited.entry(message).or_default().push_back(has_come);
        }
        let found = stretches.iter_mut().flat_map(|stretch| &mut stretch.found);
        for (_, Matches { lines, texts }) in found.filter(|(place, _)| *place == self.place) {
            lines.retain(|line| {
                let text = String::from_utf8_lossy(&texts[line.text.clone()]);
                let Some(message) = told_ban(&text) else { return true };
                if let Some(has_come) = awaited.get_mut(message).and_then(VecDeque::pop_front) {
                    *has_come = true;
                    return true;
                }
                let late = self.late.iter().position(|late| late == message);
                late.and_then(|at| self.late.remove(at)).is_none()
            });
        }
    }

    /// Takes the bans of which it is known whether they have a line, in their order: that is the order of the lines, too.
    fn known(&mut self, step: &mut Step) -> Vec<Waiting> {
        let overtaken = self.waiting.iter().rposition(|waiting| waiting.has_come);
        let overtaken = overtaken.map_or(0, |last| last + 1);
        let mut known: Vec<Waiting> = self.waiting.drain(..overtaken).collect();
        let is_all_read = !step.has_more && !step.is_open;
        while let Some(mut first) =
            self.waiting.pop_front_if(|first| is_all_read && !first.is_coming)
        {
            if self.live.is_open(&mut first.taken) {
                self.waiting.push_front(first);
                step.is_open = true;
                break;
            }
            known.push(first);
        }
        for silent in known.iter().filter(|waiting| !waiting.has_come) {
            self.pass_over(silent.message.clone());
        }
        known
    }

    fn stretch(&self, log: LogId, found: Vec<(usize, Matches)>, reached: u64) -> Stretch {
        Stretch {
            log,
            found,
            end: Reached::Place(Position { offset: reached, lines: reached.saturating_sub(1) }),
            readers: vec![self.place],
            is_live: false,
        }
    }
}

/// They are never unread for long.
pub(super) fn standing<'l>() -> Standing<'l> {
    Standing { path: LOG_OF_BANS.into(), unread_bytes: 0, trouble: None }
}

/// The log that the bans are.
fn log(writer: &mut Writer, now: Time) -> Result<LogId, StoreError> {
    let head = Head::from_bytes(format!("{LOG_OF_BANS}\n").as_bytes());
    writer.identify(&head, LOG_OF_BANS, now, &|_, _| Vec::new())
}

/// What the line of a ban matched, with its number as its place; the time is the ban's own, of which the line says less.
fn placed(mut matches: Matches, number: u64, at: Time) -> Matches {
    for line in &mut matches.lines {
        (line.place.offset, line.place.line) = (number, number);
        line.time = line.time.map(|_| at);
    }
    matches
}

/// What a line says of a ban, `[JAIL] Ban HOST`, if it does.
fn told_ban(line: &str) -> Option<&str> {
    const BAN: &str = "] Ban ";
    let jail_end = line.rfind(BAN)?;
    let start = line[..jail_end].rfind('[')?;
    let host = &line[jail_end + BAN.len()..];
    let len = host.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(host.len());
    Some(&line[start..jail_end + BAN.len() + len])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_line_says_of_a_ban() {
        for (line, said) in [
            ("2026 x [7]: NOTICE  [j] Ban 198.51.100.1", Some("[j] Ban 198.51.100.1")),
            ("[7]: NOTICE [my jail] Ban 2001:db8::1 \t", Some("[my jail] Ban 2001:db8::1")),
            (r#"{"message":"[j] Ban a\x5d","event":"ban"}"#, Some(r"[j] Ban a\x5d")),
            ("[j] Unban 198.51.100.1", None),
            ("[j] Restore Ban 198.51.100.1", None),
            ("[j] Increase Ban 198.51.100.1 (2 # 4s -> 2026-11-26 02:16:50)", None),
            ("] Ban 198.51.100.1", None),
        ] {
            assert_eq!(told_ban(line), said, "{line}");
        }
    }
}
