//! `f2b migrate`: from fail2ban to f2b, and back.
//!
//! [`look`] says what there is, and [`step`] makes a plan of it, which is printed, or carried out. Everyone who is banned is
//! kept out all the time: while rules change hands, the [`cover`](super::cover) does it. Each step may be done again; whoever was killed
//! in the middle begins anew with what is there by then.

mod look;
mod server;
mod step;

use std::io::{self, Write};

use self::look::Found;
use self::step::{Doing, Step};
use super::args::MigrateArgs;
use super::output::terminal::folded;
use super::{Context, Error, Status};
use crate::model::{Clock, SystemClock};

/// Where the text of a step begins, and what is said of it.
const INDENT: usize = 5;

pub(super) fn run(
    mut context: Context,
    args: &MigrateArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let found = Found::look(&context)?;
    let links = args.links.as_ref();
    let is_there = |wanted: bool, other: bool| wanted && !other && !found.is_covered;
    if args.revert {
        let (is_fail2bans, is_ours) = (found.server.is_some(), found.daemon.is_some());
        if is_there(is_fail2bans, is_ours) {
            writeln!(out, "nothing to do: fail2ban runs, and f2b does not")?;
            return Ok(Status::Nothing);
        }
        if !args.force {
            step::is_revertible(&found)?;
        }
        let steps = step::revert(&found, links);
        return carry_out(&mut context, &found, &steps, args, out);
    }
    let is_begun = found.server.is_some() || found.is_enabled;
    let is_done = is_there(found.daemon.is_some(), is_begun) && links.is_none();
    let is_nothing = found.daemon.is_none() && !is_begun && found.database.is_none();
    found.print(&context, out)?;
    if is_done || is_nothing {
        let why = if is_done { "f2b has taken over" } else { "there is nothing of fail2ban" };
        writeln!(out, "\nnothing to do: {why}")?;
        return Ok(Status::Nothing);
    }
    let steps = step::apply(&found, links);
    if !found.is_clear() && !args.force {
        writeln!(
            out,
            "\nf2b migrate --apply does nothing before what is marked is mended, or with --force"
        )?;
        return Ok(Status::Trouble);
    }
    if args.apply {
        writeln!(out)?;
        return carry_out(&mut context, &found, &steps, args, out);
    }
    writeln!(out, "\nf2b migrate --apply would\n")?;
    for (number, step) in steps.iter().enumerate() {
        say(&context, number, step, out)?;
    }
    Ok(Status::Found)
}

/// Names a step, and its number.
fn say(context: &Context, number: usize, step: &Step, out: &mut dyn Write) -> io::Result<()> {
    let line = format!("{:>3}. {step}", number + 1);
    writeln!(out, "{}", folded(&line, context.columns, INDENT))
}

/// Takes the steps in order, up to one that fails.
fn carry_out(
    context: &mut Context,
    found: &Found,
    steps: &[Step],
    args: &MigrateArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    for (number, step) in steps.iter().enumerate() {
        say(context, number, step, out)?;
        out.flush()?;
        // What was banned meanwhile is not yet to come.
        context.now = SystemClock.now();
        let doing = Doing { context, settings: &found.settings, is_forced: args.force };
        let mut said = Vec::new();
        let done = doing.step(step, &mut said);
        for line in String::from_utf8_lossy(&said).lines() {
            writeln!(out, "     {line}")?;
        }
        out.flush()?;
        if let Err(why) = done {
            let option = if args.revert { "--revert" } else { "--apply" };
            return Err(Error::Halfway { why: Box::new(why), standing: standing(context), option });
        }
    }
    let now = if args.revert { "fail2ban has taken over" } else { "f2b has taken over" };
    writeln!(out, "{now}")?;
    Ok(Status::Found)
}

/// Who does the work, when something has failed.
fn standing(context: &Context) -> String {
    let Ok(found) = Found::look(context) else { return "what runs is not known".to_owned() };
    let runs = |is_there| if is_there { "runs" } else { "does not run" };
    let servers =
        format!("fail2ban {}, f2b {}", runs(found.server.is_some()), runs(found.daemon.is_some()));
    let covered = ", and the cover keeps out who is banned for some minutes yet";
    if found.is_covered { servers + covered } else { servers }
}
