//! Python's regular expression syntax → that of our two engines.
//!
//! One pass over the text writes two expressions: the *exact* one, which may need the backtracking
//! engine, and a *plain* one without look-around, conditionals and back-references, which matches
//! everything that the exact one matches (a superset: what narrows is left out). Where nothing was left
//! out both mean the same and the linear engine takes it. Source of the meaning: Python 3.11, module
//! `re`, for text patterns; differences that no log line can show are in `docs/differences.md`.

use std::collections::HashSet;

/// A translated expression.
#[derive(Debug)]
pub(super) struct Translated {
    /// Matches everything that the original matches; the original itself if `narrowing` is empty.
    pub(super) plain: String,
    /// For the backtracking engine: exactly the original.
    pub(super) exact: String,
    /// Why the linear engine can't run it: the constructs, each once, in order of appearance.
    pub(super) narrowing: Vec<&'static str>,
}

/// What Python would refuse too, or what no engine of ours can mean. Positions count characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SyntaxError {
    #[error("the pattern ends in a lone backslash")]
    LoneBackslash,
    #[error("unknown escape \\{0}")]
    UnknownEscape(char),
    #[error("a [ is never closed")]
    OpenClass,
    #[error("a ( is never closed")]
    OpenGroup,
    #[error("a ) closes nothing")]
    StrayParenthesis,
    #[error("bad range {0}-{1} in a [class]")]
    BadRange(String, String),
    #[error("nothing to repeat before {0}")]
    NothingToRepeat(String),
    #[error("{0} follows another repetition")]
    MultipleRepeat(String),
    #[error("the group name '{0}' is used twice; <HOST>, <ADDR> and their kin may occur once each")]
    DuplicateName(String),
    #[error("'{0}' is no name for a group")]
    BadName(String),
    #[error("unknown group '{0}'")]
    UnknownGroup(String),
    #[error("unknown group syntax (?{0}")]
    UnknownExtension(String),
    #[error("flags (?{0}) belong at the very start")]
    LateFlags(String),
    #[error("flag '{0}' is not supported")]
    UnknownFlag(char),
}

/// How `^` and `$` see the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// One line; its only newline is its last character.
    One,
    /// Several lines, each with its own beginning and end: a failregex with `maxlines`.
    Each,
    /// Several lines with one beginning and one end: a prefregex or ignoreregex with `maxlines`.
    Whole,
}

/// Translates `pattern`.
pub(super) fn translate(pattern: &str, lines: Lines) -> Result<Translated, SyntaxError> {
    let mut translator = Translator {
        chars: pattern.chars().collect(),
        at: 0,
        plain: String::with_capacity(pattern.len() * 2),
        exact: String::with_capacity(pattern.len() * 2),
        muted: 0,
        narrowing: Vec::new(),
        names: HashSet::new(),
        groups: 0,
        open: Vec::new(),
        verbose: false,
        last: Last::Nothing,
        lines,
    };
    if lines == Lines::Each {
        translator.both("(?m)");
    }
    while let Some(c) = translator.next() {
        translator.token(c)?;
    }
    if !translator.open.is_empty() {
        return Err(SyntaxError::OpenGroup);
    }
    let Translator { plain, exact, narrowing, .. } = translator;
    Ok(Translated { plain, exact, narrowing })
}

/// What stands before the present position, as far as a repetition cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Assertion,
    Item,
    Repetition,
}

/// An open parenthesis.
struct Open {
    /// Whether the plain expression leaves the group out.
    is_muted: bool,
    /// Whether it is a conditional, and if so, whether its second branch was seen.
    conditional: Option<bool>,
    /// Verbosity outside of it.
    verbose: bool,
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    plain: String,
    exact: String,
    /// How many open groups the plain expression leaves out.
    muted: usize,
    narrowing: Vec<&'static str>,
    names: HashSet<String>,
    groups: usize,
    open: Vec<Open>,
    verbose: bool,
    last: Last,
    lines: Lines,
}

impl Translator {
    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        Some(c)
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let len = text.chars().count();
        let is_next = self.chars[self.at..].iter().take(len).copied().eq(text.chars());
        if is_next {
            self.at += len;
        }
        is_next
    }

    /// The text up to `end`, which is passed over.
    fn until(&mut self, end: char) -> Option<String> {
        let len = self.chars[self.at..].iter().position(|c| *c == end)?;
        let text = self.chars[self.at..self.at + len].iter().collect();
        self.at += len + 1;
        Some(text)
    }

    fn both(&mut self, text: &str) {
        self.exact.push_str(text);
        self.only_plain(text);
    }

    fn only_plain(&mut self, text: &str) {
        if self.muted == 0 {
            self.plain.push_str(text);
        }
    }

    fn item(&mut self, text: &str) {
        self.both(text);
        self.last = Last::Item;
    }

    fn assertion(&mut self, text: &str) {
        self.both(text);
        self.last = Last::Assertion;
    }

    /// Something that the linear engine does not know: `exact` for the other, `plain` instead.
    fn narrow(&mut self, why: &'static str, exact: &str, plain: &str) {
        if !self.narrowing.contains(&why) {
            self.narrowing.push(why);
        }
        self.exact.push_str(exact);
        self.only_plain(plain);
    }

    fn token(&mut self, c: char) -> Result<(), SyntaxError> {
        match c {
            '\\' => return self.escape(),
            '[' => return self.class(),
            '(' => return self.group(),
            ')' => return self.close(),
            '|' => self.alternative(),
            '^' => self.assertion("^"),
            '$' if self.lines == Lines::Whole => {
                self.narrow("the end of several lines", "(?=\\n?\\z)", "(?m:$)");
                self.last = Last::Assertion;
            }
            // The text ends in its only newline, so that this is Python's "end, or before a last newline".
            '$' => self.assertion("(?m:$)"),
            '.' => self.item("."),
            '*' | '+' | '?' => return self.repetition(&c.to_string()),
            '{' => match self.braces() {
                Some(range) => return self.repetition(&range),
                None => self.item("\\{"),
            },
            '#' if self.verbose => {
                self.until('\n');
            }
            c if self.verbose && c.is_ascii_whitespace() => {}
            c => self.item(&literal(c)),
        }
        Ok(())
    }

    fn alternative(&mut self) {
        if let Some(Open { conditional: Some(has_second), .. }) = self.open.last_mut() {
            *has_second = true;
        }
        self.both("|");
        self.last = Last::Nothing;
    }

    /// After `{`: the range in our spelling, or `None` if it is a literal brace.
    fn braces(&mut self) -> Option<String> {
        let end = self.chars[self.at..].iter().position(|c| *c == '}')?;
        let inner: String = self.chars[self.at..self.at + end].iter().collect();
        let (low, high) = inner.split_once(',').map_or((&*inner, None), |(l, h)| (l, Some(h)));
        let is_digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if inner.is_empty() || !is_digits(low) || !high.is_none_or(is_digits) {
            return None;
        }
        self.at += end + 1;
        let low = if low.is_empty() { "0" } else { low };
        Some(match high {
            None => format!("{{{low}}}"),
            Some(high) => format!("{{{low},{high}}}"),
        })
    }

    fn repetition(&mut self, text: &str) -> Result<(), SyntaxError> {
        match self.last {
            Last::Item => {}
            Last::Repetition => return Err(SyntaxError::MultipleRepeat(text.to_owned())),
            Last::Nothing | Last::Assertion => {
                return Err(SyntaxError::NothingToRepeat(text.to_owned()));
            }
        }
        self.both(text);
        if self.eat("?") {
            self.both("?");
        } else if self.eat("+") {
            self.narrow("possessive repetition", "+", "");
        }
        self.last = Last::Repetition;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), SyntaxError> {
        let c = self.next().ok_or(SyntaxError::LoneBackslash)?;
        match c {
            'A' | 'b' | 'B' => self.assertion(&format!("\\{c}")),
            'Z' => self.assertion("\\z"),
            'd' | 'D' => self.item(&format!("\\{c}")),
            's' | 'S' | 'w' | 'W' => self.item(&perl_class(c)),
            '1'..='9' => self.numbered(c)?,
            _ => {
                let c = self.escaped_char(c)?;
                self.item(&literal(c));
            }
        }
        Ok(())
    }

    /// `\1`, `\12`, or an octal escape such as `\101`.
    fn numbered(&mut self, first: char) -> Result<(), SyntaxError> {
        let mut digits = String::from(first);
        while digits.len() < 3
            && let Some(c) = self.peek().filter(char::is_ascii_digit)
        {
            digits.push(c);
            self.at += 1;
        }
        if digits.len() == 3
            && let Some(c) = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32)
        {
            self.item(&literal(c));
            return Ok(());
        }
        let group: usize = digits.parse().unwrap_or(usize::MAX);
        if group > self.groups {
            return Err(SyntaxError::UnknownGroup(digits));
        }
        self.narrow("back-reference", &format!("(?:\\{digits})"), "(?s:.*?)");
        self.last = Last::Item;
        Ok(())
    }

    /// What a backslash and `c` stand for, where that is one character.
    fn escaped_char(&mut self, c: char) -> Result<char, SyntaxError> {
        let hex = |translator: &mut Self, len: usize| {
            let digits: String = translator.chars[translator.at..].iter().take(len).collect();
            translator.at += len.min(digits.len());
            u32::from_str_radix(&digits, 16)
                .ok()
                .filter(|_| digits.len() == len)
                .and_then(char::from_u32)
                .ok_or(SyntaxError::UnknownEscape(c))
        };
        Ok(match c {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'f' => '\x0c',
            'v' => '\x0b',
            'a' => '\x07',
            'x' => return hex(self, 2),
            'u' => return hex(self, 4),
            'U' => return hex(self, 8),
            '0' => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(digit) = self.peek().and_then(|c| c.to_digit(8)) else { break };
                    value = value * 8 + digit;
                    self.at += 1;
                }
                char::from_u32(value).ok_or(SyntaxError::UnknownEscape(c))?
            }
            c if c.is_ascii_alphanumeric() => return Err(SyntaxError::UnknownEscape(c)),
            c => c,
        })
    }

    fn class(&mut self) -> Result<(), SyntaxError> {
        let mut out = String::from("[");
        if self.eat("^") {
            out.push('^');
        }
        let mut is_first = true;
        loop {
            let c = self.next().ok_or(SyntaxError::OpenClass)?;
            if c == ']' && !is_first {
                break;
            }
            is_first = false;
            let low = self.class_member(c)?;
            let is_range =
                self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            if !is_range {
                out.push_str(&low.text());
                continue;
            }
            self.at += 1;
            let c = self.next().ok_or(SyntaxError::OpenClass)?;
            let high = self.class_member(c)?;
            match (&low, &high) {
                (Member::Char(l), Member::Char(h)) if l <= h => {
                    out.extend([low.text(), "-".to_owned(), high.text()]);
                }
                _ => return Err(SyntaxError::BadRange(low.text(), high.text())),
            }
        }
        out.push(']');
        self.item(&out);
        Ok(())
    }

    fn class_member(&mut self, c: char) -> Result<Member, SyntaxError> {
        if c != '\\' {
            return Ok(Member::Char(c));
        }
        let c = self.next().ok_or(SyntaxError::OpenClass)?;
        Ok(match c {
            'd' | 'D' => Member::Class(format!("\\{c}")),
            's' | 'S' | 'w' | 'W' => Member::Class(perl_class(c)),
            'b' => Member::Char('\x08'),
            '1'..='7' => {
                self.at -= 1;
                let digits: String =
                    self.chars[self.at..].iter().take(3).take_while(|c| c.is_digit(8)).collect();
                self.at += digits.len();
                let value = u32::from_str_radix(&digits, 8).ok().and_then(char::from_u32);
                Member::Char(value.ok_or(SyntaxError::UnknownEscape(c))?)
            }
            _ => Member::Char(self.escaped_char(c)?),
        })
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let open = self.open.pop().ok_or(SyntaxError::StrayParenthesis)?;
        self.exact.push(')');
        if open.is_muted {
            self.muted -= 1;
            self.only_plain("(?:)");
        } else {
            // A conditional without a second branch matches nothing where its group is missing.
            self.only_plain(if open.conditional == Some(false) { "|)" } else { ")" });
        }
        self.verbose = open.verbose;
        self.last = Last::Item;
        Ok(())
    }

    fn enter(&mut self, is_muted: bool, conditional: Option<bool>) {
        if is_muted {
            self.muted += 1;
        }
        let verbose = self.verbose;
        self.open.push(Open { is_muted, conditional, verbose });
        self.last = Last::Nothing;
    }

    fn group(&mut self) -> Result<(), SyntaxError> {
        if !self.eat("?") {
            self.groups += 1;
            self.both("(");
            self.enter(false, None);
            return Ok(());
        }
        for (start, why) in
            [("=", "look-ahead"), ("!", "look-ahead"), ("<=", "look-behind"), ("<!", "look-behind")]
        {
            if self.eat(start) {
                self.narrow(why, &format!("(?{start}"), "");
                self.enter(true, None);
                return Ok(());
            }
        }
        if self.eat(":") {
            self.both("(?:");
            self.enter(false, None);
        } else if self.eat(">") {
            self.narrow("atomic group", "(?>", "(?:");
            self.enter(false, None);
        } else if self.eat("#") {
            self.until(')').ok_or(SyntaxError::OpenGroup)?;
        } else if self.eat("P<") {
            self.named()?;
        } else if self.eat("P=") {
            let name = self.until(')').ok_or(SyntaxError::OpenGroup)?;
            if !self.names.contains(&name) {
                return Err(SyntaxError::UnknownGroup(name));
            }
            self.narrow("back-reference", &format!("(?P={name})"), "(?s:.*?)");
            self.last = Last::Item;
        } else if self.eat("(") {
            self.conditional()?;
        } else {
            self.flags()?;
        }
        Ok(())
    }

    fn named(&mut self) -> Result<(), SyntaxError> {
        let name = self.until('>').ok_or(SyntaxError::OpenGroup)?;
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(SyntaxError::BadName(name));
        }
        self.groups += 1;
        self.both(&format!("(?P<{name}>"));
        if !self.names.insert(name.clone()) {
            return Err(SyntaxError::DuplicateName(name));
        }
        self.enter(false, None);
        Ok(())
    }

    fn conditional(&mut self) -> Result<(), SyntaxError> {
        let name = self.until(')').ok_or(SyntaxError::OpenGroup)?;
        let number: Option<usize> = name.parse().ok();
        let is_known = number.map_or_else(
            || self.names.contains(&name),
            |number| number > 0 && number <= self.groups,
        );
        if !is_known {
            return Err(SyntaxError::UnknownGroup(name));
        }
        // `(?(name)` would be taken for "if the text `name` matches here".
        let exact = if number.is_some() { format!("(?({name})") } else { format!("(?(<{name}>)") };
        self.narrow("conditional", &exact, "(?:");
        self.enter(false, Some(false));
        Ok(())
    }

    /// `(?i)` at the very start, or `(?i:…)`.
    fn flags(&mut self) -> Result<(), SyntaxError> {
        let is_start = self.at == 2;
        let start = self.at;
        while self.peek().is_some_and(|c| c.is_ascii_alphabetic() || c == '-') {
            self.at += 1;
        }
        let flags: String = self.chars[start..self.at].iter().collect();
        let end = self.next();
        if flags.is_empty() || !matches!(end, Some(')' | ':')) {
            return Err(SyntaxError::UnknownExtension(
                flags + &end.map(String::from).unwrap_or_default(),
            ));
        }
        if end == Some(')') && !is_start {
            return Err(SyntaxError::LateFlags(flags));
        }
        let (on, off) = flags.split_once('-').unwrap_or((&flags, ""));
        let mut kept = String::new();
        for (is_on, letters) in [(true, on), (false, off)] {
            if !is_on && letters.chars().any(|c| matches!(c, 'i' | 'm' | 's')) {
                kept.push('-');
            }
            for c in letters.chars() {
                match c {
                    'i' | 'm' | 's' => kept.push(c),
                    // Verbose text is taken apart here; text patterns are Unicode anyway.
                    'x' | 'u' => {}
                    other => return Err(SyntaxError::UnknownFlag(other)),
                }
            }
        }
        if end == Some(':') {
            self.both(&format!("(?{kept}:"));
            self.enter(false, None);
        } else if !kept.is_empty() {
            self.both(&format!("(?{kept})"));
        }
        if flags.contains('x') {
            self.verbose = !off.contains('x');
        }
        Ok(())
    }
}

/// A member of a `[class]`.
enum Member {
    Char(char),
    Class(String),
}

impl Member {
    fn text(&self) -> String {
        match self {
            Self::Char(c) if c.is_ascii() && !c.is_ascii_alphanumeric() => {
                format!("\\x{:02X}", u32::from(*c))
            }
            Self::Char(c) => c.to_string(),
            Self::Class(class) => class.clone(),
        }
    }
}

/// One character, escaped if it would mean something.
fn literal(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02X}", u32::from(c)),
        c => {
            let mut buffer = [0; 4];
            regex_syntax::escape(c.encode_utf8(&mut buffer))
        }
    }
}

/// Python's `\s` has four separators more than ours; its `\w` is letters, numbers and the underscore.
fn perl_class(c: char) -> String {
    match c {
        's' => r"[\s\x1C-\x1F]",
        'S' => r"[^\s\x1C-\x1F]",
        'w' => r"[\p{L}\p{N}_]",
        _ => r"[^\p{L}\p{N}_]",
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(pattern: &str) -> String {
        let translated = translate(pattern, Lines::One).expect("translates");
        assert_eq!(translated.narrowing, Vec::<&str>::new(), "{pattern}");
        assert_eq!(translated.plain, translated.exact);
        translated.plain
    }

    #[test]
    fn what_means_the_same_stays_the_same() {
        for text in ["^a(?:b|c)*?d{2,3}$|x", r"\bfoo\.bar\d+", "(?P<user>a)(b)", "(?i)x", "(?i:x)y"]
        {
            assert_eq!(plain(text), text.replace('$', "(?m:$)"));
        }
    }

    #[test]
    fn braces_that_repeat_nothing_are_literal() {
        assert_eq!(plain("a{,3}b{x}c{}"), r"a{0,3}b\{x\}c\{\}");
    }

    #[test]
    fn a_class_holds_its_members_literally() {
        assert_eq!(plain("[^[]a"), r"[^\x5B]a");
        assert_eq!(plain("[]a-z]"), r"[\x5Da-z]");
        assert_eq!(plain("[a&&b-]"), r"[a\x26\x26b\x2D]");
        assert_eq!(plain(r"[\d\-x]"), r"[\d\x2Dx]");
    }

    #[test]
    fn needless_escapes_lose_their_backslash() {
        assert_eq!(plain(r"\/\<\>\ \:\_"), "/<> :_");
        assert_eq!(plain(r"\x41\n\101"), r"A\nA");
    }

    #[test]
    fn look_around_is_left_out_of_the_plain_form() {
        let found =
            translate(r#"a(?!b(c))d(?(1)e|f)(?P<q>['"])x(?P=q)"#, Lines::One).expect("translates");
        assert_eq!(found.plain, r"a(?:)d(?:e|f)(?P<q>[\x27\x22])x(?s:.*?)");
        assert_eq!(found.exact, r"a(?!b(c))d(?(1)e|f)(?P<q>[\x27\x22])x(?P=q)");
        assert_eq!(found.narrowing, ["look-ahead", "conditional", "back-reference"]);
        let named = translate("(?P<a>x)?(?(a)y)", Lines::One).expect("translates");
        assert_eq!((&*named.exact, &*named.plain), ("(?P<a>x)?(?(<a>)y)", "(?P<a>x)?(?:y|)"));
    }

    #[test]
    fn verbose_text_loses_its_blanks() {
        assert_eq!(plain("(?x)a b # c\n [ x]"), r"ab[\x20x]");
    }

    #[test]
    fn err_what_python_refuses() {
        for text in [
            r"\i",
            "a**",
            "x{2}{3}",
            "*a",
            "^*",
            "[a",
            "(a",
            "a)",
            r"[\d-z]",
            "[z-a]",
            "(?P<a-b>x)",
            "(?P<a>x)(?P<a>y)",
            r"(a)\2",
            "a(?i)",
            "(?y)",
            "a\\",
        ] {
            assert!(translate(text, Lines::One).is_err(), "{text}");
        }
    }
}
