//! The table of `stats` (fail2ban 1.1), a jail a line.

use unicode_width::UnicodeWidthStr as _;

use super::members;
use crate::compat::Value;
use crate::compat::python::str;

/// Lines of a table: vertical, horizontal, and where they meet.
struct Lines {
    down: char,
    thin: char,
    across: char,
    dash: char,
    left: char,
    cross: char,
    middle: char,
    foot: char,
}

const DRAWN: Lines = Lines {
    down: '║',
    thin: '│',
    across: '═',
    dash: '─',
    left: '╟',
    cross: '╫',
    middle: '╬',
    foot: '╩',
};
const ASCII: Lines = Lines {
    down: '|',
    thin: '|',
    across: '-',
    dash: '-',
    left: '|',
    cross: 'x',
    middle: 'x',
    foot: '-',
};

/// A jail: name, backend, and failures and bans, current and total.
type Row = [String; 6];

/// All jails; `None` if the value isn't what a server says of them.
pub(super) fn table(value: &Value, has_lines: bool) -> Option<String> {
    let Value::Dict(jails) = value else { return None };
    if jails.is_empty() {
        return Some("No jails found.".to_owned());
    }
    let rows: Option<Vec<Row>> = jails.iter().map(|(name, jail)| row(&str(name), jail)).collect();
    Some(drawn(&rows?, if has_lines { &DRAWN } else { &ASCII }))
}

/// One jail, as `status JAIL stats` has it.
pub(super) fn of_one(jail: &str, value: &Value, has_lines: bool) -> Option<String> {
    let rows = [row(jail, value)?];
    Some(drawn(&rows, if has_lines { &DRAWN } else { &ASCII }))
}

fn row(name: &str, jail: &Value) -> Option<Row> {
    let [backend, failed, banned] = members(jail)? else { return None };
    let [failed, total_failed] = members(failed)? else { return None };
    let [banned, total_banned] = members(banned)? else { return None };
    let numbers = [failed, total_failed, banned, total_banned].map(str);
    let [failed, total_failed, banned, total_banned] = numbers;
    Some([name.to_owned(), str(backend), failed, total_failed, banned, total_banned])
}

fn drawn(rows: &[Row], lines: &Lines) -> String {
    let width = |column: usize, least: usize| {
        rows.iter().map(|row| row[column].width()).max().unwrap_or_default().max(least)
    };
    let (name, backend) = (width(0, 8), width(1, 8));
    let numbers = [2, 3, 4, 5].map(|column| width(column, 3));
    let pair = |first: usize| numbers[first] + numbers[first + 1] + 5;
    let Lines { down, thin, across, dash, left, cross, middle, foot } = lines;
    let many = |line: &char, count: usize| line.to_string().repeat(count);
    let left_columns =
        |a: &str, b: &str| format!(" {}{down} {}", padded(a, name + 1), padded(b, backend + 1));
    let right = |text: &str, of: usize| format!("{text:>width$}", width = numbers[of]);
    let rule = |meet: &char| {
        let widths = [name + 2, backend + 2, pair(0), pair(2)];
        widths.map(|width| many(across, width)).join(&meet.to_string())
    };
    let four = |cells: [&str; 4]| {
        let cells: Vec<_> = cells.iter().enumerate().map(|(of, cell)| right(cell, of)).collect();
        format!(" {} {thin} {} {down} {} {thin} {}", cells[0], cells[1], cells[2], cells[3])
    };
    let mut out = vec![
        format!(
            "{}{down} {}{down} {}",
            left_columns("", ""),
            padded("Filter", pair(0) - 1),
            padded("Actions", pair(2) - 2)
        ),
        format!(
            "{}{left}{}{cross}{}",
            left_columns("Jail", "Backend"),
            many(dash, pair(0)),
            many(dash, pair(2))
        ),
        format!("{}{down}{}", left_columns("", ""), four(["cur", "tot", "cur", "tot"])),
        rule(middle),
    ];
    for [name, backend, a, b, c, d] in rows {
        out.push(format!("{}{down}{}", left_columns(name, backend), four([a, b, c, d])));
    }
    out.push(rule(foot));
    out.join("\n")
}

fn padded(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(text.width()))
}
