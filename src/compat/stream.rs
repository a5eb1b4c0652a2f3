//! A configuration as the commands that fail2ban's client makes of it: what `-d` shows, and a server is sent.
//!
//! The server's own options come first, then each jail that is enabled with its filter, its options, its logs and its
//! actions, then all their starts: the order of fail2ban 1.0.2. An option that isn't set is not sent.

use std::ffi::OsStr;

use super::Value;
use crate::config::{ActionDef, Config, Draft, FilterDef, JailDef, Text, options};
use crate::diag::Severity;
use crate::source;

/// What a command line says instead of fail2ban.conf.
#[derive(Clone, Debug, Default)]
pub struct Instead {
    /// `--syslogsocket`.
    pub syslogsocket: Option<String>,
    /// `--loglevel`.
    pub loglevel: Option<String>,
    /// `--logtarget`.
    pub logtarget: Option<String>,
}

/// There is no jail of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No section: {}", super::python::repr(&.0.as_str().into()))]
pub struct NoSection(pub String);

/// The commands for all jails that are enabled, or for one of them.
///
/// # Errors
///
/// There is none of that name.
pub fn of(config: &Config, instead: &Instead, only: Option<&str>) -> Result<Vec<Value>, NoSection> {
    let names = config.jail_names().value.unwrap_or_default();
    if let Some(name) = only.filter(|name| !names.iter().any(|known| known == name)) {
        return Err(NoSection(name.to_owned()));
    }
    let mut stream = of_server(config, instead);
    let mut starts = Vec::new();
    let wanted = config.enabled_names().value.unwrap_or_default();
    for name in wanted.iter().filter(|name| only.is_none_or(|only| only == *name)) {
        match config.draft(name) {
            Ok(Draft { jail, is_usable: true, .. }) => {
                of_jail(&jail, &mut stream);
                starts.push(command(&["start", name]));
            }
            Ok(Draft { findings, .. }) | Err(findings) => {
                let error = findings.iter().find(|found| found.severity == Severity::Error);
                let why = error.map(|found| found.message.as_str()).unwrap_or_default();
                let skipped = "skipped, because of wrong configuration";
                stream.push(command(&["config-error", &format!("Jail '{name}' {skipped}: {why}")]));
            }
        }
    }
    stream.extend(starts);
    Ok(stream)
}

fn command(words: &[&str]) -> Value {
    Value::List(words.iter().map(|word| Value::from(*word)).collect())
}

fn set(subject: &str, option: &str, value: impl Into<Value>) -> Value {
    Value::List(vec!["set".into(), subject.into(), option.into(), value.into()])
}

/// fail2ban.conf; what it doesn't set is as fail2ban's client fills it in.
fn of_server(config: &Config, instead: &Instead) -> Vec<Value> {
    let written = config.server_settings();
    let written = |name: &str| {
        written.iter().find(|(option, _)| *option == name).map(|(_, value)| value.clone())
    };
    let or = |name: &str, instead: &Option<String>, default: &str| {
        let value = instead.clone().or_else(|| written(name)).unwrap_or_else(|| default.to_owned());
        command(&["set", name, &value])
    };
    let mut stream = vec![
        or("syslogsocket", &instead.syslogsocket, "auto"),
        or("loglevel", &instead.loglevel, "INFO"),
        or("logtarget", &instead.logtarget, "/var/log/fail2ban.log"),
        or("allowipv6", &None, "auto"),
        or("dbfile", &None, "/var/lib/fail2ban/fail2ban.sqlite3"),
    ];
    if let Some(count) = written("dbmaxmatches").and_then(|text| text.trim().parse::<i64>().ok()) {
        stream.push(Value::List(vec!["set".into(), "dbmaxmatches".into(), count.into()]));
    }
    stream.push(or("dbpurgeage", &None, "1d"));
    stream
}

fn of_jail(jail: &JailDef, stream: &mut Vec<Value>) {
    let written = |name: &str| {
        let setting = jail.settings.iter().find(|setting| setting.name == name);
        setting.map(|setting| setting.text.value.as_str())
    };
    stream.push(command(&["add", &jail.name, written("backend").unwrap_or("auto")]));
    if written("usedns").is_some() || jail.filter.usedns.is_some() {
        stream.push(set(&jail.name, "usedns", jail.usedns.name()));
    }
    of_filter(&jail.name, &jail.filter, written("datepattern").is_some(), stream);
    for name in ["maxretry", "maxmatches"] {
        if let Some(text) = written(name) {
            let number = text.trim().parse::<i64>().map_or(Value::None, Value::Int);
            stream.push(set(&jail.name, name, number));
        }
    }
    for (name, kind) in OPTIONS {
        let Some(text) = written(name) else { continue };
        stream.push(match kind {
            Kind::Text => set(&jail.name, name, text),
            Kind::Truth => set(&jail.name, name, options::truth(text).unwrap_or(false)),
            Kind::Hosts => {
                let hosts =
                    jail.ignoreip.iter().flat_map(|line| line.value.split([' ', ',', '\t']));
                let words = ["set", &jail.name, "addignoreip"].into_iter();
                command(&words.chain(hosts.filter(|host| !host.is_empty())).collect::<Vec<_>>())
            }
        });
    }
    stream.extend(logs(jail));
    for action in &jail.actions {
        of_action(&jail.name, action, stream);
    }
}

/// What an option is sent as.
#[derive(Clone, Copy)]
enum Kind {
    /// As it is written.
    Text,
    /// True or false, where fail2ban takes what is none of both for false.
    Truth,
    /// A word a host.
    Hosts,
}

/// Options of a jail, in the order in which they are sent.
const OPTIONS: &[(&str, Kind)] = &[
    ("findtime", Kind::Text),
    ("bantime", Kind::Text),
    ("bantime.increment", Kind::Truth),
    ("bantime.factor", Kind::Text),
    ("bantime.formula", Kind::Text),
    ("bantime.multipliers", Kind::Text),
    ("bantime.maxtime", Kind::Text),
    ("bantime.rndtime", Kind::Text),
    ("bantime.overalljails", Kind::Truth),
    ("ignorecommand", Kind::Text),
    ("ignoreself", Kind::Truth),
    ("ignoreip", Kind::Hosts),
    ("ignorecache", Kind::Text),
    ("logtimezone", Kind::Text),
    ("logencoding", Kind::Text),
];

fn of_filter(jail: &str, filter: &FilterDef, has_pattern: bool, stream: &mut Vec<Value>) {
    if let Some(prefregex) = &filter.prefregex {
        stream.push(set(jail, "prefregex", prefregex.value.as_str()));
    }
    if let Some(count) = filter.maxlines {
        stream.push(set(jail, "maxlines", i64::from(count)));
    }
    for (name, regexes) in
        [("addignoreregex", &filter.ignoreregex), ("addfailregex", &filter.failregex)]
    {
        let regexes: Vec<&Text> = regexes.iter().filter(|regex| !regex.value.is_empty()).collect();
        match regexes.as_slice() {
            [] => {}
            [only] => stream.push(set(jail, name, only.value.as_str())),
            several => {
                let several = several.iter().map(|regex| regex.value.as_str().into()).collect();
                let words = ["multi-set", jail, name].map(Value::from).into_iter();
                stream.push(Value::List(words.chain([Value::List(several)]).collect()));
            }
        }
    }
    if has_pattern || !filter.datepattern.is_empty() {
        let lines: Vec<_> = filter.datepattern.iter().map(|line| line.value.as_str()).collect();
        stream.push(set(jail, "datepattern", lines.join("\n")));
    }
    for line in &filter.journalmatch {
        let terms = shlex::split(&line.text.value).unwrap_or_default();
        let words = ["set", jail, "addjournalmatch"].into_iter();
        stream.push(command(&words.chain(terms.iter().map(String::as_str)).collect::<Vec<_>>()));
    }
}

/// Those that exist.
fn logs(jail: &JailDef) -> Vec<Value> {
    let mut commands = Vec::new();
    for log in &jail.logpaths {
        let from = if log.tail { "tail" } else { "head" };
        let paths = source::followed(OsStr::new(&log.glob)).unwrap_or_default();
        for path in paths.iter().filter(|path| path.exists()) {
            let path = path.to_string_lossy();
            commands.push(command(&["set", &jail.name, "addlogpath", &path, from]));
        }
    }
    commands
}

fn of_action(jail: &str, action: &ActionDef, stream: &mut Vec<Value>) {
    let own = |name: &str| action.properties.get(name).map(|text| text.value.as_str());
    if action.file.extension().is_some_and(|extension| extension == "py") {
        let own = action
            .properties
            .iter()
            .filter(|(name, _)| !matches!(name.as_str(), "name" | "actname"));
        let json = |text: &str| serde_json::Value::from(text).to_string();
        let own = own.map(|(name, text)| format!("{}: {}", json(name), json(&text.value)));
        let own = format!("{{{}}}", own.collect::<Vec<_>>().join(", "));
        let file = action.file.to_string_lossy();
        return stream.push(command(&["set", jail, "addaction", &action.name, &file, &own]));
    }
    stream.push(command(&["set", jail, "addaction", &action.name]));
    let commands = ActionDef::COMMANDS.into_iter().filter_map(|name| Some((name, own(name)?)));
    let others =
        action.parameters.iter().filter(|name| !ActionDef::COMMANDS.contains(&name.as_str()));
    let others = others.filter_map(|name| Some((name.as_str(), own(name)?)));
    let pair = |(name, value): (&str, &str)| {
        let value = match options::truth(value).filter(|_| ActionDef::SWITCHES.contains(&name)) {
            Some(truth) => truth.into(),
            None => value.into(),
        };
        Value::List(vec![name.into(), value])
    };
    let pairs = commands.chain(others).map(pair).collect();
    let words = ["multi-set", jail, "action", &action.name].map(Value::from).into_iter();
    stream.push(Value::List(words.chain([Value::List(pairs)]).collect()));
}
