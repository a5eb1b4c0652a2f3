//! fail2ban-regex: tries expressions on a log and reports what they match.
//!
//! Arguments, report, streams and exit statuses are those of Debian's 1.0.2; the search is f2b's own, in parallel where a
//! filter lets it. Nothing is stored. `docs/fail2ban-regex.md` lists what differs.
//!
//! [`options`] reads the words, [`subject`] finds what REGEX means, [`trial`] runs it, [`report`] and [`out`] print.

mod dates;
mod debuggex;
mod ended;
mod header;
mod help;
mod journal;
mod options;
mod out;
mod printer;
mod report;
mod subject;
mod ticket;
mod trial;

use std::ffi::OsString;
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use self::ended::Ended;
use self::options::{Asked, Options};
use super::super::output::harmless::Harmless;
use super::super::warn;

/// The tool's name, whatever the link to it is called by.
const NAME: &str = "fail2ban-regex";

/// Runs the tool; the first word is the program's name.
pub(super) fn main(words: Vec<OsString>) -> ExitCode {
    let mut words = words.into_iter();
    let program = words.next().unwrap_or_default().to_string_lossy().into_owned();
    let stdout = io::stdout().lock();
    let stdout: Box<dyn Write> =
        if stdout.is_terminal() { Box::new(Harmless::new(stdout)) } else { Box::new(stdout) };
    let mut out = io::BufWriter::with_capacity(1 << 16, stdout);
    let usage = help::usage(&program);
    let ended = match options::parse(words) {
        Ok(asked) => answer(asked, &usage, &mut out),
        Err(wrong) => {
            // As optparse does it.
            let _ = write!(io::stderr(), "{usage}\n{NAME}: error: {wrong}\n");
            return ExitCode::from(2);
        }
    };
    conclude(ended, &mut out)
}

fn answer(asked: Asked, usage: &str, out: &mut dyn Write) -> Result<(), Ended> {
    let (options, operands) = match asked {
        Asked::Help => return Ok(write!(out, "{usage}{}", help::HELP)?),
        Asked::Version => return Ok(writeln!(out, "{NAME} {}", help::VERSION)?),
        Asked::ShortVersion => return Ok(writeln!(out, "{}", help::VERSION)?),
        Asked::Run(options, operands) => (options, operands),
    };
    let problems = problems(&options, &operands);
    if !problems.is_empty() {
        writeln!(out, "{usage}{}", help::HELP)?;
        out.flush()?;
        let _ = writeln!(io::stderr(), "\n{}", problems.join("\n"));
        return Err(Ended::silently());
    }
    trial::run(&options, &operands, out)
}

/// What is wrong with the command line as a whole.
fn problems(options: &Options, operands: &[String]) -> Vec<String> {
    let exclusive = |kind: &str| {
        format!("ERROR: --print-no-{kind} and --print-all-{kind} are mutually exclusive.")
    };
    let mut problems = Vec::new();
    if options.no_missed && options.all_missed {
        problems.push(exclusive("missed"));
    }
    if options.no_ignored && options.all_ignored {
        problems.push(exclusive("ignored"));
    }
    if !matches!(operands.len(), 2 | 3) {
        problems.push("ERROR: provide both <LOG> and <REGEX>.".to_owned());
    }
    problems
}

/// Says what went wrong, and how the process ends.
fn conclude(ended: Result<(), Ended>, out: &mut dyn Write) -> ExitCode {
    let (said, causes, status) = match ended {
        Ok(()) => (None, Vec::new(), 0),
        Err(Ended::Wrong { said, causes, status }) => (said, causes, status),
        Err(Ended::Output(error)) => return closed(&error),
    };
    let printed = said.map_or(Ok(()), |said| writeln!(out, "{said}")).and_then(|()| out.flush());
    if let Err(error) = printed {
        return closed(&error);
    }
    for cause in causes {
        warn(&format!("f2b: {cause}"));
    }
    ExitCode::from(status)
}

/// Nobody reads on, or the output can't be written.
fn closed(error: &io::Error) -> ExitCode {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return ExitCode::SUCCESS;
    }
    warn(&format!("f2b: can't write the output: {error}"));
    ExitCode::FAILURE
}

/// Whether a text is the name of a log's file, and not itself the log.
fn is_file(log: &str) -> bool {
    Path::new(log).is_file()
}
