//! The commands of an action: for each operation and family the text that the shell gets, with all properties in their
//! places. Tags of tickets are left in.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::super::properties::Properties;
use crate::command;
use crate::config::{ActionDef, Text};
use crate::diag::{Diagnostic, Severity};
use crate::text;

/// Properties are put into each other so many times at most, as in fail2ban.
const ROUNDS_MAX: usize = 25;

/// A command that gets longer than this quotes itself in ways that take a while to come round.
const LEN_MAX: usize = 1 << 20;

/// Properties that were called as tags with what a log says are, so that they look to the shell as that would.
const ESCAPED: [&str; 3] = ["matches", "ipmatches", "ipjailmatches"];

/// What an action can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Make ready for bans.
    Start,
    /// Ban a host.
    Ban,
    /// Ban a host again that was lost; [`Ban`](Self::Ban) if there is no such command.
    Reban,
    /// Tell that a ban has become longer.
    Prolong,
    /// Lift the ban of a host.
    Unban,
    /// Lift all bans at once.
    Flush,
    /// Say whether what starting made is there.
    Check,
    /// Bring it back; if there is no such command, it is stopped and started.
    Repair,
    /// Take note that the configuration was read again.
    Reload,
    /// Remove what starting made.
    Stop,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 10] = [
        Self::Start,
        Self::Ban,
        Self::Reban,
        Self::Prolong,
        Self::Unban,
        Self::Flush,
        Self::Check,
        Self::Repair,
        Self::Reload,
        Self::Stop,
    ];

    /// The option that has its command.
    pub fn option(self) -> &'static str {
        match self {
            Self::Start => "actionstart",
            Self::Ban => "actionban",
            Self::Reban => "actionreban",
            Self::Prolong => "actionprolong",
            Self::Unban => "actionunban",
            Self::Flush => "actionflush",
            Self::Check => "actioncheck",
            Self::Repair => "actionrepair",
            Self::Reload => "actionreload",
            Self::Stop => "actionstop",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.option())
    }
}

/// For whom something is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// For all at once: an action none of whose properties depends on the family is started so.
    Any,
    /// IPv4.
    Inet4,
    /// IPv6.
    Inet6,
    /// Hosts that are no addresses.
    Other,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 4] = [Self::Any, Self::Inet4, Self::Inet6, Self::Other];

    /// What the tag `<family>` stands for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Any => "",
            Self::Inet4 => "inet4",
            Self::Inet6 => "inet6",
            // What fail2ban makes of it, and actions may ask for.
            Self::Other => "None",
        }
    }
}

/// The commands of an action by operation and family.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scripts {
    /// For [`Family::Any`]; empty ones are left out.
    common: BTreeMap<Operation, String>,
    /// Those of other families that differ.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    own: BTreeMap<Family, BTreeMap<Operation, String>>,
}

impl Scripts {
    /// Resolves the commands of an action.
    pub(super) fn resolve(def: &ActionDef) -> Result<Self, Box<Diagnostic>> {
        let mut scripts = Self { common: BTreeMap::new(), own: BTreeMap::new() };
        for operation in Operation::ALL {
            let common = script(def, operation, Family::Any)?;
            for family in [Family::Inet4, Family::Inet6, Family::Other] {
                let own = script(def, operation, family)?;
                if own != common {
                    scripts.own.entry(family).or_default().insert(operation, own);
                }
            }
            if !common.is_empty() {
                scripts.common.insert(operation, common);
            }
        }
        Ok(scripts)
    }

    /// The same text for all families.
    pub(super) fn common(texts: Vec<(Operation, String)>) -> Self {
        Self { common: texts.into_iter().collect(), own: BTreeMap::new() }
    }

    /// A command; empty if there is none.
    pub fn of(&self, operation: Operation, family: Family) -> &str {
        let own = self.own.get(&family).and_then(|own| own.get(&operation));
        own.or_else(|| self.common.get(&operation)).map_or("", String::as_str)
    }

    /// Whether there is a command for the operation, whatever the family.
    pub fn has(&self, operation: Operation) -> bool {
        Family::ALL.into_iter().any(|family| !self.of(operation, family).is_empty())
    }

    /// Whether a command for a ticket has this tag.
    pub fn uses(&self, tag: &str) -> bool {
        self.tags().any(|used| used == tag)
    }

    /// Whether a command has a tag for something that the filter captured, `<F-USER>`.
    pub fn uses_fields(&self) -> bool {
        self.tags().any(|used| used.starts_with("F-"))
    }

    fn tags(&self) -> impl Iterator<Item = &str> {
        let all = self.own.values().chain([&self.common]).flat_map(BTreeMap::values);
        all.flat_map(|script| command::tags(script))
    }
}

/// The command for an operation and family.
fn script(
    def: &ActionDef,
    operation: Operation,
    family: Family,
) -> Result<String, Box<Diagnostic>> {
    let at = def.properties.get(operation.option());
    let mut script = format!("<{}>", operation.option());
    for _ in 0..ROUNDS_MAX {
        let next = command::replace(&script, |tag| property(def, tag, family));
        if next == script {
            return Ok(script.trim().to_owned());
        }
        script = next;
        if script.len() > LEN_MAX {
            break;
        }
    }
    let message = format!("a tag of '{operation}' stands for itself");
    let found = Diagnostic::new("self-reference", Severity::Error, message);
    let found = found.with_subject(text::shown(&def.name)).with_help("break the circle");
    Err(Box::new(match at {
        Some(Text { at, .. }) => found.with_location(at.clone()),
        None => found,
    }))
}

/// What a tag stands for, if it is none of a ticket.
fn property<'d>(def: &'d ActionDef, tag: &str, family: Family) -> Option<Cow<'d, str>> {
    // fail2ban never lets an action's own have a say in it.
    if tag == "bantime" {
        return None;
    }
    let properties = Properties::new(def, family.name());
    if let Some(value) = properties.raw(tag) {
        let is_escaped = ESCAPED.contains(&tag);
        return Some(if is_escaped { escaped(value).into() } else { value.into() });
    }
    Some(Cow::Borrowed(match tag {
        "br" => "\n",
        "timeout" => "60",
        _ if Operation::ALL.iter().any(|operation| operation.option() == tag) => "",
        _ => properties.built_in(tag)?,
    }))
}

/// A text as the shell reads it back.
fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            _ if "\\#&;`|*?~<>^()[]{}$'\"".contains(c) => out.extend(['\\', c]),
            _ => out.push(c),
        }
    }
    out
}
