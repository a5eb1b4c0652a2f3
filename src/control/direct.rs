//! Answers without a daemon: from the files themselves.

use std::path::Path;

use super::{Change, Failed, Jails, Request, Take, ask, change};
use crate::engine::Writer;
use crate::model::Time;
use crate::store::Reader;

/// A configuration, a store and an instant, which is all that a request needs.
#[derive(Clone, Copy, Debug)]
pub struct Direct<'d> {
    /// The configuration folder.
    pub config: &'d Path,
    /// The store.
    pub store: &'d Path,
    /// What time it is.
    pub now: Time,
}

impl Direct<'_> {
    /// Answers a request; the store is opened for writing only if something is to be changed.
    pub fn answer(self, request: Request, take: &mut Take<'_>) -> Result<(), Failed> {
        let jails = Jails::new(self.config);
        match request {
            Request::Ask(question) => {
                ask(&question, jails, &Reader::open(self.store)?, self.now, take)
            }
            Request::Change(wanted) => {
                // Where nothing is stored, that is a slip of the pen; no store is made for it.
                if matches!(wanted, Change::Export { .. } | Change::Purge { .. }) {
                    drop(Reader::open(self.store)?);
                }
                let settled = wanted.settle(jails, self.now)?;
                change(settled, jails, &mut Writer::open(self.store)?, self.now, take)
            }
        }
    }
}
