//! What f2b's report and fail2ban-regex's have in common, line for line: expressions with their hits, and lines by kind.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::engine::totals::LineCounts;

/// Lists expressions with their hits: those that have any, or all. Behind each its own lines are written, by its number.
pub fn expressions<'r>(
    out: &mut dyn Write,
    title: &str,
    regexes: impl Iterator<Item = Cow<'r, str>>,
    hits: &[u64],
    is_verbose: bool,
    mut details: impl FnMut(&mut dyn Write, usize) -> io::Result<()>,
) -> io::Result<()> {
    writeln!(out, "{title}: {} total", hits.iter().sum::<u64>())?;
    let all = regexes.zip(hits).enumerate();
    let mut shown = all.filter(|(_, (_, hits))| **hits > 0 || is_verbose).peekable();
    if shown.peek().is_some() {
        writeln!(out, "|-  #) [# of hits] regular expression")?;
        for (nth, (regex, hits)) in shown {
            writeln!(out, "|  {:>2}) [{hits}] {regex}", nth + 1)?;
            details(out, nth)?;
        }
        writeln!(out, "`-")?;
    }
    writeln!(out)
}

/// One hit of an expression: whose, and when.
pub fn hit(out: &mut dyn Write, id: &str, at: &str, is_multiple: bool) -> io::Result<()> {
    let more = if is_multiple { " (multiple regex matched)" } else { "" };
    writeln!(out, "|      {id}  {at}{more}")
}

/// How many lines of each kind there were.
pub fn counts(out: &mut dyn Write, lines: LineCounts) -> io::Result<()> {
    writeln!(
        out,
        "Lines: {} lines, {} ignored, {} matched, {} missed",
        lines.tested(),
        lines.ignored,
        lines.matched,
        lines.missed
    )
}

/// That there are more lines of a kind than are printed without being asked for.
pub fn too_many(out: &mut dyn Write, title: &str, count: u64) -> io::Result<()> {
    let kind = title.to_lowercase();
    writeln!(
        out,
        "{title} line(s): too many to print.  Use --print-all-{kind} to print all {count} lines"
    )
}
