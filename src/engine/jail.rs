//! A running jail: everything its definition says, compiled and settled.
//!
//! [`Jail::compile`] is the only place where a jail is assembled, so that what `f2b check` finds is what
//! `f2b scan` and the daemon trip over. A filter without a section is a jail without a name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::ignore::IgnoreRules;
use crate::config::{self, JailDef, Text, UseDns};
use crate::date::{DateError, Templates, YearWindow};
use crate::decide::{Increment, IncrementOptions, Rule};
use crate::diag::{Diagnostic, Severity};
use crate::filter::{CompileOptions, Filter};
use crate::model::{self, BanTime, Zone};
use crate::text::shown;

/// A jail that can be run; shared by all who run it.
#[derive(Debug)]
pub struct Jail {
    /// Its section; empty for a filter alone.
    pub name: String,
    /// The name of its filter; empty for an expression from the command line.
    pub filter_name: String,
    /// What its filter is, for the store: changed expressions make another filter.
    pub definition: String,
    /// What it looks for.
    pub filter: Filter,
    /// How many lines the filter looks at together.
    pub maxlines: u32,
    /// How its lines are dated.
    pub templates: Templates,
    /// What [`templates`](Self::templates) were made of; empty for those that are built in.
    pub datepatterns: Vec<String>,
    /// The encoding of its logs.
    pub encoding: &'static encoding_rs::Encoding,
    /// The zone of times written without one, if the jail says so.
    pub log_zone: Option<Zone>,
    /// What becomes of host names.
    pub usedns: UseDns,
    /// What it demands for a ban.
    pub rule: Rule,
    /// How bans of a host that comes back get longer, if they do.
    pub increment: Option<Increment>,
    /// Whom it never bans.
    pub ignore: IgnoreRules,
}

/// What whoever runs a jail wants otherwise than it says.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// What becomes of host names.
    pub usedns: Option<UseDns>,
    /// Whether ids are kept as they are written.
    pub raw: bool,
    /// How many lines are looked at together.
    pub maxlines: Option<u32>,
    /// How lines are dated.
    pub datepattern: Option<Vec<Text>>,
    /// What is no failure; replaces the filter's if there is any.
    pub ignoreregex: Vec<Text>,
    /// The encoding of the logs.
    pub encoding: Option<Text>,
    /// How many failures make a ban.
    pub maxretry: Option<u32>,
    /// Within which time failures count together, in microseconds.
    pub findtime_us: Option<i64>,
    /// How long a ban lasts.
    pub bantime: Option<BanTime>,
    /// Whether failures of those count too whom the jail ignores.
    pub ignores_nobody: bool,
}

/// Date templates that several jails have in common, made once.
#[derive(Debug)]
pub struct Calendars {
    years: YearWindow,
    known: Mutex<HashMap<Vec<String>, Arc<OnceLock<Made>>>>,
}

/// Templates, or why there are none.
type Made = Result<Templates, Arc<DateError>>;

impl Calendars {
    /// None yet; dates may be of these years.
    pub fn new(years: YearWindow) -> Self {
        Self { years, known: Mutex::default() }
    }

    fn of(&self, patterns: &[String]) -> Made {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let made = Arc::clone(known.entry(patterns.to_vec()).or_default());
        drop(known);
        // Whoever wants the same waits for it, and nobody else.
        let compile = || Templates::from_patterns(patterns, self.years.clone()).map_err(Arc::new);
        made.get_or_init(compile).clone()
    }
}

impl Jail {
    /// Compiles a jail. It comes with everything that is wrong with it; none comes of it if one of these
    /// findings is an error.
    pub fn compile(
        def: &JailDef,
        overrides: &Overrides,
        calendars: &Calendars,
    ) -> (Option<Arc<Self>>, Vec<Diagnostic>) {
        let mut findings = Vec::new();
        let filter = filter(def, overrides, &mut findings);
        let templates = templates(def, overrides, calendars, &mut findings);
        let encoding = encoding(def, overrides, &mut findings);
        let (ignore, wrong) = IgnoreRules::of(def);
        findings.extend(wrong);
        let increment = increment(def, &mut findings);
        let is_wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
        let (Some(filter), Some((templates, datepatterns)), Some(encoding), false) =
            (filter, templates, encoding, is_wrong)
        else {
            return (None, findings);
        };
        let jail = Self {
            name: def.name.clone(),
            filter_name: def.filter.name.clone(),
            definition: definition(def, overrides),
            filter,
            maxlines: maxlines(def, overrides),
            templates,
            datepatterns,
            encoding,
            log_zone: def.logtimezone,
            usedns: overrides.usedns.unwrap_or(def.usedns),
            rule: Rule {
                maxretry: overrides.maxretry.unwrap_or(def.maxretry),
                findtime_us: overrides.findtime_us.unwrap_or(def.findtime_us),
                bantime: overrides.bantime.unwrap_or(def.bantime),
            },
            increment,
            ignore: if overrides.ignores_nobody { IgnoreRules::default() } else { ignore },
        };
        (Some(Arc::new(jail)), findings)
    }

    /// Whether it looks at several lines at once, so that a log has to be read from beginning to end.
    pub fn is_serial(&self) -> bool {
        self.filter.maxlines() > 1
    }
}

fn maxlines(def: &JailDef, overrides: &Overrides) -> u32 {
    overrides.maxlines.unwrap_or(def.maxlines)
}

fn filter(def: &JailDef, overrides: &Overrides, findings: &mut Vec<Diagnostic>) -> Option<Filter> {
    let usedns = overrides.usedns.unwrap_or(def.usedns);
    let maxlines = maxlines(def, overrides);
    let options = CompileOptions { usedns, maxlines, raw: overrides.raw };
    let compiled = if overrides.ignoreregex.is_empty() {
        Filter::compile(&def.filter, &options)
    } else {
        let mut filter = def.filter.clone();
        filter.ignoreregex.clone_from(&overrides.ignoreregex);
        Filter::compile(&filter, &options)
    };
    // That it has no expression was said by whoever read it, with the reason.
    let is_said = def.filter.failregex.is_empty();
    compiled.map_err(|wrong| findings.extend(wrong.into_iter().filter(|_| !is_said))).ok()
}

/// A formula that has no value leaves a ban as long as `bantime` says, in fail2ban too; one that can't be read at
/// all keeps fail2ban's jail from starting, which helps nobody.
fn increment(def: &JailDef, findings: &mut Vec<Diagnostic>) -> Option<Increment> {
    const CONSTANT: &str = "ban.Time";
    let config::Increment { factor, formula, multipliers, maxtime_us, rndtime_us, overalljails } =
        def.increment.clone()?;
    let compile = |formula| {
        Increment::compile(IncrementOptions {
            factor,
            formula,
            multipliers: multipliers.clone(),
            maxtime_us,
            rndtime_us,
            overalljails,
        })
    };
    let warn = |what: String| {
        let found = Diagnostic::new("bad-formula", Severity::Warning, what)
            .with_help("such a ban lasts as long as bantime says");
        match &formula {
            Some(text) => found.with_location(text.at.clone()).with_text(&text.value),
            None => found,
        }
    };
    match compile(formula.as_ref().map(|text| &*text.value)) {
        Ok(increment) => {
            findings.extend(increment.trial(def.bantime).map(|(earlier, error)| {
                warn(format!("bantime.formula has no value after {earlier} bans: {error}"))
            }));
            Some(increment)
        }
        Err(error) => {
            findings.push(warn(format!("bantime.formula: {error}")));
            compile(Some(CONSTANT)).ok()
        }
    }
}

fn templates(
    def: &JailDef,
    overrides: &Overrides,
    calendars: &Calendars,
    findings: &mut Vec<Diagnostic>,
) -> Option<(Templates, Vec<String>)> {
    let texts = overrides.datepattern.as_ref().unwrap_or(&def.filter.datepattern);
    let patterns: Vec<String> = texts.iter().map(|text| text.value.clone()).collect();
    // Of two that are the same the second is wrong.
    let at = |found: Diagnostic, pattern: &str| match texts
        .iter()
        .rfind(|text| text.value == pattern)
        .or(texts.first())
    {
        Some(text) => found.with_location(text.at.clone()).with_text(&text.value),
        None => found,
    };
    match calendars.of(&patterns) {
        Ok(templates) => {
            let doubled = patterns.iter().find(|pattern| is_doubled(pattern));
            let wrong = match doubled {
                Some(pattern) => Some((doubled_percent(pattern), pattern.as_str())),
                None => templates.without_date().map(|pattern| (without_date(pattern), pattern)),
            };
            findings.extend(wrong.map(|(found, pattern)| at(found, pattern)));
            Some((templates, patterns))
        }
        Err(error) => {
            let found = Diagnostic::new("invalid-datepattern", Severity::Error, error.to_string());
            let found = match &*error {
                _ if is_doubled(error.pattern()) => found.with_help(once(error.pattern())),
                DateError::Directive { .. } => found.with_help(
                    "write one of strptime's, such as %Y %m %d %H %M %S, or %% for a percent sign",
                ),
                _ => found,
            };
            findings.push(at(found, error.pattern()));
            None
        }
    }
}

/// Whether a percent sign is doubled before the letter of a directive, as it has to be in a file and nowhere else.
fn is_doubled(pattern: &str) -> bool {
    let behind = pattern.split("%%").skip(1);
    let mut letters = behind.filter_map(|rest| rest.chars().next());
    letters.any(|letter| letter.is_ascii_alphabetic())
}

fn doubled_percent(pattern: &str) -> Diagnostic {
    let message = format!("'%%' in the date pattern '{}' is a percent sign", shown(pattern));
    Diagnostic::new("doubled-percent", Severity::Warning, message).with_help(once(pattern))
}

fn once(pattern: &str) -> String {
    let once = pattern.replace("%%", "%");
    format!("percent signs are doubled in a configuration file only; write '{}'", shown(&once))
}

fn without_date(pattern: &str) -> Diagnostic {
    let message = format!("the date pattern '{}' has no date", shown(pattern));
    Diagnostic::new("dateless-datepattern", Severity::Warning, message).with_help(
        "its lines are of today's first second, too old for findtime most of the day; \
         write %Y, %H and so on, or {NONE} if the lines have no date",
    )
}

fn encoding(
    def: &JailDef,
    overrides: &Overrides,
    findings: &mut Vec<Diagnostic>,
) -> Option<&'static encoding_rs::Encoding> {
    let Some(text) = &overrides.encoding else { return Some(def.logencoding) };
    let known = model::encoding(&text.value);
    if known.is_none() {
        let message = format!("unknown encoding '{}'", shown(&text.value));
        findings.push(
            Diagnostic::new("unknown-encoding", Severity::Error, message)
                .with_location(text.at.clone())
                .with_text(&text.value)
                .with_help("write auto, UTF-8, ISO-8859-15 or the like"),
        );
    }
    known
}

fn definition(def: &JailDef, overrides: &Overrides) -> String {
    let filter = &def.filter;
    let ignoreregex = match &overrides.ignoreregex[..] {
        [] => &filter.ignoreregex,
        replaced => replaced,
    };
    let list = |texts: &[Text]| -> Vec<String> { texts.iter().map(|t| t.value.clone()).collect() };
    serde_json::json!({
        "prefregex": filter.prefregex.as_ref().map(|text| &text.value),
        "failregex": list(&filter.failregex),
        "ignoreregex": list(ignoreregex),
        "datepattern": list(&filter.datepattern),
    })
    .to_string()
}
