//! Requests of fail2ban's tools, made into ours and answered in kind.
//!
//! A request is a list of words, as typed behind `fail2ban-client`; a reply is `(0, VALUE)` or `(1, EXCEPTION)`. What a
//! command answers is written where it is: [`server`] has those about the server, [`status`] what is shown of jails,
//! [`bans`] those that ask for bans or change them. What a word means that is no command, and which exception says so,
//! is as fail2ban's server has it; everything is done by [`Request`]s, as f2b's own commands are.

mod actions;
mod bans;
mod jail;
mod raised;
mod server;
mod settings;
mod status;

use std::borrow::Cow;
use std::fmt;
use std::io;

use self::raised::Raised;
use super::pickle::Malformed;
use super::python;
use super::value::Value;
use crate::control::{Command, Failed, Following, Reply, Request, Take, Tuning};
use crate::model::Zone;

/// The version of fail2ban that `version` tells: whose commands are answered.
pub const VERSION: &str = "1.1.0";

/// Who answers requests: a daemon.
type Ask<'a> = dyn Fn(Request, &mut Take<'_>) -> Result<(), Failed> + 'a;

/// Answers requests of fail2ban's tools by having others answered.
#[derive(Clone, Copy)]
pub struct Speaker<'a> {
    ask: &'a Ask<'a>,
    zone: Zone,
}

impl fmt::Debug for Speaker<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Speaker").field("zone", &self.zone).finish_non_exhaustive()
    }
}

impl<'a> Speaker<'a> {
    /// Whose requests are answered by `ask`, and who tells times in `zone`.
    pub fn new(ask: &'a Ask<'a>, zone: Zone) -> Self {
        Self { ask, zone }
    }

    /// The reply to a request: a pair, or a mere text if it could not be read.
    pub fn reply(self, request: Result<Value, Malformed>) -> Value {
        let answered = match request {
            Ok(request) => words(request).and_then(|words| self.obey(&Words(&words))),
            Err(why) => return format!("ERROR: {why}").into(),
        };
        match answered {
            Ok(value) => Value::Tuple(vec![0.into(), value]),
            Err(Raised(exception)) => Value::Tuple(vec![1.into(), exception]),
        }
    }

    fn obey(self, words: &Words<'_>) -> Result<Value, Raised> {
        match (&*words.text(0)?, words.len()) {
            ("ping", _) => Ok("pong".into()),
            ("echo", _) => Ok(Value::List(words.from(1).to_vec())),
            ("version", _) => Ok(VERSION.into()),
            ("server-status", _) => Ok("Server ready".into()),
            // What a client could not read is its user's affair.
            ("config-error", _) => Ok(Value::None),
            ("sleep", _) => server::sleep(&words.text(1)?),
            ("flushlogs", _) => self.flush_logs(),
            ("stop", 1) => self.stop(),
            ("stop", _) => self.stop_jail(&words.text(1)?),
            ("start", _) => self.start_jail(&words.text(1)?),
            ("add", _) => self.add_jail(&words.text(1)?, words.optional(2)),
            ("reload", _) => self.reload(&words.text(1)?, words.get(2)?),
            ("status", 1) => Ok(Value::List(self.overview()?)),
            ("status", 2 | 3) => match &*words.text(1)? {
                "--all" => self.status_of_all(&words.optional(2).unwrap_or_default()),
                jail => self.status(jail, &words.optional(2).unwrap_or_default()),
            },
            ("status", _) => Err(Raised::exception("Invalid command (no status)")),
            ("stats" | "statistic" | "statistics", _) => self.stats(),
            ("banned", _) => self.banned(words.from(1)),
            ("unban", 1) => Err(Raised::exception("Invalid command")),
            ("unban", _) => self.unban(words.from(1)),
            ("get", _) => self.get(words),
            ("set", _) => self.set(words),
            ("multi-set", _) => self.set_many(words),
            ("server-stream", _) => self.stream(words.get(1)?),
            _ => Err(Raised::exception("Invalid command")),
        }
    }

    /// A jail that has the name of an option of the server can't be asked. fail2ban looks at the option before it looks for
    /// the jail.
    fn get(self, words: &Words<'_>) -> Result<Value, Raised> {
        let jail = words.text(1)?;
        if let Some(answer) = self.server_option(&jail) {
            return answer;
        }
        let rest = words.from(3);
        match &*words.text(2)? {
            "banip" => self.banned_by_end(&jail, rest),
            "banned" => self.banned_in(&jail, rest),
            "actions" => self.actions(&jail),
            "action" => self.action_property(&jail, rest),
            "actionproperties" => self.action_properties(&jail, rest),
            "actionmethods" => self.action_methods(&jail, rest),
            option => self.option(&jail, option),
        }
    }

    fn set(self, words: &Words<'_>) -> Result<Value, Raised> {
        let jail = words.text(1)?;
        if let Some(answer) = self.set_server_option(&jail, words) {
            return answer;
        }
        let rest = words.from(3);
        match &*words.text(2)? {
            "banip" => self.ban_ip(&jail, rest),
            "unbanip" => self.unban_ip(&jail, rest),
            "attempt" => self.attempt(&jail, rest),
            "addaction" => self.add_action(&jail, rest),
            "delaction" => self.del_action(&jail, rest),
            "action" => self.set_action(&jail, rest),
            option => self.set_option(&jail, option, rest),
        }
    }

    /// Several values at once.
    fn set_many(self, words: &Words<'_>) -> Result<Value, Raised> {
        let (jail, rest) = (words.text(1)?, words.from(3));
        match &*words.text(2)? {
            "addfailregex" => self.add_regexes(&jail, rest, Tuning::AddFailregex),
            "addignoreregex" => self.add_regexes(&jail, rest, Tuning::AddIgnoreregex),
            "action" => self.set_action_properties(&jail, rest),
            _ => self.set(words),
        }
    }

    /// Has a request answered; what `take` makes of the replies.
    fn collect<T>(
        self,
        request: Request,
        mut take: impl FnMut(Reply) -> Option<T>,
    ) -> Result<Vec<T>, Raised> {
        let mut found = Vec::new();
        (self.ask)(request, &mut |reply| {
            found.extend(take(reply));
            Ok(())
        })?;
        Ok(found)
    }

    /// Has a request answered as far as `take` makes something of a reply: no further.
    fn first<T>(
        self,
        request: Request,
        mut take: impl FnMut(Reply) -> Option<T>,
    ) -> Result<Option<T>, Raised> {
        let mut found = None;
        let answered = (self.ask)(request, &mut |reply| {
            found = take(reply);
            if found.is_some() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        });
        match answered {
            Ok(()) | Err(Failed::Untaken(_)) => Ok(found),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Has the daemon do something whose replies say nothing more.
    fn order(self, command: Command) -> Result<(), Raised> {
        self.collect(Request::Daemon(command), |_| None::<()>).map(drop)
    }

    /// The jails that run, in the order of the configuration.
    fn jails(self) -> Result<Vec<String>, Raised> {
        let jails = self.first(Request::Daemon(Command::Status), |reply| match reply {
            Reply::Following(Following { jails, .. }) => Some(jails),
            _ => None,
        })?;
        Ok(jails.into_iter().flatten().map(|jail| jail.name).collect())
    }

    /// Whether there is such a jail.
    fn running(self, jail: &str) -> Result<(), Raised> {
        self.settings(jail).map(drop)
    }
}

/// The words of a request. fail2ban's server takes whatever has members that can be counted.
fn words(request: Value) -> Result<Vec<Value>, Raised> {
    match request {
        Value::List(words) | Value::Tuple(words) => Ok(words),
        Value::Dict(pairs) => {
            let word = |at| pairs.iter().find(|(key, _)| *key == Value::Int(at));
            Ok((0..).map_while(word).map(|(_, word)| word.clone()).collect())
        }
        // Its first letter is no command.
        Value::Text(_) | Value::Bytes(_) => Err(Raised::exception("Invalid command")),
        Value::None => Err(Raised::not_counted("NoneType")),
        Value::Bool(_) => Err(Raised::not_counted("bool")),
        Value::Int(_) => Err(Raised::not_counted("int")),
        Value::Float(_) => Err(Raised::not_counted("float")),
        Value::Set(_) => Err(Raised::not_counted("set")),
        Value::Exception { class, .. } => Err(Raised::not_counted(&class)),
    }
}

struct Words<'w>(&'w [Value]);

impl Words<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, at: usize) -> Result<&Value, Raised> {
        self.0.get(at).ok_or_else(Raised::no_such_word)
    }

    fn text(&self, at: usize) -> Result<Cow<'_, str>, Raised> {
        self.get(at).map(text)
    }

    fn optional(&self, at: usize) -> Option<String> {
        self.0.get(at).map(|word| text(word).into_owned())
    }

    fn from(&self, at: usize) -> &[Value] {
        self.0.get(at..).unwrap_or_default()
    }
}

/// A word as text.
fn text(word: &Value) -> Cow<'_, str> {
    match word {
        Value::Text(text) => text.into(),
        other => python::str(other).into(),
    }
}

fn texts(texts: impl IntoIterator<Item = impl Into<String>>) -> Value {
    Value::List(texts.into_iter().map(|text| Value::Text(text.into())).collect())
}

fn count(number: impl TryInto<i64>) -> Value {
    Value::Int(number.try_into().unwrap_or(i64::MAX))
}
