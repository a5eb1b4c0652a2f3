//! Matches into the store, in batches.
//!
//! A batch is one transaction: large enough that the store is fast, small enough that little has to be
//! read again after an interruption. Lines, matches and failures of a batch are stored together or not
//! at all; storing one twice changes nothing.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use super::jail::Jail;
use super::scan::LogInfo;
use crate::model::{Match, Matches, Origin, Time};
use crate::store::{Batch, FilterId, JailId, LogId, Record, Scanned, Store, StoreError, Written};

/// Matches from which a batch is written.
const BATCH_MATCHES: usize = 50_000;

/// The way into the store for the matches of a scan.
#[derive(Debug)]
pub struct Persist<'s> {
    store: &'s mut Store,
    /// When the logs are read.
    now: Time,
    /// Of each jail: its filter, against whom failures count, and what was new.
    jails: Vec<(FilterId, JailId, Written)>,
    log: Option<(String, LogId)>,
    /// The last line that is known of the log: it may turn out to have been half a line.
    last: Option<(u64, Vec<u8>)>,
    /// Matches by jail that are not stored yet.
    waiting: Vec<(usize, Matches)>,
}

impl<'s> Persist<'s> {
    /// For the matches of these jails' filters; the failures of one without a name count against none.
    pub fn new(store: &'s mut Store, jails: &[Arc<Jail>], now: Time) -> Result<Self, StoreError> {
        let mut ids = Vec::with_capacity(jails.len());
        for jail in jails {
            let filter = store.filter(&jail.filter_name, &jail.definition)?;
            ids.push((filter, store.jail(&jail.name)?, Written::default()));
        }
        Ok(Self { store, now, jails: ids, log: None, last: None, waiting: Vec::new() })
    }

    /// Takes matches of a jail; those of a log without an identity (a literal line) are not kept.
    pub fn take(&mut self, log: &LogInfo, jail: usize, matches: Matches) -> Result<(), StoreError> {
        let Some(head) = &log.head else { return Ok(()) };
        if self.log.as_ref().is_none_or(|(name, _)| *name != log.name) {
            self.flush()?;
            let id = self.store.log(head.as_bytes(), &log.name, self.now)?;
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
        self.replace_half_line(&matches)?;
        self.waiting.push((jail, matches));
        let waiting: usize = self.waiting.iter().map(|(_, matches)| matches.lines.len()).sum();
        if waiting >= BATCH_MATCHES {
            self.flush()?;
        }
        Ok(())
    }

    /// Stores what is waiting and says how much was new for each jail.
    pub fn finish(mut self) -> Result<Vec<Written>, StoreError> {
        self.flush()?;
        Ok(self.jails.into_iter().map(|(_, _, written)| written).collect())
    }

    /// Forgets the last line that was known if it is another one now: its log ended in the middle of it.
    fn replace_half_line(&mut self, matches: &Matches) -> Result<(), StoreError> {
        let (Some((_, log)), Some((offset, text))) = (&self.log, &self.last) else {
            return Ok(());
        };
        let found = matches.lines.binary_search_by_key(offset, |line| line.place.offset);
        if let Ok(found) = found
            && matches.text(&matches.lines[found]) != text
        {
            self.store.forget_line(*log, *offset)?;
            self.last = None;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        let Some((_, log)) = self.log else { return Ok(()) };
        let mut waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        // Many records at once are quicker than as many in the order of their coming.
        waiting.sort_by_key(|(jail, _)| *jail);
        let mut batch = self.store.begin()?;
        for of_jail in waiting.chunk_by(|(a, _), (b, _)| a == b) {
            let (filter, jail, sum) = &mut self.jails[of_jail[0].0];
            let source = Scanned { log, filter: *filter, jail: *jail, origin: Origin::Scan };
            let written = write(&mut batch, source, of_jail)?;
            sum.matches += written.matches;
            sum.failures += written.failures;
        }
        batch.commit()?;
        // Taking them apart is work for those who wait: this thread is the one that all wait for.
        rayon::spawn(move || drop(waiting));
        Ok(())
    }
}

fn write(
    batch: &mut Batch<'_>,
    source: Scanned,
    matches: &[(usize, Matches)],
) -> Result<Written, StoreError> {
    let lines = || matches.iter().flat_map(|(_, m)| m.lines.iter().map(move |line| (line, m)));
    let fields: Vec<Option<String>> = lines().map(|(line, _)| fields_json(line)).collect();
    let records: Vec<Record<'_>> = lines()
        .zip(&fields)
        .flat_map(|((line, of), fields)| records(line, of.text(line), fields.as_deref()))
        .collect();
    batch.write(source, &records)
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
