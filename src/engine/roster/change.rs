//! One change of a jail's definition.

use std::path::{Path, PathBuf};

use super::Effect;
use super::read::{duration, number, quoted, truth, value};
use crate::config::{ActionDef, FilterDef, JailDef, JournalMatch, LogPath, Text, UseDns};
use crate::decide::spelled;
use crate::diag::Diagnostic;
use crate::engine::tuning::{Refusal, RefusalKind, Tuning};
use crate::model;
use crate::source;

/// Changes the definition; what that concerns. It has to be compiled.
pub(super) fn change(def: &mut JailDef, what: &Tuning) -> Result<Effect, Refusal> {
    match what {
        // That is no matter of the definition.
        Tuning::Idle(_) => return Ok(Effect::None),
        Tuning::Ignoreself(is_ignored) => def.ignoreself = *is_ignored,
        Tuning::AddIgnoreip(words) => {
            def.ignoreip.extend(words.iter().map(|word| Text::at_run_time(word)));
        }
        Tuning::DelIgnoreip(word) => del_ignoreip(def, word)?,
        Tuning::Ignorecommand(command) => set(def, "ignorecommand", command)?,
        Tuning::Ignorecache(cache) => ignorecache(def, cache)?,
        Tuning::AddLogpath { path, tail } => return add_logpath(def, path, *tail),
        Tuning::DelLogpath(path) => return Ok(del_logpath(def, path)),
        Tuning::Logencoding(name) => {
            if model::encoding(name).is_none() {
                let text = format!("unknown encoding: {name}");
                return Err(Refusal::new(RefusalKind::Lookup, text));
            }
            set(def, "logencoding", name)?;
        }
        Tuning::Logtimezone(name) => {
            let refusal = || value(format!("Unknown or unsupported time zone: {}", quoted(name)));
            def.set("logtimezone", name).map_err(|_| refusal())?;
        }
        Tuning::AddJournalmatch(words) => return add_journalmatch(def, words),
        Tuning::DelJournalmatch(words) => return del_journalmatch(def, words),
        Tuning::Prefregex(_)
        | Tuning::AddFailregex(_)
        | Tuning::DelFailregex(_)
        | Tuning::AddIgnoreregex(_)
        | Tuning::DelIgnoreregex(_)
        | Tuning::Datepattern(_)
        | Tuning::Usedns(_) => filter(&mut def.filter, &mut def.usedns, what)?,
        Tuning::Findtime(text) => time(def, "findtime", text)?,
        Tuning::Bantime(text) => {
            time(def, "bantime", text)?;
            // Actions that run commands are told of it.
            return Ok(Effect::Actions);
        }
        Tuning::Maxretry(text) => set(def, "maxretry", &number(text)?.to_string())?,
        Tuning::Maxmatches(text) => {
            set(def, "maxmatches", &number(text)?.to_string())?;
            return Ok(Effect::Actions);
        }
        Tuning::Maxlines(text) => match number(text)? {
            0 => return Err(value("maxlines must be integer greater than zero")),
            lines => set(def, "maxlines", &lines.to_string())?,
        },
        Tuning::Increment { option, value } => increment(def, option, value)?,
        Tuning::AddAction(_) | Tuning::DelAction(_) | Tuning::SetAction { .. } => {
            return actions(&mut def.actions, &def.name, what);
        }
    }
    Ok(Effect::Rules)
}

fn set(def: &mut JailDef, option: &str, text: &str) -> Result<(), Refusal> {
    def.set(option, text).map_err(|wrong| refusal(&wrong))
}

fn refusal(wrong: &[Diagnostic]) -> Refusal {
    value(wrong.first().map_or_else(String::new, |found| found.message.clone()))
}

fn time(def: &mut JailDef, option: &str, text: &str) -> Result<(), Refusal> {
    duration(text)?;
    set(def, option, text)
}

fn del_ignoreip(def: &mut JailDef, word: &str) -> Result<(), Refusal> {
    let all = spelled(def.ignoreip.iter().map(|text| &*text.value));
    let gone = spelled([word]);
    if !gone.iter().all(|word| all.contains(word)) || gone.is_empty() {
        return Err(value("list.remove(x): x not in list"));
    }
    let left = all.iter().filter(|word| !gone.contains(word));
    def.ignoreip = left.map(|word| Text::at_run_time(word)).collect();
    Ok(())
}

fn ignorecache(def: &mut JailDef, text: &str) -> Result<(), Refusal> {
    def.set("ignorecache", text).map_err(|_| {
        if text.contains('=') && !text.contains("key") {
            return Refusal::new(RefusalKind::Key, "key");
        }
        value(format!("expected option, wrong syntax at 0: {text}"))
    })
}

/// A path is the file of that name: what would be a pattern in a file isn't one here.
fn add_logpath(def: &mut JailDef, path: &str, tail: bool) -> Result<Effect, Refusal> {
    if def.backend.reads_journal() {
        return Ok(Effect::None);
    }
    let file = Path::new(path);
    if file.is_dir() {
        return Err(Refusal::new(RefusalKind::IsADirectory, path));
    }
    if !file.exists() {
        return Err(Refusal::new(RefusalKind::FileNotFound, path));
    }
    if followed(def).iter().any(|known| known == file) {
        return Ok(Effect::None);
    }
    def.logpaths.push(log(path, tail));
    Ok(Effect::Rules)
}

/// Of a pattern that stands for it, all other files are followed on.
fn del_logpath(def: &mut JailDef, path: &str) -> Effect {
    let file = Path::new(path);
    let mut left = Vec::new();
    let mut has_changed = false;
    for named in std::mem::take(&mut def.logpaths) {
        let files = source::followed(named.glob.as_ref()).unwrap_or_default();
        if named.glob != path && !files.iter().any(|known| known == file) {
            left.push(named);
            continue;
        }
        has_changed = true;
        let others = files.iter().filter(|other| *other != file && named.glob != path);
        left.extend(others.map(|other| log(&other.to_string_lossy(), named.tail)));
    }
    def.logpaths = left;
    if has_changed { Effect::Rules } else { Effect::None }
}

fn log(path: &str, tail: bool) -> LogPath {
    LogPath { glob: path.to_owned(), tail, at: Text::at_run_time(path).at }
}

/// The files that a jail follows.
pub(super) fn followed(def: &JailDef) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = Vec::new();
    for named in &def.logpaths {
        for file in source::followed(named.glob.as_ref()).unwrap_or_default() {
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    files
}

fn add_journalmatch(def: &mut JailDef, words: &[String]) -> Result<Effect, Refusal> {
    if !def.backend.reads_journal() {
        return Ok(Effect::None);
    }
    let wanted = JournalMatch::of_words(words).map_err(|_| value("Invalid match"))?;
    def.filter.journalmatch.push(wanted);
    Ok(Effect::Rules)
}

fn del_journalmatch(def: &mut JailDef, words: &[String]) -> Result<Effect, Refusal> {
    if !def.backend.reads_journal() {
        return Ok(Effect::None);
    }
    if words.is_empty() {
        def.filter.journalmatch.clear();
        return Ok(Effect::Rules);
    }
    let not_found = || {
        let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        value(format!("Match [{}] not found", words.join(", ")))
    };
    let gone = JournalMatch::of_words(words).map_err(|_| not_found())?;
    let mut groups: Vec<_> =
        def.filter.journalmatch.drain(..).flat_map(JournalMatch::split).collect();
    let before = groups.len();
    groups.retain(|group| !gone.groups.iter().any(|gone| group.groups.contains(gone)));
    if groups.len() == before {
        return Err(not_found());
    }
    def.filter.journalmatch = groups;
    Ok(Effect::Rules)
}

fn filter(filter: &mut FilterDef, usedns: &mut UseDns, what: &Tuning) -> Result<(), Refusal> {
    let text = |text: &str| Text::at_run_time(text);
    let add = |list: &mut Vec<Text>, regexes: &[String]| {
        if regexes.iter().any(String::is_empty) {
            return Err(Refusal::new(RefusalKind::Regex, "Cannot add empty regex"));
        }
        list.extend(regexes.iter().map(|regex| text(regex)));
        Ok(())
    };
    match what {
        Tuning::Prefregex(regex) => {
            filter.prefregex = Some(text(regex)).filter(|_| !regex.is_empty());
        }
        Tuning::AddFailregex(regexes) => add(&mut filter.failregex, regexes)?,
        Tuning::AddIgnoreregex(regexes) => add(&mut filter.ignoreregex, regexes)?,
        Tuning::DelFailregex(place) => del(&mut filter.failregex, *place),
        Tuning::DelIgnoreregex(place) => del(&mut filter.ignoreregex, *place),
        Tuning::Datepattern(patterns) => {
            let lines = patterns.split('\n').map(str::trim).filter(|line| !line.is_empty());
            filter.datepattern = lines.map(text).collect();
        }
        Tuning::Usedns(word) => {
            let word = word.to_lowercase();
            let known = matches!(&*word, "yes" | "warn" | "no" | "raw");
            *usedns = UseDns::parse(&word).filter(|_| known).unwrap_or(UseDns::No);
            filter.usedns = Some(*usedns);
        }
        _ => {}
    }
    Ok(())
}

/// As Python's `del list[place]`, but for what isn't there.
fn del(list: &mut Vec<Text>, place: i64) {
    let len = i64::try_from(list.len()).unwrap_or(i64::MAX);
    let place = if place < 0 { place.saturating_add(len) } else { place };
    if let Some(place) = usize::try_from(place).ok().filter(|place| *place < list.len()) {
        list.remove(place);
    }
}

fn increment(def: &mut JailDef, option: &str, text: &str) -> Result<(), Refusal> {
    let name = format!("bantime.{option}");
    match option {
        "increment" => return set(def, &name, if truth(text) { "true" } else { "false" }),
        _ if text.is_empty() => {
            def.unset(&name);
            return Ok(());
        }
        "maxtime" | "rndtime" => drop(duration(text)?),
        _ => {}
    }
    def.set(&name, text).map_err(|wrong| {
        let word = wrong.first().and_then(|found| found.text.as_deref()).unwrap_or(text);
        match option {
            "multipliers" => number(word).err().unwrap_or_else(|| refusal(&wrong)),
            "factor" => duration(text).err().unwrap_or_else(|| refusal(&wrong)),
            _ => refusal(&wrong),
        }
    })
}

/// An action that has no command yet is none in force.
fn actions(actions: &mut Vec<ActionDef>, jail: &str, what: &Tuning) -> Result<Effect, Refusal> {
    let place = |actions: &[ActionDef], name: &str| {
        let known = actions.iter().position(|action| action.name == *name);
        let unknown = || Refusal::new(RefusalKind::Key, format!("Invalid Action name: {name}"));
        known.ok_or_else(unknown)
    };
    match what {
        Tuning::AddAction(name) => {
            if place(actions, name).is_ok() {
                return Err(value(format!("Action {name} already exists")));
            }
            actions.push(ActionDef::bare(name));
        }
        Tuning::DelAction(name) => drop(actions.remove(place(actions, name)?)),
        Tuning::SetAction { action, properties } => {
            let place = place(actions, action)?;
            for (name, text) in properties {
                if name == "timeout" {
                    duration(text)?;
                }
                actions[place].set(name, text);
            }
            crate::enforce::action::Action::compile(jail, &actions[place])
                .map_err(|found| value(found.message.clone()))?;
        }
        _ => return Ok(Effect::None),
    }
    Ok(Effect::Actions)
}
