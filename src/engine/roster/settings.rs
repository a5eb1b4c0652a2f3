//! What a jail is set to, as fail2ban 1.0.2 shows it.

use std::collections::BTreeMap;

use super::change::followed;
use crate::config::{ActionDef, Backend, JailDef};
use crate::date::{TemplateId, Templates, YearWindow};
use crate::decide::spelled;
use crate::engine::tuning::{
    ActionSettings, CacheSettings, DateSettings, IncrementValue, JailSettings, JailState,
};
use crate::filter::expanded;
use crate::model::JournalTerm;
use crate::model::duration::parse_micros;

/// The command that an action of fail2ban has only if it is set.
const ONLY_IF_SET: &str = "actionprolong";
/// How long a command may run if nothing else is said.
const TIMEOUT_US: i64 = 60_000_000;

/// What a jail is set to.
pub(super) fn of(def: &JailDef, state: JailState) -> JailSettings {
    let regex = |text: &crate::config::Text| expanded(&text.value, def.usedns);
    let written = |option: &str| def.written(option).map(str::to_owned);
    let terms = |group: &Vec<JournalTerm>| group.iter().map(JournalTerm::to_string).collect();
    let groups = def.filter.journalmatch.iter().flat_map(|wanted| &wanted.groups);
    let files = followed(def).into_iter().map(|file| file.to_string_lossy().into_owned());
    JailSettings {
        name: def.name.clone(),
        state,
        ignoreself: def.ignoreself,
        ignoreip: spelled(def.ignoreip.iter().map(|text| &*text.value)),
        ignorecommand: written("ignorecommand"),
        ignorecache: def.ignorecache.as_ref().map(|cache| CacheSettings {
            key: cache.key.value.clone(),
            max_count: u64::try_from(cache.max_count).unwrap_or(u64::MAX),
            max_time_us: cache.max_time_us,
        }),
        backend: written("backend").unwrap_or_else(|| "auto".to_owned()),
        reads_journal: def.backend.reads_journal(),
        logpaths: files.collect(),
        logencoding: match written("logencoding") {
            Some(name) if !name.is_empty() && name != "auto" => name,
            _ => def.logencoding.name().to_owned(),
        },
        journalmatch: match def.backend {
            Backend::Journal(_) => groups.map(terms).collect(),
            _ => Vec::new(),
        },
        prefregex: def.filter.prefregex.as_ref().map(regex).unwrap_or_default(),
        failregex: def.filter.failregex.iter().map(regex).collect(),
        ignoreregex: def.filter.ignoreregex.iter().map(regex).collect(),
        usedns: def.usedns.name().to_owned(),
        findtime_us: def.findtime_us,
        bantime: def.bantime,
        datepattern: date(def),
        logtimezone: written("logtimezone"),
        maxretry: def.maxretry,
        maxmatches: def.maxmatches,
        maxlines: def.maxlines,
        increment: increment(def),
        actions: def.actions.iter().map(action).collect(),
    }
}

/// fail2ban shows the first of one or two templates; the built-in ones have one name together.
fn date(def: &JailDef) -> DateSettings {
    let patterns: Vec<&str> = def.filter.datepattern.iter().map(|text| &*text.value).collect();
    let templates = Templates::from_patterns(&patterns, YearWindow::archive()).ok();
    match templates.filter(|templates| templates.len() <= 2 && !patterns.is_empty()) {
        Some(templates) => {
            let first = TemplateId(0);
            let name = templates.name(first).to_owned();
            let is_word = name.ends_with("Epoch") || name.ends_with("TAI64N");
            let pattern = Some(templates.pattern(first).to_owned()).filter(|_| !is_word);
            DateSettings { pattern, name }
        }
        None => DateSettings { pattern: None, name: "Default Detectors".to_owned() },
    }
}

fn increment(def: &JailDef) -> BTreeMap<String, IncrementValue> {
    let set = def.settings.iter().filter(|setting| !setting.text.value.is_empty());
    let value = |option: &str, text: &str| match option {
        "increment" => IncrementValue::Truth(super::read::truth(text)),
        "maxtime" | "rndtime" => match parse_micros(text) {
            Ok(micros) => IncrementValue::Micros(micros),
            Err(_) => IncrementValue::Text(text.to_owned()),
        },
        _ => IncrementValue::Text(text.to_owned()),
    };
    set.filter_map(|setting| {
        let option = setting.name.strip_prefix("bantime.")?;
        Some((option.to_owned(), value(option, &setting.text.value)))
    })
    .collect()
}

fn action(def: &ActionDef) -> ActionSettings {
    let shown = def.properties.iter().filter(|(name, _)| def.is_its_own(name));
    let set = shown.map(|(name, text)| {
        let is_switch = ActionDef::SWITCHES.contains(&name.as_str());
        let value = if is_switch { def.is_on(name).to_string() } else { text.value.clone() };
        (name.clone(), value)
    });
    let is_always_there = |name: &&str| *name != ONLY_IF_SET && !ActionDef::SWITCHES.contains(name);
    let commands = ActionDef::COMMANDS.into_iter().filter(is_always_there);
    let mut properties: BTreeMap<String, String> =
        commands.map(|name| (name.to_owned(), String::new())).collect();
    properties.extend(set);
    let timeout = properties.get("timeout").and_then(|text| parse_micros(text).ok());
    let timeout_us = timeout.unwrap_or(TIMEOUT_US);
    ActionSettings { name: def.name.clone(), properties, timeout_us }
}
