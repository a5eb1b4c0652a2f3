//! How the blocks of a log come to whoever takes them: three strategies for the one per-line core.
//!
//! - [`chunk`]: one chunk of a memory map, with a look at what stands before it; the chunks of a log are
//!   read in parallel
//! - [`whole`]: a memory map from its beginning to its end, for filters that look at several lines
//! - [`stream`]: blocks that a decompressor or a pipe gives one after the other
//!
//! A live log is read like a stream, whenever it has grown.

use std::sync::atomic::Ordering;

use super::control::Control;
use super::opened::{Input, Opened, shrank};
use super::piece::Piece;
use super::stream::Stream;
use crate::source::{Block, LogKind, MappedFile, SourceError, chunk as range_of, chunk_count};

/// Memory of a map that is given back at once: every call stops all threads for a moment, and what stands before
/// a chunk is looked at when the chunk before it may be done, so that giving back chunk by chunk leaves much behind.
const KEPT_BYTES: usize = 64 << 20;

/// Who takes the blocks of a log, in order.
pub(super) trait Reads {
    /// What comes of a block.
    type Made: Send;

    /// Learns what holds where a block begins, from all that stands before it.
    fn look_back(&mut self, before: &[u8]);

    /// Reads the whole lines of a block at offset `base` of the log.
    fn block(&mut self, bytes: &[u8], base: u64) -> Self::Made;

    /// Notes, of the last block of a log that may still grow, what it ends in.
    fn end(&self, made: &mut Self::Made, bytes: &[u8]);
}

impl Reads for Stream<'_> {
    type Made = Piece;

    fn look_back(&mut self, before: &[u8]) {
        Stream::look_back(self, before);
    }

    fn block(&mut self, bytes: &[u8], base: u64) -> Piece {
        Stream::block(self, bytes, base)
    }

    fn end(&self, piece: &mut Piece, bytes: &[u8]) {
        piece.mark_unfinished(bytes);
    }
}

/// Reads a log, or its `index`th chunk, and hands what comes of each block to `give`, which says whether to
/// go on.
pub(super) fn read<R: Reads>(
    reader: &mut R,
    opened: &Opened<'_>,
    index: Option<usize>,
    control: &Control,
    mut give: impl FnMut(Result<R::Made, SourceError>) -> bool,
) {
    match (&opened.input, index) {
        (Input::Map(map, starts), Some(index)) => {
            chunk(reader, opened, (map, *starts), index, control, &mut give);
        }
        (Input::Map(map, starts), None) => {
            let mut chunks = 0..chunk_count(map.len() - starts, opened.chunk_bytes);
            chunks.all(|index| {
                let text = (map, *starts);
                chunk(reader, opened, text, index, control, &mut give) && !control.is_stopped()
            });
        }
        (Input::Stream(blocks), _) => {
            let taken = blocks.lock().ok().and_then(|mut blocks| blocks.take());
            stream(reader, opened, taken.into_iter().flatten(), control, give);
        }
        (Input::Text(text), _) => {
            give(Ok(reader.block(text, 0)));
        }
    }
}

/// Reads a chunk of a map, whose text begins behind so many NULs, or, if the file was cut meanwhile, what is left of
/// it, and then says so.
fn chunk<R: Reads>(
    reader: &mut R,
    opened: &Opened<'_>,
    (map, starts): (&MappedFile, usize),
    index: usize,
    control: &Control,
    give: &mut impl FnMut(Result<R::Made, SourceError>) -> bool,
) -> bool {
    let (bytes, chunk_bytes) = (map.bytes(), opened.chunk_bytes);
    let range = range_of(&bytes[starts..], index, chunk_bytes);
    let range = starts + range.start..starts + range.end;
    if index > 0 {
        reader.look_back(&bytes[..range.start]);
    }
    let mut made = reader.block(&bytes[range.clone()], range.start as u64);
    let is_torn = map.is_torn(range.clone());
    if is_torn {
        match map.reread(range.clone()) {
            Ok(left) => made = reader.block(&left, range.start as u64),
            Err(source) => {
                let path = opened.log.path.clone();
                return give(Err(SourceError::Unreadable { path, source }));
            }
        }
    }
    if range.end == bytes.len() {
        reader.end(&mut made, &bytes[range.clone()]);
    }
    control.done_bytes.fetch_add(range.len() as u64, Ordering::Relaxed);
    let kept = (KEPT_BYTES / chunk_bytes).max(1);
    if (index + 1).is_multiple_of(kept) {
        map.release(starts + (index + 1 - kept) * chunk_bytes..range.end);
    }
    give(Ok(made)) && (!is_torn || give(Err(shrank(opened.log, map.len() as u64, map.len_now()))))
}

fn stream<R: Reads>(
    reader: &mut R,
    opened: &Opened<'_>,
    blocks: impl Iterator<Item = Result<Block, SourceError>>,
    control: &Control,
    mut give: impl FnMut(Result<R::Made, SourceError>) -> bool,
) {
    // An archive is never written to again.
    let may_grow = opened.log.kind == LogKind::Plain;
    for block in blocks {
        let made = block.map(|block| {
            let mut made = reader.block(&block, block.offset());
            if may_grow {
                reader.end(&mut made, &block);
            }
            made
        });
        if !give(made) || control.is_stopped() {
            return;
        }
    }
    if let Some(error) = opened.has_shrunk() {
        give(Err(error));
    }
}
