//! Who this process is to nf_tables: the ports of its sockets, and of those of the tools that it runs.
//!
//! Whoever listens to nf_tables hears of all that is done, with the port of who has asked for it. While a socket is
//! open nobody else in its network namespace has its port, whatever processes are called there.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// So long after its end a port is still known for our own: what was done by it may not have been heard yet. Somebody
/// else gets the same one only when all others have been used.
const LINGER: Duration = Duration::from_secs(1);

/// Those that are open, and those that were.
static PORTS: Mutex<Ports> = Mutex::new(Ports { open: Vec::new(), closed: Vec::new() });

struct Ports {
    open: Vec<u32>,
    closed: Vec<(u32, Instant)>,
}

/// A port that is our own as long as this is there.
#[derive(Debug)]
pub(super) struct Port(u32);

impl Port {
    pub(super) fn own(port: u32) -> Self {
        ports().open.push(port);
        Self(port)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut ports = ports();
        if let Some(place) = ports.open.iter().position(|port| *port == self.0) {
            ports.open.swap_remove(place);
        }
        ports.forget(now);
        ports.closed.push((self.0, now));
    }
}

impl Ports {
    fn forget(&mut self, now: Instant) {
        self.closed.retain(|(_, since)| now.saturating_duration_since(*since) < LINGER);
    }
}

/// The ports of this process, and of tools that it has run.
pub(super) fn known() -> Vec<u32> {
    let mut ports = ports();
    ports.forget(Instant::now());
    ports.open.iter().copied().chain(ports.closed.iter().map(|(port, _)| *port)).collect()
}

fn ports() -> MutexGuard<'static, Ports> {
    // Whoever panicked has left them as they were before or after.
    PORTS.lock().unwrap_or_else(PoisonError::into_inner)
}
