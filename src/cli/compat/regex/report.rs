//! The report, line for line as fail2ban-regex prints it.

use std::io::{self, Write};
use std::time::Duration;

use super::dates;
use super::debuggex;
use super::options::Options;
use super::subject::dictionary;
use super::ticket::written;
use crate::cli::output::listing;
use crate::date::{Ranked, TemplateId, Templates, YearWindow};
use crate::engine::totals::Samples;
use crate::engine::{Jail, Totals};
use crate::filter::{AllGroups, Pattern};
use crate::model::{Host, Time, Zone};

/// Lines of a kind that are printed without being asked for.
pub(super) const LINES: usize = 20;

/// Everything the report says.
pub(super) struct Report<'r> {
    pub(super) options: &'r Options,
    pub(super) jail: &'r Jail,
    pub(super) totals: &'r Totals,
    /// What the prefregex captured in the first lines that it matched, if that is wanted.
    pub(super) groups: Vec<AllGroups<'r>>,
    /// Whether lines have dates that are looked for.
    pub(super) is_dated: bool,
    pub(super) elapsed: Duration,
    pub(super) now: Time,
}

/// So many lines of a kind are too many.
pub(super) fn limit(options: &Options) -> usize {
    options
        .maxlines
        .and_then(|lines| usize::try_from(lines).ok())
        .filter(|n| *n > 0)
        .unwrap_or(LINES)
}

impl Report<'_> {
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\nResults\n=======\n")?;
        self.write_prefregex(out)?;
        let filter = &self.jail.filter;
        self.write_regexes(out, "Failregex", filter.failregex(), &self.totals.failregex)?;
        self.write_regexes(out, "Ignoreregex", filter.ignoreregex(), &self.totals.ignoreregex)?;
        if self.is_dated {
            self.write_dates(out)?;
            writeln!(out)?;
        }
        let lines = self.totals.lines;
        listing::counts(out, lines)?;
        writeln!(out, "[processed in {:.2} sec]\n", self.elapsed.as_secs_f64())?;
        let Options { all_matched, all_ignored, all_missed, no_ignored, no_missed, .. } =
            *self.options;
        let totals = self.totals;
        if all_matched {
            self.write_lines(out, "Matched", &totals.matched, lines.matched, true)?;
        }
        if !no_ignored {
            self.write_lines(out, "Ignored", &totals.ignored, lines.ignored, all_ignored)?;
        }
        if !no_missed {
            self.write_lines(out, "Missed", &totals.missed, lines.missed, all_missed)?;
        }
        Ok(())
    }

    fn write_prefregex(&self, out: &mut dyn Write) -> io::Result<()> {
        let Some(prefregex) = self.jail.filter.prefregex() else { return Ok(()) };
        writeln!(out, "Prefregex: {} total", self.totals.prefregex)?;
        writeln!(out, "|  {}", debuggex::as_python(prefregex.expanded()))?;
        for groups in &self.groups {
            let items = groups.iter().map(|(name, value)| (*name, value.as_deref()));
            writeln!(out, "|      {}", dictionary(items))?;
        }
        if self.totals.prefregex > self.groups.len() as u64 && !self.groups.is_empty() {
            writeln!(out, "|      ...")?;
        }
        writeln!(out, "`-\n")
    }

    fn write_regexes(
        &self,
        out: &mut dyn Write,
        title: &str,
        regexes: &[Pattern],
        hits: &[u64],
    ) -> io::Result<()> {
        let is_verbose = self.options.verbose != 0;
        let regexes = regexes.iter().map(|regex| regex.source().into());
        listing::expressions(out, title, regexes, hits, is_verbose, |out, nth| {
            if title == "Failregex" { self.write_hits(out, nth) } else { Ok(()) }
        })
    }

    fn write_hits(&self, out: &mut dyn Write, regex: usize) -> io::Result<()> {
        for hit in self.totals.hits.iter().filter(|hit| hit.regex == regex) {
            let at = hit.at.unwrap_or(self.now).in_zone(Zone::Local);
            let at = at.format("%a %b %d %H:%M:%S %Y").to_string();
            let id = match &*hit.id {
                "" => "None".to_owned(),
                id => written(&Host::Name(id.into())),
            };
            listing::hit(out, &id, &at, hit.multiple)?;
        }
        Ok(())
    }

    fn write_dates(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Date template hits:")?;
        let templates = &self.jail.templates;
        let hits = |id: TemplateId| self.totals.dates.get(usize::from(id.0)).copied().unwrap_or(0);
        let ranking = if self.totals.ranking.is_empty() {
            templates.detector().ranking()
        } else {
            self.totals.ranking.clone()
        };
        let shown =
            ranking.iter().filter(|one| hits(one.template) > 0 || self.options.verbose != 0);
        let shown: Vec<&Ranked> = shown.collect();
        if shown.is_empty() {
            return Ok(());
        }
        writeln!(out, "|- [# of hits] date format")?;
        for Ranked { template, distance } in shown {
            writeln!(out, "|  [{}] {}", hits(*template), templates.name(*template).trim())?;
            if self.options.verbose_date {
                self.write_template(out, templates, *template, hits(*template), *distance)?;
            }
        }
        writeln!(out, "`-")
    }

    fn write_template(
        &self,
        out: &mut dyn Write,
        templates: &Templates,
        id: TemplateId,
        hits: u64,
        distance: Option<usize>,
    ) -> io::Result<()> {
        let weight = templates.weight(id) as f64;
        let worth = hits as f64 * weight / distance.unwrap_or(0).max(1) as f64;
        let years = YearWindow::around(self.now);
        let (pattern, regex) = dates::spelt(templates, id, &years);
        writeln!(out, "|      # weight: {worth:.3} ({weight:.3}), pattern: {pattern}")?;
        writeln!(out, "|      # regex:   {regex}")
    }

    fn write_lines(
        &self,
        out: &mut dyn Write,
        title: &str,
        samples: &Samples,
        count: u64,
        is_all: bool,
    ) -> io::Result<()> {
        if count == 0 {
            return Ok(());
        }
        if !is_all && count >= limit(self.options) as u64 {
            return listing::too_many(out, title, count);
        }
        let filter = &self.jail.filter;
        let regexes = if title == "Ignored" { filter.ignoreregex() } else { filter.failregex() };
        let regexes = if self.options.debuggex { regexes } else { &[] };
        if self.options.debuggex && regexes.is_empty() {
            return Ok(());
        }
        writeln!(out, "|- {title} line(s):")?;
        for line in &samples.lines {
            let text = String::from_utf8_lossy(line);
            if !self.options.debuggex {
                writeln!(out, "|  {}", text.trim_end())?;
            }
            for regex in regexes {
                let link = debuggex::link(
                    &text,
                    regex.source(),
                    &self.options.usedns,
                    filter.maxlines() > 1,
                );
                writeln!(out, "|  {text} | {} |  {link}", regex.source())?;
            }
        }
        writeln!(out, "`-")
    }
}
