//! The side of whoever asks.

use std::io::{self, BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::{END, End, Ended, Hello, SocketError};
use crate::control::{Failed, Request, Take};
use crate::error::Error;

/// A daemon that has not said hello by then is stuck.
const HELLO_WITHIN: Duration = Duration::from_secs(5);
/// Two paths, and some.
const HELLO_MAX_BYTES: u64 = 1 << 16;

/// A connection to a daemon.
#[derive(Debug)]
pub struct Client {
    from: BufReader<UnixStream>,
    hello: Hello,
}

impl Client {
    /// Connects with the daemon that listens at `path`; `None` if nobody does.
    ///
    /// # Errors
    ///
    /// [`SocketError::Denied`] if this process may not speak to it: then it may not change its store either.
    pub fn connect(path: &Path) -> Result<Option<Self>, SocketError> {
        let stream = match UnixStream::connect(path) {
            Ok(stream) => stream,
            Err(error) if is_nobody(error.kind()) => return Ok(None),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(SocketError::Denied { path: path.to_owned() });
            }
            Err(source) => return Err(SocketError::Connecting { path: path.to_owned(), source }),
        };
        let failed = |source| SocketError::Connecting { path: path.to_owned(), source };
        stream.set_read_timeout(Some(HELLO_WITHIN)).map_err(failed)?;
        let mut from = BufReader::new(stream);
        let mut line = Vec::new();
        match from.by_ref().take(HELLO_MAX_BYTES).read_until(b'\n', &mut line) {
            // It has just ended.
            Ok(0) => return Ok(None),
            Err(error) if is_nobody(error.kind()) => return Ok(None),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Err(SocketError::Silent { path: path.to_owned() });
            }
            Err(source) => return Err(failed(source)),
            Ok(_) => {}
        }
        let Ok(hello) = serde_json::from_slice(&line) else {
            return Err(SocketError::Foreign { path: path.to_owned() });
        };
        from.get_ref().set_read_timeout(None).map_err(failed)?;
        Ok(Some(Self { from, hello }))
    }

    /// What the daemon says of itself.
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Has a request answered, however long that takes.
    ///
    /// # Errors
    ///
    /// What the daemon says in the place of an answer is an [`Error::Remote`]. After any other error the connection
    /// is of no use.
    pub fn answer(&mut self, request: &Request, take: &mut Take<'_>) -> Result<(), Failed> {
        let mut line = serde_json::to_vec(request).map_err(SocketError::Unsayable)?;
        line.push(b'\n');
        // Who is refused finds the connection closed, and the reason in it.
        let _ = self.from.get_mut().write_all(&line);
        loop {
            self.line(&mut line)?;
            if line.starts_with(END) {
                return match self.read::<Ended>(&line)?.end {
                    End::Ok(()) => Ok(()),
                    End::Error(text) => Err(Error::Remote(text).into()),
                };
            }
            take(self.read(&line)?)?;
        }
    }

    /// Waits until the daemon, which was told to, has ended: another can be started then.
    pub fn until_gone(mut self) {
        // It says nothing more; whether it closes the connection or is killed is the same.
        let _ = io::copy(&mut self.from, &mut io::sink());
    }

    /// The next line of an answer, whole.
    fn line(&mut self, line: &mut Vec<u8>) -> Result<(), SocketError> {
        line.clear();
        let read = self.from.read_until(b'\n', line);
        if read.is_ok() && line.ends_with(b"\n") { Ok(()) } else { Err(self.gone()) }
    }

    fn read<'l, T: serde::Deserialize<'l>>(&self, line: &'l [u8]) -> Result<T, SocketError> {
        serde_json::from_slice(line).map_err(|_| SocketError::Unknown {
            version: self.hello.f2b.clone(),
            line: String::from_utf8_lossy(line.trim_ascii_end()).into_owned(),
        })
    }

    fn gone(&self) -> SocketError {
        SocketError::Gone { pid: self.hello.pid }
    }
}

/// Whether an error says that nobody listens: no file, a file in the place of a folder or a socket, a socket of
/// somebody who has gone.
fn is_nobody(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::NotFound
            | ErrorKind::NotADirectory
            | ErrorKind::ConnectionRefused
            | ErrorKind::ConnectionReset
    )
}
