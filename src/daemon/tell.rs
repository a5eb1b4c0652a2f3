//! What happened, as lines of the log.

use std::collections::BTreeMap;

use super::audience::Audience;
use super::log::{Event as Line, Log};
use crate::control::Happening;
use crate::diag::Diagnostic;
use crate::engine::follow::{Event, News, Step};
use crate::engine::muster::{Muster, Unusable};
use crate::engine::writer::FileFate;
use crate::model::{Ban, Prolongation, Time, duration};
use crate::text::printable;

/// Once in so long a jail's odd times are told.
const ODD_AGAIN_US: i64 = 86_400_000_000;

/// Tells.
pub(super) struct Teller {
    pub(super) log: Log,
    audience: Audience,
    /// The names of the jails, by place.
    names: Vec<String>,
    /// When odd times were last told of, by jail.
    odd: BTreeMap<usize, Time>,
}

impl Teller {
    pub(super) fn new(log: Log, audience: Audience, muster: &Muster) -> Self {
        Self { log, audience, names: muster.names(), odd: BTreeMap::new() }
    }

    /// Tells which jails there are, which of them, by place, follow the journal in the place of their logs, and which
    /// can't be.
    pub(super) fn muster(&self, muster: &Muster, instead: &[usize]) {
        for Unusable { jail, findings } in &muster.unusable {
            self.log.error("jail", format_args!("jail '{jail}' can't be used, the others are"));
            self.findings(findings);
        }
        self.findings(&muster.findings);
        if muster.members.is_empty() {
            let what = "no jail is enabled: nothing is followed; f2b check says why";
            self.log.warning("jail", format_args!("{what}"));
        }
        for (place, member) in muster.members.iter().enumerate() {
            let jail = &member.jail.name;
            self.log.event(&Line::JailStarted { jail });
            if instead.contains(&place) {
                self.log.notice(
                    "jail",
                    format_args!("[{jail}] none of its logs exists: it follows the journal"),
                );
            }
            if muster
                .own_log
                .shown_to(&member.def)
                .is_some_and(|shown| shown.written_after.is_none())
            {
                self.log.notice(
                    "jail",
                    format_args!("[{jail}] bans are told elsewhere than in its log: it counts those of the store"),
                );
            }
        }
    }

    fn findings(&self, findings: &[Diagnostic]) {
        for found in findings {
            self.log.warning("configreader", format_args!("{found}"));
        }
    }

    /// Tells what came of what was read.
    pub(super) fn step(&mut self, step: &Step) {
        let now = step.now;
        self.news(&step.news);
        let jail = |place: usize| &*self.names[place];
        for (place, host, at) in &step.pursued.failures {
            if !self.audience.is_empty() {
                let (jail, host, at) = (jail(*place).to_owned(), host.clone(), *at);
                self.audience.tell(&Happening::Failed { jail, host, at });
            }
            let host = &host.to_string();
            self.log.event(&Line::Found { jail: jail(*place), host, at: *at });
        }
        for (place, host, by) in &step.pursued.ignored {
            let (host, rule) = (&host.to_string(), by.rule());
            self.log.event(&Line::Ignored { jail: jail(*place), host, rule });
        }
        let (made, ended) = (&step.pursued.made, &step.pursued.ended);
        let is_made =
            |ban: &&Ban| made.iter().any(|made| made.host == ban.host && made.at == ban.at);
        ended.iter().filter(|ban| !is_made(ban)).for_each(|ban| self.ended(ban, now));
        for ban in made {
            self.made(ban, now);
        }
        for (place, host, age_us) in &step.pursued.already {
            let (host, age_us) = (&host.to_string(), *age_us);
            self.log.event(&Line::AlreadyBanned { jail: jail(*place), host, age_us });
        }
        for longer in &step.pursued.longer {
            self.prolonged(longer, now);
        }
        self.files(&step.files);
        for (place, off_us) in &step.pursued.odd {
            let last = self.odd.get(place).copied();
            if last.is_none_or(|last| now.micros() - last.micros() > ODD_AGAIN_US) {
                self.odd.insert(*place, now);
                self.odd_times(jail(*place), *off_us);
            }
        }
    }

    fn odd_times(&self, jail: &str, off_us: i64) {
        let off = duration::spell(off_us.abs());
        let side = if off_us < 0 { "ago" } else { "ahead" };
        self.log.warning(
            "filter",
            format_args!(
                "[{jail}] lines that were just written say {off} {side}: they count as of now, or not at all if that is \
                 more than a day ago; set the log's zone (logtimezone) or the clock of who writes it"
            ),
        );
    }

    /// Tells of a ban that is over.
    pub(super) fn ended(&self, ban: &Ban, now: Time) {
        let Ban { jail, host, ended, .. } = ban;
        self.log.event(&Line::Unban { jail, host: &host.to_string() });
        let at = ended.map_or(now, |(at, _)| at);
        let (jail, host) = (jail.clone(), host.clone());
        self.audience.tell(&Happening::Over { jail, host, at });
    }

    /// Tells of a ban; of one whose time was over before anybody could carry it out, as fail2ban does, that it is not.
    fn made(&self, ban: &Ban, now: Time) {
        let (jail, host) = (&*ban.jail, &*ban.host.to_string());
        self.log.event(&match ban.until {
            Some(until) if until <= now => Line::Expired { jail, host },
            _ => Line::Ban { jail, host },
        });
        self.audience.tell(&Happening::Banned(ban.clone()));
    }

    /// Tells that a ban lasts longer, unless it is over all the same: by lines of a time when nobody looked.
    fn prolonged(&self, longer: &Prolongation, now: Time) {
        let Prolongation { jail, host, until, .. } = longer;
        if until.is_some_and(|until| until <= now) {
            return;
        }
        self.log.event(&Line::Prolonged { jail, host: &host.to_string(), until: *until });
        self.audience.tell(&Happening::Prolonged(longer.clone()));
    }

    /// Tells which exported files don't say who is banned.
    pub(super) fn files(&self, files: &[FileFate]) {
        for fate in files {
            match fate {
                FileFate::Written(_) => {}
                FileFate::Gone(file) => self.log.warning(
                    "actions",
                    format_args!("{} is gone and is no longer kept up to date", file.display()),
                ),
                FileFate::Stale { why, .. } => self
                    .log
                    .error("actions", format_args!("{why}; it still lists the bans of before")),
            }
        }
    }

    /// Tells what happened to logs.
    pub(super) fn news(&self, news: &[News]) {
        for News { path, what } in news {
            let shown = path.to_string_lossy();
            let shown = printable(&shown);
            match what {
                Event::Begun(pos) => {
                    self.log.event(&Line::LogAdded { path, pos: *pos });
                }
                Event::Rotated => {
                    self.log.info("filter", format_args!("Log rotation detected for {shown}"));
                }
                Event::Emptied => {
                    self.log.info("filter", format_args!("{shown} was emptied or written over"));
                }
                Event::Finished(old) => {
                    let old = old.display();
                    self.log.info(
                        "filter",
                        format_args!("{shown}: what it was before, {old}, is read to its end"),
                    );
                }
                Event::Unreadable(why) => {
                    self.log.error("filter", format_args!("Unable to open {shown}: {why}"));
                }
            }
        }
    }
}
