//! Every option of a jail: its name, what it holds, what holds if it isn't set, what it is for.

use crate::diag::{Diagnostic, Location, Severity};
use crate::text;

/// What an option's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
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
    pub kind: Kind,
    /// What holds if no file sets it; empty for nothing.
    pub default: &'static str,
    /// What it is for, in a line.
    pub doc: &'static str,
}

const fn option(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    doc: &'static str,
) -> OptionDef {
    OptionDef { name, kind, default, doc }
}

/// All options of a jail that something reads, and those that the stock jail.conf builds others of.
pub const JAIL_OPTIONS: &[OptionDef] = &[
    option("enabled", Kind::Bool, "false", "whether the jail is used at all"),
    option("filter", Kind::Text, "", "which filter, with its options in brackets"),
    option("backend", Kind::Text, "auto", "how the logs are watched, or systemd"),
    option("logpath", Kind::Lines, "", "the logs; each may be a glob, then head or tail"),
    option("skip_if_nologs", Kind::Bool, "false", "leave the jail out if no log exists"),
    option("systemd_if_nologs", Kind::Bool, "true", "read the journal if no log exists"),
    option("journalmatch", Kind::Lines, "", "which entries of the journal are read"),
    option("logencoding", Kind::Text, "auto", "the encoding of the logs"),
    option("logtimezone", Kind::Text, "", "the zone of times written without one"),
    option("datepattern", Kind::Lines, "", "how a line's date looks"),
    option("prefregex", Kind::Text, "", "what every line must match before the failregex"),
    option("failregex", Kind::Lines, "", "what a failure looks like"),
    option("ignoreregex", Kind::Lines, "", "what is no failure although it looks so"),
    option("maxlines", Kind::Int, "1", "how many lines are matched together"),
    option("usedns", Kind::Text, "warn", "whether names are looked up: yes, warn, no, raw"),
    option("maxretry", Kind::Int, "3", "how many failures lead to a ban"),
    option("maxmatches", Kind::Int, "5", "how many matched lines are kept per host"),
    option("findtime", Kind::Time, "600", "within which time the failures count together"),
    option("bantime", Kind::Time, "600", "how long a ban lasts; -1 for ever"),
    option("bantime.increment", Kind::Bool, "false", "whether repeated bans last longer"),
    option("bantime.factor", Kind::Text, "1", "by how much they last longer"),
    option("bantime.formula", Kind::Text, "", "how the length of a repeated ban is computed"),
    option("bantime.multipliers", Kind::Text, "", "by how much each repeated ban lasts longer"),
    option("bantime.maxtime", Kind::Time, "", "how long a repeated ban lasts at most"),
    option("bantime.rndtime", Kind::Time, "", "a random time that is added at most"),
    option("bantime.overalljails", Kind::Bool, "false", "whether bans of other jails count"),
    option("ignoreself", Kind::Bool, "true", "never ban this machine's own addresses"),
    option("ignoreip", Kind::Text, "", "addresses, networks and names that are never banned"),
    option("ignorecommand", Kind::Text, "", "a command that says whether a host is ignored"),
    option("ignorecache", Kind::Text, "", "how answers of the ignorecommand are kept"),
    option("action", Kind::Lines, "", "what a ban does, with options in brackets"),
    option("mode", Kind::Free, "", "which of its failures the filter looks for"),
    option("port", Kind::Free, "", "the ports that a ban closes"),
    option("protocol", Kind::Free, "", "their protocol"),
    option("chain", Kind::Free, "", "the firewall's chain that gets the rules"),
    option("banaction", Kind::Free, "", "the action that closes ports"),
    option("banaction_allports", Kind::Free, "", "the action that closes all ports"),
    option("mta", Kind::Free, "", "which program sends mail"),
    option("destemail", Kind::Free, "", "who gets mail about bans"),
    option("sender", Kind::Free, "", "who mail about bans is from"),
    option("fail2ban_agent", Kind::Free, "", "how reports name the program"),
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
pub(super) fn truth(value: &str) -> Option<bool> {
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
