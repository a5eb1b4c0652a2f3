//! Who runs the commands of an action: the shell, or a list of what it would run.

use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

use super::letter::{Letter, LetterError};
use super::script::{Family, Operation};
use crate::command::{CommandError, Ended, Filled};
use crate::model::Time;
use crate::text;

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
    /// What is to be done.
    pub work: Work,
    /// When.
    pub now: Time,
    /// How long it may take.
    pub timeout: Duration,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Work {
    /// A command is to be run.
    Command(Filled),
    /// A letter is to be sent.
    Letter(Letter),
}

/// For whom and what for as a comment of the shell, and then the work.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (jail, action) = (text::shown(&self.jail), text::shown(&self.action));
        write!(f, "# jail '{jail}', {} of action '{action}'", self.operation)?;
        if self.family != Family::Any {
            write!(f, " for {}", self.family.name())?;
        }
        match &self.work {
            Work::Command(command) => write!(f, "\n{command}"),
            Work::Letter(letter) => write!(f, "\n{letter}"),
        }
    }
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
    /// It was a letter, and was not sent.
    #[error("{0}")]
    Letter(#[from] Box<LetterError>),
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
        let command = match call.work {
            Work::Command(command) => command,
            Work::Letter(letter) => {
                return Ok(letter.send(call.now, call.timeout).map_err(Box::new)?);
            }
        };
        let ended = command.run(call.timeout, &self.environment)?;
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
