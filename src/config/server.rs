//! What is written in fail2ban.conf and its companions, which are about the server and not about jails.
//!
//! fail2ban doesn't start for some of the mistakes that are found here.

pub mod layout;
mod level;
mod target;

use std::path::PathBuf;

pub use layout::Layout;
pub use level::{Level, LevelError};
pub use target::{Facility, LogTarget, LogTo, TargetError};

use super::folder::Folder;
use super::interpolate::{Given, Scope};
use super::loaded::Loaded;
use super::merged::{DEFAULT, INCLUDES, Merged};
use super::options::{truth, unknown_option};
use super::traced::Traced;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::model::duration::parse_micros;
use crate::text;

const FILE: &str = "fail2ban";
const DEFINITION: &str = "Definition";
const THREAD: &str = "Thread";

/// All options, each with its section.
const OPTIONS: [(&str, &str); 10] = [
    (DEFINITION, "loglevel"),
    (DEFINITION, "logtarget"),
    (DEFINITION, "syslogsocket"),
    (DEFINITION, "socket"),
    (DEFINITION, "pidfile"),
    (DEFINITION, "allowipv6"),
    (DEFINITION, "dbfile"),
    (DEFINITION, "dbmaxmatches"),
    (DEFINITION, "dbpurgeage"),
    (THREAD, "stacksize"),
];

/// What fail2ban.conf and its companions say of the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// How much its log tells.
    pub loglevel: Level,
    /// Where its log goes.
    pub logtarget: LogTarget,
    /// The socket of the system's log; `None` for the machine's usual one (`auto`).
    pub syslogsocket: Option<PathBuf>,
    /// Where clients reach it.
    pub socket: PathBuf,
    /// Where the number of its process is written.
    pub pidfile: PathBuf,
    /// Whether there is IPv6; `None` to ask the kernel (`auto`).
    pub allowipv6: Option<bool>,
    /// fail2ban's database; `None` for none, `:memory:` for one that isn't kept.
    pub dbfile: Option<PathBuf>,
    /// How many lines fail2ban keeps of a ban.
    pub dbmaxmatches: u32,
    /// For how long it keeps bans, in microseconds.
    pub dbpurgeage_us: i64,
}

impl Default for Server {
    /// What holds where no file says anything.
    fn default() -> Self {
        Self {
            loglevel: Level::INFO,
            logtarget: LogTarget {
                to: LogTo::File(PathBuf::from("/var/log/fail2ban.log")),
                layout: Layout::columns(true, true),
            },
            syslogsocket: None,
            socket: PathBuf::from("/var/run/fail2ban/fail2ban.sock"),
            pidfile: PathBuf::from("/var/run/fail2ban/fail2ban.pid"),
            allowipv6: None,
            dbfile: Some(PathBuf::from("/var/lib/fail2ban/fail2ban.sqlite3")),
            dbmaxmatches: 10,
            dbpurgeage_us: 86_400_000_000,
        }
    }
}

/// Whether there is one of these files.
pub(super) fn is_there(folder: &Folder) -> bool {
    !folder.candidates(FILE).is_empty()
}

/// Reads these files. What is wrong with them keeps no jail from being used: what is set wrongly counts as not set.
pub(super) fn load(folder: &Folder) -> Loaded<Server> {
    if !is_there(folder) {
        return Loaded { value: Some(Server::default()), findings: Vec::new() };
    }
    let merged = folder.merged(FILE);
    let mut findings = merged.findings.clone();
    findings.extend(sections(&merged));
    findings.extend(names(&merged));
    let mut reader = Reader { merged: &merged, findings };
    let server = reader.server();
    let harmless = |found| Diagnostic { severity: Severity::Warning, subject: None, ..found };
    let findings = reader.findings.into_iter().map(harmless).collect();
    Loaded { value: Some(server), findings }
}

/// The options that are set, each as it is written, with everything resolved.
pub(super) fn settings(folder: &Folder) -> Vec<(&'static str, String)> {
    let merged = folder.merged(FILE);
    let mut reader = Reader { merged: &merged, findings: Vec::new() };
    let values = OPTIONS.map(|(_, name)| (name, reader.fetch(name)));
    values.into_iter().filter_map(|(name, value)| Some((name, value?.value))).collect()
}

/// The options, one after the other, and what is wrong with them.
struct Reader<'m> {
    merged: &'m Merged,
    findings: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn server(&mut self) -> Server {
        let default = Server::default();
        let server = Server {
            loglevel: self.option("loglevel", level).unwrap_or(default.loglevel),
            logtarget: self.target().unwrap_or(default.logtarget),
            syslogsocket: self.option("syslogsocket", socket_or_auto).flatten(),
            socket: self.option("socket", path).unwrap_or(default.socket),
            pidfile: self.option("pidfile", path).unwrap_or(default.pidfile),
            allowipv6: self.option("allowipv6", auto_or_truth).flatten(),
            dbfile: self.option("dbfile", file_or_none).unwrap_or(default.dbfile),
            dbmaxmatches: self.option("dbmaxmatches", number).unwrap_or(default.dbmaxmatches),
            dbpurgeage_us: self.option("dbpurgeage", time).unwrap_or(default.dbpurgeage_us),
        };
        // f2b's threads are as deep as they need to be.
        let _ = self.option("stacksize", stack_size);
        server
    }

    /// The option, if it is set and makes sense to `read`, which otherwise says what to write.
    fn option<T>(&mut self, name: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let value = self.fetch(name)?;
        match read(&value.value) {
            Ok(read) => Some(read),
            Err(help) => {
                self.findings.push(wrong(name, &value, help));
                None
            }
        }
    }

    /// Wrong options leave the log where it is looked for.
    fn target(&mut self) -> Option<LogTarget> {
        let mut without_options = None;
        let target = self.option("logtarget", |text| {
            let name = text.split('[').next().unwrap_or(text);
            without_options = LogTarget::named(name).ok();
            LogTarget::parse(text).map_err(|error| error.to_string())
        });
        target.or(without_options)
    }

    fn fetch(&mut self, name: &str) -> Option<Traced> {
        let none = Given::new();
        let (section, _) = OPTIONS.into_iter().find(|(_, known)| *known == name)?;
        match Scope::new(self.merged, section, &none).fetch(name) {
            Ok(value) => value,
            Err(error) => {
                self.findings.push(error.diagnostic());
                None
            }
        }
    }
}

fn level(value: &str) -> Result<Level, String> {
    Level::parse(value).map_err(|_| Level::HELP.to_owned())
}

fn socket_or_auto(value: &str) -> Result<Option<PathBuf>, String> {
    if value.eq_ignore_ascii_case("auto") { Ok(None) } else { path(value).map(Some) }
}

fn file_or_none(value: &str) -> Result<Option<PathBuf>, String> {
    if value.eq_ignore_ascii_case("none") { Ok(None) } else { path(value).map(Some) }
}

fn path(value: &str) -> Result<PathBuf, String> {
    if value.is_empty() { Err("write a path".to_owned()) } else { Ok(PathBuf::from(value)) }
}

fn auto_or_truth(value: &str) -> Result<Option<bool>, String> {
    let auto = value.eq_ignore_ascii_case("auto").then_some(None);
    let read = auto.or_else(|| truth(value).map(Some));
    read.ok_or_else(|| "write auto, yes or no".to_owned())
}

fn number(value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| "write a whole number".to_owned())
}

fn stack_size(value: &str) -> Result<u32, String> {
    value.parse().map_err(|_| "write a whole number of KiB; 0 is the system's".to_owned())
}

fn time(value: &str) -> Result<i64, String> {
    let help = |_| "write seconds or units such as 86400, 1d, 1w".to_owned();
    parse_micros(value).map_err(help)
}

fn wrong(name: &str, value: &Traced, help: String) -> Diagnostic {
    let message = format!("{name} is '{}'", text::shown(&value.value));
    Diagnostic::new("bad-server-option", Severity::Warning, message)
        .with_location(value.at.location())
        .with_text(&value.value)
        .with_help(help)
}

/// Sections that mean nothing and look like ones that do.
fn sections(merged: &Merged) -> Vec<Diagnostic> {
    let known = [DEFINITION, THREAD, DEFAULT, INCLUDES];
    let unknown = merged.sections.iter().filter(|(name, ..)| !known.contains(&name.as_str()));
    let found = unknown.map(|(name, _, at)| {
        let message = format!("section [{}] means nothing", text::shown(name));
        let found = Diagnostic::new("unknown-section", Severity::Warning, message);
        let near = nearest(name, known).unwrap_or(DEFINITION);
        found.with_location(at.clone()).with_text(name).with_help(format!("did you mean [{near}]?"))
    });
    found.collect()
}

/// Options that nobody reads and that look like ones that the server does.
fn names(merged: &Merged) -> Vec<Diagnostic> {
    let own = [DEFINITION, THREAD].into_iter().filter_map(|name| merged.section(name));
    let mut findings = Vec::new();
    for (name, stack) in own.chain([&merged.defaults]).flatten() {
        let is_read = OPTIONS.iter().any(|(_, known)| known == name) || merged.quotes(name);
        let near = nearest(name, OPTIONS.map(|(_, known)| known));
        if let (Some(near), Some(value), false) = (near, stack.last(), is_read) {
            findings.push(unknown_option(name, near, value.at.location()));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::Config;

    /// What these files say, and what was found, with paths as seen from the folder.
    fn load(files: &[(&str, &str)]) -> (Server, Vec<String>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, content) in files {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), content).unwrap();
        }
        let loaded = Config::open(dir.path()).unwrap().server();
        let folder = format!("{}/", dir.path().display());
        let shown = loaded.findings.iter().map(|found| found.to_string().replace(&folder, ""));
        (loaded.value.unwrap(), shown.collect())
    }

    #[test]
    fn without_a_file_fail2bans_defaults_hold() {
        assert_eq!(load(&[]), (Server::default(), vec![]));
        assert_eq!(load(&[("fail2ban.conf", "[Definition]\n")]), (Server::default(), vec![]));
    }

    #[test]
    fn a_companion_alone_is_a_word_on_the_server() {
        for (name, expected) in
            [("jail.conf", false), ("fail2ban.conf", true), ("fail2ban.local", true)]
        {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(name), "").unwrap();
            assert_eq!(Config::open(dir.path()).unwrap().has_server(), expected, "{name}");
        }
    }

    #[test]
    fn what_the_files_say_is_read() {
        let (server, found) = load(&[
            (
                "fail2ban.conf",
                "[DEFAULT]\nloglevel = INFO\nlogtarget = /var/log/x.log\nsyslogsocket = auto\n\
                 [Definition]\nallowipv6 = auto\ndbfile = None\n[Thread]\nstacksize = 64\n",
            ),
            (
                "fail2ban.d/own.local",
                "[Definition]\nloglevel = notice\nsyslogsocket = /run/log\nallowipv6 = no\n\
                 logtarget = /l[format=\"%%(message)s\", datetime=off]\nsocket = /run/s\n\
                 pidfile = /run/p\ndbpurgeage = 2d\ndbmaxmatches = 3\n",
            ),
        ]);
        assert_eq!(found, Vec::<String>::new());
        let expected = Server {
            loglevel: Level::NOTICE,
            logtarget: LogTarget { to: LogTo::File("/l".into()), layout: Layout::message() },
            syslogsocket: Some("/run/log".into()),
            socket: "/run/s".into(),
            pidfile: "/run/p".into(),
            allowipv6: Some(false),
            dbfile: None,
            dbmaxmatches: 3,
            dbpurgeage_us: 172_800_000_000,
        };
        assert_eq!(server, expected);
    }

    #[test]
    fn what_is_set_wrongly_counts_as_not_set() {
        let (server, found) = load(&[(
            "fail2ban.conf",
            "[Definition]\nloglevel = LOUD\nlogtarget = /l[pading=off]\nsocket =\nallowipv6 = maybe\n\
             dbpurgeage = 5 parsecs\ndbmaxmatches = -1\n",
        )]);
        let to = LogTo::File("/l".into());
        let target = LogTarget { to, layout: Layout::columns(true, true) };
        assert_eq!(server, Server { logtarget: target, ..Server::default() });
        assert_eq!(found.len(), 6, "{found:#?}");
        assert!(
            found[1].contains("the log target has no option 'pading'; did you mean 'padding'?")
        );
    }
}
