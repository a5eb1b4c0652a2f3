//! What a path stands for now, and which names in which folders matter to that.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::inotify::{self, WatchFlags};
use rustix::fs::statfs;
use rustix::io::Errno;

use super::super::pattern::NamePattern;
use super::{Files, WatchError, is_remote};

/// So many symlinks are followed on the way to a file, as by the kernel.
const LINKS_MAX: u8 = 40;

/// Names coming, going and being replaced; whose attributes change may become readable.
const OF_FOLDERS: WatchFlags = WatchFlags::CREATE
    .union(WatchFlags::MOVE)
    .union(WatchFlags::DELETE)
    .union(WatchFlags::ATTRIB)
    .union(WatchFlags::DELETE_SELF)
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR);

/// A path or glob, name by name.
#[derive(Debug)]
pub(super) struct Sought {
    root: &'static Path,
    names: Vec<NamePattern>,
}

/// A folder that is watched.
#[derive(Debug)]
pub(super) struct Folder {
    /// What names in it matter.
    sought: Vec<NamePattern>,
    /// Whether others may change it without this kernel knowing.
    pub(super) is_remote: bool,
}

/// What there is of all paths.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The folders on the way, by their watches.
    pub(super) folders: HashMap<i32, Folder>,
    /// The files at their ends.
    pub(super) files: Files,
}

/// The way along all paths.
pub(super) struct Walk<'w> {
    inotify: &'w OwnedFd,
    before: &'w Found,
    found: Found,
    /// The watch of each folder that was come by.
    watches: HashMap<PathBuf, Option<i32>>,
    error: Option<WatchError>,
}

impl Sought {
    pub(super) fn new(path: &Path) -> Self {
        // What is no pattern can still be the name of a file.
        let name = |name| NamePattern::new(name).unwrap_or_else(|_| NamePattern::literal(name));
        let names = NamePattern::split(path.as_os_str()).map(name).collect();
        Self { root: root(path, Path::new(".")), names }
    }
}

/// Where a path begins that is found in `folder`.
fn root<'p>(path: &Path, folder: &'p Path) -> &'p Path {
    if path.is_absolute() { Path::new("/") } else { folder }
}

impl Folder {
    /// Whether a name in it matters.
    pub(super) fn seeks(&self, name: &CStr) -> bool {
        let name = OsStr::from_bytes(name.to_bytes());
        self.sought.iter().any(|sought| sought.matches(name) || sought.text() == name)
    }
}

impl Found {
    /// Whether it is one of these watches.
    pub(super) fn has(&self, id: i32) -> bool {
        self.folders.contains_key(&id) || self.files.contains_key(&id)
    }

    /// Whether others may change something of it without this kernel knowing.
    pub(super) fn is_remote(&self) -> bool {
        self.files.values().any(|is_remote| *is_remote)
            || self.folders.values().any(|folder| folder.is_remote)
    }
}

impl<'w> Walk<'w> {
    /// Watches what there is of what is `sought`, and says why the first of it couldn't be watched. Of what was watched
    /// `before` it is known what it is.
    pub(super) fn along(
        sought: &[Sought],
        inotify: &'w OwnedFd,
        before: &'w Found,
    ) -> (Found, Option<WatchError>) {
        let (found, watches) = (Found::default(), HashMap::new());
        let mut walk = Self { inotify, before, found, watches, error: None };
        for sought in sought {
            walk.go(sought.root, &sought.names, LINKS_MAX);
        }
        (walk.found, walk.error)
    }

    fn go(&mut self, folder: &Path, names: &[NamePattern], links_left: u8) {
        let Some((name, rest)) = names.split_first() else { return };
        // Before it is looked into, so that nothing happens unseen in between.
        self.watch_folder(folder, name);
        for path in there(folder, name) {
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            if meta.is_symlink() && links_left > 0 {
                let Ok(target) = fs::read_link(&path) else { continue };
                let mut names: Vec<_> =
                    NamePattern::split(target.as_os_str()).map(NamePattern::literal).collect();
                names.extend_from_slice(rest);
                self.go(root(&target, folder), &names, links_left - 1);
            } else if meta.is_dir() {
                self.go(&path, rest, links_left);
            } else if meta.is_file() && rest.is_empty() {
                self.watch_file(&path);
            }
        }
    }

    fn watch_folder(&mut self, folder: &Path, name: &NamePattern) {
        let known = self.watches.get(folder).copied();
        let id = known.unwrap_or_else(|| {
            let id = self.add(folder, OF_FOLDERS);
            self.watches.insert(folder.to_owned(), id);
            id
        });
        let Some(id) = id else { return };
        let is_remote = || match self.before.folders.get(&id) {
            Some(before) => before.is_remote,
            None => statfs(folder).is_ok_and(is_remote),
        };
        let found = self.found.folders.entry(id);
        let found = found.or_insert_with(|| Folder { sought: vec![], is_remote: is_remote() });
        if !found.sought.contains(name) {
            found.sought.push(name.clone());
        }
    }

    fn watch_file(&mut self, file: &Path) {
        let Some(id) = self.add(file, WatchFlags::MODIFY) else { return };
        let before = self.before.files.get(&id).copied();
        let is_remote = before.unwrap_or_else(|| statfs(file).is_ok_and(is_remote));
        self.found.files.insert(id, is_remote);
    }

    fn add(&mut self, path: &Path, flags: WatchFlags) -> Option<i32> {
        match inotify::add_watch(self.inotify, path, flags) {
            Ok(id) => Some(id),
            // It went away; the folder in which it was tells.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => None,
            Err(error) => {
                self.error.get_or_insert_with(|| WatchError::new(path, error));
                None
            }
        }
    }
}

/// What has such a name in a folder; what can't be listed has nothing.
fn there(folder: &Path, name: &NamePattern) -> Vec<PathBuf> {
    let names = match name.as_literal() {
        Some(name) => vec![OsString::from(name)],
        None => name.names_in(folder).unwrap_or_default(),
    };
    names.iter().map(|name| folder.join(name)).collect()
}
