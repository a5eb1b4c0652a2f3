//! What a path stands for now, and which names in which folders matter to that.

use std::collections::HashMap;
use std::ffi::{CStr, OsStr, OsString};
use std::fs;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
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
    .union(OF_WAYS);

/// The folder itself being moved or deleted, whatever comes and goes in it. Not through a symlink, which is followed by hand.
const OF_WAYS: WatchFlags = WatchFlags::DELETE_SELF
    .union(WatchFlags::MOVE_SELF)
    .union(WatchFlags::ONLYDIR)
    .union(WatchFlags::DONT_FOLLOW);

/// A path or glob, name by name.
#[derive(Debug)]
pub(super) struct Sought {
    root: &'static Path,
    names: Vec<NamePattern>,
}

/// A folder that is watched.
#[derive(Debug)]
pub(super) struct Folder {
    /// What names in it matter; none if it only matters that it is where it is.
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
    /// The same of those of which only matters that they are where they are.
    ways: HashMap<PathBuf, Option<i32>>,
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
        let (found, watches, ways) = (Found::default(), HashMap::new(), HashMap::new());
        let mut walk = Self { inotify, before, found, watches, ways, error: None };
        for sought in sought {
            walk.go(sought.root, &sought.names, LINKS_MAX);
        }
        walk.narrow();
        (walk.found, walk.error)
    }

    /// Watches the way from a folder along `names`; whether it would be told if the folder were deleted: there is something
    /// in it that matters, and that has to be deleted before.
    fn go(&mut self, folder: &Path, names: &[NamePattern], links_left: u8) -> bool {
        let Some((name, rest)) = names.split_first() else { return true };
        if let Some(next) = name.as_literal().filter(|_| !rest.is_empty()) {
            let path = folder.join(next);
            let before = folder_id(&path);
            if before.is_some() && self.watch_way(&path) {
                if self.go(&path, rest, links_left) {
                    return true;
                }
                // An empty folder in which somebody works is deleted without a word, until he goes.
                self.watch_folder(folder, name);
                if folder_id(&path) == before {
                    return true;
                }
            }
        }
        // Before it is looked into, so that nothing happens unseen in between.
        self.watch_folder(folder, name);
        let mut is_told = false;
        for path in there(folder, name) {
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            is_told = true;
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
        is_told
    }

    /// Watches which folder this is; whether there is one.
    fn watch_way(&mut self, folder: &Path) -> bool {
        let known = self.watches.get(folder).or_else(|| self.ways.get(folder)).copied();
        let id = known.unwrap_or_else(|| {
            let id = self.add(folder, OF_WAYS | WatchFlags::MASK_ADD);
            self.ways.insert(folder.to_owned(), id);
            id
        });
        id.map(|id| self.folder(id, folder)).is_some()
    }

    /// Watches what becomes of such names in a folder.
    fn watch_folder(&mut self, folder: &Path, name: &NamePattern) {
        let known = self.watches.get(folder).copied();
        let id = known.unwrap_or_else(|| {
            let id = self.add(folder, OF_FOLDERS | WatchFlags::MASK_ADD);
            self.watches.insert(folder.to_owned(), id);
            id
        });
        let Some(id) = id else { return };
        let found = self.folder(id, folder);
        if !found.sought.contains(name) {
            found.sought.push(name.clone());
        }
    }

    fn folder(&mut self, id: i32, path: &Path) -> &mut Folder {
        let is_remote = || match self.before.folders.get(&id) {
            Some(before) => before.is_remote,
            None => statfs(path).is_ok_and(is_remote),
        };
        let found = self.found.folders.entry(id);
        found.or_insert_with(|| Folder { sought: vec![], is_remote: is_remote() })
    }

    /// Of folders in which names don't matter any more, none are told.
    fn narrow(&mut self) {
        let has_names = |folders: &HashMap<i32, Folder>, id| {
            folders.get(&id).is_some_and(|folder| !folder.sought.is_empty())
        };
        for (path, id) in std::mem::take(&mut self.ways) {
            let Some(id) = id else { continue };
            if has_names(&self.before.folders, id)
                && !has_names(&self.found.folders, id)
                && let Some(other) = self.add(&path, OF_WAYS)
            {
                // It may be another folder by now, whose coming is told.
                self.folder(other, &path);
            }
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

/// Which folder has this name, if one has it itself.
fn folder_id(path: &Path) -> Option<(u64, u64)> {
    let found = fs::symlink_metadata(path).ok().filter(fs::Metadata::is_dir)?;
    Some((found.dev(), found.ino()))
}

/// What has such a name in a folder; what can't be listed has nothing.
fn there(folder: &Path, name: &NamePattern) -> Vec<PathBuf> {
    let names = match name.as_literal() {
        Some(name) => vec![OsString::from(name)],
        None => name.names_in(folder).unwrap_or_default(),
    };
    names.iter().map(|name| folder.join(name)).collect()
}
