//! What can go wrong with a store, said so that a person knows what to do about it.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};

/// Why a store could not be opened, read or written. One line each: *file: what; what to do*.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no file to read from.
    #[error("no store at {}; run f2b scan, batch or daemon first, or name it with --db", .path.display())]
    Missing {
        /// Where it was expected.
        path: PathBuf,
    },
    /// The folder of the store, or the file in it, can't be made.
    #[error("{}: can't create the store: {source}; choose a folder that you may write to", .path.display())]
    Create {
        /// The store that was to be made.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// SQLite can't put its write-ahead log beside the file.
    #[error(
        "{}: the folder can't be written to, but SQLite needs its -wal file there; run as the user who owns it",
        .folder.display()
    )]
    Folder {
        /// The folder of the store.
        folder: PathBuf,
    },
    /// The file may not be written to.
    #[error("{}: read-only; change its permissions or run as the user who owns it", .path.display())]
    ReadOnly {
        /// The store.
        path: PathBuf,
    },
    /// Part of the store is in a write-ahead log that can't be read where it is.
    #[error(
        "{}: its -wal file holds what is not in it yet, and nothing can be written beside them to read that; copy both to a folder of yours and give --db",
        .path.display()
    )]
    Unmerged {
        /// The store.
        path: PathBuf,
    },
    /// The file is there but may not be read.
    #[error("{}: can't be read; change its permissions or run as the user who owns it", .path.display())]
    Secret {
        /// The store.
        path: PathBuf,
    },
    /// There is a folder in its place.
    #[error("{}: is a folder; name a file, in it or elsewhere, with --db", .path.display())]
    NotAFile {
        /// The folder.
        path: PathBuf,
    },
    /// The file can't be opened at all.
    #[error("{}: can't be opened; check its permissions and those of its folder", .path.display())]
    Unreadable {
        /// The store.
        path: PathBuf,
    },
    /// Someone else has been writing for longer than we wait.
    #[error(
        "{}: another process has been writing to it for {waited_secs} s; try again when it is done",
        .path.display()
    )]
    Locked {
        /// The store.
        path: PathBuf,
        /// How long we waited.
        waited_secs: u64,
    },
    /// The file is no SQLite database.
    #[error("{}: not a database; move it away or choose another path, f2b won't overwrite it", .path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is a database of another program.
    #[error("{}: not a store of f2b but another program's database; choose another path", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file is damaged.
    #[error(
        "{}: damaged ({detail}); save a copy, then try: sqlite3 FILE .recover",
        .path.display()
    )]
    Corrupt {
        /// The store.
        path: PathBuf,
        /// What SQLite noticed.
        detail: String,
    },
    /// The store was made by a later f2b.
    #[error(
        "{}: its schema is version {found}, this f2b knows up to {known}; install a newer f2b",
        .path.display()
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// The store was made by an earlier f2b and has to be brought up to date, which takes the right to write.
    #[error(
        "{}: its schema is version {found}, which this f2b brings to {known} when its owner next runs f2b status",
        .path.display()
    )]
    Older {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version of this program.
        known: i64,
    },
    /// The disk is full.
    #[error("{}: the disk is full, nothing of this step was stored; make room, then run it again", .path.display())]
    Full {
        /// The store.
        path: PathBuf,
    },
    /// A line lies further into its log than places can say (1 TiB).
    #[error("a line at byte {offset} of a log; f2b can't store places beyond byte {}", super::OFFSET_END - 1)]
    Offset {
        /// Where the line begins.
        offset: u64,
    },
    /// As many logs as places can tell apart (8,388,607) were stored already.
    #[error("{}: it knows {} logs, no more fit in; start another store", .path.display(), super::LOG_ID_END - 1)]
    TooManyLogs {
        /// The store.
        path: PathBuf,
    },
    /// The log was purged since its id was asked for.
    #[error("{}: log {id} was purged meanwhile; scan it again", .path.display())]
    UnknownLog {
        /// The store.
        path: PathBuf,
        /// The id that is no longer there.
        id: i64,
    },
    /// SQLite says something else.
    #[error("{}: {source}", .path.display())]
    Sqlite {
        /// The store.
        path: PathBuf,
        /// What it says.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// What an error of SQLite means for the store at `path`.
    pub(super) fn explain(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Self::Locked { path, waited_secs: super::BUSY_TIMEOUT.as_secs() }
            }
            Some(ErrorCode::NotADatabase) => Self::NotADatabase { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt { path, detail: source.to_string() },
            Some(ErrorCode::DiskFull) => Self::Full { path },
            // The index of the write-ahead log can't grow, of which SQLite makes an I/O error.
            Some(ErrorCode::SystemIoFailure) if is_shm_size(&source) => Self::Full { path },
            Some(ErrorCode::ReadOnly) => Self::read_only(path),
            Some(ErrorCode::CannotOpen) => Self::cannot_open(path),
            _ => Self::Sqlite { path, source },
        }
    }

    /// A write was refused: by the file, or by its folder, in which the write-ahead log is to be.
    fn read_only(path: PathBuf) -> Self {
        let writable = std::fs::OpenOptions::new().append(true).open(&path).is_ok();
        if writable { Self::Folder { folder: folder_of(&path) } } else { Self::ReadOnly { path } }
    }

    /// The file is there, but it or its write-ahead log could not be opened.
    fn cannot_open(path: PathBuf) -> Self {
        let file = std::fs::OpenOptions::new().append(true).open(&path);
        let is_readable = std::fs::File::open(&path).is_ok();
        match file {
            _ if path.is_dir() => Self::NotAFile { path },
            _ if path.is_file() && !is_readable => Self::Secret { path },
            Ok(_) => Self::Folder { folder: folder_of(&path) },
            Err(_) if path.is_file() => Self::ReadOnly { path },
            Err(_) => Self::Unreadable { path },
        }
    }
}

fn is_shm_size(error: &rusqlite::Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_SHMSIZE)
}

/// The folder that holds `path`; `.` for a bare name.
pub(super) fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
