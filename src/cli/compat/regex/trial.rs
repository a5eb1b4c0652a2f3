//! One run: header, search, report, each said as soon as it is known.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ended::Ended;
use super::header::Trial;
use super::is_file;
use super::journal;
use super::options::Options;
use super::out::Wish;
use super::printer::Printer;
use super::report::{Report, limit};
use super::subject::{Subject, dictionary, short};
use super::ticket::Tickets;
use crate::config::{FilterDef, JailDef, Text, UseDns};
use crate::date::{DateError, TemplateId, Templates, YearWindow};
use crate::diag::{Diagnostic, Location};
use crate::engine::{
    Calendars, Control, Jail, Manner, Names, Overrides, Reading, SampleLimits, Scan, Totals, Wanted,
};
use crate::filter::{AllGroups, Mode};
use crate::model::{self, Clock, SystemClock, Zone};
use crate::source::{Log, LogKind};

/// Lines of a text that are shown.
const TEXT_LINES: usize = 5;

/// Where the lines come from.
enum Source {
    Log(Log),
    Journal(journal::Wish),
}

/// Runs it: LOG, REGEX and perhaps IGNOREREGEX.
pub(super) fn run(
    options: &Options,
    operands: &[String],
    out: &mut dyn Write,
) -> Result<(), Ended> {
    let mut trial = Trial { options, out, now: SystemClock.now() };
    trial.say("\nRunning tests\n=============\n")?;
    check_level(&options.log_level)?;
    if options.maxlines.is_some_and(|lines| lines < 0) {
        return Err(Ended::with("ERROR: maxlines must be integer greater than zero"));
    }
    if let Some(lines) = options.maxlines.filter(|lines| *lines > 0) {
        trial.say(&format!("Use         maxlines : {lines}"))?;
    }
    check_match(options)?;
    let zone = options.timezone.as_deref().map(zone).transpose()?;
    if let Some(pattern) = &options.datepattern {
        trial.say_datepattern(pattern)?;
    }
    let (log, regex) = (&operands[0], &operands[1]);
    let is_journal = !is_file(log) && log.starts_with("systemd-journal");
    let mut def = trial.filter(regex, is_journal)?;
    // Said before anything is said of what comes behind.
    trial.compile(&def, zone)?;
    if let Some(ignoreregex) = operands.get(2) {
        trial.say(&format!("Use ignoreregex line : {}", short(ignoreregex)))?;
        if ignoreregex.is_empty() {
            return Err(Ended::with("ERROR: Cannot add empty regex"));
        }
        let at = Location::new("IGNOREREGEX", 0);
        def.ignoreregex.push(Text { value: ignoreregex.clone(), at });
    }
    let jail = trial.compile(&def, zone)?;
    let source = trial.source(log, is_journal, &def)?;
    trial.say("")?;
    trial.search(&source, &jail)
}

impl Trial<'_> {
    fn say_datepattern(&mut self, pattern: &str) -> Result<(), Ended> {
        if pattern.is_empty() {
            return Ok(());
        }
        let lines: Vec<&str> = pattern.lines().collect();
        let templates = Templates::from_patterns(&lines, YearWindow::around(self.now))
            .map_err(|error| wrong_datepattern(pattern, &error))?;
        let name = match templates.len() {
            1 | 2 => templates.name(TemplateId(0)).trim(),
            _ => "Default Detectors",
        };
        self.say(&format!("Use      datepattern : {pattern} : {name}"))
    }

    /// What REGEX means, read; the header tells of it.
    fn filter(&mut self, regex: &str, is_journal: bool) -> Result<FilterDef, Ended> {
        let subject = Subject::of(regex, &self.options.config)?;
        self.say(&subject.header())?;
        let given = subject.options();
        if !given.is_empty() {
            let given = dictionary(given.iter().map(|(name, value)| (&**name, Some(&**value))));
            self.say(&format!("Use   filter options : {given}"))?;
        }
        if matches!(&subject, Subject::Line(text) if text.is_empty()) {
            return Err(Ended::with("ERROR: Cannot add empty regex"));
        }
        let def = subject.load(regex, is_journal)?;
        let joined = |lines: &[Text]| {
            let lines: Vec<&str> = lines.iter().map(|line| &*line.value).collect();
            lines.join("\n")
        };
        let datepattern = joined(&def.datepattern);
        if self.options.verbose > 1 && !matches!(subject, Subject::Line(_)) {
            let logtype = given.iter().find(|(name, _)| name == "logtype");
            let default = if is_journal { "journal" } else { "file" };
            let logtype = logtype.map_or(default, |(_, value)| value);
            let mut real = vec![("logtype", Some(logtype))];
            real.extend((!datepattern.is_empty()).then_some(("datepattern", Some(&*datepattern))));
            let others = given.iter().filter(|(name, _)| name != "logtype");
            real.extend(others.map(|(name, value)| (&**name, Some(&**value))));
            self.say(&format!("Real  filter options : {}", dictionary(real)))?;
        }
        if let (None | Some(0), Some(lines)) = (self.options.maxlines, def.maxlines) {
            self.say(&format!("Use         maxlines : {lines}"))?;
        }
        if self.options.datepattern.as_ref().is_none_or(String::is_empty) {
            self.say_datepattern(&datepattern)?;
        }
        Ok(def)
    }

    /// Where the lines come from; the header tells of it.
    fn source(&mut self, log: &str, is_journal: bool, def: &FilterDef) -> Result<Source, Ended> {
        if is_journal {
            return Ok(Source::Journal(journal::Wish::of(log, def, self)?));
        }
        if is_file(log) {
            self.check_encoding()?;
            // What the original says of it stands alone.
            std::fs::File::open(log).map_err(|error| {
                let number = error.raw_os_error().unwrap_or(0);
                let text = error.to_string();
                let text = text.split(" (os error").next().unwrap_or_default();
                Ended::with(format!("[Errno {number}] {text}: {}", crate::text::quoted(log)))
            })?;
            let found =
                Log::at(Path::new(log)).map_err(|error| Ended::silently().because(error))?;
            self.say(&format!("Use         log file : {log}"))?;
            self.say(&format!("Use         encoding : {}", self.encoding()))?;
            return Ok(Source::Log(found));
        }
        let lines: Vec<&str> = log.split('\n').collect();
        if let [line] = lines[..] {
            self.say(&format!("Use      single line : {}", short(line)))?;
        } else {
            self.say(&format!("Use      multi line : {} line(s)", lines.len()))?;
            for (nth, line) in (1..).zip(lines.iter().take(TEXT_LINES)) {
                self.say(&format!("|  {nth}: {}", short(line)))?;
            }
            if lines.len() > TEXT_LINES {
                self.say("| ...")?;
            }
            self.say("`-")?;
        }
        let text = format!("{log}\n").into_bytes();
        Ok(Source::Log(Log { path: "<text>".into(), kind: LogKind::Literal(text) }))
    }

    fn compile(&self, def: &FilterDef, zone: Option<Zone>) -> Result<Arc<Jail>, Ended> {
        let Options { raw, usedns, maxlines, encoding, datepattern, .. } = self.options;
        let usedns = match &*usedns.to_lowercase() {
            _ if *raw => UseDns::Raw,
            "yes" => UseDns::Yes,
            "warn" => UseDns::Warn,
            "raw" => UseDns::Raw,
            _ => UseDns::No,
        };
        let text = |value: &str| Text { value: value.to_owned(), at: Location::new("option", 0) };
        let datepattern = datepattern.as_deref().filter(|pattern| !pattern.is_empty());
        let lines = maxlines.filter(|lines| *lines > 0).and_then(|lines| u32::try_from(lines).ok());
        let encoding = encoding.as_deref().filter(|name| model::encoding(name).is_some());
        let overrides = Overrides {
            usedns: Some(usedns),
            // An address that is none is whom the original would ban.
            raw: true,
            maxlines: lines,
            datepattern: datepattern.map(|patterns| patterns.lines().map(text).collect()),
            encoding: encoding.map(text),
            ignores_nobody: true,
            ..Overrides::default()
        };
        let jail = JailDef { logtimezone: zone, ..JailDef::of_filter(def.clone()) };
        let calendars = Calendars::new(YearWindow::around(self.now));
        let (jail, findings) = Jail::compile(&jail, &overrides, &calendars);
        jail.ok_or_else(|| wrong_filter(&findings, usedns))
    }

    fn search(&mut self, source: &Source, jail: &Arc<Jail>) -> Result<(), Ended> {
        let wish = self.options.out.as_deref().filter(|text| !text.is_empty());
        let wish = wish.map(Wish::parse).transpose().map_err(Ended::crashed)?;
        let started = Instant::now();
        let wanted = self.wanted(wish.is_some());
        let now = self.now;
        let printer = wish.map(|wish| (wish, Tickets::new(jail)));
        let mut printer =
            printer.map(|(wish, tickets)| Printer { wish, tickets, now, out: &mut *self.out });
        let (totals, groups) = match source {
            Source::Log(log) => {
                let totals = scan(log, jail, wanted, printer.as_mut())?;
                let is_told = self.options.verbose != 0 && printer.is_none();
                let limit = limit(self.options);
                let groups = is_told.then(|| prefregex_groups(log, jail, limit));
                (totals, groups.unwrap_or_default())
            }
            Source::Journal(wish) => {
                (journal::read(wish, jail, wanted, printer.as_mut())?, Vec::new())
            }
        };
        if printer.is_none() {
            self.report(source, jail, &totals, groups, started.elapsed())?;
        }
        Ok(())
    }

    fn report(
        &mut self,
        source: &Source,
        jail: &Jail,
        totals: &Totals,
        groups: Vec<AllGroups<'_>>,
        elapsed: Duration,
    ) -> Result<(), Ended> {
        let is_journal = matches!(source, Source::Journal(_));
        let has_pattern = !jail.datepatterns.is_empty();
        let report = Report {
            options: self.options,
            jail,
            totals,
            groups,
            is_dated: !is_journal || has_pattern,
            elapsed,
            now: self.now,
        };
        Ok(report.write(self.out)?)
    }

    fn wanted(&self, is_printed: bool) -> Wanted {
        let Options { check_all, verbose, all_matched, all_ignored, all_missed, .. } =
            *self.options;
        let few = limit(self.options);
        let all = |is_all: bool| if is_all { usize::MAX } else { few };
        let limits = SampleLimits {
            matched: if all_matched { usize::MAX } else { 0 },
            ignored: all(all_ignored),
            missed: all(all_missed),
            is_whole: true,
        };
        Wanted {
            mode: if check_all && !is_printed { Mode::All } else { Mode::First },
            manner: Manner::Fail2ban,
            zone: Zone::Local,
            now: self.now,
            limits: if is_printed { SampleLimits::default() } else { limits },
            matches: is_printed,
            hits: verbose != 0 && !is_printed,
            bans: false,
        }
    }
}

fn scan(
    log: &Log,
    jail: &Arc<Jail>,
    wanted: Wanted,
    printer: Option<&mut Printer<'_>>,
) -> Result<Totals, Ended> {
    let jails = [Arc::clone(jail)];
    let readings = [Reading { log: log.clone(), jails: vec![0] }];
    let names = Names::default();
    let scan = Scan { jails: &jails, names: &names, wanted };
    let mut outcome = scan.run(&readings, printer, &Arc::new(Control::default()))?;
    if let Some(unread) = outcome.unread.pop() {
        return Err(Ended::silently().because(unread.error));
    }
    let mut totals = outcome.jails.pop().map(|counted| counted.totals).unwrap_or_default();
    // Nothing was read of an empty log.
    let filter = &jail.filter;
    totals.failregex.resize(filter.failregex().len(), 0);
    totals.ignoreregex.resize(filter.ignoreregex().len(), 0);
    Ok(totals)
}

/// What the prefregex captures in the first lines that it matches; read once more, as the search has no use for it.
fn prefregex_groups<'j>(log: &Log, jail: &'j Jail, limit: usize) -> Vec<AllGroups<'j>> {
    let mut found = Vec::new();
    let is_wide = !jail.encoding.is_ascii_compatible();
    let (true, Ok(blocks)) = (jail.filter.prefregex().is_some(), log.blocks()) else {
        return found;
    };
    let blocks = if is_wide { blocks.decoded(jail.encoding) } else { blocks };
    let mut detector = jail.templates.detector();
    for block in blocks.map_while(Result::ok) {
        for line in block.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { return found };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if matches!(line, [] | [b'#', ..]) {
                continue;
            }
            let line = if is_wide {
                String::from_utf8_lossy(line)
            } else {
                jail.encoding.decode_without_bom_handling(line).0
            };
            let cut =
                detector.find(line.as_bytes()).map_or(0..0, |dated| dated.cut.start..dated.cut.end);
            let text = format!("{}{}\n", &line[..cut.start], &line[cut.end..]);
            found.extend(jail.filter.prefregex_groups(&text));
            if found.len() == limit {
                return found;
            }
        }
    }
    found
}

/// What is logged has another form here, but a level that is none is still an error.
fn check_level(level: &str) -> Result<(), Ended> {
    const LEVELS: [&str; 12] = [
        "critical",
        "fatal",
        "error",
        "warning",
        "warn",
        "notice",
        "msg",
        "info",
        "debug",
        "tracedebug",
        "heavydebug",
        "notset",
    ];
    let is_number = !level.is_empty() && level.chars().all(|c| c.is_ascii_digit());
    if is_number || LEVELS.contains(&&*level.to_lowercase()) {
        return Ok(());
    }
    Err(Ended::crashed(format!("Invalid log level {}", crate::text::quoted(level))))
}

fn check_match(options: &Options) -> Result<(), Ended> {
    match options.journalmatch.as_deref().map(shlex::split) {
        Some(None) => Err(Ended::with("ERROR: No closing quotation")),
        _ => Ok(()),
    }
}

fn zone(text: &str) -> Result<Zone, Ended> {
    let unknown = || {
        let text = crate::text::quoted(text);
        Ended::with(format!("ERROR: Unknown or unsupported time zone: {text}"))
    };
    Zone::parse(text).ok_or_else(unknown)
}

fn wrong_datepattern(pattern: &str, error: &DateError) -> Ended {
    match error {
        DateError::Directive { pattern: line, directive } => {
            let place = pattern.find(line.as_str()).unwrap_or(0);
            let percent = format!("%{directive}");
            let at = place + line.find(&percent).unwrap_or(0) + 1;
            let at = pattern[..at.min(pattern.len())].chars().count();
            let why = match directive.chars().next() {
                Some(letter) => format!(
                    "unsupported format character '{letter}' ({:#x}) at index {at}",
                    u32::from(letter)
                ),
                None => "incomplete format".to_owned(),
            };
            Ended::with(format!(
                "ERROR: Failed to set datepattern {} (may be an invalid format or unescaped percent char): {why}",
                crate::text::quoted(pattern)
            ))
        }
        DateError::Duplicate { pattern } => {
            let name = Templates::from_patterns(&[pattern], YearWindow::archive());
            let name =
                name.map_or_else(|_| pattern.clone(), |one| one.name(TemplateId(0)).to_owned());
            Ended::with(format!("ERROR: There is already a template with name {name}"))
        }
        DateError::Regex { .. } | DateError::HalfDate { .. } => Ended::crashed(error),
    }
}

/// What is wrong with a filter, as the original says it of the first expression, and with file and line.
fn wrong_filter(findings: &[Diagnostic], usedns: UseDns) -> Ended {
    let first = findings.iter().find(|found| found.text.is_some()).or(findings.first());
    let said = first.map(|found| {
        let text = found.text.as_deref().unwrap_or_default();
        match found.id {
            "no-host" => format!("ERROR: No failure-id group in {}", crate::text::quoted(text)),
            "invalid-regex" => {
                let expanded = super::debuggex::as_python(&crate::filter::expand(text, usedns));
                let why = found.message.rsplit(": ").next().unwrap_or_default();
                format!("ERROR: Unable to compile regular expression '{expanded}':\n{why}")
            }
            _ => format!("ERROR: {}", found.message),
        }
    });
    let ended = said.map_or_else(Ended::silently, Ended::with);
    // Of an expression on the command line everything is said.
    let located = findings.iter().filter(|found| found.at.as_ref().is_some_and(|at| at.line > 0));
    located.fold(ended, Ended::because)
}
