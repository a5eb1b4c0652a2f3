//! What was found in a part of a log, as the store takes it.

use super::super::jail::Jail;
use crate::model::{Match, Matches};
use crate::store::{Batch, FilterId, JailId, Record, Scanned, Store, StoreError, Written};

/// Makes a jail and its filter known to the store.
pub(super) fn introduce(jail: &Jail, store: &mut Store) -> Result<(FilterId, JailId), StoreError> {
    let filter = store.filter(&jail.filter_name, &jail.definition)?;
    Ok((filter, store.jail(&jail.name)?))
}

/// Stores what `source` says, in the order of the log.
pub(super) fn write<'m>(
    batch: &mut Batch<'_>,
    source: Scanned,
    matches: impl Iterator<Item = &'m Matches> + Clone,
) -> Result<Written, StoreError> {
    let lines = matches.clone().map(|of| of.lines.len()).sum();
    let mut records = Vec::with_capacity(lines);
    for of in matches {
        of.lines.iter().for_each(|line| add_records(&mut records, line, of));
    }
    batch.write(source, &records)
}

/// Adds a record a failure; one for a line that is none.
fn add_records<'r>(records: &mut Vec<Record<'r>>, line: &'r Match, of: &'r Matches) {
    let mut add = |host, failure| {
        records.push(Record {
            offset: line.place.offset,
            line: line.place.line,
            text: of.text(line),
            time: line.time,
            regex: u16::try_from(line.regex + 1).unwrap_or(u16::MAX),
            nofail: line.nofail,
            host,
            fields: &line.fields,
            whole: (line.before > 0).then(|| of.whole(line)),
            failure,
        });
    };
    if line.failures.is_empty() {
        add(line.id.clone(), false);
    }
    for host in &line.failures {
        add(Some(host.clone()), true);
    }
}
