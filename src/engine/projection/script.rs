//! Actions that run commands: told of each ban and of its end, one after the other.
//!
//! What a command has done can't be looked at, so the store says what each action was told, and that before and after
//! each command: a process that is killed in between leaves a ban of which nobody knows. Then what the action has is
//! flushed, if it can do that, and all bans are told anew. So are they when the machine has been started since, or when
//! the action's check says that what it made is gone. The actions of a jail are told in their order; jails don't wait for
//! each other.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::books::{Books, Recipe};
use super::lock::Lock;
use super::ticket::{self, Terms};
use super::{Carried, Front, GateFate, How, Mode, Pass, Projection, ProjectionError};
use crate::enforce::action::{
    Action, Failed, Family, Flushed, Moment, Operation, Recorder, Run, Shell, State, Steps,
};
use crate::model::{Ban, Host, Time};
use crate::store::{Reader, Store, StoreError, Told};

/// After so many commands for bans that failed one after the other an action is left alone until the next time.
const FAILURES_MAX: u32 = 3;
/// So often it is tried to lift a ban; what can't be lifted then most likely isn't there.
const UNBANS_MAX: u32 = 3;

impl Projection {
    /// Tells the actions that run commands, of one jail or of all, what has changed since they were last told.
    pub(super) fn tell_actions(
        &self,
        store: &Store,
        pass: Pass<'_>,
        is_restore: bool,
    ) -> Result<Carried, ProjectionError> {
        let mut jails: BTreeMap<&str, Vec<&Front>> = BTreeMap::new();
        for front in &self.fronts {
            if pass.is_for(&front.jail) && matches!(front.how, How::Script(..) | How::Not(_)) {
                jails.entry(&front.jail).or_default().push(front);
            }
        }
        let path = store.path();
        let told: Vec<Result<Carried, ProjectionError>> = thread::scope(|scope| {
            let threads: Vec<_> = jails
                .iter()
                .map(|(jail, fronts)| {
                    scope.spawn(move || {
                        let _lock = Lock::of_jail(path, jail)?;
                        let mut store = Store::open(path)?;
                        tell_jail(&mut store, fronts, pass, is_restore)
                    })
                })
                .collect();
            // A thread that panics has printed why, and says nothing more.
            threads.into_iter().filter_map(|thread| thread.join().ok()).collect()
        });
        told.into_iter().try_fold(Carried::default(), |mut all, carried| {
            all.join(carried?);
            Ok(all)
        })
    }

    /// Stops the actions that have run commands and are not wanted any more: those of `jail`, or of all, that are no
    /// front, or `every` one.
    pub(super) fn stop_actions(
        &self,
        store: &mut Store,
        pass: Pass<'_>,
        every: bool,
    ) -> Result<Carried, ProjectionError> {
        let mut carried = Carried::default();
        let books = Books::read(store.reader())?;
        let gone: Vec<_> = books
            .scripts_of(pass.jail)
            .map(|((jail, action), state)| (Front::unknown(jail, action), state.clone()))
            .filter(|(front, _)| every || !self.fronts.iter().any(|known| known.is_same(front)))
            .collect();
        for (front, state) in gone {
            let _lock = Lock::of_jail(store.path(), &front.jail)?;
            let told = store.reader().told(&front.jail, &front.action)?;
            let fate = GateFate { is_gone: true, removed: told.len() as u64, ..front.fate() };
            let terms = Terms::default();
            if let Some(action) = Action::of_state(&front.jail, &front.action, &state) {
                let moment = ticket::moment(&action, terms, store.reader(), pass.now)?;
                let mut state = state;
                let failed = match pass.mode {
                    Mode::Do => stop(&action, &mut state, &mut Shell::default(), moment, &told),
                    Mode::Show => {
                        let mut recorder = Recorder::default();
                        let _ = stop(&action, &mut state, &mut recorder, moment, &told);
                        carried.steps.extend(recorder.calls.iter().map(|call| format!("{call}\n")));
                        None
                    }
                };
                carried
                    .failed
                    .extend(failed.map(|failed| front.unenforced(&failed.reason.to_string())));
            }
            if pass.mode == Mode::Do {
                store.transact(|batch| {
                    batch.forget_all_told(&front.jail, &front.action)?;
                    batch.forget_installation(&front.jail, &front.action)
                })?;
            }
            carried.gates.push(fate);
        }
        Ok(carried)
    }
}

/// Lifts what an action was told of, and stops it.
fn stop<R: Run>(
    action: &Action,
    state: &mut State,
    run: &mut R,
    moment: Moment,
    told: &[Told],
) -> Option<Box<Failed>> {
    let mut steps = action.steps(state, run, moment);
    let mut failed = None;
    if matches!(steps.flush(), Ok(Flushed::OneByOne)) {
        for told in told {
            failed =
                steps.unban(&ticket::over(&told.host, told.until, moment.now)).err().or(failed);
        }
    }
    steps.stop().err().or(failed)
}

fn tell_jail(
    store: &mut Store,
    fronts: &[&Front],
    pass: Pass<'_>,
    is_restore: bool,
) -> Result<Carried, ProjectionError> {
    let mut carried = Carried::default();
    for front in fronts {
        let (action, terms) = match &front.how {
            How::Script(action, terms) => (action, *terms),
            How::Not(why) => {
                carried.failed.push(front.unenforced(why));
                continue;
            }
            How::Gates(_) => continue,
        };
        match pass.mode {
            Mode::Do => {
                let shell = Shell::default();
                let mut telling = Telling::new(store, front, action, terms, pass.now, shell)?;
                telling.all(is_restore)?;
                telling.report(&mut carried);
            }
            Mode::Show => {
                let recorder = Recorder::default();
                let mut telling = Telling::new(store, front, action, terms, pass.now, recorder)?;
                telling.is_dry = true;
                telling.all(false)?;
                let calls = std::mem::take(&mut telling.run.calls);
                telling.report(&mut carried);
                carried.steps.extend(calls.iter().map(|call| format!("{call}\n")));
            }
        }
    }
    Ok(carried)
}

/// An action that is being told.
struct Telling<'t, R> {
    store: &'t mut Store,
    front: &'t Front,
    action: &'t Action,
    terms: Terms,
    moment: Moment,
    run: R,
    state: State,
    told: BTreeMap<Host, Told>,
    /// What the store says that its commands have done; nobody else writes that while the jail is locked.
    books: Books,
    /// Whom it was told of in an earlier life of the machine, or of itself.
    before: BTreeSet<Host>,
    wanted: BTreeMap<Host, Ban>,
    boot: String,
    is_dry: bool,
    fate: GateFate,
    failed: Option<Box<Failed>>,
}

#[expect(
    clippy::redundant_closure_for_method_calls,
    reason = "a method is one of steps with a certain lifetime, which theirs is not"
)]
impl<'t, R: Run> Telling<'t, R> {
    fn new(
        store: &'t mut Store,
        front: &'t Front,
        action: &'t Action,
        terms: Terms,
        now: Time,
        run: R,
    ) -> Result<Self, StoreError> {
        let reader = store.reader();
        let books = Books::read(reader)?;
        let boot = boot();
        let told = reader.told(&front.jail, &front.action)?;
        let told: BTreeMap<Host, Told> =
            told.into_iter().map(|told| (told.host.clone(), told)).collect();
        let (is_this_life, state) = match books.of(front) {
            Some(Recipe::Script { boot: last, state }) if *last == boot => (true, state.clone()),
            Some(_) => (false, State::default()),
            None => (true, State::default()),
        };
        let before = if is_this_life { BTreeSet::new() } else { told.keys().cloned().collect() };
        let told = if is_this_life { told } else { BTreeMap::new() };
        let moment = ticket::moment(action, terms, reader, now)?;
        let wanted = wanted(reader, &front.jail, now)?;
        let fate = front.fate();
        Ok(Self {
            store,
            front,
            action,
            terms,
            moment,
            run,
            state,
            told,
            books,
            before,
            wanted,
            boot,
            is_dry: false,
            fate,
            failed: None,
        })
    }

    /// Tells everything that it has to be told.
    fn all(&mut self, is_restore: bool) -> Result<(), StoreError> {
        if !self.before.is_empty() {
            self.write(|batch, front| batch.forget_all_told(&front.jail, &front.action))?;
        }
        self.settle()?;
        self.renew()?;
        if is_restore && !self.state.is_empty() {
            let checked = self.steps(|steps| steps.verify());
            self.note(checked);
        }
        self.unban()?;
        if self.state.is_empty() && !self.wanted.is_empty() {
            // fail2ban does this when the jail starts, and bans even if it fails.
            let started = self.steps(|steps| steps.start());
            self.note(started);
        }
        self.reban(None)?;
        self.ban()?;
        self.keep()
    }

    /// Finds out what became of a ban during which somebody was killed.
    fn settle(&mut self) -> Result<(), StoreError> {
        let is_unknown = |told: &Told| !told.is_done && told.tries == 0;
        if self.told.values().any(is_unknown) {
            self.steps(|steps| steps.adopt());
            let flushed = self.steps(|steps| steps.flush());
            if matches!(flushed, Ok(Flushed::AtOnce)) {
                self.forget_all()?;
            }
        }
        Ok(())
    }

    /// Has the action done with its present commands what was done with those of before.
    fn renew(&mut self) -> Result<(), StoreError> {
        if self.action.is_current(&self.state) {
            return Ok(());
        }
        let flushed = self.steps(|steps| steps.flush());
        if matches!(flushed, Ok(Flushed::OneByOne)) {
            let told: Vec<Told> = self.told.values().cloned().collect();
            for told in told {
                let over = ticket::over(&told.host, told.until, self.moment.now);
                let lifted = self.steps(|steps| steps.unban(&over));
                self.note(lifted);
            }
        }
        let reloaded = self.steps(|steps| steps.reload());
        self.note(reloaded);
        // All of them are told as bans, then.
        let lost: Vec<Family> = self.state.lost().collect();
        for family in lost {
            self.state.set_reapplied(family);
        }
        self.forget_all()
    }

    /// Tells the end of bans.
    fn unban(&mut self) -> Result<(), StoreError> {
        let over: Vec<Told> = self
            .told
            .values()
            .filter(|told| !self.wanted.contains_key(&told.host))
            .cloned()
            .collect();
        if over.len() > 1
            && self.wanted.is_empty()
            && matches!(self.steps(|steps| steps.flush()), Ok(Flushed::AtOnce))
        {
            self.fate.removed += over.len() as u64;
            return self.forget_all();
        }
        for told in over {
            let ticket = ticket::over(&told.host, told.until, self.moment.now);
            let lifted = self.steps(|steps| steps.unban(&ticket));
            let is_lifted = lifted.is_ok();
            self.note(lifted);
            if is_lifted || told.tries + 1 >= UNBANS_MAX {
                self.fate.removed += 1;
                self.told.remove(&told.host);
                self.write(|batch, front| {
                    batch.forget_told(&front.jail, &front.action, &told.host)
                })?;
            } else {
                self.tell(Told { tries: told.tries + 1, ..told })?;
            }
        }
        Ok(())
    }

    /// Tells bans, and those that have become longer.
    fn ban(&mut self) -> Result<(), StoreError> {
        let wanted: Vec<Ban> = self.wanted.values().cloned().collect();
        let mut failures = 0;
        for ban in wanted {
            let told = self.told.get(&ban.host).cloned();
            if told.as_ref().is_some_and(|told| told.is_done && told.until == ban.until) {
                continue;
            }
            let is_new = told.as_ref().is_none_or(|told| !told.is_done);
            let tries = told.map_or(0, |told| told.tries);
            let is_restored = self.before.contains(&ban.host);
            let (action, terms) = (self.action, self.terms);
            let ticket = ticket::ticket(action, terms, &ban, is_restored, self.store.reader())?;
            let (host, until) = (ban.host.clone(), ban.until);
            let mut new = Told { host, until, is_done: false, tries };
            if is_new {
                self.tell(new.clone())?;
            }
            let done = self.steps(
                |steps| {
                    if is_new { steps.ban(&ticket) } else { steps.prolong(&ticket) }
                },
            );
            new.is_done = done.is_ok() || !is_new;
            new.tries += u32::from(done.is_err());
            failures = if done.is_ok() { 0 } else { failures + 1 };
            self.fate.added += u64::from(done.is_ok() && is_new);
            self.note(done);
            self.keep()?;
            self.tell(new)?;
            // A repair for this ban has lost those before it.
            self.reban(Some(&ban.host))?;
            if failures >= FAILURES_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Tells all bans of families anew whose bans are gone, but for one that was told since.
    fn reban(&mut self, since: Option<&Host>) -> Result<(), StoreError> {
        let lost: Vec<Family> = self.state.lost().collect();
        for family in lost {
            let is_lost = |ban: &&Ban| {
                since != Some(&ban.host)
                    && self.told.get(&ban.host).is_some_and(|told| told.is_done)
            };
            let hosts: Vec<Ban> = self.wanted.values().filter(is_lost).cloned().collect();
            let mut is_done = true;
            for ban in hosts {
                let (action, terms) = (self.action, self.terms);
                let ticket = ticket::ticket(action, terms, &ban, false, self.store.reader())?;
                if ticket.family() != family {
                    continue;
                }
                let done = self.steps(|steps| steps.reban(&ticket));
                is_done &= done.is_ok();
                self.fate.added += u64::from(done.is_ok());
                self.note(done);
            }
            if is_done {
                self.state.set_reapplied(family);
            }
            self.fate.is_made = true;
        }
        Ok(())
    }

    fn steps<T>(&mut self, take: impl FnOnce(&mut Steps<'_, R>) -> T) -> T {
        let was_empty = self.state.is_empty();
        let done = take(&mut self.action.steps(&mut self.state, &mut self.run, self.moment));
        self.fate.is_made |=
            was_empty && !self.state.is_empty() && self.action.scripts().has(Operation::Start);
        done
    }

    fn note<T>(&mut self, outcome: Result<T, Box<Failed>>) {
        if let Err(failed) = outcome
            && self.failed.is_none()
        {
            self.failed = Some(failed);
        }
    }

    fn tell(&mut self, told: Told) -> Result<(), StoreError> {
        self.write(|batch, front| batch.set_told(&front.jail, &front.action, &told))?;
        self.told.insert(told.host.clone(), told);
        Ok(())
    }

    fn forget_all(&mut self) -> Result<(), StoreError> {
        self.before.extend(std::mem::take(&mut self.told).into_keys());
        self.write(|batch, front| batch.forget_all_told(&front.jail, &front.action))
    }

    /// Writes down what the action has done.
    fn keep(&mut self) -> Result<(), StoreError> {
        if self.is_dry {
            return Ok(());
        }
        let is_nothing = self.state.is_empty() && self.told.is_empty();
        let state = self.state.clone();
        let recipe = (!is_nothing).then(|| Recipe::Script { boot: self.boot.clone(), state });
        let Self { books, store, front, moment, .. } = self;
        store.transact(|batch| books.set(batch, front, recipe, moment.now))
    }

    fn write(
        &mut self,
        write: impl FnOnce(&mut crate::store::Batch<'_>, &Front) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if self.is_dry {
            return Ok(());
        }
        let front = self.front;
        self.store.transact(|batch| write(batch, front))
    }

    fn report(self, carried: &mut Carried) {
        if let Some(failed) = self.failed {
            let whom = failed.host.as_ref().map_or(String::new(), |host| format!(" of {host}"));
            let why = format!("{}{whom} failed: {}", failed.operation, failed.reason);
            carried.failed.push(self.front.unenforced(&why));
        }
        if !self.fate.is_nothing() {
            carried.gates.push(self.fate);
        }
    }
}

/// The bans of a jail that are in force, for each host the last to end.
fn wanted(reader: &Reader, jail: &str, now: Time) -> Result<BTreeMap<Host, Ban>, StoreError> {
    let mut wanted: BTreeMap<Host, Ban> = BTreeMap::new();
    for ban in reader.bans_active(now, Some(jail))? {
        let lasts = |known: &Ban| {
            known.until.is_none() || ban.until.is_some_and(|until| Some(until) <= known.until)
        };
        if !wanted.get(&ban.host).is_some_and(lasts) {
            wanted.insert(ban.host.clone(), ban);
        }
    }
    Ok(wanted)
}

/// The name of this life of the machine.
fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
    id.map(|id| id.trim().to_owned()).unwrap_or_default()
}

impl Front {
    fn fate(&self) -> GateFate {
        GateFate {
            place: format!("action {}", self.action),
            jails: vec![self.jail.clone()],
            is_made: false,
            is_gone: false,
            added: 0,
            removed: 0,
        }
    }
}
