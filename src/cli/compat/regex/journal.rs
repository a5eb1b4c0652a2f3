//! LOG as the journal: `systemd-journal`, perhaps with options in brackets.

use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, poll};

use super::ended::Ended;
use super::header::Trial;
use super::printer::Printer;
use crate::config::{FilterDef, Spec};
use crate::engine::{Jail, JailSet, Live, Names, Totals, Wanted};
use crate::source::journal::{End, Journal, JournalError, JournalPlace, Match, Start};

/// Which entries of which journal are wanted.
#[derive(Debug)]
pub(super) struct Wish {
    place: JournalPlace,
    wanted: Match,
}

impl Wish {
    /// Reads LOG and what the filter or `--journalmatch` says; the header tells of it.
    pub(super) fn of(log: &str, def: &FilterDef, trial: &mut Trial<'_>) -> Result<Self, Ended> {
        trial.say("Use         systemd journal")?;
        trial.say(&format!("Use         encoding : {}", trial.encoding()))?;
        let place = place(log)?;
        trial.check_encoding()?;
        let text = trial.options.journalmatch.clone().unwrap_or_else(|| {
            let lines = def.journalmatch.iter().map(|line| &*line.text.value);
            lines.collect::<Vec<&str>>().join(" + ")
        });
        let words = shlex::split(&text).unwrap_or_default();
        let wanted = if words.is_empty() {
            Match::default()
        } else {
            let wanted = Match::parse(&words).map_err(Ended::crashed)?;
            trial.say(&format!("Use    journal match : {text}"))?;
            wanted
        };
        Ok(Self { place, wanted })
    }
}

fn place(log: &str) -> Result<JournalPlace, Ended> {
    let mut place = JournalPlace::default();
    if !log.contains('[') {
        return Ok(place);
    }
    for (option, value) in Spec::parse(log).map_err(Ended::crashed)?.options {
        match &*option {
            "journalpath" => place.path = Some(value.into()),
            "journalfiles" => {
                let words = value.split(|c: char| c == ',' || c.is_whitespace());
                place.files = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
            }
            "journalflags" => {
                let flags = value.trim().parse();
                place.flags = Some(flags.map_err(|_| {
                    Ended::crashed(format!("journalflags is no whole number: {value}"))
                })?);
            }
            "namespace" => place.namespace = Some(value),
            // Rotated ones are always read, as far as they have what is asked for.
            _ => {}
        }
    }
    let is_missing = place.path.as_ref().is_some_and(|path| !path.is_dir());
    if is_missing { Err(Ended::crashed("there is no such journalpath")) } else { Ok(place) }
}

/// Reads what there is, in the journal's order.
pub(super) fn read(
    wish: &Wish,
    jail: &Arc<Jail>,
    wanted: Wanted,
    mut printer: Option<&mut Printer<'_>>,
) -> Result<Totals, Ended> {
    let crashed = |error: JournalError| Ended::crashed(error);
    let names = Names::default();
    let set = JailSet::new(&[Arc::clone(jail)], &[0]);
    let mut live = Live::new(&set, &names, wanted);
    let start = Start::Since(crate::model::Time::default());
    let (place, entries) = (wish.place.clone(), wish.wanted.clone());
    let mut journal =
        Journal::open(place, entries, start, End::Last, wanted.now).map_err(crashed)?;
    let mut totals = Totals::default();
    totals.failregex.resize(jail.filter.failregex().len(), 0);
    totals.ignoreregex.resize(jail.filter.ignoreregex().len(), 0);
    while !journal.is_over() {
        poll(&mut [PollFd::new(&journal.fd(), PollFlags::IN)], None)
            .map_err(std::io::Error::from)?;
        for entry in journal.read().map_err(crashed)? {
            for (counted, matches) in live.entry(&entry.line(), entry.time) {
                totals.add(counted, wanted.limits);
                if let Some(printer) = &mut printer {
                    printer.print(&matches)?;
                }
            }
        }
    }
    Ok(totals)
}
