//! Options as Python's `getopt` reads them: short ones in one word, long ones cut short, all of them before the first word
//! that is none. What clap would make of the same words is something else.

/// An option as it is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    /// `c` of `-c`; `None` if there is only the long one.
    pub(super) short: Option<char>,
    /// `conf` of `--conf`; empty if there is only the short one.
    pub(super) long: &'static str,
    /// Whether a value goes with it.
    pub(super) has_value: bool,
}

/// An option as it was typed, with its value.
pub(super) type Given<'k> = (&'k Known, String);

/// The words are wrong: an option that isn't known or could be several, one without its value, or one with a value that it
/// can't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wrong;

/// The options at the beginning of `words`, and the words behind them.
pub(super) fn read<'k, 'w>(
    known: &'k [Known],
    words: &'w [String],
) -> Result<(Vec<Given<'k>>, &'w [String]), Wrong> {
    let mut given = Vec::new();
    let mut rest = words;
    while let Some((word, behind)) = rest.split_first() {
        rest = match word.strip_prefix('-') {
            Some("-") => return Ok((given, behind)),
            None | Some("") => break,
            Some(letters) => match letters.strip_prefix('-') {
                Some(long) => read_long(known, long, behind, &mut given)?,
                None => read_short(known, letters, behind, &mut given)?,
            },
        };
    }
    Ok((given, rest))
}

fn read_long<'k, 'w>(
    known: &'k [Known],
    word: &str,
    behind: &'w [String],
    given: &mut Vec<Given<'k>>,
) -> Result<&'w [String], Wrong> {
    let (name, value) = match word.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (word, None),
    };
    let option = long(known, name)?;
    match (option.has_value, value) {
        (true, None) => return next_value(option, behind, given),
        (false, Some(_)) => return Err(Wrong),
        (_, value) => given.push((option, value.unwrap_or_default().to_owned())),
    }
    Ok(behind)
}

/// A whole name goes before those that begin with it.
fn long<'k>(known: &'k [Known], name: &str) -> Result<&'k Known, Wrong> {
    if let Some(whole) = known.iter().find(|option| !name.is_empty() && option.long == name) {
        return Ok(whole);
    }
    let mut begun = known.iter().filter(|option| option.long.starts_with(name));
    match (begun.next(), begun.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(Wrong),
    }
}

fn read_short<'k, 'w>(
    known: &'k [Known],
    letters: &str,
    behind: &'w [String],
    given: &mut Vec<Given<'k>>,
) -> Result<&'w [String], Wrong> {
    for (at, letter) in letters.char_indices() {
        let option = known.iter().find(|option| option.short == Some(letter)).ok_or(Wrong)?;
        if !option.has_value {
            given.push((option, String::new()));
            continue;
        }
        let value = &letters[at + letter.len_utf8()..];
        if value.is_empty() {
            return next_value(option, behind, given);
        }
        given.push((option, value.to_owned()));
        break;
    }
    Ok(behind)
}

fn next_value<'k, 'w>(
    option: &'k Known,
    behind: &'w [String],
    given: &mut Vec<Given<'k>>,
) -> Result<&'w [String], Wrong> {
    let (value, behind) = behind.split_first().ok_or(Wrong)?;
    given.push((option, value.clone()));
    Ok(behind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [Known; 5] = [
        Known { short: Some('c'), long: "conf", has_value: true },
        Known { short: Some('v'), long: "", has_value: false },
        Known { short: None, long: "loglevel", has_value: true },
        Known { short: None, long: "logtarget", has_value: true },
        Known { short: None, long: "log", has_value: false },
    ];

    fn read_line(line: &str) -> Result<String, Wrong> {
        let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
        let (given, rest) = read(&KNOWN, &words)?;
        let given = given.iter().map(|(option, value)| {
            let letter = option.short.map(String::from).unwrap_or_default();
            format!("{}{}={value}", option.long, if option.long.is_empty() { &letter } else { "" })
        });
        Ok(format!("{} | {}", given.collect::<Vec<_>>().join(" "), rest.join(" ")))
    }

    #[test]
    fn ok_what_python_reads() {
        for (line, expected) in [
            ("", " | "),
            ("-vvc DIR ping", "v= v= conf=DIR | ping"),
            ("-vcDIR ping", "v= conf=DIR | ping"),
            ("--conf=DIR --loglevel X ping -v", "conf=DIR loglevel=X | ping -v"),
            ("--con DIR --logt=", "conf=DIR logtarget= | "),
            ("--log -v", "log= v= | "),
            ("-v -- -v", "v= | -v"),
            ("-v - -v", "v= | - -v"),
            ("--conf -v ping", "conf=-v | ping"),
            ("--conf=a=b", "conf=a=b | "),
        ] {
            assert_eq!(read_line(line), Ok(expected.to_owned()), "{line}");
        }
    }

    #[test]
    fn err_what_python_refuses() {
        for line in ["-x", "--nope", "--lo X", "-c", "--conf", "--log=1", "-vx", "--conff X"] {
            assert_eq!(read_line(line), Err(Wrong), "{line}");
        }
    }
}
