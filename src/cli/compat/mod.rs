//! f2b by other names: called as one of fail2ban's programs, as by a link, it takes that program's arguments and prints
//! what that prints.
//!
//! What is said here is for people and scripts that know fail2ban: texts, streams and exit statuses are those of the
//! original.

pub(crate) mod client;
mod getopt;
pub(crate) mod regex;

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::ExitCode;

/// What this program can be called as, beside `f2b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// `fail2ban-client`: speaks to a server.
    Client,
    /// `fail2ban-server`: starts one.
    Server,
    /// `fail2ban-regex`: tries expressions on a log.
    Regex,
}

impl Face {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Client, Self::Server, Self::Regex];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "fail2ban-client",
            Self::Server => "fail2ban-server",
            Self::Regex => "fail2ban-regex",
        }
    }

    /// Runs the program; the first of the words is its name.
    pub(crate) fn main(self, words: Vec<OsString>) -> ExitCode {
        match self {
            Self::Client | Self::Server => client::run(self, words.into_iter().skip(1)),
            Self::Regex => regex::main(words),
        }
    }
}

/// What the first word of a command line, the program's path, makes of it; `None` for `f2b`.
pub(crate) fn face(program: &OsStr) -> Option<Face> {
    let name = Path::new(program).file_name()?;
    Face::ALL.into_iter().find(|face| name == face.name())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_makes_the_program() {
        for (program, expected) in [
            ("f2b", None),
            ("fail2ban-client", Some(Face::Client)),
            ("/usr/bin/fail2ban-server", Some(Face::Server)),
            ("/usr/bin/fail2ban-regex", Some(Face::Regex)),
            ("fail2ban-regex/f2b", None),
            ("./fail2ban-clients", None),
            ("", None),
        ] {
            assert_eq!(face(OsStr::new(program)), expected, "{program}");
        }
    }
}
