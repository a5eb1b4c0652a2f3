//! Actions: what a jail's `action` names, each with its properties from action.d.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::definition::Definition;
use super::folder::{Folder, in_folder};
use super::interpolate::Given;
use super::options::truth;
use super::shape::{self, Shape};
use super::spec::{self, Spec};
use super::traced::{Line, Text};
use crate::diag::{Diagnostic, Severity, nearest};
use crate::text;

/// An action of a jail.
#[derive(Clone, Debug)]
pub struct ActionDef {
    /// What it is called within its jail: the file's name, with the parameter `name` if that differs
    /// from the jail's.
    pub name: String,
    /// Its main file.
    pub file: PathBuf,
    /// Its commands and everything else that is set for it; tags of a ban such as `<ip>` left in.
    pub properties: BTreeMap<String, Text>,
    /// Those of them that its brackets or `[Init]` set.
    pub parameters: BTreeSet<String>,
    /// What its commands do, whatever the parameters; `None` if one of them can't be resolved.
    pub shape: Option<Shape>,
}

impl ActionDef {
    /// What an action may run, and its switches, in the order in which fail2ban's client sends them.
    pub const COMMANDS: [&str; 13] = [
        "actionstart",
        "actionstart_on_demand",
        "actionstop",
        "actionflush",
        "actionreload",
        "actioncheck",
        "actionrepair",
        "actionrepair_on_unban",
        "actionban",
        "actionprolong",
        "actionreban",
        "actionunban",
        "norestored",
    ];
    /// Those of them that are on or off.
    pub const SWITCHES: [&str; 3] =
        ["actionstart_on_demand", "actionrepair_on_unban", "norestored"];

    /// An action that nothing configures; it has no command yet.
    pub fn bare(name: &str) -> Self {
        let (name, file) = (name.to_owned(), PathBuf::new());
        Self { name, file, properties: BTreeMap::new(), parameters: BTreeSet::new(), shape: None }
    }

    /// Whether it is a command or a parameter; the others are only quoted by these.
    pub fn is_its_own(&self, property: &str) -> bool {
        Self::COMMANDS.contains(&property) || self.parameters.contains(property)
    }

    /// Sets a command or a parameter, as its file or its brackets would. With another command it isn't what it was.
    pub fn set(&mut self, property: &str, value: &str) {
        self.properties.insert(property.to_owned(), Text::at_run_time(value));
        self.parameters.insert(property.to_owned());
        self.shape = self.shape.filter(|_| !Self::COMMANDS.contains(&property));
    }

    /// Whether it can be told of bans: one that nothing configures can't before it has a command for them.
    pub fn is_ready(&self) -> bool {
        let is_set = |name: &str| {
            self.properties.get(name).is_some_and(|text| !text.value.trim().is_empty())
        };
        !self.file.as_os_str().is_empty() || is_set("actionban") || is_set("actionstart")
    }

    /// Whether a switch such as `norestored` is on; what is neither yes nor no is no, as in fail2ban.
    pub fn is_on(&self, switch: &str) -> bool {
        self.properties.get(switch).and_then(|text| truth(&text.value)).unwrap_or(false)
    }
}

/// Tags that are known at a ban only, even if an option has such a name.
const AT_A_BAN: [&str; 5] = ["bantime", "timeout", "matches", "ipmatches", "ipjailmatches"];

/// Tags that a ban gives its action (jail.conf(5), "Action Tags").
const OF_A_BAN: [&str; 20] = [
    "ip",
    "family",
    "ip-rev",
    "ip-host",
    "fid",
    "failures",
    "time",
    "bancount",
    "bantime",
    "restored",
    "matches",
    "ipmatches",
    "ipfailures",
    "ipjailmatches",
    "ipjailfailures",
    "raw-ticket",
    "jail.banned",
    "jail.banned_total",
    "jail.found",
    "jail.found_total",
];

/// Loads the actions of a jail; those that can't be loaded are findings.
pub(super) fn load(
    folder: &Folder,
    jail: &str,
    values: &Given,
    findings: &mut Vec<Diagnostic>,
) -> Vec<ActionDef> {
    let Some(list) = values.get("action") else { return Vec::new() };
    let mut actions: Vec<ActionDef> = Vec::new();
    for (offset, entry) in spec::split(&list.value) {
        let at = list.place_of(offset);
        match one(folder, jail, entry, at, values, findings) {
            Ok(action) if actions.iter().any(|known| known.name == action.name) => {
                let message = format!("action '{}' is in the jail twice", shown(&action.name));
                findings.push(
                    Diagnostic::new("duplicate-action", Severity::Error, message)
                        .with_location(at.location())
                        .with_subject(jail)
                        .with_help("give one of them another 'actname' in its brackets"),
                );
            }
            Ok(action) => actions.push(action),
            Err(found) => findings.extend(found),
        }
    }
    actions
}

fn shown(name: &str) -> std::borrow::Cow<'_, str> {
    text::shown(name)
}

fn one(
    folder: &Folder,
    jail: &str,
    entry: &str,
    at: &Line,
    values: &Given,
    findings: &mut Vec<Diagnostic>,
) -> Result<ActionDef, Vec<Diagnostic>> {
    let spec = Spec::parse(entry).map_err(|error| {
        let found = Diagnostic::new("bad-action", Severity::Error, error.to_string());
        vec![found.with_location(at.location()).with_subject(jail)]
    })?;
    let params = with_defaults(&spec, jail);
    let files = folder.candidates(&in_folder("action.d", &spec.name));
    let Some(file) = files.first().cloned() else {
        return python(folder, jail, &spec, params, at, findings);
    };
    let merged = folder.merged(&in_folder("action.d", &spec.name));
    if merged.is_broken() {
        return Err(merged.findings.iter().map(|f| f.clone().with_subject(jail)).collect());
    }
    let failed = |found: Diagnostic| vec![found.with_subject(jail)];
    let shape = shape::of(&merged, &params, &ActionDef::COMMANDS, &AT_A_BAN, at, values);
    let definition = Definition::new(merged, &params, at, values)
        .map_err(|error| failed(error.diagnostic()))?
        .with_late(&AT_A_BAN);
    let slips = definition.slips(&ActionDef::COMMANDS, &spec.options, at);
    findings.extend(slips.into_iter().map(|found| found.with_subject(jail)));
    let mut properties = BTreeMap::new();
    for name in definition.names() {
        match definition.value(&name) {
            Ok(Some(value)) => drop(properties.insert(name, value.text())),
            Ok(None) => {}
            // What nothing refers to is never read.
            Err(_) if !ActionDef::COMMANDS.contains(&&*name) && !definition.is_given(&name) => {}
            Err(error) => return Err(failed(error.diagnostic())),
        }
    }
    overrule_variants(&mut properties, &spec);
    let commands =
        properties.iter().filter(|(name, _)| ActionDef::COMMANDS.contains(&name.as_str()));
    findings.extend(commands.flat_map(|(_, text)| definition.misspelt(text, &OF_A_BAN)));
    definition.check_known().map_err(|error| failed(error.diagnostic()))?;
    let parameters = properties.keys().filter(|name| definition.is_given(name)).cloned().collect();
    Ok(ActionDef { name: name_of(&properties), file, properties, parameters, shape })
}

/// Gives the values for a family the value of a parameter that was given for all of them, as fail2ban 1.1 does.
fn overrule_variants(properties: &mut BTreeMap<String, Text>, spec: &Spec) {
    for (name, _) in spec.options.iter().filter(|(name, _)| !name.contains('?')) {
        let Some(value) = properties.get(name).cloned() else { continue };
        let variants = properties.iter_mut().filter(|(variant, _)| {
            variant.strip_prefix(&**name).is_some_and(|rest| rest.starts_with('?'))
                && spec.option(variant).is_none()
        });
        variants.for_each(|(_, text)| *text = value.clone());
    }
}

/// What the action is called; every action has the parameter.
fn name_of(properties: &BTreeMap<String, Text>) -> String {
    properties.get("actname").map(|text| text.value.clone()).unwrap_or_default()
}

/// The parameters with `name` and `actname`.
fn with_defaults(spec: &Spec, jail: &str) -> Vec<(String, String)> {
    let mut params = spec.options.clone();
    let own = spec.name.strip_suffix(".py").unwrap_or(&spec.name);
    let actname = match spec.option("name") {
        Some(name) if name != jail => match name.strip_prefix(jail) {
            Some(rest) => format!("{own}{rest}"),
            None => format!("{own}-{name}"),
        },
        _ => own.to_owned(),
    };
    for (name, value) in [("name", jail), ("actname", &actname)] {
        if spec.option(name).is_none() {
            params.push((name.to_owned(), value.to_owned()));
        }
    }
    params
}

/// An action that is a Python program, `name.py`, if there is one.
fn python(
    folder: &Folder,
    jail: &str,
    spec: &Spec,
    params: Vec<(String, String)>,
    at: &Line,
    findings: &mut Vec<Diagnostic>,
) -> Result<ActionDef, Vec<Diagnostic>> {
    let file = folder.dir().join("action.d").join(&spec.name);
    if spec.name.strip_suffix(".py").is_none() || !file.is_file() {
        return Err(vec![unknown(folder, jail, &spec.name, at)]);
    }
    // That one is known.
    if spec.name != "smtp.py" {
        let message = format!("action '{}' is a Python program", shown(&spec.name));
        findings.push(
            Diagnostic::new("python-action", Severity::Warning, message)
                .with_location(at.location())
                .with_subject(jail)
                .with_help("f2b can't run it; use an action with a .conf file"),
        );
    }
    let text = |value| Text { value, at: at.location() };
    let properties: BTreeMap<_, _> =
        params.into_iter().map(|(name, value)| (name, text(value))).collect();
    let parameters = properties.keys().cloned().collect();
    Ok(ActionDef { name: name_of(&properties), file, properties, parameters, shape: None })
}

fn unknown(folder: &Folder, jail: &str, name: &str, at: &Line) -> Diagnostic {
    let mut names = folder.names("action.d", &["conf", "local"]);
    names.extend(folder.names("action.d", &["py"]).iter().map(|name| format!("{name}.py")));
    let stem = name.strip_suffix(".conf").unwrap_or(name);
    let python = format!("{stem}.py");
    let help = match nearest(stem, names.iter().map(String::as_str)) {
        _ if names.contains(&python) => format!("did you mean '{python}'?"),
        Some(near) => format!("did you mean '{near}'?"),
        None => "put its file into action.d, or use another one".to_owned(),
    };
    Diagnostic::new("unknown-action", Severity::Error, format!("unknown action '{}'", shown(name)))
        .with_location(at.location())
        .with_text(name)
        .with_subject(jail)
        .with_help(text::printable(&help).into_owned())
}
