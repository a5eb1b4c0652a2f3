//! `f2b restore` and `f2b flush`: the firewall made equal to the store, or free of f2b.

use std::io::{self, Write};

use super::args::{FlushArgs, RestoreArgs};
use super::files::warn_unenforced;
use super::output::{counted, jail_name};
use super::{Context, Error, Status};
use crate::control::{Change, GateFate, Mode, Reply, Unenforced};

pub(super) fn restore(
    context: &Context,
    args: &RestoreArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let RestoreArgs { jail, filters, check, dry_run } = args;
    let mode = if *check || *dry_run { Mode::Show } else { Mode::Do };
    let mut told = Told { steps: *dry_run, gates: !*dry_run, ..Told::default() };
    let change = Change::Restore { jail: jail.clone(), filters_only: *filters, mode };
    context.change(change, |reply| told.take(reply, out))?;
    if !told.is_any && told.unenforced.is_empty() {
        writeln!(out, "nothing to do: the firewall is equal to the store")?;
    }
    let is_drift = *check && told.is_any;
    let status = if is_drift { Status::Nothing } else { Status::Found };
    Ok(warn_unenforced(&told.unenforced, out)?.unwrap_or(status))
}

pub(super) fn flush(
    context: &Context,
    args: &FlushArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let FlushArgs { jail, dry_run } = args;
    let mode = if *dry_run { Mode::Show } else { Mode::Do };
    let mut told = Told { steps: *dry_run, gates: !*dry_run, ..Told::default() };
    let change = Change::Flush { jail: jail.clone(), mode };
    context.change(change, |reply| told.take(reply, out))?;
    if !told.is_any && told.unenforced.is_empty() {
        writeln!(out, "nothing to do: nothing of f2b is in the firewall")?;
    }
    Ok(warn_unenforced(&told.unenforced, out)?.unwrap_or(Status::Found))
}

/// What was told.
#[derive(Default)]
struct Told {
    /// Whether to print commands.
    steps: bool,
    /// Whether to print what becomes of gates.
    gates: bool,
    is_any: bool,
    unenforced: Vec<Unenforced>,
}

impl Told {
    fn take(&mut self, reply: Reply, out: &mut dyn Write) -> io::Result<()> {
        match reply {
            Reply::Step(step) if self.steps => {
                self.is_any = true;
                write!(out, "{step}")
            }
            Reply::Gate(fate) if self.gates => {
                self.is_any = true;
                writeln!(out, "{}", shown(&fate))
            }
            Reply::Unenforced(unenforced) => {
                self.unenforced.push(unenforced);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

/// `sshd: nftables inet f2b-table addr-set-sshd: set up, 3 hosts added`.
fn shown(fate: &GateFate) -> String {
    let GateFate { place, jails, is_made, is_gone, added, removed } = fate;
    let mut done = Vec::new();
    if *is_made {
        done.push("set up".to_owned());
    }
    if *is_gone {
        done.push("taken out".to_owned());
    }
    for (count, verb) in [(*added, "added"), (*removed, "removed")] {
        if count > 0 {
            done.push(format!("{} {verb}", counted(count, "host")));
        }
    }
    let jails: Vec<_> = jails.iter().map(|jail| jail_name(jail)).collect();
    format!("{}: {place}: {}", jails.join(", "), done.join(", "))
}
