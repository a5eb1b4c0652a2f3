//! The scan report: fail2ban-regex's, line for line, and below it who failed most and how fast it went.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::standing::Standing;
use super::{civil, counted, listing, scaled, table};
use crate::engine::Totals;
use crate::engine::totals::Samples;
use crate::model::{Host, Time, Zone};
use crate::text::printable;

/// Lines of a kind that are printed without being asked for.
pub const SAMPLE_LINES: usize = 20;

/// A name in the header is cut to this many characters.
const HEADER_CHARS: usize = 50;

/// What is said of the lines of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// Never.
    No,
    /// If there are few.
    Few(usize),
    /// All.
    All,
}

impl Show {
    /// How many lines have to be kept to show this.
    pub fn limit(self) -> usize {
        match self {
            Self::No => 0,
            Self::Few(n) => n,
            Self::All => usize::MAX,
        }
    }
}

/// A row of the table of offenders.
#[derive(Clone, Debug)]
pub struct Offender {
    /// Who.
    pub host: Host,
    /// How often.
    pub failures: u64,
    /// First and last time.
    pub first: Option<Time>,
    /// Last time.
    pub last: Option<Time>,
    /// Jails that know the host.
    pub jails: Vec<String>,
    /// Whether it is banned, or why not.
    pub standing: Standing,
}

/// Everything the report says.
pub struct Report<'r> {
    /// `Use …` lines: what, and which.
    pub header: Vec<(&'static str, String)>,
    /// The prefregex, expanded.
    pub prefregex: Option<String>,
    /// The failregexes as written.
    pub failregex: Vec<String>,
    /// The ignoreregexes as written.
    pub ignoreregex: Vec<String>,
    /// Names of the date templates.
    pub templates: Vec<String>,
    /// What was counted.
    pub totals: &'r Totals,
    /// Lines to print.
    pub matched: Show,
    /// Lines to print.
    pub ignored: Show,
    /// Lines to print.
    pub missed: Show,
    /// Expressions without a hit too, and every hit.
    pub is_verbose: bool,
    /// Who failed most.
    pub offenders: Vec<Offender>,
    /// How long it took.
    pub elapsed: Duration,
    /// Where times are shown.
    pub zone: Zone,
    /// The width of the terminal, if it is one that reads this.
    pub columns: Option<usize>,
    /// What became of the matches: one line each.
    pub stored: Vec<String>,
    /// Whether it was stopped early.
    pub interrupted: bool,
}

impl Report<'_> {
    /// Writes it all.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_header(out)?;
        if let Some(prefregex) = &self.prefregex {
            writeln!(out, "Prefregex: {} total", self.totals.prefregex)?;
            writeln!(out, "|  {}\n`-\n", printable(prefregex))?;
        }
        self.write_regexes(out, "Failregex", &self.failregex, &self.totals.failregex)?;
        self.write_regexes(out, "Ignoreregex", &self.ignoreregex, &self.totals.ignoreregex)?;
        self.write_dates(out)?;
        self.write_counts(out)?;
        self.write_offenders(out)?;
        let lines = self.totals.lines;
        write_lines(out, "Matched", self.matched, &self.totals.matched, lines.matched)?;
        write_lines(out, "Ignored", self.ignored, &self.totals.ignored, lines.ignored)?;
        write_lines(out, "Missed", self.missed, &self.totals.missed, lines.missed)
    }

    fn write_header(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nRunning tests\n=============\n")?;
        for (what, which) in &self.header {
            writeln!(out, "Use {what:>15} : {}", printable(which))?;
        }
        writeln!(out, "\n\nResults\n=======\n")
    }

    fn write_regexes(
        &self,
        out: &mut dyn Write,
        title: &str,
        regexes: &[String],
        hits: &[u64],
    ) -> io::Result<()> {
        let regexes = regexes.iter().map(|regex| printable(regex));
        listing::expressions(out, title, regexes, hits, self.is_verbose, |out, nth| {
            if title == "Failregex" { self.write_hits(out, nth) } else { Ok(()) }
        })
    }

    fn write_hits(&self, out: &mut dyn Write, regex: usize) -> io::Result<()> {
        for hit in self.totals.hits.iter().filter(|hit| hit.regex == regex) {
            let at =
                hit.at.map(|at| at.in_zone(self.zone).format("%a %b %d %H:%M:%S %Y").to_string());
            listing::hit(out, &printable(&hit.id), &at.unwrap_or_default(), hit.multiple)?;
        }
        Ok(())
    }

    fn write_dates(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Date template hits:")?;
        let mut hits: Vec<_> = self.templates.iter().zip(&self.totals.dates).collect();
        hits.sort_by_key(|(_, hits)| std::cmp::Reverse(**hits));
        hits.retain(|(_, hits)| **hits > 0 || self.is_verbose);
        if !hits.is_empty() {
            writeln!(out, "|- [# of hits] date format")?;
            for (name, hits) in hits {
                writeln!(out, "|  [{hits}] {}", printable(name))?;
            }
            writeln!(out, "`-")?;
        }
        writeln!(out)
    }

    fn write_counts(&self, out: &mut dyn Write) -> io::Result<()> {
        let lines = self.totals.lines;
        listing::counts(out, lines)?;
        let secs = self.elapsed.as_secs_f64().max(1e-6);
        writeln!(
            out,
            "[processed in {secs:.2} sec: {}, {}, {}]",
            scaled(self.totals.bytes as f64, "B"),
            scaled(self.totals.bytes as f64 / secs, "B/s"),
            scaled(lines.tested() as f64 / secs, " lines/s").replace("  ", " "),
        )?;
        if self.interrupted {
            writeln!(out, "Interrupted: this is what was found so far.")?;
        }
        for line in &self.stored {
            writeln!(out, "{}", printable(line))?;
        }
        writeln!(out)
    }

    fn write_offenders(&self, out: &mut dyn Write) -> io::Result<()> {
        let hosts = self.totals.hosts.len();
        if self.offenders.is_empty() {
            return Ok(());
        }
        let title = if self.offenders.len() < hosts {
            format!("Top offenders: {} of {}", self.offenders.len(), counted(hosts as u64, "host"))
        } else {
            format!("Offenders: {}", counted(hosts as u64, "host"))
        };
        let when =
            |time: Option<Time>| time.map_or_else(|| "-".to_owned(), |t| civil(t, self.zone));
        let rows = self
            .offenders
            .iter()
            .map(|offender| {
                vec![
                    offender.host.to_string(),
                    offender.failures.to_string(),
                    when(offender.first),
                    when(offender.last),
                    if offender.jails.is_empty() {
                        "-".to_owned()
                    } else {
                        offender.jails.join(", ")
                    },
                    offender.standing.text(self.zone),
                ]
            })
            .collect();
        let columns = [
            table::left("host"),
            table::right("failures"),
            table::left("first"),
            table::left("last"),
            table::left("jails"),
            table::left("banned"),
        ];
        writeln!(out, "{title}\n{}", table::render(&columns, rows, self.columns))?;
        if self.offenders.iter().any(|offender| offender.standing == Standing::Undecided) {
            writeln!(out, "Not decided: --ban says who would be banned.\n")?;
        }
        Ok(())
    }
}

fn write_lines(
    out: &mut dyn Write,
    title: &str,
    show: Show,
    lines: &Samples,
    count: u64,
) -> io::Result<()> {
    if count == 0 || show == Show::No {
        return Ok(());
    }
    if let Show::Few(limit) = show
        && count >= limit as u64
    {
        return listing::too_many(out, title, count);
    }
    writeln!(out, "|- {title} line(s):")?;
    for line in &lines.lines {
        let text = String::from_utf8_lossy(line);
        writeln!(out, "|  {}", printable(text.trim_end()))?;
    }
    writeln!(out, "`-")
}

/// A text as the header shows it: short, on one line.
pub fn header_text(text: &str) -> String {
    let mut chars = text.chars();
    let mut out: String = chars.by_ref().take(HEADER_CHARS).collect();
    let rest: String = chars.collect();
    if rest.chars().count() > 3 {
        out.push_str("...");
    } else {
        let _ = write!(out, "{rest}");
    }
    out
}

/// `password-fail, basedir: /etc/fail2ban`.
pub fn header_filter(name: &str, folder: Option<&Path>) -> String {
    match folder {
        Some(folder) => format!("{name}, basedir: {}", folder.display()),
        None => name.to_owned(),
    }
}
