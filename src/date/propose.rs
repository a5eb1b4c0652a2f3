//! Date patterns for a line whose date no form fits, by how dates usually look.
//!
//! What is proposed is a guess: whoever asks has to try it on the line. The parts of a date may come in any of the
//! common orders, with any one mark between them.

use std::ops::Range;

/// A pattern that may fit, and what it would take for the date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// As `datepattern` has it.
    pub pattern: String,
    /// Where the date is in the line.
    pub span: Range<usize>,
}

/// So far into a line its date is looked for.
const LOOKED_AT_BYTES: usize = 512;
/// More guesses than this are about something else than a date.
const PROPOSALS_MAX: usize = 64;
/// So long a mark may stand between the day and the time.
const GAP_MAX: usize = 3;

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Patterns for the dates that a line seems to have, those nearer to its beginning first, whole ones before parts.
pub fn proposals(line: &[u8]) -> Vec<Proposal> {
    let line = &line[..line.len().min(LOOKED_AT_BYTES)];
    let text = match std::str::from_utf8(line) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&line[..error.valid_up_to()]).unwrap_or_default(),
    };
    let tokens = tokens(text);
    let mut found = Vec::new();
    for first in 0..tokens.len() {
        let is_inside_word = first > 0 && tokens[first - 1].is_word() && tokens[first].is_word();
        if is_inside_word && tokens[first].kind == Kind::Letters {
            continue;
        }
        let tokens = Tokens(&tokens[first..]);
        let mut here: Vec<Guess> = moments(tokens);
        here.extend(epochs(tokens));
        here.sort_by_key(|guess| std::cmp::Reverse(guess.len));
        for Guess { pattern, len } in here {
            let span = tokens.0[0].at..tokens.0[len - 1].at + tokens.0[len - 1].text.len();
            let anchor = if span.start == 0 { "^" } else { "" };
            found.push(Proposal { pattern: format!("{anchor}{pattern}"), span });
        }
        if found.len() > PROPOSALS_MAX {
            break;
        }
    }
    found
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Digits,
    Letters,
    /// One other character.
    Mark,
}

#[derive(Clone, Copy, Debug)]
struct Token<'t> {
    kind: Kind,
    text: &'t str,
    at: usize,
}

/// What is left of a line.
#[derive(Clone, Copy)]
struct Tokens<'t>(&'t [Token<'t>]);

/// A pattern for the first so many tokens.
#[derive(Clone, Debug)]
struct Guess {
    pattern: String,
    len: usize,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.kind != Kind::Mark
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let kind = |c: char| match c {
        _ if c.is_ascii_digit() => Kind::Digits,
        _ if c.is_alphabetic() => Kind::Letters,
        _ => Kind::Mark,
    };
    let mut tokens: Vec<Token<'_>> = Vec::new();
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        match tokens.last_mut() {
            Some(last) if last.kind == kind(c) && last.kind != Kind::Mark => {
                last.text = &text[last.at..end];
            }
            _ => tokens.push(Token { kind: kind(c), text: &text[at..end], at }),
        }
    }
    tokens
}

impl<'t> Tokens<'t> {
    fn after(self, len: usize) -> Self {
        Self(self.0.get(len..).unwrap_or_default())
    }

    /// The number that comes next, if it has so many digits.
    fn digits(self, lens: std::ops::RangeInclusive<usize>) -> Option<&'t str> {
        let first = self.0.first().filter(|token| token.kind == Kind::Digits)?;
        lens.contains(&first.text.len()).then_some(first.text)
    }

    fn letters(self) -> Option<&'t str> {
        self.0.first().filter(|token| token.kind == Kind::Letters).map(|token| token.text)
    }

    fn mark(self) -> Option<&'t str> {
        self.0.first().filter(|token| token.kind == Kind::Mark).map(|token| token.text)
    }

    /// The marks that come next, as text of a pattern, and how many they are.
    fn marks(self) -> (String, usize) {
        let marks = self.0.iter().take_while(|token| token.kind == Kind::Mark);
        let text: String = marks.clone().map(|token| escaped(token.text)).collect();
        (text, marks.count())
    }
}

/// A text as an expression that matches it.
fn escaped(text: &str) -> String {
    regex_syntax::escape(text).replace('%', "%%").replace("\\-", "-")
}

/// A day and a time in either order, or a time alone.
fn moments(tokens: Tokens<'_>) -> Vec<Guess> {
    let mut found = Vec::new();
    for day in days(tokens) {
        let rest = tokens.after(day.len);
        if let Some((gap, gap_len)) = gap(rest) {
            for time in times(rest.after(gap_len)) {
                found.push(Guess {
                    pattern: format!("{}{gap}{}", day.pattern, time.pattern),
                    len: day.len + gap_len + time.len,
                });
            }
        }
    }
    for time in times(tokens) {
        let rest = tokens.after(time.len);
        if let Some((gap, gap_len)) = gap(rest).filter(|(_, len)| *len > 0) {
            for day in days(rest.after(gap_len)) {
                found.push(Guess {
                    pattern: format!("{}{gap}{}", time.pattern, day.pattern),
                    len: time.len + gap_len + day.len,
                });
            }
        }
    }
    found.extend(stamp(tokens));
    found
}

/// What stands between the day and the time.
fn gap(tokens: Tokens<'_>) -> Option<(String, usize)> {
    if let Some(word @ ("T" | "t")) = tokens.letters() {
        return Some((word.to_owned(), 1));
    }
    let (text, len) = tokens.marks();
    (len <= GAP_MAX).then_some((text, len))
}

/// Fourteen digits.
fn stamp(tokens: Tokens<'_>) -> Option<Guess> {
    let digits = tokens.digits(14..=14)?;
    is_year(&digits[..4]).then(|| Guess { pattern: "%ExY%Exm%Exd%ExH%ExM%ExS".to_owned(), len: 1 })
}

fn is_year(digits: &str) -> bool {
    digits.starts_with("19") || digits.starts_with("20")
}

/// The days that the next tokens may mean.
fn days(tokens: Tokens<'_>) -> Vec<Guess> {
    let mut found = Vec::new();
    if tokens.digits(8..=8).is_some_and(is_year) {
        found.push(Guess { pattern: "%ExY%Exm%Exd".to_owned(), len: 1 });
    }
    if tokens.digits(6..=6).is_some() {
        found.push(Guess { pattern: "%Exy%Exm%Exd".to_owned(), len: 1 });
    }
    // As in `I1120 09:00:00.123456`, which begins with how bad it is.
    if tokens.letters().is_some_and(|level| level.len() == 1)
        && tokens.after(1).digits(4..=4).is_some()
    {
        found.push(Guess { pattern: "[A-Z]%Exm%Exd".to_owned(), len: 2 });
    }
    let Some((parts, marks, len)) = three_parts(tokens) else { return found };
    for order in ORDERS {
        let fits = parts.iter().zip(order).all(|(part, wanted)| part.directives.contains(&wanted));
        if fits {
            let [first, second, third] = [0, 1, 2].map(|nth| parts[nth].named(order[nth]));
            let pattern = format!("{first}{}{second}{}{third}", marks[0], marks[1]);
            found.push(Guess { pattern, len });
        }
    }
    found
}

/// The orders of year, month and day.
const ORDERS: [[&str; 3]; 5] = [
    ["%Y", "%m", "%d"],
    ["%d", "%m", "%Y"],
    ["%m", "%d", "%Y"],
    ["%d", "%m", "%y"],
    ["%m", "%d", "%y"],
];

/// Three parts of a day with a mark behind the first and the second, and how many tokens they are.
fn three_parts(tokens: Tokens<'_>) -> Option<([Part; 3], [String; 2], usize)> {
    let first = part(tokens)?;
    let (one, one_len) = separator(tokens.after(1))?;
    let second = part(tokens.after(1 + one_len))?;
    let (two, two_len) = separator(tokens.after(2 + one_len))?;
    let third = part(tokens.after(2 + one_len + two_len))?;
    Some(([first, second, third], [one, two], 3 + one_len + two_len))
}

/// A part of a day.
struct Part {
    /// What it may stand for.
    directives: Vec<&'static str>,
    /// How its month is written.
    month: &'static str,
}

impl Part {
    fn named(&self, directive: &'static str) -> &'static str {
        if directive == "%m" { self.month } else { directive }
    }
}

fn part(tokens: Tokens<'_>) -> Option<Part> {
    if let Some(word) = tokens.letters() {
        let word = word.to_lowercase();
        let month = MONTHS.iter().find(|month| **month == word || month[..3] == word)?;
        let month = if word.len() == 3 || month.len() == 3 { "%b" } else { "%B" };
        return Some(Part { directives: vec!["%m"], month });
    }
    let digits = tokens.digits(1..=4)?;
    let number: u32 = digits.parse().ok()?;
    let mut directives = Vec::new();
    match digits.len() {
        4 if is_year(digits) => directives.push("%Y"),
        2 => directives.push("%y"),
        _ => {}
    }
    if digits.len() <= 2 && (1..=12).contains(&number) {
        directives.push("%m");
    }
    if digits.len() <= 2 && (1..=31).contains(&number) {
        directives.push("%d");
    }
    Some(Part { directives, month: "%m" })
}

/// A mark between the parts of a day, perhaps with a blank behind it.
fn separator(tokens: Tokens<'_>) -> Option<(String, usize)> {
    let mark = tokens.mark()?;
    let is_spaced = matches!(mark, "," | ".") && tokens.after(1).mark() == Some(" ");
    Some(if is_spaced { (format!("{} ", escaped(mark)), 2) } else { (escaped(mark), 1) })
}

/// The times that the next tokens may mean, the longest first.
fn times(tokens: Tokens<'_>) -> Vec<Guess> {
    let mut found = Vec::new();
    if tokens.digits(6..=6).is_some() {
        found.push(Guess { pattern: "%ExH%ExM%ExS".to_owned(), len: 1 });
    }
    let clock = |hour: &str| -> Option<Guess> {
        tokens.digits(1..=2)?;
        let mark = tokens.after(1).mark().filter(|mark| matches!(*mark, ":" | "." | "-"))?;
        tokens.after(2).digits(2..=2)?;
        let between = escaped(mark);
        let mut guess = Guess { pattern: format!("{hour}{between}%M"), len: 3 };
        let rest = tokens.after(3);
        if rest.mark() == Some(mark) && rest.after(1).digits(2..=2).is_some() {
            guess = Guess { pattern: format!("{}{between}%S", guess.pattern), len: 5 };
            let rest = tokens.after(5);
            if rest.mark().is_some_and(|mark| matches!(mark, "." | "," | ":"))
                && rest.after(1).digits(1..=9).is_some()
            {
                let point = escaped(rest.mark().unwrap_or_default());
                guess = Guess { pattern: format!("{}{point}\\d+", guess.pattern), len: 7 };
            }
        }
        Some(guess)
    };
    let Some(Guess { pattern, len }) = clock("%H") else { return found };
    let rest = tokens.after(len);
    let blank = usize::from(rest.mark() == Some(" "));
    let (space, rest) = (if blank == 1 { " " } else { "" }, rest.after(blank));
    if rest.letters().is_some_and(|word| matches!(&*word.to_lowercase(), "am" | "pm"))
        && let Some(Guess { pattern, .. }) = clock("%I")
    {
        found.push(Guess { pattern: format!("{pattern}{space}%p"), len: len + blank + 1 });
    }
    if let Some((zone, zone_len)) = zone(rest) {
        found.push(Guess {
            pattern: format!("{pattern}{space}{zone}"),
            len: len + blank + zone_len,
        });
    }
    found.push(Guess { pattern, len });
    found
}

/// An offset, or the name of a zone.
fn zone(tokens: Tokens<'_>) -> Option<(&'static str, usize)> {
    if let Some("+" | "-") = tokens.mark() {
        tokens.after(1).digits(2..=4)?;
        let has_minutes =
            tokens.after(2).mark() == Some(":") && tokens.after(3).digits(2..=2).is_some();
        return Some(("%z", if has_minutes { 4 } else { 2 }));
    }
    match tokens.letters()? {
        "Z" | "UTC" | "GMT" => Some(("%z", 1)),
        name if (3..=5).contains(&name.len()) && name.chars().all(|c| c.is_ascii_uppercase()) => {
            Some(("%Z", 1))
        }
        _ => None,
    }
}

/// Seconds, milliseconds or microseconds since 1970, behind what says so.
fn epochs(tokens: Tokens<'_>) -> Vec<Guess> {
    // The text before a number tells it from others: `"ts":1700000000`.
    let name = usize::from(tokens.letters().is_some());
    let marks = tokens.after(name).marks().1;
    let at = name + marks;
    let Some(digits) = tokens.after(at).digits(10..=16) else { return Vec::new() };
    if name + marks > 6 || !digits.starts_with('1') {
        return Vec::new();
    }
    let before: String = tokens.0[..at].iter().map(|token| escaped(token.text)).collect();
    let kind = match digits.len() {
        10 => "{EPOCH}",
        13 | 16 => "{LEPOCH}",
        _ => return Vec::new(),
    };
    let has_fraction =
        tokens.after(at + 1).mark() == Some(".") && tokens.after(at + 2).digits(1..=9).is_some();
    let len = at + if has_fraction { 3 } else { 1 };
    vec![
        Guess { pattern: format!("{before}{kind}"), len: at + 1 },
        Guess { pattern: format!("{before}{kind}"), len },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_guess_is_the_whole_date() {
        for (line, pattern) in [
            ("20.11.2026 09:00:05 bad", r"^%d\.%m\.%Y %H:%M:%S"),
            ("[20.11.26, 09:00] bad", r"%d\.%m\.%y, %H:%M"),
            ("2026-11-20 09:00 bad", "^%Y-%m-%d %H:%M"),
            ("2026-11-20_09.00.05 bad", r"^%Y-%m-%d_%H\.%M\.%S"),
            ("11/20/2026 9:00:05 AM bad", "^%m/%d/%Y %I:%M:%S %p"),
            ("Nov 20, 2026 09:00:05 bad", "^%b %d, %Y %H:%M:%S"),
            ("20 November 2026 09:00:05,123 bad", r"^%d %B %Y %H:%M:%S,\d+"),
            ("x 20 Nov 2026 09:00:05 +01:00 bad", "%d %b %Y %H:%M:%S %z"),
            ("09:00:05 20.11.2026 bad", r"^%H:%M:%S %d\.%m\.%Y"),
            ("20261120090005 bad", "^%ExY%Exm%Exd%ExH%ExM%ExS"),
            ("I1120 09:00:05.123456 bad", r"^[A-Z]%Exm%Exd %H:%M:%S\.\d+"),
            ("level=x ts=1795165205123 bad", "ts={LEPOCH}"),
        ] {
            let found = proposals(line.as_bytes());
            assert_eq!(found.first().map(|first| &*first.pattern), Some(pattern), "{line}");
        }
    }

    #[test]
    fn what_is_no_date_is_not_taken_for_one() {
        for line in ["sorry 192.0.2.1", "a 1.2.3.4:80 x", "id 123456789012 user 12", "", "\u{e9}"] {
            assert_eq!(proposals(line.as_bytes()), [], "{line}");
        }
    }
}
