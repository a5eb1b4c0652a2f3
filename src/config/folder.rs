//! A folder of fail2ban's files: what is in it, merged, each file read once.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::backend::LogType;
use super::definition::Definition;
use super::filter::FilterDef;
use super::interpolate::Given;
use super::merge::{Files, Siblings, candidates, dropped_in};
use super::merged::Merged;
use super::spec::Spec;
use super::traced::{Line, Traced};
use crate::diag::{Diagnostic, Severity, nearest};
use crate::text;

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

pub(super) fn shown(path: &Path) -> String {
    text::printable(&path.to_string_lossy()).into_owned()
}

/// The folder.
#[derive(Debug)]
pub(super) struct Folder {
    dir: PathBuf,
    files: Files,
    merged: RefCell<HashMap<String, Rc<Merged>>>,
}

impl Folder {
    /// Opens a folder such as /etc/fail2ban; nothing in it is read yet.
    pub(super) fn open(dir: &Path) -> Result<Self, ConfigError> {
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

    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// The existing files of a name such as `jail` or `filter.d/sshd`, in the order of merging.
    pub(super) fn candidates(&self, name: &str) -> Vec<PathBuf> {
        candidates(&self.dir, name)
    }

    /// The merged files of a name; nothing in it if there are none.
    pub(super) fn merged(&self, name: &str) -> Rc<Merged> {
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
        let at = Line { file: self.dir.as_path().into(), line: 0 };
        let dir = self.dir.to_string_lossy().trim_end_matches('/').replace('%', "%%");
        let version = env!("CARGO_PKG_VERSION").to_owned();
        for (name, value) in [("fail2ban_version", version), ("fail2ban_confpath", dir)] {
            let value = Rc::new(Traced::new(value, at.clone()));
            merged.defaults.insert(name.to_owned(), vec![value]);
        }
    }

    /// Whether there is a filter of that name.
    pub(super) fn has_filter(&self, name: &str) -> bool {
        !name.is_empty() && !self.candidates(&in_folder("filter.d", name)).is_empty()
    }

    /// All filters, sorted.
    pub(super) fn filter_names(&self) -> Vec<String> {
        self.names("filter.d", &["conf", "local"])
    }

    /// A filter's definition, not yet read, for a jail with such logs and options.
    pub(super) fn definition(
        &self,
        spec: &Spec,
        at: &Line,
        logtype: LogType,
        jail: &Given,
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
    pub(super) fn filter_def(&self, spec: &Spec) -> FilterDef {
        FilterDef {
            name: spec.name.clone(),
            file: candidates(&self.dir, &in_folder("filter.d", &spec.name)).into_iter().next(),
            options: spec.options.clone(),
            ..FilterDef::default()
        }
    }

    /// The names in a folder of filters or actions, sorted.
    pub(super) fn names(&self, folder: &str, extensions: &[&str]) -> Vec<String> {
        let files = extensions.iter().flat_map(|end| dropped_in(&self.dir.join(folder), end));
        let stem = |path: PathBuf| Some(path.file_stem()?.to_str()?.to_owned());
        files.filter_map(stem).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// `folder/name`, or the name alone if it is an absolute path.
pub(super) fn in_folder(folder: &str, name: &str) -> String {
    if name.starts_with('/') { name.to_owned() } else { format!("{folder}/{name}") }
}

/// The definition in merged files, with the parameter that says where logs come from.
pub(super) fn definition(
    merged: &Rc<Merged>,
    name: &str,
    params: &[(String, String)],
    at: &Line,
    logtype: LogType,
    jail: &Given,
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
