//! What came of a scan, said in the format asked for, and everything that went wrong on the way.

use std::io::Write;

use super::super::args::{Format, ScanArgs};
use super::super::output::report::{Offender, Report, header_text};
use super::super::output::{counted, json};
use super::super::target::Target;
use super::super::{Context, Status, warn, warn_findings};
use super::plan::Plan;
use crate::date::{TemplateId, Templates};
use crate::diag::{Diagnostic, Severity};
use crate::engine::Outcome;
use crate::error::Error;
use crate::filter::Pattern;
use crate::model::Ban;
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
    pub(super) logs: &'j [Log],
}

/// What came of the scan.
pub(super) struct End<'j> {
    pub(super) job: Job<'j>,
    pub(super) outcome: Outcome,
    pub(super) written: Option<Written>,
    pub(super) bans: Vec<Ban>,
    pub(super) elapsed: std::time::Duration,
}

impl End<'_> {
    /// How the process ends.
    pub(super) fn status(&self) -> Status {
        if self.outcome.interrupted {
            Status::Interrupted
        } else if !self.outcome.unread.is_empty() {
            Status::Trouble
        } else if self.outcome.totals.lines.matched > 0 {
            Status::Found
        } else {
            Status::Nothing
        }
    }

    /// Prints the report, or the last of what another format says, and then what went wrong.
    pub(super) fn show(&self, out: &mut dyn Write) -> Result<(), Error> {
        let Job { args, plan, .. } = self.job;
        match (&plan.shape, args.format) {
            (Some(_), _) | (None, Format::Jsonl | Format::Csv) => {}
            (None, Format::Json) => json::document(&self.document(), out)?,
            (None, Format::Text) => self.report()?.write(out)?,
        }
        out.flush()?;
        for unread in &self.outcome.unread {
            warn(&format!("f2b: {}", unread.error));
        }
        self.warn_of_limits();
        Ok(())
    }

    /// Survived troubles are said once, with their number.
    fn warn_of_limits(&self) {
        let totals = &self.outcome.totals;
        for (log, lines) in &self.outcome.undecided {
            let message = format!(
                "{}: {} missed because an expression took too long to decide",
                printable(log),
                counted(*lines, "line")
            );
            let help = "f2b check -v says which expressions can take long";
            let found = Diagnostic::new("step-limit", Severity::Warning, message).with_help(help);
            warn_findings(&[found]);
        }
        if totals.invalid_ids > 0 {
            let message = format!(
                "{} for an address that is none, such as 999.1.2.3; no failure was counted",
                counted(totals.invalid_ids, "hit")
            );
            warn_findings(&[Diagnostic::new("invalid-address", Severity::Warning, message)]);
        }
        let unresolved = self.job.plan.names.unresolved();
        if unresolved > 0 {
            let message = format!("{} could not be resolved", counted(unresolved, "host name"));
            warn_findings(&[Diagnostic::new("unresolved-names", Severity::Warning, message)]);
        }
    }

    fn document(&self) -> json::Scan<'_> {
        let Job { context, plan, .. } = self.job;
        let totals = &self.outcome.totals;
        let dates = template_names(&plan.templates).into_iter().zip(&totals.dates);
        json::Scan {
            lines: totals.lines.into(),
            bytes: totals.bytes,
            elapsed_secs: self.elapsed.as_secs_f64(),
            interrupted: self.outcome.interrupted,
            prefregex: plan.filter.prefregex().map(|_| totals.prefregex),
            failregex: hits(plan.filter.failregex(), &totals.failregex),
            ignoreregex: hits(plan.filter.ignoreregex(), &totals.ignoreregex),
            dates: dates
                .filter(|(_, hits)| **hits > 0)
                .map(|(pattern, hits)| json::Hits { pattern, hits: *hits })
                .collect(),
            hosts: json::hosts(totals),
            bans: self.bans.iter().map(|ban| json::Ban::new(ban, context.now)).collect(),
            stored: self.written.map(|written| json::Stored {
                matches: written.matches,
                failures: written.failures,
            }),
            unread: self.outcome.unread.iter().map(|unread| unread.error.to_string()).collect(),
        }
    }

    fn report(&self) -> Result<Report<'_>, Error> {
        let Job { context, args, plan, .. } = self.job;
        let sources = |patterns: &[Pattern]| {
            patterns.iter().map(|pattern| pattern.source().to_owned()).collect()
        };
        Ok(Report {
            header: header(self.job),
            prefregex: plan.filter.prefregex().map(|regex| regex.expanded().to_owned()),
            failregex: sources(plan.filter.failregex()),
            ignoreregex: sources(plan.filter.ignoreregex()),
            templates: template_names(&plan.templates).into_iter().map(str::to_owned).collect(),
            totals: &self.outcome.totals,
            matched: plan.show[0],
            ignored: plan.show[1],
            missed: plan.show[2],
            is_verbose: args.verbose > 0,
            offenders: self.offenders()?,
            elapsed: self.elapsed,
            zone: context.zone,
            stored: self.stored(),
            interrupted: self.outcome.interrupted,
        })
    }

    fn stored(&self) -> Vec<String> {
        let Job { context, args, .. } = self.job;
        let mut lines = Vec::new();
        if let Some(written) = self.written {
            let new = counted(written.matches, "new matched line");
            lines.push(format!(
                "Stored {new} and {} in {}",
                counted(written.failures, "new failure"),
                context.db.display()
            ));
        }
        if args.ban {
            let active = self.bans.iter().filter(|ban| ban.is_active(context.now)).count() as u64;
            lines.push(format!(
                "Decided {}, {active} of them still in force{}",
                counted(self.bans.len() as u64, "new ban"),
                if args.dry_run { "; nothing was stored" } else { "" }
            ));
        }
        lines
    }

    /// The hosts with most failures; jails and bans are the store's, if there is one.
    fn offenders(&self) -> Result<Vec<Offender>, Error> {
        let Job { context, args, target, .. } = self.job;
        let reader = if context.db.exists() { Some(Reader::open(&context.db)?) } else { None };
        let mut offenders = Vec::new();
        for (host, tally) in self.outcome.totals.hosts.ranked().into_iter().take(args.top) {
            let mut jails = match &reader {
                Some(reader) => reader.jails_of(&host)?,
                None => Vec::new(),
            };
            jails.extend(target.jail.as_ref().map(|jail| jail.name.clone()));
            jails.sort();
            jails.dedup();
            let stored = reader
                .as_ref()
                .map(|reader| reader.bans_of(&host))
                .transpose()?
                .unwrap_or_default();
            let mine = self.bans.iter().filter(|ban| ban.host == host).cloned();
            let in_force = stored.into_iter().chain(mine).filter(|ban| ban.is_active(context.now));
            // The longest one counts; a permanent one is longer than any.
            let banned = in_force
                .map(|ban| ban.until)
                .max_by_key(|until| until.map_or(i64::MAX, crate::model::Time::micros));
            offenders.push(Offender {
                host,
                failures: tally.failures,
                first: tally.first,
                last: tally.last,
                jails,
                banned,
            });
        }
        Ok(offenders)
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

/// The `Use …` lines of the report.
fn header(job: Job<'_>) -> Vec<(&'static str, String)> {
    let Job { args, target, plan, logs, .. } = job;
    let mut header = vec![target.header.clone()];
    header.extend(args.ignoreregex.iter().map(|regex| ("ignoreregex line", header_text(regex))));
    if args.maxlines.is_some() || target.filter.maxlines.is_some() {
        header.push(("maxlines", plan.maxlines.to_string()));
    }
    if !plan.datepatterns.is_empty() {
        let name = match plan.templates.len() {
            1 | 2 => plan.templates.name(TemplateId(0)),
            _ => "Default Detectors",
        };
        header.push(("datepattern", format!("{} : {name}", plan.datepatterns.join(", "))));
    }
    match logs {
        [log] => header.push((word(log), header_text_of(log))),
        _ => header.extend(logs.iter().map(|log| (word(log), log.name()))),
    }
    header.push(("encoding", plan.encoding.name().to_owned()));
    header
}

/// What the report calls a log.
fn word(log: &Log) -> &'static str {
    match log.kind {
        source::Kind::Literal(_) => "single line",
        _ => "log file",
    }
}

fn header_text_of(log: &Log) -> String {
    match &log.kind {
        source::Kind::Literal(text) => header_text(text),
        _ => log.name(),
    }
}
