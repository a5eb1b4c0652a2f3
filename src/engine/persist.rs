//! Matches into the store, in batches.
//!
//! A batch is one transaction: large enough that the store is fast, small enough that little has to be
//! read again after an interruption. Lines, matches and failures of a batch are stored together or not
//! at all; storing one twice changes nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::scan::LogInfo;
use crate::model::{Match, Matches, Origin};
use crate::store::{FilterId, JailId, LogId, Record, Scanned, Store, StoreError, Written};

/// Matches from which a batch is written.
const BATCH_MATCHES: usize = 50_000;

/// The way into the store for the matches of one filter.
#[derive(Debug)]
pub struct Persist<'s> {
    store: &'s mut Store,
    filter: FilterId,
    jail: JailId,
    log: Option<(String, LogId)>,
    /// The last line that is known of the log, as long as it may turn out to have been half a line.
    last: Option<(u64, Vec<u8>)>,
    waiting: Vec<Matches>,
    written: Written,
}

impl<'s> Persist<'s> {
    /// Matches of the filter called `name` and defined by `definition`, failures of `jail` (empty: none).
    pub fn new(
        store: &'s mut Store,
        name: &str,
        definition: &str,
        jail: &str,
    ) -> Result<Self, StoreError> {
        let filter = store.filter(name, definition)?;
        let jail = store.jail(jail)?;
        Ok(Self {
            store,
            filter,
            jail,
            log: None,
            last: None,
            waiting: Vec::new(),
            written: Written::default(),
        })
    }

    /// Takes matches; those of a log without an identity (a literal line) are not kept.
    pub fn take(&mut self, log: &LogInfo, matches: Matches) -> Result<(), StoreError> {
        let Some(head) = &log.head else { return Ok(()) };
        if self.log.as_ref().is_none_or(|(name, _)| *name != log.name) {
            self.flush()?;
            let id = self.store.log(head.as_bytes(), &log.name)?;
            self.log = Some((log.name.clone(), id));
            self.last = self.store.last_line(id)?;
            if let Some((offset, text)) = &self.last
                && log.is_plain
                && goes_on(&log.name, *offset + text.len() as u64)
            {
                self.store.forget_line(id, *offset)?;
                self.last = None;
            }
        }
        self.waiting.push(matches);
        if self.waiting.iter().map(|matches| matches.lines.len()).sum::<usize>() >= BATCH_MATCHES {
            self.flush()?;
        }
        Ok(())
    }

    /// Stores what is waiting and says how much was new in all.
    pub fn finish(mut self) -> Result<Written, StoreError> {
        self.flush()?;
        Ok(self.written)
    }

    /// Forgets the last line that was known if it is another one now: its log ended in the middle of it.
    fn replace_half_line(&mut self, log: LogId, waiting: &[Matches]) -> Result<(), StoreError> {
        let Some((offset, text)) = &self.last else { return Ok(()) };
        let mut lines = waiting.iter().flat_map(|m| m.lines.iter().map(move |line| (line, m)));
        let Some((line, of)) = lines.find(|(line, _)| line.place.offset >= *offset) else {
            return Ok(());
        };
        if line.place.offset == *offset && of.text(line) != text {
            self.store.forget_line(log, *offset)?;
        }
        self.last = None;
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let Some((_, log)) = self.log else { return Ok(()) };
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        self.replace_half_line(log, &waiting)?;
        let fields: Vec<Option<String>> =
            waiting.iter().flat_map(|m| &m.lines).map(fields_json).collect();
        let lines =
            waiting.iter().flat_map(|m| m.lines.iter().map(move |line| (line, m.text(line))));
        let records: Vec<Record<'_>> = lines
            .zip(&fields)
            .flat_map(|((line, text), fields)| records(line, text, fields.as_deref()))
            .collect();
        let source = Scanned { log, filter: self.filter, jail: self.jail, origin: Origin::Scan };
        let written = self.store.write(source, &records)?;
        drop(records);
        drop(fields);
        // Taking them apart is work for those who wait: this thread is the one that all wait for.
        rayon::spawn(move || drop(waiting));
        self.written.matches += written.matches;
        self.written.failures += written.failures;
        Ok(())
    }
}

/// Whether the file has more of a line at `end`, where the line ended when it was stored.
fn goes_on(path: &str, end: u64) -> bool {
    let mut next = [0; 2];
    let read = File::open(path).and_then(|file| file.read_at(&mut next, end)).unwrap_or(0);
    !matches!(next[..read], [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n'])
}

/// A record a failure; one for a line that is none.
fn records<'r>(
    line: &'r Match,
    text: &'r [u8],
    fields: Option<&'r str>,
) -> impl Iterator<Item = Record<'r>> + 'r {
    let record = move |host, failure| Record {
        offset: line.place.offset,
        line: line.place.line,
        text,
        time: line.time,
        regex: u16::try_from(line.regex + 1).unwrap_or(u16::MAX),
        nofail: line.nofail,
        host,
        fields,
        failure,
    };
    let failures = line.failures.iter().map(move |host| record(Some(host.clone()), true));
    let other = line.failures.is_empty().then(|| record(line.id.clone(), false));
    failures.chain(other)
}

/// Captures beyond those that say who is meant, which has a column of its own.
fn fields_json(line: &Match) -> Option<String> {
    let identifies = |name: &str| matches!(name, "ip4" | "ip6" | "dns" | "cidr" | "fid" | "mlfid");
    let mut fields = line.fields.iter().filter(|(name, _)| !identifies(name)).peekable();
    fields.peek()?;
    let object: serde_json::Map<_, _> =
        fields.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    Some(serde_json::Value::Object(object).to_string())
}
