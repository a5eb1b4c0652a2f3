//! Putting a file in the place of another, so that whoever reads it sees the old one or the new one.
//!
//! What replaces a file has its owner, its group, its mode and its extended attributes (access control lists among
//! them). A link stays a link. What is no file, a pipe or a device, is written to.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use rustix::fs::{OFlags, XattrFlags, fcntl_getfl, fcntl_setfl, fgetxattr, flistxattr, fsetxattr};

use crate::exchange::FileTrouble;
use crate::model::Time;

/// How often a file is read anew because somebody has written to it meanwhile.
const TRIES: usize = 5;
/// How often, and after what time each, it is looked whether somebody reads a pipe: two seconds, in which a reader that
/// is started beside f2b comes up.
const LOOKS: u32 = 100;
const LOOK_AGAIN: Duration = Duration::from_millis(20);
/// As many links are followed as the system follows.
const LINKS: usize = 40;

/// What the name of a file stands for, links followed.
pub(super) enum Target {
    /// A file, or nothing yet.
    File(PathBuf),
    /// Something that can be written to and not replaced, and what it is.
    Other(PathBuf, &'static str),
}

/// What `file` stands for.
///
/// # Errors
///
/// Something that no list is written to: a folder, a disk, a socket.
pub(super) fn target(file: &Path) -> Result<Target, FileTrouble> {
    let mut path = file.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("/")).join(next);
    }
    let found = match fs::metadata(&path) {
        Ok(found) => found.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Target::File(path)),
        Err(error) => return Err(error.into()),
    };
    if found.is_file() {
        Ok(Target::File(path))
    } else if found.is_fifo() {
        Ok(Target::Other(path, "a pipe"))
    } else if found.is_char_device() {
        Ok(Target::Other(path, "a device"))
    } else if found.is_dir() {
        Err(FileTrouble::NotAFile("a folder"))
    } else {
        Err(FileTrouble::NotAFile(if found.is_socket() { "a socket" } else { "a disk" }))
    }
}

/// Opens what is no file for writing.
///
/// # Errors
///
/// It can't be opened, or is a pipe that nobody has begun to read within two seconds.
#[expect(
    clippy::disallowed_methods,
    reason = "nothing but opening it tells whether a pipe is read"
)]
pub(super) fn open_other(path: &Path) -> Result<File, FileTrouble> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(flags.bits().cast_signed());
    let nobody = rustix::io::Errno::NXIO.raw_os_error();
    for look in 0..LOOKS {
        match options.open(path) {
            Ok(file) => {
                // Nobody waits for a reader to come, but for one that is slow.
                let flags = fcntl_getfl(&file).map_err(io::Error::from)?;
                fcntl_setfl(&file, flags - OFlags::NONBLOCK).map_err(io::Error::from)?;
                return Ok(file);
            }
            Err(error) if error.raw_os_error() == Some(nobody) => {
                if look + 1 < LOOKS {
                    thread::sleep(LOOK_AGAIN);
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(FileTrouble::Unread)
}

/// Replaces the file at `path`, which is no link, by what `write` makes of the old one, if there is one: what `write`
/// gave, and the new file's time of modification.
///
/// # Errors
///
/// Reading or writing fails, the owner can't be kept, or the old file was written to again and again meanwhile.
pub(super) fn replace<T, E: From<FileTrouble>>(
    path: &Path,
    mut write: impl FnMut(Option<&File>, &mut File) -> Result<T, E>,
) -> Result<(T, Time), E> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    for _ in 0..TRIES {
        let old = open_old(path)?;
        let stamp = old.as_ref().map(stamp).transpose().map_err(FileTrouble::Reading)?;
        let mut new = beside(folder, old.as_ref())?;
        let made = write(old.as_ref(), new.as_file_mut())?;
        new.as_file().sync_all().map_err(FileTrouble::Writing)?;
        let at = modified(&new.as_file().metadata().map_err(FileTrouble::Writing)?);
        let present = open_old(path)?.as_ref().map(self::stamp).transpose();
        if present.map_err(FileTrouble::Reading)? != stamp {
            continue;
        }
        new.persist(path).map_err(|failed| FileTrouble::Writing(failed.error))?;
        // Where folders can't be synced, the new name lasts as soon as the system gets to it.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        return Ok((made, at));
    }
    Err(FileTrouble::Restless.into())
}

/// When a file was last written to.
pub(super) fn modified(file: &Metadata) -> Time {
    Time::from_micros(file.mtime().saturating_mul(1_000_000) + file.mtime_nsec() / 1000)
}

fn open_old(path: &Path) -> Result<Option<File>, FileTrouble> {
    let mut options = OpenOptions::new();
    // Should a pipe take its place just now, nobody waits for it.
    options.read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    match options.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FileTrouble::Reading(error)),
    }
}

/// What tells a file from another, or from itself when it has been written to.
fn stamp(file: &File) -> io::Result<impl PartialEq + use<>> {
    let file = file.metadata()?;
    Ok((file.dev(), file.ino(), file.size(), file.mtime(), file.mtime_nsec()))
}

/// An empty file in the same folder, with everything of the old one but its contents.
fn beside(folder: &Path, old: Option<&File>) -> Result<tempfile::NamedTempFile, FileTrouble> {
    // Until it belongs to who may read the old one, nobody else may.
    let mode = if old.is_some() { 0o600 } else { 0o666 };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(mode);
    let new =
        tempfile::Builder::new().prefix(".f2b-").make_in(folder, |path| options.open(path))?;
    let Some(old) = old else { return Ok(new) };
    let (is, was) = (new.as_file().metadata()?, old.metadata()?);
    if (is.uid(), is.gid()) != (was.uid(), was.gid()) {
        fchown(new.as_file(), Some(was.uid()), Some(was.gid())).map_err(|error| {
            match error.kind() {
                io::ErrorKind::PermissionDenied => FileTrouble::Owner,
                _ => error.into(),
            }
        })?;
    }
    // After the owner, who loses special bits by changing.
    new.as_file().set_permissions(was.permissions())?;
    copy_attributes(old, new.as_file());
    Ok(new)
}

/// Copies what the system lets us copy: some attributes belong to it.
fn copy_attributes(old: &File, new: &File) {
    let mut names = vec![0; 1 << 16];
    let Ok(len) = flistxattr(old, &mut names) else { return };
    let mut value = vec![0; 1 << 16];
    for name in names[..len].split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        if let Ok(len) = fgetxattr(old, name, &mut value) {
            let _ = fsetxattr(new, name, &value[..len], XattrFlags::empty());
        }
    }
}
