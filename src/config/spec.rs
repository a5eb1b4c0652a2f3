//! `name[option=value, ...]`: how a jail names its filter and its actions.

use crate::text;

/// A name with options, as in `filter = sshd[mode=aggressive]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// What is before the bracket.
    pub name: String,
    /// In the order written; of several with one name the last counts.
    pub options: Vec<(String, String)>,
}

/// A text that is no `name[option=value, ...]`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// The brackets don't match, or there is text behind them, or no name before them.
    #[error("'{}' isn't of the form name[option=value, ...]", text::shown(text))]
    Form {
        /// The whole.
        text: String,
    },
    /// There is no `option=` where one must be.
    #[error("'{}' has no option=value at '{}'; write no blanks around '='", text::shown(text), text::shown(&text[*offset..]))]
    NoOption {
        /// The whole.
        text: String,
        /// The byte at which an option must begin.
        offset: usize,
    },
    /// Something follows a value.
    #[error("'{}' has '{}' behind the value of '{option}'; put the value in quotes", text::shown(text), text::shown(&text[*offset..]))]
    AfterValue {
        /// The whole.
        text: String,
        /// The byte at which a comma or bracket must be.
        offset: usize,
        /// The option.
        option: String,
    },
}

impl Spec {
    /// A name without options.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), options: Vec::new() }
    }

    /// Reads `name`, `name[a=1,b="x, y"]`, `name[a=1][b=2]`.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let form = || SpecError::Form { text: text.to_owned() };
        let trimmed = text.trim_end();
        let Some(open) = trimmed.find('[') else {
            return Ok(Self::named(trimmed));
        };
        if open == 0 || !trimmed.ends_with(']') {
            return Err(form());
        }
        let reader = Reader { text, at: open + 1, end: trimmed.len() - 1 };
        Ok(Self { name: trimmed[..open].to_owned(), options: reader.options()? })
    }

    /// Reads options without a name and brackets: `a=1,b="x, y"`.
    pub fn parse_options(text: &str) -> Result<Self, SpecError> {
        let options = Reader { text, at: 0, end: text.len() }.options()?;
        Ok(Self { name: String::new(), options })
    }

    /// The value of an option.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
    /// Where the last bracket is.
    end: usize,
}

impl<'t> Reader<'t> {
    fn options(mut self) -> Result<Vec<(String, String)>, SpecError> {
        let mut options: Vec<(String, String)> = Vec::new();
        while let Some((name, value)) = self.next_option()? {
            options.retain(|(known, _)| *known != name);
            options.push((name, value));
        }
        Ok(options)
    }

    fn rest(&self) -> &'t str {
        &self.text[self.at..self.end]
    }

    fn next_option(&mut self) -> Result<Option<(String, String)>, SpecError> {
        self.blanks();
        if self.rest().is_empty() {
            return Ok(None);
        }
        let no_option = SpecError::NoOption { text: self.text.to_owned(), offset: self.at };
        let Some(len) = option_len(self.rest()) else { return Err(no_option) };
        let name = self.rest()[..len].to_owned();
        self.at += len + 1;
        self.blanks();
        let value = self.value();
        self.blanks();
        if !self.separator() {
            let (text, offset) = (self.text.to_owned(), self.at);
            return Err(SpecError::AfterValue { text, offset, option: name });
        }
        Ok(Some((name, value)))
    }

    fn blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn value(&mut self) -> String {
        let rest = self.rest();
        if let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\''))
            && let Some(len) = rest[1..].find(quote)
        {
            self.at += len + 2;
            return rest[1..=len].trim().to_owned();
        }
        let value = &rest[..rest.find([',', ']']).unwrap_or(rest.len())];
        self.at += value.len();
        value.trim_end().to_owned()
    }

    /// Passes `,` or `][` or the end.
    fn separator(&mut self) -> bool {
        let rest = self.rest();
        if let Some(group) = rest.strip_prefix(']').map(str::trim_start)
            && let Some(inner) = group.strip_prefix('[')
        {
            self.at = self.end - inner.len();
            return true;
        }
        if rest.starts_with(',') {
            self.at += 1;
            return true;
        }
        rest.is_empty()
    }
}

/// The length of `option` before `=`, or of `option?family=inet6` before `=`.
fn option_len(text: &str) -> Option<usize> {
    let name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
    let len = text.find(|c| !name(c))?;
    let rest = &text[len..];
    if len == 0 {
        return None;
    }
    if rest.starts_with('=') {
        return Some(len);
    }
    let condition = rest.strip_prefix('?')?;
    let key = condition.find('=').filter(|key| *key > 0)?;
    let value = condition[key + 1..].find(|c| !name(c))?;
    let end = len + 1 + key + 1 + value;
    (text[end..].starts_with('=') && condition[..key].chars().all(name)).then_some(end)
}

/// The entries of a list of actions, which blanks separate outside brackets, each with where it
/// begins.
pub(super) fn split(list: &str) -> Vec<(usize, &str)> {
    let mut entries = Vec::new();
    let mut at = 0;
    loop {
        at += list[at..].len() - list[at..].trim_start().len();
        if at == list.len() {
            return entries;
        }
        let len = entry_len(&list[at..]);
        entries.push((at, &list[at..at + len]));
        at += len;
    }
}

/// The length of the entry at the beginning: a word, and the bracket groups that follow it.
fn entry_len(text: &str) -> usize {
    let word = text.find(|c: char| c.is_whitespace() || c == '[').unwrap_or(text.len());
    let mut end = word;
    while let Some(len) = group_len(&text[end..]) {
        end += len;
    }
    let glued = text[end..].find(char::is_whitespace).unwrap_or(text.len() - end);
    end + glued
}

/// The length of a `[...]` at the beginning, with blanks before it.
fn group_len(text: &str) -> Option<usize> {
    let group = text.trim_start().strip_prefix('[')?;
    let before = text.len() - group.len();
    let mut quote = None;
    let mut previous = '[';
    for (index, c) in group.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') if previous == '=' => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, ']') => return Some(before + index + 1),
            _ => {}
        }
        previous = c;
    }
    Some(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        match Spec::parse(text) {
            Ok(spec) => spec
                .options
                .iter()
                .fold(spec.name, |out, (name, value)| format!("{out}|{name}={value}")),
            Err(SpecError::Form { .. }) => "form".to_owned(),
            Err(SpecError::NoOption { offset, .. }) => format!("no option at {offset}"),
            Err(SpecError::AfterValue { offset, option, .. }) => {
                format!("after {option} at {offset}")
            }
        }
    }

    #[test]
    fn names_with_options_are_read_as_fail2ban_reads_them() {
        for (text, expected) in [
            ("a", "a"),
            (r#"a[b="x,y]", c='q"q', d=1 2 ]"#, r#"a|b=x,y]|c=q"q|d=1 2"#),
            ("a[b=1][c=2]", "a|b=1|c=2"),
            ("a[b=1] [c=2]", "a|b=1|c=2"),
            ("a [b=1] ", "a |b=1"),
            ("a[b=c,]", "a|b=c"),
            ("a[]", "a"),
            ("a[b=1,b=2]", "a|b=2"),
            (r#"a[b=c"d]"#, r#"a|b=c"d"#),
            (r#"a[b="c]"#, r#"a|b="c"#),
            ("a[b= c]", "a|b=c"),
            ("a[b=]", "a|b="),
            (r#"a[b="",c=''] "#, "a|b=|c="),
            ("a[b=\" x\n\"]", "a|b=x"),
            ("a[x=1,\n  y=2]", "a|x=1|y=2"),
            ("a[b?family=inet6=1]", "a|b?family=inet6=1"),
            ("a[b = c]", "no option at 2"),
            ("a[b]", "no option at 2"),
            ("a[,b=1]", "no option at 2"),
            (r#"a[b="c"d]"#, "after b at 7"),
            ("a[b=x]y]", "after b at 5"),
            ("a[b=1", "form"),
            ("a[b=c]x", "form"),
            ("[x=1]", "form"),
        ] {
            assert_eq!(parsed(text), expected, "{text}");
        }
    }

    #[test]
    fn a_list_is_split_outside_brackets() {
        let entries = |list| split(list).into_iter().map(|(_, entry)| entry).collect::<Vec<_>>();
        assert_eq!(entries("a b\n c"), ["a", "b", "c"]);
        assert_eq!(entries("a[x=1,\n  y=2]\nb"), ["a[x=1,\n  y=2]", "b"]);
        assert_eq!(entries("a[x=\"1] 2\"] [y=2] b[]"), ["a[x=\"1] 2\"] [y=2]", "b[]"]);
        assert_eq!(split(" a  b")[1], (4, "b"));
        assert!(entries("").is_empty());
    }
}
