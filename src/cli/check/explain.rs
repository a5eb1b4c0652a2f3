//! `f2b check --explain JAIL`: every option of a jail, where it comes from, and what became of it.

use std::io::Write;

use serde_json::{Value, json};

use super::super::Error;
use crate::config::{ActionDef, JailDef, Text};
use crate::diag::Location;
use crate::text::printable;

/// Every option that is set, where, and whom it overrides; then what became of it.
pub(super) fn text(jail: &JailDef, out: &mut dyn Write) -> Result<(), Error> {
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
    let journalmatch: Vec<Text> =
        filter.journalmatch.iter().map(|line| line.text.clone()).collect();
    let lists = [
        ("failregex", &filter.failregex),
        ("ignoreregex", &filter.ignoreregex),
        ("datepattern", &filter.datepattern),
        ("journalmatch", &journalmatch),
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
    // What is done at a ban first, then what it is made of, but for the pieces that are named `_…` by custom.
    let shown = action.properties.iter().filter(|(name, _)| !name.starts_with('_'));
    let (commands, others): (Vec<_>, Vec<_>) = shown.partition(|(name, _)| is_command(name));
    for (name, text) in commands.into_iter().filter(|(_, text)| !text.value.is_empty()) {
        value(name, text, out)?;
    }
    for (name, text) in others {
        value(name, text, out)?;
    }
    Ok(())
}

fn is_command(name: &str) -> bool {
    name.starts_with("action") && name != "actname"
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

/// The same as a document.
pub(super) fn document(jail: &JailDef) -> Value {
    let settings = jail.settings.iter().map(|setting| {
        let mut value = placed(&setting.text);
        value["name"] = json!(setting.name);
        value["overrides"] = setting.overridden.iter().map(place).collect();
        value
    });
    let list = |texts: &[Text]| texts.iter().map(placed).collect::<Value>();
    let filter = &jail.filter;
    let actions = jail.actions.iter().map(|action| {
        let properties = action.properties.iter();
        let properties: serde_json::Map<_, _> =
            properties.map(|(name, text)| (name.clone(), placed(text))).collect();
        json!({ "name": action.name, "file": action.file.display().to_string(), "properties": properties })
    });
    json!({
        "jail": jail.name,
        "settings": settings.collect::<Value>(),
        "filter": {
            "name": filter.name,
            "prefregex": filter.prefregex.as_ref().map(placed),
            "failregex": list(&filter.failregex),
            "ignoreregex": list(&filter.ignoreregex),
            "datepattern": list(&filter.datepattern),
            "journalmatch": filter.journalmatch.iter().map(|line| placed(&line.text)).collect::<Value>(),
            "maxlines": filter.maxlines,
        },
        "actions": actions.collect::<Value>(),
    })
}

fn placed(text: &Text) -> Value {
    let mut value = place(&text.at);
    value["value"] = json!(text.value);
    value
}

fn place(at: &Location) -> Value {
    json!({ "file": at.file.display().to_string(), "line": (at.line > 0).then_some(at.line) })
}
