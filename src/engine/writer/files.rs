//! The exported files: each repeats the bans in force, and is written anew when those change.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::WriterError;
use crate::exchange::{FileError, Format, ListWriter};
use crate::model::Time;
use crate::store::{BanOrder, Export, Reader, Store, StoreError};

/// What became of an exported file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FileFate {
    /// It says who is banned now.
    Written(PathBuf),
    /// Its user removed it, so it is forgotten.
    Gone(PathBuf),
    /// It could not be written and still says who was banned before.
    Stale {
        /// Which.
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
    let exports = store.reader().exports()?;
    if exports.is_empty() {
        return Ok(Vec::new());
    }
    // Not by the writing connection, which would sort a long list in memory.
    let reader = Reader::open(store.path())?;
    let listed = Listed { reader: &reader, jail: None, now };
    let mut fates = Vec::with_capacity(exports.len());
    for export in &exports {
        let Some(format) = Format::from_name(&export.format) else { continue };
        fates.push((export, rewrite(export, format, listed)?));
    }
    store.transact(|batch| {
        for (export, fate) in &fates {
            match fate {
                FileFate::Written(_) => batch.set_export(&export.path, &export.format, now)?,
                FileFate::Gone(_) => {
                    batch.forget_export(&export.path)?;
                }
                FileFate::Stale { .. } => {}
            }
        }
        Ok::<_, StoreError>(())
    })?;
    Ok(fates.into_iter().map(|(_, fate)| fate).collect())
}

fn rewrite(export: &Export, format: Format, listed: Listed<'_>) -> Result<FileFate, StoreError> {
    let file = PathBuf::from(&export.path);
    if !file.exists() && file.parent().is_some_and(Path::is_dir) {
        return Ok(FileFate::Gone(file));
    }
    match write(&file, format, listed) {
        Ok(_) => Ok(FileFate::Written(file)),
        Err(WriterError::File(error)) => Ok(FileFate::Stale { file, why: error.to_string() }),
        Err(WriterError::Store(error)) => Err(error),
    }
}

/// Writes a list; how many bans it repeats.
///
/// Beside the file, synced, then renamed over it: a reader sees the old list or the new one. A link stays a
/// link; what is no file (a pipe, a device) is written to.
pub(super) fn write(file: &Path, format: Format, listed: Listed<'_>) -> Result<u64, WriterError> {
    let is_link_to_nothing = file.is_symlink() && !file.exists();
    let written = if is_link_to_nothing || fs::metadata(file).is_ok_and(|found| !found.is_file()) {
        File::create(file).map_err(Trouble::from).and_then(|mut out| list(format, listed, &mut out))
    } else {
        replace(file, format, listed)
    };
    written.map_err(|trouble| match trouble {
        Trouble::Store(error) => error.into(),
        Trouble::Io(source) => {
            FileError { file: file.to_owned(), action: "writing", source }.into()
        }
    })
}

fn replace(file: &Path, format: Format, listed: Listed<'_>) -> Result<u64, Trouble> {
    let file = &fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let beside = file.with_file_name(format!(".{name}.f2b-{}", std::process::id()));
    let written = File::create(&beside).map_err(Trouble::from).and_then(|mut new| {
        if let Ok(old) = fs::metadata(file) {
            new.set_permissions(old.permissions())?;
        }
        let bans = list(format, listed, &mut new)?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        Ok(bans)
    });
    if written.is_err() {
        // What is left of it would only confuse; if it can't be removed, nothing is lost.
        let _ = fs::remove_file(&beside);
    }
    written
}

fn list(format: Format, listed: Listed<'_>, out: &mut File) -> Result<u64, Trouble> {
    let mut out = BufWriter::with_capacity(1 << 16, out);
    let mut list = ListWriter::new(format, &mut out);
    let order = if format.holds_hosts_only() { BanOrder::Host } else { BanOrder::Jail };
    let Listed { reader, jail, now } = listed;
    reader.each_active(now, jail, order, |ban| Ok::<_, Trouble>(list.ban(&ban)?))?;
    let bans = list.end()?;
    out.flush()?;
    Ok(bans)
}

/// What can go wrong between the store and a file.
enum Trouble {
    Store(StoreError),
    Io(io::Error),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
