//! What fail2ban-client prints of a reply.
//!
//! How a value is shown goes by the words that were typed, by their position, and not by what the value is; scripts
//! read `Jail list:\t` and the like. What doesn't look as its words let expect is shown as Python would print it.
//!
//! DIFFERS: fail2ban 1.0.2 prints half of its own text and that of the value, and complains of itself, for such a value.

mod stats;
mod status;

use super::Value;
use super::python::{repr, str};

/// What a reply comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// For standard output; `None` for nothing, not even an empty line.
    pub text: Option<String>,
    /// What is wrong, for standard error; `None` if nothing is.
    pub error: Option<String>,
}

/// A reply to the `words` that were typed. `has_lines` says whether tables may be drawn with lines that ASCII hasn't.
pub fn reply(words: &[String], reply: &Value, has_lines: bool) -> Shown {
    match reply {
        Value::Tuple(places) => match places.as_slice() {
            [Value::Int(0), value] => {
                Shown { text: Some(value_of(words, value, has_lines)), error: None }
            }
            [_, Value::Exception { class, args, .. }] => refusal(reply_class(class), args, places),
            _ => no_reply(reply),
        },
        _ => no_reply(reply),
    }
}

fn reply_class(class: &str) -> &str {
    class.rsplit('.').next().unwrap_or(class)
}

/// The text is for standard output: that is where scripts find it.
fn refusal(class: &str, args: &[Value], places: &[Value]) -> Shown {
    let first = args.first().map(str).unwrap_or_default();
    let text = match class {
        "UnknownJailException" => format!("Sorry but the jail '{first}' does not exist"),
        "DuplicateJailException" => format!("The jail '{first}' already exists"),
        "IndexError" => "Sorry but the command is invalid".to_owned(),
        _ => places.last().map(str).unwrap_or_default(),
    };
    Shown { text: Some(text), error: Some(format!("NOK: {}", super::python::args(class, args))) }
}

/// A server that can't say what it would, or ends, answers with a text or a list.
///
/// DIFFERS: fail2ban-client says that a text has no attribute `args`.
fn no_reply(reply: &Value) -> Shown {
    let said = match reply {
        Value::List(members) => members.iter().map(str).collect::<Vec<_>>().join(" "),
        other => str(other),
    };
    Shown { text: None, error: Some(said) }
}

/// What an answer says, without the end of its last line.
fn value_of(words: &[String], value: &Value, has_lines: bool) -> String {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let by_words = by_first(&words, value, has_lines)
        .or_else(|| by_second(&words, value))
        .or_else(|| by_third(&words, value));
    by_words.unwrap_or_else(|| str(value))
}

fn by_first(words: &[&str], value: &Value, has_lines: bool) -> Option<String> {
    Some(match words {
        ["ping", ..] => format!("Server replied: {}", str(value)),
        ["start", ..] => "Jail started".to_owned(),
        ["stop", rest @ ..] if *value == Value::None => {
            (if rest.is_empty() { "Shutdown successful" } else { "Jail stopped" }).to_owned()
        }
        ["version" | "stop", ..] => str(value),
        ["add", ..] => format!("Added jail {}", str(value)),
        ["flushlogs", ..] => format!("logs: {}", str(value)),
        ["echo", ..] => joined(value, " ")?,
        ["stats" | "statistics" | "statistic", ..] => stats::table(value, has_lines)?,
        ["status", jail, "stats", ..] if *jail != "--all" => stats::of_one(jail, value, has_lines)?,
        ["status", rest @ ..] => status::tree(rest.first().copied(), value)?,
        _ => return None,
    })
}

fn by_second(words: &[&str], value: &Value) -> Option<String> {
    let of_database = |what: &str, value: &Value, unit: &str| match value {
        Value::None => "Database currently disabled".to_owned(),
        set => format!("Current database {what} is:\n`- {}{unit}", str(set)),
    };
    Some(match words.get(1).copied()? {
        "syslogsocket" => format!("Current syslog socket is:\n`- {}", str(value)),
        "logtarget" => format!("Current logging target is:\n`- {}", str(value)),
        "loglevel" => format!("Current logging level is {}", repr(value)),
        "dbfile" => of_database("file", value, ""),
        "dbpurgeage" => of_database("purge age", value, "seconds"),
        _ => return None,
    })
}

fn by_third(words: &[&str], value: &Value) -> Option<String> {
    let plain = |member: &Value, _: usize| str(member);
    let numbered = |member: &Value, at: usize| format!("[{at}]: {}", str(member));
    let jail = words.get(1).copied().unwrap_or_default();
    let action = words.get(3).copied().unwrap_or_default();
    match words.get(2).copied()? {
        "logpath" | "addlogpath" | "dellogpath" => {
            let none = "No file is currently monitored";
            list(value, none, "Current monitored log file(s):\n", plain)
        }
        "logencoding" => Some(format!("Current log encoding is set to:\n{}", str(value))),
        "journalmatch" | "addjournalmatch" | "deljournalmatch" => journalmatch(value),
        "datepattern" => datepattern(value),
        "ignoreip" | "addignoreip" | "delignoreip" => {
            let none = "No IP address/network is ignored";
            list(value, none, "These IP addresses/networks are ignored:\n", plain)
        }
        "failregex" | "addfailregex" | "delfailregex" | "ignoreregex" | "addignoreregex"
        | "delignoreregex" => {
            let none = "No regular expression is defined";
            list(value, none, "The following regular expression are defined:\n", numbered)
        }
        "actions" => {
            named(value, &format!("actions for jail {jail}"), &format!("jail {jail}"), "actions")
        }
        what @ ("actionproperties" | "actionmethods") => {
            let what = what.strip_prefix("action").unwrap_or(what);
            let whose = format!("jail {jail} action {action}");
            named(value, &format!("{what} for {whose}"), &whose, what)
        }
        "banip" if words[0] == "get" => match words.get(3).copied() {
            Some("--with-time") => joined(value, "\n"),
            separator => joined(value, separator.unwrap_or(" ")),
        },
        _ => None,
    }
}

/// The members of a list, or of what else has any.
fn members(value: &Value) -> Option<&[Value]> {
    match value {
        Value::List(members) | Value::Tuple(members) | Value::Set(members) => Some(members),
        _ => None,
    }
}

fn joined(value: &Value, separator: &str) -> Option<String> {
    let members = members(value)?.iter().map(str);
    Some(members.collect::<Vec<_>>().join(separator))
}

/// A line a member below a heading, or `none`.
fn list(
    value: &Value,
    none: &str,
    heading: &str,
    shown: impl Fn(&Value, usize) -> String,
) -> Option<String> {
    let members = members(value)?;
    let (last, others) = match members {
        [] => return Some(none.to_owned()),
        members => members.split_last()?,
    };
    let others =
        others.iter().enumerate().map(|(at, member)| format!("|- {}\n", shown(member, at)));
    let last = format!("`- {}", shown(last, members.len() - 1));
    Some(heading.to_owned() + &others.collect::<String>() + &last)
}

/// `The jail sshd has the following actions:`, all in one line.
fn named(value: &Value, none: &str, whose: &str, what: &str) -> Option<String> {
    let members = members(value)?;
    if members.is_empty() {
        return Some(format!("No {none}"));
    }
    Some(format!("The {whose} has the following {what}:\n{}", joined(value, ", ")?))
}

fn journalmatch(value: &Value) -> Option<String> {
    let groups = members(value)?;
    if groups.is_empty() {
        return Some("No journal match filter set".to_owned());
    }
    let groups: Option<Vec<_>> = groups.iter().map(|group| joined(group, " ")).collect();
    Some(format!("Current match filter:\n{}", groups?.join(" + ")))
}

fn datepattern(value: &Value) -> Option<String> {
    let shown = match value {
        Value::None => "Not set/required".to_owned(),
        Value::Tuple(pair) | Value::List(pair) => match pair.as_slice() {
            [Value::None, name] => str(name),
            [pattern, name] => format!("{} ({})", str(pattern), str(name)),
            _ => return None,
        },
        _ => return None,
    };
    Some(format!("Current date pattern set to: {shown}"))
}

#[cfg(test)]
mod tests;
