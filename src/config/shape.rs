//! What an action's commands do, whatever its parameters are.
//!
//! Two actions with the same shape run the same commands but for the values that their parameters have. So an
//! action that is known by its shape can be done in another way than by running its commands, and one in whose files
//! somebody has changed a command is not mistaken for it.

use std::rc::Rc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

use super::definition::Definition;
use super::interpolate::Given;
use super::merged::Merged;
use super::traced::Line;

/// A digest of an action's commands with the names of parameters in the place of their values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shape(pub u128);

/// The parameters whose values don't count: those of the stock actions that change a packet filter
/// (fail2ban 1.0.2 and 1.1). What else is set for an action is part of its shape.
const PARAMETERS: [&str; 24] = [
    "name",
    "actname",
    "port",
    "protocol",
    "chain",
    "blocktype",
    "returntype",
    "lockingopt",
    "iptables",
    "nftables",
    "table",
    "table_family",
    "chain_type",
    "chain_hook",
    "chain_priority",
    "addr_type",
    "addr_family",
    "addr_set",
    "addr_options",
    "ipmset",
    "ipsettype",
    "ipsettime",
    "default-ipsettime",
    "maxelem",
];

/// The parameter that counts only if it is not given: the files make it of others.
const MADE: &str = "match";

/// Stands at both ends of a parameter's name in the place of its value; no file can hold it.
const MARK: char = '\u{1}';

/// The shape of the action in `merged` with `params`; `None` if a command can't be resolved.
///
/// A value that depends on the family of an address is a tag until there is one: that and a parameter are the same here.
pub(super) fn of(
    merged: &Rc<Merged>,
    params: &[(String, String)],
    commands: &[&str],
    late: &'static [&'static str],
    at: &Line,
    jail: &Given,
) -> Option<Shape> {
    let marked = |name: &str| (name.to_owned(), format!("{MARK}{name}{MARK}"));
    let mut open: Vec<_> = PARAMETERS.map(marked).into();
    open.extend(params.iter().filter_map(|(name, value)| match name.as_str() {
        MADE => Some(marked(MADE)),
        name if PARAMETERS.contains(&name) => None,
        _ => Some((name.to_owned(), value.clone())),
    }));
    let definition = Definition::new(Rc::clone(merged), &open, at, jail).ok()?.with_late(late);
    let mut texts = String::new();
    for name in definition.names() {
        let command = name.split_once('?').map_or(name.as_str(), |(command, _)| command);
        if !commands.contains(&command) {
            continue;
        }
        if let Some(value) = definition.value(&name).ok()? {
            texts.extend([name.as_str(), "=", &named(&value.value), "\n"]);
        }
    }
    Some(Shape(xxh3_128(texts.as_bytes())))
}

/// The text with `<name>` for each mark.
fn named(text: &str) -> String {
    let mut is_open = false;
    let tag = |c: char| match c {
        MARK => {
            is_open = !is_open;
            if is_open { '<' } else { '>' }
        }
        other => other,
    };
    text.chars().map(tag).collect()
}
