//! What a daemon and one of its clients say to each other.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{End, Ended, Hello, READ_WITHIN, REQUEST_MAX_BYTES, REQUEST_WITHIN, VERSION};
use crate::control::{Failed, Request, Take};

/// As much is read, and written, at once.
const PIECE_BYTES: usize = 1 << 16;
/// Whoever watches a long answer sees it move.
const TOLD_WITHIN: Duration = Duration::from_millis(50);

/// Says hello and answers requests until the client has no more of them, or is not worth it.
pub(super) fn converse(
    stream: &UnixStream,
    hello: &Hello,
    answer: &dyn Fn(Request, &mut Take<'_>) -> Result<(), Failed>,
) {
    // Each error means that nobody is there any more.
    let _ = answers(stream, hello, answer);
}

fn answers(
    stream: &UnixStream,
    hello: &Hello,
    answer: &dyn Fn(Request, &mut Take<'_>) -> Result<(), Failed>,
) -> io::Result<()> {
    let mut speech = Speech::new(stream)?;
    speech.line(hello)?;
    speech.flush()?;
    let mut requests = Requests { stream, held: Vec::new() };
    loop {
        let line = match requests.next() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(Unheard::Gone(error)) => return Err(error),
            Err(unheard) => return speech.end(End::Error(unheard.to_string())),
        };
        let request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                speech.end(End::Error(format!(
                    "f2b {VERSION} does not know this request: {error}"
                )))?;
                continue;
            }
        };
        drop(line);
        let ended = answer(request, &mut |reply| speech.line(&reply));
        speech.end(match ended {
            Ok(()) => End::Ok(()),
            Err(failed) => End::Error(failed.to_string()),
        })?;
    }
}

/// Says hello, and why there is nothing more to say.
pub(super) fn refuse(stream: &UnixStream, hello: &Hello, why: &str) -> io::Result<()> {
    let mut speech = Speech::new(stream)?;
    speech.line(hello)?;
    speech.end(End::Error(why.to_owned()))
}

/// Lines on their way to a client.
struct Speech<'s> {
    stream: &'s UnixStream,
    held: Vec<u8>,
    /// When something was sent last.
    sent: Option<Instant>,
    /// A client that has once not taken what it was told is told no more: it would begin in the middle of a line.
    is_broken: bool,
}

impl<'s> Speech<'s> {
    fn new(stream: &'s UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(READ_WITHIN))?;
        Ok(Self { stream, held: Vec::new(), sent: None, is_broken: false })
    }

    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        let begin = self.held.len();
        if let Err(error) = serde_json::to_writer(&mut self.held, line) {
            self.held.truncate(begin);
            return Err(error.into());
        }
        self.held.push(b'\n');
        let is_due = self.sent.is_none_or(|sent| sent.elapsed() >= TOLD_WITHIN);
        if is_due || self.held.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn end(&mut self, end: End) -> io::Result<()> {
        self.line(&Ended { end })?;
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.is_broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let written = self.write();
        self.held.clear();
        self.is_broken = written.is_err();
        self.sent = Some(Instant::now());
        written
    }

    /// Writes all that is held. What was taken before the time was over is no excuse for the rest.
    fn write(&self) -> io::Result<()> {
        let mut stream = self.stream;
        let mut left = self.held.as_slice();
        while !left.is_empty() {
            let begun = Instant::now();
            match stream.write(left) {
                Ok(len) if begun.elapsed() < READ_WITHIN => {
                    left = left.get(len..).unwrap_or_default();
                }
                Ok(_) => return Err(ErrorKind::TimedOut.into()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Lines from a client.
struct Requests<'s> {
    stream: &'s UnixStream,
    /// What came behind the last line.
    held: Vec<u8>,
}

/// Why a client was not listened to any longer.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("a request is at most {} MiB long; send it in parts", REQUEST_MAX_BYTES >> 20)]
    TooLong,
    #[error("a request has to be whole within {} s; connect when there is one", REQUEST_WITHIN.as_secs())]
    TooSlow,
    #[error("a request ends in a line end; this one was cut off")]
    Cut,
    #[error(transparent)]
    Gone(#[from] io::Error),
}

impl Requests<'_> {
    /// The next line without its end; `None` if there is none.
    fn next(&mut self) -> Result<Option<Vec<u8>>, Unheard> {
        let deadline = Instant::now() + REQUEST_WITHIN;
        let mut piece = vec![0; PIECE_BYTES];
        let mut searched = 0;
        loop {
            let new = self.held.get(searched..).unwrap_or_default();
            if let Some(found) = memchr::memchr(b'\n', new) {
                let rest = self.held.split_off(searched + found + 1);
                let mut line = std::mem::replace(&mut self.held, rest);
                line.pop();
                return Ok(Some(line));
            }
            searched = self.held.len();
            if searched > REQUEST_MAX_BYTES {
                return Err(Unheard::TooLong);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Unheard::TooSlow);
            }
            self.stream.set_read_timeout(Some(left))?;
            let mut stream = self.stream;
            match stream.read(&mut piece) {
                Ok(0) if self.held.is_empty() => return Ok(None),
                Ok(0) => return Err(Unheard::Cut),
                Ok(len) => self.held.extend_from_slice(piece.get(..len).unwrap_or_default()),
                Err(error) if is_passing(error.kind()) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
