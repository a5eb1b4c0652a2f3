//! Commands of the configuration, with values out of logs in them.
//!
//! A `<tag>` of a command stands for a value that whoever writes to the log may have chosen, to have it run here. So
//! only a value of harmless characters takes the place of its tag; any other becomes a variable of the environment,
//! and the tag a reference to it, which the shell expands when it has long read the command (as fail2ban does).

use std::borrow::Cow;
use std::io;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

/// Why a command has no exit status.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started or waited for.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It took longer than it may, and was killed with its children.
    #[error("it took longer than {} s and was killed", .0.as_secs())]
    Timeout(Duration),
}

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
        let script = replace(command, |tag| {
            let value = value(tag)?;
            if value.chars().all(is_harmless) {
                return Some(value);
            }
            // No variable can hold a NUL.
            let value = value.replace('\0', "\u{fffd}");
            let mut name =
                format!("f2bV_{}", tag.replace(|c: char| !c.is_ascii_alphanumeric(), "_"));
            while variables.iter().any(|(known, other)| *known == name && *other != value) {
                name.push('_');
            }
            let reference = format!("${name}");
            if !variables.iter().any(|(known, _)| *known == name) {
                variables.push((name, value));
            }
            Some(reference.into())
        });
        Self { script, variables }
    }

    /// Runs it in a shell, and gives its exit status: of a command that a signal ended, 128 and the signal, as shells
    /// have it. What it prints goes nowhere, what it complains of where this program's complaints go.
    pub fn run(&self, timeout: Duration) -> Result<i32, CommandError> {
        let mut child = Command::new("/bin/sh")
            .args(["-c", &self.script])
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // So that all it starts can be ended with it.
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        let is_over = wait(pid, timeout);
        if !matches!(is_over, Ok(true)) {
            // It may have ended this instant.
            let _ = kill_process_group(pid, Signal::KILL);
        }
        let status = child.wait()?;
        if is_over? {
            Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
        } else {
            Err(CommandError::Timeout(timeout))
        }
    }
}

/// Waits for the end of a process; `false` if the time was over first.
fn wait(pid: Pid, timeout: Duration) -> io::Result<bool> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let end = Instant::now() + timeout;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let mut ready = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Gives the tags of a text their values, in one pass: what stands in a value is no tag. A tag without a value stays.
pub fn replace<'v>(text: &str, mut value: impl FnMut(&str) -> Option<Cow<'v, str>>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let tag = tag_at(rest);
        if let Some((tag, value)) = tag.and_then(|tag| Some((tag, value(tag)?))) {
            out.push_str(&value);
            rest = &rest[tag.len() + 2..];
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

/// Whether a character means nothing to a shell, wherever it stands.
fn is_harmless(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '/' | '_' | '-' | '@' | '+' | ',' | '%')
}

#[cfg(test)]
mod tests {
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
            Filled::new("ask <ip>'<none>' \"<F-USER>\" <F-USER> <F_USER> <x> <a b> < <>", values);
        let hostile = ("f2bV_F_USER".to_owned(), "$(touch /tmp/x); 'a' \"b\"".to_owned());
        let other = ("f2bV_F_USER_".to_owned(), "other one".to_owned());
        assert_eq!(
            filled,
            Filled {
                script:
                    "ask 192.0.2.1'' \"$f2bV_F_USER\" $f2bV_F_USER $f2bV_F_USER_ <x> <a b> < <>"
                        .into(),
                variables: vec![hostile, other],
            }
        );
    }

    #[test]
    fn a_value_is_no_template() {
        assert_eq!(replace("<matches>|<ip>", values), "<ip> < >\n|192.0.2.1");
        assert_eq!(tags("a <ip> <a b> <<x> >").collect::<Vec<_>>(), ["ip", "x"]);
    }

    #[test]
    fn the_shell_sees_values_as_they_are() {
        let status =
            |command: &str| Filled::new(command, values).run(Duration::from_secs(20)).unwrap();
        assert_eq!(status("test \"<F-USER>\" = '$(touch /tmp/x); '\\''a'\\'' \"b\"'"), 0);
        assert_eq!(status("exit 3"), 3);
        assert_eq!(status("kill -9 $$"), 137);
        assert_eq!(status("no-such-command-here <ip> 2>/dev/null"), 127);
    }

    #[test]
    fn err_a_command_without_end_is_killed_with_its_children() {
        let file = tempfile::NamedTempFile::new().unwrap();
        // The one that waits inherits the lock.
        let command = format!("exec 9> {}; flock 9; sleep 60 & wait", file.path().display());
        let error = Filled::new(&command, values).run(Duration::from_millis(500)).unwrap_err();
        assert!(matches!(error, CommandError::Timeout(_)), "{error}");
        let since = Instant::now();
        file.as_file().lock().unwrap();
        assert!(since.elapsed() < Duration::from_secs(30), "its child is alive");
    }
}
