//! Where the lines of a generation come from: a file that may grow, or an archive that it was packed into.

use std::fs::File;
use std::io;
use std::path::Path;

use super::Writer;
use crate::model::{Head, Time};
use crate::source::{Blocks, Growing, Grown, Log, LogKind};
use crate::store::{LogId, StoreError};

/// What the bytes of a log are read from.
pub(super) enum Lines {
    /// A plain file.
    Growing(Growing),
    /// An archive, what is wanted of it, and its length once that is known.
    Archive(Box<Packed>),
}

/// An archive from some place on.
pub(super) struct Packed {
    blocks: Blocks,
    /// The block that was looked at to know which log it is.
    first: Option<crate::source::Block>,
    from: u64,
    is_over: bool,
}

impl Lines {
    /// Opens a log that was rotated away.
    pub(super) fn open(log: &Log) -> io::Result<Self> {
        if log.kind == LogKind::Plain {
            return Growing::open(&log.path).map(Self::Growing);
        }
        let mut blocks = log.blocks().map_err(io::Error::other)?;
        let first = blocks.find(|block| block.as_ref().map_or(true, |block| !block.is_empty()));
        let first = first.transpose().map_err(io::Error::other)?;
        Ok(Self::Archive(Box::new(Packed { blocks, first, from: 0, is_over: false })))
    }

    /// What identifies the log; `None` if it has no text.
    pub(super) fn head(&mut self) -> io::Result<Option<Head>> {
        match self {
            Self::Growing(growing) => growing.head(),
            Self::Archive(packed) => {
                Ok(packed.first.as_ref().map(|first| Head::new(first.offset(), first)))
            }
        }
    }

    /// Up to `len` bytes from `offset` on; nothing where that can't be seen.
    pub(super) fn look(&self, offset: u64, len: usize) -> Vec<u8> {
        match self {
            Self::Growing(growing) => growing.bytes(offset, len).unwrap_or_default(),
            Self::Archive(_) => Vec::new(),
        }
    }

    /// Which log it is for the store, where it begins with `head` and is named `path`.
    pub(super) fn identify(
        &self,
        head: &Head,
        path: &Path,
        writer: &mut Writer,
        now: Time,
    ) -> Result<LogId, StoreError> {
        writer.identify(head, &path.to_string_lossy(), now, &|offset, len| self.look(offset, len))
    }

    /// Its length, if it has one that is known.
    pub(super) fn size_bytes(&self) -> Option<u64> {
        match self {
            Self::Growing(growing) => growing.size_bytes().ok(),
            Self::Archive(_) => None,
        }
    }

    /// Goes on reading at `offset`, where a line begins.
    pub(super) fn seek(&mut self, offset: u64) -> io::Result<()> {
        match self {
            Self::Growing(growing) => growing.seek(offset),
            Self::Archive(packed) => {
                packed.from = offset;
                Ok(())
            }
        }
    }

    /// Reads the next whole lines into `buffer`; see [`Growing::read`].
    pub(super) fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Grown> {
        match self {
            Self::Growing(growing) => growing.read(buffer),
            Self::Archive(packed) => packed.read(buffer),
        }
    }

    /// So many jails keep what they find in it.
    pub(super) fn share(&mut self, readers: usize) {
        if let Self::Growing(growing) = self {
            growing.share(readers);
        }
    }

    /// Whether nothing can be added to it.
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Archive(packed) if packed.is_over)
    }

    /// The file, if it may grow.
    pub(super) fn growing(&self) -> Option<&Growing> {
        match self {
            Self::Growing(growing) => Some(growing),
            Self::Archive(_) => None,
        }
    }

    /// The same.
    pub(super) fn file(&self) -> Option<&File> {
        self.growing().map(Growing::file)
    }
}

impl Packed {
    fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<Grown> {
        while let Some(block) = self.first.take().map(Ok).or_else(|| self.blocks.next()) {
            let block = block.map_err(io::Error::other)?;
            let passed =
                usize::try_from(self.from.saturating_sub(block.offset())).unwrap_or(usize::MAX);
            if let Some(rest) = block.get(passed..).filter(|rest| !rest.is_empty()) {
                buffer.clear();
                buffer.extend_from_slice(rest);
                return Ok(Grown::Lines(block.offset() + passed as u64));
            }
        }
        self.is_over = true;
        Ok(Grown::Nothing)
    }
}
