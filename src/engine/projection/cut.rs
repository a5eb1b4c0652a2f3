//! The connections of hosts whose bans are carried out for the first time, cut where their jail says so.

use super::{Pass, Projection};
use crate::enforce::cut;
use crate::model::Addr;
use crate::store::{Batch, Reader, StoreError};

/// What stands in the place of an action where connections could not be cut: the jail's option.
pub const KILL_CONNECTIONS: &str = "kill_connections";

/// What came of it for a jail.
#[derive(Debug)]
pub(super) struct Cut {
    jail: String,
    /// Why connections could not be cut, if they couldn't.
    failed: Option<String>,
}

impl Projection {
    /// Cuts the connections of whom a jail has banned since its bans were last carried out, which now they are.
    pub(super) fn cut(
        &self,
        reader: &Reader,
        jail: &str,
        pass: Pass<'_>,
    ) -> Result<Cut, StoreError> {
        let addrs = self.to_cut(reader, jail, pass)?;
        let result = if addrs.is_empty() { Ok(0) } else { cut(&addrs) };
        Ok(Cut { jail: jail.to_owned(), failed: result.err().map(|error| error.to_string()) })
    }

    /// The same, as a shell would be told.
    pub(super) fn cutting(
        &self,
        reader: &Reader,
        jail: &str,
        pass: Pass<'_>,
    ) -> Result<Vec<String>, StoreError> {
        let step = |addr: Addr| format!("conntrack -D -s {addr}\nss -K dst {addr}\n");
        Ok(self.to_cut(reader, jail, pass)?.into_iter().map(step).collect())
    }

    fn to_cut(&self, reader: &Reader, jail: &str, pass: Pass<'_>) -> Result<Vec<Addr>, StoreError> {
        if !self.cuts.contains(jail) {
            return Ok(Vec::new());
        }
        let hosts = reader.hosts_unenforced(jail, pass.now)?;
        Ok(hosts.iter().filter_map(crate::model::Host::addr).collect())
    }
}

impl Cut {
    /// Remembers that connections could not be cut, or that they were.
    pub(super) fn tell(&self, batch: &mut Batch<'_>, pass: Pass<'_>) -> Result<(), StoreError> {
        match &self.failed {
            Some(why) => batch.set_trouble(&self.jail, KILL_CONNECTIONS, why, pass.now),
            None => batch.forget_trouble(&self.jail, KILL_CONNECTIONS),
        }
    }
}
