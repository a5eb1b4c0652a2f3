//! Who watches what happens as it does.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::Happening;

/// Who is so far behind hears no more.
const BEHIND_MAX: usize = 10_000;

/// All who watch; copies are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Audience(Arc<Mutex<Vec<SyncSender<Happening>>>>);

impl Audience {
    /// What happens from now on, until the service ends.
    pub(super) fn join(&self) -> Receiver<Happening> {
        let (sender, receiver) = sync_channel(BEHIND_MAX);
        self.all().push(sender);
        receiver
    }

    /// Whether nobody watches.
    pub(super) fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Tells everybody, and waits for nobody.
    pub(super) fn tell(&self, what: &Happening) {
        self.all().retain(|one| one.try_send(what.clone()).is_ok());
    }

    /// That was all.
    pub(super) fn close(&self) {
        self.all().clear();
    }

    fn all(&self) -> MutexGuard<'_, Vec<SyncSender<Happening>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_far_behind_or_gone_holds_up_nobody() {
        let audience = Audience::default();
        let (slow, gone) = (audience.join(), audience.join());
        drop(gone);
        for _ in 0..=BEHIND_MAX {
            audience.tell(&Happening::Nothing);
        }
        assert!(audience.is_empty());
        assert_eq!(slow.iter().count(), BEHIND_MAX);
    }
}
