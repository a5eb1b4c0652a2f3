//! One process at a time carries out, and one follows the logs.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::xxh3_64;

/// Held while it is carried out what the store says, or while logs are followed.
#[derive(Debug)]
pub struct Lock {
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
    /// Waits for others that change packet filters for the store at `store`.
    pub(super) fn take(store: &Path) -> Result<Self, LockError> {
        Self::of(store, "firewall")
    }

    /// Waits for others that run commands of a jail.
    pub(super) fn of_jail(store: &Path, jail: &str) -> Result<Self, LockError> {
        // A name may be any text, and longer than a file's.
        Self::of(store, &format!("jail-{:016x}", xxh3_64(jail.as_bytes())))
    }

    /// Follows the logs for the store at `store`, which one process does at a time; `None` if another does.
    pub fn of_follower(store: &Path) -> Result<Option<Self>, LockError> {
        let (file, path) = Self::file(store, "logs")?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(LockError { path, source }),
        }
    }

    fn of(store: &Path, name: &str) -> Result<Self, LockError> {
        let (file, path) = Self::file(store, name)?;
        file.lock().map_err(|source| LockError { path, source })?;
        Ok(Self { _file: file })
    }

    fn file(store: &Path, name: &str) -> Result<(File, PathBuf), LockError> {
        let mut folder = store.as_os_str().to_owned();
        folder.push("-locks");
        let folder = PathBuf::from(folder);
        let path = folder.join(name);
        let failed = |source| LockError { path: path.clone(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
        // It stays: a file that is removed by one while another waits for it would be two locks.
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(0o600);
        let file = options.open(&path).map_err(failed)?;
        Ok((file, path))
    }
}
