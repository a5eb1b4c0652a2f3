//! fail2ban's configuration: jails, filters and actions out of a folder such as /etc/fail2ban.
//!
//! ```text
//! ini ──▶ merge (merged) ──▶ interpolate ──▶ definition (substitute) ──▶ filter, action ──▶ jail
//! file    files              %(name)s        <name>                      name[option=value]
//! ```
//!
//! Text keeps the file and line it came from all the way. Nothing stops at the first problem: what
//! is loaded comes with its findings ([`Loaded`]), and one broken jail leaves the others alone.

mod action;
mod backend;
mod definition;
mod file;
mod filter;
mod folder;
mod indented;
mod ini;
mod interpolate;
mod jail;
mod journal;
mod loaded;
mod merge;
mod merged;
pub mod options;
mod quoted;
mod server;
mod shadow;
mod shape;
mod slips;
mod spec;
mod substitute;
mod traced;

use std::path::{Path, PathBuf};
use std::rc::Rc;

pub use action::ActionDef;
pub use backend::{Backend, JournalSource};
pub use filter::{FilterDef, UseDns};
pub use folder::ConfigError;
pub(crate) use indented::explain as explain_indented;
pub(crate) use interpolate::first_reference;
pub use jail::{Draft, IgnoreCache, Increment, JailDef, LogPath, Setting, WithoutLogs};
pub use journal::JournalMatch;
pub use loaded::Loaded;
pub use server::layout;
pub use server::{Facility, Layout, Level, LevelError, LogTarget, LogTo, Server, TargetError};
pub use shape::Shape;
pub use spec::{Spec, SpecError};
pub use traced::Text;

use crate::diag::{Diagnostic, Location, Severity, nearest};
use crate::text;
use backend::LogType;
use definition::Definition;
use folder::{Folder, definition, shown};
use interpolate::Given;
use merge::{Files, Siblings};
use merged::{INCLUDES, Merged};
use traced::Line;

/// A configuration folder. Each file is read once.
#[derive(Debug)]
pub struct Config {
    folder: Folder,
}

impl Config {
    /// Opens a folder such as /etc/fail2ban; nothing in it is read yet.
    pub fn open(dir: &Path) -> Result<Self, ConfigError> {
        Ok(Self { folder: Folder::open(dir)? })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.folder.dir()
    }

    /// The jails of all files, enabled or not, in the order in which they first appear.
    pub fn jail_names(&self) -> Loaded<Vec<String>> {
        let (merged, findings) = self.jail_files();
        Loaded { value: Some(names_of_jails(&merged)), findings }
    }

    /// Those of them that are enabled, or whose section alone doesn't say it. Nothing that a section names is read for
    /// that.
    pub fn enabled_names(&self) -> Loaded<Vec<String>> {
        let (merged, findings) = self.jail_files();
        let mut names = names_of_jails(&merged);
        names.retain(|name| !matches!(jail::is_enabled(&merged, name), Ok(Some(false))));
        Loaded { value: Some(names), findings }
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
        self.draft_by(jail::load, name)
    }

    /// The same for who wants to know what becomes of bans, and not how they come about: the filter, of which most of the
    /// work is, is not read and stays empty, and so do the settings.
    ///
    /// # Errors
    /// As [`draft`](Self::draft).
    pub fn draft_without_filter(&self, name: &str) -> Result<Draft, Vec<Diagnostic>> {
        self.draft_by(jail::load_without_filter, name)
    }

    fn draft_by(
        &self,
        load: impl Fn(&Folder, &Rc<Merged>, &str) -> Draft,
        name: &str,
    ) -> Result<Draft, Vec<Diagnostic>> {
        let (merged, mut findings) = self.jail_files();
        let names = names_of_jails(&merged);
        if !names.iter().any(|known| known == name) {
            findings.push(self.unknown_jail(name, &names));
            return Err(findings);
        }
        // What is wrong in the section of another jail is that one's affair.
        findings.retain(|found| found.subject.as_deref().is_none_or(|subject| subject == name));
        let is_broken = findings.iter().any(|found| spoils(found, name));
        let mut draft = load(&self.folder, &merged, name);
        findings.append(&mut draft.findings);
        Ok(Draft { findings, is_usable: draft.is_usable && !is_broken, ..draft })
    }

    /// What is misspelt or indented in `[DEFAULT]`, and sections that are meant to be it.
    pub fn slips(&self) -> Vec<Diagnostic> {
        slips::of_all(&self.folder.merged("jail"))
    }

    /// What fail2ban.conf and its companions say; nothing that is wrong with them keeps a jail from being used.
    pub fn server(&self) -> Loaded<Server> {
        server::load(&self.folder)
    }

    /// Whether there is a fail2ban.conf or a companion of it, such as fail2ban.local.
    pub fn has_server(&self) -> bool {
        server::is_there(&self.folder)
    }

    /// What is written of the server, option by option, for showing.
    pub fn server_settings(&self) -> Vec<(&'static str, String)> {
        server::settings(&self.folder)
    }

    /// What a jail that is not enabled seems to be so for: options that are misspelt or indented, a name that is.
    pub fn slips_of(&self, draft: &Draft) -> Vec<Diagnostic> {
        let merged = self.folder.merged("jail");
        let is_slip = |found: &&Diagnostic| {
            let at = found.at.as_ref();
            matches!(found.id, "unknown-option" | "indented-option")
                && at.is_some_and(|at| merged.files.contains(&at.file))
        };
        // Whatever else comes of them, comes of nothing.
        let harmless =
            |found: &Diagnostic| Diagnostic { severity: Severity::Warning, ..found.clone() };
        let mut findings: Vec<_> = draft.findings.iter().filter(is_slip).map(harmless).collect();
        findings.extend(slips::of_section(&self.folder, &merged, &draft.jail.name));
        findings
    }

    /// What the administrator's own files set in vain for these jails.
    pub fn shadowed(&self, jails: &[&str]) -> Vec<Diagnostic> {
        shadow::findings(&self.folder.merged("jail"), &self.own_files(), jails)
    }

    /// The files of the jails that are the administrator's: all but jail.conf.
    pub fn own_files(&self) -> Vec<PathBuf> {
        let mut own = self.folder.candidates("jail");
        own.retain(|file| *file != self.dir().join("jail.conf"));
        own
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
                    let loaded = jail::load(&self.folder, &merged, &name);
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
        self.folder.has_filter(name)
    }

    /// All filters, sorted.
    pub fn filter_names(&self) -> Vec<String> {
        self.folder.filter_names()
    }

    /// A filter of filter.d with options.
    pub fn filter(&self, spec: &Spec) -> Loaded<FilterDef> {
        let at = Line { file: Path::new("command line").into(), line: 0 };
        match self.folder.definition(spec, &at, LogType::File, &Given::new()) {
            Ok((definition, findings)) => {
                finish(&definition, self.folder.filter_def(spec), findings)
            }
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
        let at = Line { file: Path::new("command line").into(), line: 0 };
        let def = FilterDef {
            name: name.clone(),
            file: Some(path.to_owned()),
            options: options.to_vec(),
            ..FilterDef::default()
        };
        match definition(&merged, &name, options, &at, LogType::File, &Given::new()) {
            Ok((definition, findings)) => finish(&definition, def, findings),
            Err(findings) => Loaded { value: None, findings },
        }
    }

    /// The files of the jails and what is wrong with them, in a section (the subject) or for all jails.
    fn jail_files(&self) -> (Rc<Merged>, Vec<Diagnostic>) {
        let merged = self.folder.merged("jail");
        let mut findings = merged.findings.clone();
        if self.folder.candidates("jail").is_empty() {
            let found = Diagnostic::new("no-jails", Severity::Error, "there is no jail.conf")
                .with_location(Location::new(self.dir().join("jail.conf"), 0))
                .with_help("name the folder that has one with -c/--config");
            findings.push(found);
        }
        (merged, findings)
    }

    fn unknown_jail(&self, name: &str, names: &[String]) -> Diagnostic {
        let message =
            format!("there is no jail '{}' in '{}'", text::shown(name), shown(self.dir()));
        let help = match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => format!("did you mean '{}'?", text::printable(near)),
            None => "its section must be in jail.conf, jail.local or jail.d".to_owned(),
        };
        Diagnostic::new("unknown-jail", Severity::Error, message).with_subject(name).with_help(help)
    }
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
