//! `f2b purge`: forgetting what is older than the kept-for limit.

use std::io::Write;

use super::args::PurgeArgs;
use super::files::Files;
use super::output::{civil, counted};
use super::{Context, Error, Status};
use crate::control::{Change, Reply};
use crate::model::duration;
use crate::store::Purged;

pub(super) fn run(
    context: &Context,
    args: &PurgeArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let keep_us = duration::parse_micros(&args.keep)
        .and_then(|micros| {
            if micros < 0 { Err(duration::DurationError(args.keep.clone())) } else { Ok(micros) }
        })
        .map_err(|source| Error::Duration { option: "keep", source })?;
    let mut forgotten = Purged::default();
    let mut files = Files::default();
    context.change(Change::Purge { keep_us }, |reply| match reply {
        Reply::Purged { before, purged } => {
            forgotten = purged;
            writeln!(
                out,
                "purged what was before {}: {}, {}, {}, {}",
                civil(before, context.zone),
                counted(purged.lines, "line"),
                counted(purged.failures, "failure"),
                counted(purged.bans, "ban"),
                counted(purged.hosts, "host"),
            )
        }
        reply => {
            files.take(reply);
            Ok(())
        }
    })?;
    let Purged { lines, matches, failures, bans, .. } = forgotten;
    let is_done =
        if lines + matches + failures + bans == 0 { Status::Nothing } else { Status::Found };
    Ok(files.show(out)?.unwrap_or(is_done))
}
