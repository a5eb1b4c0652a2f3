//! Who takes matches one by one while logs are read: the store, the decisions, the output.

use std::io::{self, Write};
use std::sync::Arc;

use super::super::args::{Format, ScanArgs};
use super::super::output::failure::Shape;
use super::super::output::json;
use super::plan::Plan;
use crate::engine::persist::Persist;
use crate::engine::verdict::Gathered;
use crate::engine::{LogInfo, Sink};
use crate::error::Error;
use crate::model::{Match, Matches, Time};
use crate::store::{Store, Written};

/// Whoever takes matches one by one: the store, the decisions, the output.
pub(super) struct Takers<'t> {
    persist: Option<Persist<'t>>,
    /// Of each jail, if anyone is going to be banned.
    gathered: Vec<Option<Gathered>>,
    print: Option<Print<'t>>,
    /// The jails' names, where output has to say whose a line is.
    names: Option<Vec<&'t str>>,
}

/// What was taken.
pub(super) struct Taken {
    /// How much was new in the store, for each jail.
    pub(super) written: Option<Vec<Written>>,
    /// What is to be decided, for each jail.
    pub(super) gathered: Vec<Option<Gathered>>,
}

enum Print<'t> {
    Jsonl(&'t mut dyn Write),
    Csv(Box<csv::Writer<&'t mut dyn Write>>),
    Shape(&'t Shape, &'t mut dyn Write),
}

impl<'t> Takers<'t> {
    pub(super) fn new(
        plan: &'t Plan,
        args: &ScanArgs,
        store: Option<&'t mut Store>,
        now: Time,
        out: &'t mut dyn Write,
    ) -> Result<Self, Error> {
        let persist = store.map(|store| Persist::new(store, &plan.jails, now)).transpose()?;
        let jails = plan.jails.iter();
        let gathered =
            jails.clone().map(|jail| args.ban.then(|| Gathered::new(Arc::clone(jail)))).collect();
        let names = (jails.len() > 1).then(|| jails.clone().map(|jail| &*jail.name).collect());
        let print = match (&plan.shape, args.format) {
            (Some(shape), _) => Some(Print::Shape(shape, out)),
            (None, Format::Jsonl) => Some(Print::Jsonl(out)),
            (None, Format::Csv) => {
                let mut rows = csv::Writer::from_writer(out);
                let jail = names.is_some().then_some("jail");
                let columns = jail.into_iter().chain(json::MATCH_COLUMNS);
                rows.write_record(columns).map_err(io::Error::from)?;
                Some(Print::Csv(Box::new(rows)))
            }
            (None, Format::Text | Format::Json) => None,
        };
        Ok(Self { persist, gathered, print, names })
    }

    pub(super) fn want_matches(&self) -> bool {
        let is_gathered = self.gathered.iter().any(Option::is_some);
        self.persist.is_some() || is_gathered || self.print.is_some()
    }

    pub(super) fn prints(&self) -> bool {
        self.print.is_some()
    }

    pub(super) fn finish(self) -> Result<Taken, Error> {
        if let Some(Print::Csv(mut rows)) = self.print {
            rows.flush()?;
        }
        let written = self.persist.map(Persist::finish).transpose()?;
        Ok(Taken { written, gathered: self.gathered })
    }
}

impl Sink for Takers<'_> {
    type Error = Error;

    fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), Error> {
        if let Some(print) = &mut self.print {
            let name = self.names.as_ref().map(|names| names[jail]);
            for found in &matches.lines {
                print.one(name, log, found, matches.text(found))?;
            }
        }
        if let Some(gathered) = &mut self.gathered[jail] {
            gathered.take(&matches);
        }
        if let Some(persist) = &mut self.persist {
            persist.take(log, jail, matches)?;
        }
        Ok(())
    }
}

impl Print<'_> {
    fn one(
        &mut self,
        jail: Option<&str>,
        log: &LogInfo,
        found: &Match,
        text: &[u8],
    ) -> io::Result<()> {
        let object = || json::Match::new(jail, &log.name, found, text);
        match self {
            Self::Jsonl(out) => json::line(&object(), *out),
            Self::Csv(rows) => Ok(rows.write_record(object().cells())?),
            Self::Shape(shape, out) => shape.write(found, text, *out),
        }
    }
}
