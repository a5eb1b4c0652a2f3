//! What came of a scan, said in the format asked for, and everything that went wrong on the way.

use std::collections::HashMap;
use std::io::Write;
use std::time::Duration;

use super::super::args::{Format, ScanArgs};
use super::super::output::report::{Offender, Report, header_text};
use super::super::output::standing::{Known, Standing};
use super::super::output::{counted, json, scaled};
use super::super::target::Target;
use super::super::{Context, Error, Status, warn, warn_findings};
use super::plan::Plan;
use super::sums::Sums;
use super::undated::Undated;
use crate::date::{TemplateId, Templates};
use crate::diag::{Diagnostic, Severity};
use crate::engine::totals::Tally;
use crate::engine::writer::Settled;
use crate::engine::{Jail, Outcome, Totals, Unread};
use crate::filter::Pattern;
use crate::model::{Ban, Host};
use crate::source::{self, Log};
use crate::store::{Reader, Written};
use crate::text::printable;

/// What was asked for.
#[derive(Clone, Copy)]
pub(super) struct Job<'j> {
    pub(super) context: &'j Context,
    pub(super) args: &'j ScanArgs,
    pub(super) target: &'j Target,
    pub(super) plan: &'j Plan,
}

/// What came of the scan.
pub(super) struct End<'j> {
    pub(super) job: Job<'j>,
    pub(super) outcome: Outcome,
    /// What became of each jail's matches.
    pub(super) settled: Vec<Settled>,
    /// What each jail's matched lines were.
    pub(super) sums: Vec<Sums>,
    pub(super) elapsed: Duration,
}

/// What came of it for one jail.
#[derive(Clone, Copy)]
struct Part<'e> {
    job: Job<'e>,
    /// Its place among the jails.
    place: usize,
    jail: &'e Jail,
    header: &'e (&'static str, String),
    totals: &'e Totals,
    written: Option<Written>,
    sums: &'e Sums,
    bans: &'e [Ban],
    /// How often bans were made longer.
    longer: u64,
    elapsed: Duration,
    interrupted: bool,
    unread: &'e [Unread],
}

impl End<'_> {
    /// How the process ends.
    pub(super) fn status(&self) -> Status {
        if self.outcome.interrupted {
            Status::Interrupted
        } else if !self.outcome.unread.is_empty() {
            Status::Trouble
        } else if self.outcome.jails.iter().any(|jail| jail.totals.lines.matched > 0) {
            Status::Found
        } else {
            Status::Nothing
        }
    }

    /// Prints the reports, or the last of what another format says, and then what went wrong, even if nobody reads
    /// the reports.
    pub(super) fn show(&self, out: &mut dyn Write) -> Result<(), Error> {
        let printed = self.print(out);
        for unread in &self.outcome.unread {
            warn(&format!("f2b: {}", unread.error));
        }
        for (log, oddity) in &self.outcome.odd {
            let message = format!("{}: {oddity}", printable(log));
            warn_findings(&[Diagnostic::new("odd-log", Severity::Warning, message)]);
        }
        self.warn_of_limits();
        printed
    }

    fn print(&self, out: &mut dyn Write) -> Result<(), Error> {
        let Job { args, plan, .. } = self.job;
        match (&plan.shape, args.format) {
            (Some(_), _) | (None, Format::Jsonl | Format::Csv) => {}
            (None, Format::Json) => self.document(out)?,
            (None, Format::Text) => {
                for part in self.parts() {
                    part.report()?.write(out)?;
                }
            }
        }
        Ok(out.flush()?)
    }

    fn written(&self, place: usize) -> Option<Written> {
        self.settled.get(place).map(|settled| settled.written).filter(|_| !self.job.args.dry_run)
    }

    fn parts(&self) -> impl ExactSizeIterator<Item = Part<'_>> {
        let subjects = self.job.target.subjects.iter().zip(&self.job.plan.jails);
        let counted = subjects.zip(&self.outcome.jails).enumerate();
        counted.map(|(place, ((subject, jail), counted))| Part {
            job: self.job,
            place,
            jail,
            header: &subject.header,
            totals: &counted.totals,
            written: self.written(place),
            sums: &self.sums[place],
            bans: self.settled.get(place).map_or(&[], |settled| &settled.bans),
            longer: self.settled.get(place).map_or(0, |settled| settled.longer.len() as u64),
            elapsed: self.elapsed,
            interrupted: self.outcome.interrupted,
            unread: &self.outcome.unread,
        })
    }

    /// One object; of several jails a list of them.
    fn document(&self, out: &mut dyn Write) -> Result<(), Error> {
        let documents = self.parts().map(|part| part.document());
        let documents: Vec<json::Scan<'_>> = documents.collect::<Result<_, _>>()?;
        match &documents[..] {
            [one] => json::document(one, out)?,
            several => json::document(&several, out)?,
        }
        Ok(())
    }

    /// Survived troubles are said once, with their number.
    fn warn_of_limits(&self) {
        for part in self.parts() {
            warn_findings(part.undated().as_slice());
        }
        let jails = &self.outcome.jails;
        for (log, lines) in &self.outcome.cut {
            let (are, them) = if *lines == 1 { ("is", "it") } else { ("are", "them") };
            let message = format!(
                "{}: {} {are} longer than {}; only the beginning of {them} was looked at",
                printable(log),
                counted(*lines, "line"),
                scaled(source::LINE_MAX_BYTES as f64, "B")
            );
            warn_findings(&[Diagnostic::new("long-line", Severity::Warning, message)]);
        }
        for (log, lines) in jails.iter().flat_map(|jail| &jail.undecided) {
            let message = format!(
                "{}: {} missed because an expression took too long to decide",
                printable(log),
                counted(*lines, "line")
            );
            let help = "f2b check -v says which expressions can take long";
            let found = Diagnostic::new("step-limit", Severity::Warning, message).with_help(help);
            warn_findings(&[found]);
        }
        let invalid_ids: u64 = jails.iter().map(|jail| jail.totals.invalid_ids).sum();
        if invalid_ids > 0 {
            let message = format!(
                "{} for an address that is none, such as 999.1.2.3; no failure was counted",
                counted(invalid_ids, "hit")
            );
            warn_findings(&[Diagnostic::new("invalid-address", Severity::Warning, message)]);
        }
        let displaced = self.settled.iter().map(|settled| settled.written.displaced).sum();
        if displaced > 0 {
            let message = format!(
                "{} not stored: in their places are lines of another log that begins alike",
                counted(displaced, "matched line")
            );
            warn_findings(&[Diagnostic::new("displaced-lines", Severity::Warning, message)]);
        }
        let unresolved = self.job.plan.names.unresolved();
        if unresolved > 0 {
            let message = format!("{} could not be resolved", counted(unresolved, "host name"));
            warn_findings(&[Diagnostic::new("unresolved-names", Severity::Warning, message)]);
        }
    }
}

impl<'e> Part<'e> {
    fn undated(&self) -> Option<Diagnostic> {
        let Job { context, args, target, .. } = self.job;
        let undated = Undated {
            jail: self.jail,
            totals: self.totals,
            has_option: args.datepattern.is_some(),
            is_one_of_several: target.subjects.len() > 1,
        };
        undated.finding(context.zone, context.now)
    }

    fn document(&self) -> Result<json::Scan<'e>, Error> {
        let Self { job, jail, totals, .. } = *self;
        let args = job.args;
        let is_one_of_several = job.plan.jails.len() > 1;
        let dates = template_names(&jail.templates).into_iter().zip(&totals.dates);
        Ok(json::Scan {
            jail: is_one_of_several.then_some(&jail.name),
            lines: totals.lines.into(),
            bytes: totals.bytes,
            elapsed_secs: self.elapsed.as_secs_f64(),
            interrupted: self.interrupted,
            prefregex: jail.filter.prefregex().map(|_| totals.prefregex),
            undated: totals.undated.lines,
            failregex: hits(jail.filter.failregex(), &totals.failregex),
            ignoreregex: hits(jail.filter.ignoreregex(), &totals.ignoreregex),
            dates: dates
                .filter(|(_, hits)| **hits > 0)
                .map(|(pattern, hits)| json::Hits { pattern, hits: *hits })
                .collect(),
            no_failures: (args.ban || !args.dry_run).then(|| self.sums.no_failures()),
            hosts: self.hosts()?,
            bans: self.bans.iter().map(|ban| json::Ban::new(ban, job.context.now)).collect(),
            prolongations: self.longer,
            stored: self.written.map(|written| json::Stored {
                matches: written.matches,
                failures: written.failures,
            }),
            unread: self.unread.iter().map(|unread| unread.error.to_string()).collect(),
        })
    }

    fn report(&self) -> Result<Report<'e>, Error> {
        let Self { job, jail, totals, .. } = *self;
        let sources = |patterns: &[Pattern]| {
            patterns.iter().map(|pattern| pattern.source().to_owned()).collect()
        };
        Ok(Report {
            header: self.lines_of_header(),
            prefregex: jail.filter.prefregex().map(|regex| regex.expanded().to_owned()),
            failregex: sources(jail.filter.failregex()),
            ignoreregex: sources(jail.filter.ignoreregex()),
            templates: template_names(&jail.templates).into_iter().map(str::to_owned).collect(),
            totals,
            matched: job.plan.show[0],
            ignored: job.plan.show[1],
            missed: job.plan.show[2],
            is_verbose: job.args.verbose > 0,
            offenders: self.offenders()?,
            elapsed: self.elapsed,
            zone: job.context.zone,
            columns: job.context.columns,
            stored: self.stored(),
            interrupted: self.interrupted,
        })
    }

    fn stored(&self) -> Vec<String> {
        let Job { context, args, .. } = self.job;
        let mut lines = Vec::new();
        if let Some(written) = self.written {
            lines.extend(self.sums.stored(written, &context.db.display().to_string()));
        }
        if args.ban {
            let active = self.bans.iter().filter(|ban| ban.is_active(context.now)).count();
            let stored = if args.dry_run { "; nothing was stored" } else { "" };
            let mut decided = decided(self.bans.len(), active);
            if self.longer > 0 {
                decided = format!("{decided}, and {}", counted(self.longer, "prolongation"));
            }
            lines.push(format!("Decided {decided}{stored}"));
        }
        lines
    }

    /// The hosts with most failures; jails are the store's, if there is one.
    fn offenders(&self) -> Result<Vec<Offender>, Error> {
        let bans = Bans::of(self)?;
        let mut offenders = Vec::new();
        for (host, tally) in self.totals.hosts.top(self.job.args.top) {
            let mut jails = match &bans.stored {
                Some(reader) => reader.jails_of(&host)?,
                None => Vec::new(),
            };
            jails.extend(Some(&self.jail.name).filter(|name| !name.is_empty()).cloned());
            jails.sort();
            jails.dedup();
            let standing = self.standing(&bans, &host, &tally)?;
            let Tally { failures, first, last } = tally;
            offenders.push(Offender { host, failures, first, last, jails, standing });
        }
        Ok(offenders)
    }

    /// All hosts, most failures first.
    fn hosts(&self) -> Result<Vec<json::HostTally>, Error> {
        let bans = Bans::of(self)?;
        let hosts = self.totals.hosts.ranked().into_iter();
        let told = hosts.map(|(host, tally)| {
            let standing = self.standing(&bans, &host, &tally)?;
            Ok(json::HostTally::new(&host, &tally, standing))
        });
        told.collect()
    }

    fn standing(&self, bans: &Bans<'_>, host: &Host, tally: &Tally) -> Result<Standing, Error> {
        let known = Known {
            bans: &bans.of_host(host)?,
            ignored: self.jail.ignore.ignored_by(host),
            is_dated: tally.last.is_some(),
            rule: self.job.args.ban.then_some(self.jail.rule),
        };
        Ok(Standing::of(known, self.job.context.now))
    }

    /// The `Use …` lines of the report.
    fn lines_of_header(&self) -> Vec<(&'static str, String)> {
        let Self { job: Job { args, target, plan, .. }, jail, .. } = *self;
        let mut header = vec![self.header.clone()];
        let ignoreregex = args.ignoreregex.iter();
        header.extend(ignoreregex.map(|regex| ("ignoreregex line", header_text(regex))));
        let own_maxlines = target.subjects[self.place].jail.filter.maxlines;
        if args.maxlines.or(own_maxlines).is_some() {
            header.push(("maxlines", jail.maxlines.to_string()));
        }
        if !jail.datepatterns.is_empty() {
            let name = match jail.templates.len() {
                1 | 2 => jail.templates.name(TemplateId(0)),
                _ => "Default Detectors",
            };
            header.push(("datepattern", format!("{} : {name}", jail.datepatterns.join(", "))));
        }
        let logs: Vec<&Log> = plan.logs_of(self.place).collect();
        match logs[..] {
            [log] => header.push((word(log), header_text_of(log))),
            _ => header.extend(logs.iter().map(|log| (word(log), log.name()))),
        }
        header.push(("encoding", jail.encoding.name().to_owned()));
        header
    }
}

/// All bans that are known.
struct Bans<'e> {
    /// The store, if there is one.
    stored: Option<Reader>,
    /// Those of this scan, which are not stored if it is a dry run.
    new: HashMap<&'e Host, Vec<&'e Ban>>,
}

impl<'e> Bans<'e> {
    fn of(part: &Part<'e>) -> Result<Self, Error> {
        let db = &part.job.context.db;
        let stored = if db.exists() { Some(Reader::open(db)?) } else { None };
        let mut new: HashMap<_, Vec<_>> = HashMap::new();
        for ban in part.bans {
            new.entry(&ban.host).or_default().push(ban);
        }
        Ok(Self { stored, new })
    }

    fn of_host(&self, host: &Host) -> Result<Vec<Ban>, Error> {
        let stored = self.stored.as_ref().map(|reader| reader.bans_of(host)).transpose()?;
        let mut bans = stored.unwrap_or_default();
        bans.extend(self.new.get(host).into_iter().flatten().map(|ban| (*ban).clone()));
        Ok(bans)
    }
}

/// So many bans, and how many of them still run.
fn decided(bans: usize, active: usize) -> String {
    let new = counted(bans as u64, "new ban");
    match (bans, active) {
        (0, _) => "no new ban".to_owned(),
        (1, 0) => format!("{new}, over by now"),
        (1, _) => format!("{new}, still in force"),
        (_, 0) => format!("{new}, all over by now"),
        (all, some) if all == some => format!("{new}, all still in force"),
        _ => format!("{new}, {active} of them still in force"),
    }
}

fn hits<'p>(patterns: &'p [Pattern], hits: &[u64]) -> Vec<json::Hits<'p>> {
    let both = patterns.iter().map(Pattern::source).zip(hits);
    both.map(|(pattern, hits)| json::Hits { pattern, hits: *hits }).collect()
}

/// Names of the templates, by their position.
fn template_names(templates: &Templates) -> Vec<&str> {
    let ids = 0..u16::try_from(templates.len()).unwrap_or(u16::MAX);
    ids.map(|id| templates.name(TemplateId(id))).collect()
}

/// What the report calls a log.
fn word(log: &Log) -> &'static str {
    match log.kind {
        source::LogKind::Literal(_) => "single line",
        _ => "log file",
    }
}

fn header_text_of(log: &Log) -> String {
    match &log.kind {
        source::LogKind::Literal(text) => header_text(&String::from_utf8_lossy(text)),
        _ => log.name(),
    }
}
