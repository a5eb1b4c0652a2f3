//! A server that speaks in pickles: fail2ban's or this program's. A connection is asked once, and closed.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::compat::Value;
use crate::compat::pickle::{MARKER, Malformed, PROTOCOL_MIN, decode_reply, encode};

/// Why there is no reply.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum NoContact {
    /// Nothing is at the socket's path.
    #[error("Failed to access socket path: {}. Is fail2ban running?", .0.display())]
    Missing(PathBuf),
    /// It is somebody else's.
    #[error("Permission denied to socket: {}, (you must be root)", .0.display())]
    Denied(PathBuf),
    /// It took longer than it was to.
    #[error("timed out")]
    TimedOut,
    /// Nobody listens there, or does any more.
    #[error("{}", as_python(.0))]
    System(io::Error),
    /// The reply can't be read.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl From<io::Error> for NoContact {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::TimedOut,
            _ => Self::System(error),
        }
    }
}

/// `[Errno 111] Connection refused`.
fn as_python(error: &io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => {
            let text = text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text);
            format!("[Errno {number}] {text}")
        }
        None => text,
    }
}

/// A connection, before or after its question.
pub(in crate::cli) struct Connection {
    stream: UnixStream,
}

impl Connection {
    /// With the server that listens at `path`. Each wait for it ends after `timeout`, if there is one.
    pub(in crate::cli) fn open(path: &Path, timeout: Option<Duration>) -> Result<Self, NoContact> {
        // fail2ban-client looks for the file first, and so words it.
        if !path.exists() {
            return Err(NoContact::Missing(path.to_owned()));
        }
        let stream = match UnixStream::connect(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                return Err(NoContact::Denied(path.to_owned()));
            }
            connected => connected?,
        };
        stream.set_read_timeout(timeout)?;
        stream.set_write_timeout(timeout)?;
        Ok(Self { stream })
    }

    /// The process that listens.
    pub(in crate::cli) fn peer(&self) -> Result<u32, NoContact> {
        let peer = rustix::net::sockopt::socket_peercred(&self.stream).map_err(io::Error::from)?;
        Ok(peer.pid.as_raw_nonzero().get().cast_unsigned())
    }

    /// Sends a request, and waits for its reply.
    pub(in crate::cli) fn ask(&mut self, request: &Value) -> Result<Value, NoContact> {
        // Each Python, and each other reader, knows this protocol.
        let mut bytes = encode(request, PROTOCOL_MIN);
        bytes.extend_from_slice(MARKER);
        self.stream.write_all(&bytes)?;
        bytes.clear();
        let mut chunk = vec![0; 1 << 16];
        loop {
            let read = match self.stream.read(&mut chunk) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                return Err(NoContact::System(io::Error::from_raw_os_error(libc::ECONNRESET)));
            }
            bytes.extend_from_slice(&chunk[..read]);
            let Some(pickle) = bytes.strip_suffix(MARKER) else { continue };
            match decode_reply(pickle) {
                // What looks like the end is within a text.
                Err(Malformed::Truncated) => {}
                decoded => return Ok(decoded?),
            }
        }
    }

    /// Waits until the server, which was told to, has ended; `false` if it took longer.
    pub(in crate::cli) fn until_gone(mut self, timeout: Duration) -> bool {
        let waits = self.stream.set_read_timeout(Some(timeout.max(Duration::from_millis(1))));
        let mut chunk = [0; 64];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let is_late =
                        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
                    return waits.is_ok() && !is_late;
                }
            }
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // The server sees the end; it needs no farewell.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_worded_as_python_does() {
        for (number, expected) in [
            (libc::ECONNREFUSED, "[Errno 111] Connection refused"),
            (libc::ECONNRESET, "[Errno 104] Connection reset by peer"),
        ] {
            let error = NoContact::from(io::Error::from_raw_os_error(number));
            assert_eq!(error.to_string(), expected);
        }
    }
}
