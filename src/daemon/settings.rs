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
    /// Where fail2ban's tools are answered.
    pub fail2ban: Fail2banSocket,
    /// Zone of times that name none.
    pub zone: Zone,
    /// Whether bans take effect, or only in the store.
    pub enforces: bool,
    /// Whether all actions are done by running their commands.
    pub runs_commands: bool,
}

/// Where fail2ban's tools are answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fail2banSocket {
    /// Nowhere.
    Nowhere,
    /// There, unless somebody else listens there: then, or if it can't be listened there, they are not answered.
    IfFree(PathBuf),
    /// There, or the service does not begin.
    At(PathBuf),
}
