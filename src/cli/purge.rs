//! `f2b purge`: forgetting what is older than the kept-for limit.

use std::io::Write;

use super::args::PurgeArgs;
use super::files::Files;
use super::output::progress::{Bar, Unit};
use super::output::{civil, counted, scaled};
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
    let mut files = Files::default();
    let mut stuck = 0;
    let mut bar = Some(Bar::new());
    context.change(Change::Purge { keep_us }, |reply| match reply {
        Reply::Purging { matches, of } => {
            if let Some(bar) = &mut bar {
                bar.draw(matches, of, Unit::Matches);
            }
            Ok(())
        }
        Reply::Purged { before, purged, stuck_bytes } => {
            bar = None;
            stuck = stuck_bytes;
            let before = civil(before, context.zone);
            let Purged { lines, failures, bans, hosts, .. } = purged;
            if purged.is_nothing() {
                return writeln!(out, "nothing was before {before}");
            }
            writeln!(
                out,
                "purged what was before {before}: {}, {}, {}, {}",
                counted(lines, "line"),
                counted(failures, "failure"),
                counted(bans, "ban"),
                counted(hosts, "host"),
            )
        }
        reply => {
            files.take(reply);
            Ok(())
        }
    })?;
    if stuck > 0 {
        // A number of bytes is exact as long as anyone reads its three figures.
        #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
        let bytes = scaled(stuck as f64, "B");
        let db = context.db.display();
        out.flush()?;
        super::warn(&format!(
            "f2b: {db}: {bytes} are free in it and will be used again, but can't be given back, as it was made \
             without auto_vacuum; to do that, with room for a copy of it: \
             sqlite3 {db} 'PRAGMA auto_vacuum = INCREMENTAL; VACUUM'"
        ));
    }
    // That nothing was old enough is as good an end; a job that runs every night is not to fail for that.
    Ok(files.show(out)?.unwrap_or(Status::Found))
}
