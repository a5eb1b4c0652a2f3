//! What is kept of a log: where a line stands, what a filter found in it, which failure that was,
//! and which ban came of it.

use serde::{Deserialize, Serialize};

use super::{Host, Time};

/// Who decided a ban or recorded a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// `f2b scan`, by the log's own time.
    Scan,
    /// The daemon, by the clock.
    Daemon,
    /// `f2b batch`.
    Batch,
    /// An administrator.
    Manual,
    /// `f2b import`.
    Import,
}

/// Why a ban is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EndReason {
    /// Its time ran out.
    Expired,
    /// An administrator lifted it.
    Unbanned,
    /// A later ban of the same host in the same jail took its place.
    Replaced,
}

impl Origin {
    /// Every origin, in the order of their numbers in the store.
    pub const ALL: [Self; 5] = [Self::Scan, Self::Daemon, Self::Batch, Self::Manual, Self::Import];

    /// The word shown to people and stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Daemon => "daemon",
            Self::Batch => "batch",
            Self::Manual => "manual",
            Self::Import => "import",
        }
    }

    /// The origin of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|o| o.name() == name)
    }
}

impl EndReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Expired, Self::Unbanned, Self::Replaced];

    /// The word shown to people and stored.
    pub fn name(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Unbanned => "unbanned",
            Self::Replaced => "replaced",
        }
    }

    /// The reason of a [name](Self::name).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.name() == name)
    }
}

/// One ban of one host in one jail.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ban {
    /// Who is banned.
    pub host: Host,
    /// The jail that banned.
    pub jail: String,
    /// When it began.
    pub at: Time,
    /// When its time is over; `None` if it is permanent.
    pub until: Option<Time>,
    /// Who decided it.
    pub origin: Origin,
    /// How many failures led to it (after extrapolation; 0 for a manual one).
    pub failures: u32,
    /// When and why it really ended; `None` while nobody has ended it.
    pub ended: Option<(Time, EndReason)>,
}

/// A ban lasts longer, as its host went on failing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prolongation {
    /// Who is banned.
    pub host: Host,
    /// The jail that banned.
    pub jail: String,
    /// When the ban began.
    pub ban_at: Time,
    /// When the last of the failures was, or somebody decided it; later than [`ban_at`](Self::ban_at).
    pub at: Time,
    /// When the ban's time would have been over.
    pub until_before: Time,
    /// When it is since then; `None` if the ban is permanent.
    pub until: Option<Time>,
    /// Who decided it.
    pub origin: Origin,
    /// How many failures led to it (after extrapolation); 0 if it was decided by hand.
    pub failures: u32,
}

impl Ban {
    /// Whether it is in force at `now`.
    pub fn is_active(&self, now: Time) -> bool {
        self.ended.is_none_or(|(at, _)| at > now)
            && self.at <= now
            && self.until.is_none_or(|u| u > now)
    }
}
