//! fail2ban's configuration: jails, filters and actions out of a folder such as /etc/fail2ban.
//!
//! ```text
//! ini ──▶ merge ──▶ interpolate ──▶ definition (substitute) ──▶ filter, action ──▶ jail
//! file    files     %(name)s        <name>                      name[option=value]
//! ```
//!
//! Text keeps the file and line it came from all the way. Nothing stops at the first problem: what
//! is loaded comes with its findings ([`Loaded`]), and one broken jail leaves the others alone.

mod action;
mod backend;
mod definition;
mod filter;
mod ini;
mod interpolate;
mod jail;
mod journal;
mod merge;
pub mod options;
mod shadow;
mod spec;
mod substitute;
mod traced;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use action::ActionDef;
pub use backend::{Backend, JournalSource};
pub use filter::FilterDef;
pub use jail::{Draft, IgnoreCache, Increment, JailDef, LogPath, Setting, WithoutLogs};
pub use journal::{JournalMatch, JournalTerm};
pub use spec::{Spec, SpecError};

use crate::diag::{Diagnostic, Location, Severity, nearest};
use crate::text;
use backend::LogType;
use definition::Definition;
use interpolate::Overrides;
use merge::{Files, INCLUDES, Merged, Siblings, candidates, dropped_in};
use traced::{Place, Traced};

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The value.
    pub value: String,
    /// Its file and line.
    pub at: Location,
}

/// What could be loaded, and everything that was found on the way.
#[derive(Clone, Debug)]
pub struct Loaded<T> {
    /// `None` if an error keeps it from being used.
    pub value: Option<T>,
    /// In the order of finding.
    pub findings: Vec<Diagnostic>,
}

/// Whether host names in logs are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UseDns {
    /// They are.
    Yes,
    /// They are, with a warning.
    Warn,
    /// They are ignored.
    No,
    /// They are identifiers like any other.
    Raw,
}

impl UseDns {
    /// Reads `yes`, `warn`, `no`, `raw`, or a boolean.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_lowercase().as_str() {
            "yes" | "true" | "on" | "1" => Some(Self::Yes),
            "warn" => Some(Self::Warn),
            "no" | "false" | "off" | "0" => Some(Self::No),
            "raw" => Some(Self::Raw),
            _ => None,
        }
    }

    /// The word in a configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Warn => "warn",
            Self::No => "no",
            Self::Raw => "raw",
        }
    }
}

/// There is no configuration to read.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No such folder.
    #[error("configuration folder '{}' does not exist; name another with -c/--config", shown(dir))]
    Missing {
        /// The folder.
        dir: PathBuf,
    },
    /// It is something else.
    #[error(
        "'{}' is not a folder; name the folder that has jail.conf with -c/--config",
        shown(dir)
    )]
    NotADir {
        /// The path.
        dir: PathBuf,
    },
    /// It can't be listed.
    #[error(
        "can't read configuration folder '{}': {source}; check its permissions or name another with -c/--config",
        shown(dir)
    )]
    Unreadable {
        /// The folder.
        dir: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

fn shown(path: &Path) -> String {
    text::printable(&path.to_string_lossy()).into_owned()
}

/// A configuration folder. Each file is read once.
#[derive(Debug)]
pub struct Config {
    dir: PathBuf,
    files: Files,
    merged: RefCell<HashMap<String, Rc<Merged>>>,
}

impl Config {
    /// Opens a folder such as /etc/fail2ban; nothing in it is read yet.
    pub fn open(dir: &Path) -> Result<Self, ConfigError> {
        let owned = dir.to_owned();
        match fs::metadata(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(ConfigError::Missing { dir: owned });
            }
            Err(source) => return Err(ConfigError::Unreadable { dir: owned, source }),
            Ok(found) if !found.is_dir() => return Err(ConfigError::NotADir { dir: owned }),
            Ok(_) => {}
        }
        fs::read_dir(dir)
            .map_err(|source| ConfigError::Unreadable { dir: owned.clone(), source })?;
        Ok(Self { dir: owned, files: Files::default(), merged: RefCell::default() })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The jails of all files, enabled or not, in the order in which they first appear.
    pub fn jail_names(&self) -> Loaded<Vec<String>> {
        let (merged, findings) = self.jail_files();
        Loaded { value: Some(names_of_jails(&merged)), findings }
    }

    /// One jail, enabled or not.
    pub fn jail(&self, name: &str) -> Loaded<JailDef> {
        match self.draft(name) {
            Ok(draft) => {
                Loaded { value: draft.is_usable.then_some(draft.jail), findings: draft.findings }
            }
            Err(findings) => Loaded { value: None, findings },
        }
    }

    /// One jail, even if it can't be used.
    ///
    /// # Errors
    /// The findings, if the files of the jails can't be read or have no jail of that name.
    pub fn draft(&self, name: &str) -> Result<Draft, Vec<Diagnostic>> {
        let (merged, mut findings) = self.jail_files();
        let names = names_of_jails(&merged);
        if !names.iter().any(|known| known == name) {
            findings.push(self.unknown_jail(name, &names));
            return Err(findings);
        }
        // What is wrong in the section of another jail is that one's affair.
        findings.retain(|found| found.subject.as_deref().is_none_or(|subject| subject == name));
        let is_broken = findings.iter().any(|found| spoils(found, name));
        let mut draft = jail::load(self, &merged, name);
        findings.append(&mut draft.findings);
        Ok(Draft { findings, is_usable: draft.is_usable && !is_broken, ..draft })
    }

    /// Names in `[DEFAULT]` that look like a misspelt option.
    pub fn slips(&self) -> Vec<Diagnostic> {
        let merged = self.merged("jail");
        let defaults = merged.defaults.iter();
        let options = defaults.filter_map(|(name, stack)| Some((name.as_str(), &stack.last()?.at)));
        jail::slips(&merged, options)
    }

    /// What the administrator's own files set in vain for these jails.
    pub fn shadowed(&self, jails: &[&str]) -> Vec<Diagnostic> {
        let mut own = candidates(&self.dir, "jail");
        own.retain(|file| *file != self.dir.join("jail.conf"));
        shadow::findings(&self.merged("jail"), &own, jails)
    }

    /// All enabled jails that load.
    pub fn jails(&self) -> Loaded<Vec<JailDef>> {
        let (merged, mut findings) = self.jail_files();
        let of_files = findings.clone();
        findings.extend(self.slips());
        let mut jails = Vec::new();
        for name in names_of_jails(&merged) {
            match jail::is_enabled(&merged, &name) {
                Ok(Some(true)) => {
                    let loaded = jail::load(self, &merged, &name);
                    findings.extend(loaded.findings);
                    let is_usable = loaded.is_usable && !of_files.iter().any(|f| spoils(f, &name));
                    jails.extend(is_usable.then_some(loaded.jail));
                }
                Ok(_) => {}
                Err(error) => findings.push(error.diagnostic().with_subject(name)),
            }
        }
        Loaded { value: Some(jails), findings }
    }

    /// Whether there is a filter of that name.
    pub fn has_filter(&self, name: &str) -> bool {
        !name.is_empty() && !candidates(&self.dir, &in_folder("filter.d", name)).is_empty()
    }

    /// All filters, sorted.
    pub fn filter_names(&self) -> Vec<String> {
        self.names("filter.d", &["conf", "local"])
    }

    /// A filter of filter.d with options.
    pub fn filter(&self, spec: &Spec) -> Loaded<FilterDef> {
        let at = Place { file: Path::new("command line").into(), line: 0 };
        match self.definition(spec, &at, LogType::File, &Overrides::new()) {
            Ok((definition, findings)) => finish(&definition, self.filter_def(spec), findings),
            Err(mut findings) => {
                // Nobody wrote it in a file.
                for found in findings.iter_mut().filter(|found| found.id == "unknown-filter") {
                    found.at = None;
                }
                Loaded { value: None, findings }
            }
        }
    }

    /// A filter in a file anywhere, with what the file includes.
    pub fn filter_file(path: &Path, options: &[(String, String)]) -> Loaded<FilterDef> {
        let name = path.to_string_lossy().into_owned();
        if !path.is_file() {
            let message = format!("there is no filter file '{}'", text::shown(&name));
            let found = Diagnostic::new("unknown-filter", Severity::Error, message);
            return Loaded { value: None, findings: vec![found.with_subject(name)] };
        }
        let merged = Rc::new(Files::default().merge(&[path.to_owned()], Siblings::No));
        let at = Place { file: Path::new("command line").into(), line: 0 };
        let def = FilterDef {
            name: name.clone(),
            file: Some(path.to_owned()),
            options: options.to_vec(),
            ..FilterDef::default()
        };
        match definition(&merged, &name, options, &at, LogType::File, &Overrides::new()) {
            Ok((definition, findings)) => finish(&definition, def, findings),
            Err(findings) => Loaded { value: None, findings },
        }
    }

    /// The merged files of a name; nothing in it if there are none.
    fn merged(&self, name: &str) -> Rc<Merged> {
        if let Some(known) = self.merged.borrow().get(name) {
            return Rc::clone(known);
        }
        let list = candidates(&self.dir, name);
        let mut merged = self.files.merge(&list, Siblings::Too);
        if name == "jail" {
            self.add_built_in(&mut merged);
        }
        let merged = Rc::new(merged);
        self.merged.borrow_mut().insert(name.to_owned(), Rc::clone(&merged));
        merged
    }

    /// The two options that every jail has without a file.
    fn add_built_in(&self, merged: &mut Merged) {
        let at = Place { file: self.dir.as_path().into(), line: 0 };
        let dir = self.dir.to_string_lossy().trim_end_matches('/').replace('%', "%%");
        let version = env!("CARGO_PKG_VERSION").to_owned();
        for (name, value) in [("fail2ban_version", version), ("fail2ban_confpath", dir)] {
            let value = Rc::new(Traced::new(value, at.clone()));
            merged.defaults.insert(name.to_owned(), vec![value]);
        }
    }

    /// The files of the jails and what is wrong with them, in a section (the subject) or for all jails.
    fn jail_files(&self) -> (Rc<Merged>, Vec<Diagnostic>) {
        let merged = self.merged("jail");
        let mut findings = merged.findings.clone();
        if candidates(&self.dir, "jail").is_empty() {
            let found = Diagnostic::new("no-jails", Severity::Error, "there is no jail.conf")
                .with_location(Location::new(self.dir.join("jail.conf"), 0))
                .with_help("name the folder that has one with -c/--config");
            findings.push(found);
        }
        (merged, findings)
    }

    fn unknown_jail(&self, name: &str, names: &[String]) -> Diagnostic {
        let message = format!("there is no jail '{}' in '{}'", text::shown(name), shown(&self.dir));
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{}'?", text::printable(near)),
            None => "its section must be in jail.conf, jail.local or jail.d".to_owned(),
        };
        Diagnostic::new("unknown-jail", Severity::Error, message).with_subject(name).with_help(help)
    }

    /// A filter's definition, not yet read, for a jail with such logs and options.
    fn definition(
        &self,
        spec: &Spec,
        at: &Place,
        logtype: LogType,
        jail: &Overrides,
    ) -> Result<(Definition, Vec<Diagnostic>), Vec<Diagnostic>> {
        if !self.has_filter(&spec.name) {
            let names = self.filter_names();
            let stem = spec.name.strip_suffix(".conf").unwrap_or(&spec.name);
            let help = match nearest(stem, names.iter().map(String::as_str)) {
                Some(near) => format!("did you mean '{}'?", text::printable(near)),
                None => format!("put its file into {}", shown(&self.dir.join("filter.d"))),
            };
            let message = format!("unknown filter '{}'", text::shown(&spec.name));
            let found = Diagnostic::new("unknown-filter", Severity::Error, message);
            return Err(vec![
                found.with_location(at.location()).with_text(&spec.name).with_help(help),
            ]);
        }
        let merged = self.merged(&in_folder("filter.d", &spec.name));
        definition(&merged, &spec.name, &spec.options, at, logtype, jail)
    }

    /// A filter that has nothing but its name.
    fn filter_def(&self, spec: &Spec) -> FilterDef {
        FilterDef {
            name: spec.name.clone(),
            file: candidates(&self.dir, &in_folder("filter.d", &spec.name)).into_iter().next(),
            options: spec.options.clone(),
            ..FilterDef::default()
        }
    }

    /// The names in a folder of filters or actions, sorted.
    fn names(&self, folder: &str, extensions: &[&str]) -> Vec<String> {
        let files = extensions.iter().flat_map(|end| dropped_in(&self.dir.join(folder), end));
        let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        files.filter_map(stem).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// `folder/name`, or the name alone if it is an absolute path.
fn in_folder(folder: &str, name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The finding about an option that nobody reads and that looks like `near`, which somebody does.
fn unknown_option(name: &str, near: &str, at: Location) -> Diagnostic {
    let message = format!("unknown option '{}'", text::shown(name));
    Diagnostic::new("unknown-option", Severity::Warning, message)
        .with_location(at)
        .with_text(name)
        .with_help(format!("did you mean '{}'?", text::printable(near)))
}

/// Whether a finding about the files of the jails keeps this one from being used.
fn spoils(found: &Diagnostic, jail: &str) -> bool {
    found.severity == Severity::Error
        && found.subject.as_deref().is_none_or(|subject| subject == jail)
}

fn names_of_jails(merged: &Merged) -> Vec<String> {
    let names = merged.sections.iter().map(|(name, ..)| name);
    names.filter(|name| *name != INCLUDES).cloned().collect()
}

/// The definition in merged files, with the parameter that says where logs come from.
fn definition(
    merged: &Rc<Merged>,
    name: &str,
    params: &[(String, String)],
    at: &Place,
    logtype: LogType,
    jail: &Overrides,
) -> Result<(Definition, Vec<Diagnostic>), Vec<Diagnostic>> {
    let findings: Vec<Diagnostic> =
        merged.findings.iter().map(|found| found.clone().with_subject(name)).collect();
    if merged.is_broken() {
        return Err(findings);
    }
    let mut definition = Definition::new(Rc::clone(merged), params, at, jail)
        .map_err(|error| vec![error.diagnostic().with_subject(name)])?
        .of_filter();
    if !definition.defines("logtype") {
        definition.set_param("logtype", Traced::new(logtype.name(), at.clone()));
    }
    Ok((definition, findings))
}

/// A filter on its own, which must have something to look for.
fn finish(
    definition: &Definition,
    def: FilterDef,
    mut findings: Vec<Diagnostic>,
) -> Loaded<FilterDef> {
    let loaded = filter::read(definition, def, &|_| false);
    findings.extend(loaded.findings);
    let lack = loaded.value.as_ref().and_then(FilterDef::lack);
    let value = loaded.value.filter(|_| lack.is_none());
    findings.extend(lack);
    Loaded { value, findings }
}

#[cfg(test)]
mod tests;
