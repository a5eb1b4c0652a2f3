//! `f2b status`: the jails at a glance, or one jail as fail2ban-client shows it.

mod document;

use std::io::{self, Write};

use self::document::Document;
use super::args::StatusArgs;
use super::output::{civil, counted, jail_name, json, scaled, table};
use super::{Context, Error, Status, effect};
use crate::control::{
    Following, JailFollowing, JailStatus, KILL_CONNECTIONS, LogFollowing, Overview, Question,
    Reply, UnusableJail,
};
use crate::model::{Host, duration};
use crate::store::{JailSummary, Trouble};
use crate::text::{printable, shown};

/// A jail that has matched nothing in so many lines most likely reads another log than its filter is for.
const MATCHLESS_MIN: u64 = 10_000;

pub(super) fn run(
    context: &Context,
    args: &StatusArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    match &args.jail {
        None if args.json => {
            context.ask(Question::Overview, |reply| match reply {
                Reply::Overview(all) => {
                    json::document(&Document::new(&all, context.following()), out)
                }
                _ => Ok(()),
            })?;
            Ok(Status::Found)
        }
        None => {
            let mut status = Status::Nothing;
            context.ask(Question::Overview, |reply| {
                if let Reply::Overview(all) = reply {
                    status = overview(context, &all, out)?;
                }
                Ok(())
            })?;
            effect::tell(context, None, out)?;
            Ok(status)
        }
        Some(name) => {
            let question = Question::Jail { name: name.clone() };
            let mut tree = Tree { out, hosts: 0 };
            context.ask(question, |reply| match reply {
                Reply::Jail(jail) => tree.jail(&jail),
                Reply::Ban(ban) => tree.host(&ban.host),
                _ => Ok(()),
            })?;
            writeln!(tree.out)?;
            Ok(Status::Found)
        }
    }
}

fn overview(context: &Context, all: &Overview, out: &mut dyn Write) -> io::Result<Status> {
    let Overview { store, totals, jails, .. } = all;
    writeln!(
        out,
        "{}: {} from {}, {}\n",
        store.display(),
        counted(totals.lines, "matched line"),
        counted(totals.logs, "log"),
        counted(totals.bans, "ban"),
    )?;
    let known: Vec<&JailSummary> = jails
        .iter()
        .filter(|jail| !jail.name.is_empty() || jail.failures + jail.bans > 0)
        .collect();
    if known.is_empty() {
        writeln!(out, "no jail has failures or bans yet")?;
        following(context, out)?;
        return Ok(Status::Nothing);
    }
    let rows = known
        .iter()
        .map(|jail| {
            vec![
                jail_name(&jail.name).to_owned(),
                jail.failures.to_string(),
                jail.last_failure.map_or_else(|| "-".to_owned(), |at| civil(at, context.zone)),
                jail.bans_active.to_string(),
                jail.bans.to_string(),
            ]
        })
        .collect();
    let columns = [
        table::left("jail"),
        table::right("failures"),
        table::left("last failure"),
        table::right("banned"),
        table::right("bans in all"),
    ];
    write!(out, "{}", table::render(&columns, rows, context.columns))?;
    if known.iter().map(|jail| jail.failures).sum::<u64>() > totals.lines {
        writeln!(out, "\na line counts in each jail that found a failure in it")?;
    }
    unenforced(context, all, out)?;
    following(context, out)?;
    Ok(Status::Found)
}

/// What the daemon does, if one does something.
fn following(context: &Context, out: &mut dyn Write) -> io::Result<()> {
    let Some((hello, following)) = context.following() else {
        return Ok(());
    };
    let Following { since, jails, unusable, .. } = &following;
    let pid = hello.pid;
    if jails.is_empty() {
        let why = if unusable.is_empty() { "no jail is enabled" } else { "no jail can be used" };
        writeln!(out, "\nthe daemon (pid {pid}) follows nothing: {why}")?;
    } else {
        let since = civil(*since, context.zone);
        writeln!(out, "\nthe daemon (pid {pid}) follows since {since}\n")?;
        let rows = jails
            .iter()
            .map(|jail| {
                let counts = [jail.lines, jail.matched, jail.ignored, jail.failures];
                let counts = counts.iter().map(ToString::to_string);
                std::iter::once(jail_name(&jail.name).to_owned()).chain(counts).collect()
            })
            .collect();
        let columns = [
            table::left("jail"),
            table::right("lines read"),
            table::right("matched"),
            table::right("ignored"),
            table::right("failures"),
        ];
        write!(out, "{}", table::render(&columns, rows, context.columns))?;
    }
    let notes = notes(&following);
    if !notes.is_empty() {
        writeln!(out)?;
    }
    notes.iter().try_for_each(|note| writeln!(out, "{note}"))
}

/// What is to be said of what it does: what it can't do first.
fn notes(following: &Following) -> Vec<String> {
    let mut notes = Vec::new();
    for UnusableJail { name, why } in &following.unusable {
        notes.push(format!("{} can't be used: {}", shown(name), printable(why)));
    }
    for LogFollowing { path, unread_bytes, trouble } in &following.logs {
        let path = printable(path);
        if let Some(why) = trouble {
            notes.push(format!("{path} can't be read: {}", shown(why)));
        } else if *unread_bytes > 0 {
            notes.push(format!("{path}: {} not read yet", scaled(*unread_bytes as f64, "B")));
        }
    }
    for JailFollowing { name, lines, matched, off_us, .. } in &following.jails {
        if let Some(off_us) = off_us {
            let off = duration::spell(off_us.abs());
            let side = if *off_us < 0 { "ago" } else { "ahead" };
            notes.push(format!(
                "{name}: lines that were just written say {off} {side}; is it the zone (logtimezone) or a clock?"
            ));
        }
        if *matched == 0 && *lines >= MATCHLESS_MIN {
            notes.push(format!(
                "{name}: none of {lines} lines matched; is this its log? f2b check {name} says what it looks for"
            ));
        }
    }
    notes
}

/// What of the bans is not in force.
fn unenforced(context: &Context, all: &Overview, out: &mut dyn Write) -> io::Result<()> {
    let Overview { troubles, pending, .. } = all;
    if !troubles.is_empty() || !pending.is_empty() {
        writeln!(out)?;
    }
    for Trouble { jail, action, since, why, .. } in troubles {
        let (jail, since) = (jail_name(jail), civil(*since, context.zone));
        if action == KILL_CONNECTIONS {
            writeln!(out, "{jail} bans, but cuts no connections since {since}: {}", shown(why))?;
            continue;
        }
        writeln!(out, "{jail} is not enforced by {} since {since}: {}", shown(action), shown(why))?;
    }
    let is_told = |jail: &&String| {
        troubles.iter().any(|trouble| trouble.jail == **jail && trouble.action != KILL_CONNECTIONS)
    };
    let waiting: Vec<_> =
        pending.iter().filter(|jail| !is_told(jail)).map(|jail| jail_name(jail)).collect();
    if !waiting.is_empty() {
        let jails = waiting.join(", ");
        writeln!(
            out,
            "in the store only: the last changes of {jails}; f2b restore carries them out"
        )?;
    }
    Ok(())
}

/// The tree that scripts around fail2ban-client know how to read.
struct Tree<'o> {
    out: &'o mut dyn Write,
    /// How many hosts stand in its last line.
    hosts: u64,
}

impl Tree<'_> {
    fn jail(&mut self, jail: &JailStatus) -> io::Result<()> {
        let JailStatus { name, failed_lately, logs, summary } = jail;
        let out = &mut self.out;
        writeln!(out, "Status for the jail: {name}")?;
        writeln!(out, "|- Filter")?;
        writeln!(out, "|  |- Currently failed:\t{failed_lately}")?;
        writeln!(out, "|  |- Total failed:\t{}", summary.failures)?;
        writeln!(out, "|  `- File list:\t{}", printable(&logs.join(" ")))?;
        writeln!(out, "`- Actions")?;
        writeln!(out, "   |- Currently banned:\t{}", summary.bans_active)?;
        writeln!(out, "   |- Total banned:\t{}", summary.bans)?;
        write!(out, "   `- Banned IP list:\t")
    }

    fn host(&mut self, host: &Host) -> io::Result<()> {
        let blank = if self.hosts > 0 { " " } else { "" };
        self.hosts += 1;
        write!(self.out, "{blank}{}", printable(&host.to_string()))
    }
}
