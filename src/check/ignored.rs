//! Whom a jail is meant to ignore and doesn't: a command that can't be run, an expression that is an address.
//!
//! Nothing is run to find out.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::config::{JailDef, Text};
use crate::diag::{Diagnostic, Severity};
use crate::model::Addr;
use crate::text::shown;

/// The longest first line of a script that is looked at, in bytes; Linux reads no more.
const SHEBANG_MAX: u64 = 256;

/// What the shell runs itself.
const BUILT_IN: [&str; 12] =
    [".", ":", "[", "case", "cd", "command", "eval", "exec", "for", "if", "test", "while"];

/// What is wrong with whom the jail ignores; `folders` are those in which programs are looked for.
pub(super) fn findings(jail: &JailDef, folders: &[PathBuf]) -> Vec<Diagnostic> {
    let command = jail.ignorecommand.iter().filter_map(|text| command(text, folders));
    command.chain(jail.filter.ignoreregex.iter().filter_map(expression)).collect()
}

/// The finding about a command that can't be run.
fn command(text: &Text, folders: &[PathBuf]) -> Option<Diagnostic> {
    let word = program(&text.value)?;
    let problem = problem_of(word, folders)?;
    let message = format!("'{}' of ignorecommand {problem}", shown(word));
    let found = Diagnostic::new("ignorecommand", Severity::Warning, message);
    let help = "until it can be run, nobody is ignored because of it";
    Some(found.with_location(text.at.clone()).with_text(word).with_help(help))
}

/// The program that a command begins with, if that is plain to see.
fn program(command: &str) -> Option<&str> {
    let is_assignment = |word: &&str| {
        let name = word.split_once('=').map(|(name, _)| name);
        name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
    };
    let word = command.split_whitespace().find(|word| !is_assignment(word))?;
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:[".contains(c);
    (word.chars().all(is_plain) && !BUILT_IN.contains(&word)).then_some(word)
}

/// Why a program can't be run.
fn problem_of(word: &str, folders: &[PathBuf]) -> Option<String> {
    if word.contains('/') {
        return problem_of_file(Path::new(word), folders);
    }
    let is_there = folders.iter().any(|folder| is_executable(&folder.join(word)));
    (!is_there).then(|| "isn't in any folder of PATH".to_owned())
}

fn problem_of_file(path: &Path, folders: &[PathBuf]) -> Option<String> {
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Some("doesn't exist".to_owned())
        }
        Err(error) => Some(format!("can't be looked at: {error}")),
        Ok(found) if found.is_dir() => Some("is a folder".to_owned()),
        Ok(_) if !is_executable(path) => Some("isn't executable (chmod +x makes it so)".to_owned()),
        Ok(_) => {
            let interpreter = interpreter(path)?;
            let problem = if interpreter.contains('/') {
                (!is_executable(Path::new(&interpreter))).then_some(())
            } else {
                problem_of(&interpreter, folders).map(drop)
            };
            problem.map(|()| format!("is run by '{}', which isn't there", shown(&interpreter)))
        }
    }
}

/// The program that runs a script, as its first line says; of `/usr/bin/env python3` the latter.
fn interpreter(script: &Path) -> Option<String> {
    let mut line = Vec::new();
    let start = fs::File::open(script).ok()?.take(SHEBANG_MAX);
    BufReader::new(start).read_until(b'\n', &mut line).ok()?;
    let line = String::from_utf8(line).ok()?;
    let mut words = line.strip_prefix("#!")?.split_whitespace();
    let first = words.next()?;
    let next = words.next().filter(|word| first.ends_with("/env") && !word.starts_with('-'));
    Some(next.unwrap_or(first).to_owned())
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// The finding about an expression with a network in it, or one that is nothing but an address.
fn expression(regex: &Text) -> Option<Diagnostic> {
    let plain = regex.value.replace("\\.", ".").replace("\\/", "/");
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/');
    let addr = |word: &str| word.trim_matches(['.', ':', '/']).parse::<Addr>().ok();
    let network = plain
        .split(|c| !is_part(c))
        .filter(|word| word.contains('/'))
        .find_map(|word| addr(word).filter(|addr| !addr.is_host()).map(|_| word));
    let at = |found: Diagnostic| found.with_location(regex.at.clone()).with_text(&regex.value);
    if let Some(network) = network {
        let message = format!("'{network}' is a text in an ignoreregex, no network");
        let found = Diagnostic::new("address-in-regex", Severity::Warning, message);
        return Some(at(found.with_help("write networks to be ignored into ignoreip")));
    }
    addr(&regex.value).filter(|addr| addr.is_host()).map(|addr| {
        let message =
            format!("an ignoreregex '{}' ignores every line with this in it", shown(&regex.value));
        let help = format!("write 'ignoreip = {addr}' to ignore a host");
        at(Diagnostic::new("address-in-regex", Severity::Note, message).with_help(help))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Location;

    fn text(value: &str) -> Text {
        Text { value: value.to_owned(), at: Location::new("f", 1) }
    }

    #[test]
    fn programs_are_seen_where_they_are_plain() {
        for (command, word) in [
            ("/usr/bin/ask <ip>", Some("/usr/bin/ask")),
            ("A=1 B='x' ask", Some("ask")),
            ("test <ip> = x", None),
            ("<ask> <ip>", None),
            ("$(ask) x", None),
            ("! ask", None),
            ("ask;", None),
        ] {
            assert_eq!(program(command), word, "{command}");
        }
    }

    #[test]
    fn networks_and_addresses_in_expressions_are_found() {
        let found = |regex: &str| expression(&text(regex)).map(|found| found.severity);
        for regex in ["192.0.2.0/24", "^.* from 192\\.0\\.2\\.0/24", "10.0.0.0/8|2001:db8::/32"] {
            assert_eq!(found(regex), Some(Severity::Warning), "{regex}");
        }
        assert_eq!(found("192.0.2.1"), Some(Severity::Note));
        for regex in ["from 192\\.0\\.2\\.1$", "GET /12/24", "a/b", "12:30:45", "192\\.0\\.2\\."] {
            assert_eq!(found(regex), None, "{regex}");
        }
    }
}
