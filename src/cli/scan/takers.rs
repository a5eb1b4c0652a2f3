//! Who takes matches one by one while logs are read: the store, the decisions, the output.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::Scope;

use super::super::Error;
use super::super::args::{Format, ScanArgs};
use super::super::output::failure::Printer;
use super::super::output::json;
use super::plan::Plan;
use super::sums::Sums;
use crate::control::FileFate;
use crate::engine::writer::{Decides, Intake, Settled, Storing};
use crate::engine::{LogInfo, Sink, Writer};
use crate::exchange::table::Table;
use crate::model::{Match, Matches, Origin, Time};

/// Whoever takes matches one by one: the output, the store and the decisions.
pub(super) struct Takers<'t, 'scope> {
    keeping: Keeping<'scope>,
    print: Option<Print<'t>>,
    /// Whether lines that are no failure are left out of what is printed.
    only_failures: bool,
    /// Of each jail.
    sums: Vec<Sums>,
    /// The jails' names, where output has to say whose a line is.
    names: Option<Vec<&'t str>>,
    /// Why nothing more is printed.
    unprinted: Option<io::Error>,
}

/// What came of the matches.
#[derive(Default)]
pub(super) struct Taken {
    /// What became of each jail's, nothing if nobody took them.
    pub(super) settled: Vec<Settled>,
    /// What became of the exported files.
    pub(super) files: Vec<FileFate>,
    /// What each jail's matched lines were.
    pub(super) sums: Vec<Sums>,
    /// Why they were not all printed, if they were to be.
    pub(super) unprinted: Option<io::Error>,
}

/// What is done with matches besides printing them.
enum Keeping<'scope> {
    /// Nothing is stored, and nobody is going to be banned.
    Nothing,
    Deciding(Intake),
    Storing(Storing<'scope>),
}

enum Print<'t> {
    Jsonl(&'t mut dyn Write),
    Csv(Table<'t>),
    Shape(Printer<'t>, &'t mut dyn Write),
}

impl<'t, 'scope> Takers<'t, 'scope> {
    /// Who stores does so on a thread of `scope`.
    pub(super) fn new(
        plan: &'t Plan,
        args: &ScanArgs,
        now: Time,
        writer: Option<&'scope mut Writer>,
        scope: &'scope Scope<'scope, '_>,
        out: &'t mut dyn Write,
    ) -> Result<Self, Error> {
        let jails = plan.jails.iter();
        let decides = |jail: usize| match plan.logs_of(jail).count() {
            _ if !args.ban => Decides::Never,
            0 | 1 => Decides::AtOnce,
            _ => Decides::AtTheEnd,
        };
        let attended = jails.clone().enumerate();
        let attended = attended.map(|(place, jail)| (Arc::clone(jail), decides(place)));
        let intake = || Intake::new(attended, Origin::Scan, now);
        let keeping = match writer {
            Some(writer) => Keeping::Storing(Storing::start(scope, writer, intake(), now)?),
            None if args.ban => Keeping::Deciding(intake()),
            None => Keeping::Nothing,
        };
        let names = (jails.len() > 1).then(|| jails.clone().map(|jail| &*jail.name).collect());
        let print = match (&plan.shape, args.format) {
            (Some(shape), _) => {
                let jails = jails.clone().map(|jail| &**jail);
                Some(Print::Shape(Printer::new(shape, jails), out))
            }
            (None, Format::Jsonl) => Some(Print::Jsonl(out)),
            (None, Format::Csv) => {
                let mut rows = Table::new(out);
                let jail = names.is_some().then_some("jail");
                let columns = jail.into_iter().chain(json::MATCH_COLUMNS);
                rows.row(columns)?;
                Some(Print::Csv(rows))
            }
            (None, Format::Text | Format::Json) => None,
        };
        let only_failures = args.failures;
        let sums = vec![Sums::default(); plan.jails.len()];
        Ok(Self { keeping, print, only_failures, sums, names, unprinted: None })
    }

    pub(super) fn want_matches(&self) -> bool {
        !matches!(self.keeping, Keeping::Nothing) || self.print.is_some()
    }

    pub(super) fn prints(&self) -> bool {
        self.print.is_some()
    }

    /// What became of it all.
    pub(super) fn finish(mut self) -> Result<Taken, Error> {
        if let Some(Print::Csv(rows)) = self.print {
            self.unprinted = rows.end().err();
        }
        let (settled, files) = match self.keeping {
            Keeping::Nothing => (Vec::new(), Vec::new()),
            Keeping::Deciding(intake) => (intake.finish_unstored(), Vec::new()),
            Keeping::Storing(storing) => storing.finish()?,
        };
        Ok(Taken { settled, files, sums: self.sums, unprinted: self.unprinted })
    }

    fn print(&mut self, log: &LogInfo, jail: usize, matches: &Matches) -> io::Result<()> {
        let Some(print) = &mut self.print else { return Ok(()) };
        let name = self.names.as_ref().map(|names| names[jail]);
        let chosen = |found: &&Match| !self.only_failures || found.is_failure();
        let mut lines = matches.lines.iter().filter(chosen);
        lines.try_for_each(|found| print.one((jail, name), log, found, matches.whole(found)))
    }
}

impl Sink for Takers<'_, '_> {
    type Error = Error;

    fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), Error> {
        self.sums[jail].add(&matches);
        if let Err(error) = self.print(log, jail, &matches) {
            // What is stored must not depend on who reads the output.
            if !matches!(self.keeping, Keeping::Storing(_)) {
                return Err(error.into());
            }
            (self.print, self.unprinted) = (None, Some(error));
        }
        match &mut self.keeping {
            Keeping::Nothing => {}
            Keeping::Deciding(intake) => intake.take_unstored(jail, &matches),
            Keeping::Storing(storing) => storing.take(log, jail, matches)?,
        }
        Ok(())
    }
}

impl Print<'_> {
    fn one(
        &mut self,
        (place, jail): (usize, Option<&str>),
        log: &LogInfo,
        found: &Match,
        text: &[u8],
    ) -> io::Result<()> {
        let object = || json::Match::new(jail, &log.name, found, text);
        match self {
            Self::Jsonl(out) => json::line(&object(), *out),
            Self::Csv(rows) => rows.row(object().cells()),
            Self::Shape(shape, out) => shape.write(place, found, text, *out),
        }
    }
}
