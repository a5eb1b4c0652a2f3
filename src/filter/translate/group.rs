//! Groups: named, conditional, looking around, with flags.

use super::{BACK_REFERENCE, Conditional, Last, Open, Start, SyntaxError, Translator};

impl Translator {
    pub(super) fn close(&mut self) -> Result<(), SyntaxError> {
        let open = self.open.pop().ok_or(SyntaxError::StrayParenthesis)?;
        // A conditional without a second branch matches nothing where its group is missing.
        let is_half = open.conditional.as_ref().is_some_and(|conditional| !conditional.has_second);
        let end = if is_half { "|)" } else { ")" };
        self.exact.push_str(end);
        self.marked.push_str(if open.conditional.is_some() { "))" } else { ")" });
        if open.is_muted {
            self.muted -= 1;
            self.only_plain("(?:)");
        } else {
            self.only_plain(end);
        }
        self.flags = open.flags;
        if open.consumes && !open.is_muted {
            self.took();
        } else {
            self.last = Last::Empty(open.start);
        }
        Ok(())
    }

    fn enter(&mut self, is_muted: bool, conditional: Option<Conditional>) {
        if is_muted {
            self.muted += 1;
        }
        self.open.push(Open {
            is_muted,
            conditional,
            start: self.group_start,
            consumes: false,
            flags: self.flags,
        });
        self.last = Last::Nothing;
    }

    pub(super) fn group(&mut self) -> Result<(), SyntaxError> {
        self.group_start = Start { exact: self.exact.len(), marked: self.marked.len() };
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
                match start {
                    "=" => self.mark("ahead", ""),
                    "!" => self.mark("not", ""),
                    _ => {
                        self.is_marked = false;
                        self.marked.push_str("(?:");
                    }
                }
                self.enter(true, None);
                return Ok(());
            }
        }
        if self.eat(":") {
            self.both("(?:");
            self.enter(false, None);
        } else if self.eat(">") {
            self.narrow("atomic group", "(?>", "(?:");
            self.mark("atomic", "");
            self.enter(false, None);
        } else if self.eat("#") {
            self.comment()?;
        } else if self.eat("P<") {
            self.named()?;
        } else if self.eat("P=") {
            let name = self.until(')').ok_or(SyntaxError::OpenGroup)?;
            if !self.names.contains(&name) {
                return Err(SyntaxError::UnknownGroup(name));
            }
            self.refer(&format!("(?P={name})"), &name);
            self.took();
        } else if self.eat("(") {
            self.conditional()?;
        } else {
            self.flags()?;
        }
        Ok(())
    }

    /// The rest of `(?#…)`, in which a backslash takes the next character with it.
    fn comment(&mut self) -> Result<(), SyntaxError> {
        loop {
            match self.next().ok_or(SyntaxError::OpenGroup)? {
                ')' => return Ok(()),
                '\\' => self.at += 1,
                _ => {}
            }
        }
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

    /// The text of a group once more: `exact` for the backtracking engine.
    pub(super) fn refer(&mut self, exact: &str, group: &str) {
        self.narrow(BACK_REFERENCE, exact, "(?s:.*?)");
        self.mark("same", group);
        // A group that is never empty can't be lost where it is repeated; what is in it means nothing.
        self.marked.push_str("x)");
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
        // The engine takes an empty branch for a mere test of the group.
        let is_empty = matches!(self.peek(), Some(')' | '|'));
        let exact = exact + if is_empty { "(?=)" } else { "" };
        self.narrow("conditional", &exact, "(?:");
        self.marked.push_str("(?:");
        self.mark("if", &name);
        self.enter(false, Some(Conditional { group: name, has_second: false }));
        Ok(())
    }

    /// `(?i)` at the very start, or `(?i:…)`.
    fn flags(&mut self) -> Result<(), SyntaxError> {
        let is_start = self.at == self.flags_end + 2;
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
                    'i' | 'm' | 's' => {
                        self.ignores_case |= is_on && c == 'i';
                        kept.push(c);
                    }
                    // Verbose text and classes are taken apart here.
                    'x' | 'u' => {}
                    'a' if is_on => {}
                    other => return Err(SyntaxError::UnknownFlag(other)),
                }
            }
        }
        if end == Some(':') {
            self.both(&format!("(?{kept}:"));
            self.enter(false, None);
        } else {
            self.flags_end = self.at;
            if !kept.is_empty() {
                self.both(&format!("(?{kept})"));
            }
        }
        if on.contains(['a', 'u']) {
            self.flags.ascii = on.contains('a');
        }
        if flags.contains('x') {
            self.flags.verbose = !off.contains('x');
        }
        Ok(())
    }
}
