//! Real files, written to and rotated as services and logrotate do.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::process::Command;

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
fn symlink_is_followed_to_the_folder_of_its_target() {
    let mut place = Place::new(&["data/1.log", "data/2.log"]);
    symlink("data/1.log", place.path("log")).unwrap();
    place.seek(&["log"]);
    place.open(&["log"]);
    place.write("data/1.log");
    assert_eq!(place.seen(), GREW);
    // The target is rotated.
    place.rename("data/1.log", "data/1.log.1");
    assert_eq!(place.seen(), CHANGED);
    place.write("data/1.log");
    assert_eq!(place.seen(), CHANGED);
    // It is switched.
    place.write("data/2.log");
    assert_eq!(place.seen(), NOTHING);
    symlink(place.path("data/2.log"), place.path("log.new")).unwrap();
    place.rename("log.new", "log");
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("data/1.log")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    fs::remove_file(place.path("data/2.log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn symlinked_folder_can_be_switched() {
    let mut place = Place::new(&["v1/log", "v2/log"]);
    symlink("v1", place.path("current")).unwrap();
    place.seek(&["current/log"]);
    symlink("v2", place.path("next")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    place.rename("next", "current");
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("v2/log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("v1/log")).unwrap();
    assert_eq!(place.seen(), NOTHING);
}

#[test]
fn links_that_lead_round_end() {
    let mut place = Place::new(&["folder/log"]);
    symlink("b", place.path("a")).unwrap();
    symlink("a", place.path("b")).unwrap();
    symlink(".", place.path("folder/self")).unwrap();
    place.seek(&["a/log", "folder/*/*/*/*/*/self/log"]);
    assert_eq!(place.seen(), NOTHING);
    fs::remove_file(place.path("b")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("folder/log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn folder_that_appears_later_is_watched_level_by_level() {
    let mut place = Place::watching(&["a/b/log"], &[]);
    fs::create_dir(place.path("b")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    fs::create_dir(place.path("a")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    fs::create_dir(place.path("a/c")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    fs::create_dir(place.path("a/b")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("a/b/other");
    assert_eq!(place.seen(), NOTHING);
    place.write("a/b/log");
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn what_comes_and_goes_beside_the_way_to_a_log_wakes_nobody() {
    let mut place = Place::watching(&["a/b/c/log", "a/b/c/new", "a/x/*.log"], &["a/b/c/log"]);
    let way = (WatchFlags::MOVE_SELF | WatchFlags::DELETE_SELF).bits();
    // There is neither a file new nor a folder x, and nobody would tell that c or a is gone.
    let is_wide = |folder: &str| place.mask(folder) & !way != 0;
    assert_eq!(["", "a", "a/b", "a/b/c"].map(is_wide), [true; 4]);
    place.write("a/x/1.log");
    place.write("a/b/c/new");
    assert_eq!(place.seen(), CHANGED);
    assert_eq!([place.mask(""), place.mask("a"), place.mask("a/b")], [way; 3]);
    for name in ["1", "a/1", "a/b/1"] {
        place.write(name);
        place.rename(name, "a/2");
        fs::remove_file(place.path("a/2")).unwrap();
    }
    assert!(!place.wait(0));
    for (old, new) in [("a/b", "a/d"), ("a/d", "a/b"), ("a", "e"), ("e", "a")] {
        place.rename(old, new);
        assert_eq!(place.seen(), CHANGED, "{old} becomes {new}");
    }
    assert_eq!([place.mask(""), place.mask("a"), place.mask("a/b")], [way; 3]);
}

#[test]
fn folder_in_which_somebody_works_is_seen_to_be_made_anew() {
    let mut place = Place::watching(&["a/b/c/log"], &["a/b/c/log"]);
    let mut sleep = Command::new("sleep");
    let mut worker = sleep.arg("60").current_dir(place.path("a/b/c")).spawn().unwrap();
    fs::remove_file(place.path("a/b/c/log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    // He keeps the kernel from telling that the folder is gone.
    fs::remove_dir(place.path("a/b/c")).unwrap();
    place.write("a/b/c/log");
    assert_eq!(place.seen(), CHANGED);
    place.write("a/b/c/log");
    assert_eq!(place.seen(), GREW);
    worker.kill().unwrap();
    worker.wait().unwrap();
}

#[test]
fn folders_that_appear_at_once_are_watched_to_the_end() {
    let mut place = Place::watching(&["a/b/log"], &[]);
    fs::create_dir_all(place.path("a/b")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("a/b/log");
    assert_eq!(place.seen(), CHANGED);
}

#[test]
fn folder_that_is_moved_away_and_made_anew_is_watched_anew() {
    let mut place = Place::watching(&["a/b/log"], &["a/b/log"]);
    place.rename("a", "old");
    assert_eq!(place.seen(), CHANGED);
    place.write("old/b/log");
    assert_eq!(place.seen(), GREW, "it is still open");
    fs::remove_file(place.path("old/b/log")).unwrap();
    assert_eq!(place.seen(), NOTHING);
    place.write("a/b/log");
    assert_eq!(place.seen(), CHANGED);
    fs::remove_dir_all(place.path("a/b")).unwrap();
    assert_eq!(place.seen(), CHANGED);
    place.write("a/b/log");
    assert_eq!(place.seen(), CHANGED);
    fs::remove_file(place.path("a/b/log")).unwrap();
    assert_eq!(place.seen(), CHANGED);
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

#[test]
fn full_queue_says_both() {
    let limit = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events").unwrap();
    let limit: usize = limit.trim().parse().unwrap();
    let mut place = Place::watching(&["log"], &["log"]);
    let other = [place.path("other.1"), place.path("other.2")];
    fs::write(&other[0], b"").unwrap();
    for at in 0..=limit / 2 {
        fs::rename(&other[at % 2], &other[1 - at % 2]).unwrap();
    }
    let mut seen = place.seen();
    while place.wait(0) {
        let more = place.seen();
        seen.files_grew |= more.files_grew;
        seen.names_changed |= more.names_changed;
    }
    assert_eq!(seen, Seen { files_grew: true, names_changed: true });
}

#[test]
fn file_systems_of_others_are_polled() {
    let of = |magic| {
        let mut found = rustix::fs::statfs("/").unwrap();
        found.f_type = magic;
        is_remote(found)
    };
    let (nfs, fuse, cifs, ext4, overlay) = (0x6969, 0x6573_5546, 0xff53_4d42, 0xef53, 0x794c_7630);
    assert!(of(nfs) && of(fuse) && of(cifs));
    assert!(!of(ext4) && !of(overlay));
}

/// Does the rest of the test `name` in a process of its own, whose user has no more than `limit` of something; `false` if
/// this is that process.
fn limited(name: &str, limit: &str) -> bool {
    if std::env::var_os("F2B_TEST_LIMIT").is_some_and(|of| of == *name) {
        return false;
    }
    let script = format!("echo {limit} && exec \"$0\" --exact source::watch::tests::{name}");
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "sh", "-c", &script]);
    command.arg(std::env::current_exe().unwrap()).env("F2B_TEST_LIMIT", name);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{output:?}");
    true
}

#[test]
fn user_without_instances_polls() {
    if limited("user_without_instances_polls", "0 > /proc/sys/user/max_inotify_instances") {
        return;
    }
    let mut watch = Watch::new().unwrap();
    assert!(watch.needs_polling());
    let trouble = watch.take_trouble().unwrap().to_string();
    assert!(trouble.contains("raise the sysctl fs.inotify.max_user_instances"), "{trouble}");
    watch.set_paths(&["/var/log/auth.log".into()]);
    assert!(!watch.set_files([&File::open("/proc/self/exe").unwrap()].into_iter()));
    assert_eq!(watch.read().unwrap(), NOTHING);
    assert!(watch.needs_polling() && watch.take_trouble().is_none());
}

#[test]
fn user_without_watches_polls_what_is_left() {
    if limited("user_without_watches_polls_what_is_left", "2 > /proc/sys/user/max_inotify_watches")
    {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> =
        (0..3).map(|at| File::create(folder.path().join(format!("log.{at}"))).unwrap()).collect();
    let mut watch = Watch::new().unwrap();
    assert!(watch.set_files(files[..2].iter()) && !watch.needs_polling());
    assert!(!watch.set_files(files.iter()) && watch.needs_polling());
    let trouble = watch.take_trouble().unwrap().to_string();
    let remedy = "log.2: can't be watched, for this user has no inotify watch left, so logs are looked at every second; \
                  raise the sysctl fs.inotify.max_user_watches";
    assert!(trouble.ends_with(remedy), "{trouble}");
    assert!(!watch.set_files(files.iter()) && watch.take_trouble().is_none(), "told again");
    (&files[0]).write_all(b"a line\n").unwrap();
    assert_eq!(watch.read().unwrap(), GREW);
    assert!(watch.set_files([&files[2]].into_iter()) && !watch.needs_polling());
    // The root has none left for the folders below it.
    watch.set_paths(&[folder.path().join("log.*")]);
    assert!(watch.needs_polling());
    assert!(watch.take_trouble().is_some());
}
