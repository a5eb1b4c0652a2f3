//! What there is of fail2ban and of f2b, before anything is changed.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server::Server;
use crate::check::{Report, Scope, check};
use crate::cli::cover;
use crate::cli::output::counted;
use crate::cli::output::terminal::folded;
use crate::cli::systemd::{self, Unit};
use crate::cli::take_over::is_in_force;
use crate::cli::{Context, Error};
use crate::config::{self, Config};
use crate::control::socket::Client;
use crate::diag::Severity;
use crate::exchange::fail2ban::{Database, DatabaseError, Row};
use crate::model::HostBans;
use crate::text::printable;

/// Where the system's own service is configured.
const SYSTEM: &str = "/etc/fail2ban";
/// So much of what is wrong with the configuration is told; `f2b check` tells all.
const TOLD_MAX: usize = 5;
/// Further lines stand below the text: `✓ configuration  `.
const INDENT: usize = 17;

/// Who starts and stops services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// systemctl.
    Systemd,
    /// The programs themselves.
    Direct,
}

/// What something means for changing over.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Fine,
    /// It will be otherwise with f2b.
    Odd,
    /// It can't be done so.
    InTheWay,
}

impl Mark {
    fn fine_if(is_fine: bool) -> Self {
        if is_fine { Self::Fine } else { Self::InTheWay }
    }
}

/// All of it.
pub(super) struct Found {
    /// What fail2ban.conf says.
    pub(super) settings: config::Server,
    /// fail2ban's server, if it runs. f2b's daemon at the same socket is none.
    pub(super) server: Option<Server>,
    /// How fail2ban is started and stopped.
    pub(super) fail2ban: Way,
    /// Whether the machine starts fail2ban.
    pub(super) is_enabled: bool,
    /// How f2b is.
    pub(super) f2b: Way,
    /// f2b's daemon, by its process, if it runs.
    pub(super) daemon: Option<u32>,
    /// fail2ban's database, if it is kept and there.
    pub(super) database: Option<PathBuf>,
    /// Whether a change-over has begun and not ended.
    pub(super) is_covered: bool,
    /// What is to be told.
    lines: Vec<Line>,
}

struct Line {
    mark: Mark,
    what: &'static str,
    text: String,
}

impl Found {
    /// Looks, and changes nothing.
    pub(super) fn look(context: &Context) -> Result<Self, Error> {
        let config = Config::open(&context.config)?;
        let settings = config.server().value.unwrap_or_default();
        let daemon = Client::connect(&context.socket)?.map(|daemon| daemon.hello().pid);
        let server = Server::at(&settings.socket)?.filter(|server| Some(server.pid) != daemon);
        let is_systems = context.config == Path::new(SYSTEM);
        let unit = Unit::of(systemd::FAIL2BAN).filter(|unit| {
            is_systems && server.as_ref().is_none_or(|server| server.pid == unit.main_pid)
        });
        let is_own = context.db == crate::cli::default_db()
            && context.socket == crate::cli::default_socket();
        let has_unit = is_systems && is_own && Unit::of_daemon().is_some();
        let way = |is_unit| if is_unit { Way::Systemd } else { Way::Direct };
        let path = settings.dbfile.clone().filter(|path| path.is_absolute());
        let mut found = Self {
            server,
            fail2ban: way(unit.is_some()),
            is_enabled: unit.is_some_and(|unit| unit.is_enabled),
            f2b: way(has_unit),
            daemon,
            database: path.filter(|path| path.exists()),
            is_covered: false,
            lines: Vec::new(),
            settings,
        };
        found.servers(context);
        found.bans(context);
        found.configuration(context, &config);
        found.firewall();
        Ok(found)
    }

    fn tell(&mut self, mark: Mark, what: &'static str, text: impl Into<String>) {
        self.lines.push(Line { mark, what, text: text.into() });
    }

    /// Whether nothing is in the way.
    pub(super) fn is_clear(&self) -> bool {
        self.lines.iter().all(|line| line.mark != Mark::InTheWay)
    }

    fn servers(&mut self, context: &Context) {
        let fail2ban = match &self.server {
            Some(server) => {
                let Server { pid, version, jails } = server;
                let jails = counted(jails.len() as u64, "jail");
                let banned = counted(server.banned(), "ban");
                format!("version {version} runs (pid {pid}) with {jails} and {banned}")
            }
            None => "does not run".to_owned(),
        };
        let enabled = if self.is_enabled { "; systemd starts it with the machine" } else { "" };
        self.tell(Mark::Fine, "fail2ban", fail2ban + enabled);
        let f2b = self
            .daemon
            .map_or_else(|| "does not run".to_owned(), |pid| format!("runs (pid {pid})"));
        let (db, socket) = (context.db.display(), context.socket.display());
        self.tell(Mark::Fine, "f2b", format!("{f2b}; its store is {db}, its socket {socket}"));
    }

    /// What fail2ban's database would bring.
    fn bans(&mut self, context: &Context) {
        let Some(path) = self.database.clone() else {
            let banned = self.server.as_ref().map_or(0, Server::banned);
            let hint = "fail2ban-client banned | f2b import - --time 1d takes its bans over";
            let (is_fine, text) = match banned {
                0 => (true, "none".to_owned()),
                _ => (false, format!("none, but {}; {hint}", counted(banned, "ban"))),
            };
            return self.tell(Mark::fine_if(is_fine), "database", text);
        };
        let mut bans = (0, 0);
        let read = each(&path, |of_host| {
            let active = u64::from(is_in_force(of_host, context.now));
            bans.0 += active;
            bans.1 += (of_host.bans.len() as u64).saturating_sub(active);
        });
        let shown = printable(&path.to_string_lossy()).into_owned();
        match read {
            Ok(()) => {
                let in_force = counted(bans.0, "ban");
                self.tell(
                    Mark::Fine,
                    "database",
                    format!("{shown}: {in_force} in force, {} over", bans.1),
                );
            }
            Err(error) => self.tell(Mark::InTheWay, "database", format!("{shown}: {error}")),
        }
    }

    fn configuration(&mut self, context: &Context, config: &Config) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders: Vec<_> = std::env::split_paths(&path).collect();
        let report: Report = check(config, Scope::Enabled, context.now, &folders);
        let usable = report.jails.iter().filter(|jail| jail.is_usable).count();
        let jails = counted(report.jails.len() as u64, "jail");
        let warnings = match report.count(Severity::Warning) as u64 {
            0 => String::new(),
            count => format!("; {}, see f2b check", counted(count, "warning")),
        };
        let errors = report.count(Severity::Error) as u64;
        let text = match errors {
            0 => format!("{usable} of {jails} usable{warnings}"),
            _ => format!("{usable} of {jails} usable; {}{warnings}", counted(errors, "error")),
        };
        self.tell(Mark::fine_if(errors == 0 && usable > 0), "configuration", text);
        let told = report.findings.iter().map(|found| &found.diagnostic).filter_map(|found| {
            let is_python = found.id == "python-action";
            match found.severity {
                Severity::Error => Some((Mark::InTheWay, found)),
                _ => is_python.then_some((Mark::Odd, found)),
            }
        });
        for (mark, finding) in told.take(TOLD_MAX) {
            self.tell(mark, "", finding.to_string());
        }
    }

    /// How many sets and chains have names as fail2ban gives them.
    fn firewall(&mut self) {
        match cover::is_there() {
            Ok(is_there) => self.is_covered = is_there,
            Err(error) => {
                return self.tell(
                    Mark::InTheWay,
                    "firewall",
                    format!("can't be looked at: {error}"),
                );
            }
        }
        let nft = said("nft", &["--terse", "list", "ruleset"]);
        let is_part = |line: &&str| {
            let mut words = line.split_whitespace();
            let kind = words.next();
            let name = words.next().unwrap_or_default();
            matches!(kind, Some("set" | "chain"))
                && ["f2b-", "addr-set-", "addr6-set-"].iter().any(|stem| name.starts_with(stem))
        };
        let parts = nft.lines().filter(is_part).count();
        let sets = said("ipset", &["list", "-name"]);
        let sets = sets.lines().filter(|name| name.starts_with("f2b-")).count();
        let counted = counted((parts + sets) as u64, "set or chain");
        let text = counted.replace("set or chains", "sets and chains");
        self.tell(Mark::Fine, "firewall", format!("{text} of fail2ban's and f2b's names"));
    }

    /// What was found, a line each; what is in the way is marked.
    pub(super) fn print(&self, context: &Context, out: &mut dyn Write) -> io::Result<()> {
        for Line { mark, what, text } in &self.lines {
            let mark = if *mark == Mark::Fine { '✓' } else { '!' };
            let line = format!("{mark} {what:<14} {}", printable(text));
            writeln!(out, "{}", folded(&line, context.columns, INDENT))?;
        }
        if self.is_covered {
            let text = "a change-over has begun; it goes on when it is run again";
            writeln!(out, "! {:<14} {text}", "change-over")?;
        }
        Ok(())
    }
}

/// Hands over all bans of a database of fail2ban.
pub(super) fn each(path: &Path, mut take: impl FnMut(&HostBans)) -> Result<(), DatabaseError> {
    Database::open(path)?.each_row::<DatabaseError>(|row| {
        if let Row::Bans(bans) = row {
            take(&bans);
        }
        Ok(())
    })
}

/// What a program prints; nothing if it isn't there.
fn said(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}
