//! A log opened for reading: mapped or streamed, its template and its years settled.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::control::Control;
use super::dating::Learnt;
use super::outcome::LogInfo;
use super::set::JailSet;
use super::timeline::{Timeline, Trail};
use super::wanted::{Manner, Wanted};
use crate::date::{TemplateId, Templates};
use crate::model::Head;
use crate::source::{Block, Blocks, Log, LogKind, MappedFile, Oddity, SourceError, chunk_count};

/// Size of the chunks of a memory map whose matches are wanted: while the first are stored, those of many more wait.
const CHUNK_BYTES: usize = 1 << 20;

/// Size of the chunks of a large map that is only counted, so that a task, which costs the waking of two threads, has
/// work for a millisecond.
const CHUNK_COUNTED_BYTES: usize = 4 << 20;

/// Chunks of a map from which on they may be larger.
const CHUNKS_MIN: usize = 64;

/// What is looked at of a log before it is read.
const BEGINNING_BYTES: usize = 1 << 20;

/// Lines from which the template of a log is learnt, for chunks that do not see its beginning.
const PRIMING_LINES: usize = 100;

/// One log being read: opened, with its years settled.
pub(super) struct Opened<'l> {
    pub(super) log: &'l Log,
    /// The jails that read it.
    pub(super) set: &'l JailSet,
    pub(super) info: LogInfo,
    pub(super) input: Input,
    /// Size of the chunks of a map.
    pub(super) chunk_bytes: usize,
    /// For each way of dating in the set.
    pub(super) learnt: Vec<Learnt>,
    /// Whether lines at its beginning have stamps without a year.
    is_yearless: bool,
    /// What has to be told of it.
    pub(super) oddity: Option<Oddity>,
    /// The plain file that is read as a stream, and its length when it was opened.
    file: Option<(File, u64)>,
}

pub(super) enum Input {
    /// And where its text begins.
    Map(MappedFile, usize),
    /// Taken by the one task that reads it.
    Stream(Mutex<Option<Peeked>>),
    Text(Vec<u8>),
}

/// Blocks whose first one was looked at.
type Peeked = std::iter::Chain<std::option::IntoIter<Result<Block, SourceError>>, Blocks>;

impl<'l> Opened<'l> {
    /// Opens a log for a set of jails; nothing is known of its years.
    pub(super) fn open(
        log: &'l Log,
        set: &'l JailSet,
        wanted: Wanted,
        control: &Arc<Control>,
    ) -> Result<Self, SourceError> {
        let name = log.name();
        let wide = set.is_wide().then(|| set.encoding());
        let mut file = None;
        let (input, beginning) = match &log.kind {
            LogKind::Literal(text) => (Input::Text(text.clone()), Beginning::default()),
            LogKind::Plain if wide.is_some() => stream(log, wide, control, &mut file)?,
            LogKind::Plain => match MappedFile::open(&log.path) {
                Ok(map) => {
                    let beginning = Beginning::of_map(&map);
                    // Zeros that stand for what was cut off would be its head.
                    if map.is_torn(0..beginning.end()) {
                        return Err(shrank(log, map.len() as u64, map.len_now()));
                    }
                    let starts = beginning.starts;
                    (Input::Map(map, starts), beginning)
                }
                // Some file systems can't map; every one can read.
                Err(_) => stream(log, wide, control, &mut file)?,
            },
            LogKind::Archive(_) | LogKind::Stdin | LogKind::Pipe => {
                stream(log, wide, control, &mut file)?
            }
        };
        let oddity = log.oddity(&beginning.bytes)?;
        let learnt: Vec<(Option<TemplateId>, bool)> = set
            .calendars()
            .iter()
            .map(|calendar| learn(&calendar.templates, &beginning.bytes))
            .collect();
        let info = LogInfo {
            name,
            is_plain: matches!(input, Input::Map(..)) && set.encoding() == encoding_rs::UTF_8,
            head: beginning.head(),
        };
        let is_yearless = learnt.iter().any(|(_, is_yearless)| *is_yearless);
        let learnt = learnt.into_iter().map(|(prime, _)| Learnt { prime, ..Learnt::default() });
        let learnt = learnt.collect();
        let chunk_bytes = match &input {
            Input::Map(map, _) if !wanted.matches => {
                (map.len() / CHUNKS_MIN).clamp(CHUNK_BYTES, CHUNK_COUNTED_BYTES)
            }
            _ => CHUNK_BYTES,
        };
        Ok(Self { log, set, info, input, chunk_bytes, learnt, is_yearless, oddity, file })
    }

    /// Whether lines at its beginning have stamps without a year.
    pub(super) fn is_yearless(&self) -> bool {
        self.is_yearless
    }

    /// Which years its lines are of, by their order; not if it is read as of a day before its end, or as fail2ban-regex
    /// reads it.
    pub(super) fn conclude(&self, trails: &[Trail], wanted: Wanted) -> Vec<Timeline> {
        let modified = self.log.modified().filter(|_| self.log.kind.can_be_reread());
        let conclude = |trail| match modified {
            Some(modified) if modified <= wanted.now && wanted.manner == Manner::F2b => {
                Timeline::of(trail, modified, wanted.zone)
            }
            _ => Timeline::Each,
        };
        trails.iter().map(conclude).collect()
    }

    /// Settles the years.
    pub(super) fn place(&mut self, timelines: Vec<Timeline>) {
        for (learnt, timeline) in self.learnt.iter_mut().zip(timelines) {
            learnt.timeline = timeline;
        }
    }

    /// Whether its years were settled like this.
    pub(super) fn is_placed(&self, timelines: &[Timeline]) -> bool {
        self.learnt.iter().map(|learnt| &learnt.timeline).eq(timelines)
    }

    /// Says so if the file that is read as a stream is shorter than it was.
    pub(super) fn has_shrunk(&self) -> Option<SourceError> {
        let (file, from_bytes) = self.file.as_ref()?;
        let to_bytes = file.metadata().ok()?.len();
        (to_bytes < *from_bytes).then(|| shrank(self.log, *from_bytes, to_bytes))
    }

    /// The chunks that can be read in parallel; 0 for a log that is read from beginning to end.
    pub(super) fn chunks(&self) -> usize {
        match &self.input {
            Input::Map(map, starts) if !self.set.is_serial() => {
                chunk_count(map.len() - starts, self.chunk_bytes)
            }
            _ => 0,
        }
    }
}

/// What is looked at of a log before it is read.
#[derive(Default)]
struct Beginning {
    /// How many NULs are before it.
    starts: usize,
    bytes: Vec<u8>,
}

impl Beginning {
    fn of_map(map: &MappedFile) -> Self {
        let starts = map.begins();
        let bytes = &map.bytes()[starts..];
        Self { starts, bytes: bytes[..bytes.len().min(BEGINNING_BYTES)].to_vec() }
    }

    fn end(&self) -> usize {
        self.starts + self.bytes.len()
    }

    /// What identifies the log; `None` if there is nothing.
    fn head(&self) -> Option<Head> {
        (!self.bytes.is_empty()).then(|| Head::new(self.starts as u64, &self.bytes))
    }
}

/// That a log was cut while it was read.
pub(super) fn shrank(log: &Log, from_bytes: u64, to_bytes: u64) -> SourceError {
    SourceError::Shrank { path: log.path.clone(), from_bytes, to_bytes }
}

/// Opens an archive or standard input and reads its first block; a `wide` encoding is decoded on the way. A `plain`
/// file is kept, with its length.
fn stream(
    log: &Log,
    wide: Option<&'static encoding_rs::Encoding>,
    control: &Arc<Control>,
    plain: &mut Option<(File, u64)>,
) -> Result<(Input, Beginning), SourceError> {
    let unreadable = |source| SourceError::Unreadable { path: log.path.clone(), source };
    let control_of = || Arc::clone(control);
    let reader: Box<dyn Read + Send> = match log.kind {
        LogKind::Stdin => Box::new(Patient { input: io::stdin(), control: control_of() }),
        LogKind::Pipe => {
            // Waits for a writer when it is read, not here, where nothing can interrupt it.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            let options = File::options().read(true).custom_flags(flags).open(&log.path);
            Box::new(Patient { input: options.map_err(unreadable)?, control: control_of() })
        }
        _ => {
            let file = File::open(&log.path).map_err(unreadable)?;
            if log.kind == LogKind::Plain {
                let len = file.metadata().map_err(unreadable)?.len();
                *plain = Some((file.try_clone().map_err(unreadable)?, len));
            }
            Box::new(file)
        }
    };
    let reader = Counted { reader, control: Arc::clone(control) };
    let mut blocks = Blocks::from_reader(&log.path, reader)?;
    if let Some(encoding) = wide {
        blocks = blocks.decoded(encoding);
    }
    // A hole before the first line comes as blocks of nothing.
    let is_text = |block: &Result<Block, _>| block.as_ref().map_or(true, |block| !block.is_empty());
    let first = blocks.by_ref().find(|block| is_text(block) || control.is_stopped());
    let beginning = match &first {
        Some(Ok(block)) => Beginning {
            starts: usize::try_from(block.offset()).unwrap_or(usize::MAX),
            bytes: block.to_vec(),
        },
        _ => Beginning::default(),
    };
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
