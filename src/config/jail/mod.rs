//! Jails: a section of jail.conf and its companions, with the filter and actions it names.

mod def;
mod increment;
mod read;
mod set;
mod values;

use std::cell::Cell;
use std::rc::Rc;

pub use self::def::{Draft, IgnoreCache, Increment, JailDef, LogPath, Setting, WithoutLogs};
use self::read::Parts;
use self::values::Values;
use super::action;
use super::backend::{Backend, LogType};
use super::definition::Definition;
use super::filter::{self, FilterDef};
use super::folder::Folder;
use super::indented;
use super::interpolate::{Given, InterpolationError, Problem, Scope};
use super::journal;
use super::loaded::Loaded;
use super::merged::Merged;
use super::options::{self, JAIL_OPTIONS, OptionKind, named, truth};
use super::slips;
use super::spec::Spec;
use super::substitute::SubstituteError;
use super::traced::{Line, Traced};
use crate::diag::{Diagnostic, Location, Severity};
use crate::text;

/// Loads the jail of a section that exists.
pub(in crate::config) fn load(folder: &Folder, merged: &Rc<Merged>, name: &str) -> Draft {
    let mut loader = Loader::new(folder, merged, name);
    let jail = loader.load();
    loader.draft(jail)
}

/// The same without its filter, which stays empty, and its settings: for whom it ignores and what it does to whom it
/// bans no filter has to be read, unless the jail quotes it.
pub(in crate::config) fn load_without_filter(
    folder: &Folder,
    merged: &Rc<Merged>,
    name: &str,
) -> Draft {
    let mut loader = Loader::new(folder, merged, name);
    match loader.load_without_filter() {
        Some(jail) => loader.draft(jail),
        None => load(folder, merged, name),
    }
}
/// Whether the jail is enabled; `None` if what it says is neither yes nor no.
pub(in crate::config) fn is_enabled(
    merged: &Merged,
    name: &str,
) -> Result<Option<bool>, Box<InterpolationError>> {
    let none = Given::new();
    let value = Scope::new(merged, name, &none).fetch("enabled")?;
    Ok(value.map_or(Some(false), |value| truth(&value.value)))
}

struct Loader<'c> {
    folder: &'c Folder,
    merged: &'c Rc<Merged>,
    name: &'c str,
    /// The backend as the filter may quote it.
    backend_text: String,
    findings: Vec<Diagnostic>,
    /// Whether the jail can't be used.
    failed: bool,
}

impl<'c> Loader<'c> {
    fn new(folder: &'c Folder, merged: &'c Rc<Merged>, name: &'c str) -> Self {
        let (backend_text, findings) = (String::new(), Vec::new());
        Self { folder, merged, name, backend_text, findings, failed: false }
    }

    /// The jail with what was found.
    fn draft(self, jail: JailDef) -> Draft {
        let Self { merged, name, mut findings, failed, .. } = self;
        let is_clear = is_enabled(merged, name).is_ok_and(|enabled| enabled.is_some());
        slips::explain_comments(&mut findings);
        for found in &mut findings {
            found.subject.get_or_insert_with(|| name.to_owned());
        }
        Draft { jail, is_clear, is_usable: !failed, findings }
    }

    fn load(&mut self) -> JailDef {
        let none = Given::new();
        let early = Scope::new(self.merged, self.name, &none);
        let (backend, wrong) = self.backend(&early);
        let filter = self.fetch(&early, "filter");
        let source =
            if self.failed { None } else { self.source(filter.as_ref(), backend.logtype()) };
        self.unknown_options(source.as_ref().map(|(_, definition)| definition));
        // What a filter that can't be read would have said is not missing.
        let is_blind = self.failed;
        let nowhere = Traced::empty(Line { file: self.folder.dir().into(), line: 0 });
        let known = |option: &str| {
            if is_blind {
                Ok(Some(nowhere.clone()))
            } else {
                known_in_filter(source.as_ref(), option)
            }
        };
        let scope = Scope::new(self.merged, self.name, &none).with_known(&known);
        let values = self.values(&scope);
        let filter = if is_blind {
            FilterDef::default()
        } else {
            self.filter(source.as_ref(), filter.as_ref(), backend.logtype(), &values)
        };
        let settings = self.settings(&scope);
        let journal_is_clear = !self.findings.iter().any(|found| found.id == journal::BAD);
        let parts = Parts { filter, journal_is_clear, backend, settings, ..Parts::default() };
        let jail = self.read(&values, parts, wrong);
        self.indented();
        jail
    }

    /// `None` if the jail quotes what its filter says.
    fn load_without_filter(&mut self) -> Option<JailDef> {
        let none = Given::new();
        let quotes_filter = Cell::new(false);
        let known = |_: &str| {
            quotes_filter.set(true);
            Ok(None)
        };
        let scope = Scope::new(self.merged, self.name, &none).with_known(&known);
        let (backend, wrong) = self.backend(&scope);
        let values = self.values(&scope);
        if quotes_filter.get() {
            return None;
        }
        let parts = Parts { backend, ..Parts::default() };
        Some(self.read(&values, parts, wrong))
    }

    /// How its logs are watched, and what is wrong with that.
    fn backend(&mut self, scope: &Scope<'_>) -> (Backend, Vec<Diagnostic>) {
        let backend = self.fetch(scope, "backend");
        let text = backend.as_ref().map_or(options::default("backend"), |text| &text.value);
        self.backend_text = String::from(text);
        backend.as_ref().map(Backend::read).unwrap_or_default()
    }

    /// What its options and actions say, with the `parts` that are read.
    fn read(&mut self, values: &Given, parts: Parts, wrong: Vec<Diagnostic>) -> JailDef {
        let actions = action::load(self.folder, self.name, values, &mut self.findings);
        for found in wrong {
            self.fail(found);
        }
        let mut values = Values::new(values);
        let parts = Parts { name: self.name.to_owned(), actions, ..parts };
        let jail = read::jail(&mut values, parts);
        self.failed |= values.failed;
        self.findings.extend(values.findings);
        jail
    }

    fn fail(&mut self, found: Diagnostic) {
        self.failed = true;
        // Some options are read twice.
        if !self.findings.contains(&found) {
            self.findings.push(found);
        }
    }

    fn fetch(&mut self, scope: &Scope<'_>, option: &str) -> Option<Traced> {
        scope.fetch(option).unwrap_or_else(|error| {
            self.fail(error.diagnostic());
            None
        })
    }

    /// All options that something reads, as far as they are set.
    fn values(&mut self, scope: &Scope<'_>) -> Given {
        let read = JAIL_OPTIONS.iter().filter(|option| option.kind != OptionKind::Free);
        read.filter_map(|option| {
            let value = self.fetch(scope, option.name)?;
            let truth = if option.kind == OptionKind::Bool { truth(&value.value) } else { None };
            // As Python writes them, where a tag quotes them.
            let value = match truth {
                Some(true) => Traced::new("True", value.at),
                Some(false) => Traced::new("False", value.at),
                None => value,
            };
            Some((option.name.to_owned(), value))
        })
        .collect()
    }

    /// What is known before the filter is read: the `EARLY` options.
    fn early(&self, filter: &Traced) -> Given {
        let enabled = matches!(is_enabled(self.merged, self.name), Ok(Some(true)));
        let text = |value: &str| Traced::new(value, filter.at.clone());
        let enabled = text(if enabled { "True" } else { "False" });
        let all = [
            ("enabled", enabled),
            ("backend", text(&self.backend_text)),
            ("filter", filter.clone()),
        ];
        all.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// The files of the filter and its parameters; `None` without failure if the jail names none.
    fn source(&mut self, filter: Option<&Traced>, logtype: LogType) -> Option<(Spec, Definition)> {
        let Some(value) = filter.filter(|value| !value.value.is_empty()) else {
            let message = format!("jail '{}' has no filter", text::shown(self.name));
            let mut found = Diagnostic::new("no-filter", Severity::Warning, message)
                .with_help("write 'filter = NAME' to use the one of filter.d/NAME.conf");
            found.at = self.merged.section_at(self.name).cloned();
            self.findings.push(found);
            return None;
        };
        let spec = match Spec::parse(&value.value) {
            Ok(spec) => spec,
            Err(error) => {
                let found = Diagnostic::new("bad-filter", Severity::Error, error.to_string());
                self.fail(found.with_location(value.at.location()).with_text(&value.value));
                return None;
            }
        };
        match self.folder.definition(&spec, &value.at, logtype, &self.early(value)) {
            Ok((definition, findings)) => {
                self.findings.extend(findings);
                let slips = definition.slips(&filter::OPTIONS, &spec.options, &value.at);
                self.findings.extend(slips);
                if let Err(error) = definition.check(&filter::OPTIONS) {
                    self.fail(error.diagnostic().with_subject(&spec.name));
                    return None;
                }
                Some((spec, definition))
            }
            Err(findings) => {
                self.failed = true;
                self.findings.extend(findings);
                None
            }
        }
    }

    /// The filter with the jail's values in place of its own.
    fn filter(
        &mut self,
        source: Option<&(Spec, Definition)>,
        at: Option<&Traced>,
        logtype: LogType,
        values: &Given,
    ) -> FilterDef {
        let mut def = FilterDef::default();
        // fail2ban sets these of a jail first, and then again what the filter's brackets or [Init] say.
        let is_lost = |name: &str| {
            matches!(name, "prefregex" | "maxlines" | "usedns")
                && source.is_some_and(|(_, definition)| definition.is_given(name))
        };
        if let (Some((spec, _)), Some(at)) = (source, at) {
            let mut values = values.clone();
            for (name, value) in self.early(at) {
                values.entry(name).or_insert(value);
            }
            let loaded = self.folder.definition(spec, &at.at, logtype, &values);
            let reread = loaded.and_then(|(definition, _)| {
                definition.reread().map_err(|error| vec![error.diagnostic()])
            });
            let loaded = match reread {
                Ok(definition) => {
                    // A jail's value takes the place of one in [Definition]; others it stands beside.
                    let is_replaced =
                        |name: &str| values.contains_key(name) && !definition.is_given(name);
                    filter::read(&definition, self.folder.filter_def(spec), &is_replaced)
                }
                Err(findings) => Loaded { value: None, findings },
            };
            self.findings.extend(loaded.findings);
            self.failed |= loaded.value.is_none();
            let Some(read) = loaded.value else { return def };
            def = read;
        }
        for name in filter::OPTIONS.into_iter().filter(|name| !is_lost(name)) {
            if let Some(value) = values.get(name) {
                def.apply(name, value, &mut self.findings);
            }
        }
        self.judge_journal(logtype);
        // A jail without a filter may have expressions of its own.
        let no_filter = self.findings.iter_mut().find(|found| found.id == "no-filter");
        if let (Some(found), true) = (no_filter, def.failregex.is_empty()) {
            found.severity = Severity::Error;
            self.failed = true;
        } else if let Some(found) = def.lack() {
            self.fail(match values.get("failregex") {
                Some(own) => found.with_location(own.at.location()),
                None => found,
            });
        }
        def
    }

    /// What can't be read of a journalmatch keeps the jail from being used if it reads the journal: without a line
    /// it would see less, without any it would see everything.
    fn judge_journal(&mut self, logtype: LogType) {
        if logtype != LogType::Journal {
            return;
        }
        for found in self.findings.iter_mut().filter(|found| found.id == journal::BAD) {
            found.severity = Severity::Error;
            self.failed = true;
        }
    }

    /// Options that are none, because they are indented. Of the defaults' only those that something is wrong with:
    /// the others are said once for all jails.
    fn indented(&mut self) {
        let own = self.merged.section(self.name).map(|own| slips::indented(self.merged, own));
        self.findings.extend(own.unwrap_or_default());
        indented::explain(&mut self.findings);
        for found in slips::indented(self.merged, &self.merged.defaults) {
            let count = self.findings.len();
            self.findings.push(found);
            indented::explain(&mut self.findings);
            if self.findings.len() > count {
                self.findings.pop();
            }
        }
    }

    fn settings(&self, scope: &Scope<'_>) -> Vec<Setting> {
        let own = self.merged.section(self.name);
        let unknown = own.into_iter().flat_map(|options| options.keys().map(String::as_str));
        let mut names: Vec<&str> = JAIL_OPTIONS.iter().map(|option| option.name).collect();
        names.extend(unknown.filter(|name| named(name).is_none()));
        let setting = |name: &str| {
            let text = scope.fetch(name).ok()??.text();
            let mut overridden: Vec<Location> =
                scope.stack(name).iter().rev().skip(1).map(|value| value.at.location()).collect();
            if own.is_some_and(|options| options.contains_key(name)) {
                let defaults = self.merged.defaults.get(name).into_iter().flatten().rev();
                overridden.extend(defaults.map(|value| value.at.location()));
            }
            Some(Setting { name: name.to_owned(), text, overridden })
        };
        names.into_iter().filter_map(setting).collect()
    }

    /// Warns of options that look like one that somebody reads, and notes others that nobody does.
    fn unknown_options(&mut self, filter: Option<&Definition>) {
        let Some(options) = self.merged.section(self.name) else { return };
        let own = options.iter().filter_map(|(name, stack)| {
            let elsewhere = self.merged.defaults.contains_key(name);
            (!elsewhere).then_some((name.as_str(), &stack.last()?.at))
        });
        // What a filter quotes, its jail may set.
        let unread = own.filter(|(name, _)| !filter.is_some_and(|filter| filter.quotes(name)));
        let slips = slips::of_options(self.merged, unread.clone());
        let is_slip = |name: &str| slips.iter().any(|slip| slip.text.as_deref() == Some(name));
        let others = unread.filter(|(name, _)| {
            named(name).is_none() && !self.merged.quotes(name) && !is_slip(name)
        });
        self.findings.extend(others.map(|(name, at)| {
            let message = format!("nobody reads option '{}'", text::shown(name));
            Diagnostic::new("unread-option", Severity::Note, message)
                .with_location(at.location())
                .with_text(name)
        }));
        self.findings.extend(slips);
    }
}

/// The value of an option as the filter has it, for `%(known/option)s` in a jail.
fn known_in_filter(
    source: Option<&(Spec, Definition)>,
    option: &str,
) -> Result<Option<Traced>, Box<InterpolationError>> {
    let Some((_, definition)) = source else { return Ok(None) };
    definition.value(option).map_err(|error| match error {
        SubstituteError::Interpolation(error) => error,
        SubstituteError::Loop { at, option, tag } => {
            Box::new(InterpolationError { at, problem: Problem::TagLoop { option, tag } })
        }
    })
}
