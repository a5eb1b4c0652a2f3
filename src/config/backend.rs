//! How a jail's logs are watched: `auto`, `polling`, `systemd[journalflags=1]`.

use std::path::PathBuf;

use super::options::{self, truth};
use super::spec::Spec;
use super::traced::Traced;
use crate::diag::{Diagnostic, Severity, nearest};
use crate::text;

/// How the logs of a jail are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// As the machine can.
    Auto,
    /// The kernel says when a file changes: `pyinotify`, and `gamin`, which was dropped after fail2ban 1.0.
    Inotify,
    /// Files are looked at again and again.
    Polling,
    /// There are no files: the journal is read (`systemd`).
    Journal(JournalSource),
}

/// Which journal is read: the options of `systemd[...]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct JournalSource {
    /// A folder of journal files (`journalpath`).
    pub path: Option<PathBuf>,
    /// Journal files, perhaps with `*`, `?` and `[...]` (`journalfiles`).
    pub files: Vec<String>,
    /// Which of the machine's journals, as of sd_journal_open(3) (`journalflags`).
    pub flags: Option<u32>,
    /// Whose journal (`namespace`).
    pub namespace: Option<String>,
    /// Whether files that journald has finished are read, too (`rotated`, of fail2ban 1.1).
    pub rotated: bool,
}

/// Where the lines come from, as filters are told it in their parameter `logtype`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LogType {
    File,
    Journal,
}

impl LogType {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Journal => "journal",
        }
    }
}

/// The names, each with what it means.
const NAMES: [(&str, Backend); 4] = [
    ("auto", Backend::Auto),
    ("polling", Backend::Polling),
    ("pyinotify", Backend::Inotify),
    ("gamin", Backend::Inotify),
];
const SYSTEMD: &str = "systemd";
const JOURNAL_OPTIONS: [&str; 5] =
    ["journalpath", "journalfiles", "journalflags", "namespace", "rotated"];

impl Default for Backend {
    /// The one of a jail that names none.
    fn default() -> Self {
        Self::of_files(options::default("backend")).expect("the table has one of these names")
    }
}

impl Backend {
    fn of_files(name: &str) -> Option<Self> {
        NAMES.into_iter().find_map(|(known, backend)| (known == name).then_some(backend))
    }

    /// Whether there is a journal instead of files.
    pub fn reads_journal(&self) -> bool {
        matches!(self, Self::Journal(_))
    }

    pub(super) fn logtype(&self) -> LogType {
        if self.reads_journal() { LogType::Journal } else { LogType::File }
    }

    /// Reads a value and gives what can be read of it. What can't is an error each: fail2ban doesn't start such
    /// a jail.
    ///
    /// DIFFERS: to fail2ban `Systemd` is the journal when it runs and files when it reads the configuration.
    pub(super) fn read(value: &Traced) -> (Self, Vec<Diagnostic>) {
        let error = |id: &'static str, message: String, part: &str| {
            let found = Diagnostic::new(id, Severity::Error, message);
            found.with_location(value.at.location()).with_text(part)
        };
        let spec = match Spec::parse(&value.value) {
            Ok(spec) => spec,
            Err(wrong) => {
                let found = error("bad-backend", wrong.to_string(), &value.value);
                return (Self::default(), vec![found]);
            }
        };
        let name = spec.name.trim().to_lowercase();
        if name == SYSTEMD {
            let (source, wrong) = JournalSource::read(&spec);
            let found = wrong.into_iter().map(|Wrong { message, part, help }| {
                error("bad-backend", message, &part).with_help(help)
            });
            return (Self::Journal(source), found.collect());
        }
        if name.is_empty() {
            return (Self::default(), Vec::new());
        }
        let Some(backend) = Self::of_files(&name) else {
            let names = NAMES.iter().map(|(name, _)| *name).chain([SYSTEMD]);
            let help = match nearest(&name, names) {
                Some(near) => format!("did you mean '{near}'?"),
                None => "write auto, pyinotify, polling or systemd".to_owned(),
            };
            let message = format!("unknown backend '{}'", text::shown(&name));
            let found = error("unknown-backend", message, &value.value).with_help(help);
            return (Self::default(), vec![found]);
        };
        let unknown = spec.options.iter().map(|(option, _)| {
            let message = format!("backend '{name}' has no option '{}'", text::shown(option));
            error("bad-backend", message, option).with_help("leave it out")
        });
        (backend, unknown.collect())
    }
}

/// What is wrong with an option in brackets.
struct Wrong {
    message: String,
    part: String,
    help: String,
}

impl JournalSource {
    fn read(spec: &Spec) -> (Self, Vec<Wrong>) {
        let mut source = Self::default();
        let mut all_wrong = Vec::new();
        for (option, value) in &spec.options {
            all_wrong.extend(source.set(option, value).err());
        }
        (source, all_wrong)
    }

    fn set(&mut self, option: &str, value: &str) -> Result<(), Wrong> {
        let wrong = |help: &str| Wrong {
            message: format!("{option} is '{}'", text::shown(value)),
            part: value.to_owned(),
            help: help.to_owned(),
        };
        match option {
            "journalpath" => self.path = Some(value.into()),
            "journalfiles" => {
                let words = value.split(|c: char| c == ',' || c.is_whitespace());
                self.files = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
            }
            "journalflags" => {
                let flags = value.trim().parse();
                self.flags = Some(flags.map_err(|_| wrong("write a whole number such as 1"))?);
            }
            "namespace" => self.namespace = Some(value.to_owned()),
            "rotated" => self.rotated = truth(value).ok_or_else(|| wrong("write true or false"))?,
            _ => {
                let help = match nearest(option, JOURNAL_OPTIONS) {
                    Some(near) => format!("did you mean '{near}'?"),
                    None => format!("it has {}", JOURNAL_OPTIONS.join(", ")),
                };
                let message =
                    format!("backend '{SYSTEMD}' has no option '{}'", text::shown(option));
                return Err(Wrong { message, part: option.to_owned(), help });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::traced::Line;
    use super::*;

    fn read(value: &str) -> (Backend, Vec<String>) {
        let at = Line { file: Path::new("f").into(), line: 3 };
        let (backend, findings) = Backend::read(&Traced::new(value, at));
        (backend, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn names_are_read_in_any_case() {
        for (text, wanted) in [
            ("auto", Backend::Auto),
            ("AUTO", Backend::Auto),
            ("", Backend::Auto),
            ("Polling", Backend::Polling),
            ("pyinotify", Backend::Inotify),
            ("GaMin", Backend::Inotify),
            ("Systemd", Backend::Journal(JournalSource::default())),
            ("systemd[]", Backend::Journal(JournalSource::default())),
        ] {
            assert_eq!(read(text), (wanted, Vec::new()), "{text}");
        }
    }

    #[test]
    fn the_journal_has_options() {
        let (backend, found) = read(
            "systemd[journalflags=1, journalpath=/j][journalfiles=\"/a, /b*\n/c\",namespace=n,rotated=on]",
        );
        let source = JournalSource {
            path: Some("/j".into()),
            files: ["/a", "/b*", "/c"].map(str::to_owned).to_vec(),
            flags: Some(1),
            namespace: Some("n".to_owned()),
            rotated: true,
        };
        assert_eq!((backend, found), (Backend::Journal(source), Vec::new()));
    }

    #[test]
    fn err_what_fail2ban_does_not_start_with_is_told() {
        for (text, wanted) in [
            ("poling", "f:3: unknown backend 'poling'; did you mean 'polling'?"),
            ("systemdx", "f:3: unknown backend 'systemdx'; did you mean 'systemd'?"),
            ("nope", "f:3: unknown backend 'nope'; write auto, pyinotify, polling or systemd"),
            ("polling[", "f:3: 'polling[' isn't of the form name[option=value, ...]"),
            ("polling[x=1]", "f:3: backend 'polling' has no option 'x'; leave it out"),
            (
                "systemd[journalflag=1]",
                "f:3: backend 'systemd' has no option 'journalflag'; did you mean 'journalflags'?",
            ),
            (
                "systemd[journalflags=0x4]",
                "f:3: journalflags is '0x4'; write a whole number such as 1",
            ),
            ("systemd[rotated=2]", "f:3: rotated is '2'; write true or false"),
        ] {
            let (backend, found) = read(text);
            assert_eq!(found, [wanted], "{text}");
            assert_eq!(backend.reads_journal(), text.starts_with("systemd["), "{text}");
        }
    }
}
