//! Why a run ended early: what the original says of it, and what there is to say more.

use std::fmt::Display;
use std::io;

/// Status of what is wrong with arguments or configuration.
const WRONG: u8 = 255;
/// Status of what the original says with a traceback.
const CRASHED: u8 = 1;

/// A run that ended early.
#[derive(Debug)]
pub(super) enum Ended {
    /// Something is wrong.
    Wrong {
        /// What the original says, on standard output.
        said: Option<String>,
        /// What f2b says besides, on standard error.
        causes: Vec<String>,
        /// How the process ends.
        status: u8,
    },
    /// The output can't be written.
    Output(io::Error),
}

impl Ended {
    /// As the original says it.
    pub(super) fn with(said: impl Into<String>) -> Self {
        Self::Wrong { said: Some(said.into()), causes: Vec::new(), status: WRONG }
    }

    /// When everything is said.
    pub(super) fn silently() -> Self {
        Self::Wrong { said: None, causes: Vec::new(), status: WRONG }
    }

    /// Where the original ends with a traceback: on standard error, in a line.
    pub(super) fn crashed(cause: impl Display) -> Self {
        Self::Wrong { said: None, causes: vec![cause.to_string()], status: CRASHED }
    }

    /// The same, and why.
    pub(super) fn because(mut self, cause: impl Display) -> Self {
        if let Self::Wrong { causes, .. } = &mut self {
            causes.push(cause.to_string());
        }
        self
    }
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}
