//! A file that grows: what was added to it since it was last read, in whole lines.
//!
//! It stays open, so that what is written to it after its name has gone to another file is read too. Each time it is
//! asked whether the bytes just before the place reached are still those that were read: a file that was emptied
//! (`copytruncate`) and has grown beyond that place since looks longer than it was, and is another log all the same.
//! fail2ban (1.0.2) compares the first line, and that every 30 seconds at most: it loses the lines up to where it was,
//! and counts all of them twice when it notices.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use memchr::{memchr, memrchr};
use rustix::fs::{OFlags, SeekFrom, seek};
use rustix::io::Errno;

use super::LINE_MAX_BYTES;
use crate::model::{HEAD_MAX_BYTES, Head};

/// So much is read at once.
const READ_BYTES: usize = 1 << 20;

/// At least so much, however many read it: for each part what the store knows of its mebibyte is looked at.
const BLOCK_MIN_BYTES: usize = 512 << 10;

/// So many bytes before the place reached are remembered.
const MARK_BYTES: usize = 256;

/// Which file it is, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// Which file `path` names now.
    ///
    /// # Errors
    ///
    /// There is none, or it can't be looked at.
    pub fn of(path: &Path) -> io::Result<Self> {
        std::fs::metadata(path).map(|found| Self { device: found.dev(), inode: found.ino() })
    }
}

/// A file that is open and may grow.
#[derive(Debug)]
pub struct Growing {
    file: File,
    id: FileId,
    /// How many NULs are before its text; `None` while there is nothing else.
    starts: Option<u64>,
    /// Where the first line begins that was not read.
    at: u64,
    /// Up to here that line was looked through for its end.
    searched: u64,
    /// The bytes before `at` when it was reached.
    mark: Vec<u8>,
    /// So much is read at once if there is a line end in it.
    block_bytes: usize,
}

/// What came of reading.
#[derive(Debug, PartialEq, Eq)]
pub enum Grown {
    /// Whole lines, which are in the buffer; where they begin.
    Lines(u64),
    /// No whole line more.
    Nothing,
    /// The file is not what it was: it was emptied, or written over. What was not read of it is gone.
    Emptied,
}

impl Growing {
    /// Opens a file; nothing of it is read yet.
    ///
    /// # Errors
    ///
    /// It can't be opened, or is no plain file.
    pub fn open(path: &Path) -> io::Result<Self> {
        // A pipe is not waited for.
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let file = File::options().read(true).custom_flags(flags).open(path)?;
        let found = file.metadata()?;
        if found.is_dir() {
            let path = super::show(path);
            let path = path.trim_end_matches('/');
            let why = format!("it is a folder; write {path}/*.log or the like for the logs in it");
            return Err(io::Error::other(why));
        }
        if !found.is_file() {
            let what = super::paths::what(found.file_type());
            return Err(io::Error::other(format!("it is {what}, and no plain file")));
        }
        let id = FileId { device: found.dev(), inode: found.ino() };
        Ok(Self {
            file,
            id,
            starts: None,
            at: 0,
            searched: 0,
            mark: Vec::new(),
            block_bytes: READ_BYTES,
        })
    }

    /// Reads less at once: a part in `readers` of a mebibyte, where so many look at each line and keep what they find.
    pub fn share(&mut self, readers: usize) {
        self.block_bytes = (READ_BYTES / readers.max(1)).max(BLOCK_MIN_BYTES);
    }

    /// Which file it is.
    pub fn id(&self) -> FileId {
        self.id
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Its length now.
    pub fn size_bytes(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// Where the first line begins that was not read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// What identifies the log that it is, as far as that is there by now; `None` if it has no text yet, or if what was
    /// read of it was of another log.
    pub fn head(&mut self) -> io::Result<Option<Head>> {
        let Some(starts) = self.begin()? else { return Ok(None) };
        let head = Head::new(starts, &self.bytes(starts, HEAD_MAX_BYTES)?);
        // Asked last: a file that is emptied and written over between two looks would have lines of the log that it was
        // stored as lines of the one that it is.
        Ok(self.is_same()?.then_some(head))
    }

    /// Whether it begins as it did when `head` was read.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn begins_with(&self, head: &Head) -> io::Result<bool> {
        Ok(self.bytes(head.starts(), head.as_bytes().len())? == head.as_bytes())
    }

    /// Up to `len` bytes from `offset` on.
    pub fn bytes(&self, offset: u64, len: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; len];
        let read = fill(&self.file, &mut bytes, offset)?;
        bytes.truncate(read);
        Ok(bytes)
    }

    /// Goes on reading at `offset`, where a line begins; at the beginning of the text if that is further.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        let offset = offset.max(self.begin()?.unwrap_or(0));
        self.mark = self.mark_before(offset)?;
        (self.at, self.searched) = (offset, offset);
        Ok(())
    }

    /// Where the last line begins that begins at most at `offset` and behind `from`; `from` if there is none. A line is
    /// looked for in so many bytes as are read at once.
    pub fn line_start(&self, from: u64, offset: u64) -> io::Result<u64> {
        let begin = from.max(offset.saturating_sub(READ_BYTES as u64));
        let bytes = self.bytes(begin, usize::try_from(offset - begin).unwrap_or(READ_BYTES))?;
        Ok(memrchr(b'\n', &bytes).map_or(begin, |end| begin + end as u64 + 1))
    }

    /// Reads the next whole lines, about a mebibyte of them at most, into `buffer`. Of a line longer than
    /// [`LINE_MAX_BYTES`] one byte more than that is there, and its end.
    pub fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Grown> {
        let len = self.size_bytes()?;
        if len < self.searched.max(self.at) || !self.is_same()? {
            return Ok(Grown::Emptied);
        }
        if self.begin()?.is_none() || len == self.searched {
            return Ok(Grown::Nothing);
        }
        if self.searched > self.at + LINE_MAX_BYTES as u64 {
            return self.read_long(buffer);
        }
        let base = self.at;
        let mut read = 0;
        for most in [self.block_bytes, READ_BYTES + 1] {
            buffer.resize(most, 0);
            read = fill(&self.file, buffer, base)?;
            buffer.truncate(read);
            if let Some(end) = memrchr(b'\n', buffer) {
                buffer.truncate(end + 1);
                let before = &buffer[buffer.len().saturating_sub(MARK_BYTES)..];
                let kept = self.mark.len().min(MARK_BYTES - before.len());
                let mark = [&self.mark[self.mark.len() - kept..], before].concat();
                return self.reach(base + buffer.len() as u64, mark, buffer);
            }
            if read < most {
                break;
            }
        }
        self.searched = base + read as u64;
        if read > LINE_MAX_BYTES { self.read_long(buffer) } else { Ok(Grown::Nothing) }
    }

    /// Looks for the end of a line that is longer than what is looked at, in constant memory.
    fn read_long(&mut self, buffer: &mut Vec<u8>) -> io::Result<Grown> {
        loop {
            buffer.resize(READ_BYTES, 0);
            let read = fill(&self.file, buffer, self.searched)?;
            if let Some(end) = memchr(b'\n', &buffer[..read]) {
                let next = self.searched + end as u64 + 1;
                buffer.resize(LINE_MAX_BYTES + 1, 0);
                let read = fill(&self.file, buffer, self.at)?;
                buffer.truncate(read);
                buffer.push(b'\n');
                let mark = self.mark_before(next)?;
                return self.reach(next, mark, buffer);
            }
            if read == 0 {
                return Ok(Grown::Nothing);
            }
            self.searched += read as u64;
        }
    }

    /// Goes to `offset`, before which `mark` is; what was read since the place reached begins as `buffer` does. That is
    /// looked at last: what is read in several goes of a file that is emptied and written over in between is of two logs.
    fn reach(&mut self, offset: u64, mark: Vec<u8>, buffer: &[u8]) -> io::Result<Grown> {
        let begin = &buffer[..buffer.len().min(MARK_BYTES)];
        if !self.is_same()? || self.bytes(self.at, begin.len())? != begin {
            return Ok(Grown::Emptied);
        }
        let base = self.at;
        self.mark = mark;
        (self.at, self.searched) = (offset, offset);
        Ok(Grown::Lines(base))
    }

    /// The bytes before a place.
    fn mark_before(&self, offset: u64) -> io::Result<Vec<u8>> {
        let start = self.starts.unwrap_or(0).max(offset.saturating_sub(MARK_BYTES as u64));
        self.bytes(start, usize::try_from(offset.saturating_sub(start)).unwrap_or(0))
    }

    /// Whether the bytes before the place reached are those that were read: else it was emptied, or written over.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn is_same(&self) -> io::Result<bool> {
        let start = self.at.saturating_sub(self.mark.len() as u64);
        Ok(self.bytes(start, self.mark.len())? == self.mark)
    }

    /// Passes over the NULs before the text, once there is any: they are what a writer leaves that goes on where it was
    /// after its file was emptied.
    fn begin(&mut self) -> io::Result<Option<u64>> {
        if self.starts.is_some() {
            return Ok(self.starts);
        }
        let mut offset = match seek(&self.file, SeekFrom::Data(0)) {
            Ok(data) => data,
            // Nothing but a hole.
            Err(Errno::NXIO) => return Ok(None),
            Err(_) => 0,
        };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let read = fill(&self.file, &mut buffer, offset)?;
            if let Some(nuls) = buffer[..read].iter().position(|byte| *byte != 0) {
                let starts = offset + nuls as u64;
                self.starts = Some(starts);
                if self.at < starts {
                    (self.at, self.searched) = (starts, starts);
                }
                return Ok(self.starts);
            }
            if read == 0 {
                return Ok(None);
            }
            offset += read as u64;
        }
    }
}

/// Reads until the buffer is full or the file at its end.
fn fill(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests;
