//! Tables in one style: a header, a rule, aligned columns, no box.

use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// A rule below the header and nothing else.
const STYLE: TableStyle =
    TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// A column's title and whether its cells are numbers, which stand at the right.
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
/// Cells are shown printable: they may hold what a stranger wrote.
pub fn render(columns: &[Column], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| aligned(Cell::new(column.0), column)));
    for row in rows {
        let cells = row.iter().zip(columns);
        table.add_row(
            cells.map(|(cell, column)| aligned(Cell::new(crate::text::printable(cell)), column)),
        );
    }
    table.lines().fold(String::new(), |mut out, line| {
        out.push_str(line.trim_end());
        out.push('\n');
        out
    })
}

fn aligned(cell: Cell, column: &Column) -> Cell {
    cell.set_alignment(if column.1 { CellAlignment::Right } else { CellAlignment::Left })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_at_the_right_and_lines_end_clean() {
        let rows = vec![vec!["192.0.2.1".into(), "12".into()], vec!["a\x1b".into(), "3".into()]];
        let shown = render(&[left("host"), right("failures")], rows);
        assert_eq!(
            shown,
            " host        failures\n\
             ──────────────────────\n \
             192.0.2.1         12\n \
             a\\x1b              3\n"
        );
    }
}
