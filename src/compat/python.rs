//! What Python's `str()` and `repr()` make of values: fail2ban-client prints replies with them, and scripts read that.
//!
//! The rules are those of Python 3.11: quotes of texts, the shortest digits that mean a number, and what an exception
//! says of itself by its class.

use std::fmt::Write as _;
use std::sync::LazyLock;

use regex::Regex;

use super::Value;

/// Classes whose text begins with the number of the system's error.
const OF_THE_SYSTEM: [&str; 17] = [
    "OSError",
    "IOError",
    "EnvironmentError",
    "BlockingIOError",
    "BrokenPipeError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "FileExistsError",
    "FileNotFoundError",
    "InterruptedError",
    "IsADirectoryError",
    "NotADirectoryError",
    "PermissionError",
    "TimeoutError",
];

/// What Python escapes though it is neither a control character nor ASCII: nothing to see, or not assigned.
static HIDDEN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\p{C}\p{Z}]$").ok());

/// The value as `str()` has it: a text is itself.
pub fn str(value: &Value) -> String {
    match value {
        Value::Text(text) => text.clone(),
        Value::Exception { class, args, .. } => said(class, args),
        other => repr(other),
    }
}

/// The value as `repr()` has it, as it also stands within lists.
pub fn repr(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::None => out.push_str("None"),
        Value::Bool(truth) => out.push_str(if *truth { "True" } else { "False" }),
        Value::Int(number) => _ = write!(out, "{number}"),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => write_text(text, out),
        Value::Bytes(bytes) => write_bytes(bytes, out),
        Value::List(members) => write_members('[', members, ']', out),
        Value::Tuple(members) => write_tuple(members, out),
        Value::Set(members) if members.is_empty() => out.push_str("set()"),
        Value::Set(members) => write_members('{', members, '}', out),
        Value::Dict(entries) => write_entries(entries, out),
        Value::Exception { class, args, .. } => {
            out.push_str(class);
            write_members('(', args, ')', out);
        }
    }
}

fn write_members(begin: char, members: &[Value], end: char, out: &mut String) {
    out.push(begin);
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(member, out);
    }
    out.push(end);
}

fn write_tuple(members: &[Value], out: &mut String) {
    write_members('(', members, ')', out);
    if members.len() == 1 {
        out.insert(out.len() - 1, ',');
    }
}

fn write_entries(entries: &[(Value, Value)], out: &mut String) {
    out.push('{');
    for (at, (key, value)) in entries.iter().enumerate() {
        if at > 0 {
            out.push_str(", ");
        }
        write(key, out);
        out.push_str(": ");
        write(value, out);
    }
    out.push('}');
}

fn quote(has_single: bool, has_double: bool) -> char {
    if has_single && !has_double { '"' } else { '\'' }
}

fn write_text(text: &str, out: &mut String) {
    let quote = quote(text.contains('\''), text.contains('"'));
    out.push(quote);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            c if c == quote => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            c if !is_hidden(c) => out.push(c),
            c if u32::from(c) <= 0xff => _ = write!(out, "\\x{:02x}", u32::from(c)),
            c if u32::from(c) <= 0xffff => _ = write!(out, "\\u{:04x}", u32::from(c)),
            c => _ = write!(out, "\\U{:08x}", u32::from(c)),
        }
    }
    out.push(quote);
}

fn is_hidden(c: char) -> bool {
    let mut buffer = [0; 4];
    HIDDEN.as_ref().is_some_and(|hidden| hidden.is_match(c.encode_utf8(&mut buffer)))
}

fn write_bytes(bytes: &[u8], out: &mut String) {
    let quote = quote(bytes.contains(&b'\''), bytes.contains(&b'"'));
    out.extend(['b', quote]);
    for byte in bytes {
        match byte {
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            b'\\' => out.push_str("\\\\"),
            byte if char::from(*byte) == quote => out.extend(['\\', quote]),
            b' '..=b'~' => out.push(char::from(*byte)),
            byte => _ = write!(out, "\\x{byte:02x}"),
        }
    }
    out.push(quote);
}

/// The shortest digits that mean this number, with an exponent if it is less than 1e-4 or at least 1e16.
pub fn float(number: f64) -> String {
    if !number.is_finite() {
        let sign = if number == f64::NEG_INFINITY { "-" } else { "" };
        return format!("{sign}{}", if number.is_nan() { "nan" } else { "inf" });
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e16).contains(&size) {
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    let text = number.to_string();
    if text.contains('.') { text } else { format!("{text}.0") }
}

/// What an exception says.
fn said(class: &str, args: &[Value]) -> String {
    match (class, args) {
        (_, []) => String::new(),
        ("KeyError" | "UnknownJailException" | "DuplicateJailException", [only]) => repr(only),
        ("SyntaxError", [text, Value::Tuple(place)]) => match place.as_slice() {
            [Value::Text(file), line, ..] => {
                format!("{} ({file}, line {})", str(text), str(line))
            }
            _ => str(text),
        },
        ("JSONDecodeError", [Value::Text(text), Value::Text(document), Value::Int(at)]) => {
            of_json(text, document, *at)
        }
        (class, [number, text]) if OF_THE_SYSTEM.contains(&class) => {
            format!("[Errno {}] {}", str(number), str(text))
        }
        (class, [number, text, file, ..]) if OF_THE_SYSTEM.contains(&class) => {
            format!("[Errno {}] {}: {}", str(number), str(text), repr(file))
        }
        (_, [only]) => str(only),
        (_, several) => {
            let mut out = String::new();
            write_tuple(several, &mut out);
            out
        }
    }
}

/// What such an exception keeps of what it was made with, as its `args` are shown: one of the system's has its file
/// elsewhere, and one of JSON makes a text of all three.
pub fn args(class: &str, args: &[Value]) -> String {
    let kept = match args {
        [number, text, _, ..] if OF_THE_SYSTEM.contains(&class) => {
            vec![number.clone(), text.clone()]
        }
        [_, _, _] if class == "JSONDecodeError" => vec![Value::Text(said(class, args))],
        all => all.to_vec(),
    };
    repr(&Value::Tuple(kept))
}

/// Characters are counted, of which the line's first is column 1.
fn of_json(text: &str, document: &str, at: i64) -> String {
    let before: Vec<char> =
        document.chars().take(usize::try_from(at).unwrap_or_default()).collect();
    let line = before.iter().filter(|c| **c == '\n').count() + 1;
    let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
    format!("{text}: line {line} column {column} (char {at})")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value {
        Value::from(text)
    }

    fn exception(class: &str, args: Vec<Value>) -> Value {
        Value::Exception { module: "builtins".to_owned(), class: class.to_owned(), args }
    }

    /// Each with what Python 3.11 printed.
    #[test]
    fn ok_repr_as_python_has_it() {
        for (value, expected) in [
            (Value::None, "None"),
            (true.into(), "True"),
            (600.into(), "600"),
            (Value::Int(-1), "-1"),
            (text(""), "''"),
            (text("a'b"), r#""a'b""#),
            (text("a'b\"c"), r#"'a\'b"c'"#),
            (text("a\"b"), r#"'a"b'"#),
            (text("\\ \n\r\t\x00\x7f"), r"'\\ \n\r\t\x00\x7f'"),
            (text("é\u{a0}\u{ad}\u{200b}\u{e000}\u{1f600}\u{e0001}"), {
                "'é\\xa0\\xad\\u200b\\ue000\u{1f600}\\U000e0001'"
            }),
            (Value::Bytes(b"a'\xff\n".to_vec()), r#"b"a'\xff\n""#),
            (Value::List(vec![]), "[]"),
            (Value::List(vec![1.into(), text("a")]), "[1, 'a']"),
            (Value::Tuple(vec![]), "()"),
            (Value::Tuple(vec![1.into()]), "(1,)"),
            (Value::Tuple(vec![1.into(), Value::None]), "(1, None)"),
            (Value::Dict(vec![(text("stacksize"), 0.into())]), "{'stacksize': 0}"),
            (Value::Set(vec![]), "set()"),
            (Value::Set(vec![1.into()]), "{1}"),
            (exception("ValueError", vec![text("x")]), "ValueError('x')"),
        ] {
            assert_eq!(repr(&value), expected);
        }
    }

    #[test]
    fn ok_numbers_as_python_has_them() {
        for (number, expected) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.5, "1.5"),
            (5400.0, "5400.0"),
            (0.1, "0.1"),
            (1e15, "1000000000000000.0"),
            (1e16, "1e+16"),
            (1.25e-5, "1.25e-05"),
            (0.0001, "0.0001"),
            (1e300, "1e+300"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn ok_exceptions_as_python_has_them() {
        let place = [text("<string>"), 0.into(), 0.into(), text(""), 0.into(), 0.into()];
        let missing = [2.into(), text("No such file or directory"), text("/x")];
        let json = [text("Expecting value"), text("{\n \"a\":}"), 7.into()];
        for (class, args, expected, kept) in [
            ("Exception", vec![text("Invalid command")], "Invalid command", "('Invalid command',)"),
            ("Exception", vec![], "", "()"),
            ("ValueError", vec![text("a"), 1.into()], "('a', 1)", "('a', 1)"),
            ("KeyError", vec![text("Invalid Action name: a2")], "'Invalid Action name: a2'", {
                "('Invalid Action name: a2',)"
            }),
            (
                "FileNotFoundError",
                missing.to_vec(),
                "[Errno 2] No such file or directory: '/x'",
                "(2, 'No such file or directory')",
            ),
            (
                "SyntaxError",
                vec![text("invalid syntax"), Value::Tuple(place.to_vec())],
                "invalid syntax (<string>, line 0)",
                "('invalid syntax', ('<string>', 0, 0, '', 0, 0))",
            ),
            (
                "JSONDecodeError",
                json.to_vec(),
                "Expecting value: line 2 column 6 (char 7)",
                "('Expecting value: line 2 column 6 (char 7)',)",
            ),
        ] {
            assert_eq!(str(&exception(class, args.clone())), expected);
            assert_eq!(super::args(class, &args), kept);
        }
    }
}
