//! Lines in a file, a pipe, a device, or on standard output.
//!
//! Only the writer's thread is held up by one that takes nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// Lines, one after the other.
#[derive(Debug)]
pub(super) struct Lines {
    file: File,
    /// By what name it is opened again.
    path: Option<PathBuf>,
    /// Whether its last line has no end: the disk was full, or whoever wrote it was killed.
    is_torn: bool,
}

/// What kept lines from being written.
#[derive(Debug)]
pub(super) struct Unwritten {
    /// How many bytes of them were.
    pub(super) written: usize,
    /// Why no more.
    pub(super) cause: io::Error,
}

impl Lines {
    /// Opens the file; makes one if there is none, but no folder.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        // A pipe that nobody reads is opened all the same if it is opened for reading, too; none is waited for.
        let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(path)?;
        fcntl_setfl(&file, fcntl_getfl(&file)? - OFlags::NONBLOCK)?;
        let is_torn = is_torn(&file)?;
        Ok(Self { file, path: Some(path.to_owned()), is_torn })
    }

    /// What this process was given.
    pub(super) fn stream(stream: impl AsFd) -> io::Result<Self> {
        let file = File::from(stream.as_fd().try_clone_to_owned()?);
        Ok(Self { file, path: None, is_torn: false })
    }

    /// Writes whole lines with their ends; an error may leave a part of one, which the next doesn't continue.
    pub(super) fn write(&mut self, text: &str) -> Result<(), Unwritten> {
        let unwritten = |rest: &[u8], cause| Unwritten { written: text.len() - rest.len(), cause };
        let mut rest = text.as_bytes();
        self.follow().map_err(|cause| unwritten(rest, cause))?;
        if self.is_torn {
            self.put(b"\n").map_err(|cause| unwritten(rest, cause))?;
        }
        while !rest.is_empty() {
            let len = self.put(rest).map_err(|cause| unwritten(rest, cause))?;
            rest = &rest[len..];
        }
        Ok(())
    }

    /// Writes some of the bytes: how many.
    fn put(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.file.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => {
                    self.is_torn = bytes[len - 1] != b'\n';
                    return Ok(len);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Whoever gave us the stream may have made it so.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    poll(&mut [PollFd::new(&self.file, PollFlags::OUT)], None)?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// A file that nobody can find any more is made anew: what it is told would be lost, and nobody would notice.
    fn follow(&mut self) -> io::Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        let known = self.file.metadata()?;
        if known.is_file() && known.nlink() == 0 {
            *self = Self::open(path)?;
        }
        Ok(())
    }
}

fn is_torn(file: &File) -> io::Result<bool> {
    let known = file.metadata()?;
    if !known.is_file() || known.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.read_exact_at(&mut last, known.len() - 1)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_line_does_not_continue_what_was_torn() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        fs::write(&path, "whole\nto").unwrap();
        let mut lines = Lines::open(&path).unwrap();
        lines.write("a\n").unwrap();
        lines.write("b\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "whole\nto\na\nb\n");
    }

    #[test]
    fn a_file_that_is_gone_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("folder/log");
        fs::create_dir(dir.path().join("folder")).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        lines.write("a\n").unwrap();
        fs::remove_dir_all(dir.path().join("folder")).unwrap();
        assert_eq!(lines.write("b\n").unwrap_err().cause.kind(), io::ErrorKind::NotFound);
        fs::create_dir(dir.path().join("folder")).unwrap();
        lines.write("c\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "c\n");
    }

    #[test]
    fn a_file_that_was_moved_aside_is_written_until_told_otherwise() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut lines = Lines::open(&path).unwrap();
        fs::rename(&path, dir.path().join("log.1")).unwrap();
        lines.write("a\n").unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("log.1")).unwrap(), "a\n");
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_is_no_log() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Lines::open(dir.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
    }
}
