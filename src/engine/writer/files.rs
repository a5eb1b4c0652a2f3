//! The exported files: each repeats the bans in force, and is written anew when those change.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::record::{self, Record};
use super::replace::{self, Target};
use super::{Exported, WriterError};
use crate::exchange::{
    self, Defaults, FileError, FileTrouble, Format, ListError, ListWriter, Others,
};
use crate::model::{BanTime, Host, Time};
use crate::store::{BanOrder, Reader, Store, StoreError};

/// What became of an exported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFate {
    /// It says who is banned now.
    Written(#[serde(with = "crate::text::text_or_bytes")] PathBuf),
    /// Its user removed it, so it is forgotten.
    Gone(#[serde(with = "crate::text::text_or_bytes")] PathBuf),
    /// It could not be written and still says who was banned before.
    Stale {
        /// Which.
        #[serde(with = "crate::text::text_or_bytes")]
        file: PathBuf,
        /// Why, with the name of the file.
        why: String,
    },
}

/// Which bans a list repeats.
#[derive(Clone, Copy)]
pub(super) struct Listed<'l> {
    pub(super) reader: &'l Reader,
    pub(super) jail: Option<&'l str>,
    pub(super) now: Time,
}

/// Writes every exported file anew.
///
/// A file that its user removed is forgotten; one whose folder is missing, an unmounted one perhaps, is
/// not. What can't be written is only told: the store is right, the file will be when it can be written.
pub(super) fn refresh(store: &mut Store, now: Time) -> Result<Vec<FileFate>, StoreError> {
    if record::all(store.reader())?.iter().all(|file| !file.is_kept) {
        return Ok(Vec::new());
    }
    // Not by the writing connection, which would sort a long list in memory.
    let reader = Reader::open(store.path())?;
    let listed = Listed { reader: &reader, jail: None, now };
    // In a transaction, so that of two processes the later one has the last word in the file too.
    store.transact(|batch| {
        let kept = record::all(batch.reader())?.into_iter().filter(|file| file.is_kept);
        let mut fates = Vec::new();
        for file in kept {
            fates.push(match rewrite(&file, listed)? {
                Rewritten::Written(at) => {
                    record::set(batch, &Record { at, ..file.clone() })?;
                    FileFate::Written(file.path)
                }
                Rewritten::Gone => {
                    record::forget(batch, &file.path)?;
                    FileFate::Gone(file.path)
                }
                Rewritten::Stale(why) => FileFate::Stale { file: file.path, why },
            });
        }
        Ok(fates)
    })
}

enum Rewritten {
    /// Its time of modification.
    Written(Time),
    Gone,
    /// Why.
    Stale(String),
}

fn rewrite(file: &Record, listed: Listed<'_>) -> Result<Rewritten, StoreError> {
    if !file.path.exists() && file.path.parent().is_some_and(Path::is_dir) {
        return Ok(Rewritten::Gone);
    }
    let target = replace::target(&file.path).and_then(|target| match target {
        Target::File(path) => Ok(path),
        // It was a file: nobody is waited for who might read what has taken its place.
        Target::Other(_, what) => Err(FileTrouble::NotAFile(what)),
    });
    let written = target
        .map_err(Trouble::File)
        .and_then(|target| write_file(&target, file.format, listed, Some(file)).map(|(_, at)| at));
    match written {
        Ok(at) => Ok(Rewritten::Written(at)),
        Err(Trouble::File(why)) => {
            Ok(Rewritten::Stale(FileError { file: file.path.clone(), why }.to_string()))
        }
        Err(Trouble::Store(error)) => Err(error),
    }
}

/// Writes a list, and remembers what was written: that of one jail is written once, a file of all bans is kept true.
pub(super) fn export(
    store: &mut Store,
    file: &Path,
    format: Format,
    jail: Option<&str>,
    now: Time,
) -> Result<Exported, WriterError> {
    let failed = |trouble| match trouble {
        Trouble::Store(error) => WriterError::from(error),
        Trouble::File(why) => FileError { file: file.to_owned(), why }.into(),
    };
    let target = replace::target(file).map_err(Trouble::File).map_err(failed)?;
    let reader = Reader::open(store.path())?;
    let listed = Listed { reader: &reader, jail, now };
    let path = match target {
        Target::File(path) => path,
        Target::Other(path, _) => {
            // Outside of any transaction: a reader of a pipe may be slow.
            let written = replace::open_other(&path)
                .map_err(Trouble::File)
                .and_then(|mut out| list(format, Others::default(), listed, &mut out));
            return written.map_err(failed);
        }
    };
    store.transact(|batch| {
        let known = record::all(batch.reader())?.into_iter().find(|known| known.path == file);
        let written = write_file(&path, format, listed, known.as_ref()).map_err(failed)?;
        let (exported, at) = written;
        let is_kept = jail.is_none();
        record::set(batch, &Record { path: file.to_owned(), format, is_kept, at })?;
        Ok(exported)
    })
}

/// Writes a list into a file, of which it is `known` that this store once wrote it.
fn write_file(
    path: &Path,
    format: Format,
    listed: Listed<'_>,
    known: Option<&Record>,
) -> Result<(Exported, Time), Trouble> {
    replace::replace(path, |old, new| {
        let others = match old {
            Some(old) => others(old, format, known, listed)?,
            None => Others::default(),
        };
        list(format, others, listed, new)
    })
}

/// What others wrote into a file.
///
/// A file that was last modified when this store wrote it is as it was then. One that somebody has touched since
/// holds lines of ours and of others, which are told apart by whom this store ever banned.
fn others(
    old: &File,
    format: Format,
    known: Option<&Record>,
    listed: Listed<'_>,
) -> Result<Others, Trouble> {
    let meta = old.metadata().map_err(FileTrouble::Reading)?;
    let is_touched = known.is_none_or(|known| known.at != replace::modified(&meta));
    let was = known.map_or(format, |known| known.format);
    if meta.len() == 0 {
        return Ok(Others::default());
    }
    if !was.holds_hosts_only() && known.is_some() && (!is_touched || names_ours(old, was, listed)?)
    {
        return Ok(Others::default());
    }
    if !was.holds_hosts_only() && !format.holds_hosts_only() {
        return Err(FileTrouble::NotOwn(format).into());
    }
    let is_own = |host| match known {
        None => Ok::<_, Trouble>(false),
        Some(_) if !is_touched => Ok(true),
        Some(_) => Ok(!listed.reader.bans_of(&Host::Addr(host))?.is_empty()),
    };
    let others = Others::read(format, BufReader::new(old), is_own)?;
    if others.lines() > 0 && !format.holds_hosts_only() {
        return Err(FileTrouble::NotOwn(format).into());
    }
    Ok(others)
}

/// Whether a file is a list of hosts that were all banned by us.
fn names_ours(mut old: &File, format: Format, listed: Listed<'_>) -> Result<bool, Trouble> {
    old.rewind().map_err(FileTrouble::Reading)?;
    let defaults = Defaults { jail: String::new(), at: listed.now, bantime: BanTime::Permanent };
    let read = exchange::read(format, old, &defaults, |ban| {
        let known = listed.reader.bans_of(&ban.host).map_err(Stopped::Store)?;
        if known.is_empty() { Err(Stopped::Other) } else { Ok(()) }
    });
    match read {
        Ok(()) => Ok(true),
        Err(Stopped::Other) => Ok(false),
        Err(Stopped::Store(error)) => Err(error.into()),
    }
}

/// Why a list is not ours, or why that can't be said.
enum Stopped {
    Other,
    Store(StoreError),
}

impl From<ListError> for Stopped {
    fn from(_: ListError) -> Self {
        Self::Other
    }
}

fn list(
    format: Format,
    others: Others,
    listed: Listed<'_>,
    out: &mut File,
) -> Result<Exported, Trouble> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let kept = others.lines();
    let mut list = ListWriter::beside(others, format, &mut out)?;
    let order = if format.holds_hosts_only() { BanOrder::Host } else { BanOrder::Jail };
    let Listed { reader, jail, now } = listed;
    reader.each_active(now, jail, order, |ban| Ok::<_, Trouble>(list.ban(&ban)?))?;
    let bans = list.end()?;
    out.flush()?;
    Ok(Exported { bans, kept })
}

/// What can go wrong between the store and a file.
enum Trouble {
    Store(StoreError),
    File(FileTrouble),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl<E: Into<FileTrouble>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::File(error.into())
    }
}
