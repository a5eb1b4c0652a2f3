//! A filter or jail as both programs say it, in one shape.

use std::collections::BTreeMap;

use f2b::config::{FilterDef, JailDef, Text};
use serde_json::Value;

fn values(lines: &[Text]) -> Vec<String> {
    lines.iter().map(|line| line.value.clone()).collect()
}

/// A filter as option → lines, without options that are empty.
pub(crate) fn shape(def: &FilterDef) -> BTreeMap<String, Vec<String>> {
    let all = [
        (
            "prefregex",
            def.prefregex.iter().flat_map(|text| text.value.lines()).map(str::to_owned).collect(),
        ),
        ("failregex", values(&def.failregex)),
        ("ignoreregex", values(&def.ignoreregex)),
        ("datepattern", values(&def.datepattern)),
        ("journalmatch", def.journalmatch.iter().map(|line| line.text.value.clone()).collect()),
        ("maxlines", def.maxlines.iter().map(u32::to_string).collect()),
        ("usedns", def.usedns.iter().map(|usedns| usedns.name().to_owned()).collect()),
    ];
    let mut shape = BTreeMap::new();
    for (name, mut lines) in all {
        lines.retain(|line: &String| !line.is_empty());
        if !lines.is_empty() {
            shape.insert(name.to_owned(), lines);
        }
    }
    shape
}

/// The same of what fail2ban said.
pub(crate) fn their_shape(dump: &Value) -> BTreeMap<String, Vec<String>> {
    let mut shape = BTreeMap::new();
    for (name, values) in dump.as_object().unwrap() {
        let values = values.as_array().unwrap().iter().map(|value| value.as_str().unwrap());
        let lines = values.flat_map(|value| value.split('\n')).filter(|line| !line.is_empty());
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        let known = ["prefregex", "failregex", "ignoreregex", "datepattern", "journalmatch"];
        if !lines.is_empty() && (known.contains(&name.as_str()) || name == "maxlines") {
            shape.insert(name.clone(), lines);
        }
    }
    shape
}

pub(crate) fn setting<'j>(jail: &'j JailDef, name: &str) -> Option<&'j str> {
    let found = jail.settings.iter().find(|setting| setting.name == name)?;
    Some(found.text.value.as_str())
}

/// The filter of a jail as it is sent to the server.
pub(crate) fn their_filter(dump: &Value) -> BTreeMap<String, Vec<String>> {
    their_shape(&dump["stream"])
}

/// What is written, in Python's words where its answer is no text.
pub(crate) fn as_python<'t>(ours: &'t str, theirs: &str) -> &'t str {
    match (theirs, ours) {
        ("True", "1" | "on" | "true" | "yes") => "True",
        ("False", "0" | "off" | "false" | "no") => "False",
        ("None", "") => "None",
        (_, ours) => ours,
    }
}

/// What an action runs.
const COMMANDS: [&str; 8] = [
    "actionstart",
    "actionstop",
    "actioncheck",
    "actionban",
    "actionunban",
    "actionflush",
    "actionreload",
    "actionrepair",
];

/// What differs between the actions of a jail.
pub(crate) fn compare_actions(jail: &JailDef, theirs: &Value) -> Result<(), String> {
    let theirs = theirs.as_object().unwrap();
    let mut names: Vec<&str> = jail.actions.iter().map(|action| action.name.as_str()).collect();
    names.sort_unstable();
    let their_names: Vec<&str> = theirs.keys().map(String::as_str).collect();
    if names != their_names {
        return Err(format!("actions of {}: {names:?}, to fail2ban {their_names:?}", jail.name));
    }
    for action in &jail.actions {
        for (property, value) in theirs[&action.name].as_object().unwrap() {
            let value = value.as_str().unwrap();
            // fail2ban resolves a parameter's tags only where it is used, and so keeps them here.
            if COMMANDS.contains(&property.as_str()) || !value.contains('<') {
                let ours = action.properties.get(property).map_or("", |text| &text.value);
                let ours = as_python(ours, value);
                // A parameter counts for both families, as in 1.1.
                let base = property.split_once('?').and_then(|(n, _)| action.properties.get(n));
                let is_overruled = base.is_some_and(|base| base.value == ours);
                if ours != value && !is_overruled {
                    let place = format!("{property} of {} in {}", action.name, jail.name);
                    return Err(format!("{place}: {ours:?}, to fail2ban {value:?}"));
                }
            }
        }
    }
    Ok(())
}
