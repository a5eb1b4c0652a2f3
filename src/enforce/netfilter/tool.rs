//! Running the tools that change packet filters.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::process::Command;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::own::Port;
use crate::text;

/// As long as a tool may take: that of a commands's `timeout` in fail2ban. `iptables -w` waits for others for ever.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Why a tool did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// It isn't there.
    #[error("there is no '{}'; install it", text::shown(.0))]
    Missing(String),
    /// It could not be run.
    #[error("running '{}' failed: {error}", text::shown(.command))]
    Io {
        /// The program with its arguments.
        command: String,
        /// The system's word.
        error: io::Error,
    },
    /// It was killed because it took too long.
    #[error("'{}' took longer than {} s and was killed", text::shown(.0), TIMEOUT.as_secs())]
    Timeout(String),
    /// It refused.
    #[error("'{}' failed: {}", text::shown(.command), text::shown(.said))]
    Failed {
        /// The program with its arguments.
        command: String,
        /// The first line of its complaint.
        said: String,
    },
}

/// Runs a program with `input`; what it printed.
///
/// What goes in and out stands in memory files and not in pipes, so that nobody waits for anybody: a set of a million
/// hosts is some 50 MB.
pub(in crate::enforce) fn run(argv: &[String], input: &str) -> Result<String, ToolError> {
    let command = argv.join(" ");
    let io = |error| ToolError::Io { command: command.clone(), error };
    let (program, arguments) =
        argv.split_first().ok_or_else(|| io(io::ErrorKind::NotFound.into()))?;
    let mut stdin = memory().map_err(io)?;
    stdin.write_all(input.as_bytes()).and_then(|()| stdin.rewind()).map_err(io)?;
    let (mut stdout, mut stderr) = (memory().map_err(io)?, memory().map_err(io)?);
    let spawned = Command::new(program)
        .args(arguments)
        // Texts are compared and shown.
        .env("LC_ALL", "C")
        .stdin(stdin)
        .stdout(stdout.try_clone().map_err(io)?)
        .stderr(stderr.try_clone().map_err(io)?)
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ToolError::Missing(program.clone()));
        }
        Err(error) => return Err(io(error)),
    };
    // The tools leave the choice to the kernel, which takes the number of the process.
    let _port = Port::own(child.id());
    if !is_over(Pid::from_child(&child)).map_err(io)? {
        child.kill().and_then(|()| child.wait()).map_err(io)?;
        return Err(ToolError::Timeout(command));
    }
    let status = child.wait().map_err(io)?;
    if status.success() {
        return read(&mut stdout).map_err(io);
    }
    let said = read(&mut stderr).map_err(io)?;
    let first = said.lines().find(|line| !line.trim().is_empty());
    let said = first.map_or_else(|| status.to_string(), |line| line.trim().to_owned());
    Err(ToolError::Failed { command, said })
}

/// Whether a program says yes: exit status 0, without an error for another.
pub(in crate::enforce) fn says_yes(argv: &[String]) -> Result<bool, ToolError> {
    match run(argv, "") {
        Ok(_) => Ok(true),
        Err(ToolError::Failed { said, .. }) if is_forbidden(&said) => {
            Err(ToolError::Failed { command: argv.join(" "), said })
        }
        Err(ToolError::Failed { .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a tool complains that it may not.
pub(in crate::enforce) fn is_forbidden(said: &str) -> bool {
    said.contains("ermission denied") || said.contains("not permitted") || said.contains("be root")
}

fn memory() -> io::Result<File> {
    Ok(memfd_create("f2b", MemfdFlags::CLOEXEC)?.into())
}

fn read(file: &mut File) -> io::Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Waits for the end of a process; `false` if it took too long.
fn is_over(pid: Pid) -> io::Result<bool> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let left = Timespec { tv_sec: TIMEOUT.as_secs().cast_signed(), tv_nsec: 0 };
    loop {
        let mut ready = [PollFd::new(&process, PollFlags::IN)];
        match poll(&mut ready, Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            // Signals are handled in a flag; the time begins anew, which can't go on for ever.
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
