//! Whose turn it is to write: whoever waits, before who has just written.
//!
//! SQLite has nobody wait in a queue: who finds a store locked looks again, every tenth of a second in the end, and who
//! writes one long transaction right behind another, as a scan does, is never found between two of them. `f2b ban` beside a
//! scan then waits for seconds, and in vain after five. So whoever is about to begin a transaction locks the store's folder
//! until he has begun it, and who waits for that is kept from beginning another one before him.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::BUSY_TIMEOUT;
use super::error::folder_of;

/// How often it is looked whether others have had their turn.
const LOOK: Duration = Duration::from_millis(1);

/// The store's folder, which needs no file of its own to be locked, and has none of SQLite's locks.
#[derive(Debug)]
pub(super) struct Turns(Option<File>);

/// Whose turn it is, as long as it is held.
#[derive(Debug)]
pub(super) struct Turn<'t>(Option<&'t File>);

impl Turns {
    /// Those of the store at `path`. Where they can't be had, it is a matter of luck.
    pub(super) fn of(path: &Path) -> Self {
        Self(File::open(folder_of(path)).ok())
    }

    /// Waits for one's turn, no longer than for the store itself: who was stopped while he waited stops nobody.
    pub(super) fn take(&self) -> Turn<'_> {
        let Some(folder) = &self.0 else { return Turn(None) };
        let begun = Instant::now();
        loop {
            match folder.try_lock() {
                Ok(()) => return Turn(Some(folder)),
                Err(TryLockError::WouldBlock) if begun.elapsed() < BUSY_TIMEOUT => look_again(),
                Err(_) => return Turn(None),
            }
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a lock can be waited for, or for so long at most, but not both"
)]
fn look_again() {
    thread::sleep(LOOK);
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // Fails only if it isn't locked.
        let _ = self.0.map(File::unlock);
    }
}
