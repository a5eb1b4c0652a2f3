//! The tree of `status`, `status JAIL` and `status --all`.

use super::{joined, members};
use crate::compat::Value;
use crate::compat::python::str;

/// What is known of the server, or of the jail that was typed; `None` if it is none of both.
pub(super) fn tree(word: Option<&str>, value: &Value) -> Option<String> {
    let entries = members(value)?;
    let title = match word {
        None | Some("--all") => "Status".to_owned(),
        Some(jail) => format!("Status for the jail: {jail}"),
    };
    let mut out = vec![title];
    write(entries, "", &mut out)?;
    Some(out.join("\n"))
}

/// Pairs of a name and what it is: a text, a list of texts, or more pairs. Jails by their names are a dictionary.
fn write(entries: &[Value], indent: &str, out: &mut Vec<String>) -> Option<()> {
    let is_empty = |entry: &&Value| matches!(entry, Value::Dict(jails) if jails.is_empty());
    let entries: Vec<&Value> = entries.iter().filter(|entry| !is_empty(entry)).collect();
    for (at, entry) in entries.iter().enumerate() {
        let is_last = at + 1 == entries.len();
        let branch = if is_last { "`-" } else { "|-" };
        let below = format!("{indent}{}  ", if is_last { ' ' } else { '|' });
        if let Value::Dict(jails) = entry {
            out.push(format!("{indent}{branch} Status for the jails:"));
            write_jails(jails, &below, out)?;
            continue;
        }
        let [name, value] = members(entry)? else { return None };
        match members(value) {
            Some(pairs) if !pairs.is_empty() && pairs.iter().all(is_pair) => {
                out.push(format!("{indent}{branch} {}", str(name)));
                write(pairs, &below, out)?;
            }
            Some(_) => {
                out.push(format!("{indent}{branch} {}:\t{}", str(name), joined(value, " ")?));
            }
            None => out.push(format!("{indent}{branch} {}:\t{}", str(name), str(value))),
        }
    }
    Some(())
}

fn write_jails(jails: &[(Value, Value)], indent: &str, out: &mut Vec<String>) -> Option<()> {
    for (at, (jail, value)) in jails.iter().enumerate() {
        let is_last = at + 1 == jails.len();
        let branch = if is_last { "`-" } else { "|-" };
        out.push(format!("{indent}{branch} Jail: {}", str(jail)));
        let below = format!("{indent}{}  ", if is_last { ' ' } else { '|' });
        write(members(value)?, &below, out)?;
    }
    Some(())
}

fn is_pair(value: &Value) -> bool {
    matches!(value, Value::Tuple(places) if places.len() == 2)
}
