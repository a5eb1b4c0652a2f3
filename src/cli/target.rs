//! What a scan is about: its logs, its filter, and the jail whose thresholds decide.
//!
//! The operands of `f2b scan` are recognised here, in the order of fail2ban-regex: a filter of the
//! configuration folder by path or name, a filter file elsewhere, a literal expression. Where that tool
//! takes a misspelt path for a log line, f2b says so.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use super::args::ScanArgs;
use super::{Context, Error, operands};
use crate::check::greedy_before_host;
use crate::config::{Config, FilterDef, JailDef, Loaded, Spec, first_reference};
use crate::diag::{Diagnostic, Severity};
use crate::error;
use crate::text::shown;

/// What to scan, and for what.
pub(super) struct Target {
    /// The logs that were named; `None` if each jail reads its own.
    pub(super) logs: Option<Vec<OsString>>,
    /// What is looked for in them, at least one.
    pub(super) subjects: Vec<Subject>,
}

/// A jail, or a filter that is run like one.
pub(super) struct Subject {
    pub(super) jail: JailDef,
    pub(super) header: Header,
}

/// The line of the report that names the filter: what it is, and which.
type Header = (&'static str, String);

pub(super) fn resolve(context: &Context, args: &ScanArgs) -> Result<Target, Error> {
    if args.jail.is_empty() && !args.jails {
        return of_operands(context, &args.operands);
    }
    if let Some(filter) = operands::stray_filter(&args.operands, has_filter(context)) {
        return Err(Error::FilterBesideJail(filter.to_string_lossy().into_owned()));
    }
    let logs = (!args.operands.is_empty()).then(|| args.operands.clone());
    let subjects = if args.jails { enabled(context)? } else { named(context, &args.jail)? };
    Ok(Target { logs, subjects })
}

fn named(context: &Context, names: &[String]) -> Result<Vec<Subject>, Error> {
    let mut subjects: Vec<Subject> = Vec::new();
    for name in names {
        if subjects.iter().all(|known| known.jail.name != *name) {
            let config = context.known_jail(name)?;
            subjects.push(subject(&config, usable(config.jail(name))?));
        }
    }
    Ok(subjects)
}

/// All jails that are enabled. One that can't be used is said and left out, as the daemon does it.
fn enabled(context: &Context) -> Result<Vec<Subject>, Error> {
    let config = Config::open(&context.config)?;
    let names = config.jail_names();
    super::warn_findings(&names.findings);
    let mut subjects = Vec::new();
    for name in names.value.unwrap_or_default() {
        let Ok(draft) = config.draft(&name) else { continue };
        if draft.jail.enabled && draft.is_usable {
            super::warn_findings(&draft.findings);
            subjects.push(subject(&config, draft.jail));
        } else if draft.jail.enabled || !draft.is_clear {
            super::warn_findings(&draft.findings);
        }
    }
    if subjects.is_empty() {
        return Err(error::Error::NoJails(context.config.clone()).into());
    }
    Ok(subjects)
}

fn subject(config: &Config, jail: JailDef) -> Subject {
    let header = ("jail", format!("{}, basedir: {}", jail.name, config.dir().display()));
    Subject { jail, header }
}

fn of_operands(context: &Context, operands: &[OsString]) -> Result<Target, Error> {
    let (filter, logs) = operands::split(operands, has_filter(context))?;
    let (filter, header) = find_filter(context, filter)?;
    let subject = Subject { jail: JailDef::of_filter(filter), header };
    Ok(Target { logs: Some(logs), subjects: vec![subject] })
}

/// A filter by path, by name, or as a literal expression.
fn find_filter(context: &Context, operand: &OsStr) -> Result<(FilterDef, Header), Error> {
    let Some(text) = operand.to_str() else {
        let path = Path::new(operand);
        let is_text = || Error::NotText { what: "FILTER", text: operand.to_owned() };
        return if path.is_file() { filter_at(path, &[]) } else { Err(is_text()) };
    };
    let Some(spec) = filter_spec(text) else { return Ok(literal(text)) };
    if let Some(found) = in_folder(&context.config, &spec)? {
        return Ok(found);
    }
    let path = Path::new(&spec.name);
    if path.is_file() {
        // A folder filter.d is part of a configuration: its overrides belong to the filter.
        if let Some(folder) =
            path.parent().filter(|dir| dir.ends_with("filter.d")).and_then(Path::parent)
        {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            let stem = path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default();
            let spec = Spec { name: stem, options: spec.options.clone() };
            if let Some(found) = in_folder(folder, &spec)? {
                return Ok(found);
            }
        }
        return filter_at(path, &spec.options);
    }
    // A word is no expression: it names no host.
    Err(no_filter(context, &spec.name))
}

/// A filter in a file of its own.
fn filter_at(path: &Path, options: &[(String, String)]) -> Result<(FilterDef, Header), Error> {
    let filter = usable(Config::filter_file(path, options))?;
    Ok((filter, ("filter file", path.display().to_string())))
}

fn literal(text: &str) -> (FilterDef, Header) {
    let filter = FilterDef::literal(text);
    let slips = not_filled_in(text).into_iter();
    let slips = slips.chain(filter.failregex.iter().filter_map(greedy_before_host));
    super::warn_findings(&slips.collect::<Vec<_>>());
    (filter, ("failregex line", super::output::report::header_text(text)))
}

/// The finding about an expression of the command line that quotes an option, as only one in a file can.
pub(super) fn not_filled_in(regex: &str) -> Option<Diagnostic> {
    let quoted = shown(first_reference(regex)?);
    let message = format!(
        "'{quoted}' in the expression '{}' is searched for as it stands: it is filled in only in a file",
        shown(regex)
    );
    let help = "write '.*' in its place, or put the expression into a filter file and name that";
    Some(Diagnostic::new("not-filled-in", Severity::Warning, message).with_help(help))
}

/// The filter `filter.d/NAME` of a configuration folder, if it has one.
fn in_folder(folder: &Path, spec: &Spec) -> Result<Option<(FilterDef, Header)>, Error> {
    let name = stem(spec);
    if name.contains('/') || !folder.is_dir() {
        return Ok(None);
    }
    let config = Config::open(folder)?;
    if !config.has_filter(name) {
        return Ok(None);
    }
    let spec = Spec { name: name.to_owned(), options: spec.options.clone() };
    let filter = usable(config.filter(&spec))?;
    let shown = format!("{name}, basedir: {}", folder.display());
    Ok(Some((filter, ("filter file", shown))))
}

/// The name of a filter, which may be written as its path below the folder.
fn stem(spec: &Spec) -> &str {
    let name = spec.name.strip_prefix("filter.d/").unwrap_or(&spec.name);
    name.strip_suffix(".conf").or_else(|| name.strip_suffix(".local")).unwrap_or(name)
}

/// Whether the configuration has the filter that a text names.
fn has_filter(context: &Context) -> impl Fn(&str) -> bool {
    let config = Config::open(&context.config).ok();
    move |text| {
        let spec = filter_spec(text);
        spec.zip(config.as_ref()).is_some_and(|(spec, config)| config.has_filter(stem(&spec)))
    }
}

/// `word-or-path[options]`; `None` for anything else, which can only be an expression.
fn filter_spec(text: &str) -> Option<Spec> {
    let name = text.split_once('[').map_or(text, |(name, _)| name);
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    (!name.is_empty() && name.chars().all(is_name)).then(|| Spec::parse(text).ok()).flatten()
}

fn no_filter(context: &Context, name: &str) -> Error {
    let known = match Config::open(&context.config) {
        Ok(config) => config.filter_names(),
        Err(error) => return error.into(),
    };
    let stem = name.trim_start_matches("filter.d/").trim_end_matches(".conf");
    let near = crate::diag::nearest(stem, known.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean '{near}'?"),
        None => {
            "name a file, a filter of its filter.d, or write an expression with <HOST>".to_owned()
        }
    };
    let message = format!("no filter '{}' in {}", shown(name), context.config.display());
    let found = Diagnostic::new("unknown-filter", Severity::Error, message).with_help(help);
    error::Error::Findings(vec![found]).into()
}

/// What was loaded, its findings shown; or the findings as the error.
fn usable<T>(loaded: Loaded<T>) -> Result<T, Error> {
    match loaded.value {
        Some(value) => {
            super::warn_findings(&loaded.findings);
            Ok(value)
        }
        None => Err(error::Error::Findings(loaded.findings).into()),
    }
}
