//! One process at a time carries out.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Held while it is carried out what the store says.
#[derive(Debug)]
pub(super) struct Lock {
    /// The system lets go of the lock when the file is closed, however the process ends.
    _file: File,
}

/// Why it can't be had.
#[derive(Debug, thiserror::Error)]
#[error("{}: locking failed: {source}", crate::text::printable(&.path.to_string_lossy()))]
pub struct LockError {
    /// The lock's file.
    path: PathBuf,
    source: io::Error,
}

impl Lock {
    /// Waits for others that carry out what the store at `store` says.
    pub(super) fn take(store: &Path) -> Result<Self, LockError> {
        let mut path = store.as_os_str().to_owned();
        path.push("-firewall");
        let path = PathBuf::from(path);
        // It stays: a file that is removed by one while another waits for it would be two locks.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let locked = options.open(&path).and_then(|file| file.lock().map(|()| file));
        match locked {
            Ok(file) => Ok(Self { _file: file }),
            Err(source) => Err(LockError { path, source }),
        }
    }
}
