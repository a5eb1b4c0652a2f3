//! When a log may have changed: what the kernel tells (inotify) of the files that are open and of the folders on the way
//! to them.
//!
//! A [`Watch`] has a descriptor to wait for, and [`Watch::read`] says what happened, in two bits: a file grew, or a name
//! that fits one of the paths stands for something else. It may say so too often, never too seldom; what really
//! happened is for those to find out who read the logs.
//!
//! Files are watched as what they are, whatever their names: a log that was rotated away, or moved to another folder,
//! and is still written to, is seen. So are those that the paths stand for, open or not: nobody need hold an empty log
//! open to learn of its first line. Of folders only names are watched, so that what grows beside the logs wakes nobody,
//! and those only where one may come or be switched: in the folder of the logs, in those of symlinks, which are followed by
//! hand, and as far as the way goes where something of it is missing. Of the other folders on the way, which may be as busy
//! as `/tmp`, it is watched that they are not moved or deleted themselves. `DIFFERS:` fail2ban (1.0.2) sees neither a file that a glob begins to match later nor one that is written to
//! after it was renamed.
//!
//! The order matters, for nothing is told of what happened before: [`Watch::set_paths`], then look which logs there
//! are; [`Watch::set_files`], then read what is new there. Where the kernel tells nothing ([`Watch::needs_polling`]),
//! somebody has to look every second or so. Mounts are not told either: a file system that is mounted over a folder is
//! noticed when `set_paths` is called the next time.

mod folders;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{EventfdFlags, eventfd};
use rustix::fs::inotify::{self, CreateFlags, Event, ReadFlags, Reader, WatchFlags};
use rustix::fs::{StatFs, fstatfs};
use rustix::io::Errno;

use self::folders::{Found, Sought, Walk};

/// So many bytes of events are read at once; the longest has 272.
const BUFFER_BYTES: usize = 8 << 10;
/// So often at most, so that who writes faster than this reads can't hold it up; what is left wakes again.
const READS_MAX: usize = 256;

/// Watches files that may grow and the folders in which they are.
#[derive(Debug)]
pub struct Watch {
    /// If there is no inotify, something else to which nothing ever happens.
    fd: OwnedFd,
    is_blind: bool,
    sought: Vec<Sought>,
    /// What there is of it.
    found: Found,
    /// The files that are open, too.
    open: Files,
    /// Whether something of either can't be watched.
    lacks_found: bool,
    lacks_open: bool,
    trouble: Option<WatchError>,
}

/// Files by their watches, and whether others may write to them without this kernel knowing.
type Files = HashMap<i32, bool>;

/// What may have changed since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// A file was written to, or emptied.
    pub files_grew: bool,
    /// A name that fits a path came, went, or stands for something else.
    pub names_changed: bool,
}

/// Why something can't be watched. It is no failure: it has to be looked at instead.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The user has as many instances as it may have.
    #[error(
        "inotify: this user has no instance left, so logs are looked at every second; \
         raise the sysctl fs.inotify.max_user_instances"
    )]
    NoInstance,
    /// The user has as many watches as it may have.
    #[error(
        "{}: can't be watched, for this user has no inotify watch left, so logs are looked at every second; \
         raise the sysctl fs.inotify.max_user_watches",
        super::show(.path)
    )]
    NoWatch {
        /// The file or folder.
        path: PathBuf,
    },
    /// The system has no inotify.
    #[error("inotify: {source}; logs are looked at every second")]
    NoInotify {
        /// The system's reason.
        source: io::Error,
    },
    /// The system refuses.
    #[error("{}: can't be watched: {source}; logs are looked at every second", super::show(.path))]
    Refused {
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

impl WatchError {
    fn new(path: &Path, error: Errno) -> Self {
        let path = path.to_owned();
        match error {
            Errno::NOSPC => Self::NoWatch { path },
            _ => Self::Refused { path, source: error.into() },
        }
    }
}

impl Watch {
    /// Watches nothing yet.
    ///
    /// # Errors
    ///
    /// The process has no descriptor left. That there is no inotify is none: see [`Self::needs_polling`].
    pub fn new() -> io::Result<Self> {
        let (fd, trouble) = match inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK) {
            Ok(fd) => (fd, None),
            Err(error) => {
                // Too many descriptors have the same error as too many instances; then this fails as well.
                let fd = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
                let trouble = match error {
                    Errno::MFILE => WatchError::NoInstance,
                    _ => WatchError::NoInotify { source: error.into() },
                };
                (fd, Some(trouble))
            }
        };
        Ok(Self {
            fd,
            is_blind: trouble.is_some(),
            sought: Vec::new(),
            found: Found::default(),
            open: Files::new(),
            lacks_found: false,
            lacks_open: false,
            trouble,
        })
    }

    /// Becomes readable when there is something to [`Self::read`]; the same one as long as this lives.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    /// Watches for whatever these paths or globs stand for, now or later, in place of those before; as
    /// [`super::followed`] takes them. What they stand for is to be looked at after this.
    pub fn set_paths(&mut self, patterns: &[PathBuf]) {
        self.sought = patterns.iter().map(|pattern| Sought::new(pattern)).collect();
        self.arm();
    }

    /// Watches these files, whatever their names, in place of those before; `true` if there is one that was not watched:
    /// what was written to it between its reading and this call has not been told, so it is to be read once more.
    #[must_use = "files that were not watched are to be read once more"]
    pub fn set_files<'f>(&mut self, files: impl Iterator<Item = &'f File>) -> bool {
        if self.is_blind {
            return false;
        }
        let files: Vec<&File> = files.collect();
        let (mut open, mut error) = self.watch_files(&files);
        if self.keep(&self.found, &open) && error.is_some() {
            // There is room for them by now.
            (open, error) = self.watch_files(&files);
        }
        let is_new = open.keys().any(|id| self.file(*id).is_none());
        self.open = open;
        let lacked = std::mem::replace(&mut self.lacks_open, error.is_some());
        self.trouble = self.trouble.take().or(error.filter(|_| !lacked));
        is_new
    }

    /// Whether a file is remote, if it is watched.
    fn file(&self, id: i32) -> Option<bool> {
        self.open.get(&id).or_else(|| self.found.files.get(&id)).copied()
    }

    /// The watches of these files, and why the first couldn't be watched.
    fn watch_files(&self, files: &[&File]) -> (Files, Option<WatchError>) {
        let mut watched = Files::new();
        let mut error = None;
        for file in files {
            // The file itself, even if it has no name any more. The kernel knows what it watches already: an inode's
            // number may by now be that of another file.
            let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
            match inotify::add_watch(&self.fd, &path, WatchFlags::MODIFY) {
                Ok(id) => {
                    let before = self.file(id);
                    let is_remote = before.unwrap_or_else(|| fstatfs(file).is_ok_and(is_remote));
                    watched.insert(id, is_remote);
                }
                Err(errno) => {
                    error.get_or_insert_with(|| {
                        let name = std::fs::read_link(&path).unwrap_or(path);
                        WatchError::new(&name, errno)
                    });
                }
            }
        }
        (watched, error)
    }

    /// Removes all watches but these; whether there are any.
    fn keep(&self, found: &Found, open: &Files) -> bool {
        let Found { folders, files } = &self.found;
        let before = folders.keys().chain(files.keys()).chain(self.open.keys());
        let mut has_gone = false;
        for gone in before.filter(|id| !found.has(**id) && !open.contains_key(id)) {
            // An error says that what was watched is gone, and its watch with it.
            let _ = inotify::remove_watch(&self.fd, *gone);
            has_gone = true;
        }
        has_gone
    }

    /// Whether there is something of which the kernel doesn't tell, or not all, so that it has to be looked at: others
    /// may write to it (NFS, CIFS, FUSE, …), or the user's watches are used up. It can change with any call of the
    /// other functions. That a jail wants to poll is not known here.
    pub fn needs_polling(&self) -> bool {
        self.is_blind
            || self.lacks_found
            || self.lacks_open
            || self.open.values().any(|is_remote| *is_remote)
            || self.found.is_remote()
    }

    /// Why something can't be watched, for the log; once, until all could be watched in between.
    pub fn take_trouble(&mut self) -> Option<WatchError> {
        self.trouble.take()
    }

    /// What may have changed since this was last called; doesn't wait.
    ///
    /// # Errors
    ///
    /// The kernel's, which have no known cause.
    pub fn read(&mut self) -> io::Result<Seen> {
        let mut seen = Seen::default();
        if self.is_blind {
            return Ok(seen);
        }
        let mut buffer = [MaybeUninit::uninit(); BUFFER_BYTES];
        let mut events = Reader::new(&self.fd, &mut buffer);
        let mut reads = 0;
        loop {
            if events.is_buffer_empty() {
                reads += 1;
                if reads > READS_MAX {
                    break;
                }
            }
            match events.next() {
                Ok(event) => seen.add(&event, &mut self.found, &self.open),
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(error) => return Err(error.into()),
            }
        }
        if seen.names_changed {
            self.arm();
        }
        Ok(seen)
    }

    /// Watches the files that the paths stand for, and the folders in which something can happen that matters, as they are
    /// now.
    fn arm(&mut self) {
        if self.is_blind {
            return;
        }
        let (mut found, mut error) = Walk::along(&self.sought, &self.fd, &self.found);
        if self.keep(&found, &self.open) && error.is_some() {
            // There is room for them by now.
            (found, error) = Walk::along(&self.sought, &self.fd, &self.found);
        }
        self.found = found;
        let lacked = std::mem::replace(&mut self.lacks_found, error.is_some());
        self.trouble = self.trouble.take().or(error.filter(|_| !lacked));
    }
}

impl Seen {
    fn add(&mut self, event: &Event<'_>, found: &mut Found, open: &Files) {
        if event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
            *self = Self { files_grew: true, names_changed: true };
        } else if let Some(folder) = found.folders.get(&event.wd()) {
            // Without a name it happened to the folder itself.
            self.names_changed |= event.file_name().is_none_or(|name| folder.seeks(name));
            if event.events().contains(ReadFlags::IGNORED) {
                found.folders.remove(&event.wd());
            }
        } else {
            // What was told before a watch was removed is still in the queue.
            self.files_grew |= event.events().contains(ReadFlags::MODIFY)
                && (found.has(event.wd()) || open.contains_key(&event.wd()));
        }
    }
}

/// Whether others than this kernel may write to files there, or it doesn't tell when they are written to.
fn is_remote(found: StatFs) -> bool {
    // The kernel's include/uapi/linux/magic.h, and of what isn't there the file systems' own sources. On overlayfs a file
    // that is copied up when it is first written to is told of, and read, as ever (Linux 6.18).
    #[expect(
        clippy::cast_sign_loss,
        reason = "it is a pattern of 32 bits, signed or not by platform"
    )]
    let magic = found.f_type as u64 & 0xffff_ffff;
    matches!(
        magic,
        0x6969 // NFS
            | 0x517b | 0xff53_4d42 | 0xfe53_4d42 // SMB, CIFS
            | 0x6573_5546 // FUSE
            | 0x0102_1997 // 9P
            | 0x5346_414f | 0x6b41_4653 // AFS
            | 0x7375_7245 // Coda
            | 0x00c3_6400 // Ceph
            | 0x7461_636f // OCFS2
            | 0x0116_1970 // GFS2
            | 0x0bd0_0bd0 // Lustre
            | 0x4750_4653 // GPFS
            | 0x564c // NCP
            | 0x786f_4256 // VirtualBox's shared folders
            | 0xbacb_acbc // VMware's
            | 0x7c7c_6673 // Parallels'
    )
}
