//! What the client says on standard error: in the columns of fail2ban's logs, which scripts look for `NOK:` in.

use std::io::{self, Write as _};

use crate::model::{Clock as _, SystemClock, Zone};

/// How much what is said matters, as fail2ban's levels are called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// Told with `-v`.
    Info,
    /// Told unless there is `-q`.
    Warning,
    /// Always told.
    Error,
}

/// Who speaks, and how loud.
#[derive(Clone, Copy, Debug)]
pub(super) struct Say {
    /// What matters less isn't said.
    least: Weight,
}

impl Say {
    /// With so many `-v` more than `-q`.
    pub(super) fn new(verbosity: i32) -> Self {
        let least = match verbosity {
            ..0 => Weight::Error,
            0 => Weight::Warning,
            _ => Weight::Info,
        };
        Self { least }
    }

    pub(super) fn error(self, text: &str) {
        self.say(Weight::Error, "ERROR", text);
    }

    pub(super) fn warning(self, text: &str) {
        self.say(Weight::Warning, "WARNING", text);
    }

    pub(super) fn info(self, text: &str) {
        self.say(Weight::Info, "INFO", text);
    }

    fn say(self, weight: Weight, level: &str, text: &str) {
        if weight < self.least {
            return;
        }
        let now = SystemClock.now().in_zone(Zone::Local).format("%Y-%m-%d %H:%M:%S,%3f");
        let pid = std::process::id();
        plain(&format!("{now} {:<24}[{pid}]: {level:<7} {text}", "fail2ban"));
    }
}

/// A line as it is. There is nowhere to complain if that fails.
pub(super) fn plain(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
