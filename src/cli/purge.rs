//! `f2b purge`: forgetting what is older than the kept-for limit.

use std::io::Write;

use super::args::PurgeArgs;
use super::output::{civil, counted};
use super::{Context, Status};
use crate::error::Error;
use crate::model::duration;
use crate::store::Store;

pub(super) fn run(
    context: &Context,
    args: &PurgeArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let keep = duration::parse_micros(&args.keep)
        .and_then(|micros| {
            if micros < 0 { Err(duration::DurationError(args.keep.clone())) } else { Ok(micros) }
        })
        .map_err(|source| Error::Duration { option: "keep", source })?;
    let before = context.now.plus_micros(-keep);
    // Asking for a store that is not there is a slip; it is not made here.
    drop(crate::store::Reader::open(&context.db)?);
    let mut store = Store::open(&context.db)?;
    let purged = store.transact(|batch| {
        batch.expire(context.now)?;
        batch.purge(before)
    })?;
    store.shrink()?;
    writeln!(
        out,
        "purged what was before {}: {}, {}, {}, {}",
        civil(before, context.zone),
        counted(purged.lines, "line"),
        counted(purged.failures, "failure"),
        counted(purged.bans, "ban"),
        counted(purged.hosts, "host"),
    )?;
    let nothing = purged.lines + purged.matches + purged.failures + purged.bans == 0;
    Ok(if nothing { Status::Nothing } else { Status::Found })
}
