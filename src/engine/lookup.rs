//! Host names in matches: kept as they are, or looked up.
//!
//! A scan of an archive looks nothing up unless asked (`--usedns yes`): names of years ago no longer
//! mean what they meant, and the name servers of an attacker should not be told. Workers ask and go on;
//! the answers are there, or are waited for, when lines are put in order.

use std::net::ToSocketAddrs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::ask::{Asker, Keep};
use crate::config::UseDns;
use crate::model::{Addr, Host, Time};

/// Names are few among addresses, but whoever writes the log chooses how many.
const KEEP: Keep = Keep { threads: 8, answers: 100_000, lifetime_us: None };

/// What is known of names.
#[derive(Debug)]
pub struct Names {
    asker: Asker<Vec<Addr>>,
    unresolved: Arc<AtomicU64>,
}

/// The id of a match: a text that is an address is one, wherever the expression took it from.
///
/// Where names stay as they are (`usedns = raw`) ids do too, unless they are spelt as f2b would.
pub(super) fn identified(usedns: UseDns, id: Host) -> Host {
    let Host::Name(text) = &id else { return id };
    match Addr::of_id(text) {
        Some(addr) if usedns != UseDns::Raw || addr.to_string() == **text => Host::Addr(addr),
        _ => id,
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { asker: Asker::new(KEEP), unresolved: Arc::default() }
    }
}

impl Names {
    /// Asks for the addresses of a name; never waits.
    pub(super) fn ask(&self, name: &str, now: Time) {
        let (owned, unresolved) = (name.to_owned(), Arc::clone(&self.unresolved));
        self.asker.ask(name, now, move || {
            let found = addresses_of(&owned);
            unresolved.fetch_add(u64::from(found.is_empty()), Ordering::Relaxed);
            found
        });
    }

    /// Whether the addresses of a name are still being looked for.
    pub(super) fn is_open(&self, name: &str) -> bool {
        self.asker.answer(name).is_err()
    }

    /// The addresses of a name, in order, waited for; none if there are none or they can't be asked for.
    pub(super) fn wait(&self, name: &str, now: Time) -> Vec<Addr> {
        loop {
            // What was forgotten meanwhile is asked again.
            self.ask(name, now);
            if let Some(found) = self.asker.wait(name) {
                return found;
            }
        }
    }

    /// Names that no address was found for.
    pub fn unresolved(&self) -> u64 {
        self.unresolved.load(Ordering::Relaxed)
    }
}

fn addresses_of(name: &str) -> Vec<Addr> {
    let mut found: Vec<Addr> = (name, 0)
        .to_socket_addrs()
        .map(|found| found.map(|socket| Addr::host(socket.ip())).collect())
        .unwrap_or_default();
    found.sort();
    found.dedup();
    found
}
