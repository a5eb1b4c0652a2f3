//! What an action that runs commands is told of a ban: as much of what the store knows as its commands ask for.

use std::collections::BTreeSet;

use crate::enforce::action::{Action, Counters, Moment, Past, Ticket};
use crate::model::{Ban, BanTime, Evidence, Host, Origin, Time};
use crate::store::{Event, MatchedLine, Reader, StoreError};

/// Tags whose values are lines of logs, or come from them.
const LINES: [&str; 4] = ["matches", "ipmatches", "ipjailmatches", "raw-ticket"];
const COUNTERS: [&str; 4] = ["jail.banned", "jail.banned_total", "jail.found", "jail.found_total"];

/// What a jail is to its actions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// How long its bans last.
    pub(super) bantime: BanTime,
    /// How many lines of a ban are told.
    pub(super) maxmatches: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self { bantime: BanTime::Permanent, maxmatches: 0 }
    }
}

/// What is known apart from any ban, at `now`.
pub(super) fn moment(
    action: &Action,
    terms: Terms,
    reader: &Reader,
    now: Time,
) -> Result<Moment, StoreError> {
    let mut counters = Counters::default();
    if COUNTERS.iter().any(|tag| action.scripts().uses(tag))
        && let Some(jail) = reader.jail(action.jail(), now)?
    {
        counters.banned = jail.bans_active;
        counters.banned_total = jail.bans;
        counters.found_total = jail.failures;
        counters.found = jail.failures;
    }
    Ok(Moment { now, bantime: terms.bantime, counters })
}

/// What `action` is told of a ban.
pub(super) fn ticket(
    action: &Action,
    terms: Terms,
    ban: &Ban,
    is_restored: bool,
    reader: &Reader,
) -> Result<Ticket, StoreError> {
    let scripts = action.scripts();
    let bantime = match ban.until {
        Some(until) => BanTime::Micros(until.micros() - ban.at.micros()),
        None => BanTime::Permanent,
    };
    // Itself among them, as whoever made it counted.
    let behind = ban.at.plus_micros(1);
    let count = reader.earlier_bans(&ban.host, Some(&ban.jail), behind)?.count.max(1);
    let mut ticket = Ticket {
        host: ban.host.clone(),
        ip: None,
        at: ban.at,
        bantime,
        failures: ban.failures,
        bancount: u32::try_from(count).unwrap_or(u32::MAX),
        // A list that is imported says what another program has done long since.
        is_restored: is_restored || ban.origin == Origin::Import,
        matches: Vec::new(),
        fields: Vec::new(),
        in_jail: None,
        anywhere: None,
    };
    let has_lines = LINES.iter().any(|tag| scripts.uses(tag)) || scripts.uses_fields();
    if !has_lines && !scripts.uses("ipfailures") && !scripts.uses("ipjailfailures") {
        return Ok(ticket);
    }
    let lines = lines(reader, &ban.host, terms.maxmatches)?;
    let of_jail =
        |line: &&MatchedLine| line.failure.as_ref().is_some_and(|(jail, _)| *jail == ban.jail);
    let own: Vec<_> = lines.iter().filter(of_jail).collect();
    let led: Vec<_> =
        own.iter().filter(|line| line.time.is_none_or(|time| time <= ban.at)).copied().collect();
    let led = if ban.failures == 0 { &[][..] } else { &led[..] };
    let last = led.len().saturating_sub(terms.maxmatches);
    ticket.matches = texts(&led[last..]);
    if ticket.matches.is_empty() && ban.origin == Origin::Import {
        ticket.matches = told(reader, ban, terms.maxmatches)?;
    }
    if let Some(last) = led.last() {
        ticket.fields = last.fields.clone().into_iter().collect();
    }
    let failures = lines.iter().filter(|line| line.failure.is_some()).count() as u64;
    let all: Vec<_> = lines.iter().collect();
    ticket.in_jail = Some(Past { matches: texts(&own), failures: own.len() as u64 });
    ticket.anywhere = Some(Past { matches: texts(&all), failures });
    Ok(ticket)
}

/// The last lines that another program told with a ban.
fn told(reader: &Reader, ban: &Ban, most: usize) -> Result<Vec<String>, StoreError> {
    let kept = reader.evidence(&ban.host)?;
    let of_ban = kept.into_iter().find(|(jail, at, _)| *jail == ban.jail && *at == ban.at);
    let mut lines = of_ban.map(|(.., data)| Evidence::read(&data).matches).unwrap_or_default();
    lines.drain(..lines.len().saturating_sub(most));
    Ok(lines)
}

/// What an action is told of the end of a ban that it was told of.
pub(super) fn over(host: &Host, until: Option<Time>, now: Time) -> Ticket {
    Ticket {
        host: host.clone(),
        ip: None,
        at: now,
        bantime: match until {
            Some(until) => BanTime::Micros((until.micros() - now.micros()).max(0)),
            None => BanTime::Permanent,
        },
        failures: 0,
        bancount: 1,
        is_restored: false,
        matches: Vec::new(),
        fields: Vec::new(),
        in_jail: None,
        anywhere: None,
    }
}

/// The last lines that concern a host, each once.
fn lines(reader: &Reader, host: &Host, count: usize) -> Result<Vec<MatchedLine>, StoreError> {
    let mut seen = BTreeSet::new();
    let mut lines = Vec::new();
    reader.each_event(host, count.max(1), |event| {
        if let Event::Match(line) = event
            && seen.insert((line.place, line.failure.clone().map(|(jail, _)| jail)))
        {
            lines.push(line);
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(lines)
}

fn texts(lines: &[&MatchedLine]) -> Vec<String> {
    let text = |line: &&MatchedLine| String::from_utf8_lossy(&line.text).into_owned();
    lines.iter().map(text).collect()
}
