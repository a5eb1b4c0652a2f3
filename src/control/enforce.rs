//! Making the firewall equal to the store, with the jails that are configured.

use std::collections::BTreeSet;

use super::{Failed, Jails, Reply, Take};
use crate::config::Loaded;
use crate::diag::Diagnostic;
use crate::engine::Writer;
use crate::engine::projection::{Carried, Mode, Projection, Unenforced};
use crate::error::Error;
use crate::model::Time;
use crate::store::Reader;

/// Carries out what `writer` has changed: a [`Reply::Unenforced`] for each action that is not as it ought to be.
pub fn follow(
    jails: Jails<'_>,
    writer: &mut Writer,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    let reader = writer.reader();
    let pending = reader.pending().map_err(Error::from)?;
    let mut names = touched(reader)?;
    names.extend(pending.keys().cloned());
    // Bans of a filter that was run alone are nobody's.
    names.remove("");
    if names.is_empty() {
        return Ok(());
    }
    let (mut projection, unknown) = projection(jails, names)?;
    let mut carried = writer.carry_out(&mut projection, now).map_err(Error::from)?;
    carried.failed.extend(unknown.into_iter().filter(|jail| pending.contains_key(&jail.jail)));
    // Whoever bans hosts wants to know of what went wrong only.
    tell(Carried { gates: Vec::new(), ..carried }, Mode::Do, take)
}

/// Makes all that keeps hosts out equal to the store, for one jail or for all: a [`Reply::Gate`] for each place where
/// something was, or is, to be done, and a [`Reply::Unenforced`] for each action that is not as it ought to be.
pub(super) fn restore(
    jail: Option<&str>,
    filters_only: bool,
    mode: Mode,
    jails: Jails<'_>,
    writer: &mut Writer,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    jails.knowing(jail, writer.reader())?;
    let mut names = touched(writer.reader())?;
    let banning = writer.reader().jails(now)?.into_iter().filter(|jail| jail.bans_active > 0);
    names.extend(banning.map(|jail| jail.name));
    names.extend(jail.map(str::to_owned));
    names.remove("");
    let (mut projection, mut unknown) = projection(jails, names)?;
    unknown.retain(|unknown| jail.is_none_or(|jail| jail == unknown.jail));
    let carried = if filters_only {
        writer.restore_filters(&mut projection, jail, now, mode)
    } else {
        writer.restore(&mut projection, jail, now, mode)
    };
    let mut carried = carried.map_err(Error::from)?;
    carried.failed.append(&mut unknown);
    tell(carried, mode, take)
}

/// Takes out all that was put in, for one jail or for all; answers as [`restore`] does.
pub(super) fn flush(
    jail: Option<&str>,
    mode: Mode,
    jails: Jails<'_>,
    writer: &mut Writer,
    now: Time,
    take: &mut Take<'_>,
) -> Result<(), Failed> {
    jails.knowing(jail, writer.reader())?;
    let (mut projection, _) = projection(jails, touched(writer.reader())?)?;
    let carried = writer.flush(&mut projection, jail, now, mode).map_err(Error::from)?;
    tell(carried, mode, take)
}

/// The jails for which something was put in.
fn touched(reader: &Reader) -> Result<BTreeSet<String>, Failed> {
    let installed = reader.installations()?;
    Ok(installed.into_iter().map(|installation| installation.jail).collect())
}

/// The actions of jails; which of the jails are not as they are configured, and why.
///
/// A slip in a file lets nobody in: of a jail that can't be used, what was put in before goes on keeping hosts out. Only
/// where all files of jails can be read is a jail that isn't there one that was taken out of them.
fn projection(
    jails: Jails<'_>,
    names: BTreeSet<String>,
) -> Result<(Projection, Vec<Unenforced>), Failed> {
    let Loaded { value: known, findings } = jails.config()?.jail_names();
    let is_clear = !findings.iter().any(Diagnostic::may_hide_jails);
    let known = known.filter(|_| is_clear);
    let mut found = Vec::new();
    let mut kept = BTreeSet::new();
    let mut unknown = Vec::new();
    for name in names.into_iter().filter(|name| !jails.is_stopped(name)) {
        let is_gone =
            !jails.is_running(&name) && known.as_ref().is_some_and(|known| !known.contains(&name));
        let draft = if is_gone { None } else { jails.draft(&name)?.ok() };
        let is_usable = draft.as_ref().is_some_and(|draft| draft.is_usable);
        found.extend(draft);
        let why = if is_usable {
            continue;
        } else if is_gone {
            "it is not configured, so there is no action to keep its hosts out"
        } else {
            kept.insert(name.clone());
            "it can't be used, 'f2b check' says why; what was put in for it before stays"
        };
        unknown.push(Unenforced { jail: name, action: String::new(), why: why.to_owned() });
    }
    let defined = found.iter().map(|draft| &draft.jail);
    Ok((Projection::new(defined, jails.runs_commands()).keeping(kept), unknown))
}

fn tell(carried: Carried, mode: Mode, take: &mut Take<'_>) -> Result<(), Failed> {
    let Carried { gates, failed, steps } = carried;
    if mode == Mode::Show {
        for step in steps {
            take(Reply::Step(step))?;
        }
    }
    for gate in gates {
        take(Reply::Gate(gate))?;
    }
    for failed in failed {
        take(Reply::Unenforced(failed))?;
    }
    Ok(())
}
