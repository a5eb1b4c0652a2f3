//! Every option of a jail: its name, what it holds, what holds if it isn't set, what it is for.

use crate::diag::{Diagnostic, Location, Severity};
use crate::text;
use OptionKind::{Bool, Free, Int, Lines, Text, Time};

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// `true`, `yes`, `on` or `1`; anything else is false.
    Bool,
    /// A whole number.
    Int,
    /// A duration such as `10m`.
    Time,
    /// One word or text.
    Text,
    /// A value per line.
    Lines,
    /// Only there to be quoted by other options.
    Free,
}

/// An option of a jail.
#[derive(Clone, Copy, Debug)]
pub struct OptionDef {
    /// In lower case.
    pub name: &'static str,
    /// What it holds.
    pub kind: OptionKind,
    /// What holds if no file sets it; empty for nothing.
    pub default: &'static str,
    /// What it is for, in a line.
    pub doc: &'static str,
}

const fn option(
    name: &'static str,
    kind: OptionKind,
    default: &'static str,
    doc: &'static str,
) -> OptionDef {
    OptionDef { name, kind, default, doc }
}

/// All options of a jail that something reads, and those that the stock jail.conf builds others of.
pub const JAIL_OPTIONS: &[OptionDef] = &[
    option("enabled", Bool, "false", "whether the jail is used at all"),
    option("filter", Text, "", "which filter, with its options in brackets"),
    option("backend", Text, "auto", "how the logs are watched, or systemd"),
    option("logpath", Lines, "", "the logs; each may be a glob, then head or tail"),
    option("skip_if_nologs", Bool, "false", "leave the jail out if no log exists"),
    option("systemd_if_nologs", Bool, "true", "read the journal if no log exists"),
    option("journalmatch", Lines, "", "which entries of the journal are read"),
    option("logencoding", Text, "auto", "the encoding of the logs"),
    option("logtimezone", Text, "", "the zone of times written without one"),
    option("datepattern", Lines, "", "how a line's date looks"),
    option("prefregex", Text, "", "what every line must match before the failregex"),
    option("failregex", Lines, "", "what a failure looks like"),
    option("ignoreregex", Lines, "", "what is no failure although it looks so"),
    option("maxlines", Int, "1", "how many lines are matched together"),
    option("usedns", Text, "warn", "whether names are looked up: yes, warn, no, raw"),
    option("maxretry", Int, "3", "how many failures lead to a ban"),
    option("maxmatches", Int, "5", "how many matched lines are kept per host"),
    option("findtime", Time, "600", "within which time the failures count together"),
    option("bantime", Time, "600", "how long a ban lasts; -1 for ever"),
    option("bantime.increment", Bool, "false", "whether repeated bans last longer"),
    option("bantime.factor", Text, "1", "by how much they last longer"),
    option("bantime.formula", Text, "", "how the length of a repeated ban is computed"),
    option("bantime.multipliers", Text, "", "by how much each repeated ban lasts longer"),
    option("bantime.maxtime", Time, "", "how long a repeated ban lasts at most"),
    option("bantime.rndtime", Time, "", "a random time that is added at most"),
    option("bantime.overalljails", Bool, "false", "whether bans of other jails count"),
    option("ignoreself", Bool, "true", "never ban this machine's own addresses"),
    option("ignoreip", Text, "", "addresses, networks and names that are never banned"),
    option("ignorecommand", Text, "", "a command that says whether a host is ignored"),
    option("ignorecache", Text, "", "how answers of the ignorecommand are kept"),
    option("action", Lines, "", "what a ban does, with options in brackets"),
    option("kill_connections", Bool, "false", "whether a ban cuts the connections of its host"),
    option("mode", Free, "", "which of its failures the filter looks for"),
    option("port", Free, "", "the ports that a ban closes"),
    option("protocol", Free, "", "their protocol"),
    option("chain", Free, "", "the firewall's chain that gets the rules"),
    option("banaction", Free, "", "the action that closes ports"),
    option("banaction_allports", Free, "", "the action that closes all ports"),
    option("mta", Free, "", "which program sends mail"),
    option("destemail", Free, "", "who gets mail about bans"),
    option("sender", Free, "", "who mail about bans is from"),
    option("fail2ban_agent", Free, "", "how reports name the program"),
];

/// The option of that name, if something reads it.
pub fn named(name: &str) -> Option<&'static OptionDef> {
    JAIL_OPTIONS.iter().find(|option| option.name == name)
}

/// What holds if nobody sets the option; nothing if there is no such option.
pub(super) fn default(name: &str) -> &'static str {
    named(name).map_or("", |option| option.default)
}

/// The finding about an option that nobody reads and that looks like `near`, which somebody does.
pub(super) fn unknown_option(name: &str, near: &str, at: Location) -> Diagnostic {
    let message = format!("unknown option '{}'", text::shown(name));
    Diagnostic::new("unknown-option", Severity::Warning, message)
        .with_location(at)
        .with_text(name)
        .with_help(format!("did you mean '{}'?", text::printable(near)))
}

/// Yes, no, or nonsense.
pub fn truth(value: &str) -> Option<bool> {
    match value.to_lowercase().as_str() {
        "1" | "on" | "true" | "yes" => Some(true),
        "0" | "off" | "false" | "no" | "" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_option_is_there_once_and_documented() {
        for option in JAIL_OPTIONS {
            assert_eq!(JAIL_OPTIONS.iter().filter(|other| other.name == option.name).count(), 1);
            assert!(!option.doc.is_empty() && !option.doc.ends_with('.'), "{}", option.name);
            assert_eq!(option.name, option.name.to_lowercase());
        }
    }
}
