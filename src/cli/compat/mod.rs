//! fail2ban's programs: what this program is if it is called by one of their names, as a link does.

pub(crate) mod client;
mod getopt;

use std::ffi::OsStr;
use std::path::Path;

/// What this program can be called as, beside `f2b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Face {
    /// `fail2ban-client`.
    Client,
    /// `fail2ban-server`.
    Server,
}

impl Face {
    /// All of them.
    pub(crate) const ALL: [Self; 2] = [Self::Client, Self::Server];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "fail2ban-client",
            Self::Server => "fail2ban-server",
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
            ("./fail2ban-clients", None),
            ("", None),
        ] {
            assert_eq!(face(OsStr::new(program)), expected, "{program}");
        }
    }
}
