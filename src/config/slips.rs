//! Names in the files of the jails that mean nothing, and look like ones that do.

use super::folder::Folder;
use super::indented;
use super::merged::{DEFAULT, INCLUDES, Merged, Options};
use super::options::{JAIL_OPTIONS, named, unknown_option};
use super::traced::Line;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::text;

/// What is misspelt or indented in `[DEFAULT]`, and sections that are meant to be it.
pub(super) fn of_all(merged: &Merged) -> Vec<Diagnostic> {
    let defaults = merged.defaults.iter();
    let options = defaults.filter_map(|(name, stack)| Some((name.as_str(), &stack.last()?.at)));
    let mut findings = of_options(merged, options);
    findings.extend(indented(merged, &merged.defaults));
    for (name, _, at) in &merged.sections {
        let is_near = |word: &&str| {
            word.eq_ignore_ascii_case(name) || nearest(&name.to_uppercase(), [*word]).is_some()
        };
        let near = [DEFAULT, INCLUDES].into_iter().find(is_near).filter(|word| word != name);
        findings.extend(near.map(|near| {
            let message = format!("section [{}] is a jail of that name", text::shown(name));
            Diagnostic::new("unknown-section", Severity::Warning, message)
                .with_location(at.clone())
                .with_text(name)
                .with_help(format!("did you mean [{near}]?"))
        }));
    }
    findings
}

/// The finding about a section without a filter that looks like another one, which has one.
pub(super) fn of_section(folder: &Folder, merged: &Merged, name: &str) -> Option<Diagnostic> {
    let is_whole = |name: &str| {
        let own = merged.section(name).is_some_and(|options| options.contains_key("filter"));
        own || folder.has_filter(name)
    };
    if is_whole(name) {
        return None;
    }
    let others = merged.sections.iter().map(|(other, ..)| other.as_str());
    let near = nearest(name, others.filter(|other| *other != name && is_whole(other)))?;
    let message = format!("jail '{}' has no filter, and isn't enabled", text::shown(name));
    let found = Diagnostic::new("no-filter", Severity::Warning, message);
    let found =
        found.with_subject(name).with_help(format!("did you mean [{}]?", text::shown(near)));
    Some(match merged.section_at(name) {
        Some(at) => found.with_location(at.clone()).with_text(name),
        None => found,
    })
}

/// Values that can't be read because of a comment behind them, to which `#` is no beginning: says that.
pub(super) fn explain_comments(findings: &mut [Diagnostic]) {
    const VALUES: [&str; 10] = [
        "bad-boolean",
        "bad-duration",
        "bad-factor",
        "bad-number",
        "bad-usedns",
        "unknown-action",
        "unknown-backend",
        "unknown-encoding",
        "unknown-filter",
        "unknown-zone",
    ];
    let has_mark = |text: &str| text.starts_with('#') || text.contains(" #");
    for found in findings.iter_mut().filter(|found| VALUES.contains(&found.id)) {
        if found.text.as_deref().is_some_and(has_mark) {
            found.help = Some("begin a comment behind a value with ';' instead of '#'".to_owned());
        }
    }
}

/// Findings for options and headers in the values of `options` that are indented by mistake.
pub(super) fn indented(merged: &Merged, options: &Options) -> Vec<Diagnostic> {
    let is_section = |name: &str, is_expression: bool| {
        !is_expression || name == DEFAULT || merged.section(name).is_some()
    };
    indented::findings(options, &|name| named(name).is_some(), &is_section)
}

/// Findings for names that nobody reads and that are near to one that somebody reads.
pub(super) fn of_options<'o>(
    merged: &Merged,
    options: impl Iterator<Item = (&'o str, &'o Line)>,
) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (name, at) in options.filter(|(name, _)| named(name).is_none()) {
        if merged.quotes(name) {
            continue;
        }
        let Some(near) = nearest(name, JAIL_OPTIONS.iter().map(|option| option.name)) else {
            continue;
        };
        // Names such as action_mw are there for others to quote.
        if name.strip_prefix(near).is_some_and(|rest| rest.starts_with('_')) {
            continue;
        }
        findings.push(unknown_option(name, near, at.location()));
    }
    findings
}
