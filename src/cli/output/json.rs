//! JSON for programs: one shape a noun, times as RFC 3339, but for the matches of `f2b scan`, whose
//! times are epoch seconds.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::{Map, Value};

use super::standing::Standing;
use crate::engine::ignore::IgnoredBy;
use crate::engine::totals::{LineCounts, Tally};
use crate::model::{self, Host, Time};
use crate::store;
use crate::text::json_shown;

/// Writes an indented document and a newline.
pub fn document<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", json_shown(&serde_json::to_string_pretty(value)?))
}

/// Writes an object on a line of its own.
pub fn line<T: Serialize>(value: &T, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", json_shown(&serde_json::to_string(value)?))
}

/// A matched line: the interface of `--format jsonl`.
#[derive(Serialize)]
pub struct Match<'m> {
    /// Whose it is, where several jails were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    jail: Option<&'m str>,
    source: &'m str,
    line: u64,
    offset: u64,
    /// Epoch seconds with fraction; null without a date.
    time: Option<f64>,
    id: Option<String>,
    host: Option<String>,
    /// The first failregex that matched, from 1.
    regex: usize,
    nofail: bool,
    /// Whether someone failed whom the jail does not ignore: `host` stands beside other lines too.
    failure: bool,
    fields: Map<String, Value>,
    text: Cow<'m, str>,
}

impl<'m> Match<'m> {
    /// The match of a line of `source`, whose bytes are `text`; with the jail where there are several.
    pub fn new(
        jail: Option<&'m str>,
        source: &'m str,
        found: &model::Match,
        text: &'m [u8],
    ) -> Self {
        let fields = found.fields.iter().map(|(name, value)| (name.to_owned(), value.into()));
        let users = (!found.users.is_empty())
            .then(|| ("users".to_owned(), Value::from(found.users.clone())));
        Self {
            jail,
            source,
            line: found.place.line,
            offset: found.place.offset,
            time: found.time.map(Time::as_secs_f64),
            id: found.id.as_ref().map(Host::to_string),
            host: found.host.as_ref().map(Host::to_string),
            regex: found.regex + 1,
            nofail: found.nofail,
            failure: found.is_failure(),
            fields: fields.chain(users).collect(),
            text: String::from_utf8_lossy(text),
        }
    }

    /// The cells of a CSV row, in the order of [`MATCH_COLUMNS`], behind the jail if there is one.
    pub fn cells(&self) -> impl Iterator<Item = String> {
        let fields = if self.fields.is_empty() {
            String::new()
        } else {
            json_shown(&Value::Object(self.fields.clone()).to_string()).into_owned()
        };
        let cells = [
            self.source.to_owned(),
            self.line.to_string(),
            self.offset.to_string(),
            self.time.map(|time| time.to_string()).unwrap_or_default(),
            self.id.clone().unwrap_or_default(),
            self.host.clone().unwrap_or_default(),
            self.regex.to_string(),
            self.nofail.to_string(),
            self.failure.to_string(),
            fields,
            self.text.to_string(),
        ];
        self.jail.map(str::to_owned).into_iter().chain(cells)
    }
}

/// The header of matches as CSV.
pub const MATCH_COLUMNS: [&str; 11] = [
    "source", "line", "offset", "time", "id", "host", "regex", "nofail", "failure", "fields",
    "text",
];

/// A ban.
#[derive(Serialize)]
pub struct Ban {
    host: String,
    jail: String,
    banned_at: String,
    banned_until: Option<String>,
    active: bool,
    origin: &'static str,
    failures: u32,
    ended_at: Option<String>,
    end_reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    packets: Option<u64>,
}

impl Ban {
    /// The same with how many packets of its host were kept out, if that is known.
    #[must_use]
    pub fn counted(self, packets: Option<u64>) -> Self {
        Self { packets, ..self }
    }

    /// A ban as of `now`.
    pub fn new(ban: &model::Ban, now: Time) -> Self {
        Self {
            host: ban.host.to_string(),
            jail: ban.jail.clone(),
            banned_at: ban.at.to_string(),
            banned_until: ban.until.map(|until| until.to_string()),
            active: ban.is_active(now),
            origin: ban.origin.name(),
            failures: ban.failures,
            ended_at: ban.ended.map(|(at, _)| at.to_string()),
            end_reason: ban.ended.map(|(_, reason)| reason.name()),
            packets: None,
        }
    }
}

/// Something that happened to a host.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub enum Event<'e> {
    /// A matched line.
    Match {
        /// When it was written.
        time: Option<String>,
        /// Whether it counted.
        failure: bool,
        /// In which jail.
        jail: Option<&'e str>,
        /// Which filter matched.
        filter: &'e str,
        /// With which of its expressions, from 1.
        regex: u16,
        /// Where the log was last seen.
        log: &'e str,
        /// The number of the line.
        line: u64,
        /// The line.
        text: Cow<'e, str>,
    },
    /// A line that led to the ban behind it, as whoever made that ban told.
    Told {
        /// When the ban began.
        time: String,
        /// The jail that banned.
        jail: &'e str,
        /// The line.
        text: &'e str,
    },
    /// A ban.
    Ban(Ban),
    /// A ban lasts longer.
    Prolongation {
        /// When the last of the failures was.
        time: String,
        /// Who is banned.
        host: String,
        /// In which jail.
        jail: &'e str,
        /// When the ban began.
        banned_at: String,
        /// When it would have been over.
        banned_until_before: String,
        /// When it is; null: for ever.
        banned_until: Option<String>,
        /// Who decided it.
        origin: &'static str,
        /// How many failures led to it.
        failures: u32,
    },
}

impl<'e> Event<'e> {
    /// An event as of `now`.
    pub fn new(event: &'e store::Event, now: Time) -> Self {
        match event {
            store::Event::Ban(ban) => Self::Ban(Ban::new(ban, now)),
            store::Event::Prolongation(longer) => Self::Prolongation {
                time: longer.at.to_string(),
                host: longer.host.to_string(),
                jail: &longer.jail,
                banned_at: longer.ban_at.to_string(),
                banned_until_before: longer.until_before.to_string(),
                banned_until: longer.until.map(|until| until.to_string()),
                origin: longer.origin.name(),
                failures: longer.failures,
            },
            store::Event::Told(line) => {
                Self::Told { time: line.at.to_string(), jail: &line.jail, text: &line.text }
            }
            store::Event::Match(line) => Self::Match {
                time: line.time.map(|time| time.to_string()),
                failure: line.failure.is_some(),
                jail: line
                    .failure
                    .as_ref()
                    .map(|(jail, _)| jail.as_str())
                    .filter(|jail| !jail.is_empty()),
                filter: &line.filter,
                regex: line.regex,
                log: &line.log,
                line: line.line,
                text: String::from_utf8_lossy(&line.text),
            },
        }
    }
}

/// The document of `f2b scan --format json`.
#[derive(Serialize)]
pub struct Scan<'r> {
    /// Whose it is, where several jails were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jail: Option<&'r str>,
    /// Lines by outcome.
    pub lines: Lines,
    /// Bytes looked at, uncompressed.
    pub bytes: u64,
    /// Seconds it took.
    pub elapsed_secs: f64,
    /// Whether it was stopped early.
    pub interrupted: bool,
    /// Lines that the prefregex let through; null without one.
    pub prefregex: Option<u64>,
    /// Failures without a date, for which nobody can be banned.
    pub undated: u64,
    /// Each failregex and its hits.
    pub failregex: Vec<Hits<'r>>,
    /// Each ignoreregex and its hits.
    pub ignoreregex: Vec<Hits<'r>>,
    /// Date templates that dated a line.
    pub dates: Vec<Hits<'r>>,
    /// Matched lines by which nobody failed, by why; null if nobody took the lines one by one.
    pub no_failures: Option<BTreeMap<&'static str, u64>>,
    /// Every host, most failures first.
    pub hosts: Vec<HostTally>,
    /// Bans that were decided.
    pub bans: Vec<Ban>,
    /// How often bans were made longer, as their hosts went on failing.
    pub prolongations: u64,
    /// Rows new in the store; null for a dry run.
    pub stored: Option<Stored>,
    /// What could not be read.
    pub unread: Vec<String>,
}

/// Lines by outcome.
#[derive(Serialize)]
pub struct Lines {
    /// Tested in all.
    pub total: u64,
    /// No failure, by an ignoreregex or by itself.
    pub ignored: u64,
    /// Failures.
    pub matched: u64,
    /// Others.
    pub missed: u64,
}

impl From<LineCounts> for Lines {
    fn from(counts: LineCounts) -> Self {
        let LineCounts { matched, ignored, missed } = counts;
        Self { total: counts.tested(), ignored, matched, missed }
    }
}

/// An expression or template, and how often it hit.
#[derive(Serialize)]
pub struct Hits<'r> {
    /// As written; a template by its name.
    pub pattern: &'r str,
    /// How often.
    pub hits: u64,
}

/// The failures of a host, and what became of it.
#[derive(Serialize)]
pub struct HostTally {
    host: String,
    failures: u64,
    first: Option<String>,
    last: Option<String>,
    #[serde(flatten)]
    standing: StandingOf,
}

/// What [`Standing::text`] says, in parts.
#[derive(Serialize)]
#[serde(tag = "standing", rename_all = "lowercase")]
enum StandingOf {
    /// Null: for ever.
    Banned {
        banned_until: Option<String>,
    },
    /// By which option, and if that is `ignoreip`, by which word of it.
    Ignored {
        ignored_by: &'static str,
        rule: Option<String>,
    },
    Over {
        ended_at: String,
        end_reason: &'static str,
    },
    Undated,
    Undecided,
    /// What the jail demands.
    Below {
        maxretry: u32,
        findtime_secs: f64,
    },
}

impl HostTally {
    /// What was counted of a host, and what became of it.
    pub fn new(host: &Host, tally: &Tally, standing: Standing) -> Self {
        Self {
            host: host.to_string(),
            failures: tally.failures,
            first: tally.first.map(|time| time.to_string()),
            last: tally.last.map(|time| time.to_string()),
            standing: standing.into(),
        }
    }
}

impl From<Standing> for StandingOf {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Banned(until) => {
                Self::Banned { banned_until: until.map(|until| until.to_string()) }
            }
            Standing::Ignored(by) => {
                let (ignored_by, rule) = match by {
                    IgnoredBy::Own => ("ignoreself", None),
                    IgnoredBy::Word(word) | IgnoredBy::Name(word) => ("ignoreip", Some(word)),
                    IgnoredBy::Command => ("ignorecommand", None),
                };
                Self::Ignored { ignored_by, rule }
            }
            Standing::Over(ended_at, reason) => {
                Self::Over { ended_at: ended_at.to_string(), end_reason: reason.name() }
            }
            Standing::Undated => Self::Undated,
            Standing::Undecided => Self::Undecided,
            Standing::Below(rule) => Self::Below {
                maxretry: rule.maxretry,
                findtime_secs: rule.findtime_us as f64 / 1e6,
            },
        }
    }
}

/// What was new in the store.
#[derive(Serialize)]
pub struct Stored {
    /// Matches that were not known.
    pub matches: u64,
    /// Failures that were not known.
    pub failures: u64,
}
