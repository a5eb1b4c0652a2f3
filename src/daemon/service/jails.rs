//! Other jails: those of the configuration read again, or as somebody has changed them.

use std::sync::PoisonError;

use super::super::error::ServiceError;
use super::super::log::Event as Line;
use super::super::settings::Settings;
use super::super::wake::Answer;
use super::{Ended, Service};
use crate::config::Config;
use crate::control::{JailFollowing, UnusableJail};
use crate::engine::Muster;
use crate::model::{Clock, SystemClock};

/// The jails that are enabled; it is an error if the configuration can't be read at all.
pub(super) fn muster(settings: &Settings) -> Result<Muster, ServiceError> {
    let config = Config::open(&settings.config)?;
    Ok(Muster::of(&config, &[], SystemClock.now()))
}

impl Service<'_> {
    /// Begins anew with these jails.
    pub(super) fn begin(&self, muster: &Muster) {
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        let known = std::mem::take(&mut following.jails);
        let jails = muster.names().into_iter().map(|name| {
            let before = known.iter().find(|jail| jail.name == name).cloned();
            before.unwrap_or_else(|| JailFollowing { name, ..JailFollowing::default() })
        });
        following.jails = jails.collect();
        following.logs.clear();
        let unusable = muster.unusable.iter();
        let unusable =
            unusable.map(|jail| UnusableJail { name: jail.jail.clone(), why: jail.why() });
        following.unusable = unusable.collect();
    }

    /// The jails of the configuration as it is by now, if it can be used; what is wrong with it is the answer. Of one jail,
    /// if one is named, and the others as they are.
    pub(super) fn reload(
        &mut self,
        present: &Muster,
        jail: Option<&str>,
        answer: Option<Answer>,
    ) -> Option<Muster> {
        match jail {
            Some(jail) => self.log.info("server", format_args!("Reload jail {jail}")),
            None => self.log.info("server", format_args!("Reload all jails")),
        }
        self.notify.tell("RELOADING=1");
        let new = muster(self.settings).map_err(|error| error.to_string());
        let new = new.and_then(|mut new| {
            if let Some(jail) = jail {
                new.keep_only(jail);
            }
            new.refusal(present).map_or(Ok(new), Err)
        });
        match new {
            Ok(new) => {
                let mut roster = self.roster.lock().unwrap_or_else(PoisonError::into_inner);
                roster.reload(&new, jail);
                self.answers.extend(answer);
                self.former.is_told = jail.is_some();
                Some(roster.muster())
            }
            Err(why) => {
                let what =
                    format_args!("the configuration is not taken, all goes on as it was: {why}");
                self.log.error("server", what);
                self.notify.tell("READY=1");
                // Who asked may be gone.
                let _ = answer.map(|answer| answer.send(Err(why)));
                None
            }
        }
    }

    /// The jails as somebody has changed them.
    pub(super) fn tuned(&self, present: &Muster, actions: bool) -> Ended {
        let new = self.roster.lock().unwrap_or_else(PoisonError::into_inner).muster();
        let (before, after) = (present.names(), new.names());
        for jail in before.iter().filter(|jail| !after.contains(jail)) {
            self.log.event(&Line::JailStopped { jail });
        }
        for jail in after.iter().filter(|jail| !before.contains(jail)) {
            self.log.event(&Line::JailStarted { jail });
        }
        if actions { Ended::Reloaded(new) } else { Ended::Tuned(new) }
    }
}
