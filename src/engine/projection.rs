//! What keeps hosts out, made equal to the store.
//!
//! The store is the truth; a packet filter holds a projection of it. A [`Projection`] is the actions of some jails, and
//! is asked to make what they come to equal to the bans in force: of whole jails ([`Projection::restore`]), or of the
//! hosts whose bans a change has just made or ended ([`Projection::follow`]), which falls back on the former wherever
//! something is not as it was left. What others have changed since is mended by [`Projection::repair`].
//!
//! An action that is no gate is told of each ban by its commands, in turn ([`script`]).
//!
//! Bans are committed first. A process that is killed before it has carried them out leaves its jails pending in the
//! store, and the next one does it. Only one process at a time carries out ([`Lock`]), with what the store says by
//! then: so the last word is the store's, whoever comes last.

mod books;
mod cut;
mod effect;
mod follow;
mod groups;
mod lock;
mod repair;
mod restore;
mod script;
mod ticket;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use self::books::Books;
pub use self::cut::KILL_CONNECTIONS;
pub use self::effect::{Cause, Effects};
pub use self::follow::FOLLOW_MAX_HOSTS;
pub use self::lock::{Lock, LockError};
use self::ticket::Terms;
use crate::config::{ActionDef, JailDef};
use crate::enforce::action::Action;
use crate::enforce::{Gate, IpsetHead, Kernel, KernelError};
use crate::model::{Host, Time};
use crate::store::{Reader, StoreError};

/// The actions of some jails.
#[derive(Debug)]
pub struct Projection {
    fronts: Vec<Front>,
    /// Jails whose actions stay as they were put in, where they are no fronts.
    kept: BTreeSet<String>,
    /// Jails whose bans cut the connections that a host has.
    cuts: BTreeSet<String>,
    kernel: Kernel,
    /// Sets that were found to be equal to the store, by name, and what they looked like.
    outsides: BTreeMap<String, IpsetHead>,
}

/// An action of a jail.
#[derive(Clone, Debug)]
struct Front {
    jail: String,
    action: String,
    how: How,
}

/// How an action keeps hosts out.
#[derive(Clone, Debug)]
enum How {
    /// By gates of a packet filter.
    Gates(Vec<Gate>),
    /// By whatever its commands do.
    Script(Box<Action>, Terms),
    /// Not at all, and why.
    Not(String),
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
    /// What was to be done, as a shell would be told.
    pub steps: Vec<String>,
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
    /// The actions of `jails`. Stock actions for packet filters are done without their commands, unless
    /// `runs_commands` says that each is to be done by what its file says.
    pub fn new<'j>(jails: impl IntoIterator<Item = &'j JailDef>, runs_commands: bool) -> Self {
        let mut cuts = BTreeSet::new();
        let fronts = jails.into_iter().flat_map(|jail| {
            cuts.extend(jail.kill_connections.then(|| jail.name.clone()));
            let actions = jail.actions.iter().filter(|action| action.is_ready());
            actions.map(move |action| Front {
                jail: jail.name.clone(),
                action: action.name.clone(),
                how: How::of(jail, action, runs_commands),
            })
        });
        let fronts = fronts.collect();
        let kept = BTreeSet::new();
        Self { fronts, kept, cuts, kernel: Kernel::default(), outsides: BTreeMap::new() }
    }

    /// The same, where actions of `jails` that were put in and are not among these stay as they are: their
    /// configuration can't be read, and who is banned in them is to be kept out all the same.
    #[must_use]
    pub fn keeping(self, kept: BTreeSet<String>) -> Self {
        Self { kept, ..self }
    }

    /// The jails that have actions which run commands, or that can't be run.
    pub fn scripted(&self) -> BTreeSet<String> {
        let is_gate = |front: &&Front| matches!(front.how, How::Gates(_));
        let scripted = self.fronts.iter().filter(|front| !is_gate(front));
        scripted.map(|front| front.jail.clone()).collect()
    }

    /// The jails that have actions which have run commands and are wanted no more.
    ///
    /// # Errors
    /// The store can't be read.
    pub fn forsaken(&self, reader: &Reader) -> Result<BTreeSet<String>, StoreError> {
        let books = Books::read(reader)?;
        let is_front = |front: &Front| self.fronts.iter().any(|known| known.is_same(front));
        let scripts = books.scripts_of(None).map(|(key, _)| key);
        let gone = scripts.filter(|(jail, action)| !is_front(&Front::unknown(jail, action)));
        Ok(gone.map(|(jail, _)| jail.clone()).collect())
    }

    /// Finds the actions that stay as they are.
    fn keep_installed(&mut self, reader: &Reader) -> Result<(), StoreError> {
        if self.kept.is_empty() {
            return Ok(());
        }
        let books = Books::read(reader)?;
        for jail in std::mem::take(&mut self.kept) {
            let gates = books
                .gates_of(Some(&jail))
                .map(|((_, action), gates)| (action, How::Gates(gates.to_vec())));
            let scripts = books.scripts_of(Some(&jail)).filter_map(|((_, action), state)| {
                let script = Action::of_state(&jail, action, state)?;
                Some((action, How::Script(Box::new(script), Terms::default())))
            });
            for (action, how) in gates.chain(scripts) {
                let front = Front { jail: jail.clone(), action: action.clone(), how };
                if !self.fronts.iter().any(|known| known.is_same(&front)) {
                    self.fronts.push(front);
                }
            }
        }
        Ok(())
    }
}

impl How {
    fn of(jail: &JailDef, action: &ActionDef, runs_commands: bool) -> Self {
        if let Some(gates) = Gate::of(action).filter(|_| !runs_commands) {
            return Self::Gates(gates);
        }
        let terms = Terms {
            bantime: jail.bantime,
            maxmatches: usize::try_from(jail.maxmatches).unwrap_or(usize::MAX),
        };
        match Action::compile(&jail.name, action) {
            Ok(action) => Self::Script(Box::new(action), terms),
            Err(found) => Self::Not(found.to_string()),
        }
    }
}

impl Front {
    /// An action of which nothing is known but its name.
    fn unknown(jail: &str, action: &str) -> Self {
        let how = How::Gates(Vec::new());
        Self { jail: jail.to_owned(), action: action.to_owned(), how }
    }

    /// Its gates, if it has any.
    fn gates(&self) -> &[Gate] {
        match &self.how {
            How::Gates(gates) => gates,
            How::Script(..) | How::Not(_) => &[],
        }
    }

    fn is(&self, jail: &str, action: &str) -> bool {
        self.jail == jail && self.action == action
    }

    fn is_same(&self, other: &Self) -> bool {
        self.is(&other.jail, &other.action)
    }

    /// That it is not as it ought to be.
    fn unenforced(&self, why: &str) -> Unenforced {
        Unenforced { jail: self.jail.clone(), action: self.action.clone(), why: why.to_owned() }
    }
}

impl Pass<'_> {
    /// Whether it is about a jail.
    fn is_for(&self, jail: &str) -> bool {
        self.jail.is_none_or(|only| only == jail)
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
        for front in fronts {
            let failed = front.unenforced(&error.to_string());
            // The sets of an action fail all alike.
            if !self.failed.contains(&failed) {
                self.failed.push(failed);
            }
        }
        Ok(())
    }

    /// Whether one of these actions failed.
    fn have_failed(&self, fronts: &[Front]) -> bool {
        let is_one =
            |failed: &Unenforced| fronts.iter().any(|front| front.is(&failed.jail, &failed.action));
        self.failed.iter().any(is_one)
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
