//! A host with the service on it: its configuration, logs and store, and the process.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use f2b::model::{Clock, SystemClock, Time};
use rusqlite::{Connection, OpenFlags};
use rustix::process::{Pid, Signal, kill_process};

use crate::machines::{ACTIONS, Net};
use crate::net::{DEADLINE, eventually};

/// A host that can run the service, and a client.
pub(crate) struct Host {
    net: Net,
    started: AtomicU32,
}

/// The service; it is killed when this goes.
pub(crate) struct Daemon {
    child: Child,
    /// Its own log.
    log: PathBuf,
    /// What it tells who started it.
    notified: UnixDatagram,
}

impl Host {
    /// With these jails. Each matches ` no HOST`, with or without `#NUMBER` behind it, may use the actions of Debian's
    /// fail2ban, and bans for an hour who fails three times.
    pub(crate) fn new(jails: &str) -> Self {
        let host = Self { net: Net::bare(), started: AtomicU32::new(0) };
        for folder in ["action.d", "filter.d", "log"] {
            fs::create_dir(host.path(folder)).unwrap();
        }
        for action in fs::read_dir(ACTIONS).unwrap() {
            let action = action.unwrap();
            symlink(action.path(), host.path("action.d").join(action.file_name())).unwrap();
        }
        let filter = "[Definition]\nfailregex = ^ no <HOST>(?: #\\d+)?$\n";
        fs::write(host.path("filter.d/login.conf"), filter).unwrap();
        host.configure(jails);
        host
    }

    /// Writes other jails; `LOG` stands for the folder of logs.
    pub(crate) fn configure(&self, jails: &str) {
        let logs = self.path("log").display().to_string();
        let jails = format!(
            "[DEFAULT]\nfilter = login\nenabled = true\nmaxretry = 3\nfindtime = 10m\nbantime = 1h\n{jails}"
        );
        fs::write(self.path("jail.conf"), jails.replace("LOG", &logs)).unwrap();
    }

    /// An action that runs a script when somebody is banned.
    pub(crate) fn action(&self, name: &str, script: &str) {
        let path = self.path(&format!("{name}.sh"));
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let definition = format!("[Definition]\nactionban = {} <ip> <bantime>\n", path.display());
        fs::write(self.path(&format!("action.d/{name}.conf")), definition).unwrap();
    }

    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.path("log").join(name)
    }

    /// Each of the hosts fails, now.
    pub(crate) fn fail(&self, log: &str, hosts: &[&str]) {
        self.fail_at(log, hosts, now());
    }

    /// The same with another time in the log.
    pub(crate) fn fail_at(&self, log: &str, hosts: &[&str], at: Time) {
        let lines: String = hosts.iter().map(|host| line(at, host)).collect();
        append(&self.log(log)).write_all(lines.as_bytes()).unwrap();
    }

    /// Starts the service, which is ready when this returns.
    #[track_caller]
    pub(crate) fn start(&self) -> Daemon {
        self.start_with(|_| ())
    }

    /// The same, with something about the command changed.
    #[track_caller]
    pub(crate) fn start_with(&self, change: impl FnOnce(&mut Command)) -> Daemon {
        let daemon = self.spawn(change);
        daemon.is_ready();
        daemon
    }

    /// The same, and waits for nothing.
    pub(crate) fn spawn(&self, change: impl FnOnce(&mut Command)) -> Daemon {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let socket = self.path(&format!("notify-{number}"));
        let notified = UnixDatagram::bind(&socket).unwrap();
        let log = self.path(&format!("f2b-{number}.log"));
        let mut command = self.command();
        command.arg("daemon").env("NOTIFY_SOCKET", &socket);
        command.stdin(Stdio::null()).stderr(File::create(self.path("stderr")).unwrap());
        change(&mut command);
        if !command.get_args().any(|arg| arg == "--logtarget") {
            command.arg("--logtarget").arg(&log);
        }
        let child = self.host().inside(|| command.spawn().unwrap());
        Daemon { child, log, notified }
    }

    /// The answer of the store, a line a row.
    pub(crate) fn ask(&self, sql: &str) -> Vec<String> {
        ask(&self.path("f2b.db"), sql)
    }

    /// How many failures are stored.
    pub(crate) fn failures(&self) -> usize {
        self.ask("SELECT count(*) FROM failures")[0].parse().unwrap()
    }

    /// Who is banned, as `JAIL HOST`.
    pub(crate) fn banned(&self) -> BTreeSet<String> {
        banned(&self.path("f2b.db"))
    }

    /// Who is in a set of nftables.
    pub(crate) fn kept_out(&self) -> BTreeSet<String> {
        let rules = self.host().shell("nft list ruleset");
        let sets = rules.split("elements = {").skip(1);
        let sets = sets.map(|set| set.split('}').next().unwrap_or_default());
        let elements = sets.flat_map(|set| set.split(','));
        elements.filter_map(|host| host.split_whitespace().next().map(str::to_owned)).collect()
    }
}

impl Deref for Host {
    type Target = Net;

    fn deref(&self) -> &Net {
        &self.net
    }
}

impl DerefMut for Host {
    fn deref_mut(&mut self) -> &mut Net {
        &mut self.net
    }
}

impl Daemon {
    #[track_caller]
    fn is_ready(&self) {
        self.notified.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut said = [0; 64];
        loop {
            let len = self.notified.recv(&mut said);
            let len =
                len.unwrap_or_else(|error| unreachable!("{error}, not ready:\n{}", self.said()));
            if &said[..len] == b"READY=1" {
                return;
            }
        }
    }

    /// The kernel keeps only so much of what it tells us.
    fn forget_notices(&self) {
        self.notified.set_nonblocking(true).unwrap();
        let error = loop {
            if let Err(error) = self.notified.recv(&mut [0; 64]) {
                break error;
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        self.notified.set_nonblocking(false).unwrap();
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }

    /// Has it read the configuration again, which it takes.
    #[track_caller]
    pub(crate) fn reload(&self) {
        self.forget_notices();
        self.signal(Signal::HUP);
        self.is_ready();
    }

    /// Its log by now.
    pub(crate) fn said(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until something is in its log.
    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        eventually(text, || self.said().contains(text));
    }

    /// Its own log's place.
    pub(crate) fn own_log(&self) -> &Path {
        &self.log
    }

    /// Ends it in order.
    #[track_caller]
    pub(crate) fn stop(mut self) {
        self.signal(Signal::TERM);
        let status = self.ended();
        assert!(status.success(), "{status}\n{}", self.said());
    }

    /// Ends it as the kernel does when memory is short.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    #[track_caller]
    fn ended(&mut self) -> ExitStatus {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "it doesn't end\n{}", self.said());
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has ended, unless the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn now() -> Time {
    SystemClock.now()
}

/// Waits for the next second: dates in logs count as of its beginning, which for a host that is unbanned is in his ban.
pub(crate) fn next_second() {
    let second = |time: Time| time.micros() / 1_000_000;
    let begin = second(now());
    eventually("time passes", || second(now()) > begin);
}

/// A failure as it stands in a log.
pub(crate) fn line(at: Time, host: &str) -> String {
    format!("{at} no {host}\n")
}

pub(crate) fn append(path: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(path).unwrap()
}

pub(crate) fn ask(store: &Path, sql: &str) -> Vec<String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(store, flags).unwrap();
    conn.busy_timeout(DEADLINE).unwrap();
    let mut statement = conn.prepare(sql).unwrap();
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let cells = (0..columns).map(|column| {
            let cell: rusqlite::types::Value = row.get(column)?;
            Ok(match cell {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            })
        });
        cells.collect::<Result<Vec<_>, rusqlite::Error>>().map(|cells| cells.join(" "))
    };
    statement.query_map([], row).unwrap().map(Result::unwrap).collect()
}

pub(crate) fn banned(store: &Path) -> BTreeSet<String> {
    let now = now().micros();
    let sql = format!(
        "SELECT jail, host FROM bans WHERE at_us <= {now} AND ifnull(until_us, {now} + 1) > {now} AND ended_us IS NULL"
    );
    ask(store, &sql).into_iter().collect()
}
