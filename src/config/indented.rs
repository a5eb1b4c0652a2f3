//! Options and headers that are indented by mistake, and so belong to the value above them.
//!
//! To Python's `ConfigParser` a line that is indented deeper than the option above it goes on with that
//! option's value. Nothing is wrong with the text then; what it says is just not what its author reads.

use super::merged::Options;
use super::traced::{Text, Traced};
use crate::diag::{Diagnostic, Severity};
use crate::text;

const ID: &str = "indented-option";

/// Options whose lines are expressions, in which `port = ` or `[preauth]` may be text.
const EXPRESSIONS: [&str; 4] = ["failregex", "ignoreregex", "prefregex", "datepattern"];

/// Which headers mean something: those of this name, in an expression or not.
type IsSection<'s> = &'s dyn Fn(&str, bool) -> bool;

/// Drops what else was found wrong with the lines that are indented, and with values that have such a line: it says
/// the same less clearly.
pub(crate) fn explain(findings: &mut Vec<Diagnostic>) {
    let mut indented: Vec<Diagnostic> = Vec::new();
    findings.retain(|found| {
        let is_new = found.id == ID && !indented.iter().any(|known| known.at == found.at);
        indented.extend(is_new.then(|| found.clone()));
        found.id != ID
    });
    for told in &mut indented {
        findings.retain(|found| {
            let is_explained = told.at == found.at || has_line_of(found, told);
            if is_explained {
                told.severity = told.severity.max(found.severity);
            }
            !is_explained
        });
    }
    findings.append(&mut indented);
}

/// Whether a finding is about a value of several lines, one of which is that of the other.
fn has_line_of(found: &Diagnostic, indented: &Diagnostic) -> bool {
    let file = |found: &Diagnostic| found.at.as_ref().map(|at| at.file.clone());
    let (Some(value), Some(line)) = (&found.text, &indented.text) else { return false };
    value.lines().skip(1).any(|known| known == line) && file(found) == file(indented)
}

/// Findings for the lines in the values of `options` that were meant to be options, of a name that `is_known`, or
/// headers.
pub(super) fn findings(
    options: &Options,
    is_known: &dyn Fn(&str) -> bool,
    is_section: IsSection<'_>,
) -> Vec<Diagnostic> {
    let values = options.iter().filter_map(|(name, stack)| Some((name, stack.last()?)));
    let values = values.filter(|(_, value)| value.value.contains('\n'));
    values.flat_map(|(name, value)| in_value(name, value, is_known, is_section)).collect()
}

fn in_value(
    option: &str,
    value: &Traced,
    is_known: &dyn Fn(&str) -> bool,
    is_section: IsSection<'_>,
) -> Vec<Diagnostic> {
    let is_expression = EXPRESSIONS.contains(&option);
    let mut depth = 0;
    let mut found = Vec::new();
    // The first line stands behind the option's name.
    let own = value.at.location();
    for line in value.lines() {
        let name = option_in(&line.value).filter(|name| is_known(name));
        let name = name.filter(|name| !is_expression || EXPRESSIONS.contains(&&**name));
        let header = header_in(&line.value).filter(|name| is_section(name, is_expression));
        let is_free = line.at != own && (depth == 0 || is_expression);
        depth += balance(&line.value);
        if let Some(what) = name.or(header).filter(|_| is_free) {
            found.push(indented(option, &what, line));
        }
    }
    found
}

fn indented(option: &str, what: &str, line: Text) -> Diagnostic {
    let message = format!(
        "'{}' is indented, and so a part of the '{}' above it",
        text::shown(what),
        text::shown(option)
    );
    Diagnostic::new(ID, Severity::Warning, message)
        .with_location(line.at)
        .with_text(line.value)
        .with_help("begin its line without blanks")
}

/// The name in `name = value` or `name: value`, in small letters.
fn option_in(line: &str) -> Option<String> {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let len = line.find(|c| !is_name(c)).filter(|len| *len > 0)?;
    let rest = line[len..].trim_start();
    let is_option = rest.starts_with('=') || rest.starts_with(": ");
    is_option.then(|| line[..len].to_lowercase())
}

/// The name in `[name]`.
fn header_in(line: &str) -> Option<String> {
    let name = line.strip_prefix('[')?.strip_suffix(']')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    (!name.is_empty() && name.chars().all(is_name)).then(|| name.to_owned())
}

/// How many brackets a line opens more than it closes: what is in those of an action are its parameters.
fn balance(line: &str) -> i32 {
    line.chars().fold(0, |depth, c| match c {
        '[' => depth + 1,
        ']' => depth - 1,
        _ => depth,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::rc::Rc;

    use super::super::traced::Line;
    use super::*;

    /// The lines of a value that are found.
    fn found(option: &str, value: &str) -> Vec<String> {
        let at = Line { file: Path::new("f").into(), line: 1 };
        let lines: Vec<u32> = (1..).take(value.lines().count()).collect();
        let value = Traced::with_lines(value.to_owned(), at, &lines);
        let options = [(option.to_owned(), vec![Rc::new(value)])].into();
        let is_known = |name: &str| ["port", "findtime", "failregex"].contains(&name);
        let is_section = |name: &str, is_expression: bool| !is_expression || name == "sshd";
        let found = findings(&options, &is_known, &is_section);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_line_like_an_option_is_told() {
        assert_eq!(
            found("enabled", "true\nport = 22"),
            ["f:2: 'port' is indented, and so a part of the 'enabled' above it; \
              begin its line without blanks"]
        );
        assert_eq!(found("bantime", "1h\nFindTime: 22").len(), 1);
        assert_eq!(found("logpath", "/a\n/b\n[sshd]\nport=1").len(), 2);
        assert_eq!(found("failregex", "a\nfailregex = b").len(), 1);
    }

    #[test]
    fn what_may_be_meant_is_not() {
        for (option, value) in [
            ("action", "a[x=1,\nport=22]"),
            ("failregex", "a\nport = \\d+ <HOST>"),
            ("logpath", "/a\n/b=c"),
            ("ignoreregex", "a\n[preauth]"),
            ("enabled", "port = 22"),
        ] {
            assert_eq!(found(option, value), [""; 0], "{option} = {value}");
        }
    }
}
