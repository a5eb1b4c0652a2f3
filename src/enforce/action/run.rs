//! Who runs the commands of an action: the shell, or a list of what it would run.

use std::ffi::OsString;
use std::time::Duration;

use super::script::{Family, Operation};
use crate::command::{CommandError, Ended, Filled};

/// A command that is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The jail.
    pub jail: String,
    /// The action's name in the jail.
    pub action: String,
    /// What for.
    pub operation: Operation,
    /// For whom.
    pub family: Family,
    /// The command.
    pub command: Filled,
    /// How long it may take.
    pub timeout: Duration,
}

/// Why a command didn't do what it should.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It said so.
    #[error("{0}")]
    Status(Ended),
    /// It could not be run to its end.
    #[error("{0}")]
    Command(#[from] CommandError),
}

/// Runs commands.
pub trait Run {
    /// Runs one to its end; any status but 0 is an error.
    fn run(&mut self, call: Call) -> Result<(), RunError>;
}

/// Runs them for real.
#[derive(Clone, Debug, Default)]
pub struct Shell {
    /// Variables that they find in their environment beside this program's own.
    pub environment: Vec<(OsString, OsString)>,
}

impl Run for Shell {
    fn run(&mut self, call: Call) -> Result<(), RunError> {
        let ended = call.command.run(call.timeout, &self.environment)?;
        if ended.status == 0 { Ok(()) } else { Err(RunError::Status(ended)) }
    }
}

/// Runs nothing, and keeps what would have been run if all went well.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// The commands, in order.
    pub calls: Vec<Call>,
}

impl Run for Recorder {
    fn run(&mut self, call: Call) -> Result<(), RunError> {
        self.calls.push(call);
        Ok(())
    }
}
