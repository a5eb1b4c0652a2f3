//! A server in the background: started, and waited for until it is ready or has ended.
//!
//! The server tells its readiness as it tells systemd (sd_notify(3)), and its end as every process does; nothing is
//! looked at again and again. What it says on standard error until then is handed on. It becomes the leader of a session of
//! its own (`f2b daemon --background`), so that neither Ctrl-C nor the end of a terminal reaches it.

use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::config::{LogTarget, LogTo};

/// Of what a server says before it is ready, so much is kept: its end.
const SAID_MAX_BYTES: usize = 64 << 10;

/// A server that is ready.
#[derive(Debug)]
pub(super) struct Started {
    /// Its process.
    pub(super) pid: u32,
    /// What it said.
    pub(super) said: String,
}

/// Why a server isn't ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotStarted {
    /// It has ended; what it said, line by line.
    #[error("{}", ending(.said, *.status))]
    Ended {
        /// How.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// It takes longer than it was to, and goes on.
    #[error("the daemon (pid {pid}) has begun, but is not ready yet; f2b ping says when it is")]
    NotReady {
        /// Its process.
        pid: u32,
    },
    /// The system doesn't let it be started.
    #[error("the daemon can't be started: {0}")]
    System(#[from] io::Error),
}

fn ending(said: &str, status: ExitStatus) -> String {
    let lines: Vec<_> =
        said.lines().map(|line| line.strip_prefix("f2b: ").unwrap_or(line)).collect();
    if lines.is_empty() {
        return format!("the daemon has ended ({status}); its log says why");
    }
    lines.join("\n")
}

/// Starts `command`, whose words and environment are complete, and waits until it is ready.
///
/// # Errors
///
/// It has ended, or isn't ready within that time.
pub(super) fn start(mut command: Command, within: Option<Duration>) -> Result<Started, NotStarted> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("ready");
    let ready = UnixDatagram::bind(&path)?;
    ready.set_nonblocking(true)?;
    command.env("NOTIFY_SOCKET", &path).env_remove("WATCHDOG_USEC").env_remove("WATCHDOG_PID");
    // It must not keep a file system from being unmounted.
    command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let pid = child.id();
    let mut told = Told::of(&mut child)?;
    let until = within.map(|within| Instant::now() + within);
    let process =
        pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).map_err(io::Error::from)?;
    loop {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        if left == Some(Duration::ZERO) {
            return Err(NotStarted::NotReady { pid });
        }
        wait(&[Some(ready.as_fd()), Some(process.as_fd()), told.fd()], left)?;
        told.read()?;
        if is_told(&ready)? {
            told.read()?;
            return Ok(Started { pid, said: told.text() });
        }
        if let Some(status) = child.try_wait()? {
            told.read()?;
            return Err(NotStarted::Ended { status, said: told.text() });
        }
    }
}

/// Whether it has said that it is ready.
fn is_told(ready: &UnixDatagram) -> io::Result<bool> {
    let mut message = [0; 256];
    loop {
        match ready.recv(&mut message) {
            Ok(len)
                if message[..len].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") =>
            {
                return Ok(true);
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
    }
}

/// What it says on standard error.
struct Told<R> {
    pipe: Option<R>,
    kept: Vec<u8>,
}

impl Told<std::process::ChildStderr> {
    fn of(child: &mut Child) -> io::Result<Self> {
        let pipe = child.stderr.take();
        if let Some(pipe) = &pipe {
            rustix::io::ioctl_fionbio(pipe, true)?;
        }
        Ok(Self { pipe, kept: Vec::new() })
    }

    fn fd(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }
}

impl<R: Read> Told<R> {
    /// Reads what there is, without waiting for more.
    fn read(&mut self) -> io::Result<()> {
        let mut chunk = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut chunk) {
                Ok(0) => self.pipe = None,
                Ok(len) => self.kept.extend_from_slice(&chunk[..len]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            let excess = self.kept.len().saturating_sub(SAID_MAX_BYTES);
            self.kept.drain(..excess);
        }
        Ok(())
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.kept).into_owned()
    }
}

fn wait(fds: &[Option<std::os::fd::BorrowedFd<'_>>], limit: Option<Duration>) -> io::Result<()> {
    let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
    let fds = fds.iter().flatten();
    let mut fds: Vec<_> = fds.map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    match poll(&mut fds, limit.as_ref()) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A log target whose file is where it is as seen from here: a server in the background is elsewhere.
pub(super) fn absolute_target(text: &str) -> io::Result<String> {
    match LogTarget::parse(text) {
        Ok(LogTarget { to: LogTo::File(path), .. }) if path.is_relative() => {
            Ok(std::env::current_dir()?.join(text).to_string_lossy().into_owned())
        }
        _ => Ok(text.to_owned()),
    }
}
