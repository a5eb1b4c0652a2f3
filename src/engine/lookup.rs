//! Host names in matches: kept as they are, or looked up.
//!
//! A scan of an archive looks nothing up unless asked (`--usedns yes`): names of years ago no longer
//! mean what they meant, and the name servers of an attacker should not be told. Answers are kept for
//! the length of the scan, so that each name costs one question.

use std::collections::HashMap;
use std::net::ToSocketAddrs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::UseDns;
use crate::model::{Addr, Host};

/// What is known of names.
#[derive(Debug, Default)]
pub struct Names {
    /// Shared by all workers: a name is asked for once, and two workers seldom need one at a time.
    known: Mutex<HashMap<Box<str>, Vec<Host>>>,
    unresolved: AtomicU64,
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

impl Names {
    /// Who failed when a match has this id: the id itself, or every address of a name.
    pub(super) fn failures_of(&self, usedns: UseDns, id: &Host, is_dns: bool) -> Vec<Host> {
        let Host::Name(name) = id else { return vec![id.clone()] };
        match (is_dns, usedns) {
            (false, _) | (true, UseDns::Raw) => vec![id.clone()],
            (true, UseDns::No) => Vec::new(),
            (true, UseDns::Yes | UseDns::Warn) => self.look_up(name),
        }
    }

    /// Names that no address was found for.
    pub fn unresolved(&self) -> u64 {
        self.unresolved.load(Ordering::Relaxed)
    }

    fn look_up(&self, name: &str) -> Vec<Host> {
        let known = |names: &Self| {
            let known = names.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            known.get(name).cloned()
        };
        if let Some(hosts) = known(self) {
            return hosts;
        }
        let hosts: Vec<Host> = addresses_of(name).into_iter().map(Host::Addr).collect();
        if hosts.is_empty() {
            self.unresolved.fetch_add(1, Ordering::Relaxed);
        }
        let mut known = self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(name.into(), hosts.clone());
        hosts
    }
}

/// The addresses of a name, in order; none if there are none or they can't be asked for.
pub(super) fn addresses_of(name: &str) -> Vec<Addr> {
    let mut found: Vec<Addr> = (name, 0)
        .to_socket_addrs()
        .map(|found| found.map(|socket| Addr::host(socket.ip())).collect())
        .unwrap_or_default();
    found.sort();
    found.dedup();
    found
}
