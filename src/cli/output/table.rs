//! Tables in one style: a header, a rule, aligned columns, no box.

use unicode_width::UnicodeWidthStr;

use super::terminal::folded;
use crate::text::printable;

/// Texts beside a table are not folded into less than this.
const TEXT_MIN_COLUMNS: usize = 40;

/// Texts below a row are indented by so much.
const TEXT_INDENT: usize = 4;

/// A rule below texts is as wide as the terminal; this wide where there is none.
const RULE_COLUMNS: usize = 80;

/// A column's title and whether its cells are numbers, which stand at the right.
#[derive(Clone, Copy, Debug)]
pub struct Column(pub &'static str, pub bool);

/// A left-aligned column.
pub const fn left(title: &'static str) -> Column {
    Column(title, false)
}

/// A right-aligned column.
pub const fn right(title: &'static str) -> Column {
    Column(title, true)
}

/// Renders rows below a header; every line ends in a newline and none in blanks.
///
/// Cells are shown printable: they may hold what a stranger wrote. On a terminal of so many columns, a table that is
/// wider folds its cells between words; if that is not enough, the first cell of each row stands above the others.
pub fn render(columns: &[Column], rows: Vec<Vec<String>>, terminal: Option<usize>) -> String {
    let rows = with_header(columns, rows);
    let wide = Layout::wide(columns, &rows);
    let Some(width) = terminal.filter(|width| wide.columns() > *width) else {
        return wide.render(&rows);
    };
    let narrow = Layout::narrow(columns, &rows, width);
    if narrow.columns() <= width {
        return narrow.render(&rows);
    }
    let (firsts, rests): (Vec<_>, Vec<_>) =
        rows.into_iter().map(|mut row| (row.remove(0), row)).unzip();
    let rest = Layout::narrow(&columns[1..], &rests, width.saturating_sub(TEXT_INDENT));
    let mut out = String::new();
    for (nth, (first, rest_of)) in firsts.iter().zip(&rests).enumerate() {
        out.extend([first, "\n"]);
        rest.row(rest_of, TEXT_INDENT, &mut out);
        if nth == 0 {
            rule(width, &mut out);
        }
    }
    out
}

/// Renders rows whose last column, with this title, holds texts of any length, one for each row.
///
/// They are no part of the table's width. On a terminal they are folded beside the table, or, where that leaves them
/// too little room, each below its row.
pub fn render_texts(
    columns: &[Column],
    title: &str,
    rows: Vec<(Vec<String>, String)>,
    terminal: Option<usize>,
) -> String {
    let (rows, mut texts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    texts.insert(0, title.to_owned());
    let longest = texts.iter().map(|text| text.width()).max().unwrap_or_default();
    let rows = with_header(columns, rows);
    let layout = Layout::wide(columns, &rows);
    // A column's padding, and the blank before it.
    let indent = layout.columns() + 2;
    let is_beside = terminal
        .is_none_or(|width| indent + longest <= width || indent + TEXT_MIN_COLUMNS <= width);
    let mut out = String::new();
    for (nth, (row, text)) in rows.iter().zip(&texts).enumerate() {
        let mut line = String::new();
        layout.row(row, layout.margin, &mut line);
        let (line, text) = (line.trim_end(), printable(text));
        if is_beside {
            let blanks = " ".repeat(indent.saturating_sub(line.width()));
            out.push_str(&folded(&format!("{line}{blanks}{text}"), terminal, indent));
        } else {
            out.push_str(line);
            if nth > 0 && !text.is_empty() {
                let below = format!("{}{text}", " ".repeat(TEXT_INDENT));
                out.extend(["\n", &folded(&below, terminal, TEXT_INDENT)]);
            }
        }
        out.truncate(out.trim_end_matches(' ').len());
        out.push('\n');
        if nth == 0 {
            rule(terminal.unwrap_or(RULE_COLUMNS).min(indent + longest), &mut out);
        }
    }
    out
}

/// The titles as the first row, and all cells printable.
fn with_header(columns: &[Column], rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let titles = columns.iter().map(|column| column.0.to_owned()).collect();
    let shown = |row: Vec<String>| row.iter().map(|cell| printable(cell).into_owned()).collect();
    std::iter::once(titles).chain(rows.into_iter().map(shown)).collect()
}

fn rule(columns: usize, out: &mut String) {
    out.extend(std::iter::repeat_n('─', columns));
    out.push('\n');
}

/// How wide the columns of a table are, and what is between them.
struct Layout<'c> {
    columns: &'c [Column],
    widths: Vec<usize>,
    /// Blanks before and behind the row.
    margin: usize,
    /// Blanks between columns.
    gap: usize,
}

impl<'c> Layout<'c> {
    /// Each column as wide as its widest cell.
    fn wide(columns: &'c [Column], rows: &[Vec<String>]) -> Self {
        let widths = (0..columns.len()).map(|column| width_of(rows, column, usize::MAX)).collect();
        Self { columns, widths, margin: 1, gap: 3 }
    }

    /// The widest columns folded, one after the other, until the row fits or nothing more can be folded.
    fn narrow(columns: &'c [Column], rows: &[Vec<String>], room: usize) -> Self {
        let mut layout = Self { margin: 0, gap: 2, ..Self::wide(columns, rows) };
        let mut foldable: Vec<usize> = (0..columns.len()).collect();
        while layout.columns() > room {
            let widest = (0..foldable.len()).max_by_key(|nth| layout.widths[foldable[*nth]]);
            let Some(widest) = widest else { break };
            let column = foldable[widest];
            let width = width_of(rows, column, layout.widths[column].saturating_sub(1));
            if width < layout.widths[column] {
                layout.widths[column] = width;
            } else {
                foldable.swap_remove(widest);
            }
        }
        layout
    }

    /// The width of a row.
    fn columns(&self) -> usize {
        let gaps = self.gap * self.widths.len().saturating_sub(1);
        self.widths.iter().sum::<usize>() + gaps + 2 * self.margin
    }

    fn render(&self, rows: &[Vec<String>]) -> String {
        let mut out = String::new();
        for (nth, row) in rows.iter().enumerate() {
            self.row(row, self.margin, &mut out);
            if nth == 0 {
                rule(self.columns(), &mut out);
            }
        }
        out
    }

    /// The lines of a row, without blanks at their ends.
    fn row(&self, row: &[String], indent: usize, out: &mut String) {
        let cells = row.iter().zip(&self.widths);
        let cells: Vec<String> = cells.map(|(cell, width)| folded(cell, Some(*width), 0)).collect();
        let lines = cells.iter().map(|cell| cell.lines().count()).max().unwrap_or_default();
        for line in 0..lines {
            let mut text = " ".repeat(indent);
            for (nth, (cell, width)) in cells.iter().zip(&self.widths).enumerate() {
                let cell = cell.lines().nth(line).unwrap_or_default();
                let blanks = " ".repeat(width.saturating_sub(cell.width()));
                let gap = if nth > 0 { " ".repeat(self.gap) } else { String::new() };
                let is_right = self.columns[nth].1;
                text.extend(if is_right { [&gap, &*blanks, cell] } else { [&gap, cell, &*blanks] });
            }
            out.extend([text.trim_end(), "\n"]);
        }
    }
}

/// How wide a column is if its cells are folded to at most `limit`, which a single word may exceed.
fn width_of(rows: &[Vec<String>], column: usize, limit: usize) -> usize {
    let lines = rows.iter().filter_map(|row| {
        folded(row.get(column)?, Some(limit), 0).lines().map(UnicodeWidthStr::width).max()
    });
    lines.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_lines_end_clean() {
        let rows = vec![vec!["192.0.2.1".into(), "12".into()], vec!["a\x1b".into(), "3".into()]];
        let shown = render(&[left("host"), right("failures")], rows, None);
        assert_eq!(
            shown,
            " host        failures\n\
             ──────────────────────\n \
             192.0.2.1         12\n \
             a\\x1b              3\n"
        );
    }

    fn bans(terminal: Option<usize>) -> String {
        let row = ["2001:db8::1", "sshd", "12", "2026-11-20 12:00:00", "2026-11-22 12:00:00"];
        let columns =
            [left("host"), left("jail"), right("failures"), left("banned"), left("until")];
        render(&columns, vec![row.map(str::to_owned).to_vec()], terminal)
    }

    #[test]
    fn a_table_that_is_too_wide_folds_its_cells() {
        let natural = bans(None);
        assert_eq!(bans(Some(77)), natural);
        assert_eq!(
            bans(Some(59)),
            "host         jail  failures  banned      until\n\
             ───────────────────────────────────────────────────\n\
             2001:db8::1  sshd        12  2026-11-20  2026-11-22\n\
             \x20                            12:00:00    12:00:00\n"
        );
        assert_eq!(
            bans(Some(50)),
            "host\n\
             \x20   jail  failures  banned      until\n\
             ──────────────────────────────────────────────────\n\
             2001:db8::1\n\
             \x20   sshd        12  2026-11-20  2026-11-22\n\
             \x20                   12:00:00    12:00:00\n"
        );
    }

    fn history(terminal: Option<usize>) -> String {
        let text = "Nov 20 09:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22";
        let row = ["09:00:00", "failure", "sshd"].map(str::to_owned).to_vec();
        let columns = [left("time"), left("what"), left("jail")];
        render_texts(&columns, "text", vec![(row, text.to_owned())], terminal)
    }

    #[test]
    fn texts_stand_beside_the_table_or_below_their_row() {
        let rule = |width: usize| "─".repeat(width);
        let beside = " time       what      jail   text\n";
        let row = " 09:00:00   failure   sshd";
        let text = "Nov 20 09:00:00 h sshd[1]: Failed password for root from 192.0.2.1 port 22";
        assert_eq!(history(None), format!("{beside}{}\n{row}   {text}\n", rule(80)));
        let (wide, rest) = text.split_once(" from ").unwrap_or_default();
        assert_eq!(
            history(Some(80)),
            format!("{beside}{}\n{row}   {wide}\n{}from {rest}\n", rule(80), " ".repeat(29))
        );
        let (wide, rest) = text.split_once(" root ").unwrap_or_default();
        assert_eq!(
            history(Some(50)),
            format!(
                " time       what      jail\n{}\n{row}\n    {wide}\n    root {rest}\n",
                rule(50)
            )
        );
    }
}
