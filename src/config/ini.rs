//! One configuration file: bytes to sections of raw options, each value line with its own number.
//!
//! The dialect is that of Python's `ConfigParser` as fail2ban sets it up: `=` or `:` after the name,
//! values continued by indentation *relative to the option's own line*, blank lines inside values,
//! `#` and `;` comments on lines of their own and ` ;` comments behind text.
//!
//! Everything wrong in a file is found in one pass. A finding names the section that it spoils: of the
//! jails' files that jail is lost, a filter or an action as a whole, since half of one is worse than none.

use std::collections::HashMap;
use std::path::Path;

use crate::diag::{Diagnostic, Location, Severity};
use crate::text;

/// A value and the number of each of its lines.
#[derive(Clone, Debug)]
pub(super) struct RawOption {
    /// In lower case.
    pub(super) name: String,
    /// Lines joined by `\n`, trailing white space removed.
    pub(super) value: String,
    /// The line of the name.
    pub(super) at: u32,
    /// For each line of the value the line of the file.
    pub(super) lines: Vec<u32>,
}

/// A `[name]` and what is below it.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// As written: upper and lower case differ, blanks count.
    pub(super) name: String,
    pub(super) at: Location,
    pub(super) options: Vec<RawOption>,
}

/// A file after reading.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) sections: Vec<Section>,
    pub(super) findings: Vec<Diagnostic>,
}

/// Reads the bytes of one file.
pub(super) fn parse(file: &Path, bytes: &[u8]) -> Parsed {
    let mut reader = Reader::new(file);
    let bytes = match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => {
            reader.find(
                "byte-order-mark",
                Severity::Warning,
                1,
                "the file begins with a byte order mark".to_owned(),
                "save it without one; fail2ban can't read it",
            );
            rest
        }
        None => bytes,
    };
    match std::str::from_utf8(bytes) {
        Ok(content) => {
            for (index, line) in lines(content).enumerate() {
                reader.line(u32::try_from(index + 1).unwrap_or(u32::MAX), line);
            }
        }
        Err(error) => reader.not_utf8(bytes, error.valid_up_to()),
    }
    reader.finish()
}

/// Lines that end in `\n`, `\r\n` or `\r`.
fn lines(content: &str) -> impl Iterator<Item = &str> {
    let mut rest = content;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let (line, tail) = rest.split_at(end);
        rest = tail.strip_prefix("\r\n").or_else(|| tail.get(1..)).unwrap_or("");
        Some(line)
    })
}

/// The line without a `;` comment, and whether there was one.
fn without_comment(line: &str) -> (&str, bool) {
    if memchr::memchr(b';', line.as_bytes()).is_none() {
        return (line, false);
    }
    let mut blank_before = true;
    for (index, c) in line.char_indices() {
        if c == ';' && blank_before {
            return (&line[..index], true);
        }
        blank_before = is_blank(c);
    }
    (line, false)
}

/// Whether a comment has what a comment hardly ever has.
fn looks_like_regex(comment: &str) -> bool {
    let tags = ["<HOST>", "<ADDR>", "<IP4>", "<IP6>", "<DNS>", "<CIDR>", "<SUBNET>", "<F-"];
    let escapes = ["\\S", "\\d", "\\s", "\\[", "\\(", ".*", ".+", "[^"];
    comment.ends_with('$') || tags.iter().chain(&escapes).any(|part| comment.contains(part))
}

/// What Python calls white space: Unicode's, and four separators.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c)
}

/// An option whose value may go on.
struct Open {
    name: String,
    at: u32,
    indent: usize,
    /// Each line of the file that the value has, and its text.
    lines: Vec<(u32, String)>,
}

struct Reader<'f> {
    file: &'f Path,
    parsed: Parsed,
    open: Option<Open>,
    /// The options of the current section and their lines.
    seen: HashMap<String, u32>,
}

impl<'f> Reader<'f> {
    fn new(file: &'f Path) -> Self {
        Self { file, parsed: Parsed::default(), open: None, seen: HashMap::new() }
    }

    fn find(
        &mut self,
        id: &'static str,
        severity: Severity,
        line: u32,
        message: String,
        help: &str,
    ) {
        let mut finding = Diagnostic::new(id, severity, message)
            .with_location(Location::new(self.file, line))
            .with_help(help);
        // What is wrong in a section concerns that one; in these, all.
        let section = self.parsed.sections.last().map(|section| &*section.name);
        finding.subject =
            section.filter(|name| !matches!(*name, "DEFAULT" | "INCLUDES")).map(str::to_owned);
        self.parsed.findings.push(finding);
    }

    fn not_utf8(&mut self, bytes: &[u8], offset: usize) {
        let before = memchr::memchr_iter(b'\n', &bytes[..offset]).count();
        let line = u32::try_from(before + 1).unwrap_or(u32::MAX);
        let message = format!("byte {offset} is not UTF-8, so that the file is passed over");
        self.find("not-utf8", Severity::Warning, line, message, "save the file as UTF-8");
    }

    fn line(&mut self, number: u32, line: &str) {
        let (text, has_comment) = without_comment(line);
        let whole = line.trim_matches(is_blank);
        let is_comment = whole.starts_with('#') || whole.starts_with(';');
        let stripped = if is_comment { "" } else { text.trim_matches(is_blank) };
        let indent = line.chars().take_while(|c| is_blank(*c)).count();
        if stripped.is_empty() {
            if let (false, false, Some(open)) = (is_comment, has_comment, &mut self.open) {
                open.lines.push((number, String::new()));
            }
            let is_within = self.open.as_ref().is_some_and(|open| indent > open.indent);
            if is_comment && is_within {
                self.lost(number, whole, Severity::Note);
            }
            return;
        }
        if let Some(open) = self.open.as_mut().filter(|open| indent > open.indent) {
            open.lines.push((number, stripped.to_owned()));
        } else if let Some(name) = header(stripped) {
            self.section(number, name);
        } else {
            self.option(number, indent, stripped);
        }
        if has_comment {
            self.lost(number, line[text.len()..].trim_end_matches(is_blank), Severity::Warning);
        }
    }

    /// Tells of a comment that may be meant as a part of an expression.
    fn lost(&mut self, number: u32, comment: &str, severity: Severity) {
        let Some(name) = self.open.as_ref().map(|open| open.name.clone()) else { return };
        if !name.ends_with("regex") || !looks_like_regex(comment) {
            return;
        }
        let (name, mark) = (text::printable(&name), &comment[..1]);
        let message = match severity {
            Severity::Note => {
                format!("a line of this {name} begins with '{mark}': it is a comment")
            }
            _ => format!("what is behind ' {mark}' in this {name} is a comment"),
        };
        let help = format!("write '\\{mark}' where it is a part of the expression");
        self.find("regex-in-comment", severity, number, message, &help);
        if let Some(found) = self.parsed.findings.last_mut() {
            found.text = Some(comment.to_owned());
        }
    }

    fn section(&mut self, number: u32, name: &str) {
        self.close();
        let at = Location::new(self.file, number);
        let sections = &mut self.parsed.sections;
        let first = sections.iter().position(|section| section.name == name);
        if let (Some(index), "DEFAULT") = (first, name) {
            // Python adds to it.
            let default = sections.remove(index);
            let options = default.options.iter();
            self.seen = options.map(|option| (option.name.clone(), option.at)).collect();
            sections.push(default);
            return;
        }
        let first = first.map(|index| sections[index].at.line);
        self.seen.clear();
        self.parsed.sections.push(Section { name: name.to_owned(), at, options: Vec::new() });
        if let Some(first) = first {
            let message = format!("section [{}] is here twice", text::printable(name));
            let help = format!("put everything below the first one, at line {first}");
            self.find("duplicate-section", Severity::Error, number, message, &help);
        }
    }

    fn option(&mut self, number: u32, indent: usize, line: &str) {
        self.close();
        let shown = text::shown(line);
        if self.parsed.sections.is_empty() {
            let message = format!("'{shown}' is before the first section");
            return self.find(
                "no-section",
                Severity::Error,
                number,
                message,
                "write a header such as [DEFAULT] or [sshd] above it",
            );
        }
        let Some((name, value)) = line.split_once(['=', ':']) else {
            let message = format!("'{shown}' is no option");
            let help = "write 'name = value', or indent it to continue the value above";
            return self.find("no-delimiter", Severity::Error, number, message, help);
        };
        let name = name.trim_end_matches(is_blank).to_lowercase();
        if name.is_empty() {
            let message = format!("'{shown}' has no name");
            return self.find(
                "no-delimiter",
                Severity::Error,
                number,
                message,
                "write 'name = value'",
            );
        }
        self.open = Some(Open {
            name,
            at: number,
            indent,
            lines: vec![(number, value.trim_start_matches(is_blank).to_owned())],
        });
    }

    /// Ends the current option.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let Some(section) = self.parsed.sections.last_mut() else { return };
        if let Some(first) = self.seen.get(&open.name) {
            let message = format!(
                "option '{}' is twice in [{}]",
                text::printable(&open.name),
                text::printable(&section.name)
            );
            let help = format!("remove one of them; the first is at line {first}");
            return self.find("duplicate-option", Severity::Error, open.at, message, &help);
        }
        let mut lines = open.lines;
        // Blank ones at the end are none of it.
        let is_blank_line = |(_, line): &(u32, String)| line.trim_end_matches(is_blank).is_empty();
        while lines.len() > 1 && lines.last().is_some_and(is_blank_line) {
            lines.pop();
        }
        let (numbers, texts): (Vec<u32>, Vec<String>) = lines.into_iter().unzip();
        let mut value = texts.join("\n");
        value.truncate(value.trim_end_matches(is_blank).len());
        self.seen.insert(open.name.clone(), open.at);
        section.options.push(RawOption { name: open.name, value, at: open.at, lines: numbers });
    }

    fn finish(mut self) -> Parsed {
        self.close();
        self.parsed
    }
}

/// The name in `[name]`: up to the last bracket, whatever follows it.
fn header(line: &str) -> Option<&str> {
    let inner = line.strip_prefix('[')?;
    let name = &inner[..inner.rfind(']')?];
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &str) -> Parsed {
        parse(Path::new("f"), content.as_bytes())
    }

    /// The options below a `[s]`.
    fn options(content: &str) -> Vec<(String, String)> {
        let parsed = read(&format!("[s]\n{content}"));
        assert_eq!(parsed.findings, [], "{content}");
        let options = parsed.sections.into_iter().next().expect("[s] was written").options;
        options.into_iter().map(|option| (option.name, option.value)).collect()
    }

    fn ids(content: &[u8]) -> Vec<(&'static str, u32)> {
        let found = parse(Path::new("f"), content).findings;
        found.iter().map(|found| (found.id, found.at.as_ref().map_or(0, |at| at.line))).collect()
    }

    #[test]
    fn values_are_read_as_python_reads_them() {
        for (content, name, value) in [
            ("a = x ;c", "a", "x"),
            ("a = x\t; c", "a", "x"),
            ("a = x\u{a0}; c", "a", "x"),
            ("a = x;c", "a", "x;c"),
            ("a = x # c", "a", "x # c"),
            ("e =;x", "e", ";x"),
            ("f = ; x", "f", ""),
            ("r = ^a\n  ^b ;? x", "r", "^a\n^b"),
            ("a=\n  x\n  y", "a", "\nx\ny"),
            ("a = 1\n  2\n\n  3\n# c\n  4", "a", "1\n2\n\n3\n4"),
            ("b = 2\n    c = 3", "b", "2\nc = 3"),
            ("a = 1\n  [b] c", "a", "1\n[b] c"),
            ("a: 1", "a", "1"),
            ("b:c = 2", "b", "c = 2"),
            ("d=e:f", "d", "e:f"),
            ("a = b = c", "a", "b = c"),
            ("a =  x   y  ", "a", "x   y"),
            ("rem x = 1", "rem x", "1"),
            ("LogPath = /A", "logpath", "/A"),
            ("a = 1\r\n  2\r  3", "a", "1\n2\n3"),
            ("a = 1\n\n\n", "a", "1"),
        ] {
            assert_eq!(options(content), [(name.to_owned(), value.to_owned())], "{content:?}");
        }
    }

    #[test]
    fn less_indented_is_a_new_option() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(options("  a = 1\n b = 2"), [pair("a", "1"), pair("b", "2")]);
    }

    #[test]
    fn each_line_of_a_value_knows_its_number() {
        let parsed = read("[s]\nr =\n# no\n  a\n\n  b\n");
        let option = &parsed.sections[0].options[0];
        assert_eq!(
            (option.value.as_str(), option.lines.as_slice()),
            ("\na\n\nb", &[2, 4, 5, 6][..])
        );
    }

    #[test]
    fn an_expression_in_a_comment_is_told() {
        let found = |content: &str| -> Vec<String> {
            let parsed = read(&format!("[s]\n{content}"));
            parsed.findings.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            found("failregex = ^a\n  ;b <HOST>"),
            ["f:3: a line of this failregex begins with ';': it is a comment; \
              write '\\;' where it is a part of the expression"]
        );
        assert_eq!(
            found("failregex = ^a ; b <HOST>$"),
            ["f:2: what is behind ' ;' in this failregex is a comment; \
              write '\\;' where it is a part of the expression"]
        );
        assert_eq!(found("ignoreregex = a\n  #\\d+ b").len(), 1);
        for quiet in [
            "failregex = ^a <HOST>\n  # the newer form",
            "failregex = ^a <HOST>\n# ^b <HOST>",
            "failregex = ^a <HOST>\n  \\;b <HOST>",
            "failregex = ^a <HOST> ; since 2.0",
            "action = a\n  ; b <HOST>",
        ] {
            assert_eq!(found(quiet), [""; 0], "{quiet}");
        }
    }

    #[test]
    fn section_names_are_taken_as_they_are() {
        let parsed = read("[b] c\n[ s ]\n[S]\n[a]b]\n");
        let names: Vec<&str> = parsed.sections.iter().map(|s| s.name.as_str()).collect();
        assert_eq!(names, ["b", " s ", "S", "a]b"]);
    }

    #[test]
    fn all_mistakes_are_found_at_once() {
        let content = b"x = 1\n[s]\nnothing\n= 2\na = 1\nA = 2\n[s]\n";
        let expected = [
            ("no-section", 1),
            ("no-delimiter", 3),
            ("no-delimiter", 4),
            ("duplicate-option", 6),
            ("duplicate-section", 7),
        ];
        assert_eq!(ids(content), expected);
    }

    #[test]
    fn a_byte_order_mark_is_skipped_with_a_warning() {
        let parsed = parse(Path::new("f"), b"\xef\xbb\xbf[s]\na = 1\n");
        assert_eq!(parsed.sections[0].name, "s");
        assert_eq!(parsed.findings[0].severity, Severity::Warning);
    }

    #[test]
    fn a_second_default_adds_to_the_first() {
        let parsed = read("[DEFAULT]\na = 1\n[s]\n[DEFAULT]\nb = 2\n");
        let default = parsed.sections.iter().find(|section| section.name == "DEFAULT");
        let names = default.map(|section| section.options.iter().map(|o| &*o.name).collect());
        assert_eq!((parsed.findings.len(), names), (0, Some(vec!["a", "b"])));
        assert_eq!(ids(b"[DEFAULT]\na = 1\n[DEFAULT]\na = 2\n"), [("duplicate-option", 4)]);
    }

    #[test]
    fn what_is_wrong_in_a_section_is_about_it() {
        let parsed = read("[DEFAULT]\nx\n[s]\ny\n");
        let subjects: Vec<_> = parsed.findings.iter().map(|f| f.subject.as_deref()).collect();
        assert_eq!(subjects, [None, Some("s")]);
    }

    #[test]
    fn bytes_that_are_no_utf8_pass_the_file_over_and_have_their_place() {
        let parsed = parse(Path::new("f"), b"[s]\na = \xff\n");
        let rendered = parsed.findings[0].to_string();
        assert_eq!(
            rendered,
            "f:2: byte 8 is not UTF-8, so that the file is passed over; save the file as UTF-8"
        );
        assert!(parsed.sections.is_empty());
    }
}
