//! Datagrams to the system's log: syslog(3)'s form, as Python's handler writes it, and the journal's own.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};

use crate::config::{Facility, Level};
use crate::logline::{Record, logger};

/// A socket that takes a message at a time.
#[derive(Debug)]
pub(super) struct Socket {
    path: PathBuf,
    connected: Option<Connected>,
}

#[derive(Debug)]
enum Connected {
    Datagrams(UnixDatagram),
    /// Some daemons want it so; a NUL ends a message.
    Stream(UnixStream),
}

impl Socket {
    /// Connects with whoever listens there.
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), connected: Some(Connected::open(path)?) })
    }

    /// Sends one message. Whoever has gone may have come back: it is tried twice.
    pub(super) fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if let Some(connected) = &mut self.connected {
            if connected.send(message).is_ok() {
                return Ok(());
            }
            self.connected = None;
        }
        let mut connected = Connected::open(&self.path)?;
        connected.send(message)?;
        self.connected = Some(connected);
        Ok(())
    }
}

impl Connected {
    fn open(path: &Path) -> io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        match socket.connect(path) {
            Ok(()) => Ok(Self::Datagrams(socket)),
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error()) =>
            {
                UnixStream::connect(path).map(Self::Stream)
            }
            Err(error) => Err(error),
        }
    }

    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Datagrams(socket) => socket.send(message).map(drop),
            Self::Stream(socket) => socket.write_all(message),
        }
    }
}

/// `<29>line` and a NUL.
pub(super) fn syslog(facility: Facility, record: &Record, line: &str) -> Vec<u8> {
    let priority = facility.number() * 8 + severity(record.level);
    format!("<{priority}>{line}\0").into_bytes()
}

/// Fields as systemd's JOURNAL_NATIVE_PROTOCOL has them. No value has a line end: each is text that was escaped.
pub(super) fn journal(record: &Record, message: &str) -> Vec<u8> {
    let mut fields = String::with_capacity(message.len() + 160);
    let mut field = |name, value: &str| {
        // A string takes any text without an error.
        let _ = writeln!(fields, "{name}={}", value.replace('\n', "\\x0a"));
    };
    field("MESSAGE", message);
    // DIFFERS: to fail2ban's handler a notice is a warning, so that no filter finds a ban by its priority.
    field("PRIORITY", &severity(record.level).to_string());
    field("SYSLOG_IDENTIFIER", "fail2ban");
    field("LOGGER", &logger(record));
    field("THREAD_NAME", record.thread.name().unwrap_or_default());
    if let Some(facts) = &record.facts {
        field("F2B_EVENT", facts.event);
        field("F2B_JAIL", &facts.jail);
        if let Some(host) = &facts.host {
            field("F2B_HOST", host);
        }
    }
    fields.into_bytes()
}

/// syslog(3)'s number.
fn severity(level: Level) -> u8 {
    match level {
        level if level >= Level::CRITICAL => 2,
        level if level >= Level::ERROR => 3,
        level if level >= Level::WARNING => 4,
        level if level >= Level::NOTICE => 5,
        level if level >= Level::INFO => 6,
        _ => 7,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::config::{LogTarget, LogTo};
    use crate::logline::Facts;
    use crate::model::Time;

    fn record(level: Level) -> Record {
        Record::new(Time::default(), "actions", level, "[j] Ban 192.0.2.9")
    }

    #[test]
    fn the_priority_is_facility_and_severity() {
        let LogTo::Syslog(auth) = LogTarget::parse("SYSLOG[facility=auth]").unwrap().to else {
            panic!("no syslog");
        };
        for (facility, level, expected) in [
            (Facility::DAEMON, Level::NOTICE, "<29>x\0"),
            (auth, Level::NOTICE, "<37>x\0"),
            (auth, Level::INFO, "<38>x\0"),
            (Facility::DAEMON, Level::CRITICAL, "<26>x\0"),
            (Facility::DAEMON, Level::ERROR, "<27>x\0"),
            (Facility::DAEMON, Level::WARNING, "<28>x\0"),
            (Facility::DAEMON, Level::MSG, "<31>x\0"),
            (Facility::DAEMON, Level::HEAVYDEBUG, "<31>x\0"),
        ] {
            assert_eq!(syslog(facility, &record(level), "x"), expected.as_bytes(), "{level}");
        }
    }

    #[test]
    fn a_notice_is_one_to_the_journal() {
        let mut ban = record(Level::NOTICE);
        let host = Some("192.0.2.9".to_owned());
        ban.facts = Some(Facts { event: "ban", jail: "j".to_owned(), host });
        let sent = String::from_utf8(journal(&ban, &ban.message)).unwrap();
        let thread = std::thread::current().name().unwrap().to_owned();
        let expected = format!(
            "MESSAGE=[j] Ban 192.0.2.9\nPRIORITY=5\nSYSLOG_IDENTIFIER=fail2ban\n\
             LOGGER=fail2ban.actions\nTHREAD_NAME={thread}\nF2B_EVENT=ban\nF2B_JAIL=j\n\
             F2B_HOST=192.0.2.9\n"
        );
        assert_eq!(sent, expected);
    }

    #[test]
    fn who_has_come_back_is_found_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let received = |reader: &UnixDatagram| {
            let mut buffer = [0; 100];
            let len = reader.recv(&mut buffer).unwrap();
            String::from_utf8(buffer[..len].to_vec()).unwrap()
        };
        let first = UnixDatagram::bind(&path).unwrap();
        let mut socket = Socket::open(&path).unwrap();
        socket.send(b"a").unwrap();
        assert_eq!(received(&first), "a");
        drop(first);
        std::fs::remove_file(&path).unwrap();
        assert!(socket.send(b"b").is_err());
        let second = UnixDatagram::bind(&path).unwrap();
        socket.send(b"c").unwrap();
        assert_eq!(received(&second), "c");
    }

    #[test]
    fn a_daemon_that_wants_a_stream_gets_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let listener = UnixListener::bind(&path).unwrap();
        let mut socket = Socket::open(&path).unwrap();
        socket.send(b"<29>a\0").unwrap();
        drop(socket);
        let mut read = String::new();
        listener.accept().unwrap().0.read_to_string(&mut read).unwrap();
        assert_eq!(read, "<29>a\0");
    }
}
