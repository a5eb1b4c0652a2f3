//! What is watched and may be asked from outside while logs are read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Progress, and a way to stop.
#[derive(Debug, Default)]
pub struct Control {
    /// Set to stop after the pieces at hand; shared with signal handlers.
    pub stop: Arc<AtomicBool>,
    /// Bytes of the logs (as they are on disk) that have been dealt with.
    pub done_bytes: AtomicU64,
    /// Bytes of the logs in all, as far as known.
    pub total_bytes: AtomicU64,
    /// Lines that matched so far.
    pub matched: AtomicU64,
}

impl Control {
    /// Whether to stop.
    pub fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}
