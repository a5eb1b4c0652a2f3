//! What a scan finds, on its way into the store: a thread of its own takes it there while more is looked for.
//!
//! Whoever puts in order what the workers find would else stand still while a batch is written, and soon the workers
//! behind him: on two cores a scan of a log that is full of attacks took a third longer. Matches go over in parcels, of
//! which only few wait, so that memory is bounded however slow the disk is. They come back when they are stored, to be
//! freed by who has the time.

use std::io;
use std::panic;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use super::super::outcome::LogInfo;
use super::intake::Spent;
use super::{FileFate, Intake, Settled, Writer};
use crate::model::{Matches, Time};
use crate::store::StoreError;

/// Lines with which a parcel is sent, and bytes of them.
const PARCEL_LINES: usize = 20_000;
const PARCEL_BYTES: usize = 8 << 20;

/// Parcels that may wait: with one being filled, as much as an [`Intake`] makes one batch of.
const WAITING_MAX: usize = 4;

/// What became of each jail's matches, in their order, and of the exported files.
type Stored = (Vec<Settled>, Vec<FileFate>);

/// The way to the thread that stores.
#[derive(Debug)]
pub struct Storing<'scope> {
    sender: SyncSender<Parcel>,
    /// What was stored.
    spent: Receiver<Spent>,
    /// `None` once it was found to have ended.
    thread: Option<ScopedJoinHandle<'scope, Result<Stored, StoreError>>>,
    parcel: Parcel,
    lines: usize,
    bytes: usize,
}

/// Matches of jails, by their places, in one log.
#[derive(Debug, Default)]
struct Parcel {
    log: Option<LogInfo>,
    matches: Vec<(usize, Matches)>,
    is_last: bool,
}

impl<'scope> Storing<'scope> {
    /// Begins to store with `writer` what `intake` is given, as of `now`.
    ///
    /// # Errors
    ///
    /// The system has no room for a thread.
    pub fn start(
        scope: &'scope Scope<'scope, '_>,
        writer: &'scope mut Writer,
        mut intake: Intake,
        now: Time,
    ) -> io::Result<Self> {
        let (sender, parcels) = sync_channel(WAITING_MAX);
        let (stored, spent) = channel();
        intake.set_spent(stored);
        let run = move || store(writer, intake, &parcels, now);
        let thread = Some(Builder::new().name("store".to_owned()).spawn_scoped(scope, run)?);
        Ok(Self { sender, spent, thread, parcel: Parcel::default(), lines: 0, bytes: 0 })
    }

    /// Takes the matches that a jail, by its place, has in a part of a log.
    ///
    /// # Errors
    ///
    /// What was taken before could not be stored.
    pub fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), StoreError> {
        if self.parcel.log.as_ref().is_some_and(|known| known.name != log.name) {
            self.send()?;
        }
        self.parcel.log.get_or_insert_with(|| log.clone());
        self.lines += matches.lines.len();
        self.bytes += matches.texts.len();
        self.parcel.matches.push((jail, matches));
        let is_full = self.lines >= PARCEL_LINES || self.bytes >= PARCEL_BYTES;
        if is_full { self.send() } else { Ok(()) }
    }

    /// Waits until all is stored and decided: what it came to.
    pub fn finish(mut self) -> Result<Stored, StoreError> {
        self.parcel.is_last = true;
        self.send()?;
        self.end()
    }

    fn send(&mut self) -> Result<(), StoreError> {
        (self.lines, self.bytes) = (0, 0);
        self.spent.try_iter().for_each(drop);
        match self.sender.send(std::mem::take(&mut self.parcel)) {
            Ok(()) => Ok(()),
            Err(_) => self.end().map(|_| ()),
        }
    }

    fn end(&mut self) -> Result<Stored, StoreError> {
        let Some(thread) = self.thread.take() else { return Ok(Stored::default()) };
        thread.join().unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    }
}

/// Stores what comes, and decides what is left when nothing more does; nothing of that if the scan was given up.
fn store(
    writer: &mut Writer,
    mut intake: Intake,
    parcels: &Receiver<Parcel>,
    now: Time,
) -> Result<Stored, StoreError> {
    for Parcel { log, matches, is_last } in parcels {
        for (jail, matches) in matches {
            if let Some(log) = &log {
                writer.take(&mut intake, log, jail, matches)?;
            }
        }
        if is_last {
            return writer.settle(intake, now);
        }
    }
    Ok(Stored::default())
}
