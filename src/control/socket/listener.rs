//! The place where a daemon listens: one at a time, and none that keeps others from it after its end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};

use super::{Client, SocketError};

/// So many may wait to be spoken to.
const BACKLOG: i32 = 128;

/// A socket that is listened at. Its file goes with it, unless another has taken its place.
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: UnixListener,
    path: PathBuf,
    /// Device and inode of the socket's file.
    file: (u64, u64),
    /// Locked as long as this lives. Without it, of two that find the socket of a dead one, the second would remove
    /// that of the first.
    _lock: File,
}

impl Listener {
    /// Listens at `path`. A folder that is missing is made if its own folder is there. The socket of a daemon that was
    /// killed is replaced. `PATH.lock` stays behind.
    ///
    /// # Errors
    ///
    /// Another daemon lives there, or something that is no socket is in the way, or the system refuses.
    pub fn bind(path: &Path) -> Result<Self, SocketError> {
        Self::bind_unless(path, 0o600, alone)
    }

    /// The same, with a mode of its own, unless `alone` says who lives there; it is asked only if there is a socket.
    ///
    /// # Errors
    ///
    /// As [`bind`](Self::bind), or what `alone` says.
    pub fn bind_unless(
        path: &Path,
        mode: u32,
        alone: fn(&Path) -> Result<(), SocketError>,
    ) -> Result<Self, SocketError> {
        let listening = |at: &Path| {
            let at = at.to_owned();
            |source| SocketError::Listening { path: at, source }
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            match DirBuilder::new().mode(0o755).create(folder) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                    return Err(listening(folder)(error));
                }
                _ => {}
            }
        }
        let lock_path = path.with_added_extension("lock");
        let mut options = OpenOptions::new();
        options.create(true).truncate(false).write(true).mode(0o600);
        let lock = options.open(&lock_path).map_err(listening(&lock_path))?;
        if let Err(error) = lock.try_lock() {
            return Err(match error {
                fs::TryLockError::WouldBlock => match alone(path) {
                    Err(living @ (SocketError::Living { .. } | SocketError::Others { .. })) => {
                        living
                    }
                    _ => SocketError::Living { path: path.to_owned(), pid: None },
                },
                fs::TryLockError::Error(error) => listening(&lock_path)(error),
            });
        }
        make_room(path, alone)?;
        let socket = listen(path, mode).map_err(listening(path))?;
        let file = identity(path).map_err(listening(path))?;
        Ok(Self { socket, path: path.to_owned(), file, _lock: lock })
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if identity(&self.path).is_ok_and(|found| found == self.file) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether no daemon of f2b's lives at a socket.
fn alone(path: &Path) -> Result<(), SocketError> {
    match Client::connect(path)? {
        None => Ok(()),
        Some(client) => {
            Err(SocketError::Living { path: path.to_owned(), pid: Some(client.hello().pid) })
        }
    }
}

/// Removes the socket of somebody who listens no more.
fn make_room(path: &Path, alone: fn(&Path) -> Result<(), SocketError>) -> Result<(), SocketError> {
    let found = match fs::symlink_metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(SocketError::Listening { path: path.to_owned(), source }),
    };
    if !found.file_type().is_socket() {
        return Err(SocketError::NoSocket { path: path.to_owned() });
    }
    alone(path)?;
    fs::remove_file(path).map_err(|source| SocketError::Listening { path: path.to_owned(), source })
}

/// Between being there and being listened at, a socket refuses everybody: nobody comes in before its mode keeps him
/// out.
fn listen(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let flags = SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}
