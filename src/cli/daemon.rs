//! `f2b daemon`: the service, in the foreground.

use std::io::Write;
use std::path::PathBuf;
use std::{fs, process};

use super::args::{CheckArgs, CheckFormat, DaemonArgs};
use super::{Context, Error, Status, check, warn_findings};
use crate::config::{Config, Level, LogTarget, Server};
use crate::daemon::log::{Log, Setup, Sockets};
use crate::daemon::{self, Fail2banSocket, Settings};
use crate::model::SystemClock;

pub(super) fn run(
    context: &Context,
    args: &DaemonArgs,
    out: &mut dyn Write,
) -> Result<Status, Error> {
    if args.test {
        let check = CheckArgs {
            jails: Vec::new(),
            all: false,
            explain: None,
            format: CheckFormat::Text,
            verbose: 0,
        };
        return check::run(context, &check, out);
    }
    if args.background {
        // It can't be refused: whoever has just been started leads no group.
        let _ = rustix::process::setsid();
    }
    let config = Config::open(&context.config)?;
    let server = config.server();
    warn_findings(&server.findings);
    let server = server.value.unwrap_or_default();
    let mut setup = Setup::from(&server);
    if let Some(target) = &args.logtarget {
        setup.target = LogTarget::parse(target)?;
    }
    if let Some(level) = &args.loglevel {
        setup.level = Level::parse(level)?;
    }
    if let Some(socket) = &args.syslogsocket {
        setup.sockets.syslog = match socket.as_str() {
            "auto" => Sockets::default().syslog,
            path => PathBuf::from(path),
        };
    }
    daemon::memory::share();
    let log = Log::start(setup, SystemClock)?;
    let settings = Settings {
        config: context.config.clone(),
        store: context.db.clone(),
        socket: Some(context.socket.clone()),
        fail2ban: fail2ban_socket(&config, args, &server),
        zone: context.zone,
        enforces: context.enforces,
        runs_commands: context.runs_commands,
    };
    log.info("server", format_args!("{}", "-".repeat(50)));
    log.info("server", format_args!("Starting f2b v{}", env!("CARGO_PKG_VERSION")));
    let pidfile = args.pidfile.as_deref();
    if let Some(Err(error)) = pidfile.map(|path| fs::write(path, format!("{}\n", process::id()))) {
        // As in fail2ban, nobody goes unbanned for that.
        log.error("server", format_args!("Unable to create PID file: {error}"));
    }
    let result = daemon::run(&settings, &log);
    if let Some(Err(error)) = pidfile.map(fs::remove_file) {
        log.error("server", format_args!("Unable to remove PID file: {error}"));
    }
    if let Err(error) = &result {
        log.critical("server", format_args!("{error}"));
    }
    result?;
    Ok(Status::Found)
}

/// Where there is no fail2ban.conf and no companion of it, nobody has said that this is to take fail2ban's place.
fn fail2ban_socket(config: &Config, args: &DaemonArgs, server: &Server) -> Fail2banSocket {
    match &args.fail2ban_socket {
        Some(path) if path.as_os_str() == "none" => Fail2banSocket::Nowhere,
        Some(path) => Fail2banSocket::At(path.clone()),
        None if config.has_server() => Fail2banSocket::IfFree(server.socket.clone()),
        None => Fail2banSocket::Nowhere,
    }
}
