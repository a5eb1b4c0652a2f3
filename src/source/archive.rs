//! Logs that can't be mapped, as a stream of blocks: compressed files, standard input, anything that
//! is `Read`.
//!
//! Memory stays constant: a block is about 1 MiB, cut behind a newline, and its buffer is used again
//! when the block is dropped. Of a line longer than that it holds the beginning. What an
//! archive is, its first bytes say; its name may be wrong (`maillog.2.gz` that somebody unpacked in
//! place is read as text). What is packed twice is unpacked twice.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use flate2::bufread::GzDecoder;

use super::{LINE_MAX_BYTES, SourceError};
use crate::model::Time;

/// The usual length of a block.
pub const BLOCK_BYTES: usize = 1 << 20;

/// So many buffers wait for their next use, enough for the threads of a scan.
const POOL_MAX: usize = 32;

/// How a log is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Compression {
    /// gzip, also several members in one file.
    Gzip,
    /// bzip2, also several streams in one file.
    Bzip2,
    /// xz, also several streams in one file.
    Xz,
    /// Zstandard, also several frames in one file.
    Zstd,
}

impl Compression {
    /// So many bytes at the beginning of a file decide.
    pub const MAGIC_BYTES: usize = 6;

    /// What the first bytes of a file say; `None` for text.
    pub fn detect(magic: &[u8]) -> Option<Self> {
        match magic {
            [0x1f, 0x8b, 0x08, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31 | 0x17, ..] => Some(Self::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            // A frame, or a skippable frame before one (`pzstd`).
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Self::Zstd),
            _ => None,
        }
    }

    /// What the file's first bytes say.
    pub fn of_file(path: &Path) -> io::Result<Option<Self>> {
        Ok(Self::detect(&first_bytes(File::open(path)?, Self::MAGIC_BYTES)?))
    }

    /// Decodes `packed`, and what is packed in it, up to [`LAYERS_MAX`] times; how the outermost is compressed.
    fn unpack(packed: impl Read + Send + 'static) -> io::Result<(Option<Self>, Reader)> {
        let (magic, mut text) = peek(packed);
        let outermost = Self::detect(&magic?);
        let mut next = outermost;
        for _ in 0..LAYERS_MAX {
            let Some(compression) = next else { break };
            // That it is damaged shows when it is read.
            let (magic, inner) = peek(compression.decode(text)?);
            (next, text) = (Self::detect(&magic.unwrap_or_default()), inner);
        }
        Ok((outermost, text))
    }

    /// The name of the format, as in messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
        }
    }

    /// The text inside `archive`.
    ///
    /// # Errors
    ///
    /// The decoder can't be set up; a damaged archive shows only when it is read.
    pub fn decode<'r>(
        self,
        archive: impl Read + Send + 'r,
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        let archive = BufReader::with_capacity(1 << 16, archive);
        Ok(match self {
            Self::Gzip => Box::new(Members(Some(GzDecoder::new(archive)))),
            Self::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(archive)),
            Self::Xz => Box::new(liblzma::bufread::XzDecoder::new_multi_decoder(archive)),
            Self::Zstd => Box::new(zstd::stream::read::Decoder::with_buffer(archive)?),
        })
    }
}

/// An archive in an archive is what a rotation leaves that packs what is packed; more than this is no accident.
const LAYERS_MAX: usize = 3;

type Reader = Box<dyn Read + Send>;

/// The first bytes, and a reader that gives all of them; an error comes where it stands.
fn peek(mut reader: impl Read + Send + 'static) -> (io::Result<Vec<u8>>, Reader) {
    let mut magic = Vec::with_capacity(Compression::MAGIC_BYTES);
    let read = reader.by_ref().take(Compression::MAGIC_BYTES as u64).read_to_end(&mut magic);
    let seen = io::Cursor::new(magic.clone());
    match read {
        Ok(_) => (Ok(magic), Box::new(seen.chain(reader))),
        Err(error) => {
            let again = io::Error::new(error.kind(), error.to_string());
            (Err(error), Box::new(seen.chain(Fails(Some(again)))))
        }
    }
}

/// A reader of which nothing is left but its error.
struct Fails(Option<io::Error>);

impl Read for Fails {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Up to `len` bytes from the beginning of `reader`.
fn first_bytes(reader: impl Read, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(len);
    reader.take(len as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The members of a gzip file, one after the other, and the zeros of a tape's last block behind them.
struct Members<R>(Option<GzDecoder<R>>);

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while let Some(member) = &mut self.0 {
            let len = member.read(out)?;
            if len > 0 || out.is_empty() {
                return Ok(len);
            }
            let Some(mut rest) = self.0.take().map(GzDecoder::into_inner) else { break };
            loop {
                let bytes = rest.fill_buf()?;
                let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
                let (is_end, is_over) = (bytes.is_empty(), zeros < bytes.len());
                rest.consume(zeros);
                if is_end {
                    return Ok(0);
                }
                if is_over {
                    break;
                }
            }
            self.0 = Some(GzDecoder::new(rest));
        }
        Ok(0)
    }
}

/// Reads in small portions. A decoder that meets damaged input forgets what it put out in that call;
/// so at most this much before the damage is lost.
struct Sips<R>(R);

const SIP_BYTES: usize = 1 << 15;

impl<R: Read> Read for Sips<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(SIP_BYTES);
        self.0.read(&mut out[..len])
    }
}

/// When gzip's input was last written, as the header of the archive's first member has it.
pub(super) fn gzip_modified(path: &Path) -> Option<Time> {
    match first_bytes(File::open(path).ok()?, 8).ok()?[..] {
        [0x1f, 0x8b, _, _, a, b, c, d] => {
            let secs = u32::from_le_bytes([a, b, c, d]);
            // 0 means that there was no file, or that nobody cared.
            (secs != 0).then(|| Time::from_secs(secs.into()))
        }
        _ => None,
    }
}

/// Whole lines of a log, and where they stand in it. Reads as a slice of bytes.
pub struct Block {
    offset: u64,
    bytes: Vec<u8>,
    pool: Pool,
}

/// Buffers between two uses. A lock, because blocks are dropped by whichever thread scanned them;
/// it is held for one push or pop per megabyte.
type Pool = Arc<Mutex<Vec<Vec<u8>>>>;

impl Block {
    /// The offset of its first byte in the uncompressed log.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl Deref for Block {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // A long line's buffer is not kept, or memory would stay at the longest line ever seen.
        if self.bytes.capacity() <= 2 * BLOCK_BYTES
            && let Ok(mut pool) = self.pool.lock()
            && pool.len() < POOL_MAX
        {
            pool.push(std::mem::take(&mut self.bytes));
        }
    }
}

/// The blocks of a log, in order.
///
/// The last block may end without a newline, as the log does. So does a block of a line longer than
/// [`LINE_MAX_BYTES`], of which it holds one byte more than that; while the rest is passed over, blocks are
/// empty, so that whoever takes them may stop. NULs before the first line are passed over, too: they are a hole
/// that whoever emptied the log left behind. If reading fails (a damaged or
/// truncated archive), all whole lines before the break come first, then the error, then nothing.
/// The line at the break is left out: half an address is another address.
pub struct Blocks {
    reader: Reader,
    path: PathBuf,
    compression: Option<Compression>,
    block_bytes: usize,
    offset: u64,
    /// The beginning of the line that the last block left over.
    rest: Vec<u8>,
    state: State,
    pool: Pool,
}

enum State {
    /// Nothing but NULs so far.
    Beginning,
    Reading,
    /// Within a line of which enough was seen.
    PassingOver,
    Failed(io::Error),
    Done,
}

impl Blocks {
    /// The blocks of a file, decompressed if its first bytes say that it is compressed.
    ///
    /// # Errors
    ///
    /// The file can't be opened or its first bytes can't be read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: path.to_owned(), source };
        // Opened once and read forwards only: it may be a pipe.
        Self::from_reader(path, File::open(path).map_err(unreadable)?)
    }

    /// The blocks of standard input, decompressed if its first bytes say so.
    ///
    /// # Errors
    ///
    /// Its first bytes can't be read.
    pub fn stdin() -> Result<Self, SourceError> {
        Self::from_reader("standard input".as_ref(), io::stdin())
    }

    /// The blocks of any reader, decompressed if its first bytes say so; `name` is for messages.
    ///
    /// # Errors
    ///
    /// The first bytes can't be read.
    pub fn from_reader(
        name: &Path,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, SourceError> {
        let unreadable = |source| SourceError::Unreadable { path: name.to_owned(), source };
        let (compression, text) = Compression::unpack(reader).map_err(unreadable)?;
        Ok(Self { compression, ..Self::of_text(name, text) })
    }

    /// The same blocks, turned from `encoding` into UTF-8; a byte-order mark decides which UTF-16 it is. For encodings
    /// whose line ends are not one byte. Offsets are those of the UTF-8.
    #[must_use]
    pub fn decoded(self, encoding: &'static encoding_rs::Encoding) -> Self {
        let mut decoder = encoding_rs_io::DecodeReaderBytesBuilder::new();
        let decoder = decoder.encoding(Some(encoding)).bom_override(true).build(self.reader);
        Self { reader: Box::new(decoder), ..self }
    }

    /// The blocks of text, whatever it begins with; `name` is for messages.
    pub fn of_text(name: &Path, text: impl Read + Send + 'static) -> Self {
        Self {
            reader: Box::new(Sips(text)),
            path: name.to_owned(),
            compression: None,
            block_bytes: BLOCK_BYTES,
            offset: 0,
            rest: Vec::new(),
            state: State::Beginning,
            pool: Pool::default(),
        }
    }

    /// The same stream in blocks of about `bytes` (at least 1).
    #[must_use]
    pub fn with_block_bytes(mut self, bytes: usize) -> Self {
        self.block_bytes = bytes.max(1);
        self
    }

    /// How the stream is compressed.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// A buffer that begins with the rest of the last block.
    fn buffer(&mut self) -> Vec<u8> {
        let recycled = self.pool.lock().ok().and_then(|mut pool| pool.pop());
        let mut bytes = recycled.unwrap_or_default();
        bytes.clear();
        bytes.reserve(self.block_bytes.max(self.rest.len()));
        bytes.append(&mut self.rest);
        bytes
    }

    /// Reads until `bytes` ends with a whole line and is long enough, or the stream ends.
    fn fill(&mut self, bytes: &mut Vec<u8>) {
        let mut wanted = self.block_bytes;
        // In what the last block left over there may be line ends if it ended what was passed over.
        let mut searched = 0;
        loop {
            let missing = wanted.saturating_sub(bytes.len());
            let read = self.reader.by_ref().take(missing as u64).read_to_end(bytes);
            // What came before an error is in `bytes`, too.
            let newline = memchr::memrchr(b'\n', &bytes[searched..]).map(|at| searched + at + 1);
            searched = bytes.len();
            match read {
                Ok(n) if n < missing => {
                    self.state = State::Done;
                    return;
                }
                Ok(_) => {}
                Err(error) => {
                    self.state = State::Failed(error);
                    bytes.truncate(newline.unwrap_or(0));
                    return;
                }
            }
            if let Some(end) = newline {
                self.rest.extend_from_slice(&bytes[end..]);
                bytes.truncate(end);
                return;
            }
            if bytes.len() > LINE_MAX_BYTES {
                self.state = State::PassingOver;
                return;
            }
            wanted = bytes.len().saturating_mul(2).min(LINE_MAX_BYTES + 1);
        }
    }

    /// Reads a block's length more of what is passed over: the rest of a line, or the hole before the first one;
    /// `bytes`, empty, take what is behind it at the end of the stream.
    fn pass_over(&mut self, bytes: &mut Vec<u8>) {
        let read = self.reader.by_ref().take(self.block_bytes as u64).read_to_end(bytes);
        let end = match self.state {
            State::Beginning => bytes.iter().position(|byte| *byte != 0),
            _ => memchr::memchr(b'\n', bytes).map(|at| at + 1),
        };
        let over = end.unwrap_or(bytes.len());
        self.offset += over as u64;
        bytes.drain(..over);
        match read {
            Err(error) => {
                self.state = State::Failed(error);
                bytes.truncate(memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1));
            }
            Ok(n) if n < self.block_bytes => self.state = State::Done,
            Ok(_) if end.is_some() => {
                self.state = State::Reading;
                self.rest.append(bytes);
            }
            Ok(_) => {}
        }
    }

    fn block(&mut self, bytes: Vec<u8>) -> Block {
        let offset = self.offset;
        self.offset += bytes.len() as u64;
        Block { offset, bytes, pool: Arc::clone(&self.pool) }
    }

    fn error(&self, source: io::Error) -> SourceError {
        SourceError::Broken {
            path: self.path.clone(),
            compression: self.compression,
            read_bytes: self.offset,
            source,
        }
    }
}

impl Iterator for Blocks {
    type Item = Result<Block, SourceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if matches!(self.state, State::Beginning) {
            let mut bytes = self.buffer();
            self.pass_over(&mut bytes);
            if !bytes.is_empty() || matches!(self.state, State::Beginning) {
                return Some(Ok(self.block(bytes)));
            }
        }
        let is_passing = matches!(self.state, State::PassingOver);
        if is_passing || matches!(self.state, State::Reading) {
            let mut bytes = self.buffer();
            if is_passing {
                self.pass_over(&mut bytes);
            } else {
                self.fill(&mut bytes);
            }
            if is_passing || !bytes.is_empty() {
                return Some(Ok(self.block(bytes)));
            }
        }
        match std::mem::replace(&mut self.state, State::Done) {
            State::Failed(error) => Some(Err(self.error(error))),
            State::Beginning | State::Reading | State::PassingOver | State::Done => None,
        }
    }
}

#[cfg(test)]
mod tests;
