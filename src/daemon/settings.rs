//! What the service is told when it begins.

use std::path::PathBuf;

use crate::model::Zone;

/// What the service is to work with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration folder.
    pub config: PathBuf,
    /// The store.
    pub store: PathBuf,
    /// Where users are answered; `None` for nowhere.
    pub socket: Option<PathBuf>,
    /// Zone of times that name none.
    pub zone: Zone,
    /// Whether bans take effect, or only in the store.
    pub enforces: bool,
    /// Whether all actions are done by running their commands.
    pub runs_commands: bool,
}
