//! Running a command: in a shell and a process group of its own, with an end to its time and to what it may say.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use super::Filled;
use crate::text;

/// How much is kept of what a command prints, and of what it complains of, in bytes each. The rest is read and dropped.
pub const OUTPUT_MAX_BYTES: usize = 64 * 1024;

/// How long a command that was told to end may take to.
const TERM_GRACE: Duration = Duration::from_millis(200);

/// How long output is waited for when the command is over: what it left running may keep the pipe for ever.
const OUTPUT_GRACE: Duration = Duration::from_millis(100);

/// Why a command has no exit status.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// It could not be started or waited for.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It took longer than it may, and was killed with its children.
    #[error("it took longer than {} s and was killed", .0.as_secs_f64())]
    Timeout(Duration),
}

/// What came of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status: if a signal ended it, 128 and the signal, as shells have it.
    pub status: i32,
    /// The first [`OUTPUT_MAX_BYTES`] of what it printed.
    pub stdout: Vec<u8>,
    /// The same of what it complained of.
    pub stderr: Vec<u8>,
}

/// Its status, what that means, and the first line of its complaints.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "status {}", self.status)?;
        if self.status == 127 {
            f.write_str(", no such command")?;
        }
        let said = String::from_utf8_lossy(&self.stderr);
        match said.lines().find(|line| !line.trim().is_empty()) {
            Some(line) => write!(f, ": {}", text::shown(line.trim())),
            None => Ok(()),
        }
    }
}

impl Filled {
    /// Runs it in a shell, in the folder `/`, with files that only their owner may read, without input, and in this
    /// program's environment but for the variables of `environment`.
    ///
    /// What it prints is read while it runs, however much that is. Children that it leaves running hold nobody up.
    /// One that is not over in time is told to end, with its children, and killed if it doesn't: that is an error
    /// whatever its status.
    pub fn run(
        &self,
        timeout: Duration,
        environment: &[(OsString, OsString)],
    ) -> Result<Ended, CommandError> {
        let own = self.variables().map(|(name, value)| (OsStr::new(name), OsStr::new(value)));
        let given = environment.iter().map(|(name, value)| (&**name, &**value));
        let mut child = Command::new("/bin/sh")
            // On the command's own line: complaints name it by its number.
            .args(["-c", &format!("umask 0077; {}", self.script())])
            .envs(given.chain(own))
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that all it starts can be ended with it.
            .process_group(0)
            .spawn()?;
        let pid = Pid::from_child(&child);
        let mut stdout = Output::new(child.stdout.take());
        let mut stderr = Output::new(child.stderr.take());
        let waited = wait(pid, timeout, &mut stdout, &mut stderr);
        let status = child_status(&mut child, pid, matches!(waited, Ok(true)))?;
        if !waited? {
            return Err(CommandError::Timeout(timeout));
        }
        drain(OUTPUT_GRACE, &mut stdout, &mut stderr)?;
        Ok(Ended { status, stdout: stdout.kept, stderr: stderr.kept })
    }
}

/// Waits for a command that is over, or ends it.
fn child_status(child: &mut Child, pid: Pid, is_over: bool) -> io::Result<i32> {
    if !is_over {
        // It may have ended this instant.
        let _ = kill_process_group(pid, Signal::KILL);
    }
    let status = child.wait()?;
    Ok(status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0)))
}

/// One of the pipes.
struct Output<R> {
    /// `None` when nobody can write any more.
    pipe: Option<R>,
    kept: Vec<u8>,
}

impl<R: Read + AsFd> Output<R> {
    fn new(pipe: Option<R>) -> Self {
        // A pipe that can't be set so is not read.
        let pipe = pipe.filter(|pipe| {
            let flags = fcntl_getfl(pipe);
            flags.and_then(|flags| fcntl_setfl(pipe, flags | OFlags::NONBLOCK)).is_ok()
        });
        Self { pipe, kept: Vec::new() }
    }

    /// Reads what there is.
    fn read(&mut self) -> io::Result<()> {
        let mut part = [0; 8192];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut part) {
                Ok(0) => self.pipe = None,
                Ok(len) => {
                    let room = OUTPUT_MAX_BYTES - self.kept.len();
                    self.kept.extend_from_slice(&part[..len.min(room)]);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            // Who prints without end must not keep us from looking at the time.
            if self.kept.len() == OUTPUT_MAX_BYTES {
                break;
            }
        }
        Ok(())
    }
}

/// Waits for the end of a process; `false` if the time was over first, and it was told to end.
fn wait<O: Read + AsFd, E: Read + AsFd>(
    pid: Pid,
    timeout: Duration,
    stdout: &mut Output<O>,
    stderr: &mut Output<E>,
) -> io::Result<bool> {
    let process = pidfd_open(pid, PidfdFlags::empty())?;
    let now = Instant::now();
    // A time that ends after the clock does is none.
    let end = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(u32::MAX.into()));
    if until(end, Some(process.as_fd()), stdout, stderr)? {
        return Ok(true);
    }
    let _ = kill_process_group(pid, Signal::TERM);
    until(Instant::now() + TERM_GRACE, Some(process.as_fd()), stdout, stderr)?;
    Ok(false)
}

/// Reads what is left.
fn drain<O: Read + AsFd, E: Read + AsFd>(
    grace: Duration,
    stdout: &mut Output<O>,
    stderr: &mut Output<E>,
) -> io::Result<()> {
    until(Instant::now() + grace, None, stdout, stderr).map(drop)
}

/// Reads until the process is over or, without one, until nobody can write any more; `false` if the time was over first.
fn until<O: Read + AsFd, E: Read + AsFd>(
    end: Instant,
    process: Option<rustix::fd::BorrowedFd<'_>>,
    stdout: &mut Output<O>,
    stderr: &mut Output<E>,
) -> io::Result<bool> {
    loop {
        stdout.read()?;
        stderr.read()?;
        let left = end.saturating_duration_since(Instant::now());
        let left = Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        };
        let pipes = [stdout.pipe.as_ref().map(O::as_fd), stderr.pipe.as_ref().map(E::as_fd)];
        let watched = process.into_iter().chain(pipes.into_iter().flatten());
        let mut ready: Vec<_> =
            watched.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        if ready.is_empty() {
            return Ok(true);
        }
        match poll(&mut ready, Some(&left)) {
            Ok(0) => return Ok(false),
            Ok(_) if process.is_some() && !ready[0].revents().is_empty() => return Ok(true),
            // Who prints without end is not waited for any longer than others.
            Ok(_) if Instant::now() >= end => return Ok(false),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::{kill_process, test_kill_process};

    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn run(script: &str, timeout: Duration) -> Result<Ended, CommandError> {
        Filled::new(script, |_| None).run(timeout, &[])
    }

    fn told(ended: &Ended) -> String {
        String::from_utf8(ended.stdout.clone()).unwrap()
    }

    #[test]
    fn a_command_has_no_input_a_folder_and_files_of_its_own() {
        let ended = run("cat; pwd; umask; echo oops >&2; exit 3", LONG).unwrap();
        assert_eq!((ended.status, &*told(&ended)), (3, "/\n0077\n"));
        assert_eq!(ended.to_string(), "status 3: oops");
    }

    #[test]
    fn the_environment_is_this_programs_and_what_is_given() {
        let given = [("GIVEN".into(), "a b".into())];
        let filled = Filled::new("echo \"$GIVEN\" ${PATH:+path}", |_| None);
        assert_eq!(told(&filled.run(LONG, &given).unwrap()), "a b path\n");
    }

    #[test]
    fn more_than_a_pipe_holds_is_read_and_the_beginning_kept() {
        let script = "head -c 1000000 /dev/zero | tr '\\0' x; head -c 300000 /dev/zero >&2";
        let ended = run(script, LONG).unwrap();
        assert_eq!(ended.status, 0);
        assert_eq!((ended.stdout.len(), ended.stderr.len()), (OUTPUT_MAX_BYTES, OUTPUT_MAX_BYTES));
    }

    #[test]
    fn a_child_that_keeps_the_pipe_holds_nobody_up() {
        let ended = run("sleep 1000 & echo $!", LONG).unwrap();
        let pid = Pid::from_raw(told(&ended).trim().parse().unwrap()).unwrap();
        test_kill_process(pid).expect("it runs on");
        kill_process(pid, Signal::KILL).unwrap();
    }

    #[test]
    fn err_who_ignores_the_signal_is_killed_and_who_ends_well_was_late() {
        for script in
            ["trap '' TERM; while :; do sleep 1; done", "trap 'exit 0' TERM; sleep 99 & wait"]
        {
            let error = run(script, Duration::from_millis(300)).unwrap_err();
            assert_eq!(error.to_string(), "it took longer than 0.3 s and was killed");
        }
        let endless = run("yes", Duration::from_millis(300)).unwrap_err();
        assert!(matches!(endless, CommandError::Timeout(_)), "{endless}");
    }

    #[test]
    fn a_missing_command_is_named() {
        let ended = run("no-such-command-here", LONG).unwrap();
        let named = "status 127, no such command: /bin/sh: 1: no-such-command-here: not found";
        assert_eq!(ended.to_string(), named);
    }
}
