//! The ways to a log: links and folders, which come, go and are switched like logs.

use std::os::unix::fs::symlink;
use std::process::Command;

use super::*;

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
