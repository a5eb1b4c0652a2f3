//! A log opened for scanning: mapped or streamed, its template and its years settled, cut into tasks.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::piece::Scanner;
use super::scan::{Control, LogInfo, Message, Scan, Unread, Wanted};
use super::timeline::{Timeline, Trail};
use crate::date::{TemplateId, Templates};
use crate::source::{Block, Blocks, Head, Kind, Log, MappedFile, SourceError, chunk, chunk_count};

/// Size of the chunks of a memory map: small enough to stay in a core's own cache between the two
/// looks at it (literals, then lines), large enough that a task costs nothing.
pub(super) const CHUNK_BYTES: usize = 1 << 20;

/// Chunks whose memory is given back at once: every call stops all threads for a moment.
const CHUNKS_KEPT: usize = 64;

/// Lines from which the template of a log is learnt, for chunks that do not see its beginning.
const PRIMING_LINES: usize = 100;

/// One log being scanned: opened, with its years settled.
pub(super) struct Opened<'l> {
    pub(super) log: &'l Log,
    pub(super) info: LogInfo,
    pub(super) input: Input,
    pub(super) timeline: Timeline,
    /// The template of its first lines.
    pub(super) prime: Option<TemplateId>,
    /// Whether the lines at its beginning have stamps without a year.
    is_yearless: bool,
}

pub(super) enum Input {
    Map(MappedFile),
    /// Taken by the one task that reads it.
    Stream(Mutex<Option<Peeked>>),
    Text(Vec<u8>),
}

/// Blocks whose first one was looked at.
type Peeked = std::iter::Chain<std::option::IntoIter<Result<Block, SourceError>>, Blocks>;

pub(super) struct Task<'l> {
    pub(super) opened: Result<Arc<Opened<'l>>, Unread>,
    /// Which chunk of a map; `None` for a log that one task reads from beginning to end.
    pub(super) chunk: Option<usize>,
    /// Whether it is the last of its log.
    pub(super) is_last: bool,
}

impl<'l> Opened<'l> {
    pub(super) fn new(
        scan: &Scan<'l>,
        log: &'l Log,
        wanted: Wanted,
        control: &Arc<Control>,
    ) -> Result<Self, Unread> {
        let unread = |error| Unread { log: log.name(), error };
        let mut opened = Self::open(scan, log, control).map_err(unread)?;
        // What is handed on can't be taken back: the years have to be known before. What can be read only
        // once has no past to be placed in.
        if wanted.matches && opened.is_yearless && log.kind.can_be_reread() {
            let again = Self::open(scan, log, &Arc::default()).map_err(unread)?;
            let trail = scan.trail(again, &Arc::default());
            opened.timeline = opened.conclude(scan, &trail);
        }
        Ok(opened)
    }

    pub(super) fn open(
        scan: &Scan<'_>,
        log: &'l Log,
        control: &Arc<Control>,
    ) -> Result<Self, SourceError> {
        let name = log.name();
        let (input, beginning) = match &log.kind {
            Kind::Literal(text) => (Input::Text(text.clone().into_bytes()), None),
            Kind::Plain if scan.is_wide() => stream(scan, log, control)?,
            Kind::Plain => match MappedFile::open(&log.path) {
                Ok(map) => {
                    let beginning = map.bytes()[..map.len().min(CHUNK_BYTES)].to_vec();
                    (Input::Map(map), Some(beginning))
                }
                // Some file systems can't map; every one can read.
                Err(_) => stream(scan, log, control)?,
            },
            Kind::Archive(_) | Kind::Stdin | Kind::Pipe => stream(scan, log, control)?,
        };
        let beginning = beginning.unwrap_or_default();
        let (prime, is_yearless) = learn(scan.templates, &beginning);
        let info = LogInfo {
            name,
            is_plain: matches!(input, Input::Map(_)) && scan.encoding == encoding_rs::UTF_8,
            head: (!beginning.is_empty()).then(|| Head::from_bytes(&beginning)),
        };
        Ok(Self { log, info, input, timeline: Timeline::Each, prime, is_yearless })
    }

    /// Which years its lines are of, by their order; not if it is read as of a day before its end.
    pub(super) fn conclude(&self, scan: &Scan<'_>, trail: &Trail) -> Timeline {
        let modified = self.log.modified().filter(|_| self.log.kind.can_be_reread());
        match modified {
            Some(modified) if modified <= scan.now => Timeline::of(trail, modified, scan.zone),
            _ => Timeline::Each,
        }
    }

    pub(super) fn tasks(self, in_one_go: bool) -> Vec<Task<'l>> {
        let count = match &self.input {
            Input::Map(map) if !in_one_go => chunk_count(map.len(), CHUNK_BYTES),
            _ => 0,
        };
        let opened = Arc::new(self);
        let task = |chunk, is_last| Task { opened: Ok(Arc::clone(&opened)), chunk, is_last };
        if count == 0 {
            return vec![task(None, true)];
        }
        (0..count).map(|index| task(Some(index), index + 1 == count)).collect()
    }
}

/// Opens an archive or standard input and reads its first block.
fn stream(
    scan: &Scan<'_>,
    log: &Log,
    control: &Arc<Control>,
) -> Result<(Input, Option<Vec<u8>>), SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: log.path.clone(), source };
    let control_of = || Arc::clone(control);
    let reader: Box<dyn Read + Send> = match log.kind {
        Kind::Stdin => Box::new(Patient { input: io::stdin(), control: control_of() }),
        Kind::Pipe => {
            // Waits for a writer when it is read, not here, where nothing can interrupt it.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let options = File::options().read(true).custom_flags(flags).open(&log.path);
            Box::new(Patient { input: options.map_err(unreadable)?, control: control_of() })
        }
        _ => Box::new(File::open(&log.path).map_err(unreadable)?),
    };
    let reader = Counted { reader, control: Arc::clone(control) };
    let mut blocks = Blocks::from_reader(&log.path, reader)?;
    if scan.is_wide() {
        blocks = blocks.decoded(scan.encoding);
    }
    let first = blocks.next();
    let beginning =
        first.as_ref().and_then(|block| block.as_ref().ok()).map(|block| block.to_vec());
    Ok((Input::Stream(Mutex::new(Some(first.into_iter().chain(blocks)))), beginning))
}

/// Standard input or a pipe that ends when the scan is stopped, even if nobody writes to it.
struct Patient<I> {
    input: I,
    control: Arc<Control>,
}

impl<I: AsFd> Read for Patient<I> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const A_MOMENT: Timespec = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
        while !self.control.is_stopped() {
            let mut ready = [PollFd::new(&self.input, PollFlags::IN)];
            match poll(&mut ready, Some(&A_MOMENT)) {
                // A signal, or nothing yet.
                Err(Errno::INTR) | Ok(0) => {}
                Err(error) => return Err(error.into()),
                // Past the buffer of `Stdin`, of which the poll above knows nothing.
                Ok(_) => match rustix::io::read(&self.input, &mut *buffer) {
                    Err(Errno::AGAIN | Errno::INTR) => {}
                    read => return Ok(read?),
                },
            }
        }
        Ok(0)
    }
}

/// A reader that says how far it is.
struct Counted<R> {
    reader: R,
    control: Arc<Control>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buffer)?;
        self.control.done_bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// The template of the log's first dated lines, by which chunks that don't see them begin, and whether
/// their stamps lack the year.
fn learn(templates: &Templates, beginning: &[u8]) -> (Option<TemplateId>, bool) {
    let mut detector = templates.detector();
    let lines = beginning.split(|byte| *byte == b'\n');
    let found = lines.filter_map(|line| detector.find(line)).take(PRIMING_LINES);
    // All of them are looked at, for the detector learns from each.
    let yearless = found.filter(|found| found.stamp.yearless().is_some()).count();
    (detector.winner(), yearless > 0)
}

/// Scans a chunk of a map, or, if the file was cut meanwhile, what is left of it.
pub(super) fn map_piece(
    scanner: &mut Scanner<'_>,
    map: &MappedFile,
    index: usize,
    control: &Control,
) -> Message {
    let range = chunk(map.bytes(), index, CHUNK_BYTES);
    let bytes = map.bytes();
    if index > 0 {
        scanner.look_back(&bytes[..range.start]);
    }
    let mut piece = scanner.piece(&bytes[range.clone()], range.start as u64);
    if map.is_torn(range.clone()) {
        let left = map
            .reread(range.clone())
            .map_err(|source| SourceError::Unreadable { path: "-".into(), source })?;
        piece = scanner.piece(&left, range.start as u64);
    }
    if range.end == bytes.len() {
        piece.mark_unfinished(&bytes[range.clone()]);
    }
    if (index + 1).is_multiple_of(CHUNKS_KEPT) {
        map.release((index + 1 - CHUNKS_KEPT) * CHUNK_BYTES..range.end);
    }
    control.done_bytes.fetch_add(range.len() as u64, Ordering::Relaxed);
    Ok(piece)
}
