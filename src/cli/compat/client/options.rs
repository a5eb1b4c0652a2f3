//! The options of fail2ban-client and fail2ban-server, which are the same.

use std::path::PathBuf;

use super::super::getopt::{self, Known};
use crate::model::duration::{DurationError, parse_secs};

const fn with_value(short: Option<char>, long: &'static str) -> Known {
    Known { short, long, has_value: true }
}

const fn switch(short: Option<char>, long: &'static str) -> Known {
    Known { short, long, has_value: false }
}

const KNOWN: [Known; 22] = [
    with_value(Some('c'), "conf"),
    with_value(Some('s'), "socket"),
    with_value(Some('p'), "pidfile"),
    with_value(None, "pname"),
    with_value(None, "loglevel"),
    with_value(None, "logtarget"),
    with_value(None, "syslogsocket"),
    with_value(None, "timeout"),
    with_value(None, "str2sec"),
    switch(Some('d'), "dp"),
    switch(None, "dump-pretty"),
    switch(Some('t'), "test"),
    switch(Some('i'), ""),
    switch(Some('v'), ""),
    switch(Some('q'), ""),
    switch(Some('x'), ""),
    switch(Some('b'), ""),
    switch(Some('f'), ""),
    switch(None, "async"),
    switch(Some('h'), "help"),
    switch(Some('V'), ""),
    switch(None, "version"),
];

/// How long a server may take to begin or to end.
const TIMEOUT_SECS: f64 = 30.0;

/// What the options say.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Options {
    /// The configuration folder.
    pub(super) conf: PathBuf,
    /// Instead of what fail2ban.conf says.
    pub(super) socket: Option<PathBuf>,
    /// Instead of what fail2ban.conf says.
    pub(super) pidfile: Option<PathBuf>,
    /// Instead of what fail2ban.conf says.
    pub(super) loglevel: Option<String>,
    /// Instead of what fail2ban.conf says.
    pub(super) logtarget: Option<String>,
    /// Instead of what fail2ban.conf says.
    pub(super) syslogsocket: Option<String>,
    /// How long is waited for a server to begin or to end, in seconds.
    pub(super) timeout_secs: f64,
    /// How much is told: 0 is warnings, each `-v` more, each `-q` less.
    pub(super) verbosity: i32,
    /// Whether a server stays in the foreground.
    pub(super) foreground: bool,
    /// Whether words are read from standard input.
    pub(super) interactive: bool,
    /// Whether the configuration is shown as commands.
    pub(super) dump: bool,
    /// Whether the configuration is tried.
    pub(super) test: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            conf: "/etc/fail2ban".into(),
            socket: None,
            pidfile: None,
            loglevel: None,
            logtarget: None,
            syslogsocket: None,
            timeout_secs: TIMEOUT_SECS,
            verbosity: 0,
            foreground: false,
            interactive: false,
            dump: false,
            test: false,
        }
    }
}

/// What the words of a command line come to.
#[derive(Debug, PartialEq)]
pub(super) enum Typed {
    /// A command, or none, with its options.
    Command(Options, Vec<String>),
    /// `-h`.
    Help,
    /// `-V`.
    Version,
    /// `--version`.
    LongVersion,
    /// `--str2sec`: what it comes to.
    Seconds(String),
    /// A time that is none.
    BadTime(DurationError),
    /// Options that there aren't.
    Wrong,
}

/// Reads the words behind the program's name.
pub(super) fn read(words: &[String]) -> Typed {
    let Ok((given, command)) = getopt::read(&KNOWN, words) else { return Typed::Wrong };
    let mut options = Options::default();
    for (option, value) in given {
        if let Some(end) = options.take(option, value) {
            return end;
        }
    }
    Typed::Command(options, command.to_vec())
}

impl Options {
    /// Notes an option; those that end it all say so.
    fn take(&mut self, option: &Known, value: String) -> Option<Typed> {
        match (option.long, option.short) {
            ("conf", _) => self.conf = value.into(),
            ("socket", _) => self.socket = Some(value.into()),
            ("pidfile", _) => self.pidfile = Some(value.into()),
            ("loglevel", _) => self.loglevel = Some(value),
            ("logtarget", _) => self.logtarget = Some(value),
            ("syslogsocket", _) => self.syslogsocket = Some(value),
            ("timeout", _) => match parse_secs(&value) {
                Ok(secs) => self.timeout_secs = secs.max(0.0),
                Err(error) => return Some(Typed::BadTime(error)),
            },
            ("str2sec", _) => {
                return Some(match seconds(&value) {
                    Ok(text) => Typed::Seconds(text),
                    Err(error) => Typed::BadTime(error),
                });
            }
            ("dp" | "dump-pretty", _) => self.dump = true,
            ("test", _) => self.test = true,
            ("help", _) => return Some(Typed::Help),
            ("version", _) => return Some(Typed::LongVersion),
            (_, Some('V')) => return Some(Typed::Version),
            (_, Some('i')) => self.interactive = true,
            (_, Some('v')) => self.verbosity += 1,
            (_, Some('q')) => self.verbosity -= 1,
            (_, Some('f')) => self.foreground = true,
            (_, Some('b')) => self.foreground = false,
            // Who listens at a socket is found out by connecting, and a name of the process changes nothing.
            _ => {}
        }
        None
    }
}

/// A time in seconds, as Python prints it: months and years have fractions.
fn seconds(text: &str) -> Result<String, DurationError> {
    let secs = parse_secs(text)?;
    let units = text.to_ascii_lowercase().replace("day", "d");
    let has_fraction = units.contains(['.', 'y']) || units.contains("mo");
    let text = if has_fraction { crate::compat::python::float(secs) } else { secs.to_string() };
    Ok(text)
}
