//! Python's regular expression syntax → that of our two engines.
//!
//! One pass over the text writes three expressions: the *exact* one, which may need the backtracking
//! engine; a *plain* one without look-around, conditionals and back-references, which matches
//! everything that the exact one matches (a superset: what narrows is left out); and a *marked* one, in
//! which groups of certain names stand for what narrows, for [`walk`](super::walk). Where nothing was left
//! out all mean the same and the linear engine takes it. Source of the meaning: Python 3.11, module
//! `re`, for text patterns; differences that no log line can show are in `docs/differences.md`.

mod class;
mod group;

use std::collections::HashSet;
use std::fmt::Write;

use self::class::literal;

/// A translated expression.
#[derive(Debug)]
pub(super) struct Translated {
    /// Matches everything that the original matches; the original itself if `narrowing` is empty.
    pub(super) plain: String,
    /// For the backtracking engine: exactly the original.
    pub(super) exact: String,
    /// The exact one with groups for what the parser of the linear engine has no syntax for; `None` if it has
    /// something for which there is no such group.
    pub(super) marked: Option<String>,
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
        marked: String::with_capacity(pattern.len() * 2),
        marks: 0,
        is_marked: true,
        ignores_case: false,
        muted: 0,
        narrowing: Vec::new(),
        names: HashSet::new(),
        groups: 0,
        open: Vec::new(),
        flags: Flags::default(),
        flags_end: 0,
        group_start: Start::default(),
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
    // A back-reference of whatever case is none that a walk could follow.
    let is_marked = translator.is_marked
        && !(translator.ignores_case && translator.narrowing.contains(&BACK_REFERENCE));
    let Translator { plain, exact, marked, narrowing, .. } = translator;
    Ok(Translated { plain, exact, marked: is_marked.then_some(marked), narrowing })
}

const BACK_REFERENCE: &str = "back-reference";

/// Where a group begins in the exact and in the marked expression.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Start {
    exact: usize,
    marked: usize,
}

/// What stands before the present position, as far as a repetition cares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Assertion,
    Item,
    /// A group that takes no character, and where it begins.
    Empty(Start),
    Repetition,
}

/// An open parenthesis.
struct Open {
    /// Whether the plain expression leaves the group out.
    is_muted: bool,
    conditional: Option<Conditional>,
    /// Where it begins.
    start: Start,
    /// Whether something in it takes characters.
    consumes: bool,
    /// What holds outside of it.
    flags: Flags,
}

/// A group of which one branch or the other counts.
struct Conditional {
    /// The group that decides, by name or number.
    group: String,
    /// Whether the second branch was seen.
    has_second: bool,
}

/// What `(?xa)` turns on.
#[derive(Clone, Copy, Default)]
struct Flags {
    /// Blanks and comments mean nothing.
    verbose: bool,
    /// Classes are of ASCII.
    ascii: bool,
}

struct Translator {
    chars: Vec<char>,
    at: usize,
    plain: String,
    exact: String,
    marked: String,
    /// Marked groups so far.
    marks: usize,
    is_marked: bool,
    /// Whether letters are of either case somewhere.
    ignores_case: bool,
    /// How many open groups the plain expression leaves out.
    muted: usize,
    narrowing: Vec<&'static str>,
    names: HashSet<String>,
    groups: usize,
    open: Vec<Open>,
    flags: Flags,
    /// Where the `(?flags)` at the start end.
    flags_end: usize,
    /// Where the group that is being opened begins.
    group_start: Start,
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
        self.marked.push_str(text);
        self.only_plain(text);
    }

    fn only_plain(&mut self, text: &str) {
        if self.muted == 0 {
            self.plain.push_str(text);
        }
    }

    fn item(&mut self, text: &str) {
        self.both(text);
        self.took();
    }

    /// What was written last takes characters.
    fn took(&mut self) {
        if let Some(open) = self.open.last_mut() {
            open.consumes = true;
        }
        self.last = Last::Item;
    }

    fn assertion(&mut self, text: &str) {
        self.both(text);
        self.last = Last::Assertion;
    }

    /// The beginning of a marked group; what it is about is the group that it refers to.
    fn mark(&mut self, word: &str, about: &str) {
        self.marks += 1;
        let dot = if about.is_empty() { "" } else { "." };
        let _ = write!(self.marked, "(?P<{word}.{}{dot}{about}>", self.marks);
    }

    /// Something that the linear engine does not know and no group stands for.
    fn narrow_unmarked(&mut self, why: &'static str, exact: &str, plain: &str) {
        self.is_marked = false;
        self.narrow(why, exact, plain);
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
                self.narrow_unmarked("the end of several lines", "(?=\\n?\\z)", "(?m:$)");
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
            '#' if self.flags.verbose => {
                if self.until('\n').is_none() {
                    self.at = self.chars.len();
                }
            }
            c if self.flags.verbose && c.is_ascii_whitespace() => {}
            c => self.item(&literal(c)),
        }
        Ok(())
    }

    fn alternative(&mut self) {
        if let Some(Open { conditional: Some(conditional), .. }) = self.open.last_mut() {
            self.is_marked &= !conditional.has_second;
            conditional.has_second = true;
            let group = conditional.group.clone();
            self.exact.push('|');
            self.only_plain("|");
            self.marked.push(')');
            self.mark("else", &group);
        } else {
            self.both("|");
        }
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
            Last::Empty(start) => {
                self.repeated_nothing(text, start);
                return Ok(());
            }
            Last::Repetition => return Err(SyntaxError::MultipleRepeat(text.to_owned())),
            Last::Nothing | Last::Assertion => {
                return Err(SyntaxError::NothingToRepeat(text.to_owned()));
            }
        }
        self.both(text);
        if self.eat("?") {
            self.both("?");
        } else if self.eat("+") {
            self.narrow_unmarked("possessive repetition", "+", "");
        }
        self.last = Last::Repetition;
        Ok(())
    }

    /// Repeats a group that takes no character: once is as good as often, and the backtracking engine takes it
    /// for a mistake.
    fn repeated_nothing(&mut self, text: &str, start: Start) {
        let is_lazy = self.eat("?");
        let _ = !is_lazy && self.eat("+");
        if matches!(text, "*" | "?") || text.starts_with("{0") {
            let choice = |group: String| {
                if is_lazy { format!("(?:|{group})") } else { format!("(?:{group}|)") }
            };
            let exact = choice(self.exact.split_off(start.exact));
            self.exact.push_str(&exact);
            let marked = choice(self.marked.split_off(start.marked));
            self.marked.push_str(&marked);
            self.only_plain("?");
        }
        self.last = Last::Repetition;
    }
}

#[cfg(test)]
mod tests;
