//! `status` and `stats`: what other programs read by position.

use super::raised::Raised;
use super::{Speaker, count, texts};
use crate::compat::Value;
use crate::control::{Command, JailSettings, JailStatus, Question, Reply, Request};

/// What is shown of a jail.
struct Shown {
    status: JailStatus,
    /// `None` if the daemon doesn't say.
    settings: Option<JailSettings>,
}

impl Speaker<'_> {
    pub(super) fn overview(self) -> Result<Vec<Value>, Raised> {
        let mut jails = self.jails()?;
        jails.sort_unstable();
        Ok(vec![
            pair("Number of jail", count(jails.len())),
            pair("Jail list", jails.join(", ").into()),
        ])
    }

    pub(super) fn status(self, jail: &str, flavour: &str) -> Result<Value, Raised> {
        self.running(jail)?;
        self.tree(jail, flavour)
    }

    /// Of fail2ban 1.1: with the jails in a dictionary behind what `status` says.
    pub(super) fn status_of_all(self, flavour: &str) -> Result<Value, Raised> {
        let mut status = self.overview()?;
        let jails = self.sorted(|jail| self.tree(jail, flavour))?;
        status.push(Value::Dict(jails));
        Ok(Value::List(status))
    }

    /// Of fail2ban 1.1: by jail, how it reads, and `(current, total)` of failures and bans.
    pub(super) fn stats(self) -> Result<Value, Raised> {
        Ok(Value::Dict(self.sorted(|jail| Ok(self.shown(jail)?.stats()))?))
    }

    fn sorted(
        self,
        show: impl Fn(&str) -> Result<Value, Raised>,
    ) -> Result<Vec<(Value, Value)>, Raised> {
        let mut jails = self.jails()?;
        jails.sort_unstable();
        jails.into_iter().map(|jail| Ok((jail.as_str().into(), show(&jail)?))).collect()
    }

    /// DIFFERS: in the flavour `stats` of 1.1, of which its client makes nothing that can be read, this is `basic`. Nobody
    /// is asked what network and country a host is of.
    fn tree(self, jail: &str, flavour: &str) -> Result<Value, Raised> {
        let shown = self.shown(jail)?;
        let mut actions = vec![
            pair("Currently banned", count(shown.status.summary.bans_active)),
            pair("Total banned", count(shown.status.summary.bans)),
        ];
        if flavour != "short" {
            let hosts = self.in_force(Some(jail))?.into_iter().map(|ban| ban.host.to_string());
            actions.push(pair("Banned IP list", texts(hosts)));
        }
        if flavour == "cymru" {
            for name in ["Banned ASN list", "Banned Country list", "Banned RIR list"] {
                actions.push(pair(name, texts(["error"])));
            }
        }
        let filter = pair("Filter", Value::List(shown.filter()));
        Ok(Value::List(vec![filter, pair("Actions", Value::List(actions))]))
    }

    fn shown(self, jail: &str) -> Result<Shown, Raised> {
        let question = Question::Jail { name: jail.to_owned() };
        let status = self.first(Request::Ask(question), |reply| match reply {
            Reply::Jail(status) => Some(status),
            _ => None,
        })?;
        let status = status.ok_or_else(|| Raised::unknown_jail(jail))?;
        let settings = Request::Daemon(Command::Settings { jail: jail.to_owned() });
        let settings = self.first(settings, |reply| match reply {
            Reply::Settings(settings) => Some(*settings),
            _ => None,
        });
        Ok(Shown { status, settings: settings.ok().flatten() })
    }
}

impl Shown {
    fn filter(self) -> Vec<Value> {
        let JailStatus { failed_lately, logs, summary, .. } = self.status;
        let third = match self.settings {
            Some(settings) if settings.reads_journal => {
                let groups = settings.journalmatch.iter().map(|words| words.join(" "));
                let groups = groups.collect::<Vec<_>>().join(" + ");
                pair("Journal matches", texts(Some(groups).filter(|groups| !groups.is_empty())))
            }
            Some(settings) => pair("File list", texts(settings.logpaths)),
            None => pair("File list", texts(logs)),
        };
        vec![
            pair("Currently failed", count(failed_lately)),
            pair("Total failed", count(summary.failures)),
            third,
        ]
    }

    fn stats(self) -> Value {
        let JailStatus { failed_lately, summary, .. } = self.status;
        Value::List(vec![
            self.settings.as_ref().map_or("polling", backend).into(),
            Value::Tuple(vec![count(failed_lately), count(summary.failures)]),
            Value::Tuple(vec![count(summary.bans_active), count(summary.bans)]),
        ])
    }
}

/// How a jail reads, by fail2ban's names; f2b is told of changes by the kernel unless it is to look for itself.
fn backend(settings: &JailSettings) -> &'static str {
    match &*settings.backend {
        _ if settings.reads_journal => "systemd",
        "polling" => "polling",
        _ => "pyinotify",
    }
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![name.into(), value])
}
