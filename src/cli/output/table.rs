//! Tables in one style: a header, a rule, aligned columns, no box; and how they fit a terminal.

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table, TableStyle, Width,
};
use unicode_width::UnicodeWidthStr;

use super::terminal::folded;
use crate::text::printable;

/// A rule below the header, and for [`blocks`] one between rows that no cell can hold.
const STYLE: TableStyle = TableStyle::new()
    .header_separator(LineStyle::none().fill('─').junction('─'))
    .row_separator(LineStyle::none().fill(BETWEEN_ROWS).junction(BETWEEN_ROWS));

/// No printable text has it.
const BETWEEN_ROWS: char = '\0';

/// Texts beside a table are not folded into less than this.
const TEXT_MIN_COLUMNS: usize = 40;

/// What stands below its row is indented by so much.
const INDENT: u16 = 4;

/// The rule of a table with texts is no wider than this where there is no terminal.
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
/// wider folds its cells between words; if that is not enough, the first cell of each row stands above the others, and
/// if not even that is, each cell beside its title.
pub fn render(columns: &[Column], rows: Vec<Vec<String>>, terminal: Option<usize>) -> String {
    blocks(columns, &shown(rows), terminal).concat()
}

/// Renders rows whose last column, with this title, holds texts of any length, one for each row.
///
/// On a terminal they are folded beside the table, or, where that leaves them too little room, each below its row.
pub fn render_texts(
    columns: &[Column],
    title: &'static str,
    rows: Vec<(Vec<String>, String)>,
    terminal: Option<usize>,
) -> String {
    let (mut rows, texts): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    rows = shown(rows);
    let texts: Vec<String> = texts.iter().map(|text| printable(text).into_owned()).collect();
    let mut with_texts = rows.clone();
    for (row, text) in with_texts.iter_mut().zip(&texts) {
        row.push(text.clone());
    }
    let all = [columns, &[left(title)]].concat();
    let mut beside = wide(&all, &with_texts);
    let Some(width) = terminal else {
        return per_row(&beside, RULE_COLUMNS).concat();
    };
    let taken = columns_of(&wide(columns, &rows)) + 3;
    if columns_of(&beside) > width && taken + TEXT_MIN_COLUMNS > width {
        let mut out = String::new();
        let blocks = blocks(columns, &rows, terminal);
        let heads = blocks.len().saturating_sub(rows.len());
        let below = std::iter::repeat_n("", heads).chain(texts.iter().map(String::as_str));
        for (block, text) in blocks.iter().zip(below) {
            out.push_str(block);
            if !text.is_empty() {
                let text = format!("{}{text}", " ".repeat(INDENT.into()));
                out.extend([&*folded(&text, terminal, INDENT.into()), "\n"]);
            }
        }
        return out;
    }
    for (nth, column) in beside.column_iter_mut().enumerate() {
        if nth < columns.len() {
            column.set_constraint(ColumnConstraint::ContentWidth);
        } else {
            column.set_padding((1, 0));
        }
    }
    per_row(fitted(&mut beside, width), width).concat()
}

/// The header, where there is one, and each row, in the first way that fits the terminal.
fn blocks(columns: &[Column], rows: &[Vec<String>], terminal: Option<usize>) -> Vec<String> {
    let table = wide(columns, rows);
    let Some(width) = terminal.filter(|width| columns_of(&table) > *width) else {
        return per_row(&table, usize::MAX);
    };
    if let Some(table) = narrow(columns, rows, 0, width) {
        return per_row(&table, width);
    }
    let Some((head, rest)) = columns.split_first() else { return Vec::new() };
    let rests: Vec<_> = rows.iter().map(|row| row.get(1..).unwrap_or_default().to_vec()).collect();
    let heads =
        std::iter::once(head.0).chain(rows.iter().map(|row| row.first().map_or("", |cell| cell)));
    if heads.clone().all(|head| head.width() <= width)
        && let Some(table) = narrow(rest, &rests, INDENT, width)
    {
        return heads
            .zip(per_row(&table, width))
            .map(|(head, rest)| format!("{head}\n{rest}"))
            .collect();
    }
    rows.iter().map(|row| list(columns, row, width)).collect()
}

/// Each cell of a row beside its title, and an empty line.
fn list(columns: &[Column], row: &[String], width: usize) -> String {
    let mut table = Table::new();
    table.load_style(STYLE.row_separator(LineStyle::none()));
    for (column, cell) in columns.iter().zip(row) {
        table.add_row([column.0, cell]);
    }
    pad(&mut table, 0);
    per_row(fitted(&mut table, width), width).concat() + "\n"
}

/// Each column as wide as its widest cell.
fn wide(columns: &[Column], rows: &[Vec<String>]) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| column.0));
    table.add_rows(rows.iter().map(|row| row.iter().map(Cell::new)));
    for (column, Column(_, is_right)) in table.column_iter_mut().zip(columns) {
        if *is_right {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// Columns closer to each other, and cells folded between words; `None` if that isn't narrow enough.
fn narrow(columns: &[Column], rows: &[Vec<String>], indent: u16, width: usize) -> Option<Table> {
    let mut table = wide(columns, rows);
    pad(&mut table, indent);
    let mut least = table.column_count().saturating_sub(1);
    for (nth, Column(title, _)) in columns.iter().enumerate() {
        let cells = rows.iter().filter_map(|row| row.get(nth)).map(String::as_str);
        let words = std::iter::once(*title).chain(cells).flat_map(|cell| cell.split(' '));
        let word = words.map(UnicodeWidthStr::width).max().unwrap_or_default();
        let column = table.column_mut(nth)?;
        let room = word + usize::from(column.padding_width());
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(room.try_into().ok()?)));
        least += room;
    }
    (least <= width).then(|| {
        fitted(&mut table, width);
        table
    })
}

/// Two blanks between columns, none around them but an indent.
fn pad(table: &mut Table, indent: u16) {
    let last = table.column_count().saturating_sub(1);
    for (nth, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if nth == 0 { indent } else { 0 }, u16::from(nth < last)));
    }
}

/// A table that folds its cells if it is wider than this.
fn fitted(table: &mut Table, width: usize) -> &Table {
    let width = width.try_into().unwrap_or(u16::MAX);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width)
}

/// The width of a table that isn't folded.
fn columns_of(table: &Table) -> usize {
    let cells: usize = table.column_max_content_widths().into_iter().map(usize::from).sum();
    let padding: usize =
        table.column_iter().map(|column| usize::from(column.padding_width())).sum();
    cells + padding + table.column_iter().count().saturating_sub(1)
}

/// The header with its rule, which is no wider than `rule`, and each row.
fn per_row(table: &Table, rule: usize) -> Vec<String> {
    let mut rows = vec![String::new()];
    let mut is_header = table.header().is_some();
    for line in table.lines() {
        let is_rule = is_header && line.starts_with('─');
        if is_rule || line.starts_with(BETWEEN_ROWS) {
            if let Some(header) = rows.last_mut().filter(|_| is_rule) {
                header.extend(line.chars().take(rule).chain(['\n']));
            }
            is_header &= !is_rule;
            rows.push(String::new());
        } else if let Some(row) = rows.last_mut() {
            row.extend([line.trim_end(), "\n"]);
        }
    }
    rows
}

fn shown(rows: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let cells = |row: Vec<String>| row.iter().map(|cell| printable(cell).into_owned()).collect();
    rows.into_iter().map(cells).collect()
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
             ──────────────────────────────────────────\n\
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
                rule(27)
            )
        );
    }

    #[test]
    fn a_table_fits_every_terminal_and_breaks_no_word() {
        let hosts = ["2001:db8:85a3:8d3:1319:8a2e:370:7348", "192.0.2.1"];
        let words = |text: &str| -> Vec<String> {
            let words = text.split_whitespace().filter(|word| !word.starts_with('─'));
            words.map(str::to_owned).collect()
        };
        let columns = [left("host"), right("failures"), left("last"), left("banned")];
        let row = |host: &str| {
            ["12", "2026-11-20 12:00:00", "until 2026-11-22 12:00:00"]
                .into_iter()
                .fold(vec![host.to_owned()], |row, cell| [row, vec![cell.to_owned()]].concat())
        };
        let rows: Vec<Vec<String>> = hosts.into_iter().map(row).collect();
        let all = words(&render(&columns, rows.clone(), None));
        for width in 46..120 {
            let shown = render(&columns, rows.clone(), Some(width));
            let found = words(&shown);
            assert!(shown.lines().all(|line| line.width() <= width), "{width}:\n{shown}");
            assert!(all.iter().all(|word| found.contains(word)), "{width}:\n{shown}");
        }
        for width in 12..46 {
            let shown = render(&columns, rows.clone(), Some(width));
            assert!(shown.lines().all(|line| line.width() <= width), "{width}:\n{shown}");
        }
        for width in 16..120 {
            let shown = history(Some(width));
            assert!(shown.lines().all(|line| line.width() <= width), "{width}:\n{shown}");
        }
    }
}
