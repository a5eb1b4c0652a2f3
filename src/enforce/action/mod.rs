//! Actions: what an action file says is to be done at a ban, and all that goes with it.
//!
//! [`Action::compile`] makes one out of its definition: commands by operation and family. What it has done is its
//! [`State`], which is kept between the runs of this program; [`Steps`] are what can be done: start, ban, unban, flush,
//! stop and so on, in fail2ban's order, with its checks and repairs. Commands are run by a [`Shell`], or noted by a
//! [`Recorder`] that runs nothing (a dry run).
//!
//! What is not done here: keeping the list of who is banned, trying again later, deciding when to check. If what an
//! action made had to be made anew, all bans of the family are lost, which [`State::lost`] says until the caller has
//! applied them again ([`Steps::reban`]).
//!
//! What its owner does, and keeps the [`State`] after each step, failed or not:
//!
//! | event | steps |
//! |---|---|
//! | the jail starts | `start`; `ban` of each ban in force that isn't in the firewall |
//! | a ban, a longer one, its end | `ban`, `prolong`, `unban` |
//! | all bans end | `flush`; if it says one by one, `unban` of each |
//! | the configuration was read again | `reload`; unless [`Action::is_current`], first what is done if all bans end |
//! | the action is no longer wanted | what is done if all bans end, `stop` |
//! | from time to time | `verify` |
//! | nobody knows what was done | `adopt`, `flush`, `ban` of each |
//! | the machine was started | all of that is gone: begin with an empty state |
//!
//! After any of them: `reban` of each ban of the families in [`State::lost`], then [`State::set_reapplied`].
//!
//! The source of the behaviour: fail2ban 1.0.2 and 1.1, jail.conf(5). Differences are marked `DIFFERS:`.

mod failed;
mod letter;
mod run;
mod script;
mod state;
mod steps;
mod ticket;

#[cfg(test)]
mod tests;

use std::ffi::OsStr;
use std::time::Duration;

pub use failed::{Failed, Outcome, Reason};
pub use letter::{Letter, LetterError};
pub use run::{Call, Recorder, Run, RunError, Shell, Work};
pub use script::{Family, Operation, Scripts};
pub use state::State;
pub use steps::{Flushed, Steps};
pub use ticket::{Counters, Moment, Past, Ticket};

use crate::config::{ActionDef, Text};
use crate::diag::{Diagnostic, Severity};
use crate::model::duration::parse_secs;
use crate::text;

/// How long a command may take if nothing else is said.
const TIMEOUT: Duration = Duration::from_mins(1);

/// An action of a jail, ready for use.
#[derive(Clone, Debug)]
pub struct Action {
    jail: String,
    name: String,
    scripts: Scripts,
    /// For whom it is started.
    families: Vec<Family>,
    /// Whether it is started before the first ban of a family, not with the jail.
    is_on_demand: bool,
    /// Whether bans of before this program's start are none of its business.
    is_norestored: bool,
    /// Whether a failing check is repaired before an unban as well.
    repairs_on_unban: bool,
    timeout: Duration,
}

impl Action {
    /// Makes an action of a jail out of its definition.
    ///
    /// # Errors
    ///
    /// A tag that stands for itself, a time limit that is none, and programs in Python but for `smtp.py`, which is known.
    pub fn compile(jail: &str, def: &ActionDef) -> Result<Self, Box<Diagnostic>> {
        let file = def.file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let is_smtp = file == "smtp.py";
        let in_jail = |found: Box<Diagnostic>| Box::new(found.with_subject(jail));
        if def.file.extension().is_some_and(|extension| extension == "py") && !is_smtp {
            let message = format!("action '{}' is a Python program", text::shown(&def.name));
            let found = Diagnostic::new("python-action", Severity::Error, message);
            return Err(in_jail(Box::new(found.with_help("use an action with a .conf file"))));
        }
        let scripts = if is_smtp {
            Letter::forms(def).map(Scripts::common).map_err(in_jail)?
        } else {
            Scripts::resolve(def).map_err(in_jail)?
        };
        let is_conditional = def.properties.keys().any(|name| name.contains("?family="));
        let on_demand = def.properties.get("actionstart_on_demand");
        Ok(Self {
            jail: jail.to_owned(),
            name: def.name.clone(),
            scripts,
            families: families(def, is_conditional),
            is_on_demand: match on_demand {
                Some(text) if !text.value.is_empty() => def.is_on("actionstart_on_demand"),
                _ => is_conditional,
            },
            is_norestored: is_smtp || def.is_on("norestored"),
            repairs_on_unban: def.is_on("actionrepair_on_unban"),
            timeout: timeout(def).map_err(in_jail)?,
        })
    }

    /// The action that has done what `state` says, for whoever has to stop it when no configuration knows it any more;
    /// `None` if nothing was done.
    pub fn of_state(jail: &str, name: &str, state: &State) -> Option<Self> {
        Some(Self {
            jail: jail.to_owned(),
            name: name.to_owned(),
            scripts: state.scripts()?.clone(),
            families: state.families(),
            is_on_demand: true,
            is_norestored: false,
            repairs_on_unban: false,
            timeout: TIMEOUT,
        })
    }

    /// The same where there is no IPv6 (`allowipv6`): it isn't started for it.
    #[must_use]
    pub fn without_ipv6(mut self) -> Self {
        self.families.retain(|family| *family != Family::Inet6);
        self
    }

    /// The jail.
    pub fn jail(&self) -> &str {
        &self.jail
    }

    /// What it is called in its jail.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its commands.
    pub fn scripts(&self) -> &Scripts {
        &self.scripts
    }

    /// Whether bans of before this program's start are none of its business (`norestored`).
    pub fn is_norestored(&self) -> bool {
        self.is_norestored
    }

    /// Whether what was done was done with these very commands, or nothing was. If not,
    /// [`reload`](Steps::reload) is due.
    pub fn is_current(&self, state: &State) -> bool {
        state.scripts().is_none_or(|scripts| *scripts == self.scripts)
    }

    /// What can be done with it, by `run`, at this `moment`; `state` is what was done so far.
    pub fn steps<'a, R: Run>(
        &'a self,
        state: &'a mut State,
        run: &'a mut R,
        moment: Moment,
    ) -> Steps<'a, R> {
        Steps::new(self, state, run, moment)
    }
}

/// For whom it is started: as the option of that name says, else for each kind of address if any property depends on
/// it.
fn families(def: &ActionDef, is_conditional: bool) -> Vec<Family> {
    let given = def.properties.get("families").map_or("", |text| &text.value);
    let given: Vec<Family> = [Family::Inet4, Family::Inet6]
        .into_iter()
        .filter(|family| given.split([',', ' ', '\n']).any(|word| word == family.name()))
        .collect();
    if !given.is_empty() {
        given
    } else if is_conditional {
        vec![Family::Inet4, Family::Inet6]
    } else {
        vec![Family::Any]
    }
}

fn timeout(def: &ActionDef) -> Result<Duration, Box<Diagnostic>> {
    let Some(Text { value, at }) = def.properties.get("timeout") else { return Ok(TIMEOUT) };
    let seconds = parse_secs(value).ok();
    seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).ok_or_else(|| {
        let message = format!("'timeout' of action '{}' is no duration", text::shown(&def.name));
        let found = Diagnostic::new("bad-timeout", Severity::Error, message);
        let found = found.with_location(at.clone()).with_text(value);
        Box::new(found.with_help("write seconds or units such as 60, 2m"))
    })
}
