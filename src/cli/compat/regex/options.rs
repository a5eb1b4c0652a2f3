//! The options of fail2ban-regex, read as Python's optparse reads them.
//!
//! Long options may be cut short as long as they are unambiguous, short ones bundled, and both may stand among the
//! operands; `--` ends them. What asks for help or a version takes effect where it stands: what is wrong behind it isn't
//! noticed. (optparse's manual; fail2ban 1.0.2.)

use std::ffi::OsString;

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
pub(super) struct Options {
    pub(super) config: String,
    pub(super) datepattern: Option<String>,
    pub(super) timezone: Option<String>,
    pub(super) encoding: Option<String>,
    pub(super) raw: bool,
    pub(super) usedns: String,
    pub(super) maxlines: Option<i64>,
    pub(super) journalmatch: Option<String>,
    pub(super) log_level: String,
    pub(super) verbose: i64,
    pub(super) verbose_date: bool,
    pub(super) debuggex: bool,
    pub(super) check_all: bool,
    pub(super) out: Option<String>,
    pub(super) no_missed: bool,
    pub(super) no_ignored: bool,
    pub(super) all_matched: bool,
    pub(super) all_missed: bool,
    pub(super) all_ignored: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            config: "/etc/fail2ban".to_owned(),
            datepattern: None,
            timezone: None,
            encoding: None,
            raw: false,
            usedns: "warn".to_owned(),
            maxlines: None,
            journalmatch: None,
            log_level: "critical".to_owned(),
            verbose: 0,
            verbose_date: false,
            debuggex: false,
            check_all: true,
            out: None,
            no_missed: false,
            no_ignored: false,
            all_matched: false,
            all_missed: false,
            all_ignored: false,
        }
    }
}

/// What the words ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// To try expressions: the options, and the operands.
    Run(Box<Options>, Vec<String>),
    Help,
    Version,
    ShortVersion,
}

/// An option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Opt {
    Version,
    Help,
    ShortVersion,
    Config,
    DatePattern,
    TimeZone,
    Encoding,
    Raw,
    UseDns,
    MaxLines,
    JournalMatch,
    LogLevel,
    Verbose,
    Verbosity,
    VerboseDate,
    Debuggex,
    NoCheckAll,
    Out,
    NoMissed,
    NoIgnored,
    AllMatched,
    AllMissed,
    AllIgnored,
    LogTraceback,
    FullTraceback,
}

const LONG: [(&str, Opt); 26] = [
    ("--version", Opt::Version),
    ("--help", Opt::Help),
    ("--config", Opt::Config),
    ("--datepattern", Opt::DatePattern),
    ("--timezone", Opt::TimeZone),
    ("--TZ", Opt::TimeZone),
    ("--encoding", Opt::Encoding),
    ("--raw", Opt::Raw),
    ("--usedns", Opt::UseDns),
    ("--maxlines", Opt::MaxLines),
    ("--journalmatch", Opt::JournalMatch),
    ("--log-level", Opt::LogLevel),
    ("--verbose", Opt::Verbose),
    ("--verbosity", Opt::Verbosity),
    ("--verbose-date", Opt::VerboseDate),
    ("--VD", Opt::VerboseDate),
    ("--debuggex", Opt::Debuggex),
    ("--no-check-all", Opt::NoCheckAll),
    ("--out", Opt::Out),
    ("--print-no-missed", Opt::NoMissed),
    ("--print-no-ignored", Opt::NoIgnored),
    ("--print-all-matched", Opt::AllMatched),
    ("--print-all-missed", Opt::AllMissed),
    ("--print-all-ignored", Opt::AllIgnored),
    ("--log-traceback", Opt::LogTraceback),
    ("--full-traceback", Opt::FullTraceback),
];

const SHORT: [(char, Opt); 13] = [
    ('h', Opt::Help),
    ('c', Opt::Config),
    ('d', Opt::DatePattern),
    ('e', Opt::Encoding),
    ('r', Opt::Raw),
    ('L', Opt::MaxLines),
    ('m', Opt::JournalMatch),
    ('l', Opt::LogLevel),
    ('V', Opt::ShortVersion),
    ('v', Opt::Verbose),
    ('D', Opt::Debuggex),
    ('o', Opt::Out),
    ('t', Opt::LogTraceback),
];

impl Opt {
    fn takes_value(self) -> bool {
        matches!(
            self,
            Self::Config
                | Self::DatePattern
                | Self::TimeZone
                | Self::Encoding
                | Self::UseDns
                | Self::MaxLines
                | Self::JournalMatch
                | Self::LogLevel
                | Self::Verbosity
                | Self::Out
        )
    }
}

/// Reads the words behind the program's name.
///
/// # Errors
///
/// What optparse says is wrong.
pub(super) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, String> {
    let words = words.into_iter().map(|word| word.to_string_lossy().into_owned());
    let mut parser =
        Parser { words: words.collect::<Vec<_>>().into_iter(), options: Options::default() };
    let mut operands = Vec::new();
    while let Some(word) = parser.words.next() {
        let asked = match word.as_str() {
            "--" => {
                operands.extend(parser.words.by_ref());
                None
            }
            long if long.starts_with("--") => parser.long(long)?,
            short if short.len() > 1 && short.starts_with('-') => parser.short(&short[1..])?,
            _ => {
                operands.push(word);
                None
            }
        };
        if let Some(asked) = asked {
            return Ok(asked);
        }
    }
    Ok(Asked::Run(Box::new(parser.options), operands))
}

struct Parser {
    words: std::vec::IntoIter<String>,
    options: Options,
}

impl Parser {
    fn long(&mut self, word: &str) -> Result<Option<Asked>, String> {
        let (typed, value) = match word.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (word, None),
        };
        let (name, opt) = whole(typed)?;
        let value = match (opt.takes_value(), value) {
            (true, None) => Some(self.next(name)?),
            (false, Some(_)) => return Err(format!("{name} option does not take a value")),
            (_, value) => value,
        };
        self.set(opt, name, value.unwrap_or_default())
    }

    fn short(&mut self, letters: &str) -> Result<Option<Asked>, String> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let name = format!("-{letter}");
            let known = SHORT.iter().find(|(known, _)| *known == letter);
            let Some((_, opt)) = known else { return Err(format!("no such option: {name}")) };
            let value = match (opt.takes_value(), rest.as_str()) {
                (false, _) => String::new(),
                (true, "") => self.next(&name)?,
                (true, value) => {
                    let value = value.to_owned();
                    rest = "".chars();
                    value
                }
            };
            if let Some(asked) = self.set(*opt, &name, value)? {
                return Ok(Some(asked));
            }
        }
        Ok(None)
    }

    /// The value that is a word of its own, whatever it looks like.
    fn next(&mut self, name: &str) -> Result<String, String> {
        self.words.next().ok_or_else(|| format!("{name} option requires 1 argument"))
    }

    fn set(&mut self, opt: Opt, name: &str, value: String) -> Result<Option<Asked>, String> {
        let options = &mut self.options;
        match opt {
            Opt::Version => return Ok(Some(Asked::Version)),
            Opt::Help => return Ok(Some(Asked::Help)),
            Opt::ShortVersion => return Ok(Some(Asked::ShortVersion)),
            Opt::Config => options.config = value,
            Opt::DatePattern => options.datepattern = Some(value),
            Opt::TimeZone => options.timezone = Some(value),
            Opt::Encoding => options.encoding = Some(value),
            Opt::Raw => options.raw = true,
            Opt::UseDns => options.usedns = value,
            Opt::MaxLines => options.maxlines = Some(int(name, &value)?),
            Opt::JournalMatch => options.journalmatch = Some(value),
            Opt::LogLevel => options.log_level = value,
            Opt::Verbose => options.verbose += 1,
            Opt::Verbosity => options.verbose = int(name, &value)?,
            Opt::VerboseDate => options.verbose_date = true,
            Opt::Debuggex => options.debuggex = true,
            Opt::NoCheckAll => options.check_all = false,
            Opt::Out => options.out = Some(value),
            Opt::NoMissed => options.no_missed = true,
            Opt::NoIgnored => options.no_ignored = true,
            Opt::AllMatched => options.all_matched = true,
            Opt::AllMissed => options.all_missed = true,
            Opt::AllIgnored => options.all_ignored = true,
            // They are about tracebacks, and there are none.
            Opt::LogTraceback | Opt::FullTraceback => {}
        }
        Ok(None)
    }
}

/// The long option that a text is, or begins.
fn whole(typed: &str) -> Result<(&'static str, Opt), String> {
    if let Some(exact) = LONG.iter().find(|(name, _)| *name == typed) {
        return Ok(*exact);
    }
    let mut possible: Vec<_> = LONG.iter().filter(|(name, _)| name.starts_with(typed)).collect();
    possible.sort_by_key(|(name, _)| *name);
    match possible[..] {
        [] => Err(format!("no such option: {typed}")),
        [one] => Ok(*one),
        _ => {
            let names: Vec<&str> = possible.iter().map(|(name, _)| *name).collect();
            Err(format!("ambiguous option: {typed} ({}?)", names.join(", ")))
        }
    }
}

/// A whole number as optparse has them: `0x1f`, `0b101`, `017`, with blanks around.
fn int(name: &str, text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let lower = trimmed.to_lowercase();
    let number = match (lower.strip_prefix("0x"), lower.strip_prefix("0b"), lower.strip_prefix('0'))
    {
        (Some(hex), ..) => i64::from_str_radix(hex, 16).ok(),
        (_, Some(binary), _) => i64::from_str_radix(binary, 2).ok(),
        (.., Some(octal)) if !octal.is_empty() => i64::from_str_radix(octal, 8).ok(),
        _ => trimmed.parse().ok(),
    };
    let quoted = || crate::text::quoted(text);
    number.ok_or_else(|| format!("option {name}: invalid integer value: {}", quoted()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Asked, String> {
        parse(words.iter().map(OsString::from))
    }

    fn options(words: &[&str]) -> (Options, Vec<String>) {
        match parsed(words) {
            Ok(Asked::Run(options, operands)) => (*options, operands),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn ok_options_stand_anywhere_cut_short_and_bundled() {
        let (found, operands) =
            options(&["-vrL3", "log", "--max", "0x10", "--conf=x", "re", "-vv"]);
        assert_eq!((found.verbose, found.raw, found.maxlines), (3, true, Some(16)));
        assert_eq!(found.config, "x");
        assert_eq!(operands, ["log", "re"]);
    }

    #[test]
    fn ok_behind_two_dashes_all_are_operands() {
        assert_eq!(options(&["log", "--", "-v", "--x"]).1, ["log", "-v", "--x"]);
        assert_eq!(options(&["-", "-c", "-v"]).1, ["-"]);
    }

    #[test]
    fn ok_help_and_versions_end_it() {
        assert_eq!(parsed(&["-V", "--foo"]), Ok(Asked::ShortVersion));
        assert_eq!(parsed(&["-vV"]), Ok(Asked::ShortVersion));
        assert_eq!(parsed(&["--vers"]), Ok(Asked::Version));
        assert_eq!(parsed(&["--he"]), Ok(Asked::Help));
    }

    #[test]
    fn err_says_what_optparse_says() {
        let error = |words: &[&str]| parsed(words).unwrap_err();
        assert_eq!(error(&["--foo=1"]), "no such option: --foo");
        assert_eq!(error(&["-x"]), "no such option: -x");
        assert_eq!(
            error(&["--print-no"]),
            "ambiguous option: --print-no (--print-no-ignored, --print-no-missed?)"
        );
        assert_eq!(error(&["-c"]), "-c option requires 1 argument");
        assert_eq!(error(&["--conf"]), "--config option requires 1 argument");
        assert_eq!(error(&["--version=3"]), "--version option does not take a value");
        assert_eq!(error(&["-L", "x"]), "option -L: invalid integer value: 'x'");
    }
}
