//! systemd, where it runs and is who starts the daemon.
//!
//! A daemon that is started beside it would be one that systemd knows nothing of: it would not be started again when it
//! fails, and not be stopped when the machine is.

use std::io;
use std::path::Path;
use std::process::Command;

/// The daemon's unit, of packaging/.
pub(super) const UNIT: &str = "f2b.service";
/// That of fail2ban.
pub(super) const FAIL2BAN: &str = "fail2ban.service";

/// What systemd says of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unit {
    /// Whether the machine starts it.
    pub(super) is_enabled: bool,
    /// Its process; 0 if it has none.
    pub(super) main_pid: u32,
}

/// systemd doesn't do what it was told to.
#[derive(Debug, thiserror::Error)]
pub(super) enum NotDone {
    /// It said why.
    #[error("systemctl {words}: {said}")]
    Refused {
        /// What it was told.
        words: String,
        /// What it said.
        said: String,
    },
    /// f2b.service is not started, which systemctl calls a success: its `ExecCondition`.
    #[error(
        "fail2ban.service is active, and f2b.service is not started beside it; f2b migrate changes over"
    )]
    BesideFail2ban,
    /// The same, by a condition that somebody else has put there.
    #[error("a condition keeps f2b.service from being started; systemctl status f2b says which")]
    Skipped,
    /// It can't be told.
    #[error("systemctl: {0}")]
    System(#[from] io::Error),
}

impl Unit {
    /// The daemon's; `None` where systemd doesn't run, or has no such unit.
    pub(super) fn of_daemon() -> Option<Self> {
        Self::of(UNIT)
    }

    /// The unit of that name; `None` where systemd doesn't run, or has no such unit.
    pub(super) fn of(name: &str) -> Option<Self> {
        if !Path::new("/run/systemd/system").is_dir() {
            return None;
        }
        let mut asked = Command::new("systemctl");
        asked.args(["show", "--property=LoadState,UnitFileState,MainPID", name]);
        let output = asked.output().ok().filter(|output| output.status.success())?;
        read(&String::from_utf8_lossy(&output.stdout))
    }
}

fn read(properties: &str) -> Option<Unit> {
    let value = |name: &str| {
        let mut pairs = properties.lines().filter_map(|line| line.split_once('='));
        pairs.find(|(property, _)| *property == name).map(|(_, value)| value)
    };
    (value("LoadState")? == "loaded").then(|| Unit {
        is_enabled: value("UnitFileState").is_some_and(|state| state.starts_with("enabled")),
        main_pid: value("MainPID").and_then(|pid| pid.parse().ok()).unwrap_or_default(),
    })
}

/// Has systemd `start` or `restart` the daemon's unit, and waits until it has.
pub(super) fn tell(verb: &str) -> Result<(), NotDone> {
    control(&[verb, UNIT])?;
    if Unit::of_daemon().is_none_or(|unit| unit.main_pid != 0) {
        return Ok(());
    }
    let is_beside = Unit::of(FAIL2BAN).is_some_and(|unit| unit.main_pid != 0);
    Err(if is_beside { NotDone::BesideFail2ban } else { NotDone::Skipped })
}

/// Has systemctl do what the words say, and waits until it has.
pub(super) fn control(words: &[&str]) -> Result<(), NotDone> {
    let output = Command::new("systemctl").args(words).output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    Err(NotDone::Refused { words: words.join(" "), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_systemctl_says_is_read() {
        let unit = read("MainPID=12\nLoadState=loaded\nUnitFileState=enabled\n");
        assert_eq!(unit, Some(Unit { is_enabled: true, main_pid: 12 }));
        let unit = read("MainPID=0\nLoadState=loaded\nUnitFileState=disabled\n");
        assert_eq!(unit, Some(Unit::default()));
        assert_eq!(read("MainPID=0\nLoadState=not-found\nUnitFileState=\n"), None);
        assert_eq!(read(""), None);
    }
}
