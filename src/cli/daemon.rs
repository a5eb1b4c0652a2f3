//! `f2b daemon`: the service, in the foreground.

use std::io::Write;

use super::args::{CheckArgs, CheckFormat, DaemonArgs};
use super::{Context, Error, Status, check, warn_findings};
use crate::config::{Config, Level, LogTarget};
use crate::daemon::log::{Log, Setup};
use crate::daemon::{self, Settings};
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
    let server = Config::open(&context.config)?.server();
    warn_findings(&server.findings);
    let mut setup = Setup::from(&server.value.unwrap_or_default());
    if let Some(target) = &args.logtarget {
        setup.target = LogTarget::parse(target)?;
    }
    if let Some(level) = &args.loglevel {
        setup.level = Level::parse(level)?;
    }
    let log = Log::start(setup, SystemClock)?;
    let settings = Settings {
        config: context.config.clone(),
        store: context.db.clone(),
        socket: Some(context.socket.clone()),
        zone: context.zone,
        enforces: context.enforces,
        runs_commands: context.runs_commands,
    };
    log.info("server", format_args!("{}", "-".repeat(50)));
    log.info("server", format_args!("Starting f2b v{}", env!("CARGO_PKG_VERSION")));
    let result = daemon::run(&settings, &log);
    if let Err(error) = &result {
        log.critical("server", format_args!("{error}"));
    }
    result?;
    Ok(Status::Found)
}
