//! Whoever has something for the service to do, and how it is woken.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::event::{EventfdFlags, eventfd};

use crate::model::Host;

/// Where it is said that something is in force, or why it won't be.
pub(super) type Answer = Sender<Result<(), String>>;

/// What the service is asked to do.
#[derive(Debug)]
pub(super) enum Call {
    /// To read the configuration again, that of one jail or all of it, and go on with it. What is wrong with it is sent
    /// back; it goes on as it was then.
    Reload(Option<String>, Option<Answer>),
    /// To go on with the jails as they are by now in the roster.
    Tuned {
        /// Whether what keeps hosts out is to be done by other actions.
        actions: bool,
        /// Who waits until that is in force.
        answer: Answer,
    },
    /// To count failures that no log tells of.
    Attempt {
        /// In which jail.
        jail: String,
        /// Whose.
        host: Host,
        /// What tells of each.
        texts: Vec<String>,
        /// Who waits until that is decided.
        answer: Answer,
    },
    /// To end.
    Stop,
    /// To open its log again.
    Reopen,
    /// To look at the store: somebody has changed bans.
    Changed,
    /// To say how far it has read its logs. The sender goes when that is said.
    Logs(Sender<()>),
}

/// Calls the service. Any number of threads may.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    sender: Sender<Call>,
    wake: Arc<OwnedFd>,
}

/// Where calls arrive.
pub(super) struct Calls {
    receiver: Receiver<Call>,
    wake: Arc<OwnedFd>,
}

/// A caller, and where its calls arrive.
pub(super) fn calls() -> io::Result<(Caller, Calls)> {
    let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let (sender, receiver) = channel();
    Ok((Caller { sender, wake: Arc::clone(&wake) }, Calls { receiver, wake }))
}

impl Caller {
    /// Has it done, some time soon; `false` if the service has ended.
    pub(super) fn call(&self, call: Call) -> bool {
        // The counter is full only if nobody has looked at it since it was first written to.
        self.sender.send(call).is_ok() && {
            let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
            true
        }
    }
}

impl Calls {
    /// Readable while there is a call.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// The next call, if there is one. As long as there may be another, [`Self::fd`] stays readable.
    pub(super) fn next(&self) -> Option<Call> {
        self.receiver.try_recv().ok().or_else(|| {
            let _ = rustix::io::read(&self.wake, &mut [0; 8]);
            // One that came just before that wakes nobody any more.
            self.receiver.try_recv().ok()
        })
    }
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    use super::*;

    #[test]
    fn a_call_behind_another_is_heard_though_only_the_first_is_taken() {
        let (caller, calls) = calls().unwrap();
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let wakes = || {
            let mut fd = [PollFd::from_borrowed_fd(calls.fd(), PollFlags::IN)];
            poll(&mut fd, Some(&now)).unwrap() > 0
        };
        assert!(!wakes());
        assert!(caller.call(Call::Reload(None, None)) && caller.call(Call::Stop));
        assert!(matches!(calls.next(), Some(Call::Reload(..))) && wakes());
        assert!(matches!(calls.next(), Some(Call::Stop)));
        assert!(calls.next().is_none() && !wakes());
    }
}
