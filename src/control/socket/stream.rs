//! Bytes from and to a client, who may be slow, silent or gone.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use super::READ_WITHIN;

/// As much is read, and written, at once.
pub const PIECE_BYTES: usize = 1 << 16;

/// What a client has said.
#[derive(Debug)]
pub enum Read<'p> {
    /// This.
    Bytes(&'p [u8]),
    /// Nothing, and the time is over.
    Nothing,
    /// That he says nothing more.
    End,
}

/// Sees to it that nobody waits for ever for a client who does not read. To be done before anything is written.
pub fn prepare(stream: &UnixStream) -> io::Result<()> {
    stream.set_write_timeout(Some(READ_WITHIN))
}

/// Waits until a client says something, until `deadline` at most.
///
/// # Errors
///
/// He is gone.
pub fn read<'p>(
    mut stream: &UnixStream,
    piece: &'p mut [u8],
    deadline: Option<Instant>,
) -> io::Result<Read<'p>> {
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(Read::Nothing);
        }
        stream.set_read_timeout(left)?;
        match stream.read(piece) {
            Ok(0) => return Ok(Read::End),
            Ok(len) => return Ok(Read::Bytes(piece.get(..len).unwrap_or_default())),
            Err(error) if is_passing(error.kind()) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Writes all of it. What was taken before the time was over is no excuse for the rest.
///
/// # Errors
///
/// The client is gone, or does not read for [`READ_WITHIN`].
pub fn write(mut stream: &UnixStream, bytes: &[u8]) -> io::Result<()> {
    let mut left = bytes;
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

fn is_passing(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
