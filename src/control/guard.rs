//! Whom nobody bans on purpose: this machine, whom the jail ignores, and who gives the order.

use super::{Guard, Jails};
use crate::engine::ignore::IgnoreRules;
use crate::model::{Host, Time};

/// What is known of those who are not banned in a jail, unless that is insisted on.
#[derive(Debug)]
pub(super) struct Spared {
    guard: Guard,
    own: IgnoreRules,
    jail: Option<(String, IgnoreRules)>,
}

impl Spared {
    pub(super) fn new(guard: Guard, jail: &str, jails: Jails<'_>) -> Self {
        let rules = jails.definition(jail).map(|draft| IgnoreRules::of_others(&draft.jail));
        let jail = rules.map(|rules| (jail.to_owned(), rules));
        Self { guard, own: IgnoreRules::own(), jail }
    }

    /// Why `host` is not to be banned, for what is written alone.
    pub(super) fn why(&self, host: &Host) -> Option<String> {
        let addr = host.addr();
        let is_one = addr.is_none_or(crate::model::Addr::is_host);
        if let (Some(peer), Some(addr)) = (self.guard.peer, addr)
            && addr.contains(peer)
        {
            let whose = if is_one {
                "is where you are logged in from"
            } else {
                "holds the address from which you are logged in"
            };
            return Some(format!("{whose} ({peer})"));
        }
        if self.own.rule(host).is_some() {
            let whose = if is_one { "is" } else { "holds" };
            return Some(format!("{whose} an address of this machine"));
        }
        let (jail, rules) = self.jail.as_ref()?;
        let rule = crate::text::shown(rules.rule(host)?).into_owned();
        Some(if is_one {
            format!("is ignored by the jail '{jail}' (ignoreip: {rule})")
        } else {
            format!("holds whom the jail '{jail}' ignores (ignoreip: {rule})")
        })
    }

    /// Why `host` is not to be banned; names are looked up, and the jail's command is asked.
    pub(super) fn why_asked(&self, host: &Host, now: Time) -> Option<String> {
        self.why(host).or_else(|| {
            let (jail, rules) = self.jail.as_ref()?;
            let is_ignored = rules.ignores_host(host, now);
            is_ignored.then(|| {
                format!("is ignored by the jail '{jail}' (a name in ignoreip, or ignorecommand)")
            })
        })
    }
}
