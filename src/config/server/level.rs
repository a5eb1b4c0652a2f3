//! How much the server's own log tells: fail2ban's levels, which are Python's and four more.

use std::fmt;

use crate::text;

/// How much a line of the log matters; the greater, the more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

/// A text that names no level.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no log level '{}'; {}", text::shown(.0), Level::HELP)]
pub struct LevelError(
    /// The text.
    pub String,
);

/// Each level with its name and with what the log calls it.
const NAMES: [(Level, &str, &str); 9] = [
    (Level::CRITICAL, "CRITICAL", "CRITICAL"),
    (Level::ERROR, "ERROR", "ERROR"),
    (Level::WARNING, "WARNING", "WARNING"),
    (Level::NOTICE, "NOTICE", "NOTICE"),
    (Level::INFO, "INFO", "INFO"),
    (Level::MSG, "MSG", "MSG"),
    (Level::DEBUG, "DEBUG", "DEBUG"),
    (Level::TRACEDEBUG, "TRACEDEBUG", "TRACE"),
    (Level::HEAVYDEBUG, "HEAVYDEBUG", "HEAVY"),
];

impl Level {
    /// The server can't go on.
    pub const CRITICAL: Self = Self(50);
    /// Something was not done.
    pub const ERROR: Self = Self(40);
    /// Something is not as it ought to be.
    pub const WARNING: Self = Self(30);
    /// Bans and unbans.
    pub const NOTICE: Self = Self(25);
    /// Failures, starts, stops; what is told if nothing else is said.
    pub const INFO: Self = Self(20);
    /// What happens to the files that are followed.
    pub const MSG: Self = Self(18);
    /// What a developer wants to know.
    pub const DEBUG: Self = Self(10);
    /// Each line that is looked at.
    pub const TRACEDEBUG: Self = Self(7);
    /// All that is done with it.
    pub const HEAVYDEBUG: Self = Self(5);

    pub(super) const HELP: &str = "write CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG";

    /// Reads a name in any case or a number; numbers beyond 255 are 255.
    pub fn parse(text: &str) -> Result<Self, LevelError> {
        let upper = text.to_uppercase();
        let named = NAMES.iter().find(|(_, name, _)| *name == upper).map(|(level, ..)| *level);
        let number = || text.parse::<u32>().ok().map(|n| Self(u8::try_from(n).unwrap_or(u8::MAX)));
        named.or_else(number).ok_or_else(|| LevelError(text.to_owned()))
    }

    /// The level of a number, which needs no name.
    pub const fn from_number(number: u8) -> Self {
        Self(number)
    }

    /// fail2ban's number, as Python counts.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// What the log calls it; a level between two is called as the lower one.
    pub fn column(self) -> &'static str {
        let lower = NAMES.iter().find(|(level, ..)| *level <= self);
        lower.map_or("HEAVY", |(_, _, column)| *column)
    }
}

impl fmt::Display for Level {
    /// Its name, or its number if it has none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(level, ..)| level == self) {
            Some((_, name, _)) => f.pad(name),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ok_parse_reads_names_and_numbers() {
        for (text, level, shown) in [
            ("INFO", Level::INFO, "INFO"),
            ("notice", Level::NOTICE, "NOTICE"),
            ("25", Level::NOTICE, "NOTICE"),
            ("15", Level(15), "15"),
            ("7", Level::TRACEDEBUG, "TRACEDEBUG"),
            ("1000", Level(255), "255"),
        ] {
            let parsed = Level::parse(text).unwrap();
            assert_eq!((parsed, parsed.to_string().as_str()), (level, shown));
        }
        assert!(Level::MSG < Level::INFO && Level::MSG > Level::DEBUG);
    }

    #[test]
    fn err_parse_says_what_there_is() {
        for text in ["", "FOO", "-1", "INFO ", "1.5"] {
            let error = Level::parse(text).unwrap_err().to_string();
            let expected = format!(
                "there is no log level '{text}'; write CRITICAL, ERROR, WARNING, NOTICE, INFO or DEBUG"
            );
            assert_eq!(error, expected);
        }
    }

    #[test]
    fn the_log_calls_two_of_them_by_short_names() {
        assert_eq!(Level::TRACEDEBUG.column(), "TRACE");
        assert_eq!(Level::HEAVYDEBUG.column(), "HEAVY");
        assert_eq!((Level(35).column(), Level(0).column()), ("WARNING", "HEAVY"));
    }
}
