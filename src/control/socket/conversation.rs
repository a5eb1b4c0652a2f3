//! What a daemon and one of its clients say to each other.

use std::fmt;
use std::io::{self, ErrorKind};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::stream::{PIECE_BYTES, Read, prepare, read, write};
use super::{Conversation, End, Ended, Guest, Hello};
use super::{REQUEST_MAX_BYTES, REQUEST_WITHIN, VERSION};
use crate::control::{Failed, Reply, Request, Take};

/// Whoever watches a long answer sees it move.
const TOLD_WITHIN: Duration = Duration::from_millis(50);

/// A conversation in lines of JSON.
pub struct InLines<A> {
    hello: Hello,
    answer: A,
}

impl<A> fmt::Debug for InLines<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InLines").field("hello", &self.hello).finish_non_exhaustive()
    }
}

impl<A> InLines<A>
where
    A: Fn(Request, &mut Take<'_>) -> Result<(), Failed> + Send + Sync + 'static,
{
    /// Each client is told `hello`; requests are answered by `answer`, which is called by many threads at once.
    pub fn new(hello: Hello, answer: A) -> Self {
        Self { hello, answer }
    }

    fn answers(&self, stream: &UnixStream) -> io::Result<()> {
        let mut speech = Speech::new(stream)?;
        speech.line(&self.hello)?;
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
            let ended = (self.answer)(request, &mut |reply| {
                speech.line(&reply)?;
                // Behind it, for seconds, nothing may come with which it would be sent.
                if matches!(reply, Reply::Happened(_)) { speech.flush() } else { Ok(()) }
            });
            speech.end(match ended {
                Ok(()) => End::Ok(()),
                Err(failed) => End::Error(failed.to_string()),
            })?;
        }
    }
}

impl<A> Conversation for InLines<A>
where
    A: Fn(Request, &mut Take<'_>) -> Result<(), Failed> + Send + Sync + 'static,
{
    fn converse(&self, client: &Guest) {
        // Each error means that nobody is there any more.
        let _ = self.answers(client.stream());
    }

    /// Says hello, and why there is nothing more to say.
    fn refuse(&self, stream: &UnixStream, why: &str) {
        let told = Speech::new(stream).and_then(|mut speech| {
            speech.line(&self.hello)?;
            speech.end(End::Error(why.to_owned()))
        });
        // He is gone already, then.
        let _ = told;
    }

    fn has_them_wait(&self) -> bool {
        false
    }
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
        prepare(stream)?;
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
        let written = write(self.stream, &self.held);
        self.held.clear();
        self.is_broken = written.is_err();
        self.sent = Some(Instant::now());
        written
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
            match read(self.stream, &mut piece, Some(deadline))? {
                Read::Nothing => return Err(Unheard::TooSlow),
                Read::End if self.held.is_empty() => return Ok(None),
                Read::End => return Err(Unheard::Cut),
                Read::Bytes(bytes) => self.held.extend_from_slice(bytes),
            }
        }
    }
}
