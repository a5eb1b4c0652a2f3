//! Commands of the configuration, with values out of logs in them.
//!
//! A `<tag>` of a command stands for a value that whoever writes to the log may have chosen, to have it run here. So
//! only a value of harmless characters takes the place of its tag; any other becomes a variable of the environment,
//! and the tag a reference to it, which the shell expands when it has long read the command (as fail2ban does).
//!
//! [`Filled`] is such a command, and [`run`](Filled::run) is how every one is run.

mod quotes;
mod run;
pub mod tag;

use std::borrow::Cow;
use std::fmt;

pub use run::{CommandError, Ended, OUTPUT_MAX_BYTES};

/// A value longer than this doesn't stand in the command itself, whose length the kernel limits.
const INLINE_MAX_BYTES: usize = 1024;

/// How much of a value a variable holds. The kernel refuses to start a program with one of 128 KiB: whoever can write
/// long lines to a log could otherwise not be banned.
const VARIABLE_MAX_BYTES: usize = 64 * 1024;

/// A command whose tags have their values.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Filled {
    script: String,
    /// Names and values for the environment.
    variables: Vec<(String, String)>,
}

impl Filled {
    /// Gives the tags of a command their values; a tag without one stays as it is.
    pub fn new<'v>(command: &str, mut value: impl FnMut(&str) -> Option<Cow<'v, str>>) -> Self {
        let mut variables: Vec<(String, String)> = Vec::new();
        let script = replace_in(command, |tag, before, next| {
            let value = value(tag)?;
            // No variable is seen in single quotes.
            if is_harmless(&value) || is_plain(&value) && quotes::is_single(before) {
                return Some(value);
            }
            let value = fit(&value);
            let mut name = variable(tag);
            while variables.iter().any(|(known, other)| *known == name && *other != value) {
                name.push('_');
            }
            // Letters right behind it would be taken for a part of the name.
            let is_part = next.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
            let reference = if is_part { format!("${{{name}}}") } else { format!("${name}") };
            if !variables.iter().any(|(known, _)| *known == name) {
                variables.push((name, value));
            }
            Some(reference.into())
        });
        Self { script, variables }
    }

    /// What the shell reads.
    pub fn script(&self) -> &str {
        &self.script
    }

    /// What it finds in its environment, by name.
    pub fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.variables.iter().map(|(name, value)| (&**name, &**value))
    }
}

/// As one could type it: the variables, then the command.
impl fmt::Display for Filled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.variables {
            let value = shlex::try_quote(value).map_err(|_| fmt::Error)?;
            writeln!(f, "export {name}={value}")?;
        }
        f.write_str(&self.script)
    }
}

/// A value as a variable can hold it: without a NUL, and not too long.
fn fit(value: &str) -> String {
    let value = value.replace('\0', "\u{fffd}");
    let end = value.floor_char_boundary(VARIABLE_MAX_BYTES);
    value[..end].to_owned()
}

/// The variable of a tag, as fail2ban names it: `f2bV_matches`, and `f2bV_F_user` for `<F-USER>`.
fn variable(tag: &str) -> String {
    let tag = match tag.strip_prefix("F-") {
        Some(name) => format!("F_{}", name.to_lowercase()),
        None => tag.to_owned(),
    };
    format!("f2bV_{}", tag.replace(|c: char| !c.is_ascii_alphanumeric(), "_"))
}

/// Gives the tags of a text their values, in one pass: what stands in a value is no tag. A tag without a value stays.
pub fn replace<'v>(text: &str, mut value: impl FnMut(&str) -> Option<Cow<'v, str>>) -> String {
    replace_in(text, |tag, _, _| value(tag))
}

/// The same for who wants to know what is before the tag, and which character is behind it.
fn replace_in<'v>(
    text: &str,
    mut value: impl FnMut(&str, &str, Option<char>) -> Option<Cow<'v, str>>,
) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let behind = |tag: &str| &rest[tag.len() + 2..];
        let found = tag_at(rest)
            .and_then(|tag| Some((behind(tag), value(tag, &out, behind(tag).chars().next())?)));
        if let Some((behind, value)) = found {
            out.push_str(&value);
            rest = behind;
        } else {
            out.push('<');
            rest = &rest[1..];
        }
    }
    out + rest
}

/// The names of the tags in a text.
pub fn tags(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices('<').filter_map(|(at, _)| tag_at(&text[at..]))
}

/// The name of the tag that begins where the text does.
fn tag_at(text: &str) -> Option<&str> {
    let end = text[1..].find([' ', '<', '>'])? + 1;
    (end > 1 && text[end..].starts_with('>')).then(|| &text[1..end])
}

/// Whether a value means nothing to a shell nor to what it runs, wherever it stands.
fn is_harmless(value: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".:/_-@+,%".contains(c);
    let is_number = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    value.len() <= INLINE_MAX_BYTES
        && value.chars().all(is_plain)
        && value.strip_prefix('-').is_none_or(is_number)
}

/// Whether a value means nothing to a shell in quotes of any kind. fail2ban takes such values for harmless everywhere.
fn is_plain(value: &str) -> bool {
    value.len() <= INLINE_MAX_BYTES
        && !value.contains(|c| "\\#&;`|*?~<>^()[]{}$'\"\n\r\0".contains(c))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn values(tag: &str) -> Option<Cow<'static, str>> {
        let value = match tag {
            "ip" => "192.0.2.1",
            "F-USER" => "$(touch /tmp/x); 'a' \"b\"",
            "F_USER" => "other one",
            "matches" => "<ip> < >\n",
            "none" => "",
            _ => return None,
        };
        Some(value.into())
    }

    #[test]
    fn harmless_values_are_text_and_others_variables() {
        let filled =
            Filled::new("ask <ip>'<none>' \"<F-USER>\" <F-USER> <F_USER>x <x> <a b> < <>", values);
        let hostile = ("f2bV_F_user".to_owned(), "$(touch /tmp/x); 'a' \"b\"".to_owned());
        let other = ("f2bV_F_USER".to_owned(), "other one".to_owned());
        assert_eq!(
            filled,
            Filled {
                script:
                    "ask 192.0.2.1'' \"$f2bV_F_user\" $f2bV_F_user ${f2bV_F_USER}x <x> <a b> < <>"
                        .into(),
                variables: vec![hostile, other],
            }
        );
    }

    #[test]
    fn in_single_quotes_plain_values_are_text() {
        let value = |tag: &str| Some(Cow::from(if tag == "plain" { "é = b" } else { "$(b)" }));
        let filled = Filled::new("a '<plain> <other>' \"'<plain>'\"", value);
        assert_eq!(filled.script(), "a 'é = b $f2bV_other' \"'$f2bV_plain'\"");
    }

    #[test]
    fn a_value_is_no_template() {
        assert_eq!(replace("<matches>|<ip>", values), "<ip> < >\n|192.0.2.1");
        assert_eq!(tags("a <ip> <a b> <<x> >").collect::<Vec<_>>(), ["ip", "x"]);
    }

    #[test]
    fn the_shell_sees_values_as_they_are() {
        let status = |command: &str| {
            Filled::new(command, values).run(Duration::from_secs(20), &[]).unwrap().status
        };
        assert_eq!(status("test \"<F-USER>\" = '$(touch /tmp/x); '\\''a'\\'' \"b\"'"), 0);
        assert_eq!(status("exit 3"), 3);
        assert_eq!(status("kill -9 $$"), 137);
    }

    #[test]
    fn a_value_of_any_length_can_be_run() {
        let long = "x".repeat(1 << 20);
        for value in [long.clone(), format!("{long} ")] {
            let filled = Filled::new("printf %s \"<F-A>\" | wc -c", |_| Some((&value).into()));
            let ended = filled.run(Duration::from_secs(20), &[]).unwrap();
            assert_eq!(ended.stdout, format!("{VARIABLE_MAX_BYTES}\n").as_bytes(), "{ended}");
        }
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        let filled = Filled::new("echo <ip> \"<F-USER>\" '<matches>'", values);
        let shown = "export f2bV_F_user='$(touch /tmp/x); '\"'a' \\\"b\\\"\"\n\
                     export f2bV_matches='<ip> < >\n'\n\
                     echo 192.0.2.1 \"$f2bV_F_user\" '$f2bV_matches'";
        assert_eq!(filled.to_string(), shown);
    }

    #[test]
    fn err_a_command_without_end_is_killed_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // The one that waits inherits the lock.
        let command = format!("exec 9> {}; flock 9; sleep 60 & wait", file.path().display());
        let error = Filled::new(&command, values).run(Duration::from_millis(500), &[]).unwrap_err();
        assert!(matches!(error, CommandError::Timeout(_)), "{error}");
        let since = Instant::now();
        file.as_file().lock().unwrap();
        assert!(since.elapsed() < Duration::from_secs(30), "its child is alive");
    }
}
