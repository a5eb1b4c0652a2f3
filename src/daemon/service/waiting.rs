//! What the service waits for: by poll(2), for whatever happens next, and for how long at most.

use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::super::enforcer::Enforcer;
use super::super::error::ServiceError;
use super::super::notify::Notify;
use super::super::wake::Call;
use super::{Course, Service};
use crate::error::Error;
use crate::source::journal::Journal;

/// Before it is looked again whether a name server or a command has answered.
const ANSWER_WAIT: Duration = Duration::from_millis(10);
/// Before it is looked again at files that the system says nothing of.
const POLLING_WAIT: Duration = Duration::from_secs(1);
/// Before it is looked again whether others have changed what nobody is told of: sets of ipset, rules of iptables-legacy.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// After the store couldn't be used.
const STORE_WAIT: Duration = Duration::from_secs(5);

/// Why it is not waited until something happens.
#[derive(Default)]
pub(super) struct Waiting {
    pub(super) has_more: bool,
    pub(super) is_open: bool,
    pub(super) polls: bool,
}

impl Service<'_> {
    /// Waits for the next thing that happens.
    pub(super) fn wait(&mut self, course: &Course<'_>) -> Result<(), ServiceError> {
        let Course { follower, watch, next_end, waiting, .. } = course;
        // A little later: the end is reached when its time is over.
        self.alarm.set(next_end.map(|end| end.plus_micros(1000)))?;
        let looks = self.enforcer.as_ref().is_some_and(Enforcer::needs_polling);
        let limits = [
            waiting.has_more.then_some(Duration::ZERO),
            waiting.is_open.then_some(ANSWER_WAIT),
            waiting.polls.then_some(POLLING_WAIT),
            looks.then_some(LOOK_EVERY),
            Notify::watchdog(),
        ];
        let monitor = self.enforcer.as_ref().and_then(Enforcer::fd);
        let fds = [self.calls.fd(), self.alarm.fd(), watch.fd()].into_iter().chain(monitor);
        let fds: Vec<_> = fds.chain(follower.journals().map(Journal::fd)).collect();
        wait(&fds, limits.into_iter().flatten().min())?;
        self.alarm.take();
        self.notify.tell("WATCHDOG=1");
        Ok(())
    }

    /// Waits a while after the store couldn't be used: its disk may be full, or another process may hold it for long. What
    /// was read since is read again then. Whether it is to end instead.
    pub(super) fn pauses(&mut self, error: &Error) -> Result<bool, ServiceError> {
        self.log.error("database", format_args!("{error}; it is tried again in {STORE_WAIT:?}"));
        let until = Instant::now() + STORE_WAIT;
        while let Some(limit) = until.checked_duration_since(Instant::now()) {
            wait(&[self.calls.fd()], Some(limit))?;
            self.notify.tell("WATCHDOG=1");
            while let Some(call) = self.calls.next() {
                match call {
                    Call::Stop => return Ok(true),
                    Call::Reload(_, Some(answer))
                    | Call::Tuned { answer, .. }
                    | Call::Attempt { answer, .. } => {
                        let _ = answer.send(Err("the store can't be used".to_owned()));
                    }
                    _ => {}
                }
            }
        }
        Ok(false)
    }
}

/// Waits until one of these is readable, or so long.
fn wait(fds: &[BorrowedFd<'_>], limit: Option<Duration>) -> Result<(), ServiceError> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let mut fds: Vec<_> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut fds, limit.as_ref()) {
        // A signal, or it is looked at all.
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(ServiceError::Waiting(error.into())),
    }
}
