//! `f2b start` and `f2b restart`: the daemon in the background, or by systemd where that is who starts it.

use std::io::{self, Write};
use std::process::Command;

use super::args::StartArgs;
use super::background::{self, NotStarted, absolute_target};
use super::systemd::{self, Unit};
use super::{Context, Error, Status, default_db, default_socket, warn};
use crate::control;
use crate::control::Request;
use crate::control::socket::{Client, SocketError};

pub(super) fn start(
    context: &Context,
    args: &StartArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    if let Some(daemon) = running(context)? {
        warn(&format!("f2b: the daemon (pid {}) runs already", daemon.hello().pid));
        return Ok(Status::Nothing);
    }
    let says_how = args.logtarget.is_some() || args.loglevel.is_some();
    let is_own = context.socket != default_socket() || context.db != default_db();
    if context.is_daemons
        && !is_own
        && !says_how
        && Unit::of_daemon().is_some_and(|unit| unit.is_enabled)
    {
        systemd::tell("start")?;
        writeln!(out, "systemd has started the daemon")?;
        return Ok(Status::Found);
    }
    let started = background::start(command(context, args).map_err(NotStarted::System)?, None)?;
    for line in started.said.lines() {
        warn(line);
    }
    writeln!(out, "the daemon (pid {}) has started", started.pid)?;
    Ok(Status::Found)
}

/// Whoever isn't there need not end.
pub(super) fn restart(
    context: &Context,
    args: &StartArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    let Some(mut daemon) = running(context)? else { return start(context, args, out) };
    let pid = daemon.hello().pid;
    if Unit::of_daemon().is_some_and(|unit| unit.main_pid == pid) {
        systemd::tell("restart")?;
        writeln!(out, "systemd has started the daemon again")?;
        return Ok(Status::Found);
    }
    daemon.answer(&Request::Daemon(control::Command::Stop), &mut |_| Ok(()))?;
    daemon.until_gone();
    writeln!(out, "the daemon (pid {pid}) has stopped")?;
    out.flush()?;
    start(context, args, out)
}

fn running(context: &Context) -> Result<Option<Client>, SocketError> {
    match context.daemon() {
        Ok(daemon) => Ok(Some(daemon)),
        Err(SocketError::Nobody { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// `f2b daemon` with the options that this process has; its folder is another.
fn command(context: &Context, args: &StartArgs) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["daemon", "--background"]);
    let paths =
        [("--config", &context.config), ("--db", &context.db), ("--socket", &context.socket)];
    for (option, path) in paths {
        command.arg(option).arg(std::path::absolute(path)?);
    }
    let logtarget = args.logtarget.as_deref().map(absolute_target).transpose()?;
    let texts = [
        ("--timezone", &context.timezone),
        ("--logtarget", &logtarget),
        ("--loglevel", &args.loglevel),
    ];
    for (option, text) in texts {
        if let Some(text) = text {
            command.arg(option).arg(text);
        }
    }
    if !context.enforces {
        command.arg("--no-enforce");
    }
    if context.runs_commands {
        command.arg("--shell-actions");
    }
    Ok(command)
}
