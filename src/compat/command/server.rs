//! Commands about the server, and about jails as wholes.

use std::thread;
use std::time::{Duration, Instant};

use super::raised::Raised;
use super::{Speaker, Words, text, words};
use crate::compat::{Value, python};
use crate::control::{Command, Reply, Request};

/// The name that stands for all jails, and is none.
const ALL: &str = "--all";

impl Speaker<'_> {
    pub(super) fn flush_logs(self) -> Result<Value, Raised> {
        let said = self.first(Request::Daemon(Command::Reopen), |reply| match reply {
            Reply::Reopened(said) => Some(said),
            _ => None,
        })?;
        Ok(said.map_or(Value::None, Value::Text))
    }

    pub(super) fn stop(self) -> Result<Value, Raised> {
        self.order(Command::Stop)?;
        Ok(Value::None)
    }

    pub(super) fn stop_jail(self, jail: &str) -> Result<Value, Raised> {
        let name = Some(jail.to_owned()).filter(|name| name != ALL);
        self.order(Command::StopJail { name })?;
        Ok(Value::None)
    }

    /// One that runs goes on.
    pub(super) fn start_jail(self, jail: &str) -> Result<Value, Raised> {
        self.order(Command::StartJail { name: jail.to_owned() })?;
        Ok(Value::None)
    }

    pub(super) fn add_jail(self, jail: &str, backend: Option<String>) -> Result<Value, Raised> {
        self.order(Command::AddJail { name: jail.to_owned(), backend })?;
        Ok(jail.into())
    }

    /// Obeys commands up to the first that can't be: they say nothing themselves.
    pub(super) fn stream(self, commands: &Value) -> Result<Value, Raised> {
        let commands = match commands {
            Value::List(commands) | Value::Tuple(commands) => commands.as_slice(),
            _ => &[],
        };
        for command in commands {
            self.obey(&Words(&words(command.clone())?))?;
        }
        Ok(Value::None)
    }

    /// DIFFERS: the stream of commands that the client has made of a configuration is not looked at. f2b reads its own,
    /// and takes it as a whole or not at all.
    pub(super) fn reload(self, jail: &str, options: &Value) -> Result<Value, Raised> {
        let options = match options {
            Value::List(options) | Value::Tuple(options) => options.as_slice(),
            _ => &[],
        };
        let has = |name| options.iter().any(|option| text(option) == name);
        let one = Some(jail.to_owned()).filter(|name| name != ALL);
        let reload =
            Command::Reload { jail: one, restart: has("--restart"), unban: has("--unban") };
        let names = self.first(Request::Daemon(reload), |reply| match reply {
            Reply::Reloaded { jails, .. } => Some(jails),
            _ => None,
        })?;
        let is_there = jail == ALL || names.iter().flatten().any(|name| name == jail);
        if is_there || has("--if-exists") {
            Ok("OK".into())
        } else {
            Err(Raised::unknown_jail(jail))
        }
    }
}

/// Keeps this client waiting, and nobody else.
///
/// DIFFERS: fail2ban's server sleeps as a whole.
pub(super) fn sleep(seconds: &str) -> Result<Value, Raised> {
    let Ok(number) = seconds.trim().parse::<f64>() else {
        let seconds = python::repr(&seconds.into());
        return Err(Raised::value(format!("could not convert string to float: {seconds}")));
    };
    let Ok(long) = Duration::try_from_secs_f64(number) else {
        return Err(Raised::value("sleep length must be non-negative"));
    };
    let begun = Instant::now();
    while let Some(left) = long.checked_sub(begun.elapsed()).filter(|left| !left.is_zero()) {
        thread::park_timeout(left);
    }
    Ok(Value::None)
}
