//! The jails that are enabled, compiled, and the logs that they follow.
//!
//! A jail that can't be used keeps no other from running. fail2ban (1.0.2) lets one expression that doesn't compile, or
//! one jail without a log, end all of them.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rayon::prelude::*;

use super::follow::{Follower, Reach};
use super::jail::{Calendars, Jail, Overrides};
use super::own_log::{OwnLog, names_own_unit};
use crate::config::{Backend, Config, Draft, JailDef, JournalSource, WithoutLogs};
use crate::date::YearWindow;
use crate::diag::{Diagnostic, Severity};
use crate::model::Time;
use crate::source;
use crate::source::journal::{End, JournalPlace, Match};

/// The jails that are enabled.
#[derive(Debug, Default)]
pub struct Muster {
    /// Those that can be used.
    pub members: Vec<Mustered>,
    /// Those that can't, and why.
    pub unusable: Vec<Unusable>,
    /// What else was found.
    pub findings: Vec<Diagnostic>,
    /// Where f2b tells of bans.
    pub own_log: OwnLog,
}

/// A jail that is ready.
#[derive(Clone, Debug)]
pub struct Mustered {
    /// What its section says.
    pub def: Arc<JailDef>,
    /// The same, compiled.
    pub jail: Arc<Jail>,
    /// Whether it reads nothing for now; its bans are carried out all the same.
    pub is_idle: bool,
}

/// A jail that is not.
#[derive(Clone, Debug)]
pub struct Unusable {
    /// Its name.
    pub jail: String,
    /// Why.
    pub findings: Vec<Diagnostic>,
}

/// A log and the jails that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogOf {
    /// Its name.
    pub path: PathBuf,
    /// The places of the jails among the members, in order.
    pub jails: Vec<usize>,
    /// Whether only what comes is read.
    pub tail: bool,
}

impl Muster {
    /// The jails of `config` that are enabled; of these, those that are named in `only`, if any are.
    pub fn of(config: &Config, only: &[String], now: Time) -> Self {
        let names = config.enabled_names();
        let own_log = OwnLog::of(config);
        let mut muster = Self { findings: names.findings, own_log, ..Self::default() };
        let is_wanted = |name: &String| only.is_empty() || only.contains(name);
        let names: Vec<String> =
            names.value.unwrap_or_default().into_iter().filter(is_wanted).collect();
        let calendars = Calendars::new(YearWindow::around(now));
        let drafts = names.into_iter().map(|name| (config.draft(&name), name)).collect::<Vec<_>>();
        let compiled = drafts.into_par_iter().map(|(draft, name)| match draft {
            Ok(draft) if !draft.jail.enabled && draft.is_clear => None,
            Ok(draft) if draft.is_usable => Some(compile(draft, &calendars)),
            Ok(Draft { findings, .. }) | Err(findings) => {
                Some(Err(Unusable { jail: name, findings }))
            }
        });
        for one in compiled.collect::<Vec<_>>().into_iter().flatten() {
            match one {
                Ok((member, findings)) => {
                    muster.members.push(member);
                    // What is wrong with a file of several jails is found once for each.
                    let new = findings.into_iter().filter(|found| !muster.findings.contains(found));
                    let new = new.collect::<Vec<_>>();
                    muster.findings.extend(new);
                }
                Err(unusable) => muster.unusable.push(unusable),
            }
        }
        muster
    }

    /// Forgets all jails but one, and what was found about them.
    pub fn keep_only(&mut self, jail: &str) {
        self.members.retain(|member| member.jail.name == jail);
        self.unusable.retain(|unusable| unusable.jail == jail);
        self.findings.retain(|found| found.subject.as_deref().is_none_or(|it| it == jail));
    }

    /// The jails, in the order of their places.
    pub fn jails(&self) -> Vec<Arc<Jail>> {
        self.members.iter().map(|member| Arc::clone(&member.jail)).collect()
    }

    /// The names of the jails, in the order of their places.
    pub fn names(&self) -> Vec<String> {
        self.members.iter().map(|member| member.jail.name.clone()).collect()
    }

    /// The names and patterns of all logs.
    pub fn patterns(&self) -> Vec<PathBuf> {
        let named = self.reading().flat_map(|(_, member)| &member.def.logpaths);
        named.map(|named| PathBuf::from(&named.glob)).collect()
    }

    /// Has all of it followed; journals up to their `end`. Which jails, by their places, follow the journal because none of
    /// their logs exists.
    pub fn follow(
        &self,
        follower: &mut Follower<'_>,
        reach: Reach,
        end: End,
        now: Time,
    ) -> Vec<usize> {
        let logs = self.logs();
        for log in &logs {
            log.follow(follower, reach);
        }
        let there = |log: &&LogOf| log.path.exists();
        let with_a_log: HashSet<usize> =
            logs.iter().filter(there).flat_map(|log| log.jails.iter().copied()).collect();
        let mut instead = Vec::new();
        for (place, member) in self.reading() {
            if let Some((journal, wanted)) = member.journal(with_a_log.contains(&place)) {
                follower.follow_journal(&journal, place, wanted, end, now);
                if !member.def.backend.reads_journal() {
                    instead.push(place);
                }
            }
            if let Some(shown) = self.own_log.shown_to(&member.def) {
                follower.follow_bans(place, shown, now);
            }
        }
        instead
    }

    /// Whether a jail wants its logs looked at again and again (`backend = polling`): where the system says nothing of
    /// them, and f2b can't know.
    pub fn polls(&self) -> bool {
        self.reading().any(|(_, member)| member.def.backend == Backend::Polling)
    }

    /// The jails that read something, with their places.
    fn reading(&self) -> impl Iterator<Item = (usize, &Mustered)> {
        self.members.iter().enumerate().filter(|(_, member)| !member.is_idle)
    }

    /// Why this doesn't take the place of `present`, if it mustn't: a jail that is in use can't be used any more, or there is
    /// an error that wasn't there before about one, or about the files of all, of which jails or their actions may be missing
    /// then: taking it would let in whom they keep out.
    pub fn refusal(&self, present: &Self) -> Option<String> {
        let in_use = |name: &str| present.members.iter().any(|member| member.jail.name == name);
        let texts = |findings: &[&Diagnostic]| {
            findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        if let Some(Unusable { jail, findings }) =
            self.unusable.iter().find(|unusable| in_use(&unusable.jail))
        {
            let findings: Vec<_> = findings.iter().collect();
            return Some(format!("jail '{jail}' can't be used: {}", texts(&findings)));
        }
        let is_same = |one: &Diagnostic, other: &Diagnostic| {
            (one.id, &one.subject, &one.message) == (other.id, &other.subject, &other.message)
        };
        let is_new =
            |found: &&Diagnostic| !present.findings.iter().any(|other| is_same(found, other));
        let errors = self.findings.iter().filter(|found| found.may_hide_jails());
        let errors = errors.filter(|found| found.subject.as_deref().is_none_or(in_use));
        let errors: Vec<_> = errors.filter(is_new).collect();
        (!errors.is_empty()).then(|| texts(&errors))
    }

    /// The logs that the jails follow, as far as there are any by now. A log that is named without a wildcard needs not be
    /// there yet. What is compressed is not written to, and not followed.
    pub fn logs(&self) -> Vec<LogOf> {
        let mut logs: Vec<LogOf> = Vec::new();
        for (place, member) in self.reading() {
            for named in &member.def.logpaths {
                for path in source::followed(OsStr::new(&named.glob)).unwrap_or_default() {
                    match logs.iter_mut().find(|log| is_same(&log.path, &path)) {
                        Some(log) if log.jails.last() == Some(&place) => {}
                        Some(log) => {
                            log.jails.push(place);
                            log.tail &= named.tail;
                        }
                        None => logs.push(LogOf { path, jails: vec![place], tail: named.tail }),
                    }
                }
            }
        }
        logs
    }
}

impl Mustered {
    /// The journal that the jail follows, and what it wants of it: its own if it says so, and the machine's where none of
    /// its logs exists and it reads the journal then. Bans that it looks for there it is shown from the store.
    fn journal(&self, has_a_log: bool) -> Option<(JournalPlace, Match)> {
        let source = match (&self.def.backend, self.def.without_logs) {
            _ if names_own_unit(&self.def) => return None,
            (Backend::Journal(source), _) => source.clone(),
            (_, WithoutLogs::ReadsJournal) if !has_a_log => JournalSource::default(),
            _ => return None,
        };
        let JournalSource { path, files, flags, namespace, .. } = source;
        let wanted = self.def.filter.journalmatch.iter();
        let groups = wanted.flat_map(|wanted| wanted.groups.clone());
        Some((JournalPlace { path, files, flags, namespace }, Match::new(groups.collect())))
    }
}

impl Unusable {
    /// Why, in one line: the first error, or whatever was found first.
    pub fn why(&self) -> String {
        let is_error = |found: &&Diagnostic| found.severity == Severity::Error;
        let first = self.findings.iter().find(is_error).or(self.findings.first());
        first.map_or_else(|| "f2b check says why".to_owned(), ToString::to_string)
    }
}

impl LogOf {
    /// Has it followed; of what was written before, `reach` says what is read.
    pub fn follow(&self, follower: &mut Follower<'_>, reach: Reach) {
        let reach = if self.tail { Reach::Tail } else { reach };
        follower.follow(&self.path, &self.jails, reach);
    }
}

fn compile(draft: Draft, calendars: &Calendars) -> Result<(Mustered, Vec<Diagnostic>), Unusable> {
    let Draft { jail: def, mut findings, .. } = draft;
    let def = Arc::new(def);
    let (jail, more) = Jail::compile(&def, &Overrides::default(), calendars);
    findings.extend(more);
    match jail {
        Some(jail) => Ok((Mustered { def, jail, is_idle: false }, findings)),
        None => Err(Unusable { jail: def.name.clone(), findings }),
    }
}

/// Whether two names stand for one file.
fn is_same(a: &Path, b: &Path) -> bool {
    let file = |path| source::FileId::of(path).ok();
    a == b || file(a).is_some_and(|a| file(b) == Some(a))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::Ground;
    use super::*;
    use crate::model::{Origin, Zone};

    #[test]
    fn the_journal_is_read_in_the_place_of_logs_that_are_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("filter.d")).unwrap();
        let filter = "[Definition]\nfailregex = ^<HOST>$\njournalmatch = _COMM=x\n";
        fs::write(at("filter.d/f.conf"), filter).unwrap();
        let jails = [
            ("none", "logpath = FOLDER/none\n FOLDER/none.*"),
            ("one", "logpath = FOLDER/none\n FOLDER/there*"),
            ("waits", "logpath = FOLDER/none\nsystemd_if_nologs = no"),
            ("own", "logpath = FOLDER/there.log\nbackend = systemd"),
        ];
        let jails = jails.map(|(name, text)| format!("[{name}]\n{text}\n"));
        let jails = format!("[DEFAULT]\nenabled = true\nfilter = f\n{}", jails.concat());
        let jails = jails.replace("FOLDER", &folder.path().display().to_string());
        fs::write(at("jail.conf"), jails).unwrap();
        fs::write(at("there.log"), "").unwrap();
        let config = Config::open(folder.path()).unwrap();
        let muster = Muster::of(&config, &[], Time::from_secs(1_800_000_000));
        assert_eq!(muster.names(), ["none", "one", "waits", "own"]);
        let ground = Ground::new(muster.jails(), Zone::utc());
        let mut follower = Follower::new(&ground, Origin::Daemon);
        let now = Time::from_secs(1_800_000_000);
        assert_eq!(muster.follow(&mut follower, Reach::Findtime, End::Follow, now), [0]);
        let paths: Vec<_> = follower.logs().map(|log| log.path.into_owned()).collect();
        let path = |name: &str| at(name).display().to_string();
        assert_eq!(paths, [&path("none"), &path("there.log"), "systemd-journal"]);
    }
}
