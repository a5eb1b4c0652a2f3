//! `fail2ban-client` and `fail2ban-server`: the words, the outputs and the exit statuses of fail2ban 1.0.2.
//!
//! The client speaks to whoever listens at fail2ban's socket: a server of fail2ban, or the daemon of this program
//! (`f2b daemon --fail2ban-socket`). A refusal is told on standard output,
//! for scripts look there, and once more on standard error, behind `NOK:`. The exit status is 0 or 255.

mod help;
mod options;
mod say;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use super::Face;
use crate::config::{Config, Level, Server};
use options::{Options, Typed};
use say::Say;

/// What fail2ban's programs end with where something is wrong.
const FAILED: u8 = 255;

/// Whether all went well; what went wrong was told. The error is one of standard output.
type Done = io::Result<bool>;

/// Runs the program with the words behind its name.
pub(crate) fn run(face: Face, words: impl Iterator<Item = OsString>) -> ExitCode {
    let words: Vec<_> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let done = typed(face, options::read(&words), &mut out);
    match done.and_then(|done| out.flush().map(|()| done)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(FAILED),
        // Who has read enough has what was asked for.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            say::plain(&format!("standard output: {error}"));
            ExitCode::from(FAILED)
        }
    }
}

fn typed(face: Face, typed: Typed, out: &mut dyn Write) -> Done {
    let init_failed = || say::plain("Init of command line failed");
    match typed {
        Typed::Help => write!(out, "{}", help::text(face))?,
        Typed::Version => writeln!(out, "{}", help::VERSION)?,
        Typed::LongVersion => writeln!(out, "Fail2Ban v{}", help::VERSION)?,
        Typed::Seconds(text) => writeln!(out, "{text}")?,
        Typed::BadTime(error) => {
            writeln!(out, "ERROR: {error}")?;
            init_failed();
            return Ok(false);
        }
        Typed::Wrong => {
            write!(out, "{}", help::text(face))?;
            if face == Face::Client {
                init_failed();
            }
            return Ok(false);
        }
        Typed::Command(options, _) => {
            let say = Say::new(options.verbosity);
            return match settled(&options) {
                Ok(server) => {
                    say.info(&format!("Using socket file {}", server.socket.display()));
                    write!(out, "{}", help::text(face))?;
                    Ok(false)
                }
                Err(why) => {
                    writeln!(out, "ERROR: {why}")?;
                    say.error("Init of command line failed");
                    Ok(false)
                }
            };
        }
    }
    Ok(true)
}

/// What fail2ban.conf says of the server, unless the command line says all that is of interest.
fn settled(options: &Options) -> Result<Server, String> {
    let Options { conf, socket, pidfile, loglevel, logtarget, syslogsocket, .. } = options;
    let typed = [&loglevel, &logtarget, &syslogsocket].iter().all(|option| option.is_some());
    let mut server = Server::default();
    if !(typed && socket.is_some() && pidfile.is_some()) {
        // The blank at the end is fail2ban's.
        let missing =
            |_| format!("Base configuration directory {} does not exist ", conf.display());
        server = Config::open(conf).map_err(missing)?.server().value.unwrap_or_default();
    }
    if let Some(level) = loglevel {
        let invalid = |_| {
            format!("Invalid log level {}", crate::compat::python::repr(&level.as_str().into()))
        };
        server.loglevel = Level::parse(level).map_err(invalid)?;
    }
    server.socket = socket.clone().unwrap_or(server.socket);
    server.pidfile = pidfile.clone().unwrap_or(server.pidfile);
    Ok(server)
}
