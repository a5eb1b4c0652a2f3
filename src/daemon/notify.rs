//! What systemd is told (sd_notify(3)), if it is who started us.

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Whoever waits for the service to be ready.
pub(super) struct Notify(Option<(UnixDatagram, SocketAddr)>);

impl Notify {
    /// As the environment says.
    pub(super) fn from_environment() -> Self {
        let socket = || {
            let name = std::env::var("NOTIFY_SOCKET").ok()?;
            let address = match name.strip_prefix('@') {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&name),
            };
            let socket = UnixDatagram::unbound().ok()?;
            // Who doesn't listen is not waited for.
            socket.set_nonblocking(true).ok()?;
            Some((socket, address.ok()?))
        };
        Self(socket())
    }

    /// Tells it, as `KEY=value` lines. That nobody hears it changes nothing.
    pub(super) fn tell(&self, what: &str) {
        if let Self(Some((socket, address))) = self {
            let _ = socket.send_to_addr(what.as_bytes(), address);
        }
    }

    /// How often it wants to hear that we are alive: half the time after which it takes us for dead.
    pub(super) fn watchdog() -> Option<std::time::Duration> {
        let number = |name| std::env::var(name).ok()?.parse::<u64>().ok();
        let is_ours = number("WATCHDOG_PID").is_none_or(|pid| pid == u64::from(std::process::id()));
        let micros = number("WATCHDOG_USEC").filter(|micros| is_ours && *micros > 0)?;
        Some(std::time::Duration::from_micros(micros / 2))
    }
}
