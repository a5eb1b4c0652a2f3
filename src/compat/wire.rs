//! The conversation that fail2ban's tools have with a server: pickles, each with a marker behind it.

use std::fmt;
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::pickle::{Frame, Frames, MARKER, Malformed, PROTOCOL_MIN, TooLong, encode};
use super::value::Value;
use crate::control::socket::{
    Conversation, Guest, Listener, PIECE_BYTES, REQUEST_WITHIN, Read, SocketError, prepare, read,
    write,
};

/// A request that has a marker somewhere and then stops is one that was cut off: it is not waited for until its time is
/// over.
const SILENCE: Duration = Duration::from_secs(1);

/// fail2ban's own: who may not read it may not connect.
const MODE: u32 = 0o700;

/// Listens where fail2ban's server does, unless one lives there.
///
/// # Errors
///
/// [`SocketError::Others`] if somebody listens there; others as of [`Listener::bind`].
pub fn listen(path: &Path) -> Result<Listener, SocketError> {
    Listener::bind_unless(path, MODE, alone)
}

/// A fail2ban server that is busy has one client in its queue, and whoever comes then would wait.
fn alone(path: &Path) -> Result<(), SocketError> {
    let failed =
        |error: Errno| SocketError::Connecting { path: path.to_owned(), source: error.into() };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None);
    let socket = socket.map_err(failed)?;
    let address = SocketAddrUnix::new(path).map_err(failed)?;
    match rustix::net::connect(&socket, &address) {
        Err(Errno::CONNREFUSED | Errno::NOENT) => Ok(()),
        Ok(()) | Err(Errno::AGAIN) => Err(SocketError::Others { path: path.to_owned() }),
        Err(error) => Err(failed(error)),
    }
}

/// Answers one value by another.
pub struct Pickled<A> {
    answer: A,
}

impl<A> fmt::Debug for Pickled<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pickled").finish_non_exhaustive()
    }
}

impl<A> Pickled<A>
where
    A: Fn(Result<Value, Malformed>) -> Value + Send + Sync + 'static,
{
    /// Requests are answered by `answer`, which is called by many threads at once.
    pub fn new(answer: A) -> Self {
        Self { answer }
    }

    fn answers(&self, client: &Guest) -> io::Result<()> {
        prepare(client.stream())?;
        let mut requests = Requests { client, frames: Frames::default() };
        loop {
            let (frame, is_last) = match requests.next()? {
                Next::Frame(frame) => (frame, false),
                Next::Last(frame) => (frame, true),
                Next::None => return Ok(()),
            };
            let Frame::Request { value, protocol } = frame else { return Ok(()) };
            let reply = encode(&(self.answer)(value), protocol);
            write(client.stream(), &[reply.as_slice(), MARKER].concat())?;
            if is_last {
                return Ok(());
            }
        }
    }
}

impl<A> Conversation for Pickled<A>
where
    A: Fn(Result<Value, Malformed>) -> Value + Send + Sync + 'static,
{
    fn converse(&self, client: &Guest) {
        // Each error means that nobody is there any more.
        let _ = self.answers(client);
    }

    /// fail2ban's server has no words for that, its clients none either.
    fn refuse(&self, _: &UnixStream, _: &str) {}

    /// As fail2ban's server has them, which speaks to one at a time.
    fn has_them_wait(&self) -> bool {
        true
    }
}

struct Requests<'c> {
    client: &'c Guest,
    frames: Frames,
}

/// What a client has come to.
enum Next {
    Frame(Frame),
    /// What comes behind it can't be told apart from it.
    Last(Frame),
    None,
}

impl Requests<'_> {
    /// Between requests a client may be silent for as long as he likes; a request that has begun has to be whole within
    /// [`REQUEST_WITHIN`].
    fn next(&mut self) -> io::Result<Next> {
        let mut piece = vec![0; PIECE_BYTES];
        let mut begun: Option<Instant> = None;
        loop {
            match self.frames.frame() {
                Ok(Some(frame)) => return Ok(Next::Frame(frame)),
                Ok(None) => {}
                Err(TooLong) => return Ok(cut_off(Malformed::TooMany)),
            }
            let now = Instant::now();
            let deadline = if self.frames.is_empty() {
                self.client.rests();
                None
            } else {
                let end = *begun.get_or_insert(now) + REQUEST_WITHIN;
                Some(end.min(now + SILENCE)).filter(|_| now < end)
            };
            if begun.is_some() && deadline.is_none() {
                return Ok(cut_off(Malformed::Truncated));
            }
            let heard = read(self.client.stream(), &mut piece, deadline)?;
            self.client.asks();
            match heard {
                Read::End => return Ok(Next::None),
                Read::Bytes(bytes) => self.frames.feed(bytes),
                Read::Nothing => {
                    if let Some(frame) = self.frames.give_up() {
                        return Ok(Next::Last(frame));
                    }
                }
            }
        }
    }
}

fn cut_off(why: Malformed) -> Next {
    Next::Last(Frame::Request { value: Err(why), protocol: PROTOCOL_MIN })
}
