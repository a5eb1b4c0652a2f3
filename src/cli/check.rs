//! `f2b check`: everything that is wrong with a configuration, and where each setting comes from.

use std::io::Write;

use super::args::{CheckArgs, CheckFormat};
use super::output::{counted, json};
use super::{Context, Status};
use crate::check::{Report, Scope, check};
use crate::config::{ActionDef, Config, JailDef, Text};
use crate::diag::{Diagnostic, Severity};
use crate::error::Error;
use crate::text::printable;

pub(super) fn run(
    context: &Context,
    args: &CheckArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let config = Config::open(&context.config)?;
    if let Some(name) = &args.explain {
        context.known_jail(name)?;
        let loaded = config.jail(name);
        let jail = loaded.value.ok_or(Error::Findings(loaded.findings))?;
        explain(&jail, out)?;
        return Ok(Status::Found);
    }
    let scope = if args.all { Scope::All } else { Scope::Enabled };
    let report = check(&config, scope, context.now);
    match args.format {
        CheckFormat::Text => text(&report, args.verbose > 0, out)?,
        CheckFormat::Json => json::document(&document(&report), out)?,
    }
    Ok(if report.findings.is_empty() { Status::Found } else { Status::Nothing })
}

fn text(report: &Report, is_verbose: bool, out: &mut dyn Write) -> Result<(), Error> {
    for finding in &report.findings {
        writeln!(out, "{}", line(finding))?;
        if let Some(help) = &finding.help {
            writeln!(out, "    {help}")?;
        }
    }
    if is_verbose {
        for jail in report.jails.iter().filter(|jail| !jail.backtracking.is_empty()) {
            writeln!(out, "{}: needs the backtracking engine", jail.name)?;
            for (regex, why) in &jail.backtracking {
                writeln!(out, "    {}: {}", why.join(", "), printable(regex))?;
            }
        }
    }
    if !report.findings.is_empty() {
        writeln!(out)?;
    }
    let usable = report.jails.iter().filter(|jail| jail.is_usable).count() as u64;
    writeln!(
        out,
        "{} of {} usable; {}, {}, {}",
        usable,
        counted(report.jails.len() as u64, "jail"),
        counted(report.count(Severity::Error) as u64, "error"),
        counted(report.count(Severity::Warning) as u64, "warning"),
        counted(report.count(Severity::Note) as u64, "note"),
    )?;
    Ok(())
}

/// `jail.conf:12:3: error: unknown action 'x' [unknown-action, jail y]`.
fn line(finding: &Diagnostic) -> String {
    let at = finding.at.as_ref().map(|at| format!("{at}: ")).unwrap_or_default();
    let subject =
        finding.subject.as_ref().map(|name| format!(", {}", printable(name))).unwrap_or_default();
    format!("{at}{}: {} [{}{subject}]", word(finding.severity), finding.message, finding.id)
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}

fn document(report: &Report) -> serde_json::Value {
    let findings = report.findings.iter().map(|finding| {
        let at = finding.at.as_ref();
        serde_json::json!({
            "id": finding.id,
            "severity": word(finding.severity),
            "file": at.map(|at| at.file.display().to_string()),
            "line": at.map(|at| at.line).filter(|line| *line > 0),
            "column": at.map(|at| at.column).filter(|column| *column > 0),
            "subject": finding.subject,
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
                "usable": jail.is_usable,
                "backtracking": backtracking,
            })
        })
        .collect();
    serde_json::json!({ "findings": findings, "jails": jails })
}

/// Every option that is set, where, and whom it overrides; then what became of it.
fn explain(jail: &JailDef, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "[{}]", jail.name)?;
    for setting in &jail.settings {
        value(&setting.name, &setting.text, out)?;
        for place in &setting.overridden {
            writeln!(out, "    # overrides {place}")?;
        }
    }
    let filter = &jail.filter;
    writeln!(out, "\n# filter {}", filter.name)?;
    if let Some(text) = &filter.prefregex {
        value("prefregex", text, out)?;
    }
    let lists = [
        ("failregex", &filter.failregex),
        ("ignoreregex", &filter.ignoreregex),
        ("datepattern", &filter.datepattern),
        ("journalmatch", &filter.journalmatch),
    ];
    for (name, texts) in lists {
        for text in texts {
            value(name, text, out)?;
        }
    }
    if let Some(maxlines) = filter.maxlines {
        writeln!(out, "maxlines = {maxlines}")?;
    }
    for action in &jail.actions {
        explain_action(action, out)?;
    }
    Ok(())
}

fn explain_action(action: &ActionDef, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(out, "\n# action {} ({})", action.name, action.file.display())?;
    for (name, text) in action.properties.iter().filter(|(name, _)| name.starts_with("action")) {
        if !text.value.is_empty() {
            value(name, text, out)?;
        }
    }
    Ok(())
}

fn value(name: &str, text: &Text, out: &mut dyn Write) -> Result<(), Error> {
    let mut lines = text.value.trim().lines();
    let first = lines.next().unwrap_or_default();
    writeln!(out, "{name} = {}", printable(first))?;
    for line in lines {
        writeln!(out, "    {}", printable(line))?;
    }
    writeln!(out, "    # {}", text.at)?;
    Ok(())
}
