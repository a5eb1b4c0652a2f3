//! What a scan needs to know before it reads a line.

use std::sync::Arc;

use super::super::args::{Format, ScanArgs};
use super::super::output::failure::Shape;
use super::super::output::report::{SAMPLE_LINES, Show};
use super::super::target::{Subject, Target, not_filled_in};
use super::super::{Context, Error, warn, warn_findings};
use super::journal;
use crate::config::{Text, UseDns};
use crate::date::YearWindow;
use crate::diag::{Diagnostic, Location, Severity};
use crate::engine::{
    Calendars, Jail, Manner, Names, Overrides, Reading, SampleLimits, Scan, Wanted,
};
use crate::error;
use crate::filter::Mode;
use crate::model::BanTime;
use crate::model::duration::{self, DurationError};
use crate::source::{self, Expanded, Log, SourceError};
use crate::text::printable;

/// Everything compiled and settled before the first line is read.
pub(super) struct Plan {
    pub(super) jails: Vec<Arc<Jail>>,
    pub(super) readings: Vec<Reading>,
    pub(super) names: Names,
    pub(super) wanted: Wanted,
    pub(super) show: [Show; 3],
    pub(super) shape: Option<Shape>,
}

impl Plan {
    /// Compiles the jails and settles what the arguments leave open.
    pub(super) fn new(context: &Context, args: &ScanArgs, target: &Target) -> Result<Self, Error> {
        if args.failures && !matches!(args.format, Format::Jsonl | Format::Csv) {
            return Err(Error::NothingToChoose);
        }
        let overrides = overrides(args)?;
        let calendars = Calendars::new(YearWindow::archive());
        let mut jails = Vec::new();
        for Subject { jail, .. } in &target.subjects {
            // A filter alone ignores nobody, unless someone is going to be banned by it.
            let ignores_nobody = jail.name.is_empty() && !args.ban;
            let overrides = Overrides { ignores_nobody, ..overrides.clone() };
            match Jail::compile(jail, &overrides, &calendars) {
                (Some(jail), findings) => {
                    warn_findings(&findings);
                    jails.push(jail);
                }
                (None, findings) => return Err(error::Error::Findings(findings).into()),
            }
        }
        let show = [
            if args.print_all_matched { Show::All } else { Show::No },
            shown(args.print_all_ignored, args.print_no_ignored, args.maxlines),
            shown(args.print_all_missed, args.print_no_missed, args.maxlines),
        ];
        let is_report = args.output.is_none() && args.format == Format::Text;
        let limits = SampleLimits {
            matched: show[0].limit(),
            ignored: show[1].limit(),
            missed: show[2].limit(),
            is_whole: false,
        };
        let first_only = args.no_check_all || args.output.is_some();
        Ok(Self {
            readings: readings(target)?,
            names: Names::default(),
            wanted: Wanted {
                mode: if first_only { Mode::First } else { Mode::All },
                manner: Manner::F2b,
                zone: context.zone,
                now: context.now,
                limits: if is_report { limits } else { SampleLimits::default() },
                matches: false,
                hits: args.verbose > 0 && is_report,
                bans: args.ban,
            },
            show,
            shape: shape(args, &jails)?,
            jails,
        })
    }

    /// The logs that a jail reads.
    pub(super) fn logs_of(&self, jail: usize) -> impl Iterator<Item = &Log> {
        let own = self.readings.iter().filter(move |reading| reading.jails.contains(&jail));
        own.map(|reading| &reading.log)
    }

    pub(super) fn scan(&self) -> Scan<'_> {
        Scan { jails: &self.jails, names: &self.names, wanted: self.wanted }
    }
}

/// What `--output` asks for.
fn shape(args: &ScanArgs, jails: &[Arc<Jail>]) -> Result<Option<Shape>, Error> {
    let Some(text) = &args.output else { return Ok(None) };
    let (shape, findings) =
        Shape::parse(text, jails.iter().map(|jail| &**jail)).map_err(Error::Shape)?;
    warn_findings(&findings);
    Ok(Some(shape))
}

fn shown(all: bool, none: bool, maxlines: Option<u32>) -> Show {
    match (all, none) {
        (true, _) => Show::All,
        (_, true) => Show::No,
        // As in the original, where -L is also the limit of what is printed.
        _ => Show::Few(maxlines.map_or(SAMPLE_LINES, |lines| lines as usize)),
    }
}

/// What the command line says otherwise than the jail.
fn overrides(args: &ScanArgs) -> Result<Overrides, Error> {
    let text =
        |option: &str, value: &str| Text { value: value.to_owned(), at: Location::new(option, 0) };
    for regex in &args.ignoreregex {
        warn_findings(not_filled_in(regex).as_slice());
    }
    let usedns = args.usedns.as_deref().and_then(UseDns::parse);
    let bantime = args.bantime.as_deref().map(BanTime::parse).transpose();
    let findtime = args.findtime.as_deref().map(|text| {
        duration::parse_micros(text).and_then(|us| match us {
            0.. => Ok(us),
            _ => Err(DurationError(text.to_owned())),
        })
    });
    let duration = |option| move |source| Error::Duration { option, source };
    Ok(Overrides {
        // An archive's names no longer mean what they meant, so a jail's `usedns` is not for it.
        usedns: Some(if args.raw { UseDns::Raw } else { usedns.unwrap_or(UseDns::Raw) }),
        raw: args.raw || usedns == Some(UseDns::Raw),
        maxlines: args.maxlines,
        datepattern: args.datepattern.as_deref().map(|patterns| {
            patterns.lines().map(|pattern| text("--datepattern", pattern)).collect()
        }),
        ignoreregex: args.ignoreregex.iter().map(|regex| text("--ignoreregex", regex)).collect(),
        encoding: args.encoding.as_deref().map(|name| text("--encoding", name)),
        maxretry: args.maxretry,
        findtime_us: findtime.transpose().map_err(duration("findtime"))?,
        bantime: bantime.map_err(duration("bantime"))?,
        ignores_nobody: false,
    })
}

/// Each log once, with all who read it.
fn readings(target: &Target) -> Result<Vec<Reading>, Error> {
    if let Some(named) = &target.logs {
        let jails: Vec<usize> = (0..target.subjects.len()).collect();
        let found = source::expand_all(named).map_err(|error| instead_of(error, target))?;
        let logs = with_left_out(found).into_iter();
        return Ok(logs.map(|log| Reading { log, jails: jails.clone() }).collect());
    }
    let mut readings: Vec<Reading> = Vec::new();
    let mut without = Vec::new();
    for (jail, subject) in target.subjects.iter().enumerate() {
        let logs = logs_of(subject, &mut without)?;
        if logs.is_empty() {
            without.push(without_logs(subject).to_string());
        }
        for log in logs {
            match readings.iter_mut().find(|known| source::is_same(&known.log, &log)) {
                Some(known) => known.jails.push(jail),
                None => readings.push(Reading { log, jails: vec![jail] }),
            }
        }
    }
    let tell = |what: &[String]| what.iter().for_each(|what| warn(&format!("f2b: {what}")));
    match &target.subjects[..] {
        [subject] if readings.is_empty() => {
            tell(&without[..without.len() - 1]);
            Err(without_logs(subject).into())
        }
        // A list of all that is missing says less than that all is.
        several if readings.is_empty() => {
            let of_journal = several.iter().filter(|s| s.jail.backend.reads_journal()).count();
            Err(error::Error::NoLogs { jails: several.len(), of_journal }.into())
        }
        _ => {
            tell(&without);
            Ok(readings)
        }
    }
}

/// The logs; of what is left out of folders is told.
fn with_left_out(expanded: Expanded) -> Vec<Log> {
    for left_out in &expanded.left_out {
        warn(&format!("f2b: {left_out}"));
    }
    expanded.logs
}

/// The journal is no log, but fail2ban-regex takes it for one.
fn instead_of(error: SourceError, target: &Target) -> error::Error {
    let first = target.subjects.first();
    let found = error.absent().zip(first).and_then(|(name, first)| journal::named(&name, first));
    found.map_or_else(|| error.into(), |found| error::Error::Findings(vec![found]))
}

/// The logs of a jail that exist; others are said in `missing`.
fn logs_of(subject: &Subject, missing: &mut Vec<String>) -> Result<Vec<Log>, Error> {
    let mut logs = Vec::new();
    for path in &subject.jail.logpaths {
        match source::expand_all(std::slice::from_ref(&path.glob)) {
            Ok(found) => logs.extend(with_left_out(found)),
            Err(error) if error.absent().is_some() => {
                missing.push(format!("{error} (logpath of jail '{}')", subject.jail.name));
            }
            Err(error) => return Err(error.into()),
        }
    }
    // Two of its paths may stand for one log.
    Ok(source::distinct(logs))
}

/// Why a jail has nothing to scan.
fn without_logs(subject: &Subject) -> error::Error {
    if subject.jail.backend.reads_journal() {
        return error::Error::Findings(vec![journal::of_jail(&subject.jail)]);
    }
    let jail = &subject.jail;
    let message = format!("jail '{}' has no log to scan", printable(&jail.name));
    let mut help = "name logs, or give it a logpath that matches one".to_owned();
    // A machine may have no log of a service but the journal.
    if let Some(pipe) = journal::in_place_of_logs(jail) {
        help.extend(["; for the journal write ", &pipe]);
    }
    let found = Diagnostic::new("no-log", Severity::Error, message).with_help(help);
    let at = jail.logpaths.first().map(|log| log.at.clone());
    error::Error::Findings(vec![Diagnostic { at, ..found }])
}
