//! `get OPTION` and `set OPTION VALUE`: what the server is set to.

use super::jail::seconds;
use super::raised::Raised;
use super::{Speaker, Words};
use crate::compat::Value;
use crate::control::{Command, Reply, Request, ServerSettings, ServerTuning};

impl Speaker<'_> {
    /// `None` if the word is no option of the server.
    pub(super) fn server_option(self, option: &str) -> Option<Result<Value, Raised>> {
        let read: fn(&ServerSettings) -> Value = match option {
            "loglevel" => |set| set.loglevel.as_str().into(),
            "logtarget" => |set| set.logtarget.as_str().into(),
            "syslogsocket" => |set| set.syslogsocket.as_str().into(),
            "dbfile" => |set| set.dbfile.as_deref().map_or(Value::None, Value::from),
            "dbpurgeage" => |set| of_database(set, seconds(set.dbpurgeage_us)),
            "dbmaxmatches" => |set| of_database(set, Value::Int(set.dbmaxmatches.into())),
            // f2b's threads have the stacks that they need.
            "thread" => |_| Value::Dict(vec![("stacksize".into(), 0.into())]),
            _ => return None,
        };
        Some(self.server(Command::Server).map(|settings| read(&settings)))
    }

    /// The same. `allowipv6` is set only.
    pub(super) fn set_server_option(
        self,
        option: &str,
        words: &Words<'_>,
    ) -> Option<Result<Value, Raised>> {
        let tuning: fn(String) -> ServerTuning = match option {
            "loglevel" => ServerTuning::Loglevel,
            "logtarget" => ServerTuning::Logtarget,
            "syslogsocket" => ServerTuning::Syslogsocket,
            "dbfile" => ServerTuning::Dbfile,
            "dbpurgeage" => ServerTuning::Dbpurgeage,
            "dbmaxmatches" => ServerTuning::Dbmaxmatches,
            "allowipv6" => ServerTuning::Allowipv6,
            "thread" => return Some(thread(words)),
            _ => return None,
        };
        Some(self.tune_server(option, tuning, words))
    }

    fn tune_server(
        self,
        option: &str,
        tuning: fn(String) -> ServerTuning,
        words: &Words<'_>,
    ) -> Result<Value, Raised> {
        let word = words.text(2)?.into_owned();
        if option == "allowipv6" {
            self.server(Command::TuneServer(tuning(word.clone())))?;
            return Ok(word.into());
        }
        let is_of_database = matches!(option, "dbpurgeage" | "dbmaxmatches");
        // Without a database such a word isn't even read.
        if is_of_database && self.server(Command::Server)?.dbfile.is_none() {
            return Ok(Value::None);
        }
        self.server(Command::TuneServer(tuning(word)))?;
        self.server_option(option).unwrap_or(Ok(Value::None))
    }

    fn server(self, command: Command) -> Result<ServerSettings, Raised> {
        let settings = self.first(Request::Daemon(command), |reply| match reply {
            Reply::Server(settings) => Some(settings),
            _ => None,
        })?;
        Ok(settings.unwrap_or_default())
    }
}

fn of_database(settings: &ServerSettings, value: Value) -> Value {
    if settings.dbfile.is_some() { value } else { Value::None }
}

/// DIFFERS: the size of stacks is no one's choice but f2b's.
fn thread(words: &Words<'_>) -> Result<Value, Raised> {
    match words.get(2)? {
        Value::Dict(_) => Ok(Value::None),
        _ => Err(Raised::builtin("AttributeError", "'str' object has no attribute 'items'")),
    }
}
