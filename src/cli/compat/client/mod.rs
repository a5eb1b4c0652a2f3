//! `fail2ban-client` and `fail2ban-server`: the words, the outputs and the exit statuses of fail2ban 1.0.2.
//!
//! The client speaks to whoever listens at fail2ban's socket: a server of fail2ban, or the daemon of this program
//! (`f2b daemon --fail2ban-socket`). The server that it starts is that daemon. A refusal is told on standard output,
//! for scripts look there, and once more on standard error, behind `NOK:`. The exit status is 0 or 255.

pub(in crate::cli) mod connection;
mod help;
mod interactive;
mod options;
mod reload;
mod say;
mod server;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Face;
use crate::compat::{Value, show};
use crate::config::{Config, Level, Server};
use connection::{Connection, NoContact};
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
        Typed::Command(options, words) => {
            let say = Say::new(options.verbosity);
            return match settled(&options) {
                Ok(server) => Client { face, options, server, say, out }.run(&words),
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

/// The program with all that it was told.
struct Client<'o> {
    face: Face,
    options: Options,
    /// Where the server is, and what it is to be started with.
    server: Server,
    say: Say,
    out: &'o mut dyn Write,
}

impl Client<'_> {
    fn run(&mut self, words: &[String]) -> Done {
        self.say.info(&format!("Using socket file {}", self.server.socket.display()));
        self.end_on_signals();
        if self.options.dump && !self.dump()? {
            return Ok(false);
        }
        if self.options.test {
            return Ok(self.test(words.is_empty())? && (words.is_empty() || self.command(words)?));
        }
        if self.options.dump {
            return Ok(true);
        }
        if self.options.interactive {
            return self.interactive(words);
        }
        match (self.face, words) {
            (Face::Client, []) => {
                write!(self.out, "{}", help::text(self.face))?;
                Ok(false)
            }
            (Face::Server, []) => self.start(),
            (_, words) => self.command(words),
        }
    }

    /// fail2ban-client says which signal it was, and fails.
    fn end_on_signals(&self) {
        let say = self.say;
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        std::thread::spawn(move || {
            if let Some(signal) = signals.forever().next() {
                say::plain("");
                say.warning(&format!("Caught signal {signal}. Exiting"));
                // Whatever is waited for may take for ever, and nothing here is half done.
                signal_hook::low_level::exit(i32::from(FAILED));
            }
        });
    }

    fn command(&mut self, words: &[String]) -> Done {
        let typed: Vec<&str> = words.iter().map(String::as_str).collect();
        match typed.as_slice() {
            ["start"] => self.start(),
            ["restart"] => self.restart(),
            ["restart", ..] => {
                let options = ["--restart".to_owned()].into_iter().chain(words[1..].to_vec());
                self.reload(&options.collect::<Vec<_>>())
            }
            ["reload", ..] => self.reload(&words[1..]),
            ["ping", secs, ..] => {
                match secs.trim().parse::<f64>().ok().map(Duration::try_from_secs_f64) {
                    Some(Ok(timeout)) => self.send(words, Some(timeout)),
                    Some(Err(_)) => {
                        self.say.error("Timeout value out of range");
                        Ok(false)
                    }
                    None => {
                        let text = crate::compat::python::repr(&(*secs).into());
                        self.say.error(&format!("could not convert string to float: {text}"));
                        Ok(false)
                    }
                }
            }
            _ => self.send(words, None),
        }
    }

    /// Has the server do what was typed, and shows its reply.
    fn send(&mut self, words: &[String], timeout: Option<Duration>) -> Done {
        // What is waited for may end this process.
        self.out.flush()?;
        let request = Value::List(words.iter().map(|word| word.as_str().into()).collect());
        let reply = Connection::open(&self.server.socket, timeout)
            .and_then(|mut server| server.ask(&request));
        match reply {
            Ok(reply) => self.show(words, &reply),
            Err(error) => {
                self.no_contact(words, &error);
                Ok(false)
            }
        }
    }

    fn show(&mut self, words: &[String], reply: &Value) -> Done {
        let shown = show::reply(words, reply, has_lines());
        if let Some(text) = &shown.text {
            writeln!(self.out, "{text}")?;
        }
        if let Some(error) = &shown.error {
            self.out.flush()?;
            self.say.error(error);
        }
        Ok(shown.error.is_none())
    }

    fn no_contact(&self, words: &[String], error: &NoContact) {
        let is_ping = words.first().is_some_and(|word| word == "ping");
        match error {
            NoContact::System(_) if !is_ping => {
                self.say.error(&format!("[{error}] Unable to contact server. Is it running?"));
            }
            _ => self.say.error(&error.to_string()),
        }
    }
}

/// Whether a table may have lines that ASCII hasn't. As for Python, no locale and that of C are for UTF-8.
fn has_lines() -> bool {
    let named = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(std::env::var_os);
    let locale = named.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
    let locale = locale.to_string_lossy().to_ascii_lowercase();
    matches!(locale.as_str(), "" | "c" | "posix") || locale.contains("utf")
}
