//! Whoever has something for the service to do, and how it is woken.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use rustix::event::{EventfdFlags, eventfd};

/// What the service is asked to do.
#[derive(Debug)]
pub(super) enum Call {
    /// To read the configuration again and go on with it. What is wrong with it is sent back; it goes on as it was
    /// then.
    Reload(Option<Sender<Result<(), String>>>),
    /// To end.
    Stop,
    /// To open its log again.
    Reopen,
    /// To look at the store: somebody has changed bans.
    Changed,
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

    /// The calls that there are, in their order.
    pub(super) fn take(&self) -> Vec<Call> {
        // Before the calls are: one that comes meanwhile wakes again.
        let _ = rustix::io::read(&self.wake, &mut [0; 8]);
        self.receiver.try_iter().collect()
    }
}
