//! Real files, written to and rotated as services and logrotate do.

mod limits;
mod ways;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use proptest::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use super::*;

const GREW: Seen = Seen { files_grew: true, names_changed: false };
const CHANGED: Seen = Seen { files_grew: false, names_changed: true };
const NOTHING: Seen = Seen { files_grew: false, names_changed: false };

/// A folder, and a watch on things in it.
struct Place {
    folder: TempDir,
    watch: Watch,
    /// What is open, by the path at which it was opened.
    open: Vec<File>,
}

impl Place {
    /// Nothing is watched for; these files are there.
    fn new(files: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let place = Self { folder, watch: Watch::new().unwrap(), open: Vec::new() };
        for file in files {
            place.write(file);
        }
        place
    }

    /// These are sought, and of these files are there and open.
    fn watching(patterns: &[&str], files: &[&str]) -> Self {
        let mut place = Self::new(files);
        place.seek(patterns);
        place.open(files);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn seek(&mut self, patterns: &[&str]) {
        let patterns: Vec<_> = patterns.iter().map(|pattern| self.path(pattern)).collect();
        self.watch.set_paths(&patterns);
        assert!(self.watch.take_trouble().is_none() && !self.watch.needs_polling());
    }

    /// Opens these too; whether one was not watched yet.
    fn open(&mut self, files: &[&str]) -> bool {
        let files = files.iter().map(|file| File::open(self.path(file)).unwrap());
        let files: Vec<_> = files.collect();
        self.open.extend(files);
        let is_new = self.watch.set_files(self.open.iter());
        assert!(self.watch.take_trouble().is_none() && !self.watch.needs_polling());
        is_new
    }

    /// Appends a line, with the folders that it needs.
    fn write(&self, name: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(b"a line\n").unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// What is seen of what happened before; it has all been queued by then.
    fn seen(&mut self) -> Seen {
        let events = self.wait(0);
        let seen = self.watch.read().unwrap();
        assert!(events || seen == NOTHING, "{seen:?} without waking");
        seen
    }

    /// What the kernel tells of a file or folder, as it says itself.
    fn mask(&self, name: &str) -> u32 {
        let inode = format!("{:x}", self.path(name).metadata().unwrap().ino());
        let info = format!("/proc/self/fdinfo/{}", self.watch.fd().as_raw_fd());
        let info = fs::read_to_string(info).unwrap();
        let field = |line: &str, name: &str| {
            let mut fields = line.split(' ');
            fields.find_map(|field| Some(field.strip_prefix(name)?.to_owned()))
        };
        let found = info.lines().find(|line| field(line, "ino:").as_ref() == Some(&inode));
        let mask = found.and_then(|line| field(line, "mask:"));
        mask.map_or(0, |mask| {
            u32::from_str_radix(&mask, 16).unwrap() & WatchFlags::ALL_EVENTS.bits()
        })
    }

    /// Whether the descriptor is readable before `seconds` are over.
    fn wait(&self, seconds: i64) -> bool {
        let timeout = Timespec { tv_sec: seconds, tv_nsec: 0 };
        let mut fds = [PollFd::from_borrowed_fd(self.watch.fd(), PollFlags::IN)];
        poll(&mut fds, Some(&timeout)).unwrap() == 1
    }
}

#[test]
fn who_waits_is_woken_when_a_log_grows() {
    let mut place = Place::watching(&["log"], &["log"]);
    assert_eq!(place.seen(), NOTHING);
    let path = place.path("log");
    let writer = std::thread::spawn(move || {
        OpenOptions::new().append(true).open(path).unwrap().write_all(b"a line\n").unwrap();
    });
    assert!(place.wait(60));
    assert_eq!(place.watch.read().unwrap(), GREW);
    writer.join().unwrap();
}

#[test]
fn what_happens_to_other_files_is_nothing() {
    let mut place = Place::watching(&["log", "app-*.log"], &["log", "app-1.log", "other"]);
    place.open.pop();
    assert!(!place.open(&[]));
    assert_eq!((place.mask("other"), place.mask("") & WatchFlags::MODIFY.bits()), (0, 0));
    place.write("other");
    place.write("new");
    fs::create_dir(place.path("folder")).unwrap();
    place.rename("other", "another");
    fs::remove_file(place.path("another")).unwrap();
    place.write(".app-2.log");
    assert_eq!(place.seen(), NOTHING);
    place.write("log");
    assert_eq!(place.seen(), GREW);
    assert_eq!(place.seen(), NOTHING);
}

#[test]
fn log_that_is_renamed_and_made_anew_changes_names_and_both_may_grow() {
    let mut place = Place::watching(&["log"], &["log"]);
    place.rename("log", "log.1");
    assert_eq!(place.seen(), CHANGED);
    place.write("log.1");
    assert_eq!(place.seen(), GREW);
    place.write("log");
    assert_eq!(place.seen(), CHANGED);
    place.open(&["log"]);
    place.write("log");
    assert_eq!(place.seen(), GREW);
    place.open.remove(0);
    assert!(!place.open(&[]));
    assert_eq!(place.seen(), NOTHING);
    assert_eq!(place.mask("log.1"), 0, "what is not read any more is still watched");
    assert_eq!(place.mask("log"), WatchFlags::MODIFY.bits());
}

#[test]
fn log_that_is_emptied_has_grown() {
    let mut place = Place::watching(&["log"], &["log"]);
    fs::copy(place.path("log"), place.path("log.1")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    fs::write(place.path("log"), b"").unwrap();
    assert_eq!(place.seen(), GREW);
}

#[test]
fn log_that_nobody_holds_open_grows_too() {
    let mut place = Place::watching(&["log"], &["log"]);
    fs::write(place.path("log"), b"").unwrap();
    assert_eq!(place.seen(), GREW);
    place.open.clear();
    assert!(!place.open(&[]));
    place.write("log");
    assert_eq!(place.seen(), GREW);
    place.rename("log", "log.1");
    File::create(place.path("log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("log");
    assert_eq!(place.seen(), GREW);
    place.write("log.1");
    assert_eq!(place.seen(), NOTHING);
    assert!(!place.open(&["log"]), "nothing of it can have been missed");
}

#[test]
fn log_that_is_deleted_and_made_anew_changes_names_twice() {
    let mut place = Place::watching(&["log"], &["log"]);
    fs::remove_file(place.path("log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("log");
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn deleted_log_that_is_open_still_grows() {
    let mut place = Place::watching(&[], &["log"]);
    let mut writer = OpenOptions::new().append(true).open(place.path("log")).unwrap();
    fs::remove_file(place.path("log")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    writer.write_all(b"a line\n").unwrap();
    assert_eq!(place.seen(), GREW);
    place.watch = Watch::new().unwrap();
    assert!(place.open(&[]));
    writer.write_all(b"a line\n").unwrap();
    assert_eq!(place.seen(), GREW);
}

#[test]
fn log_over_which_another_is_moved_changes_names() {
    let mut place = Place::watching(&["log"], &["log"]);
    place.write("new");
    assert_eq!(place.seen(), NOTHING);
    place.rename("new", "log");
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn log_that_becomes_readable_changes_names() {
    let mut place = Place::watching(&["log"], &["log"]);
    fs::set_permissions(place.path("log"), fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn log_that_goes_to_another_folder_still_grows() {
    let mut place = Place::watching(&["log"], &["log"]);
    fs::create_dir(place.path("old")).unwrap();
    place.rename("log", "old/log");
    assert_eq!(place.seen(), CHANGED);
    place.write("old/log");
    assert_eq!(place.seen(), GREW);
    fs::remove_file(place.path("old/log")).unwrap();
    place.open[0].metadata().unwrap();
    assert_eq!(place.seen(), NOTHING);
}

#[test]
fn glob_gains_and_loses_files_and_folders() {
    let mut place = Place::watching(&["*/app-[0-9].lo?"], &["a/app-1.log"]);
    place.write("a/app-x.log");
    assert_eq!(place.seen(), NOTHING);
    place.write("a/app-2.log");
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("a/app-2.log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    fs::create_dir(place.path("b")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("b/app-3.log");
    assert_eq!(place.seen(), CHANGED);
    fs::create_dir(place.path(".hidden")).unwrap();
    place.write(".hidden/app-3.log");
    assert_eq!(place.seen(), NOTHING);
}

#[test]
fn file_with_the_very_name_of_a_pattern_counts() {
    let mut place = Place::watching(&["log[1]", "log["], &[]);
    place.write("log[2]");
    assert_eq!(place.seen(), NOTHING);
    place.write("log[1]");
    assert_eq!(place.seen(), CHANGED);
    place.write("log[");
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn other_paths_take_the_place_of_those_before() {
    let mut place = Place::watching(&["a/log"], &["a/log", "b/log"]);
    place.seek(&["b/log"]);
    assert_eq!(place.mask("a"), 0, "a folder that doesn't matter any more is still watched");
    fs::remove_file(place.path("a/log")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    fs::remove_file(place.path("b/log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn file_is_watched_once_and_known_as_long_as_it_is_open() {
    let mut place = Place::watching(&[], &["log", "log"]);
    assert!(!place.open(&["log"]));
    assert_eq!(place.watch.open.len(), 1);
    // Another may get the number of an inode that is gone.
    for _ in 0..8 {
        place.open.clear();
        fs::remove_file(place.path("log")).unwrap();
        place.write("log");
        assert!(place.open(&["log"]));
        place.write("log");
        assert_eq!(place.seen(), GREW);
    }
}

/// Names that logs and folders get in [`whatever_happens_to_a_path_is_seen`].
const NAMES: [&str; 12] =
    ["log", "log.1", "a", "b", "a/log", "b/log", "a/b", "b/a", "a/b/log", "b/a/log", "c", "c/a"];
const SOUGHT: [&str; 5] = ["log", "a/b/log", "*/log*", "c/?/log", "b/*/log"];

impl Place {
    /// Does something to a name, if it can be done.
    fn happen(&self, what: u8, name: usize, other: usize) {
        let (path, other) = (self.path(NAMES[name]), self.path(NAMES[other]));
        let _ = match what {
            0 | 1 => fs::write(&path, b"a line\n"),
            2 | 3 => fs::create_dir(&path),
            4 | 5 => fs::rename(&path, &other),
            6 => fs::remove_file(&path),
            7 => fs::remove_dir_all(&path),
            8 => symlink(&other, &path),
            9 => symlink(NAMES[name], &other),
            _ => fs::hard_link(&path, &other),
        };
    }

    /// Which files the paths stand for, as another crate finds them.
    fn files(&self) -> Vec<(PathBuf, u64, u64)> {
        let patterns = SOUGHT.iter().map(|pattern| self.path(pattern));
        let paths = patterns.flat_map(|pattern| glob::glob(pattern.to_str().unwrap()).unwrap());
        let file = |path: PathBuf| {
            let meta = path.metadata().ok().filter(fs::Metadata::is_file)?;
            Some((path, meta.dev(), meta.ino()))
        };
        paths.filter_map(|path| file(path.unwrap())).collect()
    }
}

proptest! {
    // The kernel takes its time to end a watch.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_happens_to_a_path_is_seen(
        events in prop::collection::vec((0..11u8, 0..NAMES.len(), 0..NAMES.len(), any::<bool>()), 1..60),
    ) {
        let mut place = Place::watching(&SOUGHT, &[]);
        let mut before = place.files();
        for (what, name, other, is_read) in &events {
            place.happen(*what, *name, *other);
            if *is_read {
                let (seen, files) = (place.seen(), place.files());
                prop_assert!(seen.names_changed || files == before, "{before:?} became {files:?}");
                before = files;
                for (path, ..) in &before {
                    OpenOptions::new().append(true).open(path).unwrap().write_all(b"a line\n").unwrap();
                }
                prop_assert_eq!(place.seen(), if before.is_empty() { NOTHING } else { GREW });
            }
        }
    }
}
