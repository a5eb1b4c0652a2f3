//! `reload` and `-d`: the configuration, as commands.

use super::{Client, Connection, Done};
use crate::compat::Value;
use crate::compat::python::repr;
use crate::compat::stream::{self, Instead};
use crate::config::Config;

const OPTIONS: [&str; 3] = ["--restart", "--unban", "--if-exists"];

impl Client<'_> {
    /// Options, then a jail or none. The server is sent all that it needs; the daemon of this program reads the
    /// configuration itself.
    pub(super) fn reload(&mut self, words: &[String]) -> Done {
        let count = words.iter().take_while(|word| OPTIONS.contains(&word.as_str())).count();
        let (options, names) = words.split_at(count);
        let jail = match names {
            [] => None,
            [name] if name == "--all" => None,
            [name] => Some(name.as_str()),
            several => {
                let several = repr(&texts(several));
                self.say.error(&format!("Unexpected argument(s) for reload: {several}"));
                return Ok(false);
            }
        };
        if !self.is_running() {
            self.say.error("Could not find server");
            return Ok(false);
        }
        let Some(stream) = self.stream(jail) else { return Ok(false) };
        self.out.flush()?;
        let name = jail.unwrap_or("--all").into();
        let request = Value::List(vec!["reload".into(), name, texts(options), Value::List(stream)]);
        let reply =
            Connection::open(&self.server.socket, None).and_then(|mut server| server.ask(&request));
        match reply {
            Ok(reply) => self.show(&["reload".to_owned()], &reply),
            Err(error) => {
                self.no_contact(&[], &error);
                Ok(false)
            }
        }
    }

    /// The commands for a jail or for all; what keeps them from being made was told.
    fn stream(&self, jail: Option<&str>) -> Option<Vec<Value>> {
        let own = &self.options;
        let instead = Instead {
            syslogsocket: own.syslogsocket.clone(),
            loglevel: own.loglevel.clone(),
            logtarget: own.logtarget.clone(),
        };
        let failed = |why: &dyn std::fmt::Display| {
            self.say.error(&format!("Failed during configuration: {why}"));
        };
        let config = Config::open(&own.conf).inspect_err(|error| failed(error)).ok()?;
        stream::of(&config, &instead, jail).inspect_err(|error| failed(error)).ok()
    }

    pub(super) fn dump(&mut self) -> Done {
        let Some(stream) = self.stream(None) else { return Ok(false) };
        for command in stream {
            writeln!(self.out, "{}", repr(&command))?;
        }
        Ok(true)
    }
}

fn texts(words: &[String]) -> Value {
    Value::List(words.iter().map(|word| word.as_str().into()).collect())
}
