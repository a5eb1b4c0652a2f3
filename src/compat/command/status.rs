//! `status` and `stats`: what other programs read by position.

use super::raised::Raised;
use super::{Speaker, bans, count, texts};
use crate::compat::Value;
use crate::control::{Command, JailSettings, JailStatus, Question, Reply, Request};
use crate::model::Ban;

/// What is shown of a jail.
struct Shown {
    status: JailStatus,
    /// In the order in which they began.
    bans: Vec<Ban>,
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
        Ok(self.shown(jail)?.status(flavour))
    }

    /// Of fail2ban 1.1: with the jails in a dictionary behind what `status` says.
    pub(super) fn status_of_all(self, flavour: &str) -> Result<Value, Raised> {
        let mut status = self.overview()?;
        let jails = self.sorted(|shown| shown.status(flavour))?;
        status.push(Value::Dict(jails));
        Ok(Value::List(status))
    }

    /// Of fail2ban 1.1: by jail, how it reads, and `(current, total)` of failures and bans.
    pub(super) fn stats(self) -> Result<Value, Raised> {
        Ok(Value::Dict(self.sorted(Shown::stats)?))
    }

    fn sorted(self, show: impl Fn(Shown) -> Value) -> Result<Vec<(Value, Value)>, Raised> {
        let mut jails = self.jails()?;
        jails.sort_unstable();
        let shown = |jail: String| Ok((jail.as_str().into(), show(self.shown(&jail)?)));
        jails.into_iter().map(shown).collect()
    }

    fn shown(self, jail: &str) -> Result<Shown, Raised> {
        let mut bans = Vec::new();
        let question = Question::Jail { name: jail.to_owned() };
        let status = self.collect(Request::Ask(question), |reply| match reply {
            Reply::Jail(status) => Some(status),
            Reply::Ban(ban) => {
                bans.push(ban);
                None
            }
            _ => None,
        })?;
        let status = status.into_iter().next().ok_or_else(|| Raised::unknown_jail(jail))?;
        bans::sort(&mut bans);
        let settings = Request::Daemon(Command::Settings { jail: jail.to_owned() });
        let settings = self.collect(settings, |reply| match reply {
            Reply::Settings(settings) => Some(*settings),
            _ => None,
        });
        Ok(Shown { status, bans, settings: settings.ok().and_then(|all| all.into_iter().next()) })
    }
}

impl Shown {
    /// DIFFERS: in the flavour `stats` of 1.1, of which its client makes nothing that can be read, this is `basic`. Nobody
    /// is asked what network and country a host is of.
    fn status(self, flavour: &str) -> Value {
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
        let filter = vec![
            pair("Currently failed", count(failed_lately)),
            pair("Total failed", count(summary.failures)),
            third,
        ];
        let mut actions = vec![
            pair("Currently banned", count(self.bans.len())),
            pair("Total banned", count(summary.bans)),
        ];
        if flavour != "short" {
            let hosts = self.bans.iter().map(|ban| ban.host.to_string());
            actions.push(pair("Banned IP list", texts(hosts)));
        }
        if flavour == "cymru" {
            for name in ["Banned ASN list", "Banned Country list", "Banned RIR list"] {
                actions.push(pair(name, texts(["error"])));
            }
        }
        Value::List(vec![
            pair("Filter", Value::List(filter)),
            pair("Actions", Value::List(actions)),
        ])
    }

    fn stats(self) -> Value {
        let summary = self.status.summary;
        let backend =
            self.settings.map_or_else(|| "polling".to_owned(), |settings| settings.backend);
        Value::List(vec![
            backend.into(),
            Value::Tuple(vec![count(self.status.failed_lately), count(summary.failures)]),
            Value::Tuple(vec![count(self.bans.len()), count(summary.bans)]),
        ])
    }
}

fn pair(name: &str, value: Value) -> Value {
    Value::Tuple(vec![name.into(), value])
}
