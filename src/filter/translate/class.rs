//! Escapes and character classes.

use super::{SyntaxError, Translator};

impl Translator {
    pub(super) fn escape(&mut self) -> Result<(), SyntaxError> {
        let c = self.next().ok_or(SyntaxError::LoneBackslash)?;
        match c {
            'A' | 'b' | 'B' => self.assertion(&format!("\\{c}")),
            'Z' => self.assertion("\\z"),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => self.item(self.perl_class(c)),
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
        self.refer(&format!("(?:\\{digits})"), &digits);
        self.took();
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

    pub(super) fn class(&mut self) -> Result<(), SyntaxError> {
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

    /// Python's `\s` has four separators more than ours; its `\w` is letters, numbers and the underscore.
    fn perl_class(&self, c: char) -> &'static str {
        match (c, self.flags.ascii) {
            ('d', false) => r"\d",
            ('D', false) => r"\D",
            ('s', false) => r"[\s\x1C-\x1F]",
            ('S', false) => r"[^\s\x1C-\x1F]",
            ('w', false) => r"[\p{L}\p{N}_]",
            (_, false) => r"[^\p{L}\p{N}_]",
            ('d', true) => "[0-9]",
            ('D', true) => "[^0-9]",
            ('s', true) => r"[\t-\r ]",
            ('S', true) => r"[^\t-\r ]",
            ('w', true) => "[0-9A-Za-z_]",
            (_, true) => "[^0-9A-Za-z_]",
        }
    }

    fn class_member(&mut self, c: char) -> Result<Member, SyntaxError> {
        if c != '\\' {
            return Ok(Member::Char(c));
        }
        let c = self.next().ok_or(SyntaxError::OpenClass)?;
        Ok(match c {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Member::Class(self.perl_class(c).to_owned()),
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
pub(super) fn literal(c: char) -> String {
    match c {
        '\n' => "\\n".to_owned(),
        c if c.is_ascii_control() => format!("\\x{:02X}", u32::from(c)),
        c => {
            let mut buffer = [0; 4];
            regex_syntax::escape(c.encode_utf8(&mut buffer))
        }
    }
}
