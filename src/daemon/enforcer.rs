//! The bans of the store carried out, by threads of their own: whoever reads logs waits for no command and no kernel.
//!
//! One thread does it for all jails that need no commands, and one for each other jail, so that an action which hangs holds
//! up its own jail alone. What fails is tried again, at growing intervals, until it succeeds: the jail is pending in the
//! store as long.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use super::log::Log;
use super::memory;
use crate::config::JailDef;
use crate::diag::Diagnostic;
use crate::enforce::{Foreign, Monitor};
use crate::engine::Muster;
use crate::engine::projection::{Carried, GateFate, Mode, Projection, ProjectionError, Unenforced};
use crate::engine::writer::Uncarried;
use crate::model::{Clock, SystemClock};
use crate::store::{Reader, Store};

/// The first wait after a failure, and the longest.
const RETRY: [Duration; 2] = [Duration::from_secs(1), Duration::from_mins(1)];

/// Carries out.
pub(super) struct Enforcer {
    store: PathBuf,
    jails: Vec<Arc<JailDef>>,
    /// The jails that can't be used.
    kept: BTreeSet<String>,
    runs_commands: bool,
    log: Log,
    /// The jails that have a thread each.
    scripted: BTreeSet<String>,
    workers: BTreeMap<Whose, Worker>,
    /// What somebody else changes in the packet filter; `None` where that is not told.
    monitor: Option<Monitor>,
    needs_polling: bool,
}

/// Whose bans a thread carries out: a jail's, or those of all that have no thread of their own.
type Whose = Option<String>;

struct Worker {
    sender: Sender<Work>,
    /// Closed when the thread ends.
    ended: Receiver<Infallible>,
}

/// What a thread is to do.
enum Work {
    /// What was changed.
    Follow(Uncarried),
    /// Whole jails.
    Restore,
    /// What somebody else has changed in the packet filter.
    Repair(Foreign),
}

impl Enforcer {
    /// Makes what keeps hosts out equal to the store: of packet filters before this returns, of actions that run commands
    /// soon.
    pub(super) fn start(
        store: &Path,
        muster: &Muster,
        runs_commands: bool,
        log: Log,
    ) -> Result<Self, ProjectionError> {
        let jails: Vec<_> = muster.members.iter().map(|member| member.def.clone()).collect();
        // Before the first look, so that nothing is changed unseen.
        let monitor = match Monitor::open() {
            Ok(monitor) => Some(monitor),
            Err(error) => {
                let what = format_args!("changes of the firewall by others go unnoticed: {error}");
                log.warning("actions", what);
                None
            }
        };
        let mut opened = Store::open(store)?;
        let kept = kept(muster, opened.reader())?;
        let projection = Projection::new(jails.iter().map(Arc::as_ref), runs_commands);
        let mut projection = projection.keeping(kept.clone());
        let carried = projection.restore_filters(&mut opened, None, SystemClock.now(), Mode::Do)?;
        let mut scripted = projection.scripted();
        scripted.extend(projection.forsaken(opened.reader())?);
        drop(opened);
        let needs_polling = projection.needs_polling();
        let mut enforcer = Self {
            store: store.to_owned(),
            jails,
            kept,
            runs_commands,
            log,
            scripted,
            workers: BTreeMap::new(),
            monitor,
            needs_polling,
        };
        tell(&carried, &enforcer.log, &mut BTreeSet::new());
        for jail in enforcer.scripted.clone() {
            enforcer.send(&Some(jail), Work::Restore);
        }
        if !carried.failed.is_empty() {
            enforcer.send(&None, Work::Restore);
        }
        Ok(enforcer)
    }

    /// Has carried out what was changed.
    pub(super) fn follow(&mut self, uncarried: &Uncarried) {
        let mut whose: BTreeSet<Whose> = BTreeSet::new();
        for jail in uncarried.changed.iter().map(|changed| &changed.jail) {
            whose.insert(self.scripted.get(jail).cloned());
        }
        for whose in whose {
            self.send(&whose, Work::Follow(uncarried.clone()));
        }
    }

    /// Readable when somebody has changed the packet filter.
    pub(super) fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.monitor.as_ref().map(Monitor::fd)
    }

    /// Whether something is kept in a place of which nobody tells when it is changed.
    pub(super) fn needs_polling(&self) -> bool {
        self.needs_polling
    }

    /// Has mended what others have changed since this was last called; `looks` for what nobody tells, too.
    pub(super) fn repair(&mut self, looks: bool) {
        let mut foreign = if looks { Foreign::untold() } else { Foreign::default() };
        if let Some(monitor) = &mut self.monitor {
            // What can't be read may have been anything.
            foreign.join(monitor.read().unwrap_or_else(|_| Foreign::everything()));
        }
        if !foreign.is_nothing() {
            self.send(&None, Work::Repair(foreign));
        }
    }

    /// Ends, and waits for what is being carried out, up to a limit; the rest is pending in the store.
    pub(super) fn end(self, limit: Duration) {
        let until = Instant::now() + limit;
        // A thread ends when nobody can send to it any more, and its end is that nobody sends to us.
        let ends: Vec<_> = self.workers.into_values().map(|worker| worker.ended).collect();
        for ended in ends {
            let _ = ended.recv_timeout(until.saturating_duration_since(Instant::now()));
        }
    }

    fn send(&mut self, whose: &Whose, work: Work) {
        let Self { store, jails, kept, runs_commands, log, scripted, workers, .. } = self;
        let worker = workers.entry(whose.clone()).or_insert_with(|| {
            let (sender, receiver) = channel();
            let projection = Projection::new(jails.iter().map(Arc::as_ref), *runs_commands);
            let carrying = Carrying {
                whose: whose.clone(),
                scripted: scripted.clone(),
                store: store.clone(),
                projection: projection.keeping(kept.clone()),
                log: log.clone(),
                told: BTreeSet::new(),
            };
            let (alive, ended) = channel();
            std::thread::spawn(move || {
                carrying.run(&receiver);
                drop::<Sender<Infallible>>(alive);
            });
            Worker { sender, ended }
        });
        // A thread that has panicked has said why; what it didn't do is pending in the store.
        let _ = worker.sender.send(work);
    }
}

/// The jails that can't be used, and of which what was put in before stays: a slip in a file lets nobody in. Where a file
/// of jails can't be read, they may be any that aren't there.
fn kept(muster: &Muster, reader: &Reader) -> Result<BTreeSet<String>, ProjectionError> {
    let mut kept: BTreeSet<_> = muster.unusable.iter().map(|one| one.jail.clone()).collect();
    if muster.findings.iter().any(Diagnostic::may_hide_jails) {
        let is_there = |name: &String| muster.members.iter().any(|one| one.jail.name == *name);
        let put_in = reader.installations()?.into_iter().map(|put_in| put_in.jail);
        kept.extend(put_in.filter(|name| !is_there(name)));
    }
    Ok(kept)
}

/// A thread that carries out.
struct Carrying {
    whose: Whose,
    scripted: BTreeSet<String>,
    store: PathBuf,
    projection: Projection,
    log: Log,
    /// What was told of what fails, so that it is told once.
    told: BTreeSet<String>,
}

impl Carrying {
    fn run(mut self, receiver: &Receiver<Work>) {
        let mut store = None;
        let mut wait: Option<Duration> = None;
        loop {
            let work = match wait {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(wait) => receiver.recv_timeout(wait),
            };
            let work = match work {
                Ok(work) => work,
                Err(RecvTimeoutError::Timeout) => Work::Restore,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let result = match open(&mut store, &self.store) {
                Ok(store) => self.carry_out(store, &work),
                Err(error) => Err(error),
            };
            let has_failed = match result {
                Ok(carried) => {
                    tell(&carried, &self.log, &mut self.told);
                    !carried.failed.is_empty()
                }
                Err(error) => {
                    self.log.error("actions", format_args!("nothing could be enforced: {error}"));
                    true
                }
            };
            if !matches!(work, Work::Follow(_)) {
                // All bans were looked at.
                if let Some(store) = &store {
                    store.shrink();
                }
                memory::give_back();
            }
            let [first, longest] = RETRY;
            wait = has_failed.then(|| wait.map_or(first, |wait| (wait * 2).min(longest)));
        }
    }

    fn carry_out(&mut self, store: &mut Store, work: &Work) -> Result<Carried, ProjectionError> {
        let now = SystemClock.now();
        let Self { whose, scripted, projection, .. } = self;
        match (work, &*whose) {
            (Work::Follow(Uncarried { changed, clean }), whose) => {
                projection.follow_some(store, changed, clean, now, |jail| match whose {
                    Some(own) => jail == own,
                    None => !scripted.contains(jail),
                })
            }
            (Work::Restore, Some(jail)) => projection.restore(store, Some(jail), now, Mode::Do),
            (Work::Restore, None) => projection.restore_filters(store, None, now, Mode::Do),
            (Work::Repair(foreign), _) => {
                let carried = projection.repair(store, now, foreign)?;
                for gate in &carried.gates {
                    let GateFate { place, jails, .. } = gate;
                    let jails = jails.join(", ");
                    self.log.warning(
                        "actions",
                        format_args!("{place}: somebody has changed it; it keeps out the hosts of {jails} again"),
                    );
                }
                Ok(carried)
            }
        }
    }
}

fn open<'s>(store: &'s mut Option<Store>, path: &Path) -> Result<&'s mut Store, ProjectionError> {
    Ok(match store {
        Some(store) => store,
        none => none.insert(Store::open(path)?),
    })
}

/// Tells what fails, once.
fn tell(carried: &Carried, log: &Log, told: &mut BTreeSet<String>) {
    let mut failing = BTreeSet::new();
    for Unenforced { jail, action, why } in &carried.failed {
        let line = format!("[{jail}] bans are not enforced by {action}: {why}");
        if !told.contains(&line) {
            log.error("actions", format_args!("{line}"));
        }
        failing.insert(line);
    }
    *told = failing;
}
