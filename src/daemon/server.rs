//! What the server is set to, and is set to while it runs.

use std::sync::{Mutex, PoisonError};

use super::log::{Level, Log, LogTarget, Sockets};
use crate::config::Server;
use crate::control::{Refusal, RefusalKind, ServerSettings, ServerTuning};
use crate::engine::roster::{duration, number};

/// The server's settings. Those of fail2ban's database are kept in mind for whoever asks; f2b has none.
pub(super) struct Tuned {
    log: Log,
    settings: Mutex<ServerSettings>,
}

impl Tuned {
    /// As `server` says, with the log as it is.
    pub(super) fn new(log: Log, server: &Server) -> Self {
        let auto = || "auto".to_owned();
        let path = |path: &std::path::PathBuf| path.display().to_string();
        let settings = ServerSettings {
            loglevel: log.level().to_string(),
            logtarget: log.target().to.to_string(),
            syslogsocket: server.syslogsocket.as_ref().map_or_else(auto, path),
            dbfile: server.dbfile.as_ref().map(path),
            dbpurgeage_us: server.dbpurgeage_us,
            dbmaxmatches: server.dbmaxmatches,
            allowipv6: server.allowipv6.map_or_else(auto, |is_allowed| is_allowed.to_string()),
        };
        Self { log, settings: Mutex::new(settings) }
    }

    pub(super) fn settings(&self) -> ServerSettings {
        self.settings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets it; `has_jails` says whether there are any.
    pub(super) fn tune(&self, what: &ServerTuning, has_jails: bool) -> Result<(), Refusal> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        let other = |text: &str| Refusal::new(RefusalKind::Other, text);
        match what {
            ServerTuning::Loglevel(text) => {
                let name = text.to_uppercase();
                let level = Level::parse(&name).map_err(|_| {
                    Refusal::new(RefusalKind::Value, format!("Invalid log level '{name}'"))
                })?;
                self.log.set_level(level);
                settings.loglevel = name;
            }
            ServerTuning::Logtarget(text) => {
                let failed = || other("Failed to change log target");
                let target = LogTarget::parse(text).map_err(|_| failed())?;
                self.log.set_target(target).map_err(|_| failed())?;
                let name = text.split('[').next().unwrap_or_default();
                name.trim().clone_into(&mut settings.logtarget);
            }
            ServerTuning::Syslogsocket(text) => {
                let default = Sockets::default();
                let syslog = if text == "auto" { default.syslog } else { text.into() };
                let sockets = Sockets { syslog, ..self.log.sockets() };
                let failed = |_| other("Failed to change syslog socket");
                self.log.set_sockets(sockets).map_err(failed)?;
                settings.syslogsocket.clone_from(text);
            }
            ServerTuning::Dbfile(text) => {
                let file = Some(text.clone()).filter(|file| !file.eq_ignore_ascii_case("none"));
                if has_jails && file != settings.dbfile {
                    let text = "Cannot change database when there are jails present";
                    return Err(Refusal::new(RefusalKind::Runtime, text));
                }
                settings.dbfile = file;
            }
            ServerTuning::Dbpurgeage(text) => settings.dbpurgeage_us = duration(text)?,
            ServerTuning::Dbmaxmatches(text) => settings.dbmaxmatches = number(text)?,
            ServerTuning::Allowipv6(text) => settings.allowipv6.clone_from(text),
        }
        Ok(())
    }
}
