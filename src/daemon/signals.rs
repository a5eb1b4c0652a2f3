//! Signals as calls: HUP reloads, TERM and INT stop, USR1 opens the log again.

use std::io;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use signal_hook::iterator::{Handle, Signals};

use super::wake::{Call, Caller};

/// Listens until it is dropped.
pub(super) struct Listening(Handle);

impl Listening {
    /// DIFFERS: fail2ban (1.0.2) in the foreground dies of a HUP, and leaves its socket and all rules behind.
    pub(super) fn start(caller: Caller) -> io::Result<Self> {
        let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM, SIGUSR1])?;
        let handle = signals.handle();
        std::thread::spawn(move || {
            for signal in signals.forever() {
                let is_heard = caller.call(match signal {
                    SIGHUP => Call::Reload(None, None),
                    SIGUSR1 => Call::Reopen,
                    _ => Call::Stop,
                });
                if !is_heard {
                    return;
                }
            }
        });
        Ok(Self(handle))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.close();
    }
}
