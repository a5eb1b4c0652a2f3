//! Forgetting what is old, in steps between which others can write.

use std::thread;
use std::time::{Duration, Instant};

use super::{Failed, FileFate, Reply, Take};
use crate::engine::Writer;
use crate::engine::writer::{Order, WriterError};
use crate::error::Error;
use crate::model::Time;
use crate::store::{Purged, StoreError};

/// How long a step should take: as long as that, others wait. They ask again every 100 ms at the latest, for five
/// seconds, and find the store free for a third of the time.
const STEP: Duration = Duration::from_millis(50);

/// Deletes what happened before `before`, then gives back the space; what became of the exported files.
pub(super) fn purge(
    before: Time,
    writer: &mut Writer,
    now: Time,
    take: &mut Take<'_>,
) -> Result<Vec<FileFate>, Failed> {
    let of = writer.reader().count_before(before)?;
    let mut pace = Pace::default();
    let mut purged = Purged::default();
    let mut files = Vec::new();
    loop {
        let order = |most| Order::Purge { before, most };
        let done = pace.step(writer, |writer, most| writer.obey(order(most), now))?;
        files.extend(done.files);
        let gone = done.purged.unwrap_or_default();
        if gone.is_nothing() {
            break;
        }
        purged += gone;
        take(Reply::Purging { matches: purged.matches, of })?;
    }
    let mut free = u64::MAX;
    loop {
        let pages = |most| u32::try_from(most).unwrap_or(u32::MAX);
        let left = pace.step(writer, |writer, most| writer.give_back(pages(most)))?;
        // A store that was made without auto_vacuum keeps them all.
        if left == 0 || left >= free {
            break;
        }
        free = left;
    }
    let stuck_bytes = writer.cut_off()?;
    take(Reply::Purged { before, purged, stuck_bytes })?;
    Ok(files)
}

/// How much is done in a step, and how long the store is left to others after it. A matter of how fast the
/// machine is right now, not of what time it is.
struct Pace {
    /// Rows or pages of the next step.
    amount: u64,
    /// No more than so many, however fast that would be.
    most: u64,
    pause: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { amount: 500, most: 20_000, pause: Duration::ZERO }
    }
}

impl Pace {
    /// What is done at least, unless the disk is full: each step has a price of its own.
    const LEAST: u64 = 50;

    /// Does `work` in the next amount; in a smaller one if the disk has no room for it.
    fn step<T>(
        &mut self,
        writer: &mut Writer,
        work: impl Fn(&mut Writer, u64) -> Result<T, WriterError>,
    ) -> Result<T, Failed> {
        loop {
            #[expect(
                clippy::disallowed_methods,
                reason = "it is for others, of whom nothing is known"
            )]
            thread::sleep(self.pause);
            let begun = Instant::now();
            match work(writer, self.amount) {
                Ok(done) => {
                    self.adapt(begun.elapsed());
                    return Ok(done);
                }
                Err(WriterError::Store(StoreError::Full { .. })) if self.amount > 1 => {
                    writer.make_room()?;
                    self.most = (self.amount / 4).max(1);
                    self.amount = self.most;
                }
                Err(error) => return Err(Error::from(error).into()),
            }
        }
    }

    /// Half as much if it took too long, twice as much if it was fast.
    fn adapt(&mut self, took: Duration) {
        if took > STEP {
            self.amount = (self.amount / 2).max(Self::LEAST.min(self.most));
        } else if took < STEP / 2 {
            self.amount = (self.amount * 2).min(self.most);
        }
        self.pause = took / 2;
    }
}
