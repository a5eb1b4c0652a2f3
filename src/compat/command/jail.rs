//! `get JAIL OPTION` and `set JAIL OPTION …`: what a jail is set to.
//!
//! A setter answers with what its getter says by then. What is missing is told before the jail is looked for, and what is
//! wrong after that, as by fail2ban; numbers alone are read first.

use super::raised::Raised;
use super::{Speaker, text, texts};
use crate::compat::{Value, python};
use crate::control::{
    Command, DateSettings, IncrementValue, JailSettings, JailState, Reply, Request, Tuning,
};
use crate::model::BanTime;

/// Of options whose names begin so, any is kept in mind by fail2ban.
const INCREMENT: &str = "bantime.";

const SECOND: i64 = 1_000_000;

type Reader = fn(&JailSettings) -> Value;

impl Speaker<'_> {
    pub(super) fn option(self, jail: &str, option: &str) -> Result<Value, Raised> {
        if let Some(option) = option.strip_prefix(INCREMENT) {
            return Ok(increment(&self.settings(jail)?, option));
        }
        match reader(option) {
            Some(read) => Ok(read(&self.settings(jail)?)),
            None => {
                Err(Raised::exception("Invalid command (no get action or not yet implemented)"))
            }
        }
    }

    pub(super) fn set_option(
        self,
        jail: &str,
        option: &str,
        rest: &[Value],
    ) -> Result<Value, Raised> {
        let Some(what) = tuning(option, rest) else {
            return Err(Raised::exception(format!(
                "Invalid command {} (no set action or not yet implemented)",
                python::repr(&option.into())
            )));
        };
        let settings = self.tune(jail, what?)?;
        let got = ["add", "del"].iter().find_map(|verb| option.strip_prefix(verb));
        Ok(match (option.strip_prefix(INCREMENT), reader(got.unwrap_or(option))) {
            (Some(option), _) => increment(&settings, option),
            (None, Some(read)) => read(&settings),
            // It has no getter.
            (None, None) => (settings.state == JailState::Idle).into(),
        })
    }

    /// `multi-set JAIL addfailregex LIST`, also of `addignoreregex`.
    pub(super) fn add_regexes(
        self,
        jail: &str,
        rest: &[Value],
        what: fn(Vec<String>) -> Tuning,
    ) -> Result<Value, Raised> {
        let regexes = match rest.first().ok_or_else(Raised::no_such_word)? {
            Value::List(regexes) | Value::Tuple(regexes) => {
                regexes.iter().map(|regex| text(regex).into_owned()).collect()
            }
            one => vec![text(one).into_owned()],
        };
        self.tune(jail, what(regexes))?;
        Ok(true.into())
    }

    pub(super) fn settings(self, jail: &str) -> Result<JailSettings, Raised> {
        self.told(jail, Command::Settings { jail: jail.to_owned() })
    }

    pub(super) fn tune(self, jail: &str, what: Tuning) -> Result<JailSettings, Raised> {
        self.told(jail, Command::Tune { jail: jail.to_owned(), what })
    }

    fn told(self, jail: &str, command: Command) -> Result<JailSettings, Raised> {
        let settings = self.first(Request::Daemon(command), |reply| match reply {
            Reply::Settings(settings) => Some(*settings),
            _ => None,
        })?;
        settings.ok_or_else(|| Raised::unknown_jail(jail))
    }
}

fn reader(option: &str) -> Option<Reader> {
    let read: Reader = match option {
        "ignoreself" => |set| set.ignoreself.into(),
        "ignoreip" => |set| texts(&set.ignoreip),
        // Nothing is told before something was set.
        "ignorecommand" => |set| match &set.ignorecommand {
            Some(command) => command.as_str().into(),
            None => false.into(),
        },
        "ignorecache" => ignorecache,
        "logpath" => |set| texts(&set.logpaths),
        "logencoding" => |set| set.logencoding.as_str().into(),
        "journalmatch" => |set| Value::List(set.journalmatch.iter().map(texts).collect()),
        "prefregex" => |set| set.prefregex.as_str().into(),
        "failregex" => |set| texts(&set.failregex),
        "ignoreregex" => |set| texts(&set.ignoreregex),
        "usedns" => |set| set.usedns.as_str().into(),
        "findtime" => |set| seconds(set.findtime_us),
        "bantime" => |set| match set.bantime {
            BanTime::Permanent => Value::Int(-1),
            // Parts of a second are not told, as in fail2ban, which has none here.
            BanTime::Micros(micros) => Value::Int(micros / SECOND),
        },
        "datepattern" => |set| {
            let DateSettings { pattern, name } = &set.datepattern;
            let pattern = pattern.as_deref().map_or(Value::None, Value::from);
            Value::Tuple(vec![pattern, name.as_str().into()])
        },
        "logtimezone" => |set| set.logtimezone.as_deref().map_or(Value::None, Value::from),
        "maxretry" => |set| Value::Int(set.maxretry.into()),
        "maxmatches" => |set| Value::Int(set.maxmatches.into()),
        "maxlines" => |set| Value::Int(set.maxlines.into()),
        _ => return None,
    };
    Some(read)
}

fn ignorecache(settings: &JailSettings) -> Value {
    settings.ignorecache.as_ref().map_or(Value::None, |cache| {
        let most = super::count(cache.max_count);
        Value::List(vec![cache.key.as_str().into(), most, seconds(cache.max_time_us)])
    })
}

fn increment(settings: &JailSettings, option: &str) -> Value {
    if option == "evmultipliers" {
        let Some(IncrementValue::Text(numbers)) = settings.increment.get("multipliers") else {
            return Value::None;
        };
        let numbers = numbers.split_whitespace().filter_map(|number| number.parse().ok());
        return Value::List(numbers.map(Value::Int).collect());
    }
    match settings.increment.get(option) {
        Some(IncrementValue::Truth(truth)) => (*truth).into(),
        Some(IncrementValue::Micros(micros)) => seconds(*micros),
        Some(IncrementValue::Text(text)) => text.as_str().into(),
        None => Value::None,
    }
}

/// DIFFERS: a number that is whole is an integer, also if it was written as `1.5h`.
pub(super) fn seconds(micros: i64) -> Value {
    if micros % SECOND == 0 {
        return Value::Int(micros / SECOND);
    }
    #[expect(clippy::cast_precision_loss, reason = "it is one in Python, too")]
    Value::Float(micros as f64 / 1e6)
}

/// What an option and its words come to; `None` if there is no such option.
fn tuning(option: &str, rest: &[Value]) -> Option<Result<Tuning, Raised>> {
    if let Some(option) = option.strip_prefix(INCREMENT) {
        let option = option.to_owned();
        return Some(only(rest).map(|value| Tuning::Increment { option, value }));
    }
    Some(match option {
        "idle" => idle(rest),
        "ignoreself" => only(rest).map(|word| Tuning::Ignoreself(truth(&word))),
        "addignoreip" => Ok(Tuning::AddIgnoreip(all(rest))),
        "delignoreip" => only(rest).map(Tuning::DelIgnoreip),
        "ignorecommand" => only(rest).map(Tuning::Ignorecommand),
        "ignorecache" => ignore_cache(rest),
        "addlogpath" => add_logpath(rest),
        "dellogpath" => only(rest).map(Tuning::DelLogpath),
        "logencoding" => only(rest).map(Tuning::Logencoding),
        "addjournalmatch" => Ok(Tuning::AddJournalmatch(all(rest))),
        "deljournalmatch" => Ok(Tuning::DelJournalmatch(all(rest))),
        "prefregex" => regex(rest).map(Tuning::Prefregex),
        "addfailregex" => regex(rest).map(|regex| Tuning::AddFailregex(vec![regex])),
        "delfailregex" => only(rest).and_then(|word| int(&word)).map(Tuning::DelFailregex),
        "addignoreregex" => regex(rest).map(|regex| Tuning::AddIgnoreregex(vec![regex])),
        "delignoreregex" => only(rest).and_then(|word| int(&word)).map(Tuning::DelIgnoreregex),
        "usedns" => only(rest).map(Tuning::Usedns),
        "findtime" => only(rest).map(Tuning::Findtime),
        "bantime" => only(rest).map(Tuning::Bantime),
        "datepattern" => only(rest).map(Tuning::Datepattern),
        "logtimezone" => only(rest).map(Tuning::Logtimezone),
        "maxretry" => only(rest).and_then(|word| int(&word).map(|_| Tuning::Maxretry(word))),
        "maxmatches" => only(rest).and_then(|word| int(&word).map(|_| Tuning::Maxmatches(word))),
        "maxlines" => only(rest).and_then(|word| int(&word).map(|_| Tuning::Maxlines(word))),
        _ => return None,
    })
}

/// The word that an option takes; what stands behind it is passed over.
fn only(rest: &[Value]) -> Result<String, Raised> {
    rest.first().map(|word| text(word).into_owned()).ok_or_else(Raised::no_such_word)
}

fn all(rest: &[Value]) -> Vec<String> {
    rest.iter().map(|word| text(word).into_owned()).collect()
}

fn regex(rest: &[Value]) -> Result<String, Raised> {
    match rest.first() {
        Some(Value::List(_)) => {
            Err(Raised::builtin("TypeError", "expected string or bytes-like object, got 'list'"))
        }
        _ => only(rest),
    }
}

fn idle(rest: &[Value]) -> Result<Tuning, Raised> {
    match &*only(rest)? {
        "on" => Ok(Tuning::Idle(true)),
        "off" => Ok(Tuning::Idle(false)),
        _ => Err(Raised::exception("Invalid idle option, must be 'on' or 'off'")),
    }
}

/// What isn't `NAME=VALUE` at all is refused before the jail is looked for.
fn ignore_cache(rest: &[Value]) -> Result<Tuning, Raised> {
    let cache = only(rest)?;
    if cache.is_empty() || cache.contains('=') {
        return Ok(Tuning::Ignorecache(cache));
    }
    Err(Raised::value(format!("expected option, wrong syntax at 0: {cache}")))
}

fn add_logpath(rest: &[Value]) -> Result<Tuning, Raised> {
    let path = only(rest)?;
    let tail = match rest.get(1..).unwrap_or_default() {
        [] => false,
        [how] => match &*text(how).to_lowercase() {
            "tail" => true,
            "head" => false,
            _ => return Err(Raised::value("File option must be 'head' or 'tail'")),
        },
        _ => return Err(Raised::value("Only one file can be added at a time")),
    };
    Ok(Tuning::AddLogpath { path, tail })
}

/// Whatever isn't one of these is no.
fn truth(word: &str) -> bool {
    matches!(&*word.to_lowercase(), "1" | "on" | "true" | "yes")
}

fn int(word: &str) -> Result<i64, Raised> {
    word.trim().parse().map_err(|_| {
        let word = python::repr(&word.into());
        Raised::value(format!("invalid literal for int() with base 10: {word}"))
    })
}
