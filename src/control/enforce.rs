//! Making the firewall equal to the store, with the jails that are configured.

use std::collections::BTreeSet;

use super::{Failed, Jails, Reply, Take};
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
    let mut carried = writer.restore(&mut projection, jail, now, mode).map_err(Error::from)?;
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

/// The actions of jails; which of these there are none of.
fn projection(
    jails: Jails<'_>,
    names: BTreeSet<String>,
) -> Result<(Projection, Vec<Unenforced>), Failed> {
    let known = jails.config()?.jail_names().value.unwrap_or_default();
    let mut found = Vec::new();
    let mut unknown = Vec::new();
    for name in names {
        let why = match known.contains(&name).then(|| jails.draft(&name)).transpose()? {
            // Whatever else is wrong with it, who is banned in it is to be kept out.
            Some(Ok(draft)) => {
                found.push(draft);
                continue;
            }
            Some(Err(_)) => "it can't be read; 'f2b check' says why",
            None => "it is not configured, so there is no action to keep its hosts out",
        };
        unknown.push(Unenforced { jail: name, action: String::new(), why: why.to_owned() });
    }
    Ok((Projection::new(found.iter().map(|draft| &draft.jail), jails.runs_commands()), unknown))
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
