//! The command line's face: one file a subcommand, each from arguments to an exit status.
//!
//! Everything printed goes through the `out` that is handed in, so that a closed pipe is an error to
//! be dealt with and not a panic. Diagnostics and progress go to standard error.

pub mod args;
mod background;
mod ban;
mod bans;
mod batch;
mod check;
mod compat;
mod cover;
mod daemon;
mod effect;
mod error;
mod exchange;
mod files;
mod history;
mod links;
mod migrate;
mod operands;
pub mod output;
mod parse;
mod purge;
mod remote;
mod restore;
mod scan;
mod session;
mod start;
mod status;
mod systemd;
mod take_over;
mod target;
mod watch;

use std::io::{self, IsTerminal, Write};
use std::mem::ManuallyDrop;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Config;
use crate::control::{Change, Direct, JailFolder, Jails, Question, Reply, Request};
use crate::diag::Diagnostic;
use crate::model::{Clock, Host, SystemClock, Time, Zone};
use args::{Cli, Command, Global};
use error::Error;
use output::harmless::Harmless;
use output::terminal;

/// What a command came to, as grep counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Something was found, or done.
    Found,
    /// Nothing was found, nothing to do.
    Nothing,
    /// Something went wrong that did not stop the rest, and was reported.
    Trouble,
    /// It was stopped by a signal before it was done; what is stored stays.
    Interrupted,
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        match status {
            Status::Found => Self::SUCCESS,
            Status::Nothing => Self::from(1),
            Status::Trouble => Self::from(2),
            // What a shell says of a process that Ctrl-C ended.
            Status::Interrupted => Self::from(130),
        }
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if let Some(face) = words.first().and_then(|program| compat::face(program)) {
        return face.main(words);
    }
    let cli = match parse::parse(words) {
        Ok(cli) => cli,
        Err(help_or_error) => return told(&help_or_error),
    };
    let columns = terminal::columns(&io::stdout());
    let stdout = io::stdout().lock();
    let stdout: Box<dyn Write> =
        if stdout.is_terminal() { Box::new(Harmless::new(stdout)) } else { Box::new(stdout) };
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout);
    let result = run(cli, columns, &mut out).and_then(|status| Ok(out.flush().map(|()| status)?));
    match result {
        Ok(status) => status.into(),
        Err(error) if error.is_closed_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            warn(&format!("f2b: {error}"));
            ExitCode::from(2)
        }
    }
}

/// Prints help, or what is wrong with the command line.
fn told(help_or_error: &clap::Error) -> ExitCode {
    match help_or_error.print() {
        _ if help_or_error.use_stderr() => ExitCode::from(2),
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            warn(&format!("f2b: {}", Error::Output(error)));
            ExitCode::from(2)
        }
        _ => ExitCode::SUCCESS,
    }
}

fn run(cli: Cli, columns: Option<usize>, out: &mut dyn Write) -> Result<Status, Error> {
    let context = Context::new(cli.global, columns)?;
    match cli.command {
        Command::Scan(args) => scan::run(&context, &args, out),
        Command::Daemon(args) => daemon::run(&context, &args, out),
        Command::Start(args) => start::start(&context, &args, out),
        Command::Restart(args) => start::restart(&context, &args, out),
        Command::Links(args) => links::run(&args, out),
        Command::Migrate(args) => migrate::run(context, &args, out),
        Command::Batch(args) => batch::run(&context, &args, out),
        Command::Status(args) => status::run(&context, &args, out),
        Command::Bans(args) => bans::run(&context, &args, out),
        Command::History(args) => history::run(&context, &args, out),
        Command::Ban(args) => ban::ban(&context, &args, out),
        Command::Unban(args) => ban::unban(&context, &args, out),
        Command::Export(args) => exchange::export(&context, &args, out),
        Command::Import(args) => exchange::import(&context, args, out),
        Command::Restore(args) => restore::restore(&context, &args, out),
        Command::Flush(args) => restore::flush(&context, &args, out),
        Command::Purge(args) => purge::run(&context, &args, out),
        Command::Check(args) => check::run(&context, &args, out),
        Command::Watch => watch::run(&context, out),
        Command::Ping => remote::ping(&context, out),
        Command::Reload(args) => remote::reload(&context, &args, out),
        Command::Stop => remote::stop(&context, out),
    }
}

/// Further lines of a warning stand below its text: `f2b: …`.
const WARNING_INDENT: usize = 5;

/// Prints a line on standard error; there is nowhere to complain if that fails.
fn warn(line: &str) {
    let columns = terminal::columns(&io::stderr());
    let shown = |line| terminal::folded(&crate::text::printable(line), columns, WARNING_INDENT);
    let lines: Vec<_> = line.split('\n').map(shown).collect();
    let _ = writeln!(io::stderr().lock(), "{}", lines.join("\n"));
}

/// Prints findings on standard error.
fn warn_findings(findings: &[Diagnostic]) {
    for finding in findings {
        warn(&format!("f2b: {finding}"));
    }
}

/// What the global options mean.
struct Context {
    config: PathBuf,
    /// What is configured there. It goes with the process: to free thousands of small texts takes a tenth of the time
    /// that banning a host does.
    jails: ManuallyDrop<JailFolder>,
    db: PathBuf,
    socket: PathBuf,
    /// Whether a daemon would do what is asked for as this process would.
    is_daemons: bool,
    zone: Zone,
    /// What was typed for it.
    timezone: Option<String>,
    now: Time,
    /// Whether bans take effect at once, or only in the store.
    enforces: bool,
    /// Whether all actions are done by running their commands.
    runs_commands: bool,
    /// The width of the terminal that standard output is; `None` if it is none.
    columns: Option<usize>,
}

impl Context {
    fn new(global: Global, columns: Option<usize>) -> Result<Self, Error> {
        let zone = match &global.timezone {
            Some(text) => Zone::parse(text).ok_or_else(|| Error::Zone(text.clone()))?,
            None => Zone::Local,
        };
        let now = match &global.now {
            Some(text) => Time::parse(text, zone).ok_or_else(|| Error::Now(text.clone()))?,
            None => SystemClock.now(),
        };
        let db = global.db.unwrap_or_else(default_db);
        let socket = global.socket.unwrap_or_else(default_socket);
        let Global { config, no_enforce, shell_actions, timezone, .. } = global;
        let is_daemons = global.now.is_none() && !no_enforce && !shell_actions;
        let (enforces, runs_commands) = (!no_enforce, shell_actions);
        let jails = ManuallyDrop::new(JailFolder::new(&config));
        Ok(Self {
            config,
            jails,
            db,
            socket,
            is_daemons,
            zone,
            timezone,
            now,
            enforces,
            runs_commands,
            columns,
        })
    }

    /// The jail's name if the configuration knows it; otherwise what is like it.
    fn known_jail(&self, name: &str) -> Result<Config, Error> {
        let folder = JailFolder::new(&self.config);
        Jails::new(&folder).configuring(name)?;
        Ok(folder.into_config()?)
    }

    /// Asks a question and hands over the answer.
    fn ask(
        &self,
        question: Question,
        take: impl FnMut(Reply) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.answer(Request::Ask(question), take)
    }

    /// Has something changed and hands over what was done.
    fn change(
        &self,
        change: Change,
        take: impl FnMut(Reply) -> io::Result<()>,
    ) -> Result<(), Error> {
        self.answer(Request::Change(change), take)
    }

    fn answer(
        &self,
        request: Request,
        mut take: impl FnMut(Reply) -> io::Result<()>,
    ) -> Result<(), Error> {
        if let Some(mut daemon) = self.daemon_for(&request)? {
            return Ok(daemon.answer(&request, &mut take)?);
        }
        let Self { now, enforces, runs_commands, .. } = *self;
        let direct = Direct { folder: &self.jails, store: &self.db, now, enforces, runs_commands };
        Ok(direct.answer(request, &mut take)?)
    }
}

/// `/run/f2b/f2b.sock` as root, and where users have no such folder of their own.
fn default_socket() -> PathBuf {
    let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let own = own.filter(|path| path.is_absolute() && !is_root());
    own.unwrap_or_else(|| PathBuf::from("/run")).join("f2b/f2b.sock")
}

/// `/var/lib/f2b/f2b.sqlite3` as root; else below `$XDG_STATE_HOME` or `~/.local/state`.
fn default_db() -> PathBuf {
    let folder = if is_root() {
        PathBuf::from("/var/lib")
    } else {
        std::env::var_os("XDG_STATE_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .or_else(|| std::env::home_dir().map(|home| home.join(".local/state")))
            .unwrap_or_default()
    };
    folder.join("f2b/f2b.sqlite3")
}

/// Whether this process may write where only the administrator does.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// An address or network that the user typed.
fn parse_host(text: &str) -> Result<Host, Error> {
    text.parse().map(Host::Addr).map_err(|_| Error::NotAHost(text.to_owned()))
}
