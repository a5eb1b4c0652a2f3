//! What keeps hosts out, made equal to the store.
//!
//! The store is the truth; a packet filter holds a projection of it. A [`Projection`] is the actions of some jails, and
//! is asked to make what they come to equal to the bans in force: of whole jails ([`Projection::restore`]), or of the
//! hosts whose bans a change has just made or ended ([`Projection::follow`]), which falls back on the former wherever
//! something is not as it was left.
//!
//! Bans are committed first. A process that is killed before it has carried them out leaves its jails pending in the
//! store, and the next one does it. Only one process at a time carries out ([`Lock`]), with what the store says by
//! then: so the last word is the store's, whoever comes last.

mod books;
mod follow;
mod groups;
mod lock;
mod restore;

use serde::{Deserialize, Serialize};

pub use self::follow::FOLLOW_MAX_HOSTS;
pub use self::lock::LockError;
use crate::config::JailDef;
use crate::enforce::{Gate, Kernel, KernelError, Step};
use crate::model::{Host, Time};
use crate::store::StoreError;

/// The actions of some jails.
#[derive(Debug)]
pub struct Projection {
    fronts: Vec<Front>,
    kernel: Kernel,
}

/// An action of a jail.
#[derive(Clone, Debug)]
struct Front {
    jail: String,
    action: String,
    /// What it comes to in a packet filter; `None` if it isn't an action that f2b knows.
    gates: Option<Vec<Gate>>,
}

/// How far it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It is done.
    Do,
    /// It is only told what would be done, and by what commands.
    Show,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Carried {
    /// Where something was done or would be.
    pub gates: Vec<GateFate>,
    /// The actions that are not as they ought to be.
    pub failed: Vec<Unenforced>,
    /// What was to be done.
    pub steps: Vec<Step>,
}

/// What became of a gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateFate {
    /// Where it is.
    pub place: String,
    /// The jails whose hosts it keeps out.
    pub jails: Vec<String>,
    /// Whether its rules had to be made, or made anew.
    pub is_made: bool,
    /// Whether it was taken out.
    pub is_gone: bool,
    /// How many hosts and networks are kept out from now on, or until another time than before.
    pub added: u64,
    /// How many are let in.
    pub removed: u64,
}

/// An action that is not as it ought to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unenforced {
    /// The jail.
    pub jail: String,
    /// The action's name in it.
    pub action: String,
    /// Why.
    pub why: String,
}

/// A host whose bans in a jail have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The jail.
    pub jail: String,
    /// The host.
    pub host: Host,
}

/// Why nothing could be carried out.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The store can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Nobody can be kept from carrying out at the same time.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// This process may not change the firewall.
    #[error(
        "changing the firewall needs root (CAP_NET_ADMIN); run 'f2b restore' as root to make it equal to the store"
    )]
    NotPermitted,
}

impl Projection {
    /// The actions of `jails`.
    pub fn new<'j>(jails: impl IntoIterator<Item = &'j JailDef>) -> Self {
        let fronts = jails.into_iter().flat_map(|jail| {
            jail.actions.iter().map(|action| Front {
                jail: jail.name.clone(),
                action: action.name.clone(),
                gates: Gate::of(action),
            })
        });
        Self { fronts: fronts.collect(), kernel: Kernel::default() }
    }
}

impl Carried {
    /// Adds what came of another part.
    fn join(&mut self, other: Self) {
        self.gates.extend(other.gates);
        self.failed.extend(other.failed);
        self.steps.extend(other.steps);
    }

    /// Remembers that actions are not as they ought to be; what keeps everything from being done ends it.
    fn fail<'f>(
        &mut self,
        fronts: impl IntoIterator<Item = &'f Front>,
        error: &KernelError,
    ) -> Result<(), ProjectionError> {
        if matches!(error, KernelError::NotPermitted) {
            return Err(ProjectionError::NotPermitted);
        }
        self.failed.extend(fronts.into_iter().map(|front| Unenforced {
            jail: front.jail.clone(),
            action: front.action.clone(),
            why: error.to_string(),
        }));
        Ok(())
    }

    /// Whether an action of a jail failed.
    fn has_failed(&self, jail: &str) -> bool {
        self.failed.iter().any(|failed| failed.jail == jail)
    }
}

impl GateFate {
    /// Whether nothing became of it.
    fn is_nothing(&self) -> bool {
        !self.is_made && !self.is_gone && self.added == 0 && self.removed == 0
    }
}

/// An instant and how far to go in it.
#[derive(Clone, Copy)]
struct Pass<'p> {
    jail: Option<&'p str>,
    now: Time,
    mode: Mode,
}
