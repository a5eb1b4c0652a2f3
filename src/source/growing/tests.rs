//! Real files, written to as services and logrotate do.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

struct Log {
    folder: TempDir,
    growing: Growing,
}

impl Log {
    fn new(text: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, text).unwrap();
        Self { growing: Growing::open(&path).unwrap(), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn append(&self, text: &[u8]) {
        OpenOptions::new().append(true).open(self.path()).unwrap().write_all(text).unwrap();
    }

    /// The next lines and where they begin; what else came of it.
    fn read(&mut self) -> Result<(u64, String), Grown> {
        let mut buffer = Vec::new();
        match self.growing.read(&mut buffer).unwrap() {
            Grown::Lines(base) => Ok((base, String::from_utf8(buffer).unwrap())),
            other => Err(other),
        }
    }
}

#[test]
fn what_is_added_is_read_in_whole_lines() {
    let mut log = Log::new(b"one\ntw");
    assert_eq!(log.read(), Ok((0, "one\n".to_owned())));
    assert_eq!(log.read(), Err(Grown::Nothing));
    log.append(b"o");
    assert_eq!(log.read(), Err(Grown::Nothing));
    log.append(b"\nthree\n");
    assert_eq!(log.read(), Ok((4, "two\nthree\n".to_owned())));
    assert_eq!(log.read(), Err(Grown::Nothing));
}

#[test]
fn an_emptied_file_is_another() {
    let mut log = Log::new(b"one\ntwo\n");
    log.read().unwrap();
    fs::write(log.path(), b"").unwrap();
    assert_eq!(log.read(), Err(Grown::Emptied));
}

#[test]
fn a_file_that_grew_beyond_the_place_reached_after_it_was_emptied_is_another() {
    let mut log = Log::new(b"one\ntwo\n");
    log.read().unwrap();
    fs::write(log.path(), b"One\nTwo\nThree\n").unwrap();
    assert_eq!(log.read(), Err(Grown::Emptied));
}

#[test]
fn a_file_that_is_another_since_it_was_read_has_no_head() {
    let mut log = Log::new(b"one\ntwo\n");
    let head = |log: &mut Log| log.growing.head().unwrap().map(|head| head.as_bytes().to_vec());
    log.read().unwrap();
    assert_eq!(head(&mut log).unwrap(), b"one\ntwo\n");
    fs::write(log.path(), b"three\nfour\n").unwrap();
    assert_eq!(head(&mut log), None, "these lines were not read");
    assert_eq!(log.read(), Err(Grown::Emptied));
}

#[test]
fn half_a_line_that_was_cut_off_makes_another_file() {
    let mut log = Log::new(b"one\nhalf a line");
    log.read().unwrap();
    log.read().unwrap_err();
    fs::write(log.path(), b"one\n").unwrap();
    assert_eq!(log.read(), Err(Grown::Emptied));
}

#[test]
fn nuls_before_the_text_are_no_line() {
    let mut log = Log::new(&[0; 10_000]);
    assert_eq!(log.read(), Err(Grown::Nothing));
    assert_eq!(log.growing.head().unwrap(), None);
    log.append(b"one\n");
    assert_eq!(log.read(), Ok((10_000, "one\n".to_owned())));
    assert_eq!(log.growing.head().unwrap(), Some(Head::new(10_000, b"one\n")));
}

#[test]
fn a_writer_that_goes_on_where_it_was_leaves_a_hole_and_another_log() {
    let mut log = Log::new(b"one\ntwo\n");
    log.read().unwrap();
    let writer = OpenOptions::new().write(true).open(log.path()).unwrap();
    writer.set_len(0).unwrap();
    writer.write_all_at(b"three\n", 8).unwrap();
    assert_eq!(log.read(), Err(Grown::Emptied));
    let mut again = Log { growing: Growing::open(&log.path()).unwrap(), folder: log.folder };
    assert_eq!(again.read(), Ok((8, "three\n".to_owned())));
}

#[test]
fn it_goes_on_at_a_place() {
    let mut log = Log::new(b"one\ntwo\nthree\n");
    log.growing.seek(4).unwrap();
    assert_eq!(log.read(), Ok((4, "two\nthree\n".to_owned())));
    assert_eq!(log.growing.line_start(0, 13).unwrap(), 8);
    assert_eq!(log.growing.line_start(0, 3).unwrap(), 0);
    assert_eq!(log.growing.line_start(0, 8).unwrap(), 8);
}

#[test]
fn of_a_line_that_is_too_long_the_beginning_and_the_end_are_there() {
    for extra in [1, 2, 3 * READ_BYTES, 3 * READ_BYTES + 1] {
        let line = vec![b'x'; LINE_MAX_BYTES + extra];
        let mut log = Log::new(b"one\n");
        log.append(&line);
        assert_eq!(log.read(), Ok((0, "one\n".to_owned())));
        assert_eq!(log.read(), Err(Grown::Nothing));
        assert_eq!(log.read(), Err(Grown::Nothing));
        log.append(b"\ntwo\n");
        let (base, text) = log.read().unwrap();
        assert_eq!((base, text.len()), (4, LINE_MAX_BYTES + 2), "{extra}");
        assert_eq!(log.read(), Ok((4 + line.len() as u64 + 1, "two\n".to_owned())), "{extra}");
    }
}

#[test]
fn a_line_of_the_longest_length_is_whole() {
    let mut line = vec![b'x'; LINE_MAX_BYTES];
    line.push(b'\n');
    let mut log = Log::new(&line);
    let (base, text) = log.read().unwrap();
    assert_eq!((base, text.len()), (0, LINE_MAX_BYTES + 1));
    assert_eq!(log.read(), Err(Grown::Nothing));
}

#[test]
fn err_a_folder_grows_no_lines() {
    assert!(Growing::open(std::path::Path::new("/")).is_err());
}
