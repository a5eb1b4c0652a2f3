//! Groups: named, conditional, looking around, with flags.

use super::{Last, Open, SyntaxError, Translator};

impl Translator {
    pub(super) fn close(&mut self) -> Result<(), SyntaxError> {
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

    pub(super) fn group(&mut self) -> Result<(), SyntaxError> {
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
