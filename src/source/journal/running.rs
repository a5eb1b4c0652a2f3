//! A journalctl that runs: what it prints, as entries, and what it complains of.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use rustix::event::epoll;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::JournalError;
use super::entry::Entry;
use super::export::Parser;
use crate::text::{printable, shown};

/// So much is read at a time, that others may have their turn.
const READ_MAX_BYTES: usize = 1 << 20;
const PART_BYTES: usize = 64 << 10;

/// So much is kept of its complaints: the last ones.
const SAID_MAX_BYTES: usize = 4096;

/// The process; killed and waited for when dropped.
pub(super) struct Running {
    child: Child,
    stdout: ChildStdout,
    /// `None` when nobody can complain any more.
    stderr: Option<ChildStderr>,
    said: Vec<u8>,
    parser: Parser,
    part: Box<[u8]>,
    args: Vec<OsString>,
    /// Whether all was read.
    pub(super) has_ended: bool,
}

impl Running {
    #[cfg(test)]
    pub(super) fn child(&self) -> &Child {
        &self.child
    }

    /// Starts it. What it prints and complains of wakes who waits for `ready`.
    pub(super) fn start(
        program: &OsStr,
        args: Vec<OsString>,
        ready: &OwnedFd,
    ) -> Result<Self, JournalError> {
        let started = Command::new(program)
            .args(&args)
            .env("LC_ALL", "C")
            .env("SYSTEMD_LOG_TARGET", "console")
            .env_remove("SYSTEMD_LOG_LEVEL")
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C is for who reads the journal.
            .process_group(0)
            .spawn();
        let mut child = started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => JournalError::NotInstalled,
            _ => JournalError::NotStarted(error),
        })?;
        let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(JournalError::NotStarted(io::ErrorKind::BrokenPipe.into()));
        };
        let running = Self {
            child,
            stdout,
            stderr: Some(stderr),
            said: Vec::new(),
            parser: Parser::default(),
            part: vec![0; PART_BYTES].into(),
            args,
            has_ended: false,
        };
        running.watch(ready).map_err(JournalError::NotStarted)?;
        Ok(running)
    }

    fn watch(&self, ready: &OwnedFd) -> io::Result<()> {
        let stderr = self.stderr.iter().map(AsFd::as_fd);
        for pipe in stderr.chain([self.stdout.as_fd()]) {
            fcntl_setfl(pipe, fcntl_getfl(pipe)? | OFlags::NONBLOCK)?;
            epoll::add(ready, pipe, epoll::EventData::new_u64(0), epoll::EventFlags::IN)?;
        }
        Ok(())
    }

    /// The entries that are there.
    pub(super) fn read(&mut self) -> Result<Vec<Entry>, JournalError> {
        self.listen()?;
        let (mut entries, mut left) = (Vec::new(), READ_MAX_BYTES);
        while left > 0 {
            match read_part(&mut self.stdout, &mut self.part)? {
                Part::None => break,
                Part::End => {
                    self.has_ended = true;
                    break;
                }
                Part::Some(len) => {
                    self.parser.push(&self.part[..len], &mut entries);
                    left = left.saturating_sub(len);
                }
            }
        }
        Ok(entries)
    }

    /// Reads its complaints, lest it wait for that.
    fn listen(&mut self) -> Result<(), JournalError> {
        while let Some(stderr) = &mut self.stderr {
            match read_part(stderr, &mut self.part)? {
                Part::None => break,
                Part::End => self.stderr = None,
                Part::Some(len) => self.said.extend(&self.part[..len]),
            }
            let start = self.said.len().saturating_sub(SAID_MAX_BYTES);
            self.said.drain(..start);
        }
        Ok(())
    }

    /// How it ended, when all was read; an error if it should not have.
    pub(super) fn finish(mut self, is_to_end: bool) -> Result<(), JournalError> {
        let status = self.child.wait()?;
        if status.success() && is_to_end { Ok(()) } else { Err(self.failure(status)) }
    }

    /// The same for one that may fail, but not because somebody killed it.
    pub(super) fn finish_unless_killed(mut self) -> Result<(), JournalError> {
        let status = self.child.wait()?;
        if status.signal().is_none() { Ok(()) } else { Err(self.failure(status)) }
    }

    fn failure(&mut self, status: ExitStatus) -> JournalError {
        // What it said before is said.
        let _ = self.listen();
        let how = match (status.code(), status.signal()) {
            (Some(code), _) => format!("status {code}"),
            (None, signal) => format!("signal {}", signal.unwrap_or(0)),
        };
        let words = self.args.iter().map(|word| quoted(&word.to_string_lossy()));
        let command = format!("journalctl {}", words.collect::<Vec<_>>().join(" "));
        JournalError::Ended {
            how,
            said: last_line(&self.said),
            command: printable(&command).into(),
        }
    }
}

/// As a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./=:@+,%".contains(c);
    if word.chars().all(is_plain) {
        return word.to_owned();
    }
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Cow::into_owned)
}

/// What it said last, behind a colon.
fn last_line(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
    last.map_or_else(String::new, |line| format!(": {}", shown(line)))
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may be over; if it can't be killed, it isn't waited for.
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

enum Part {
    Some(usize),
    None,
    End,
}

fn read_part(pipe: &mut impl Read, part: &mut [u8]) -> io::Result<Part> {
    loop {
        match pipe.read(part) {
            Ok(0) => return Ok(Part::End),
            Ok(len) => return Ok(Part::Some(len)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Part::None),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
