//! What is done with an action, and in which order; how it is checked and repaired if a command fails.

use std::collections::BTreeSet;

use super::Action;
use super::failed::{Failed, Outcome, Reason};
use super::letter::Letter;
use super::run::{Call, Run, RunError, Work};
use super::script::{Family, Operation, Scripts};
use super::state::{Flags, State};
use super::ticket::{Moment, Ticket};
use crate::command::Filled;

/// What became of an order to lift all bans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushed {
    /// They are lifted.
    AtOnce,
    /// The action can't do that: each is to be lifted by itself ([`Steps::unban`]).
    OneByOne,
}

/// An action, what it did so far, and who runs its commands.
///
/// Each step changes the state as far as it came; keep it whether the step failed or not.
#[derive(Debug)]
pub struct Steps<'a, R> {
    action: &'a Action,
    state: &'a mut State,
    run: &'a mut R,
    moment: Moment,
}

/// Bans and the like: about whom, and for which family.
#[derive(Clone, Copy)]
struct Subject<'t> {
    ticket: Option<&'t Ticket>,
    family: Family,
}

impl<'a, R: Run> Steps<'a, R> {
    pub(super) fn new(
        action: &'a Action,
        state: &'a mut State,
        run: &'a mut R,
        moment: Moment,
    ) -> Self {
        Self { action, state, run, moment }
    }

    /// Starts the action, with its jail; one that is started on demand isn't, and what is started is not started again.
    ///
    /// Bans may be tried if this fails: fail2ban does.
    pub fn start(&mut self) -> Outcome<()> {
        if self.action.is_on_demand {
            return Ok(());
        }
        first(self.action.families.iter().map(|family| self.begin(*family)))
    }

    /// Bans a host; starts the action first if that is done on demand.
    pub fn ban(&mut self, ticket: &Ticket) -> Outcome<()> {
        self.apply(Operation::Ban, ticket)
    }

    /// Bans a host again that was [lost](State::lost).
    pub fn reban(&mut self, ticket: &Ticket) -> Outcome<()> {
        self.apply(Operation::Reban, ticket)
    }

    /// Tells that a ban has become longer.
    pub fn prolong(&mut self, ticket: &Ticket) -> Outcome<()> {
        let family = ticket.family();
        if self.is_foreign(ticket) || self.text(Operation::Prolong, family).is_empty() {
            return Ok(());
        }
        self.about(Operation::Prolong, ticket)
    }

    /// Lifts the ban of a host, if any ban of its family may be in force.
    ///
    /// DIFFERS: of bans that the action was never told of (`norestored`) it is not told the end either.
    pub fn unban(&mut self, ticket: &Ticket) -> Outcome<()> {
        if self.is_foreign(ticket) || !self.state.has_items(ticket.family()) {
            return Ok(());
        }
        self.about(Operation::Unban, ticket)
    }

    /// Lifts all bans at once.
    pub fn flush(&mut self) -> Outcome<Flushed> {
        if !self.scripts().has(Operation::Flush) {
            return Ok(Flushed::OneByOne);
        }
        let Err(failed) = self.flush_all() else { return Ok(Flushed::AtOnce) };
        // What doesn't hold together is made anew, and then has no bans.
        for family in self.state.families() {
            if self.check(family).is_err() {
                self.restart(family).map_err(|reason| {
                    self.failed(Operation::Flush, Subject { ticket: None, family }, reason)
                })?;
                self.state.clear(family);
            }
        }
        let is_done = self.state.families().into_iter().all(|family| !self.state.has_items(family));
        if is_done { Ok(Flushed::AtOnce) } else { Err(failed) }
    }

    /// Takes note that the configuration was read again. If the action's commands have changed by that, it is stopped
    /// with the old ones and started with the new ones, and its bans are [lost](State::lost).
    ///
    /// An action that can't lift all bans at once must be told the end of each before that
    /// ([`flush`](Self::flush) says so).
    ///
    /// The old one is stopped first: both may give their chain or set the same name.
    pub fn reload(&mut self) -> Outcome<()> {
        if self.action.is_current(self.state) {
            return self.each_text(Operation::Reload, &self.state.started());
        }
        let before = self.state.clone();
        let stopped = self.stop();
        let started = self.start();
        let again = self.action.families.iter().filter(|family| before.is_started(**family));
        let begun = first(again.map(|family| self.begin(*family)));
        self.state.lose_all_of(&before);
        stopped.and(started).and(begun)
    }

    /// Stops the action. Bans that are in force are lifted at once, if it can do that; if not, and what it does on
    /// stopping doesn't lift them, each must be lifted before ([`flush`](Self::flush) says so).
    ///
    /// Whatever fails, nothing is left to be stopped, as in fail2ban: most likely what was to be removed is gone.
    pub fn stop(&mut self) -> Outcome<()> {
        // What fails because there is nothing to flush shows when that is removed.
        if self.flush_all().is_err() {
            for family in self.state.families() {
                let _ = self.check(family);
            }
        }
        let stopped = self.each_text(Operation::Stop, &self.state.families());
        *self.state = State::default();
        stopped
    }

    /// Checks whether what the action made is still there, and makes it anew if not; its bans are [lost](State::lost)
    /// then.
    pub fn verify(&mut self) -> Outcome<()> {
        let mut seen = BTreeSet::new();
        let mut all = Ok(());
        for family in self.state.started() {
            let is_new = seen.insert(self.text(Operation::Check, family).to_owned());
            if !is_new || self.check(family).is_ok() {
                continue;
            }
            let Err(reason) = self.repair(family) else { continue };
            self.state.set(family, Flags::default(), &self.action.scripts);
            let subject = Subject { ticket: None, family };
            all = all.and(Err(self.failed(Operation::Check, subject, reason)));
        }
        all
    }

    /// Takes what is there for the action's own, if its check says that it is: after a crash nobody may have noted it.
    /// Who may be banned there is not known, so that [`flush`](Self::flush) should follow.
    pub fn adopt(&mut self) {
        for &family in &self.action.families {
            let has_check = !self.text(Operation::Check, family).is_empty();
            if has_check && !self.state.is_started(family) && self.check(family).is_ok() {
                let flags = Flags { is_started: true, has_items: true };
                self.state.set(family, flags, &self.action.scripts);
            }
        }
    }

    /// Whether the action wants to know nothing of the ban.
    fn is_foreign(&self, ticket: &Ticket) -> bool {
        self.action.is_norestored && ticket.is_restored
    }

    fn apply(&mut self, operation: Operation, ticket: &Ticket) -> Outcome<()> {
        if self.is_foreign(ticket) {
            return Ok(());
        }
        let family = ticket.family();
        if self.action.is_on_demand {
            self.begin_for(family)?;
        }
        self.about(operation, ticket)?;
        let flags = Flags { is_started: true, has_items: true };
        self.state.set(family, flags, &self.action.scripts);
        Ok(())
    }

    /// Starts the action for a ban; for one of what is no address, for all families.
    fn begin_for(&mut self, family: Family) -> Outcome<()> {
        if family != Family::Other {
            return self.begin(family);
        }
        first(self.action.families.iter().map(|family| self.begin(*family)))
    }

    /// Starts the action for a family, unless it is started. The same command isn't run for two.
    fn begin(&mut self, family: Family) -> Outcome<()> {
        if self.state.is_started(family) {
            return Ok(());
        }
        let text = self.text(Operation::Start, family);
        let is_alike = |other: &Family| {
            self.state.is_started(*other) && self.text(Operation::Start, *other) == text
        };
        let is_run = self.state.families().iter().any(is_alike);
        let subject = Subject { ticket: None, family };
        if !is_run {
            self.call(Operation::Start, subject)
                .map_err(|error| self.failed(Operation::Start, subject, error.into()))?;
        }
        let flags = Flags { is_started: true, has_items: self.state.has_items(family) };
        self.state.set(family, flags, &self.action.scripts);
        Ok(())
    }

    /// Runs a command about a ban, twice if it fails for a reason that may be gone by then.
    ///
    /// DIFFERS: without a check to say that all is well it is not tried again: who sends a mail or a report would send
    /// two.
    fn about(&mut self, operation: Operation, ticket: &Ticket) -> Outcome<()> {
        let family = ticket.family();
        let subject = Subject { ticket: Some(ticket), family };
        let operation = match operation {
            Operation::Reban if self.text(operation, family).is_empty() => Operation::Ban,
            operation => operation,
        };
        let Err(error) = self.call(operation, subject) else { return Ok(()) };
        let failed = |steps: &Self, reason| Err(steps.failed(operation, subject, reason));
        if self.text(Operation::Check, family).is_empty() {
            return failed(self, error.into());
        }
        if self.check(family).is_err() {
            if operation == Operation::Unban && !self.action.repairs_on_unban {
                return failed(self, Reason::UnbanImpossible);
            }
            if let Err(reason) = self.repair(family) {
                return failed(self, reason);
            }
        }
        self.call(operation, subject).map_err(|error| self.failed(operation, subject, error.into()))
    }

    /// Makes anew what the action made for a family, and checks that it is there.
    fn repair(&mut self, family: Family) -> Result<(), Reason> {
        let subject = Subject { ticket: None, family };
        if self.text(Operation::Repair, family).is_empty() {
            self.restart(family)?;
        } else {
            self.lose(family);
            self.call(Operation::Repair, subject)
                .map_err(|error| Reason::Unrestorable { operation: Operation::Repair, error })?;
            let flags = Flags { is_started: true, has_items: false };
            self.state.set(family, flags, &self.action.scripts);
        }
        let operation = Operation::Check;
        self.check(family).map_err(|error| Reason::Unrestorable { operation, error })
    }

    /// Stops and starts the action for a family.
    fn restart(&mut self, family: Family) -> Result<(), Reason> {
        let subject = Subject { ticket: None, family };
        self.lose(family);
        // There may be nothing to stop.
        let _ = self.call(Operation::Stop, subject);
        self.state.set(family, Flags::default(), &self.action.scripts);
        self.call(Operation::Start, subject)
            .map_err(|error| Reason::Unrestorable { operation: Operation::Start, error })?;
        let flags = Flags { is_started: true, has_items: false };
        self.state.set(family, flags, &self.action.scripts);
        Ok(())
    }

    /// The bans of a family are gone, and so are those of others that it is stopped with.
    fn lose(&mut self, family: Family) {
        for other in self.state.families() {
            let is_alike = self.text(Operation::Stop, other) == self.text(Operation::Stop, family);
            if other == family || is_alike {
                self.state.lose(other);
            }
        }
    }

    /// Lifts the bans of all families that have some; tries all of them.
    fn flush_all(&mut self) -> Outcome<()> {
        let families = self.state.families();
        let with_items: Vec<_> =
            families.into_iter().filter(|family| self.state.has_items(*family)).collect();
        let mut all = Ok(());
        let mut seen: BTreeSet<String> = BTreeSet::new();
        for &family in &with_items {
            let text = self.text(Operation::Flush, family).to_owned();
            if text.is_empty() || !seen.insert(text.clone()) {
                continue;
            }
            let subject = Subject { ticket: None, family };
            match self.call(Operation::Flush, subject) {
                Ok(()) => {
                    for other in &with_items {
                        if self.text(Operation::Flush, *other) == text {
                            self.state.clear(*other);
                        }
                    }
                }
                Err(error) => {
                    all = all.and(Err(self.failed(Operation::Flush, subject, error.into())));
                }
            }
        }
        all
    }

    /// Runs a command for each of the families, but none twice.
    fn each_text(&mut self, operation: Operation, families: &[Family]) -> Outcome<()> {
        let mut seen = BTreeSet::new();
        let mut all = Ok(());
        for &family in families {
            if seen.insert(self.text(operation, family).to_owned()) {
                let subject = Subject { ticket: None, family };
                let result = self.call(operation, subject);
                all = all.and(result.map_err(|e| self.failed(operation, subject, e.into())));
            }
        }
        all
    }

    fn check(&mut self, family: Family) -> Result<(), RunError> {
        self.call(Operation::Check, Subject { ticket: None, family })
    }

    /// The commands under which the action goes on: those under which it began.
    fn scripts(&self) -> &Scripts {
        self.state.scripts().unwrap_or(&self.action.scripts)
    }

    fn text(&self, operation: Operation, family: Family) -> &str {
        self.scripts().of(operation, family)
    }

    fn call(&mut self, operation: Operation, subject: Subject<'_>) -> Result<(), RunError> {
        let text = self.text(operation, subject.family);
        if text.is_empty() {
            return Ok(());
        }
        let moment = &self.moment;
        let value = |tag: &str| match subject.ticket {
            Some(ticket) => ticket.value(tag, moment),
            None => moment.value(tag),
        };
        let letter = Letter::fill(text, value);
        let work = letter.map_or_else(|| Work::Command(Filled::new(text, value)), Work::Letter);
        self.run.run(Call {
            jail: self.action.jail.clone(),
            action: self.action.name.clone(),
            operation,
            family: subject.family,
            work,
            now: moment.now,
            timeout: self.action.timeout,
        })
    }

    fn failed(&self, operation: Operation, subject: Subject<'_>, reason: Reason) -> Box<Failed> {
        Box::new(Failed {
            jail: self.action.jail.clone(),
            action: self.action.name.clone(),
            operation,
            family: subject.family,
            host: subject.ticket.map(|ticket| ticket.host.to_string()),
            reason,
        })
    }
}

/// All of them are done; the first failure is told.
fn first(results: impl Iterator<Item = Outcome<()>>) -> Outcome<()> {
    results.fold(Ok(()), Result::and)
}
