//! The daemon, seen from outside: who is asked instead of the store, and `f2b ping`, `reload` and `stop`.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::args::ReloadArgs;
use super::output::{civil, counted, jail_name};
use super::{Context, Error, Status, warn};
use crate::control::socket::{Client, Hello, SocketError};
use crate::control::{Command, Following, Reply, Request};

impl Context {
    /// The daemon that is to answer; `None` where the store is to be gone to.
    ///
    /// A question is answered by the store, whoever writes to it. A change is the daemon's if it has the same store and
    /// the same configuration, and would do what was asked for: at this time, and all of it.
    pub(super) fn daemon_for(&self, request: &Request) -> Result<Option<Client>, SocketError> {
        match request {
            Request::Ask(_) => Ok(None),
            Request::Daemon(_) => self.daemon().map(Some),
            Request::Change(_) if !self.is_daemons => Ok(None),
            Request::Change(_) => match Client::connect(&self.socket) {
                Ok(daemon) => Ok(daemon.filter(|daemon| self.is_of(daemon.hello()))),
                // The store will say that it may not be written to. Who does not answer still reads what was logged before
                // it was started, or is stuck, and an unban is not to wait for that.
                Err(SocketError::Denied { .. } | SocketError::Silent { .. }) => Ok(None),
                Err(error) => Err(error),
            },
        }
    }

    /// The daemon that listens at the socket, whatever its store.
    pub(super) fn daemon(&self) -> Result<Client, SocketError> {
        let nobody = || SocketError::Nobody { path: self.socket.clone() };
        Client::connect(&self.socket)?.ok_or_else(nobody)
    }

    fn is_of(&self, daemon: &Hello) -> bool {
        is_same(&daemon.store, &self.db) && is_same(&daemon.config, &self.config)
    }

    /// What the daemon does that has the same store and configuration; `None` if there is none, or it can't say.
    pub(super) fn following(&self) -> Option<(Hello, Following)> {
        let mut daemon = Client::connect(&self.socket).ok().flatten()?;
        let hello = daemon.hello().clone();
        let mut following = None;
        let asked = daemon.answer(&Request::Daemon(Command::Status), &mut |reply| {
            if let Reply::Following(told) = reply {
                following = Some(told);
            }
            Ok(())
        });
        following.filter(|_| asked.is_ok() && self.is_of(&hello)).map(|told| (hello, told))
    }

    pub(super) fn command(
        &self,
        command: Command,
        take: impl FnMut(Reply) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.answer(Request::Daemon(command), take)
    }
}

/// Whether two paths lead to one file or folder.
fn is_same(a: &Path, b: &Path) -> bool {
    let identity = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    identity(a).is_some_and(|found| identity(b) == Some(found))
}

pub(super) fn ping(context: &Context, out: &mut dyn Write) -> Result<Status, Error> {
    let asked = context.command(Command::Ping, |reply| match reply {
        Reply::Pong { version, pid, since, jails } => {
            let since = civil(since, context.zone);
            writeln!(out, "f2b {version} (pid {pid}) runs since {since}, with {}", list(&jails))
        }
        _ => Ok(()),
    });
    unless_nobody(asked)
}

pub(super) fn reload(
    context: &Context,
    args: &ReloadArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    if let Some(jail) = &args.jail {
        context.known_jail(jail)?;
    }
    let mut status = Status::Found;
    let reload = Command::Reload { jail: args.jail.clone(), restart: false, unban: false };
    context.command(reload, |reply| match reply {
        Reply::Reloaded { jails, findings } => {
            writeln!(out, "reloaded; the daemon runs with {}", list(&jails))?;
            // What was done stands above what wasn't.
            out.flush()?;
            for finding in findings {
                status = Status::Trouble;
                warn(&format!("f2b: {finding}"));
            }
            Ok(())
        }
        _ => Ok(()),
    })?;
    Ok(status)
}

pub(super) fn stop(context: &Context, out: &mut dyn Write) -> Result<Status, Error> {
    let mut daemon = match context.daemon() {
        Ok(daemon) => daemon,
        Err(error) => return unless_nobody(Err(error.into())),
    };
    let pid = daemon.hello().pid;
    daemon.answer(&Request::Daemon(Command::Stop), &mut |_| Ok(()))?;
    daemon.until_gone();
    writeln!(out, "the daemon (pid {pid}) has stopped")?;
    Ok(Status::Found)
}

/// That nobody is there is an answer.
fn unless_nobody(asked: Result<(), Error>) -> Result<Status, Error> {
    match asked {
        Ok(()) => Ok(Status::Found),
        Err(Error::Socket(error @ SocketError::Nobody { .. })) => {
            warn(&format!("f2b: {error}"));
            Ok(Status::Nothing)
        }
        Err(error) => Err(error),
    }
}

/// `2 jails: mail, sshd`.
fn list(jails: &[String]) -> String {
    let names: Vec<_> = jails.iter().map(|jail| jail_name(jail)).collect();
    match names.as_slice() {
        [] => "no jail".to_owned(),
        names => format!("{}: {}", counted(names.len() as u64, "jail"), names.join(", ")),
    }
}
