//! `f2b check`: everything that is wrong with a configuration, and where each setting comes from.

mod explain;

use std::io::Write;

use super::args::{CheckArgs, CheckFormat};
use super::output::terminal::folded;
use super::output::{counted, json};
use super::{Context, Error, Status, warn_findings};
use crate::check::{Excerpt, Finding, Report, Scope, Sources, check};
use crate::config::Config;
use crate::diag::{Diagnostic, Severity};
use crate::error;
use crate::text::printable;

/// Longer lines are quoted in part, in characters.
const QUOTED_MAX: usize = 110;
/// So many jails are named that have a problem in common.
const NAMED_MAX: usize = 3;

/// What stands before a quoted line and, where it is cut, around it: `    12 | …`.
const QUOTED_FRAME: usize = 11;

/// Further lines of a finding stand below its text.
const FINDING_INDENT: usize = 4;

/// What stands before advice.
const HELP: &str = "   = help: ";

pub(super) fn run(
    context: &Context,
    args: &CheckArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let config = Config::open(&context.config)?;
    if let Some(name) = &args.explain {
        let name = name.as_ref().or(args.jails.first()).ok_or(Error::NothingToExplain)?;
        context.known_jail(name)?;
        let draft = config.draft(name).map_err(error::Error::Findings)?;
        match args.format {
            CheckFormat::Text => explain::text(&draft.jail, out)?,
            CheckFormat::Json => json::document(&explain::document(&draft.jail), out)?,
        }
        let errors = draft.findings.into_iter().filter(|found| found.severity == Severity::Error);
        warn_findings(&errors.collect::<Vec<_>>());
        return Ok(if draft.is_usable { Status::Found } else { Status::Trouble });
    }
    for name in &args.jails {
        context.known_jail(name)?;
    }
    let scope = match &args.jails[..] {
        [] if args.all => Scope::All,
        [] => Scope::Enabled,
        names => Scope::Named(names),
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let report = check(&config, scope, context.now, &folders);
    match args.format {
        CheckFormat::Text => text(&report, args, context.columns, out)?,
        CheckFormat::Json => json::document(&document(&report), out)?,
    }
    Ok(match report.worst() {
        None | Some(Severity::Note) => Status::Found,
        Some(Severity::Warning) => Status::Nothing,
        Some(Severity::Error) => Status::Trouble,
    })
}

fn text(
    report: &Report,
    args: &CheckArgs,
    columns: Option<usize>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let mut sources = Sources::default();
    for finding in &report.findings {
        writeln!(out, "{}", folded(&line(finding), columns, FINDING_INDENT))?;
        let finding = &finding.diagnostic;
        if let Some(excerpt) = sources.excerpt(finding) {
            quote(finding, &excerpt, columns, out)?;
        }
        if let Some(help) = &finding.help {
            writeln!(out, "{}", folded(&format!("{HELP}{help}"), columns, HELP.len()))?;
        }
        writeln!(out)?;
    }
    if args.verbose > 0 {
        for jail in report.jails.iter().filter(|jail| !jail.backtracking.is_empty()) {
            writeln!(out, "{}: needs the backtracking engine", jail.name)?;
            for (regex, why) in &jail.backtracking {
                writeln!(out, "    {}: {}", why.join(", "), printable(regex))?;
            }
            writeln!(out)?;
        }
    }
    let named = report.jails.iter().filter(|jail| args.jails.contains(&jail.name));
    for jail in named.filter(|jail| !jail.is_enabled) {
        writeln!(out, "'{}' is not enabled; write enabled = true into its section", jail.name)?;
    }
    let usable = report.jails.iter().filter(|jail| jail.is_usable).count() as u64;
    writeln!(
        out,
        "{usable} of {} usable; {}, {}, {}",
        counted(report.jails.len() as u64, "jail"),
        counted(report.count(Severity::Error) as u64, "error"),
        counted(report.count(Severity::Warning) as u64, "warning"),
        counted(report.count(Severity::Note) as u64, "note"),
    )?;
    Ok(())
}

/// The line of a finding with what offends underlined; of a long one the part around it.
fn quote(
    finding: &Diagnostic,
    excerpt: &Excerpt,
    columns: Option<usize>,
    out: &mut dyn Write,
) -> Result<(), Error> {
    let room = columns.map_or(QUOTED_MAX, |columns| columns.saturating_sub(QUOTED_FRAME));
    let quoted_max = room.min(QUOTED_MAX);
    let number = finding.at.as_ref().map_or(0, |at| at.line);
    let chars: Vec<char> = excerpt.line.chars().collect();
    let from =
        if chars.len() > quoted_max { excerpt.start.saturating_sub(quoted_max / 4) } else { 0 };
    let to = chars.len().min(from + quoted_max);
    let part = |from: usize, to: usize| -> String {
        let text: String = chars[from..to.max(from)].iter().collect();
        printable(&text).replace('\t', " ")
    };
    let cut = |is_cut: bool| if is_cut { "…" } else { "" };
    let before = format!("{}{}", cut(from > 0), part(from, excerpt.start.clamp(from, to)));
    let end = (excerpt.start + excerpt.len).min(to);
    let marked = part(excerpt.start.min(end), end);
    writeln!(out, "{number:>6} | {before}{marked}{}{}", part(end, to), cut(to < chars.len()))?;
    let (before, marked) = (before.chars().count(), marked.chars().count().max(1));
    writeln!(out, "       | {}{}", " ".repeat(before), "^".repeat(marked))?;
    Ok(())
}

/// `jail.conf:12:3: error: unknown action 'x' [unknown-action, jail y]`.
fn line(Finding { diagnostic, others }: &Finding) -> String {
    let Diagnostic { at, severity, message, id, subject, .. } = diagnostic;
    let at = at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
    let whom = subject.iter().chain(others).take(NAMED_MAX);
    let whom: Vec<_> =
        std::iter::once((*id).into()).chain(whom.map(|name| printable(name))).collect();
    let whom = whom.join(", ");
    let more = match others.len().saturating_sub(NAMED_MAX - 1) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{at}{}: {message} [{whom}{more}]", word(*severity))
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn document(report: &Report) -> serde_json::Value {
    let findings = report.findings.iter().map(|Finding { diagnostic: finding, others }| {
        let at = finding.at.as_ref();
        serde_json::json!({
            "id": finding.id,
            "severity": word(finding.severity),
            "file": at.map(|at| at.file.display().to_string()),
            "line": at.map(|at| at.line).filter(|line| *line > 0),
            "column": at.map(|at| at.column).filter(|column| *column > 0),
            "subject": finding.subject,
            "others": others,
            "text": finding.text,
            "message": finding.message,
            "help": finding.help,
        })
    });
    let findings: Vec<serde_json::Value> = findings.collect();
    let jails: Vec<serde_json::Value> = report
        .jails
        .iter()
        .map(|jail| {
            let backtracking: Vec<_> = jail
                .backtracking
                .iter()
                .map(|(regex, why)| serde_json::json!({ "regex": regex, "why": why }))
                .collect();
            serde_json::json!({
                "name": jail.name,
                "enabled": jail.is_enabled,
                "usable": jail.is_usable,
                "backtracking": backtracking,
            })
        })
        .collect();
    serde_json::json!({ "findings": findings, "jails": jails })
}
