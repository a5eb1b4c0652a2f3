//! `start`, `restart` and `-t`: the server that is started is the daemon of this program.

use std::os::unix::process::CommandExt as _;
use std::process::Command;
use std::time::Duration;

use super::connection::{Connection, NoContact};
use super::{Client, Done};
use crate::check::{Scope, check};
use crate::cli::background;
use crate::cli::compat::Face;
use crate::cli::systemd;
use crate::compat::Value;
use crate::config::Config;
use crate::diag::Severity;
use crate::model::{Clock as _, SystemClock};

/// Who has not answered by then is busy.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

impl Client<'_> {
    /// Whether a server answers, or is busy.
    ///
    /// DIFFERS: fail2ban-client takes a server that is busy for a tenth of a second for one that is broken, and a socket
    /// that nobody listens at for a reason not to start.
    pub(super) fn is_running(&self) -> bool {
        let ping = Value::List(vec!["ping".into()]);
        let answered = Connection::open(&self.server.socket, Some(ANSWER_WITHIN))
            .and_then(|mut server| server.ask(&ping));
        matches!(answered, Ok(_) | Err(NoContact::TimedOut | NoContact::Denied(_)))
    }

    pub(super) fn start(&mut self) -> Done {
        if self.is_running() {
            self.say.error("Server already running");
            return Ok(false);
        }
        if self.is_for_systemd() {
            return self.start_by_systemd("start");
        }
        let mut daemon = match self.daemon() {
            Ok(daemon) => daemon,
            Err(error) => return Ok(self.not_started(&error.to_string())),
        };
        self.out.flush()?;
        if self.options.foreground {
            // The number of the process stays, which whoever started this knows.
            let error = daemon.exec();
            return Ok(self.not_started(&error.to_string()));
        }
        daemon.arg("--background");
        match background::start(daemon, Some(self.timeout())) {
            Ok(started) => {
                for line in started.said.lines() {
                    self.say.warning(line);
                }
                writeln!(self.out, "Server ready")?;
                Ok(true)
            }
            Err(error) => Ok(self.not_started(&error.to_string())),
        }
    }

    fn not_started(&self, why: &str) -> bool {
        for line in why.lines() {
            self.say.error(line);
        }
        if self.face == Face::Server {
            self.say.error("Async configuration of server failed");
        }
        false
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.options.timeout_secs).unwrap_or(Duration::MAX)
    }

    /// The daemon's command line; what is relative is so to this process's folder.
    fn daemon(&self) -> std::io::Result<Command> {
        let absolute = |path: &std::path::Path| std::path::absolute(path);
        let mut daemon = Command::new(std::env::current_exe()?);
        daemon.arg("daemon").arg("--config").arg(absolute(&self.options.conf)?);
        daemon.arg("--fail2ban-socket").arg(absolute(&self.server.socket)?);
        daemon.arg("--pidfile").arg(absolute(&self.server.pidfile)?);
        let logtarget =
            self.options.logtarget.as_deref().map(background::absolute_target).transpose()?;
        let typed = [
            ("--loglevel", &self.options.loglevel),
            ("--logtarget", &logtarget),
            ("--syslogsocket", &self.options.syslogsocket),
        ];
        for (option, value) in typed {
            if let Some(value) = value {
                daemon.arg(option).arg(value);
            }
        }
        Ok(daemon)
    }

    /// Whether systemd is who starts the daemon here: then it is asked to, or it would know nothing of it. Who asks for
    /// another server than that one doesn't mean its own.
    fn is_for_systemd(&self) -> bool {
        let default = super::Options::default();
        let own = &self.options;
        !own.foreground
            && own.conf == default.conf
            && [&own.socket, &own.pidfile].iter().all(|path| path.is_none())
            && [&own.loglevel, &own.logtarget, &own.syslogsocket].iter().all(|text| text.is_none())
            && systemd::Unit::of_daemon().is_some_and(|unit| unit.is_enabled)
    }

    fn start_by_systemd(&mut self, verb: &str) -> Done {
        match systemd::tell(verb) {
            Ok(()) => {
                writeln!(self.out, "Server ready")?;
                Ok(true)
            }
            Err(error) => Ok(self.not_started(&error.to_string())),
        }
    }

    /// A server that isn't there is told, and started all the same.
    pub(super) fn restart(&mut self) -> Done {
        let words = ["stop".to_owned()];
        self.out.flush()?;
        let request = Value::List(vec!["stop".into()]);
        let stopped = Connection::open(&self.server.socket, None).and_then(|mut server| {
            let reply = server.ask(&request)?;
            Ok((server, reply))
        });
        match stopped {
            Ok((server, reply)) => {
                if !self.show(&words, &reply)? {
                    return Ok(false);
                }
                if !server.until_gone(self.timeout()) {
                    self.say.error("Could not stop server");
                    return Ok(false);
                }
            }
            Err(error) => self.no_contact(&words, &error),
        }
        self.start()
    }

    /// Whether the configuration can be used; says so if nothing else was asked for.
    ///
    /// DIFFERS: more is looked at than fail2ban does, expressions for instance.
    pub(super) fn test(&mut self, is_all: bool) -> Done {
        let config = match Config::open(&self.options.conf) {
            Ok(config) => config,
            Err(error) => {
                self.say.error(&error.to_string());
                return Ok(false);
            }
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = std::env::split_paths(&path).collect();
        let report = check(&config, Scope::Enabled, SystemClock.now(), &folders);
        for finding in &report.findings {
            match finding.diagnostic.severity {
                Severity::Error => self.say.error(&finding.diagnostic.to_string()),
                Severity::Warning => self.say.warning(&finding.diagnostic.to_string()),
                Severity::Note => {}
            }
        }
        let is_good = report.count(Severity::Error) == 0;
        if !is_good {
            self.say.error("ERROR: test configuration failed");
        } else if is_all {
            writeln!(self.out, "OK: configuration test is successful")?;
        }
        Ok(is_good)
    }
}
