//! Questions that may take long (a name server, a command), answered by threads of their own.
//!
//! Whoever meets such a question asks it and goes on; whoever needs the answer comes back for it. So no
//! worker that scans and no thread that writes ever stands still for a name server that doesn't answer,
//! and many questions wait for their answers at once. What was answered is kept, within bounds; what was
//! asked is asked once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use crate::model::Time;

/// Questions by their text, with the answers known so far.
pub(super) struct Asker<A> {
    shared: Arc<Shared<A>>,
}

/// How questions are answered, and how many answers are kept for how long.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Questions that are answered at a time.
    pub(super) threads: usize,
    /// The oldest goes first.
    pub(super) answers: usize,
    /// In microseconds; `None` for as long as the program runs.
    pub(super) lifetime_us: Option<i64>,
}

struct Shared<A> {
    state: Mutex<State<A>>,
    answered: Condvar,
    keep: Keep,
}

struct State<A> {
    questions: HashMap<Box<str>, Question<A>>,
    /// Answered ones, the oldest first.
    order: VecDeque<Box<str>>,
    /// Questions, as of when, and how to answer them.
    jobs: VecDeque<(Box<str>, Time, Job<A>)>,
    threads: usize,
}

enum Question<A> {
    Open,
    /// The answer, and as of when it was asked for.
    Answered(A, Time),
}

type Job<A> = Box<dyn FnOnce() -> A + Send>;

impl<A: Clone + Send + 'static> Asker<A> {
    pub(super) fn new(keep: Keep) -> Self {
        let state = State {
            questions: HashMap::new(),
            order: VecDeque::new(),
            jobs: VecDeque::new(),
            threads: 0,
        };
        let shared = Shared { state: Mutex::new(state), answered: Condvar::new(), keep };
        Self { shared: Arc::new(shared) }
    }

    /// Asks, unless that was done; `job` finds the answer as of `now`. Never waits.
    pub(super) fn ask(&self, question: &str, now: Time, job: impl FnOnce() -> A + Send + 'static) {
        let mut state = self.shared.lock();
        match state.questions.get(question) {
            Some(Question::Open) => return,
            Some(Question::Answered(_, since)) if self.shared.keep.is_fresh(*since, now) => return,
            Some(Question::Answered(..)) => state.order.retain(|known| **known != *question),
            None => {}
        }
        state.questions.insert(question.into(), Question::Open);
        state.jobs.push_back((question.into(), now, Box::new(job)));
        if state.threads < self.shared.keep.threads {
            let shared = Arc::clone(&self.shared);
            // Where no thread can be had, whoever waits answers.
            let started = thread::Builder::new().spawn(move || shared.answer_all());
            state.threads += usize::from(started.is_ok());
        }
    }

    /// The answer, if it is known by now or the question isn't open: `Err` as long as it is being looked for.
    pub(super) fn answer(&self, question: &str) -> Result<Option<A>, StillOpen> {
        match self.shared.lock().questions.get(question) {
            Some(Question::Open) => Err(StillOpen),
            Some(Question::Answered(answer, _)) => Ok(Some(answer.clone())),
            None => Ok(None),
        }
    }

    /// The answer, waited for; `None` if it wasn't asked for, or so long ago that it is forgotten.
    pub(super) fn wait(&self, question: &str) -> Option<A> {
        loop {
            let state = self.shared.lock();
            match state.questions.get(question) {
                Some(Question::Answered(answer, _)) => return Some(answer.clone()),
                None => return None,
                Some(Question::Open) if state.threads > 0 => {
                    let state = self.shared.answered.wait(state);
                    drop(state.unwrap_or_else(PoisonError::into_inner));
                }
                Some(Question::Open) => {
                    drop(state);
                    self.shared.answer_all();
                }
            }
        }
    }
}

/// The answer to a question isn't known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StillOpen;

impl Keep {
    fn is_fresh(self, since: Time, now: Time) -> bool {
        self.lifetime_us.is_none_or(|us| now.micros().saturating_sub(since.micros()) <= us)
    }
}

impl<A: Clone> Shared<A> {
    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread's work: one question after the other, until there are none.
    fn answer_all(&self) {
        loop {
            let mut state = self.lock();
            let Some((question, now, job)) = state.jobs.pop_front() else {
                state.threads = state.threads.saturating_sub(1);
                self.answered.notify_all();
                return;
            };
            drop(state);
            let answer = job();
            let mut state = self.lock();
            state.order.push_back(question.clone());
            state.questions.insert(question, Question::Answered(answer, now));
            while state.order.len() > self.keep.answers.max(1) {
                let oldest = state.order.pop_front();
                oldest.map(|oldest| state.questions.remove(&oldest));
            }
            self.answered.notify_all();
        }
    }
}

impl<A> std::fmt::Debug for Asker<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Asker").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::sync::mpsc;

    use super::*;

    const NOW: Time = Time::from_secs(1_000);

    fn asker(answers: usize, lifetime_us: Option<i64>) -> Asker<u32> {
        Asker::new(Keep { threads: 2, answers, lifetime_us })
    }

    #[test]
    fn asking_waits_for_nobody_and_each_question_is_asked_once() {
        let asker = asker(10, None);
        let (go, wait) = mpsc::channel::<()>();
        let times = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&times);
        asker.ask("a", NOW, move || {
            let _ = wait.recv();
            count.fetch_add(1, Ordering::Relaxed)
        });
        asker.ask("a", NOW, || unreachable!("it was times"));
        assert_eq!(asker.answer("a"), Err(StillOpen));
        assert_eq!(asker.answer("b"), Ok(None));
        drop(go);
        assert_eq!(asker.wait("a"), Some(0));
        assert_eq!(asker.answer("a"), Ok(Some(0)));
        assert_eq!(times.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn one_slow_answer_holds_up_no_other() {
        let asker = asker(10, None);
        let (go, wait) = mpsc::channel::<()>();
        asker.ask("slow", NOW, move || u32::from(wait.recv().is_ok()));
        asker.ask("quick", NOW, || 7);
        assert_eq!(asker.wait("quick"), Some(7));
        assert_eq!(asker.answer("slow"), Err(StillOpen));
        drop(go);
        assert_eq!(asker.wait("slow"), Some(0));
    }

    #[test]
    fn answers_are_kept_within_bounds_and_grow_old() {
        let asker = asker(2, Some(5_000_000));
        for (nth, question) in (0..).zip(["a", "b", "c"]) {
            asker.ask(question, NOW, move || nth);
            assert_eq!(asker.wait(question), Some(nth));
        }
        assert_eq!(asker.answer("a"), Ok(None));
        asker.ask("c", NOW.plus_secs(5), || 30);
        assert_eq!(asker.wait("c"), Some(2));
        asker.ask("c", NOW.plus_secs(6), || 30);
        assert_eq!(asker.wait("c"), Some(30));
    }
}
